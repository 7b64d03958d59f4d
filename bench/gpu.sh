#!/usr/bin/env bash
# The run book of a machine with a GPU that is there for minutes only: everything worth knowing, in two halves of less
# than 7 minutes. The first is what only a GPU can tell, and no simulator; the rest are all tests, times and counters.
#   bench/gpu.sh [--out DIRECTORY] [first|rest|PART...]     a half or some parts, in the order of --list; else all
#   bench/gpu.sh --list                                     the parts, and the seconds that each may take
# What it finds goes to text and JSON files in one directory (bench/results/DATE-DEVICE). A part that fails, or whose tool
# is missing, says so in its file and does not keep the others from running; the script then ends with status 1.
#
# Needs CMake, a CUDA toolkit and Python 3; nothing is downloaded. Without an installed Google Test, its source in
# $BATCHVIEW_GTEST_SOURCE (Debian's /usr/src/googletest, copied along) is built first; without that either, parts of tests
# cannot run. The part ranks needs NCCL. BATCHVIEW_COMMIT names the commit where there is no git. BATCHVIEW_ARCHITECTURE
# is the GPU's, as CMake names it (default: native). BATCHVIEW_BUILD is another directory of a build than build/gpu.
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/local/cuda/bin"

out=
if [ "${1:-}" = --out ]; then
  out=$2
  shift 2
fi
list=
[ "${1:-}" != --list ] || list=yes
first=(facts build clusters algorithms graphs hazards limits conversions colours sanitizer)
rest=(tests bench peers ranks counters)
case "${*:-}" in
  '' | --list) parts=("${first[@]}" "${rest[@]}") ;;
  first) parts=("${first[@]}") ;;
  rest) parts=("${rest[@]}") ;;
  *) parts=("$@") ;;
esac
for part in "${parts[@]}"; do
  [[ " ${first[*]} ${rest[*]} " == *" $part "* ]] || { echo "bench/gpu.sh: there is no part $part" >&2; exit 2; }
done
device=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -1 | tr -cs 'A-Za-z0-9\n' '-')
out=${out:-bench/results/$(date -u +%Y-%m-%d)-${device:-no-gpu}}
[ -n "$list" ] || mkdir -p "$out"
[ -n "$list" ] || out=$(cd "$out" && pwd)
build=${BATCHVIEW_BUILD:-$PWD/build/gpu}
quick=${BATCHVIEW_QUICK:+--quick} # tiny shapes, to try the script where there is only a simulator
failed=()

# part NAME SECONDS COMMAND...: runs it, if wanted, for so long at most
part() {
  local name=$1 limit=$2 start=$SECONDS
  shift 2
  [ -z "$list" ] || { printf '%-12s %4d\n' "$name" "$limit" && return; }
  [[ " ${parts[*]} " == *" $name "* ]] || return 0
  echo "== $name"
  export -f "$1"
  timeout "$limit${quick:+0}" bash -uo pipefail -c "$1" 2>&1 | tee "$out/$name.txt"
  local status=${PIPESTATUS[0]}
  [ "$status" -eq 0 ] || failed+=("$name (status $status)")
  echo "== $name: $((SECONDS - start)) s, status $status"
}

facts() {
  date -u +%Y-%m-%dT%H:%M:%SZ
  echo "commit: ${BATCHVIEW_COMMIT:-$(git rev-parse HEAD 2>/dev/null || echo unknown)}"
  git status --short 2>/dev/null | sed 's/^/changed: /'
  uname -srm
  nproc
  nvcc --version | tail -2
  nvidia-smi && nvidia-smi -q -d CLOCK,POWER,ECC
}

build() {
  local tests=OFF prefix=
  if [ -n "${BATCHVIEW_GTEST_SOURCE:-}" ]; then
    cmake -S "$BATCHVIEW_GTEST_SOURCE" -B build/gtest -DCMAKE_BUILD_TYPE=Release -DBUILD_GMOCK=OFF \
      -DCMAKE_INSTALL_PREFIX="$PWD/build/gtest/installed" >/dev/null &&
      cmake --build build/gtest -j --target install >/dev/null || return 1
    prefix=$PWD/build/gtest/installed
    tests=ON
  elif [ -d /usr/include/gtest ]; then
    tests=ON
  else
    echo "no Google Test: the tests are not built"
  fi
  cmake --preset gpu -DBATCHVIEW_TESTS=$tests -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_CUDA_ARCHITECTURES="${BATCHVIEW_ARCHITECTURE:-native}" &&
    cmake --build "$build" -j --target gpu_bench device_calls first_call cluster_sizes || return 1
  [ $tests = OFF ] || cmake --build "$build" -j --target gpu_tests one_call
}

# ---- What only a GPU can tell -----------------------------------------------------------------------------------

# run_tests PATTERN...: the tests whose names match, pattern by pattern. One that matches none is an error.
run_tests() {
  local pattern failures=0
  for pattern in "$@"; do
    echo "-- $pattern"
    (cd "$build" && ctest -L gpu -LE slow -R "$pattern" -j 4 --output-on-failure --no-tests=error) || failures=1
  done
  return $failures
}

# Blocks that reach into each other's shared memory, wide types first; host memory as the source of bulk copies
clusters() {
  run_tests 'Launches\.ClustersOfEverySize/Eager_(i32|u32|f64)( |$)' 'Launches\.ClustersOfEverySize' 'Launches\.BlocksThat' \
    'Device\.(Managed|Pinned|Pageable)Memory'
}

algorithms() { run_tests '/Algorithms\.|^Algorithms\.' '^Select\.' '^(Two)?Devices?\.' '^Workspace\.'; }

# All first uses of kernels inside a capture, each in a process of its own
graphs() { run_tests '^Device\.GraphsSeeTheDataOfTheReplay$' 'Launches\..*/Captured'; }

# Loading behind work; pixels that change meanwhile; contexts that end, are others', or were never there
hazards() {
  local algorithm loading situation lines failures=0 situations=(reset own-context)
  for algorithm in auto sort select resident minmax uint8; do
    for loading in LAZY EAGER; do
      CUDA_MODULE_LOADING=$loading "$build/bench/gpu/first_call" $algorithm ${quick:+--milliseconds 500} || failures=1
    done
    "$build/bench/gpu/first_call" $algorithm prepared ${quick:+--milliseconds 500} || failures=1
  done
  run_tests 'Torn\.' || failures=1
  [ "$(nvidia-smi -L | grep -c ^GPU)" -lt 2 ] || situations+=(second-device fresh-thread)
  for situation in "${situations[@]}"; do
    echo "-- one_call $situation"
    lines=$("$build/tests/gpu/one_call" "$situation") || failures=1
    echo "$lines"
    ! grep -E '^status [1-9]|WRONG|LOST|NOT|has a context' <<<"$lines" || failures=1
  done
  return $failures
}

# profile METRICS COMMAND...: by the hardware's counters
profile() {
  command -v ncu >/dev/null || { echo "no ncu in PATH"; return 1; }
  echo "-- ${*:3}"
  ncu --metrics "$1" --csv --page raw "${@:2}" | grep -v '^=='
}
export -f run_tests profile

# Room for clusters, and what three blocks on a multiprocessor leave of its shared memory
limits() {
  "$build/bench/gpu/cluster_sizes" || return 1
  local metrics=launch__shared_mem_config_size,launch__occupancy_limit_shared_mem,launch__occupancy_limit_registers
  profile $metrics,launch__occupancy_limit_blocks "$build/bench/gpu/device_calls" resident 64,1,256,256 f32 f32 1
}

# Every float as f16 and bf16
conversions() {
  [ -n "$quick" ] || export BATCHVIEW_EVERY_CASE=1
  run_tests 'Conversions\.'
}

# A colour map beside grey; the kernels of a selection, and of one by digits, beside each other
colours() {
  local packing batch=64x1x256x256 plane=1,1,4096,4096
  [ -z "$quick" ] || { batch=2x3x64x64 && plane=1,1,300,300; }
  for packing in "f32 to RGB" "f32 to colours"; do
    "$build/bench/gpu/gpu_bench" --only "$batch $packing" $quick || return 1
  done
  profile gpu__time_duration.sum "$build/bench/gpu/device_calls" select $plane f32 f32 1 || return 1
  profile gpu__time_duration.sum "$build/bench/gpu/device_calls" selection $plane f32 f32 1
}

sanitizer() {
  local tools=(memcheck synccheck racecheck)
  [ -z "$quick" ] || tools=(memcheck)
  BATCHVIEW_SANITIZE_TESTS='*Small*:*Workspace*:*EveryType*Eager' tests/sanitize_gpu.sh "$build" "${tools[@]}"
}

# ---- All tests, times and counters ------------------------------------------------------------------------------

tests() {
  export BATCHVIEW_REQUIRE_GPU=1 BATCHVIEW_EVERY_CASE=1
  (cd "$build" && ctest -L gpu -LE slow -j 4 --output-on-failure --no-tests=error) || return 1
  # One after another, for their memory
  [ -n "$quick" ] || (cd "$build" && BATCHVIEW_LARGE_GPU=1 ctest -L gpu_slow --output-on-failure --no-tests=error)
}

# label NAME: the lines of NAME.jsonl become NAME.json, which says where and of what they are
label() {
  python3 - "$out/$1" "$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null | head -1)" \
    "${BATCHVIEW_COMMIT:-$(git rev-parse HEAD 2>/dev/null || echo unknown)}" "$(date -u +%Y-%m-%d)" <<'PYTHON'
import json, os, sys
name, device, commit, date = sys.argv[1:]
with open(name + ".jsonl") as lines:
    results = [json.loads(line) for line in lines]
device, _, driver = device.partition(", ")
with open(name + ".json", "w") as file:
    json.dump({"device": device, "driver": driver, "commit": commit, "date": date, "results": results}, file, indent=1)
os.remove(name + ".jsonl")
PYTHON
}
export -f label

bench() { "$build/bench/gpu/gpu_bench" --json "$out/bench.jsonl" $quick && label bench; }

peers() { python3 bench/gpu/peers.py --json "$out/peers.jsonl" $quick && label peers; }

# Groups of one rank and of two on the one GPU, by real NCCL
ranks() {
  cmake -B "$build" -DBATCHVIEW_DDP=ON -DBATCHVIEW_NCCL=ON >/dev/null &&
    cmake --build "$build" -j --target group_rank_nccl train_loop_gpu &&
    (cd "$build" && BATCHVIEW_REQUIRE_GPU=1 ctest -R 'Ddp\.GroupsOverNccl' -V --no-tests=error)
}

# What the hot kernels do to memory
counters() {
  local metrics=gpu__time_duration.sum,dram__bytes_read.sum,dram__bytes_write.sum,dram__throughput.avg.pct_of_peak_sustained_elapsed
  metrics+=,sm__throughput.avg.pct_of_peak_sustained_elapsed,sm__warps_active.avg.pct_of_peak_sustained_active
  metrics+=,launch__registers_per_thread,smsp__inst_executed.sum,l1tex__data_bank_conflicts_pipe_lsu.sum
  local algorithm shape types
  while read -r algorithm shape types; do
    [ -z "$quick" ] || shape=2,1,64,64
    profile "$metrics" "$build/bench/gpu/device_calls" "$algorithm" "$shape" $types 1 || return 1
  done <<'CASES'
resident 64,1,256,256 f32 f32
resident 64,3,512,512 f32 rgb
select 1,1,4096,4096 f32 f32
select 64,3,512,512 f32 rgb
fixed 64,3,512,512 f32 f32
fixed 64,3,512,512 u8 rgb
CASES
}

export build out quick
# Seconds for each part at most: 400 and 345 in all
part facts 10 facts
part build 120 build
part clusters 25 clusters
part algorithms 40 algorithms
part graphs 15 graphs
part hazards 60 hazards
part limits 10 limits
part conversions 40 conversions
part colours 20 colours
part sanitizer 60 sanitizer
part tests 90 tests
part bench 120 bench
part peers 45 peers
part ranks 40 ranks
part counters 50 counters
[ -z "$list" ] || exit 0

echo "results in $out"
if [ ${#failed[@]} -gt 0 ]; then
  printf 'FAILED: %s\n' "${failed[@]}" | tee "$out/failed.txt"
  exit 1
fi
