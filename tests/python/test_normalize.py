"""Batches against the definition in NumPy: every option, type, stride and value."""

import sys
import types

import definition
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import batchview
from batchview.visualization import apply_window, measure_window, normalize_batch_for_display

TYPES = ["f4", "f2", "f8", "u1", "i1", "u2", "i2", "i4", "u4"]
WIDE_TYPES = ["i8", "u8"]


def same(actual, expected):
    assert actual.dtype == expected.dtype and actual.shape == expected.shape
    np.testing.assert_array_equal(actual.view(f"u{actual.itemsize}"), expected.view(f"u{expected.itemsize}"))


def result_type(dtype):
    return np.dtype(dtype) if np.dtype(dtype).kind == "f" else np.dtype("f4")


def rounded(values, dtype):
    with np.errstate(over="ignore"):
        return values.astype(dtype)


@st.composite
def batches(draw, types=tuple(TYPES)):
    """Any shape up to 4 dimensions' limits, any values, ties and zeros often; any order of axes, steps and flips."""
    dtype = np.dtype(draw(st.sampled_from(types)))
    shape = draw(hnp.array_shapes(min_dims=4, max_dims=4, min_side=0, max_side=6))
    values = (
        st.floats(width=dtype.itemsize * 8, allow_nan=True, allow_infinity=True)
        if dtype.kind == "f"
        else hnp.from_dtype(dtype)
    )
    few = st.sampled_from([0, 1, 2, 100])
    array = draw(hnp.arrays(dtype, shape, elements=st.one_of(values, few.map(dtype.type))))
    axes = draw(st.permutations(range(4)))
    array = np.ascontiguousarray(array.transpose(axes)).transpose(np.argsort(axes))
    return array[tuple(slice(None, None, draw(st.sampled_from([1, 1, 2, -1, -2]))) for _ in range(4))]


percentiles = st.one_of(st.sampled_from([0.0, 2.0, 50.0, 98.0, 100.0]), st.floats(0, 100))


@given(batches(), percentiles, percentiles, st.sampled_from(["plane", "image", "batch"]), st.sampled_from(["nonzero", "all"]))
def test_windows_are_numpys_percentiles(batch, p, q, scope, foreground):
    low, high = sorted((p, q))
    actual = measure_window(batch, low, high, counts=True, scope=scope, foreground=foreground)
    expected = definition.windows(batch, low, high, scope, foreground)
    if batch.size:
        np.testing.assert_array_equal(actual, expected)  # (the two zeros count as one)


@given(batches(), st.sampled_from(["plane", "image", "batch"]), st.sampled_from(["percentile", "minmax"]))
def test_values_are_the_definitions(batch, scope, window):
    before = batch.copy()
    actual = normalize_batch_for_display(batch, scope=scope, window=window)
    same(actual, rounded(definition.normalized(batch, scope=scope, window=window), result_type(batch.dtype)))
    same(np.ascontiguousarray(batch), before)


def test_infinities_are_the_ends_in_an_infinite_window():
    greatest = np.finfo(np.float64).max
    batch = np.array([[[[0, greatest / 100], [np.inf, -greatest]]]])
    with np.errstate(over="ignore"):
        assert np.isinf(definition.windows(batch)[0, :2]).all()
        same(normalize_batch_for_display(batch), definition.normalized(batch))
    assert normalize_batch_for_display(batch)[0, 0, 1].tolist() == [1, 0]


@given(batches(types=tuple(WIDE_TYPES)))
def test_integers_of_64_bits_are_taken_as_float64(batch):
    with np.errstate(all="ignore"):
        expected = definition.normalized(batch.astype(np.float64)).astype(np.float32)
    same(normalize_batch_for_display(batch), expected)


@given(batches(), st.data())
def test_a_mask_says_what_is_measured_and_shown(batch, data):
    shape = tuple(data.draw(st.sampled_from([1, n])) for n in batch.shape)
    mask = data.draw(hnp.arrays(st.sampled_from([np.dtype("?"), np.dtype("u1")]), shape))
    actual = normalize_batch_for_display(batch, mask=mask)
    same(actual, rounded(definition.normalized(batch, mask=mask), result_type(batch.dtype)))


@pytest.mark.parametrize("dtype", ["float32", np.float16, np.dtype("f8")])
def test_dtype_is_the_results(brain, dtype):
    same(normalize_batch_for_display(brain, dtype=dtype), definition.normalized(brain).astype(dtype))


def test_bool_pixels_are_0_and_1(random):
    batch = random.random((1, 1, 8, 8)) < 0.5
    same(normalize_batch_for_display(batch), definition.normalized(batch.astype(np.uint8)))


@pytest.mark.parametrize("rounding", ["truncate", "nearest"])
def test_pictures_are_the_values_in_8_bits(brain, rounding):
    grey = definition.grey(definition.normalized(brain), rounding)
    draw = lambda **options: normalize_batch_for_display(brain, rounding=rounding, **options)
    same(draw(dtype="uint8"), grey)
    same(draw(packing="rgb"), np.repeat(grey[..., None], 3, -1))
    opaque = np.full_like(grey, 255)
    same(draw(packing="rgba"), np.stack([grey, grey, grey, opaque], -1))
    same(draw(packing="image_rgb"), np.ascontiguousarray(grey.transpose(0, 2, 3, 1)))
    same(draw(packing="image_rgba"), np.stack([grey[:, 0], grey[:, 1], grey[:, 2], opaque[:, 0]], -1))


def test_colour_maps_are_looked_up(brain, random):
    colours = random.integers(0, 256, (256, 3), np.uint8)
    expected = colours[definition.grey(definition.normalized(brain))]
    same(normalize_batch_for_display(brain, colormap=colours), expected)
    same(normalize_batch_for_display(brain, colormap=colours.tobytes()), expected)
    # As Matplotlib's, whose 256 colours are RGBA
    mapping = lambda index, bytes: np.concatenate([colours, np.full((256, 1), 9, np.uint8)], 1)[index]
    same(normalize_batch_for_display(brain, colormap=mapping), expected)


def test_colour_maps_have_names(brain, monkeypatch):
    grey = definition.grey(definition.normalized(brain))
    # Their first and last colours, as published; all of them are compared with Matplotlib's in the library's own tests
    known = {
        "grey": ((0, 0, 0), (255, 255, 255)),
        "bone": ((0, 0, 0), (255, 255, 255)),
        "viridis": ((68, 1, 84), (253, 231, 37)),
        "magma": ((0, 0, 4), (252, 253, 191)),
        "turbo": ((48, 18, 59), (122, 4, 3)),
    }
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # as if it were missing
    for name, (first, last) in known.items():
        picture = normalize_batch_for_display(brain, colormap=name)
        assert (picture[grey == 0] == first).all() and (picture[grey == 255] == last).all()
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 100
    assert (normalize_batch_for_display(brain, colormap="hot")[grey == 255] == 255).all()
    with pytest.raises(ValueError, match="colormap is 'jet', which would be Matplotlib's, .* there are 'grey', 'bone', 'hot'"):
        normalize_batch_for_display(brain, colormap="jet")


def test_other_names_are_matplotlibs(brain, random, monkeypatch):
    colours = random.integers(0, 256, (256, 3), np.uint8)
    mapping = lambda index, bytes: colours[index]
    monkeypatch.setitem(sys.modules, "matplotlib", types.SimpleNamespace(colormaps={"spring": mapping}))
    same(normalize_batch_for_display(brain, colormap="spring"), colours[definition.grey(definition.normalized(brain))])
    with pytest.raises(ValueError, match="colormap is 'jet', which Matplotlib does not know; there are 'grey'"):
        normalize_batch_for_display(brain, colormap="jet")


def test_windows_of_ct_have_names(random):
    """Level and width as the literature has them; 0 is water, no background."""
    batch = random.integers(-1024, 3000, (1, 2, 40, 30)).astype(np.int16)
    batch[:, :, :3] = 0
    for name, level, width in (("lung", -600, 1500), ("brain", 40, 80), ("soft-tissue", 40, 400), ("temporal-bone", 600, 2800)):
        rows = np.tile([level - width / 2, level + width / 2], (2, 1))
        same(normalize_batch_for_display(batch, window=name), definition.mapped(batch, rows, foreground="all"))
        same(measure_window(batch, window=name), rows)


def test_a_given_window_needs_no_foreground(brain):
    rows = np.tile([50.0, 250.0], (6, 1))
    same(normalize_batch_for_display(brain, window=(50, 250)), definition.mapped(brain, rows, foreground="all"))
    dark = normalize_batch_for_display(brain - 100, window=(-150, 150), foreground="nonzero")
    same(dark, definition.mapped(brain - 100, np.tile([-150.0, 150.0], (6, 1))))


def test_epsilon_and_floor(brain):
    rows = definition.windows(brain)
    actual = normalize_batch_for_display(brain, epsilon=3.5, floor=0.25)
    same(actual, definition.mapped(brain, rows, epsilon=3.5, floor=0.25))


@pytest.mark.parametrize("scope", ["plane", "image", "batch"])
def test_windows_can_be_kept_and_edited(brain, scope):
    kept = measure_window(brain, 5, 90, scope=scope)
    same(kept, np.ascontiguousarray(definition.windows(brain, 5, 90, scope)[:, :2]))
    kept[:, 1] *= 2
    later = brain[::-1] * np.float32(1.5)
    same(apply_window(later, kept, scope=scope), definition.mapped(later, kept, scope))


def test_out_is_written_and_returned(brain):
    expected = definition.normalized(brain)
    frame = np.full((2, 3, 26, 22), 7, np.float32)
    inside = frame[:, :, 1:-1, 1:-1]
    assert normalize_batch_for_display(brain, out=inside) is inside
    same(np.ascontiguousarray(inside), expected)
    frame[:, :, 1:-1, 1:-1] = 7
    assert (frame == 7).all()
    same(normalize_batch_for_display(brain, out=brain), expected)  # in place


def test_more_than_16_million_pixels_are_measured_exactly(random):
    batch = random.standard_normal((1, 1, 4100, 4100), np.float32)
    expected = np.percentile(batch[batch != 0].astype(np.float64), [2, 98])
    np.testing.assert_array_equal(measure_window(batch)[0], expected)


WRONG_VALUES = [
    (dict(low=-1), "^low is -1"),
    (dict(high=101), "high"),
    (dict(low=60, high=40), "60"),
    (dict(low=float("nan")), "low"),
    (dict(scope="pixel"), "scope is 'pixel'; it must be one of 'plane', 'image', 'batch'"),
    (dict(scope=["plane"]), "scope"),
    (dict(foreground="mask"), "foreground is 'mask'; it must be one of 'nonzero', 'all'"),
    (dict(window="fixed"), "window is 'fixed'; it must be 'percentile', 'minmax', two numbers .lo, hi., or one for CT: 'brain'"),
    (dict(window=(1, 2, 3)), "window is .1, 2, 3.; it must be"),
    (dict(window=(2, 1)), "lo"),
    (dict(rounding="up"), "rounding"),
    (dict(algorithm="quick"), "algorithm"),
    (dict(epsilon=-1), "epsilon"),
    (dict(floor=2), "floor"),
    (dict(packing="bgr"), "packing is 'bgr'; it must be one of"),
    (dict(packing="rgb", dtype="float32"), "dtype is 'float32'; pictures"),
    (dict(colormap=b"123"), r"colormap is uint8 \[1, 3\]; it must be"),
    (dict(colormap=np.zeros((256, 3))), r"colormap is float64 \[256, 3\]; it must be"),
    (dict(mask=np.zeros((7, 1), bool)), r"^mask of shape \[7, 1\] does not broadcast"),
    (dict(mask=np.zeros(1, bool), foreground="all"), "foreground is 'all' and mask is given"),
    (dict(out=np.zeros((1, 2, 3, 4), np.float32)), "out"),
]


@pytest.mark.parametrize("options, message", WRONG_VALUES, ids=lambda value: str(value)[:40])
def test_wrong_values_are_named(brain, options, message):
    with pytest.raises(ValueError, match=message):
        normalize_batch_for_display(brain, **options)


def test_wrong_types_are_named(brain):
    for wrong in ([[1]], None, "batch", 3, object()):
        with pytest.raises(TypeError, match="is no array that is taken"):
            normalize_batch_for_display(wrong, out=brain)
    with pytest.raises(TypeError, match="dtype"):
        normalize_batch_for_display(brain.astype(np.complex64))
    with pytest.raises(TypeError, match="byte order"):
        normalize_batch_for_display(brain.astype(brain.dtype.newbyteorder()))
    with pytest.raises(TypeError, match="dtype is 'int32'; it must be one of 'float32'"):
        normalize_batch_for_display(brain, dtype="int32")
    if np.lib.NumpyVersion(np.__version__) >= "1.25.0":  # before, NumPy's bools are bytes to others
        with pytest.raises(TypeError, match="out is bool"):
            normalize_batch_for_display(brain, out=np.zeros(brain.shape, bool))
    with pytest.raises(TypeError):
        normalize_batch_for_display(brain, low="2")


def test_wrong_shapes_are_named(brain):
    for function in (normalize_batch_for_display, measure_window):
        with pytest.raises(ValueError, match="24, 20"):
            function(brain[0])
    with pytest.raises(ValueError, match="2 channels; they must have 1 or 3"):
        normalize_batch_for_display(brain[:, :2], packing="image_rgb")
    with pytest.raises(ValueError, match="windows"):
        apply_window(brain, np.zeros((5, 2)))


def test_an_error_leaves_the_output_alone(brain):
    out = np.full_like(brain, 7)
    with pytest.raises(ValueError):
        normalize_batch_for_display(brain, -1, out=out)
    assert (out == 7).all()
    out.flags.writeable = False
    with pytest.raises(ValueError, match="read"):
        normalize_batch_for_display(brain, out=out)
    assert (out == 7).all()


def test_overlap_is_refused(brain):
    with pytest.raises(ValueError, match="overlap"):
        normalize_batch_for_display(brain[:1], out=brain.reshape(-1)[8 : 8 + brain[0].size].reshape(brain[:1].shape))


def test_threads_are_set_and_read(brain):
    before = batchview.get_threads()
    try:
        batchview.set_threads(1)
        assert batchview.get_threads() == 1
        same(normalize_batch_for_display(brain), definition.normalized(brain))
        with pytest.raises(ValueError, match="threads"):
            batchview.set_threads(-1)
    finally:
        batchview.set_threads(before)
    assert "batchview" in batchview.describe()
