# The README's commands. Each installs what it needs (scripts/setup.sh), builds, and runs.
#
#   make        builds the library and the program for installation, in build/release
#   make demo   draws a real brain as build/brain.png, and the pictures of docs/gallery.md in build/gallery
#   make gallery   draws the pictures of docs/gallery.md anew
#   make test   builds and runs the tests, all but the slow ones, which `make test-slow` runs (2.3 GiB of memory)
#   make test-files   reads the files that other packages ship, and compares with their readers
#   make test-python  builds the Python package and runs its tests, with PyTorch and JAX
#   make wheel  builds the Python package's wheel in build/wheels, and tests it on the oldest and the newest Python
#   make train  runs the training example as two ranks on the CPU, and names its log
#   make bench  times the library beside the same work in NumPy
#
# `make` and `make test` build the CUDA kernels too where a CUDA toolkit (nvcc) is found; where there is a GPU and none,
# set-up brings one. Their tests run on a GPU, or under the simulator in ../shared/cusim if it is there, or are skipped.

export PATH := $(CURDIR)/.venv/bin:$(PATH):/usr/local/cuda/bin:$(CURDIR)/.venv/toolkit/nvidia/cu13/bin
# Looked up when they are used, after set-up
NVCC = $(shell PATH="$(PATH)" command -v nvcc)
GPU := $(wildcard /dev/nvidia0 /dev/dxg)
SIMULATE = $(if $(NVCC),$(if $(GPU),,$(wildcard ../shared/cusim)))
# The Python package's kernels: for the GPU that is there, or for the simulator; without either none
PYTHON_CUDA = $(if $(GPU),CMAKE_CUDA_ARCHITECTURES=native,$(if $(SIMULATE),CMAKE_CUDA_ARCHITECTURES=90-virtual,BATCHVIEW_CUDA=OFF))
TEST_PRESET = $(if $(SIMULATE),simulate,$(if $(NVCC),dev,cpu-only))
BRAIN := /usr/share/mricron/templates/ch2bet.nii.gz

.PHONY: all demo gallery test test-slow test-files test-python wheel build-test set-up-test train bench clean

all:
	scripts/setup.sh build
	cmake --preset release
	cmake --build --preset release

demo:
	scripts/setup.sh demo
	cmake --preset demo
	cmake --build --preset demo
	build/demo/cli/batchview $(BRAIN) -o build/brain.png -v
	scripts/gallery.sh build/demo/cli build/gallery
	@echo "Look at build/gallery/page.png"

gallery: demo
	cd build && cp $$(grep -o 'gallery/[a-z]*\.png' ../docs/gallery.md) ../docs/gallery

test: build-test
	ctest --preset $(TEST_PRESET) -LE 'slow$(if $(SIMULATE),|gpu)' -j "$$(nproc)"
	$(if $(SIMULATE),tests/simulate.sh sm_90)

test-slow: build-test
	scripts/setup.sh slow
	ctest --preset $(TEST_PRESET) -L slow

test-files:
	scripts/setup.sh files
	cmake --preset cpu-only
	cmake --build --preset cpu-only --target batchview_program
	.venv/files/bin/python -B tests/foreign/check_files.py build/cpu-only/cli/batchview .venv/files/sources

test-python:
	scripts/setup.sh python
	.venv/bin/uv pip install --quiet --python .venv/python --no-build-isolation --no-deps --reinstall-package batchview \
	  -C build-dir=build/test-python -C cmake.define.$(PYTHON_CUDA) .
	.venv/python/bin/python -m pytest tests/python
	$(if $(SIMULATE),tests/simulate_python.sh)

wheel:
	scripts/setup.sh python
	scripts/wheel.sh

set-up-test:
	scripts/setup.sh test

build-test: set-up-test
	cmake --preset $(TEST_PRESET)
	cmake --build --preset $(TEST_PRESET)

train:
	scripts/setup.sh train
	cmake --preset demo -B build/train -DBATCHVIEW_DDP=ON -DBATCHVIEW_TENSORBOARD=ON
	cmake --build build/train --target train_loop
	rm -rf build/train/log
	mpirun $(if $(filter 0,$(shell id -u)),--allow-run-as-root) --oversubscribe -n 2 build/train/examples/train_loop build/train/log

bench:
	scripts/setup.sh bench
	cmake --preset bench
	cmake --build --preset bench
	.venv/bin/python bench/compare.py build/bench
	build/bench/bench/cores_bench

clean:
	rm -rf build
