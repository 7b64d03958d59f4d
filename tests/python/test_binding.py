"""The two extension modules: CUDA's is imported when an array on a GPU comes, and says what it lacks."""

import pathlib
import shutil
import subprocess
import sys

import pytest

import batchview

PACKAGE = pathlib.Path(batchview.__file__).parent
PROGRAM = """
import numpy, batchview
from batchview.visualization import normalize_batch_for_display

class Array:
    shape, dtype = (1, 1, 2, 2), numpy.dtype("f4")
    __cuda_array_interface__ = dict(shape=shape, typestr="<f4", data=(4096, False), version=3, strides=None)

normalize_batch_for_display(numpy.ones((1, 1, 4, 4)))
print("libcudart" in open("/proc/self/maps").read(), batchview.describe().splitlines()[0])
try:
    normalize_batch_for_display(Array(), out=Array())
except batchview.Error as error:
    print("Error:", error)
"""


def run(directory):
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=directory, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_cuda_it_says_so(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "batchview", ignore=shutil.ignore_patterns("_cuda*"))
    first, second = run(tmp_path).splitlines()
    assert first == f"False {batchview.describe().splitlines()[0]}"
    assert second == "Error: the array is on a GPU, and this batchview was built without CUDA: install it again where nvcc is found"


def test_without_a_runtime_it_says_so(tmp_path):
    """What the loader says of a library that is missing is an ImportError."""
    shutil.copytree(PACKAGE, tmp_path / "batchview", ignore=shutil.ignore_patterns("_cuda*"))
    (tmp_path / "batchview/_cuda.py").write_text("raise ImportError('libcudart.so.13: cannot open shared object file')")
    assert "Error: the array is on a GPU, and the CUDA runtime is not found: libcudart.so.13" in run(tmp_path)


@pytest.mark.skipif(not list(PACKAGE.glob("_cuda*")), reason="this package was built without CUDA")
def test_without_a_gpu_cuda_says_so(tmp_path):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    out = run(tmp_path)
    assert out.startswith("False batchview") and "cudaError" in out, out
