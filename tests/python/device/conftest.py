"""Arrays on a GPU, a real one or, under cusim-torch, a simulated one; skipped where there is none. PyTorch's own kernels do
not run in the simulator: what tensors hold is made on the CPU and copied."""

import importlib.util
import os
import pathlib
import sys

import pytest

torch = pytest.importorskip("torch")

ARRAYS = pathlib.Path(__file__).parents[4] / "shared/cusim/python/device_array.py"


def pytest_collection_modifyitems(items):
    if torch.cuda.is_available():
        return
    assert "BATCHVIEW_REQUIRE_GPU" not in os.environ, "there is no GPU, and BATCHVIEW_REQUIRE_GPU is set"
    for item in items:
        if pathlib.Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="there is no GPU"))


@pytest.fixture(scope="session")
def device_array():
    """The simulator's arrays without a library around them."""
    if not ARRAYS.exists() or "cusim" not in torch.cuda.get_device_name():
        pytest.skip("the simulator's device arrays are not there")
    spec = importlib.util.spec_from_file_location("device_array", ARRAYS)
    module = importlib.util.module_from_spec(spec)
    sys.modules["device_array"] = module
    spec.loader.exec_module(module)
    return module
