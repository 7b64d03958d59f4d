#!/usr/bin/env bash
# Installs a built batchview, moves the tree, and builds and runs the programs in consumer/ against it, found
# by find_package and by pkg-config:
#     tests/package/install.sh BUILD_DIRECTORY shared|static
# The second argument says what BUILD_DIRECTORY holds. The compilers are CC and CXX.
set -euo pipefail
consumer=$(cd "$(dirname "$0")/consumer" && pwd)
include=$(cd "$(dirname "$0")/../../include" && pwd)
build=$1 kind=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/first" >"$work/log"
mv "$work/first" "$work/moved"
prefix=$work/moved

for header in "$include"/batchview/*.h; do
  name=$(basename "$header")
  [ "$name" = ddp.h ] && ! ls "$prefix"/lib*/cmake/batchview/batchviewDdpTargets.cmake >/dev/null 2>&1 && continue
  cmp "$header" "$prefix/include/batchview/$name"
done
if grep -rI "$work/first\|$build" "$prefix"; then
  echo "the installed files name the place they were built in or installed to" >&2
  exit 1
fi
"$prefix/bin/batchview" --version

echo "-- find_package"
cmake -S "$consumer" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" || { cat "$work/log"; exit 1; }
cmake --build "$work/cmake" >"$work/log" || { cat "$work/log"; exit 1; }
"$work/cmake/consumer_c"
"$work/cmake/consumer_cpp"

echo "-- pkg-config"
directory=$(dirname "$(find "$prefix" -name batchview.pc)")
export PKG_CONFIG_PATH=$directory
static=()
[ "$kind" = shared ] || static=(--static)
read -ra cflags <<<"$(pkg-config --cflags batchview)"
read -ra libs <<<"$(pkg-config --libs "${static[@]}" batchview)"
libdir=$(pkg-config --variable=libdir batchview)
"${CC:-cc}" -std=c99 -Wall -Wextra -pedantic -Werror "${cflags[@]}" "$consumer/consumer.c" -o "$work/pc_c" "${libs[@]}"
"${CXX:-c++}" -std=c++17 -Wall -Wextra -pedantic -Werror "${cflags[@]}" "$consumer/consumer.cpp" -o "$work/pc_cpp" "${libs[@]}"
LD_LIBRARY_PATH=$libdir "$work/pc_c"
LD_LIBRARY_PATH=$libdir "$work/pc_cpp"
