"""Overlays, projections and orthogonal views against their definitions in NumPy."""

import definition
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from batchview.pictures import orthogonal_views, overlay_image, overlay_labels, project_volume

TURNS = np.array([(230, 60, 50), (60, 180, 75), (65, 105, 225), (255, 200, 30), (200, 80, 220), (60, 200, 210)])
types = st.sampled_from([np.dtype(t) for t in ("f4", "f2", "f8", "u1", "i1", "u2", "i2", "i4", "u4", "i8")])
label_types = st.sampled_from([np.dtype(t) for t in ("?", "u1", "i1", "u2", "i2", "i4", "u4", "i8", "u8")])


def overlaid(pictures, indices, colours, opacity):
    """indices: whole numbers, which pick a colour; 0 leaves the pixel."""
    a = int(np.floor(256 * opacity + 0.5))
    indices = np.broadcast_to(indices, pictures.shape[:-1])
    blended = pictures.copy()
    blended[..., :3] = (pictures[..., :3].astype(int) * (256 - a) + colours[indices] * a + 128) // 256
    return np.where((indices != 0)[..., None], blended, pictures)


def in_turns():
    return TURNS[(np.arange(256) - 1) % 6]


@given(st.data(), label_types, st.floats(0, 1), st.sampled_from([3, 4]))
def test_labels_are_laid_over_pictures(data, label_type, opacity, components):
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=4, max_side=5))
    pictures = data.draw(hnp.arrays(np.uint8, (*shape, components)))
    small = tuple(data.draw(st.sampled_from([1, n])) for n in shape)
    labels = data.draw(hnp.arrays(label_type, small, elements=hnp.from_dtype(label_type, **({} if label_type == "?" else dict(min_value=0, max_value=120)))))
    expected = overlaid(pictures, labels.astype(int), in_turns(), opacity)
    assert overlay_labels(pictures, labels, opacity=opacity) is pictures
    np.testing.assert_array_equal(pictures, expected)


def test_labels_have_colours_by_their_lowest_bits(random):
    pictures = random.integers(0, 256, (2, 5, 4, 3), np.uint8)
    labels = random.integers(0, 2**20, (5, 4)).astype(np.int32)
    labels[0] = 0
    colours = random.integers(0, 256, (256, 3), np.uint8)
    expected = np.where((labels != 0)[..., None], overlaid(pictures, labels % 256, colours.astype(int), 0.25), pictures)
    zero = (labels != 0) & (labels % 256 == 0)  # colour 0, and no background
    expected[:, zero] = (pictures[:, zero].astype(int) * 192 + colours[0].astype(int) * 64 + 128) // 256
    np.testing.assert_array_equal(overlay_labels(pictures.copy(), labels, colours=colours, opacity=0.25), expected)
    np.testing.assert_array_equal(overlay_labels(pictures.copy(), labels, colours=colours.tobytes(), opacity=0.25), expected)


@pytest.mark.parametrize("kind", ["f4", "f2", "f8", "u1"])
def test_images_are_laid_over_pictures(random, kind):
    pictures = random.integers(0, 256, (3, 6, 5, 4), np.uint8)
    image = random.random((3, 6, 5)) * (random.random((3, 6, 5)) < 0.8)
    image = (image * 255).astype(kind) if kind == "u1" else image.astype(kind)
    work = image.astype(np.float64 if kind == "f8" else np.float32)
    indices = image if kind == "u1" else (work * work.dtype.type(255)).astype(np.uint8)
    colours = random.integers(0, 256, (256, 3), np.uint8)
    expected = overlaid(pictures, indices.astype(int), colours.astype(int), 0.5)
    np.testing.assert_array_equal(overlay_image(pictures.copy(), image, colormap=colours), expected)
    hot = overlay_image(pictures.copy(), np.ones((6, 5), kind) * (255 if kind == "u1" else 1), opacity=1)
    assert (hot[..., :3] == 255).all() and (hot[..., 3] == pictures[..., 3]).all()


def projected(volume, axis, projection):
    work = volume.astype(definition.work_type(volume.dtype))
    known = ~np.isnan(work)
    with np.errstate(all="ignore"):
        if projection == "mean":  # added up from first to last, in float64
            total = np.zeros(np.delete(work.shape, axis))
            for number in range(work.shape[axis]):
                total += np.where(known.take(number, axis), work.take(number, axis).astype(np.float64), 0)
            result = total / known.sum(axis)
        else:
            edge, function = (-np.inf, np.max) if projection == "max" else (np.inf, np.min)
            result = function(np.where(known, work, edge), axis)
        return np.where(known.any(axis), result, np.nan).astype(work.dtype)


@given(hnp.arrays(types, hnp.array_shapes(min_dims=3, max_dims=3, max_side=5)), st.integers(0, 2), st.sampled_from(["max", "min", "mean"]))
def test_projections(volume, axis, projection):
    actual = project_volume(volume, axis, projection)
    expected = projected(volume, axis, projection)
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(actual, expected)
    out = np.full_like(expected, 7)
    assert project_volume(volume, axis, projection, out=out) is out
    np.testing.assert_array_equal(out, expected)


def stretched(picture, axis, pixels):
    voxels = picture.shape[axis]
    if pixels <= voxels:
        return picture
    c = np.clip((np.arange(pixels) + 0.5) * voxels / pixels - 0.5, 0, voxels - 1)
    j = np.floor(c).astype(int)
    a, b = picture.take(j, axis), picture.take(np.minimum(j + 1, voxels - 1), axis)
    return a + np.expand_dims(c - j, 1 - axis) * (b - a)


def drawn(volume, spacing, position, upright, padding, colours, **options):
    finest, views = min(spacing), []
    for axis in range(3):
        number = volume.shape[axis] // 2 if position[axis] is None else position[axis]
        grey = definition.grey(definition.normalized(volume.take(number, axis)[None, None], **options))[0, 0].astype(float)
        rows, columns = (i for i in range(3) if i != axis)
        if upright and axis < 2:
            grey, rows, columns = grey.T[::-1], columns, rows
        grey = stretched(grey, 1, int(np.floor(grey.shape[1] * spacing[columns] / finest + 0.5)))
        grey = stretched(grey, 0, int(np.floor(grey.shape[0] * spacing[rows] / finest + 0.5)))
        views.append(colours[(grey + 0.5).astype(int)])
    height, width = max(v.shape[0] for v in views), max(v.shape[1] for v in views)
    picture = np.zeros((height + 2 * padding, 3 * (width + padding) + padding, 3), np.uint8)
    for number, view in enumerate(views):
        row = padding + (height - view.shape[0]) // 2
        column = padding + number * (width + padding) + (width - view.shape[1]) // 2
        picture[row : row + view.shape[0], column : column + view.shape[1]] = view
    return picture


@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize("spacing", [(1, 1, 1), (1, 1, 3), (0.9, 2.25, 1.3)])
def test_orthogonal_views(random, spacing, upright):
    volume = random.gamma(2, 100, (11, 8, 9)).astype(np.int16)
    colours = random.integers(0, 256, (256, 3), np.uint8)
    options = dict(low=5, high=90, foreground="all")
    picture = orthogonal_views(volume, spacing=spacing, upright=upright, position=(3, None, 8), colormap=colours, **options)
    np.testing.assert_array_equal(picture, drawn(volume, spacing, (3, None, 8), upright, 2, colours, **options))
    out = np.full_like(picture, 7)
    wide = volume.astype(np.int64)
    assert orthogonal_views(wide, spacing=spacing, upright=upright, out=out) is out
    grey = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1)
    np.testing.assert_array_equal(out, drawn(wide, spacing, (None,) * 3, upright, 2, grey))


def test_one_window_for_a_volume(random):
    volume = random.gamma(2, 100, (6, 7, 8)).astype(np.float32)
    lo, hi = np.percentile(volume[volume != 0], [2, 98])
    np.testing.assert_array_equal(
        orthogonal_views(volume, scope="batch"), orthogonal_views(volume, window=(lo, hi), foreground="nonzero")
    )


def test_other_libraries(random):
    torch = pytest.importorskip("torch")
    volume = random.normal(0, 50, (6, 7, 8)).astype(np.float32)
    tensor = torch.from_numpy(volume).requires_grad_()
    projection, views = project_volume(tensor, 1), orthogonal_views(tensor)
    assert isinstance(projection, torch.Tensor) and isinstance(views, torch.Tensor)
    np.testing.assert_array_equal(projection.numpy(), projected(volume, 1, "max"))
    np.testing.assert_array_equal(views.numpy(), orthogonal_views(volume))
    for labels in (torch.arange(42).view(6, 7), torch.arange(42).view(6, 7) % 2 == 0):
        pictures = torch.zeros(2, 6, 7, 3, dtype=torch.uint8)
        assert overlay_labels(pictures, labels) is pictures
        expected = overlaid(np.zeros((2, 6, 7, 3), np.uint8), labels.numpy().astype(int), in_turns(), 0.5)
        np.testing.assert_array_equal(pictures.numpy(), expected)


def test_jax(random):
    jax = pytest.importorskip("jax", "0.5")
    volume = random.normal(0, 50, (6, 7, 8)).astype(np.float32)
    projection = project_volume(jax.numpy.asarray(volume), 0, "mean")
    assert isinstance(projection, jax.Array)
    np.testing.assert_array_equal(np.asarray(projection), projected(volume, 0, "mean"))
    with pytest.raises(TypeError, match="nobody may write to"):
        overlay_labels(jax.numpy.zeros((4, 4, 3), "uint8"), np.ones((4, 4), np.uint8))
    with pytest.raises(TypeError, match="project_volume takes JAX's arrays on the CPU alone, and none that JAX traces"):
        jax.jit(project_volume)(volume)


def test_what_is_wrong_is_named(random):
    volume, pictures = np.zeros((4, 5, 6), np.float32), np.zeros((4, 5, 3), np.uint8)
    for call, message in (
        (lambda: project_volume(volume, 3), "axis is 3"),
        (lambda: project_volume(volume, 0, "median"), "projection is 'median'; it must be one of 'max', 'min', 'mean'"),
        (lambda: project_volume(volume[0]), r"volume has shape \[5, 6\]; it must be \[H, W, D\]"),
        (lambda: orthogonal_views(volume[0]), r"volume has shape \[5, 6\]"),
        (lambda: orthogonal_views(volume, spacing=(1, 0, 1)), "spacing"),
        (lambda: orthogonal_views(volume, position=(0, 5, 0)), "position"),
        (lambda: orthogonal_views(volume, position=(0, -1, 0)), "position is .*; it must be three numbers from 0"),
        (lambda: orthogonal_views(volume, columns=0), "columns"),
        (lambda: orthogonal_views(volume, padding=-1), "padding"),
        (lambda: overlay_labels(pictures, np.ones((4, 4), np.uint8)), "labels"),
        (lambda: overlay_labels(pictures, np.ones((4, 5), np.uint8), opacity=2), "opacity"),
        (lambda: overlay_image(pictures, np.ones((4, 4))), "image"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    pictures.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        overlay_labels(pictures, np.ones((4, 5), np.uint8))
    assert not pictures.any()
