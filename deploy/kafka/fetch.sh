#!/bin/sh
# Brings the jars of an Apache Kafka 4.1.0 broker from Maven Central into a cache folder:
# ${OMNIFOLD_KAFKA_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/omnifold/kafka-4.1.0}/lib
# Tests, demos and benchmarks start a broker from there; nothing else is installed.
# Does nothing when they are already there. Needs java (17 or newer) and mvn.
# Prints the folder.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
home=${OMNIFOLD_KAFKA_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/omnifold/kafka-4.1.0}

if [ -f "$home/complete" ]; then
    echo "$home"
    exit 0
fi

for tool in java mvn; do
    if ! command -v "$tool" >/dev/null 2>&1; then
        echo "fetch.sh: $tool is missing; on Debian or Ubuntu: apt-get install default-jre-headless maven" >&2
        exit 1
    fi
done

# Into a folder of its own first: a copy that was cut short must never look complete.
mkdir -p "$(dirname "$home")"
partial=$(mktemp -d "$home.partial.XXXXXX")
trap 'rm -rf "$partial"' EXIT
echo "fetching the Kafka 4.1.0 jars from Maven Central into $home" >&2
mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$partial/lib" >&2
touch "$partial/complete"
mkdir -p "$home"
rm -rf "$home/lib"
mv "$partial/lib" "$home/lib"
mv "$partial/complete" "$home/complete"
echo "$home"
