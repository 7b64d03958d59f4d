"""Labels and images over pictures, projections of volumes, and their three orthogonal views.

Arrays may be those that `batchview.visualization` takes, but JAX's on the CPU alone and outside of what JAX traces. The
functions are no operators for torch.compile.
"""

from __future__ import annotations

from typing import Any

from batchview._arrays import arrays_of, work_dtype
from batchview._options import PROJECTIONS, check, colour_bytes
from batchview._options import options as make_options

__all__ = ["orthogonal_views", "overlay_image", "overlay_labels", "project_volume"]


def overlay_labels(pictures: Any, labels: Any, *, colours: Any = None, opacity: float = 0.5, stream: Any = None) -> Any:
    """Lay labels in colour over pictures, in place. Pixels with label 0 stay.

    Parameters
    ----------
    pictures : array [..., H, W, 3 or 4]
        uint8, of 3 to 8 dimensions, as `normalize_batch_for_display` draws them; they are changed. Alpha stays.
    labels : array
        Integers or bool, on the same device, of a shape that broadcasts to the pictures' without their last dimension.
    colours : optional
        What `normalize_batch_for_display` takes as `colormap`, for the lowest 8 bits of a label; without it six colours in
        turns, from label 1 on.
    opacity : float
        0 to 1.
    stream : optional
        As `normalize_batch_for_display`'s.

    Returns
    -------
    array
        `pictures`.

    Raises
    ------
    ValueError, TypeError, MemoryError, batchview.Error
        As `normalize_batch_for_display`.

    Examples
    --------
    >>> import numpy
    >>> picture = numpy.zeros((1, 2, 3), numpy.uint8)
    >>> overlay_labels(picture, numpy.array([[0, 1]]), opacity=1).tolist()
    [[[0, 0, 0], [230, 60, 50]]]
    """
    arrays, kind = arrays_of(pictures), arrays_of(labels)
    target, layer = arrays.prepare(pictures), kind.prepare_labels(labels)
    rgb = None if colours is None else colour_bytes(colours)
    arrays.binding(target).overlay_labels(target, layer, rgb, opacity, arrays.stream(target, stream))
    if stream is not None:
        arrays.used_on(stream, target, layer)
    return pictures


def overlay_image(
    pictures: Any, image: Any, *, colormap: Any = "hot", opacity: float = 0.5, stream: Any = None
) -> Any:
    """Lay a second image in colour over pictures, in place: PET over CT, saliency over MRI. Pixels where it is 0 stay.

    Parameters
    ----------
    pictures : array [..., H, W, 3 or 4]
        As `overlay_labels` takes them; they are changed.
    image : array
        Values in 0 .. 1 of a float type, or uint8, as `normalize_batch_for_display` gives them, on the same device, of a
        shape that broadcasts to the pictures' without their last dimension.
    colormap, stream
        As `normalize_batch_for_display`'s.
    opacity : float
        0 to 1.

    Returns
    -------
    array
        `pictures`.

    Raises
    ------
    ValueError, TypeError, MemoryError, batchview.Error
        As `normalize_batch_for_display`.

    Examples
    --------
    >>> import numpy
    >>> picture = numpy.zeros((1, 2, 3), numpy.uint8)
    >>> overlay_image(picture, numpy.array([[0.0, 1.0]]), colormap="viridis", opacity=1).tolist()
    [[[0, 0, 0], [253, 231, 37]]]
    """
    arrays, kind = arrays_of(pictures), arrays_of(image)
    target, layer = arrays.prepare(pictures), kind.prepare(image)
    arrays.binding(target).overlay_image(target, layer, colour_bytes(colormap), opacity, arrays.stream(target, stream))
    if stream is not None:
        arrays.used_on(stream, target, layer)
    return pictures


def project_volume(volume: Any, axis: int = 2, projection: str = "max", *, out: Any = None, stream: Any = None) -> Any:
    """Project a volume along an axis. NaN does not count; where there is nothing else, the result is NaN.

    Parameters
    ----------
    volume : array [H, W, D]
        Any element type of 8 to 64 bits; any strides.
    axis : {0, 1, 2}
        The axis that goes. The others keep their order.
    projection : {"max", "min", "mean"}
        The largest value, the smallest, or the mean, which is added up in float64.
    out : array, optional
        Where the result goes, of its type and shape.
    stream : optional
        As `normalize_batch_for_display`'s.

    Returns
    -------
    array
        [rows, columns], of the volume's kind on its device; float64 for float64 and integers of 32 and 64 bits, else float32.
        `normalize_batch_for_display` takes it as ``[None, None]``.

    Raises
    ------
    ValueError, TypeError, MemoryError, batchview.Error
        As `normalize_batch_for_display`.

    Examples
    --------
    >>> import numpy
    >>> project_volume(numpy.array([[[1, 5], [7, 2]]], numpy.int16), axis=2)
    array([[5., 7.]], dtype=float32)
    """
    arrays = arrays_of(volume)
    check("projection", projection, PROJECTIONS)
    volume = _volume(arrays, volume)
    if axis not in (0, 1, 2):
        raise ValueError(f"axis is {axis}; it must be 0, 1 or 2")
    rows, columns = (extent for i, extent in enumerate(volume.shape) if i != axis)
    result = arrays.empty(volume, (rows, columns), work_dtype(volume)) if out is None else out
    binding = arrays.binding(volume)
    binding.project_volume(volume, result, axis, PROJECTIONS[projection], arrays.stream(volume, stream))
    if stream is not None:
        arrays.used_on(stream, volume, result)
    return arrays.result(result) if out is None else out


def orthogonal_views(
    volume: Any,
    low: float = 2,
    high: float = 98,
    *,
    spacing: tuple[float, float, float] = (1, 1, 1),
    position: tuple[int | None, int | None, int | None] = (None, None, None),
    upright: bool = False,
    columns: int = 3,
    padding: int = 2,
    padding_value: float = 0,
    out: Any = None,
    mask: Any = None,
    scope: str = "plane",
    foreground: str | None = None,
    window: Any = "percentile",
    colormap: Any = None,
    stream: Any = None,
) -> Any:
    """Draw the slices of a volume along its axes 0, 1 and 2 beside each other, to scale.

    Parameters
    ----------
    volume : array [H, W, D]
        Any element type of 8 to 64 bits; any strides.
    spacing : (float, float, float)
        The distances of voxels along the three axes, in one unit. Pixels are square, as wide as the least of them; axes of
        wider ones are stretched, by linear interpolation.
    position : (int, int, int)
        Which slice is shown along each axis; None is the middle one, ``extent // 2``.
    upright : bool
        In the views along axes 0 and 1 the rows are axis 2, its last slice at the top, as is usual where that is the head.
    columns, padding, padding_value
        How many views stand in a row, the pixels between and around them, and their value in 0 .. 1.
    out : array, optional
        uint8, of the result's shape, or with 4 instead of 3.
    mask : array, optional
        uint8 or bool, broadcast to the volume's shape.
    scope : {"plane", "batch"}
        A window for each of the slices, or one for the whole volume.
    low, high, foreground, window, colormap, stream
        As `normalize_batch_for_display`'s.

    Returns
    -------
    array
        uint8 [rows, columns, 3], of the volume's kind on its device.

    Raises
    ------
    ValueError, TypeError, MemoryError, batchview.Error
        As `normalize_batch_for_display`.

    Examples
    --------
    >>> import numpy
    >>> orthogonal_views(numpy.ones((4, 5, 6)), spacing=(1, 1, 2), padding=0).shape
    (5, 36, 3)
    """
    arrays = arrays_of(volume)
    volume = _volume(arrays, volume)
    options = make_options(low, high, mask, scope, foreground, window, colormap, "truncate", 1e-8, 1e-3, "auto")
    if any(number is not None and number < 0 for number in position):
        raise ValueError(f"position is {position}; it must be three numbers from 0, or None")
    first, second, third = (-1 if number is None else number for number in position)
    views = (*spacing, first, second, third, int(upright), columns, padding, padding_value)
    binding = arrays.binding(volume)
    if out is None:
        result = arrays.empty(volume, (*binding.orthogonal_size(volume, views), 3), "uint8")
    else:
        result = out
    binding.orthogonal_views(volume, result, views, options, arrays.stream(volume, stream))
    if stream is not None:
        arrays.used_on(stream, volume, result, mask)
    return arrays.result(result) if out is None else out


def _volume(arrays: Any, volume: Any) -> Any:
    """The volume as it is taken."""
    if len(volume.shape) != 3:
        raise ValueError(f"volume has shape {list(volume.shape)}; it must be [H, W, D]")
    return arrays.prepare(volume)
