"""Single images and volumes against the definition in NumPy."""

import definition
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from batchview.visualization import normalize_image_to_uint8, visualize_2d_image, visualize_one_slice_in_3d_image

types = st.sampled_from([np.dtype(t) for t in ("f4", "f2", "f8", "u1", "i1", "u2", "i2", "i4", "u4", "i8")])


@example(np.array([1.7976931e308, -1e292, np.inf]))  # goes beyond the type's range when it is shifted
@given(hnp.arrays(types, hnp.array_shapes(min_dims=0, max_dims=6, min_side=0, max_side=5)))
def test_images_of_any_shape_become_bytes(image):
    before = image.copy()
    actual = normalize_image_to_uint8(image)
    assert type(actual) is np.ndarray and actual.dtype == np.uint8
    np.testing.assert_array_equal(actual, definition.image_to_uint8(image))
    np.testing.assert_array_equal(image, before)


def test_an_image_is_grey_three_times(random):
    image = random.normal(0, 5, (9, 7)).astype(np.float32)
    np.testing.assert_array_equal(visualize_2d_image(image.T), np.dstack([definition.image_to_uint8(image.T)] * 3))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_middle_slice_of_a_volume_is_drawn(random, axis):
    volume = random.normal(0, 5, (8, 7, 5)).astype(np.float32)
    middle = volume.take(volume.shape[axis] // 2, axis)
    actual = visualize_one_slice_in_3d_image(volume, axis)
    np.testing.assert_array_equal(actual, np.dstack([definition.image_to_uint8(middle)] * 3))
    if axis == 2:
        np.testing.assert_array_equal(visualize_one_slice_in_3d_image(volume), actual)


@pytest.mark.parametrize("axis", [-1, 3, "x", None, 1.5])
def test_another_axis_is_named(axis):
    with pytest.raises(ValueError, match=f"axis should be 0, 1 or 2, got {axis}"):
        visualize_one_slice_in_3d_image(np.zeros((2, 3, 4)), axis)


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"\[2, 3\]"):
        visualize_one_slice_in_3d_image(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"2, 3, 4"):
        visualize_2d_image(np.zeros((2, 3, 4)))


def test_out_is_written_and_returned(random):
    image = random.normal(0, 5, (9, 7))
    out = np.full((9, 7, 3), 7, np.uint8)
    assert visualize_2d_image(image, out=out) is out
    np.testing.assert_array_equal(out, visualize_2d_image(image))
    with pytest.raises(ValueError, match="out"):
        normalize_image_to_uint8(image, out=out)
