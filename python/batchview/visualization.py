"""Batches, images and volumes of any range of numbers as values in [0, 1] or as 8-bit pictures.

Arrays may be PyTorch's, CuPy's, JAX's, NumPy's, or any other that speak DLPack or an array interface. They are read where
they lie, never copied (but for integers of 64 bits) and never changed; results are of the same kind, on the same device.
"""

from __future__ import annotations

import sys
from typing import Any

from batchview import _cpu
from batchview._arrays import arrays_of
from batchview._options import options as make_options
from batchview._outputs import new_output, new_windows

__all__ = [
    "apply_window",
    "measure_window",
    "normalize_batch_for_display",
    "normalize_image_to_uint8",
    "visualize_2d_image",
    "visualize_one_slice_in_3d_image",
]


def _compiling() -> bool:
    compiler = getattr(sys.modules.get("torch"), "compiler", None)
    return compiler is not None and bool(getattr(compiler, "is_compiling", bool)())  # older ones have neither


def normalize_batch_for_display(
    tensor: Any,
    low: float = 2,
    high: float = 98,
    *,
    out: Any = None,
    dtype: Any = None,
    packing: str | None = None,
    mask: Any = None,
    scope: str = "plane",
    foreground: str | None = None,
    window: Any = "percentile",
    colormap: Any = None,
    rounding: str = "truncate",
    epsilon: float = 1e-8,
    floor: float = 1e-3,
    algorithm: str = "auto",
    stream: Any = None,
) -> Any:
    """Map each plane of a batch to [0, 1], from the 2nd to the 98th percentile of its non-zero pixels.

    Background (zero) and NaN come out 0, values below the window 0, values above it 1.

    Parameters
    ----------
    tensor : array [B, C, H, W]
        Any element type of 8 to 64 bits, bool too; any strides.
    low, high : float
        The percentiles, ``0 <= low <= high <= 100``, by linear interpolation in float64, as NumPy's.
    out : array, optional
        Where the result goes, and what is returned; on the same device. It may be `tensor` itself. A float type
        [B, C, H, W], or uint8 of one of the shapes of `packing`.
    dtype : optional
        The result's type, float16, bfloat16, float32, float64 or uint8 (grey), as a name or as NumPy's or PyTorch's.
        Without it the tensor's type if that is a float type, else float32.
    packing : optional
        "planes": the tensor's shape. "rgb", "rgba": every plane a picture, uint8 [B, C, H, W, 3 or 4]. "image_rgb",
        "image_rgba": every image one, uint8 [B, H, W, 3 or 4], of 1 or 3 channels. Without it "rgb" if there is a
        `colormap`, else "planes".
    mask : array, optional
        uint8 or bool, broadcast to the tensor's shape: only pixels where it is not zero are measured and shown.
    scope : {"plane", "image", "batch"}
        The pixels that share a window: a plane's, those of all channels of an image, or all.
    foreground : {"nonzero", "all"}, optional
        The pixels that are measured and shown; without it "nonzero", or "all" where the window is given.
    window : "percentile", "minmax", (lo, hi) or a name
        How the window is found. (lo, hi) is given, in the tensor's units; CT's, in Hounsfield units, have names: "brain", "stroke",
        "subdural", "temporal-bone", "lung", "mediastinum", "vascular", "soft-tissue", "abdomen", "liver", "spine", "bone".
    colormap : optional
        Colours instead of grey: "grey", "bone", "hot", "viridis", "magma", "turbo"; another colour map of Matplotlib's, or its
        name; uint8 [256, 3], or 768 bytes.
    rounding : {"truncate", "nearest"}
        How 255 times the value becomes a uint8.
    epsilon, floor : float
        Added to hi - lo before the division; what results below become 0.
    algorithm : {"auto", "sort", "select", "resident"}
        How percentiles are found on a device. All give the same bits.
    stream : optional
        The CUDA stream of the work, as a number or as PyTorch's, CuPy's or cuda.core's; without it the current one of the
        tensor's library. With it the work follows what that has been given, and what comes after is yours to order.

    Returns
    -------
    array
        `out`, or a new array of the tensor's kind on its device.

    Raises
    ------
    ValueError
        A shape, number, name or address that is not allowed; the message says which, and what is.
    TypeError
        An element type that is not taken, or no array.
    MemoryError, batchview.Error
        There is no memory; CUDA failed, or is missing.

    Examples
    --------
    >>> import numpy
    >>> batch = numpy.array([[[[0, 10], [20, 30]]]], numpy.int16)
    >>> normalize_batch_for_display(batch, 0, 100)
    array([[[[0. , 0. ],
             [0.5, 1. ]]]], dtype=float32)
    >>> normalize_batch_for_display(batch, window=(10, 30), packing="rgb").shape
    (1, 1, 2, 2, 3)
    """
    if _compiling():
        from batchview._torch_op import compiled

        new = dict(dtype=dtype, packing=packing)
        measured = dict(low=low, high=high, mask=mask, scope=scope, foreground=foreground, window=window, algorithm=algorithm)
        drawn = dict(colormap=colormap, rounding=rounding, epsilon=epsilon, floor=floor)
        return compiled("normalize_batch_for_display", (tensor,), new, out, stream, **measured, **drawn)
    arrays, given = arrays_of(tensor), tensor
    tensor = arrays.prepare(given)
    options = make_options(low, high, mask, scope, foreground, window, colormap, rounding, epsilon, floor, algorithm)
    result = new_output(arrays, tensor, given, dtype, packing, colormap) if out is None else out
    binding = arrays.binding(tensor)
    if binding is _cpu:
        _cpu.normalize(tensor, result, options, None, None)
    else:
        work = arrays.workspace(binding, tensor, result, options)
        binding.normalize(tensor, result, options, work, arrays.stream(tensor, stream))
        if stream is not None:
            arrays.used_on(stream, tensor, result, mask, work)
    return arrays.result(result) if out is None else out


def measure_window(
    tensor: Any,
    low: float = 2,
    high: float = 98,
    *,
    counts: bool = False,
    out: Any = None,
    mask: Any = None,
    scope: str = "plane",
    foreground: str | None = None,
    window: Any = "percentile",
    algorithm: str = "auto",
    stream: Any = None,
) -> Any:
    """Measure the windows of a batch: the first half of `normalize_batch_for_display`.

    Parameters
    ----------
    tensor, low, high, mask, scope, foreground, window, algorithm, stream
        As there.
    counts : bool
        Also the number of pixels that were measured.
    out : array, optional
        float64 [G, 2] or [G, 3], where the result goes.

    Returns
    -------
    array
        float64 [G, 2], or [G, 3] with `counts`: lo, hi and the number of foreground pixels of each of the G groups, of
        planes, images, or the batch. lo and hi are NaN where there is no foreground. Of the tensor's kind, on its device.

    Raises
    ------
    ValueError, TypeError, MemoryError, batchview.Error
        As `normalize_batch_for_display`.

    Examples
    --------
    >>> import numpy
    >>> batch = numpy.array([[[[0, 10], [20, 30]]]], numpy.float32)
    >>> measure_window(batch, 0, 50, counts=True)
    array([[10., 20.,  3.]])
    """
    if _compiling():
        from batchview._torch_op import compiled

        measured = dict(low=low, high=high, mask=mask, scope=scope, foreground=foreground, window=window, algorithm=algorithm)
        return compiled("measure_window", (tensor,), dict(counts=counts), out, stream, **measured)
    arrays = arrays_of(tensor)
    tensor = arrays.prepare(tensor)
    options = make_options(low, high, mask, scope, foreground, window, None, "truncate", 1e-8, 1e-3, algorithm)
    result = new_windows(arrays, tensor, scope, counts) if out is None else out
    binding = arrays.binding(tensor)
    if binding is _cpu:
        _cpu.measure(tensor, result, options, None, None)
    else:
        work = arrays.workspace(binding, tensor, None, options)
        binding.measure(tensor, result, options, work, arrays.stream(tensor, stream))
        if stream is not None:
            arrays.used_on(stream, tensor, result, mask, work)
    return arrays.result(result) if out is None else out


def apply_window(
    tensor: Any,
    windows: Any,
    *,
    out: Any = None,
    dtype: Any = None,
    packing: str | None = None,
    mask: Any = None,
    scope: str = "plane",
    foreground: str = "nonzero",
    colormap: Any = None,
    rounding: str = "truncate",
    epsilon: float = 1e-8,
    floor: float = 1e-3,
    stream: Any = None,
) -> Any:
    """Map a batch through windows that are known: the second half of `normalize_batch_for_display`.

    Parameters
    ----------
    tensor, out, dtype, packing, mask, scope, colormap, rounding, epsilon, floor, stream
        As there.
    windows : array
        float64 [G, 2] or [G, 3], of `measure_window` or made up, on the tensor's device. A window with NaN makes its
        group 0.
    foreground : {"nonzero", "all"}
        The pixels that are shown, where there is no mask.

    Returns
    -------
    array
        As `normalize_batch_for_display`.

    Raises
    ------
    ValueError, TypeError, MemoryError, batchview.Error
        As `normalize_batch_for_display`.

    Examples
    --------
    >>> import numpy
    >>> batch = numpy.array([[[[0, 10], [20, 30]]]], numpy.float32)
    >>> apply_window(batch, numpy.array([[10.0, 50.0]]))
    array([[[[0.  , 0.  ],
             [0.25, 0.5 ]]]], dtype=float32)
    """
    if _compiling():
        from batchview._torch_op import compiled

        new, foreground_of = dict(dtype=dtype, packing=packing), dict(mask=mask, scope=scope, foreground=foreground)
        drawn = dict(colormap=colormap, rounding=rounding, epsilon=epsilon, floor=floor)
        return compiled("apply_window", (tensor, windows), new, out, stream, **foreground_of, **drawn)
    arrays, given = arrays_of(tensor), tensor
    tensor = arrays.prepare(given)
    shown = None if mask is not None else foreground
    options = make_options(2, 98, mask, scope, shown, "percentile", colormap, rounding, epsilon, floor, "auto")
    result = new_output(arrays, tensor, given, dtype, packing, colormap) if out is None else out
    arrays.binding(tensor).apply(tensor, windows, result, options, arrays.stream(tensor, stream))
    if stream is not None:
        arrays.used_on(stream, tensor, windows, result, mask)
    return arrays.result(result) if out is None else out


def normalize_image_to_uint8(image: Any, *, device_output: bool = False, out: Any = None, stream: Any = None) -> Any:
    """Turn an image of unknown range into 8-bit numbers.

    If the smallest value is negative, all are shifted so that it becomes 0; if the largest is then above 0.1, all are
    divided by it; the result is 255 times that, truncated. NaN gives 0, infinities 0 and 255.

    Parameters
    ----------
    image : array
        Any shape; any element type of 8 to 64 bits.
    device_output : bool
        Leave the result where the image is, as the same kind of array, instead of a NumPy array.
    out : array, optional
        uint8, of the image's shape and on its device: where the result goes, and what is returned.
    stream : optional
        As `normalize_batch_for_display`'s.

    Returns
    -------
    numpy.ndarray
        uint8, of the image's shape.

    Raises
    ------
    ValueError, TypeError, MemoryError, batchview.Error
        As `normalize_batch_for_display`.

    Examples
    --------
    >>> import numpy
    >>> normalize_image_to_uint8(numpy.array([-1.0, 0.0, 1.0]))
    array([  0, 127, 255], dtype=uint8)
    """
    if _compiling():
        from batchview._torch_op import compiled_picture

        return compiled_picture("normalize_image_to_uint8", image, device_output, out, stream)
    arrays = arrays_of(image)
    image = arrays.prepare(image)
    result = arrays.empty(image, tuple(image.shape), "uint8") if out is None else out
    arrays.binding(image).image_to_uint8(image, result, arrays.stream(image, stream), 0)
    return _picture(arrays, image, result, device_output, out, stream)


def visualize_2d_image(image: Any, *, device_output: bool = False, out: Any = None, stream: Any = None) -> Any:
    """Draw an image in grey: `normalize_image_to_uint8`, three times.

    Parameters
    ----------
    image : array [H, W]
        As there.
    device_output, out, stream
        As there.

    Returns
    -------
    numpy.ndarray
        uint8 [H, W, 3].

    Raises
    ------
    ValueError, TypeError, MemoryError, batchview.Error
        As `normalize_batch_for_display`.

    Examples
    --------
    >>> import numpy
    >>> visualize_2d_image(numpy.array([[0.0, 2.0]])).tolist()
    [[[0, 0, 0], [255, 255, 255]]]
    """
    if _compiling():
        from batchview._torch_op import compiled_picture

        return compiled_picture("visualize_2d_image", image, device_output, out, stream)
    arrays = arrays_of(image)
    image = arrays.prepare(image)
    result = arrays.empty(image, (*image.shape, 3), "uint8") if out is None else out
    arrays.binding(image).image_2d(image, result, arrays.stream(image, stream), 0)
    return _picture(arrays, image, result, device_output, out, stream)


def visualize_one_slice_in_3d_image(
    image: Any, axis: int = 2, *, device_output: bool = False, out: Any = None, stream: Any = None
) -> Any:
    """Draw the middle slice of a volume in grey, as `visualize_2d_image` does.

    Parameters
    ----------
    image : array [H, W, D]
        Any element type of 8 to 64 bits. Only the slice is read.
    axis : {0, 1, 2}
        The axis that the slice, number ``shape[axis] // 2``, is taken of. The others keep their order.
    device_output, out, stream
        As `normalize_image_to_uint8`'s.

    Returns
    -------
    numpy.ndarray
        uint8 [rows, columns, 3].

    Raises
    ------
    ValueError
        `axis` is not 0, 1 or 2; and as `normalize_batch_for_display`.
    TypeError, MemoryError, batchview.Error
        As there.

    Examples
    --------
    >>> import numpy
    >>> visualize_one_slice_in_3d_image(numpy.zeros((4, 5, 6)), axis=1).shape
    (4, 6, 3)
    """
    if axis not in (0, 1, 2):
        raise ValueError(f"axis should be 0, 1 or 2, got {axis}")
    if _compiling():
        from batchview._torch_op import compiled_picture

        return compiled_picture("visualize_one_slice_in_3d_image", image, device_output, out, stream, axis=axis)
    arrays = arrays_of(image)
    if len(image.shape) != 3:
        raise ValueError(f"image has shape {list(image.shape)}; it must be [H, W, D]")
    image = arrays.prepare(image)
    rows, columns = (extent for i, extent in enumerate(image.shape) if i != axis)
    result = arrays.empty(image, (rows, columns, 3), "uint8") if out is None else out
    arrays.binding(image).slice_of_3d(image, result, arrays.stream(image, stream), axis)
    return _picture(arrays, image, result, device_output, out, stream)


def _picture(arrays: Any, image: Any, result: Any, device_output: bool, out: Any, stream: Any) -> Any:
    """What a picture function returns."""
    if stream is not None:
        arrays.used_on(stream, image, result)
    if out is not None:
        return out
    return arrays.result(result) if device_output else arrays.to_numpy(result, stream)
