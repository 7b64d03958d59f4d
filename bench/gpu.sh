#!/usr/bin/env bash
# The run book of a machine with a GPU that is there for minutes only: everything worth knowing, in under 9 minutes.
#   bench/gpu.sh [--out DIRECTORY] [PART...]     parts, in this order: facts build tests bench peers
#                                                ranks counters sanitizer
# What it finds goes to text and JSON files in one directory (bench/results/DATE-DEVICE). A part that fails, or whose tool
# is missing, says so in its file and does not keep the others from running; the script then ends with status 1.
#
# Needs CMake, a CUDA toolkit and Python 3; nothing is downloaded. Without an installed Google Test, its source in
# $BATCHVIEW_GTEST_SOURCE (Debian's /usr/src/googletest, copied along) is built first; without that either, the parts
# tests, ranks and sanitizer cannot run. The part ranks needs NCCL. BATCHVIEW_COMMIT names the commit where there is no git. BATCHVIEW_ARCHITECTURE is the GPU's, as CMake names it (default: native).
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/local/cuda/bin"

out=
if [ "${1:-}" = --out ]; then
  out=$2
  shift 2
fi
parts=("$@")
[ ${#parts[@]} -eq 0 ] && parts=(facts build tests bench peers ranks counters sanitizer)
device=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -1 | tr -cs 'A-Za-z0-9\n' '-')
out=${out:-bench/results/$(date -u +%Y-%m-%d)-${device:-no-gpu}}
mkdir -p "$out"
out=$(cd "$out" && pwd)
build=$PWD/build/gpu
quick=${BATCHVIEW_QUICK:+--quick} # tiny shapes, to try the script where there is only a simulator
failed=()

# part NAME SECONDS COMMAND...: runs it, if wanted, for so long at most
part() {
  local name=$1 limit=$2 start=$SECONDS
  shift 2
  [[ " ${parts[*]} " == *" $name "* ]] || return 0
  echo "== $name"
  export -f "$1"
  timeout "$limit" bash -uo pipefail -c "$1" 2>&1 | tee "$out/$name.txt"
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
    cmake --build "$build" -j --target gpu_bench device_calls || return 1
  [ $tests = OFF ] || cmake --build "$build" -j --target gpu_tests
}

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

# What the hot kernels do to memory, by the hardware's counters
counters() {
  command -v ncu >/dev/null || { echo "no ncu in PATH"; return 1; }
  local metrics=gpu__time_duration.sum,dram__bytes_read.sum,dram__bytes_write.sum,dram__throughput.avg.pct_of_peak_sustained_elapsed
  metrics+=,sm__throughput.avg.pct_of_peak_sustained_elapsed,sm__warps_active.avg.pct_of_peak_sustained_active
  metrics+=,launch__registers_per_thread,smsp__inst_executed.sum,l1tex__data_bank_conflicts_pipe_lsu.sum
  local case
  for case in "resident 64,1,256,256 f32 f32" "resident 64,3,512,512 f32 rgb" "select 1,1,4096,4096 f32 f32" \
    "select 64,3,512,512 f32 rgb" "fixed 64,3,512,512 f32 f32" "fixed 64,3,512,512 u8 rgb"; do
    echo "-- $case"
    ncu --metrics "$metrics" --csv --page raw "$build/bench/gpu/device_calls" $case 1 | grep -v '^==' || return 1
  done
}

sanitizer() { BATCHVIEW_SANITIZE_TESTS='*Small*:*Workspace*:*EveryType*Eager' tests/sanitize_gpu.sh "$build"; }

export build out quick
# Seconds for each part at most: 535 in all
part facts 10 facts
part build 120 build
part tests 90 tests
part bench 120 bench
part peers 45 peers
part ranks 40 ranks
part counters 50 counters
part sanitizer 60 sanitizer

echo "results in $out"
if [ ${#failed[@]} -gt 0 ]; then
  printf 'FAILED: %s\n' "${failed[@]}" | tee "$out/failed.txt"
  exit 1
fi
