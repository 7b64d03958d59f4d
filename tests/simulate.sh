#!/usr/bin/env bash
# The tests of device tensors (label gpu) on a machine without a GPU: under the simulator in ../shared/cusim, as several
# GPUs, in several orders of execution, and with its checkers of memory, races and barriers.
#   tests/simulate.sh [RUN...]    all runs, or those named: sm_75, sm_80, sm_90, sm_120, seeds, async, checks, calls, book,
#                                 machines, ranks
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/local/cuda/bin"

source=../shared/cusim
if [ ! -d "$source" ]; then
  echo "tests/simulate.sh: there is no simulator in $source" >&2
  exit 77
fi
build=$PWD/build/simulate
simulator=$PWD/build/cusim
logs=$build/logs
wanted=" ${*:-sm_75 sm_80 sm_90 sm_120 seeds async checks calls book machines ranks} "

# A test that finds no device fails here; tests with two devices run.
export BATCHVIEW_REQUIRE_GPU=1 CUSIM_DEVICES=2

make -C "$source" BUILD="$simulator" -j "$(nproc)" >/dev/null
cmake --preset simulate
cmake --build --preset simulate --target gpu_tests gpu_bench device_calls first_call cluster_sizes one_call log_calls
mkdir -p "$logs"

# simulate NAME EXCLUDED VARIABLE=VALUE...: all tests but slow ones and those whose name matches EXCLUDED, with these settings of the
# simulator. Its checkers only print what they find, in lines that begin with 'cusim: '.
simulate() {
  local name=$1 excluded=$2 log="$logs/$1.log" start=$SECONDS
  shift 2
  if ! (cd "$build" && env "$@" "$simulator/bin/cusim-run" \
    ctest -L gpu -LE slow -E "$excluded" -V -Q -O "$log" -j "$(nproc)"); then
    grep -E '^ *[0-9]+ - |tests passed' "$log" || true
    echo "simulate $name: FAILED, see $log"
    return 1
  fi
  if grep -E 'cusim: (initcheck|racecheck|synccheck|leak):' "$log" | sort | uniq -c | sed -n 1,20p | grep .; then
    echo "simulate $name: FAILED by the simulator's checks, see $log"
    return 1
  fi
  # As ctest prints it, so that what counts tests counts these
  grep -E 'tests passed' "$log"
  echo "simulate $name: done in $((SECONDS - start)) s"
}

for sm in 75 80 90 120; do
  [[ $wanted == *" sm_$sm "* ]] && simulate "sm_$sm" none CUSIM_SM=$sm
done
if [[ $wanted == *" seeds "* ]]; then
  # The kernels are the same in a graph.
  simulate seed_1 /Captured CUSIM_SM=90 CUSIM_SEED=1
  simulate seed_2 /Captured CUSIM_SM=75 CUSIM_SEED=2
fi
if [[ $wanted == *" async "* ]]; then
  simulate async none CUSIM_SM=90 CUSIM_ASYNC=1 CUSIM_SEED=3
fi
if [[ $wanted == *" checks "* ]]; then
  simulate checks_75 /Captured CUSIM_SM=75 CUSIM_INITCHECK=1 CUSIM_RACECHECK=1 CUSIM_SYNCCHECK=1 CUSIM_LEAKCHECK=1
  simulate checks_90 /Captured CUSIM_SM=90 CUSIM_INITCHECK=1 CUSIM_RACECHECK=1 CUSIM_SYNCCHECK=1 CUSIM_LEAKCHECK=1
fi
if [[ $wanted == *" calls "* ]]; then
  python3 bench/gpu/check_calls.py "$build/bench/gpu/device_calls" "$simulator/bin/cusim-run"
  python3 tests/tensorboard/check_log_calls.py "$build/tests/tensorboard/log_calls" "$simulator/bin/cusim-run"
  # Only that it runs and its results are right: times mean nothing here
  "$simulator/bin/cusim-run" "$build/bench/gpu/gpu_bench" --quick >"$logs/gpu_bench.log"
fi
if [[ $wanted == *" book "* ]]; then
  python3 bench/gpu/check_book.py "$build" "$simulator/bin/cusim-run"
fi
if [[ $wanted == *" machines "* ]]; then
  python3 tests/gpu/check_machines.py "$build/tests/gpu/one_call" "$simulator/bin/cusim-run"
fi
if [[ $wanted == *" ranks "* ]]; then
  # Processes with a simulated GPU each, over the simulator's NCCL
  cmake --build --preset simulate --target group_rank_nccl train_loop_gpu one_rank
  python3 tests/ddp/machines.py "$build/tests/ddp/one_rank" "$simulator/bin/cusim-run"
  (cd "$build" && BATCHVIEW_REQUIRE_GPU=1 "$simulator/bin/cusim-run" ctest -R 'Ddp.GroupsOverNccl' --output-on-failure)
fi
