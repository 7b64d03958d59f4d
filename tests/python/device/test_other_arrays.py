"""Device arrays of other libraries than PyTorch: by CUDA's array interface, by DLPack, and mixed."""

import ctypes
import json
import os
import subprocess
import sys
import types

import definition
import numpy as np
import pytest
import torch

from batchview import Error, _arrays
from batchview.visualization import measure_window, normalize_batch_for_display, normalize_image_to_uint8


class Around:
    """An array that shows another's memory by one protocol alone."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.streams = array, array.shape, array.dtype, []


class Dictionary(Around):
    def __init__(self, array, **changes):
        super().__init__(array)
        self.changes = changes

    @property
    def __cuda_array_interface__(self):
        return {**self.array.__cuda_array_interface__, **self.changes}


class Capsule(Around):
    def __dlpack_device__(self):
        return self.array.__dlpack_device__()

    def __dlpack__(self, **options):
        self.streams.append(options.get("stream"))
        return self.array.__dlpack__(**options)


KINDS = [Dictionary, Capsule]


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_the_definitions(brain, device_array, kind):
    make = lambda array: kind(device_array.SimArray.from_numpy(array))
    batch, mask, out = make(brain), make(brain > 150), make(np.full_like(brain, 7))
    assert normalize_batch_for_display(batch, mask=mask, out=out) is out
    np.testing.assert_array_equal(out.array.numpy(), definition.normalized(brain, mask=brain > 150))
    windows = make(np.zeros((2, 3)))
    measure_window(batch, scope="image", counts=True, out=windows)
    np.testing.assert_array_equal(windows.array.numpy(), definition.windows(brain, scope="image"))
    with pytest.raises(TypeError, match="results on a GPU cannot be made for .*; give out="):
        normalize_batch_for_display(batch)


def test_strides_and_devices(brain, device_array):
    base = device_array.SimArray.from_numpy(brain, device=1)
    shape, strides = (2, 3, 8, 20), tuple(s // 4 * (3 if i == 2 else 1) for i, s in enumerate(brain.strides))
    view = device_array.SimArray(shape, np.float32, 1, base=base, strides=strides, offset=80)
    out = device_array.SimArray.from_numpy(np.zeros(shape, np.float32), device=1)
    normalize_batch_for_display(Dictionary(view), out=out)
    np.testing.assert_array_equal(out.numpy(), definition.normalized(brain[:, :, 1::3]))
    with pytest.raises(ValueError, match="device"):
        normalize_batch_for_display(Dictionary(view), out=device_array.SimArray(shape, np.float32, 0))


def test_streams_are_told_by_dlpack(brain, device_array):
    batch, out = (Capsule(device_array.SimArray.from_numpy(brain)) for _ in range(2))
    normalize_batch_for_display(batch, out=out)
    assert (batch.streams, out.streams) == ([None], [1])  # the default stream, by the standard
    stream = torch.cuda.Stream()
    normalize_batch_for_display(batch, out=out, stream=stream)
    assert (batch.streams[1:], out.streams[1:]) == ([stream.cuda_stream], [stream.cuda_stream])
    stream.synchronize()
    np.testing.assert_array_equal(out.array.numpy(), definition.normalized(brain))


def test_streams_are_told_by_the_interface(brain, device_array):
    """The work is on the batch's stream; another array's stream is awaited, and waits."""
    runtime = device_array.rt
    slow, fast = torch.cuda.Stream(), torch.cuda.Stream()
    batch = Dictionary(device_array.SimArray.from_numpy(brain), stream=fast.cuda_stream)
    mask = device_array.SimArray.from_numpy(np.zeros(brain.shape, np.uint8))
    later = np.ascontiguousarray(brain > 150).astype(np.uint8)
    out = torch.empty(brain.shape, device="cuda")
    with torch.cuda.stream(slow):
        runtime.cudaMemcpyAsync(
            ctypes.c_void_p(mask.ptr), ctypes.c_void_p(later.ctypes.data), ctypes.c_size_t(later.nbytes), 1,
            ctypes.c_void_p(slow.cuda_stream),
        )
        normalize_batch_for_display(batch, mask=Dictionary(mask, stream=slow.cuda_stream), out=out)
        actual = out.cpu()  # on PyTorch's current stream, `slow`
    np.testing.assert_array_equal(actual.numpy(), definition.normalized(brain, mask=later))


def test_libraries_mix(brain, device_array):
    tensor = torch.from_numpy(brain).cuda()
    mask = device_array.SimArray.from_numpy((brain > 150).astype(np.uint8))
    expected = definition.normalized(brain, mask=brain > 150)
    for kind in KINDS:
        assert torch.equal(normalize_batch_for_display(tensor, mask=kind(mask)).cpu(), torch.from_numpy(expected))
    with pytest.raises(ValueError, match="device"):
        normalize_batch_for_display(tensor, mask=brain > 150)


@pytest.mark.parametrize(
    "changes, error, message",
    [
        (dict(typestr=">f4"), TypeError, "byte order"),
        (dict(data=(0x1000, False)), (ValueError, Error), "0x1000|invalid"),
        (dict(data=(1, True)), ValueError, "read-only"),
        (dict(stream="x"), TypeError, "int"),
        (dict(mask=1), TypeError, "mask"),
        (dict(shape=(2, 2)), ValueError, "2, 2|strides"),
    ],
)
def test_hostile_dictionaries_are_refused(brain, device_array, changes, error, message):
    out = Dictionary(device_array.SimArray.from_numpy(brain), **changes)
    with pytest.raises(error, match=message):
        normalize_batch_for_display(device_array.SimArray.from_numpy(brain), out=out)


@pytest.fixture
def cupy(device_array, monkeypatch):
    """As much of CuPy as is asked for, around the simulator's arrays: CuPy itself needs more of a GPU than is simulated."""
    module = types.ModuleType("cupy")
    stream = torch.cuda.Stream()

    class Device:
        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

    class ndarray(device_array.SimArray):
        device = Device()
        __module__ = "cupy"

        def __init__(self, shape, dtype):
            super().__init__(shape, dtype)
            del self.device

        def get(self, stream=None, out=None, blocking=True):
            stream.synchronize()
            return self.numpy()

        @property
        def __cuda_array_interface__(self):
            return {**super().__cuda_array_interface__, "stream": stream.cuda_stream}

    module.ndarray = ndarray
    module.empty = ndarray
    module.cuda = types.SimpleNamespace(get_current_stream=lambda: stream, ExternalStream=torch.cuda.ExternalStream)
    monkeypatch.setitem(sys.modules, "cupy", module)
    yield module
    _arrays._by_library.pop("cupy", None)


def test_results_are_made_by_cupy(brain, cupy):
    batch = cupy.empty(brain.shape, brain.dtype)
    torch.as_tensor(batch, device="cuda").copy_(torch.from_numpy(brain))
    torch.cuda.synchronize()
    actual = normalize_batch_for_display(batch)
    assert type(actual) is cupy.ndarray and actual.dtype == np.float32
    np.testing.assert_array_equal(actual.numpy(), definition.normalized(brain))
    pictures = normalize_batch_for_display(batch, packing="rgb")
    assert type(pictures) is cupy.ndarray and pictures.shape == (2, 3, 24, 20, 3)
    image = normalize_image_to_uint8(batch)
    assert type(image) is np.ndarray
    np.testing.assert_array_equal(image, definition.image_to_uint8(brain))


PROGRAM = """
import sys, torch
from batchview.visualization import apply_window, measure_window, normalize_batch_for_display, visualize_2d_image
batch = torch.rand(2, 3, 300, 200).cuda()
for _ in range(int(sys.argv[1])):
    normalize_batch_for_display(batch, packing="rgb")
    apply_window(batch, measure_window(batch, scope="batch"), scope="batch")
    visualize_2d_image(batch[0, 0], device_output=True)
torch.cuda.synchronize()
"""


def test_the_host_waits_for_nothing(tmp_path, device_array):
    """By the simulator's own count of waits and copies, of one turn and of five."""
    totals = []
    for turns in ("1", "5"):
        environment = {**os.environ, "CUSIM_STATS": str(tmp_path / f"{turns}.json")}
        subprocess.run([sys.executable, "-c", PROGRAM, turns], env=environment, check=True)
        totals.append(json.loads((tmp_path / f"{turns}.json").read_text())["totals"])
    waits = [name for name in totals[0] if "synchron" in name or name.startswith("memcpy") or name in ("malloc", "free")]
    assert len(waits) > 8 and totals[1]["kernel_launches"] > totals[0]["kernel_launches"] > 0
    assert {name: totals[0][name] for name in waits} == {name: totals[1][name] for name in waits}
