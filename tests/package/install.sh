#!/usr/bin/env bash
# Installs a built batchview, moves the tree, and builds and runs the programs in consumer/ against it, found
# by find_package and by pkg-config:
#     tests/package/install.sh BUILD_DIRECTORY shared|static
# The second argument says what BUILD_DIRECTORY holds. The compilers are CC and CXX.
set -euo pipefail
consumer=$(cd "$(dirname "$0")/consumer" && pwd)
include=$(cd "$(dirname "$0")/../../include" && pwd)
docs=$(cd "$(dirname "$0")/../../docs" && pwd)
build=$1 kind=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# quietly COMMAND...: its output only if it fails
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log" && exit 1; }; }

quietly cmake --install "$build" --prefix "$work/first"
mv "$work/first" "$work/moved"
prefix=$work/moved
libdir=$(dirname "$(find "$prefix" -name pkgconfig)")
export PKG_CONFIG_PATH=$libdir/pkgconfig
programs=(consumer.c consumer.cpp)
for component in ddp tensorboard; do
  [ ! -e "$PKG_CONFIG_PATH/batchview-$component.pc" ] || programs+=(consumer_$component.c)
done
# The program that a page of the documentation begins with
documented() { awk '/^```c$/ { on = 1; next } on && /^```$/ { exit } on' "$docs/$1.md"; }

for header in "$include"/batchview/*.h; do
  name=$(basename "$header")
  case "$name" in
    ddp.h | tensorboard.h) [ -e "$PKG_CONFIG_PATH/batchview-${name%.h}.pc" ] || continue ;;
  esac
  cmp "$header" "$prefix/include/batchview/$name"
done
if grep -rIF -e "$work/first" -e "$build" "$prefix"; then
  echo "the installed files name the place they were built in or installed to" >&2
  exit 1
fi
"$prefix/bin/batchview" --version

echo "-- find_package"
quietly cmake -S "$consumer" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix"
quietly cmake --build "$work/cmake"
for program in "${programs[@]}"; do
  (cd "$work" && "cmake/${program/./_}")
done

mkdir "$work/without"
echo 'cmake_minimum_required(VERSION 3.25)
project(without LANGUAGES C CXX)
find_package(batchview REQUIRED COMPONENTS wings)' >"$work/without/CMakeLists.txt"
if cmake -S "$work/without" -B "$work/without" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" 2>&1 ||
  ! grep -q 'this batchview was built without batchview::wings' "$work/log"; then
  cat "$work/log"
  echo "a component that there is not is found, or the reason is not told" >&2
  exit 1
fi

echo "-- pkg-config"
[ "$kind" = shared ] && how=() || how=(--static)
for program in "${programs[@]}"; do
  case "$program" in
    consumer_*) package=batchview-${program#consumer_} package=${package%.c} ;;
    *) package=batchview ;;
  esac
  [ "${program##*.}" = cpp ] && compile=("${CXX:-c++}" -std=c++17) || compile=("${CC:-cc}" -std=c99)
  read -ra flags <<<"$(pkg-config --cflags --libs "${how[@]}" $package)"
  "${compile[@]}" -Wall -Wextra -pedantic -Werror "$consumer/$program" -o "$work/program" "${flags[@]}"
  (cd "$work" && LD_LIBRARY_PATH=$libdir ./program)
done
if [ -e "$PKG_CONFIG_PATH/batchview-tensorboard.pc" ]; then
  documented tensorboard >"$work/first.c"
  read -ra flags <<<"$(pkg-config --cflags --libs "${how[@]}" batchview-tensorboard)"
  "${CC:-cc}" -std=c99 -Wall -Wextra -pedantic -Werror "$work/first.c" -o "$work/program" "${flags[@]}"
  (cd "$work" && LD_LIBRARY_PATH=$libdir ./program && ls runs/first/events.out.tfevents.* >/dev/null)
fi
