#!/usr/bin/env bash
# Installs a built batchview, moves the tree, and builds and runs the programs beside this file against it, found
# by find_package and by pkg-config:
#     tests/consumer/run.sh BUILD_DIRECTORY shared|static
# BUILD_DIRECTORY was built with BUILD_SHARED_LIBS as the second argument says.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$1 kind=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/first" >"$work/log"
mv "$work/first" "$work/moved"
prefix=$work/moved

for header in "$here"/../../include/batchview/*.h; do
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
cmake -S "$here" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" || { cat "$work/log"; exit 1; }
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
cc -std=c99 -Wall -Wextra -pedantic -Werror "${cflags[@]}" "$here/consumer.c" -o "$work/pc_c" "${libs[@]}"
c++ -std=c++17 -Wall -Wextra -pedantic -Werror "${cflags[@]}" "$here/consumer.cpp" -o "$work/pc_cpp" "${libs[@]}"
LD_LIBRARY_PATH=$libdir "$work/pc_c"
LD_LIBRARY_PATH=$libdir "$work/pc_cpp"
