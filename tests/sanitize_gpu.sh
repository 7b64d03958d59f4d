#!/usr/bin/env bash
# The tests of device tensors under compute-sanitizer, on a machine with a GPU: accesses outside memory, races on shared
# memory, uninitialised reads, and barriers.
#   tests/sanitize_gpu.sh BUILD_DIRECTORY [TOOL...]    (memcheck racecheck initcheck synccheck)
# The tools slow kernels down many times; BATCHVIEW_SANITIZE_TESTS, a filter of Google Test, takes a part.
set -euo pipefail
build=$(cd "${1:?usage: tests/sanitize_gpu.sh BUILD_DIRECTORY [TOOL...]}" && pwd)
shift
tools=("${@:-memcheck}")
[ $# -eq 0 ] && tools=(memcheck racecheck initcheck synccheck)
export BATCHVIEW_REQUIRE_GPU=1

command -v compute-sanitizer >/dev/null || { echo "tests/sanitize_gpu.sh: no compute-sanitizer in PATH" >&2; exit 1; }
for tool in "${tools[@]}"; do
  options=(--tool "$tool" --error-exitcode 86 --print-limit 20)
  # Tests provoke errors of the runtime on purpose; only what kernels do counts.
  [ "$tool" = memcheck ] && options+=(--report-api-errors no)
  for program in "$build"/tests/gpu/{device,workspace,algorithms,select}_test \
    "$build"/tests/{matrix/matrix,selection/selection,negative/negative}_device_test; do
    echo "== $tool: ${program##*/}"
    compute-sanitizer "${options[@]}" "$program" --gtest_brief=1 --gtest_filter="${BATCHVIEW_SANITIZE_TESTS:-*}"
  done
done
