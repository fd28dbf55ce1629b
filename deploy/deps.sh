#!/bin/sh
# Installs what building (`deps.sh build`) or testing (`deps.sh test`) needs and is missing: by apt
# where this user may, else it prints the line to run and stops. Changes nothing when all is there.
set -eu

what=${1:-build}

if ! command -v cargo >/dev/null 2>&1; then
    echo "A Rust toolchain (1.88 or newer) is missing. Install one:" >&2
    echo "  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh" >&2
    exit 1
fi

# RocksDB is C++ and is bound by libclang; librdkafka is built by cmake with TLS, SASL and OAuth.
build_packages="g++ cmake pkg-config libclang-dev libssl-dev libcurl4-openssl-dev libsasl2-dev zlib1g-dev"

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "This is no Debian or Ubuntu: nothing was checked. Building needs the likes of:" >&2
    echo "  $build_packages" >&2
    exit 0
fi

installed() {
    dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q '^install ok installed$'
}

missing=""
for package in $build_packages; do
    installed "$package" || missing="$missing $package"
done
if [ "$what" = test ]; then
    command -v java >/dev/null 2>&1 || missing="$missing default-jre-headless"
    command -v mvn >/dev/null 2>&1 || missing="$missing maven"
    # Debian 12 and Ubuntu 22.04 call it kcat and keep the old name as an alias.
    command -v kcat >/dev/null 2>&1 || command -v kafkacat >/dev/null 2>&1 ||
        missing="$missing kafkacat"
fi
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo"
else
    echo "Missing packages, and this user may not install them. Run:" >&2
    echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends$missing" >&2
    exit 1
fi

echo "installing:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# shellcheck disable=SC2086
$as_root apt-get install -y -qq --no-install-recommends $missing
