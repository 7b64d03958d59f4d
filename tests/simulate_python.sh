#!/usr/bin/env bash
# The Python tests of arrays on a GPU, on a machine without one: PyTorch, and what JAX calls on a GPU, with the installed package on
# two GPUs of the simulator in ../shared/cusim, where work waits, in any order that streams allow, until something waits for it.
set -euo pipefail
cd "$(dirname "$0")/.."
make -C ../shared/cusim BUILD="$PWD/build/cusim" -j "$(nproc)" >/dev/null
export BATCHVIEW_REQUIRE_GPU=1 CUSIM_DEVICES=2 CUSIM_ASYNC=1 CUSIM_SEED=${BATCHVIEW_SEED:-$RANDOM}
echo "tests/simulate_python.sh: CUSIM_SEED=$CUSIM_SEED"
build/cusim/bin/cusim-torch .venv/python/bin/python -m pytest tests/python/device "$@"
