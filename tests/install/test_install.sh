#!/bin/sh
# usage: test_install.sh BUILD_DIR CONSUMER_DIR     (CC, CMAKE, PKG_CONFIG: programs to use)
# Installs BUILD_DIR into a temporary prefix, moves it, and builds CONSUMER_DIR against it.
set -eu
build=$1
consumer=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$CMAKE" --install "$build" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/prefix" # nothing installed may know where it was
prefix=$work/prefix

for file in bin/kpu-dse include/kpu/base.h share/kpu-dse/configs/default.ini; do
  [ -e "$prefix/$file" ] || { echo "not installed: $file"; exit 1; }
done
"$prefix/bin/kpu-dse" --version

echo "== CMake package"
"$CMAKE" -S "$consumer" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$CC" \
  >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$CMAKE" --build "$work/build" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$work/build/consumer" "$prefix/share/kpu-dse/configs/default.ini" >"$work/by-cmake"
cat "$work/by-cmake"

echo "== pkg-config"
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name kpu.pc)")
export PKG_CONFIG_PATH
LD_LIBRARY_PATH=$("$PKG_CONFIG" --variable=libdir kpu)
export LD_LIBRARY_PATH
# shellcheck disable=SC2046 # flags
"$CC" -std=c11 "$consumer/consumer.c" -o "$work/consumer" $("$PKG_CONFIG" --cflags --libs kpu)
data=$("$PKG_CONFIG" --variable=datadir kpu)
"$work/consumer" "$data/configs/default.ini" >"$work/by-pkg-config"
cat "$work/by-pkg-config"

cmp "$work/by-cmake" "$work/by-pkg-config"
