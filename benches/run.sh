#!/bin/sh
# Measures everything and writes docs/benchmarks.md. Starts a Kafka broker of its own.
# ORDERS: size of the backlog; ORDERS_LARGE: a second one, to see what grows. DIR: on the disk to be
# measured. OLIST: the folder of the Olist files, for the promises; without it they are left out.
set -eu
cd "$(dirname "$0")/.."

orders=${ORDERS:-1000000}
large=${ORDERS_LARGE:-4000000}
port=${PORT:-19092}
log=$(mktemp)

cargo build --release --locked -p omnifold-kafka-testkit --example broker
target=${CARGO_TARGET_DIR:-target}
"$target/release/examples/broker" "$port" >"$log" &
guard=$!
trap 'kill "$guard" 2>/dev/null || true; rm -f "$log"' EXIT INT TERM

# It prints its address when it answers.
tries=0
until grep -q 127.0.0.1 "$log"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 120 ] || ! kill -0 "$guard" 2>/dev/null; then
        echo "run.sh: the broker does not start" >&2
        exit 1
    fi
    sleep 0.5
done

# The broker is the JVM among what the example has started.
java_below() {
    for stat in /proc/[0-9]*/stat; do
        pid=${stat#/proc/}
        pid=${pid%/stat}
        # Fields: pid (comm) state ppid
        set -- "$1" $(sed 's/.*) . //; s/ .*//' "$stat" 2>/dev/null || true)
        [ "${2:-}" = "$1" ] || continue
        if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = java ]; then
            echo "$pid"
        else
            java_below "$pid"
        fi
    done
}
pid=$(java_below "$guard" | head -n 1)

bin/omnifold bench --kafka "127.0.0.1:$port" ${pid:+--broker-pid "$pid"} ${DIR:+--dir "$DIR"} \
    ${OLIST:+--olist "$OLIST"} \
    --orders "$orders" --orders "$large" --write docs/benchmarks.md

# The published benchmark of looking ahead: a section of its own.
cargo bench --locked -p omnifold-pricing --bench published >>docs/benchmarks.md
cargo bench --locked -p omnifold-routing --bench solver >>docs/benchmarks.md
cargo bench --locked -p omnifold-routing --bench wave >>docs/benchmarks.md
