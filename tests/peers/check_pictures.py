#!/usr/bin/env python3
"""Compares the functions of pictures.h with what other packages make: check_pictures.py LIBRARY

Grids with torchvision's make_grid (with its description in NumPy; and with itself, where it is installed), views with
Pillow's interpolation in floating point, colours with Matplotlib's, and everything else with NumPy.
"""
import ctypes
import os
import random
import sys

try:
    import matplotlib
    import numpy as np
    import PIL
    from PIL import Image
except ImportError as error:
    sys.exit(f"check_pictures: {error}; scripts/setup.sh test installs it into .venv")
try:
    import torch
    import torchvision
except ImportError:
    torchvision = None

from library import SCOPE_BATCH, DisplayOptions, GridOptions, Library, ViewsOptions, as_they_are

SEED = int(os.environ.get("BATCHVIEW_SEED", random.SystemRandom().randrange(2**32)))
print(f"seed {SEED}")
RANDOM = np.random.default_rng(SEED)
LIBRARY = Library(sys.argv[1])


def pick(*choices):
    return choices[RANDOM.integers(len(choices))]


def poisoned(shape, kind=np.uint8):
    return np.full(shape, 0xa5, kind)


# ---- Grids ------------------------------------------------------------------------------------------------------


def make_grid(images, columns, padding, value):
    """torchvision.utils.make_grid as it is described: [B, C, H, W] to [3, rows, columns]."""
    images = np.repeat(images, 3, axis=1) if images.shape[1] == 1 else images
    if len(images) == 1:
        return images[0]
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    height, width = images.shape[2] + padding, images.shape[3] + padding
    grid = np.full((3, rows * height + padding, columns * width + padding), value, images.dtype)
    for number, image in enumerate(images):
        top, left = number // columns * height + padding, number % columns * width + padding
        grid[:, top:top + image.shape[1], left:left + image.shape[2]] = image
    return grid


def check_grid():
    shape = [RANDOM.integers(1, most) for most in (12, 2, 9, 9)]
    shape[1] = pick(1, 3)
    images = RANDOM.random(shape, np.float32)
    columns, padding, value = int(RANDOM.integers(1, 10)), int(RANDOM.integers(0, 4)), pick(0.0, 0.5, 1.0)
    expected = make_grid(images, columns, padding, value)
    if torchvision:
        theirs = torchvision.utils.make_grid(torch.from_numpy(images), nrow=columns, padding=padding, pad_value=value)
        assert np.array_equal(theirs.numpy(), expected), "the description is not torchvision's"
    grid = GridOptions(columns=columns, padding=padding, padding_value=value)
    extents = (ctypes.c_int64 * 2)()
    LIBRARY.call("bv_grid_size", images, 1, grid, extents)
    assert tuple(extents) == expected.shape[1:], (tuple(extents), expected.shape)

    values = poisoned((shape[1], *extents), np.float32)
    LIBRARY.call("bv_make_grid", images, 1, values, grid, as_they_are(), None)
    assert np.array_equal(values, expected[:shape[1]])

    # torchvision.utils.save_image: grid.mul(255).add_(0.5).clamp_(0, 255).to(uint8), channels last
    bytes_ = np.clip(expected * np.float32(255) + np.float32(0.5), 0, 255).astype(np.uint8).transpose(1, 2, 0)
    picture = poisoned((*extents, 3))
    LIBRARY.call("bv_make_grid", images, 1, picture, grid, as_they_are(), None)
    assert np.array_equal(picture, bytes_)


# ---- Overlays ---------------------------------------------------------------------------------------------------


def blend(pictures, colours, inside, opacity):
    a = int(256 * opacity + 0.5)
    laid = (pictures[..., :3].astype(np.int64) * (256 - a) + colours.astype(np.int64) * a + 128) // 256
    return np.concatenate([np.where(inside[..., None], laid, pictures[..., :3]), pictures[..., 3:]], axis=-1)


def check_overlays():
    shape = tuple(RANDOM.integers(1, 12, 3))
    pictures = RANDOM.integers(0, 256, (*shape, pick(3, 4)), np.uint8)
    opacity, before = RANDOM.random(), pictures.copy()
    colours = RANDOM.integers(0, 256, (256, 3), np.uint8)
    labels = (RANDOM.integers(0, 300, shape[pick(0, 1):]) * RANDOM.integers(0, 2, shape[-1])).astype(pick("i4", "u2", "i2", "u4"))
    LIBRARY.call("bv_overlay_labels", pictures, labels, colours.ctypes.data_as(ctypes.c_void_p), ctypes.c_double(opacity), None)
    everywhere = np.broadcast_to(labels, shape)
    assert np.array_equal(pictures, blend(before, colours[everywhere & 255], everywhere != 0, opacity))

    pictures[...] = before
    image = np.maximum(RANDOM.random(shape, np.float32) * 1.3 - 0.2, -1).astype(np.float32)
    LIBRARY.call("bv_overlay_image", pictures, image, None, ctypes.c_double(opacity), None)
    values = (np.float32(255) * np.clip(image, 0, 1)).astype(np.uint8)
    hot = np.rint(255 * matplotlib.colormaps["hot"](values)[..., :3])
    assert np.array_equal(pictures, blend(before, hot, values != 0, opacity))


# ---- Volumes ----------------------------------------------------------------------------------------------------


def three_views(volume, position, upright):
    views = [np.take(volume, position[axis], axis) for axis in range(3)]
    return [views[0].T[::-1], views[1].T[::-1], views[2]] if upright else views


def compose(views):
    """Side by side, each in the middle, and nothing between them."""
    height, width = max(len(view) for view in views), max(view.shape[1] for view in views)
    picture = np.zeros((height, 3 * width))
    for number, view in enumerate(views):
        top, left = (height - len(view)) // 2, number * width + (width - view.shape[1]) // 2
        picture[top:top + len(view), left:left + view.shape[1]] = view
    return picture


def draw_views(volume, views, options):
    extents, grid = (ctypes.c_int64 * 2)(), GridOptions(columns=3, padding=0)
    LIBRARY.call("bv_orthogonal_size", volume, views, grid, extents)
    picture = poisoned(tuple(extents))
    LIBRARY.call("bv_make_orthogonal_views", volume, picture, views, grid, options, None)
    return picture


def check_stretched_views():
    shape = RANDOM.integers(1, 15, 3)
    volume = RANDOM.integers(0, 256, shape, np.uint8)
    spacing = np.array([pick(1, 0.5, 0.8, 2.3) for _ in range(3)])
    position, upright = [int(RANDOM.integers(extent)) for extent in shape], pick(0, 1)
    pixels = np.floor(shape * (spacing / spacing.min()) + 0.5).astype(int)
    axes = [(2, 1), (2, 0), (0, 1)] if upright else [(1, 2), (0, 2), (0, 1)]
    stretched = [np.array(Image.fromarray(np.ascontiguousarray(view, np.float32)).resize((pixels[columns], pixels[rows]), Image.BILINEAR))
                 for view, (rows, columns) in zip(three_views(volume, position, upright), axes)]
    exact = compose(stretched).astype(np.float64) + 0.5
    options = as_they_are()
    options.hi = 255
    found = draw_views(volume, ViewsOptions(spacing=tuple(spacing), position=tuple(position), upright=upright), options)
    assert found.shape == exact.shape, (found.shape, exact.shape)
    # Pillow's numbers are binary32: those next to a half may go either way.
    sure = np.abs(exact - np.rint(exact)) > 1e-3
    assert np.array_equal(found[sure], np.floor(exact[sure]))
    assert np.all(np.abs(found - exact) <= 1.01)


def check_windows_of_views():
    volume = RANDOM.gamma(2, 100, RANDOM.integers(2, 12, 3)).astype(np.float32)
    volume[RANDOM.random(volume.shape) < 0.4] = 0

    def shown(x, measured):
        lo, hi = np.percentile(measured[measured != 0].astype(np.float64), [2, 98]).astype(np.float32)
        y = np.clip((x - lo) / ((hi - lo) + np.float32(1e-8)), 0, 1)
        return np.where((x == 0) | (y < np.float32(1e-3)), 0, np.floor(np.float32(255) * y))

    middle = [extent // 2 for extent in volume.shape]
    views = three_views(volume, middle, False)
    if all(view.any() for view in views):
        assert np.array_equal(draw_views(volume, None, None), compose([shown(view, view) for view in views]))
    assert np.array_equal(draw_views(volume, None, DisplayOptions(scope=SCOPE_BATCH)), compose([shown(view, volume) for view in views]))


def check_projections():
    volume = (RANDOM.standard_normal(RANDOM.integers(1, 12, 3)) * 1000).astype(pick("f4", "i2", "u1", "f8", "i4"))
    kind = np.float64 if volume.dtype in (np.float64, np.int32) else np.float32
    for axis in range(3):
        total = np.add.accumulate(volume, axis, np.float64).take(-1, axis)  # one after another
        for number, expected in enumerate((volume.max(axis), volume.min(axis), total / volume.shape[axis])):
            out = poisoned(expected.shape, kind)
            LIBRARY.call("bv_project_volume", volume, axis, number, out, None)
            assert np.array_equal(out, expected.astype(kind)), (axis, number)


# ---- Colours ----------------------------------------------------------------------------------------------------


def check_colours():
    for name, colours in LIBRARY.colour_maps().items():
        theirs = matplotlib.colormaps["gray" if name == "grey" else name](np.arange(256))
        assert np.array_equal(colours, np.rint(255 * theirs[:, :3])), name


check_colours()
for check in (check_grid, check_overlays, check_stretched_views, check_windows_of_views, check_projections):
    for _ in range(50):
        check()
print(f"pictures agree with NumPy {np.__version__}, Pillow {PIL.__version__}, Matplotlib {matplotlib.__version__}"
      + (f", torchvision {torchvision.__version__}" if torchvision else ""))
