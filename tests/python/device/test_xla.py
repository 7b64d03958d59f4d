"""JAX's arrays on a GPU, as far as they can be tested without JAX's CUDA plugin: see xla_gpu.py."""

import ctypes

import definition
import numpy as np
import pytest
import torch

jax = pytest.importorskip("jax")

from batchview import _arrays
from batchview.visualization import (
    apply_window,
    measure_window,
    normalize_batch_for_display,
    normalize_image_to_uint8,
    visualize_2d_image,
    visualize_one_slice_in_3d_image,
)

INVALID_ARGUMENT, RESOURCE_EXHAUSTED = 3, 8


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    import xla_gpu

    return xla_gpu.build(tmp_path_factory.mktemp("xla"))


@pytest.fixture(params=["cuda:0", "cuda:1"])
def gpu(library, monkeypatch, request):
    import xla_gpu

    if torch.cuda.device_count() <= int(request.param[-1]):
        pytest.skip("there is one GPU")
    gpu = xla_gpu.Gpu(library, request.param)
    monkeypatch.setattr(jax.ffi, "ffi_call", gpu.ffi_call)
    monkeypatch.setattr(_arrays, "_kind_of_jax", lambda array: "jax.placed")
    with torch.cuda.device(0):
        yield gpu
    assert not gpu.memory


def same(actual, expected):
    assert actual.dtype == expected.dtype and actual.shape == expected.shape
    np.testing.assert_array_equal(np.asarray(actual), np.asarray(expected))


def test_values_are_the_definitions(brain, gpu):
    batch, mask = jax.numpy.asarray(brain), jax.numpy.asarray(brain[:, :1] > 150)
    same(normalize_batch_for_display(batch), definition.normalized(brain))
    same(normalize_batch_for_display(batch, mask=mask, scope="image"), definition.normalized(brain, mask=mask, scope="image"))
    windows = measure_window(batch, mask=mask, counts=True)
    same(windows, definition.windows(brain, mask=np.asarray(mask)))
    grey = definition.grey(definition.mapped(brain, windows, mask=np.asarray(mask)))
    same(apply_window(batch, windows, mask=mask, packing="rgb"), np.repeat(grey[..., None], 3, -1))
    colours = np.arange(768).astype(np.uint8).reshape(256, 3)
    same(normalize_batch_for_display(batch, colormap=colours), colours[definition.grey(definition.normalized(brain))])


@pytest.mark.parametrize("name", ["float16", "bfloat16", "int16", "uint8", "bool"])
def test_types(brain, gpu, name):
    batch = jax.numpy.asarray(np.minimum(brain, 120)).astype(name)
    expected = jax.numpy.asarray(definition.normalized(np.asarray(batch.astype("float32"))))
    same(normalize_batch_for_display(batch), expected.astype(name) if "float" in name else expected)


def test_pictures(random, gpu):
    volume = random.normal(0, 5, (9, 7, 5)).astype(np.float32)
    array = jax.numpy.asarray(volume)
    same(normalize_image_to_uint8(array), definition.image_to_uint8(volume))
    same(visualize_2d_image(array[0], device_output=True), np.dstack([definition.image_to_uint8(volume[0])] * 3))
    middle = definition.image_to_uint8(volume[:, 3])
    same(visualize_one_slice_in_3d_image(array, 1, device_output=True), np.dstack([middle] * 3))


def test_what_is_mapped_over_is_one_call(random, gpu):
    batches = random.gamma(2, 100, (4, 2, 3, 10, 7)).astype(np.float32)
    normalize_batch_for_display(jax.numpy.asarray(batches[0]), scope="batch")
    target, _, attributes = gpu.calls[-1]
    every = gpu.ffi_call(target, jax.ShapeDtypeStruct(batches.shape, batches.dtype), None)(batches, **attributes)
    same(every, np.stack([definition.normalized(batch, scope="batch") for batch in batches]))


def test_memory_is_xlas(random, gpu):
    batch = random.gamma(2, 100, (1, 2, 900, 900)).astype(np.float32)  # does not fit on chip
    actual = normalize_batch_for_display(jax.numpy.asarray(batch), scope="batch")
    same(actual, definition.normalized(batch, scope="batch"))
    assert len(gpu.allocated) == 1
    gpu.has_memory = False
    with pytest.raises(Exception, match="the test has no memory") as raised:
        normalize_batch_for_display(jax.numpy.asarray(batch), scope="batch")
    assert raised.value.code == RESOURCE_EXHAUSTED


def test_what_is_replayable_is_captured(brain, gpu):
    """Only enqueued, on XLA's stream, without memory: so that XLA may capture it, and replay it with other pixels."""
    windows = definition.windows(brain)[:, :2]
    apply_window(jax.numpy.asarray(brain), windows)
    normalize_batch_for_display(jax.numpy.asarray(brain), window=(50, 250))
    expected = [lambda x: definition.mapped(x, windows), lambda x: fixed(x, 50, 250)]
    gpu.has_memory = False
    for (target, arrays, attributes), value in zip(gpu.calls, expected):
        assert target == "batchview_replayable"
        result = torch.zeros(brain.nbytes, dtype=torch.uint8).to(gpu.device)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.device(gpu.device), torch.cuda.graph(graph, stream=gpu.stream):
            gpu.enqueue(target, [*arrays, (result, brain.shape, brain.dtype)], attributes)
        for factor in (1, 3):
            changed = brain * np.float32(factor)
            arrays[0][0].copy_(gpu.on_device(changed))
            graph.replay()
            torch.cuda.synchronize(gpu.device)
            same(np.frombuffer(result.cpu().numpy().tobytes(), np.float32).reshape(brain.shape), value(changed))


def fixed(batch, lo, hi):
    rows = np.tile([float(lo), float(hi)], (batch.shape[0] * batch.shape[1], 1))
    return definition.mapped(batch, rows, foreground="all")


def test_what_handlers_say_of_themselves(gpu):
    from xla_gpu import address_of

    for target, traits in (("batchview", 0), ("batchview_replayable", 1)):
        answers = (ctypes.c_int * 3)()
        for with_interface in (1, 0):
            assert gpu.library.xla_metadata(address_of(gpu.handlers[target]), with_interface, answers) == 0
            assert answers[0] == 0 and answers[2] == traits
        assert answers[1] == 1
    measure_window(jax.numpy.zeros((1, 1, 2, 2)))
    normalize_batch_for_display(jax.numpy.zeros((1, 1, 2, 2)), window="minmax")
    assert [target for target, *_ in gpu.calls] == ["batchview"] * 2


def test_errors_have_the_librarys_words(brain, gpu):
    with pytest.raises(Exception, match="low is -1") as raised:
        normalize_batch_for_display(jax.numpy.asarray(brain), -1)
    assert raised.value.code == INVALID_ARGUMENT
    with pytest.raises(Exception, match="type or number of dimensions"):
        normalize_batch_for_display(jax.numpy.asarray(brain.astype(np.complex64)))
    gpu.on_device = lambda array: torch.from_numpy(np.frombuffer(np.asarray(array).tobytes(), np.uint8).copy())
    with pytest.raises(Exception, match="not in a device's memory"):
        normalize_batch_for_display(jax.numpy.asarray(brain))
