"""PyTorch's CUDA tensors: the right answer, on the current stream, in the caching allocator's memory, in graphs."""

import gc

import definition
import numpy as np
import pytest
import torch

from batchview import tensorboard
from batchview.visualization import (
    apply_window,
    measure_window,
    normalize_batch_for_display,
    normalize_image_to_uint8,
    visualize_2d_image,
    visualize_one_slice_in_3d_image,
)


def on_gpu(array, device="cuda"):
    return torch.from_numpy(np.ascontiguousarray(array)).to(device)


def same(actual, expected):
    assert actual.is_cuda and not actual.requires_grad
    assert torch.equal(actual.cpu(), torch.from_numpy(expected)), "differs"


@pytest.mark.parametrize("name", ["float32", "float16", "bfloat16", "float64", "uint8", "int8", "int16", "int32"])
def test_types(brain, name):
    tensor = torch.from_numpy(np.minimum(brain, 120)).to(getattr(torch, name))
    expected = normalize_batch_for_display(tensor)
    actual = normalize_batch_for_display(tensor.cuda())
    assert actual.dtype == expected.dtype and actual.device == torch.device("cuda", 0)
    assert torch.equal(actual.cpu(), expected)


def test_values_are_the_definitions(brain):
    tensor = on_gpu(brain).requires_grad_()
    same(normalize_batch_for_display(tensor), definition.normalized(brain))
    same(normalize_batch_for_display(tensor, 5, 60, scope="batch"), definition.normalized(brain, 5, 60, "batch"))
    same(normalize_batch_for_display(tensor, algorithm="sort"), definition.normalized(brain))
    assert torch.equal(tensor.detach().cpu(), torch.from_numpy(brain))
    grey = definition.grey(definition.normalized(brain))
    same(normalize_batch_for_display(tensor, packing="rgb"), np.repeat(grey[..., None], 3, -1))
    same(normalize_batch_for_display(tensor, packing="image_rgb"), np.ascontiguousarray(grey.transpose(0, 2, 3, 1)))


def test_masks_outputs_and_views(brain):
    mask = brain > 150
    out = on_gpu(np.full_like(brain, 7))
    assert normalize_batch_for_display(on_gpu(brain), mask=on_gpu(mask), out=out) is out
    same(out, definition.normalized(brain, mask=mask))
    channels_last = torch.from_numpy(brain).to(memory_format=torch.channels_last).cuda()
    actual = normalize_batch_for_display(channels_last)
    assert actual.is_contiguous(memory_format=torch.channels_last)
    same(actual, definition.normalized(brain))
    same(normalize_batch_for_display(on_gpu(brain)[:, 1:, ::3, 2:-1]), definition.normalized(brain[:, 1:, ::3, 2:-1]))
    assert normalize_batch_for_display(on_gpu(brain)[:0]).shape == (0, 3, 24, 20)


def test_windows(brain):
    windows = measure_window(on_gpu(brain), counts=True)
    same(windows, definition.windows(brain))
    same(apply_window(on_gpu(brain), windows), definition.normalized(brain))


def test_single_images(random):
    volume = random.normal(0, 5, (9, 7, 5)).astype(np.float32)
    tensor = on_gpu(volume)
    np.testing.assert_array_equal(normalize_image_to_uint8(tensor), definition.image_to_uint8(volume))
    middle = np.dstack([definition.image_to_uint8(volume[:, 3])] * 3)
    np.testing.assert_array_equal(visualize_one_slice_in_3d_image(tensor, 1), middle)
    same(visualize_2d_image(tensor[:, 3], device_output=True), middle)


def test_what_is_logged_is_what_the_cpu_logs(brain):
    class Writer:
        def __init__(self):
            self.images = []

        def add_image(self, tag, image, global_step, dataformats):
            self.images.append(image)

    labels = (brain[:, 0] > 200).astype(np.uint8)
    here, there = Writer(), Writer()
    stream = torch.cuda.Stream()
    for options in (dict(), dict(overlay=labels), dict(spacing=(2, 1), grid=False)):
        tensorboard.log_images(here, "a", torch.from_numpy(brain[:, :2]), 1, **options)
        if "overlay" in options:
            options["overlay"] = on_gpu(labels)
        tensorboard.log_images(there, "a", on_gpu(brain[:, :2]), 1, **options)
    tensorboard.log_images(here, "a", torch.from_numpy(brain), 1)
    tensorboard.log_images(there, "a", on_gpu(brain), 1, stream=stream)
    tensorboard.flush()
    assert len(here.images) == len(there.images) == 7
    for mine, other in zip(here.images, there.images):
        np.testing.assert_array_equal(mine, other)


def test_work_is_on_the_current_stream(brain):
    """Captured in a graph: whatever was put on another stream would break the capture, as would a wait."""
    batch, mask = on_gpu(brain), on_gpu(brain > 50)
    normalize_batch_for_display(batch)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        values = normalize_batch_for_display(batch, mask=mask)
        windows = measure_window(batch, scope="batch")
        pictures = apply_window(batch, windows, scope="batch", packing="rgb")
        image = visualize_2d_image(batch[0, 0], device_output=True)
    for factor in (1, 3):
        changed = brain * np.float32(factor) + np.float32(factor)
        batch.copy_(torch.from_numpy(changed))
        graph.replay()
        torch.cuda.synchronize()
        same(values, definition.normalized(changed, mask=brain > 50))
        grey = definition.grey(definition.normalized(changed, scope="batch"))
        same(pictures, np.repeat(grey[..., None], 3, -1))
        same(image, np.dstack([definition.image_to_uint8(changed[0, 0])] * 3))


def test_streams_of_the_callers(brain):
    side, given = torch.cuda.Stream(), torch.cuda.Stream()
    with torch.cuda.stream(side):
        batch = on_gpu(brain)
        actual = normalize_batch_for_display(batch)
        same(actual, definition.normalized(brain))
    for stream in (given, given.cuda_stream):
        actual = normalize_batch_for_display(on_gpu(brain), stream=stream)
        torch.cuda.current_stream().wait_stream(given)
        same(actual, definition.normalized(brain))
    image = normalize_image_to_uint8(on_gpu(brain), stream=given)  # of the host, and so waited for
    np.testing.assert_array_equal(image, definition.image_to_uint8(brain))
    with pytest.raises(TypeError, match="stream is 'side'"):
        normalize_batch_for_display(batch, stream="side")


def test_memory_is_the_caching_allocators(brain):
    batch = on_gpu(brain)
    normalize_batch_for_display(batch)
    gc.collect()
    before = torch.cuda.memory_allocated()
    result = normalize_batch_for_display(batch)
    assert torch.cuda.memory_allocated() - before == -(-result.nbytes // 512) * 512
    del result
    assert torch.cuda.memory_allocated() == before


def test_a_freed_batch_is_not_given_away_too_early(brain):
    """Results and inputs of a side stream's work die at once; the allocator must wait before it uses them again."""
    stream = torch.cuda.Stream()
    kept = []
    for number in range(8):
        changed = brain + np.float32(number)
        kept.append((changed, normalize_batch_for_display(on_gpu(changed), stream=stream)))
        torch.empty(brain.size, device="cuda").copy_(torch.full((brain.size,), -1.0))
    torch.cuda.current_stream().wait_stream(stream)
    for changed, actual in kept:
        same(actual, definition.normalized(changed))


def test_another_device_than_the_current_one(brain):
    if torch.cuda.device_count() < 2:
        pytest.skip("there is one GPU")
    batch = on_gpu(brain, "cuda:1")
    actual = normalize_batch_for_display(batch, packing="rgb")
    assert actual.device == torch.device("cuda", 1) and torch.cuda.current_device() == 0
    same(actual, np.repeat(definition.grey(definition.normalized(brain))[..., None], 3, -1))
    assert isinstance(normalize_image_to_uint8(batch), np.ndarray)
    with pytest.raises(ValueError, match="device"):
        normalize_batch_for_display(batch, out=torch.empty_like(batch, device="cuda:0"))
    with pytest.raises(ValueError, match="device"):
        normalize_batch_for_display(batch, mask=torch.ones(batch.shape, dtype=torch.uint8))
    with pytest.raises(ValueError, match="an array on device 1 in a call whose first array is on the CPU"):
        normalize_batch_for_display(brain, out=batch)


def test_compiled(brain):
    tensor = on_gpu(brain)
    compiled = torch.compile(lambda x: normalize_batch_for_display(x, packing="rgb"), fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(tensor).cpu(), normalize_batch_for_display(torch.from_numpy(brain), packing="rgb"))
    torch.compiler.reset()


def test_errors_are_named(brain):
    with pytest.raises(ValueError, match="low"):
        normalize_batch_for_display(on_gpu(brain), -1)
    with pytest.raises(TypeError, match="dtype"):
        normalize_batch_for_display(torch.zeros(1, 1, 2, 2, dtype=torch.complex64).cuda())
