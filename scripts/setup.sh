#!/usr/bin/env bash
# Installs the packages that one of the Makefile's commands needs, on Debian 12, Ubuntu 22.04 and 24.04:
#     scripts/setup.sh build|demo|test|slow|files|train|bench|python|ci
# Does nothing where all of them are there. Uses apt as root or through sudo, and says what it installs. Python
# packages, and CMake where the distribution's is older than 3.25 (Ubuntu 22.04), go to .venv in this directory.
set -euo pipefail
cd "$(dirname "$0")/.."

program="gcc g++ cmake ninja-build zlib1g-dev libpng-dev libtiff-dev"
dicom="libdcmtk-dev"
show="libchafa-dev libglib2.0-dev pkg-config"
ranks="libsodium-dev"
tests="libgtest-dev libdlpack-dev python3-venv pkg-config libopenmpi-dev openmpi-bin mricron-data iproute2"
simulator=
[ ! -d ../shared/cusim ] || simulator=libzstd-dev # of CUDA devices
tests+=" $simulator"
browser= # Ubuntu's is a snap, which sees no files of others
! grep -qx ID=debian /etc/os-release || browser=chromium-headless-shell
mpich=
case "${1:-}" in
  build) packages="$program $dicom $show $ranks" python= ;;
  demo) packages="$program mricron-data" python= ;;
  test) packages="$program $dicom $show $ranks $tests" python="numpy SimpleITK nibabel matplotlib pydicom==3.0.2 tensorboard" mpich=yes ;;
  slow) packages=$browser python= ;; # beside those of test
  files) packages="$program $dicom $show $ranks $tests" python= ;;
  train) packages="$program $ranks libopenmpi-dev openmpi-bin" python= ;;
  bench) packages="$program libbenchmark-dev python3-venv mricron-data" python=numpy ;;
  ci)
    packages="$program $dicom $show $ranks $tests clang clang-tidy clang-format libclang-rt-dev libomp-dev libbenchmark-dev git $browser"
    python="numpy SimpleITK nibabel matplotlib pydicom==3.0.2 tensorboard" mpich=yes
    ;;
  python) packages="$program python3-venv python3-dev mricron-data $simulator" python= ;;
  *) echo "usage: scripts/setup.sh build|demo|test|slow|files|train|bench|python|ci" >&2 && exit 2 ;;
esac

# fail MESSAGE
fail() { echo "setup: $1" >&2 && exit 1; }

# at_least A B: is version A at least version B?
at_least() { printf '%s\n' "$2" "$1" | sort -CV; }

# The names among "$@" that dpkg does not have installed.
missing() {
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || echo "$package"
  done
}

install() {
  command -v apt-get >/dev/null || fail "no apt-get here; install by hand what corresponds to: $*"
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
      fail "these packages are missing, and there is neither root nor sudo to install them: $*"
    as_root=(sudo)
  fi
  echo "setup: installing with apt-get: $*"
  "${as_root[@]}" apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

# Packages for .venv, by name from PyPI.
install_python() {
  [ -x .venv/bin/pip ] || python3 -m venv .venv
  echo "setup: installing with pip into .venv: $*"
  .venv/bin/pip install --quiet --disable-pip-version-check "$@"
}

# nvcc and what it needs from PyPI, in .venv/toolkit, where there is a GPU's driver and no toolkit. PyPI has whole ones
# from CUDA 13 on, whose programs need a driver of release 580 or later.
install_toolkit() {
  local toolkit=.venv/toolkit/nvidia/cu13 driver
  [ -e /dev/nvidia0 ] || [ -e /dev/dxg ] || return 0
  ! PATH="$PATH:/usr/local/cuda/bin:$PWD/$toolkit/bin" command -v nvcc >/dev/null || return 0
  driver=$(sed -n 's/^NVRM.* \([0-9][0-9.]*[0-9]\)  .*/\1/p' /proc/driver/nvidia/version 2>/dev/null || true)
  if [ -n "$driver" ] && ! at_least "$driver" 580; then
    echo "setup: no CUDA toolkit, and driver $driver is too old for the one from PyPI: building without CUDA"
    return 0
  fi
  wanted=$(missing python3-venv)
  [ -z "$wanted" ] || install $wanted
  install_python --target .venv/toolkit nvidia-cuda-nvcc nvidia-cuda-crt nvidia-nvvm nvidia-cuda-cccl nvidia-cuda-runtime
  ln -sf libcudart.so.13 "$toolkit/lib/libcudart.so" # which linkers look for
}

# The disassembler of machine code, for bench/gpu/cost.py, where the toolkit came without.
install_disassembler() {
  local toolkit=$PATH:/usr/local/cuda/bin
  PATH=$toolkit command -v nvcc >/dev/null || return 0
  ! PATH=$toolkit command -v nvdisasm >/dev/null || ! PATH=$toolkit command -v cuobjdump >/dev/null || return 0
  [ ! -x .venv/cuda/nvidia/cu13/bin/nvdisasm ] || return 0
  install_python --no-deps --target .venv/cuda nvidia-cuda-cuobjdump nvidia-cuda-nvdisasm
}

# An environment of its own in .venv/python, for the tests of the Python package: hundreds of megabytes, so that it is
# made again only when what it is made of has changed.
install_python_tests() {
  local place=.venv/python torch=tests/python/requirements-torch.txt others=tests/python/requirements.txt
  ! cat "$torch" "$others" | cmp -s - "$place/installed" || return 0
  [ -x .venv/bin/uv ] || install_python uv
  echo "setup: making $place with what $torch and $others list"
  .venv/bin/uv venv --quiet --clear --python "$(command -v python3)" "$place"
  if [[ $(ldconfig -p) == *libcublas.so.13* ]]; then
    .venv/bin/uv pip install --quiet --python "$place" --no-deps -r "$torch"
    .venv/bin/uv pip install --quiet --python "$place" typing_extensions filelock fsspec jinja2 networkx sympy setuptools
  else
    .venv/bin/uv pip install --quiet --python "$place" -r "$torch"
  fi
  .venv/bin/uv pip install --quiet --python "$place" -r "$others"
  cat "$torch" "$others" >"$place/installed"
}

# An environment of its own in .venv/files for the comparison with other packages' readers on the files that they ship, and
# Pillow's sources, whose many pictures its wheels lack.
install_foreign_files() {
  local place=.venv/files list=tests/foreign/requirements.txt
  ! cmp -s "$list" "$place/installed" || return 0
  echo "setup: making $place with what $list names, and Pillow's sources"
  rm -rf "$place"
  python3 -m venv "$place"
  sed '/^# ----/,$d' "$list" | "$place/bin/pip" install --quiet --disable-pip-version-check -r /dev/stdin
  sed '1,/^# ----/d' "$list" | "$place/bin/pip" install --quiet --disable-pip-version-check --no-deps -r /dev/stdin
  "$place/bin/pip" download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest "$place/sources" pillow
  tar -xzf "$place"/sources/*.tar.gz -C "$place/sources"
  rm "$place"/sources/*.tar.gz
  cp "$list" "$place/installed"
}

cmake_version() { PATH="$PWD/.venv/bin:$PATH" cmake --version | sed -n 's/^cmake version //p'; }

wanted=$(missing $packages)
[ -z "$wanted" ] || install $wanted

if ! at_least "$(cmake_version)" 3.25; then
  echo "setup: CMake $(cmake_version) is too old, 3.25 is needed"
  wanted=$(missing python3-venv)
  [ -z "$wanted" ] || install $wanted
  install_python 'cmake>=3.25'
fi
if [ -n "$mpich" ] && [ ! -x .venv/mpich/bin/mpiexec ]; then
  # Not among .venv's own programs, where it would hide the system's MPI.
  install_python --prefix "$PWD/.venv/mpich" mpich
fi
for package in $python; do
  .venv/bin/python -c "import ${package%%=*}" 2>/dev/null || install_python "$package"
done
[ "$1" != python ] || install_python_tests
[ "$1" != files ] || install_foreign_files
case "$1" in
  build | test | python | ci) install_toolkit ;;
esac
case "$1" in
  test | ci) [ ! -d ../shared/perf ] || install_disassembler ;;
esac
