"""Overlays, projections and orthogonal views of PyTorch's tensors on a GPU."""

import numpy as np
import pytest
import torch
from test_pictures import drawn, in_turns, overlaid, projected

from batchview.pictures import orthogonal_views, overlay_image, overlay_labels, project_volume


def on_gpu(array, device="cuda"):
    return torch.from_numpy(np.ascontiguousarray(array)).to(device)


def same(actual, expected):
    assert actual.is_cuda
    np.testing.assert_array_equal(actual.cpu().numpy(), expected)


@pytest.mark.parametrize("label_type", ["uint8", "int32", "bool"])
def test_overlays(random, label_type):
    pictures = random.integers(0, 256, (2, 9, 7, 3), np.uint8)
    labels = random.integers(0, 5, (9, 7)).astype(label_type)
    target = on_gpu(pictures)
    assert overlay_labels(target, on_gpu(labels)) is target
    expected = overlaid(pictures, labels.astype(int), in_turns(), 0.5)
    same(target, expected)
    image = random.random((9, 7)).astype(np.float32)
    colours = random.integers(0, 256, (256, 3), np.uint8)
    overlay_image(target, on_gpu(image), colormap=colours, opacity=0.75)
    same(target, overlaid(expected, (image * np.float32(255)).astype(np.uint8).astype(int), colours.astype(int), 0.75))


def test_volumes(random):
    volume = random.gamma(2, 100, (11, 8, 9)).astype(np.int16)
    tensor = on_gpu(volume)
    for axis, projection in enumerate(("max", "min", "mean")):
        same(project_volume(tensor, axis, projection), projected(volume, axis, projection))
    grey = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1)
    same(orthogonal_views(tensor, spacing=(1, 2, 1.5)), drawn(volume, (1, 2, 1.5), (None,) * 3, False, 2, grey))


def test_streams_and_devices(random):
    volume = random.gamma(2, 100, (6, 5, 7)).astype(np.float32)
    stream = torch.cuda.Stream()
    actual = project_volume(on_gpu(volume), stream=stream)
    torch.cuda.current_stream().wait_stream(stream)
    same(actual, projected(volume, 2, "max"))
    if torch.cuda.device_count() > 1:
        actual = orthogonal_views(on_gpu(volume, "cuda:1"))
        assert actual.device == torch.device("cuda", 1)
        same(actual, orthogonal_views(volume))
    with pytest.raises(ValueError, match="device"):
        overlay_labels(on_gpu(np.zeros((4, 4, 3), np.uint8)), torch.ones(4, 4, dtype=torch.uint8))
