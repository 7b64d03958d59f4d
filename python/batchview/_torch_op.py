"""The functions as operators of PyTorch's, for torch.compile and torch.export.

Imported where something is being compiled, or to use ``torch.ops.batchview`` directly.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from batchview import visualization
from batchview._arrays import arrays_of
from batchview._options import COLOUR_MAPS
from batchview._outputs import new_output, new_windows
from batchview.visualization import normalize_batch_for_display

torch: Any = importlib.import_module("torch")  # whose own functions here have no types

# What operators take: neither a pair where a string may stand, nor bytes.
_MASK = "Tensor? mask=None, str scope='plane', str? foreground=None"
_MEASURED = "float low=2, float high=98, " + _MASK + ", str window='percentile', float lo=0, float hi=0, str algorithm='auto'"
_DRAWN = "int[]? colours=None, str rounding='truncate', float epsilon=1e-8, float floor=1e-3"
_NEW = "ScalarType? dtype=None, str? packing=None"

_library = torch.library.Library("batchview", "DEF")


def _define(schema: str, implementation: Callable[..., Any], fake: Callable[..., Any]) -> None:
    name = schema.partition("(")[0]
    _library.define(schema)
    for device in ("CPU", "CUDA"):
        _library.impl(name, implementation, device)
    torch.library.register_fake(f"batchview::{name}", fake, lib=_library)


def _window(window: str, lo: float, hi: float) -> Any:
    return (lo, hi) if window == "fixed" else window


def _bytes(colours: Any) -> bytes | None:
    return None if colours is None else bytes(colours)


def _nothing(*arguments: Any, **options: Any) -> None:
    """The fake of what writes into memory that is given."""


# ---- normalize_batch_for_display ----------------------------------------------------------------------------


def _normalize(
    tensor: Any,
    dtype: Any = None,
    packing: str | None = None,
    low: float = 2,
    high: float = 98,
    mask: Any = None,
    scope: str = "plane",
    foreground: str | None = None,
    window: str = "percentile",
    lo: float = 0,
    hi: float = 0,
    algorithm: str = "auto",
    colours: Any = None,
    rounding: str = "truncate",
    epsilon: float = 1e-8,
    floor: float = 1e-3,
    *,
    out: Any = None,
) -> Any:
    measured: dict[str, Any] = dict(mask=mask, scope=scope, foreground=foreground, window=_window(window, lo, hi), algorithm=algorithm)
    drawn: dict[str, Any] = dict(colormap=_bytes(colours), rounding=rounding, epsilon=epsilon, floor=floor)
    return normalize_batch_for_display(tensor, low, high, out=out, dtype=dtype, packing=packing, **measured, **drawn)


def _normalize_new(tensor: Any, *options: Any, **more: Any) -> Any:
    return _normalize(tensor, *options, **more) if options or more else normalize_batch_for_display(tensor)


def _normalize_out(tensor: Any, out: Any, *options: Any, **more: Any) -> None:
    _normalize(tensor, None, None, *options, out=out, **more)


def _batch_fake(tensor: Any, dtype: Any, packing: str | None, colours: Any) -> Any:
    return new_output(arrays_of(tensor), tensor, tensor, dtype, packing, colours)


def _normalize_fake(
    tensor: Any, dtype: Any = None, packing: str | None = None, *measured: Any, colours: Any = None, **more: Any
) -> Any:
    return _batch_fake(tensor, dtype, packing, measured[9] if len(measured) > 9 else colours)


_define(f"normalize_batch_for_display(Tensor tensor, {_NEW}, {_MEASURED}, {_DRAWN}) -> Tensor", _normalize_new, _normalize_fake)
_define(
    f"normalize_batch_for_display_out(Tensor tensor, Tensor(a!) out, {_MEASURED}, {_DRAWN}) -> ()", _normalize_out, _nothing
)


# ---- measure_window and apply_window --------------------------------------------------------------------------


def _measure(
    tensor: Any,
    counts: bool = False,
    low: float = 2,
    high: float = 98,
    mask: Any = None,
    scope: str = "plane",
    foreground: str | None = None,
    window: str = "percentile",
    lo: float = 0,
    hi: float = 0,
    algorithm: str = "auto",
    *,
    out: Any = None,
) -> Any:
    measured: dict[str, Any] = dict(mask=mask, scope=scope, foreground=foreground, window=_window(window, lo, hi), algorithm=algorithm)
    return visualization.measure_window(tensor, low, high, counts=counts, out=out, **measured)


def _measure_out(tensor: Any, out: Any, *options: Any, **more: Any) -> None:
    _measure(tensor, False, *options, out=out, **more)


def _measure_fake(
    tensor: Any, counts: bool = False, low: float = 2, high: float = 98, mask: Any = None, scope: str = "plane", *more: Any, **others: Any
) -> Any:
    return new_windows(arrays_of(tensor), tensor, scope, counts)


_define(f"measure_window(Tensor tensor, bool counts=False, {_MEASURED}) -> Tensor", _measure, _measure_fake)
_define(f"measure_window_out(Tensor tensor, Tensor(a!) out, {_MEASURED}) -> ()", _measure_out, _nothing)


def _apply(
    tensor: Any,
    windows: Any,
    dtype: Any = None,
    packing: str | None = None,
    mask: Any = None,
    scope: str = "plane",
    foreground: str | None = None,
    colours: Any = None,
    rounding: str = "truncate",
    epsilon: float = 1e-8,
    floor: float = 1e-3,
    *,
    out: Any = None,
) -> Any:
    shown: dict[str, Any] = dict(mask=mask, scope=scope, foreground=foreground or "nonzero")
    drawn: dict[str, Any] = dict(colormap=_bytes(colours), rounding=rounding, epsilon=epsilon, floor=floor)
    return visualization.apply_window(tensor, windows, out=out, dtype=dtype, packing=packing, **shown, **drawn)


def _apply_out(tensor: Any, windows: Any, out: Any, *options: Any, **more: Any) -> None:
    _apply(tensor, windows, None, None, *options, out=out, **more)


def _apply_fake(
    tensor: Any, windows: Any, dtype: Any = None, packing: str | None = None, *shown: Any, colours: Any = None, **more: Any
) -> Any:
    return _batch_fake(tensor, dtype, packing, shown[3] if len(shown) > 3 else colours)


_define(f"apply_window(Tensor tensor, Tensor windows, {_NEW}, {_MASK}, {_DRAWN}) -> Tensor", _apply, _apply_fake)
_define(f"apply_window_out(Tensor tensor, Tensor windows, Tensor(a!) out, {_MASK}, {_DRAWN}) -> ()", _apply_out, _nothing)


# ---- Single images ----------------------------------------------------------------------------------------------


def _uint8(image: Any, *shape: Any) -> Any:
    return torch.empty(shape, dtype=torch.uint8, device=image.device)


def _slice_fake(image: Any, axis: int = 2) -> Any:
    return _uint8(image, *(extent for i, extent in enumerate(image.shape) if i != axis), 3)


_define(
    "normalize_image_to_uint8(Tensor image) -> Tensor",
    lambda image: visualization.normalize_image_to_uint8(image, device_output=True),
    lambda image: _uint8(image, *image.shape),
)
_define(
    "visualize_2d_image(Tensor image) -> Tensor",
    lambda image: visualization.visualize_2d_image(image, device_output=True),
    lambda image: _uint8(image, *image.shape, 3),
)
_define(
    "visualize_one_slice_in_3d_image(Tensor image, int axis=2) -> Tensor",
    lambda image, axis=2: visualization.visualize_one_slice_in_3d_image(image, axis, device_output=True),
    _slice_fake,
)


# ---- While a program that calls them is compiled -------------------------------------------------------------------


def compiled(
    name: str, tensors: tuple[Any, ...], new: dict[str, Any], out: Any, stream: Any, window: Any = None, colormap: Any = None, **options: Any
) -> Any:
    """The call of an operator. Gradients do not pass through a picture. `new`: what is said of a result that is made."""
    if stream is not None:
        raise TypeError("stream cannot be given in what torch.compile compiles; the work is on the current stream")
    if window is not None and not isinstance(window, str):
        options["lo"], options["hi"] = window
        window = "fixed"
    if window is not None:
        options["window"] = window
    if colormap is not None:
        if isinstance(colormap, str):
            colormap = COLOUR_MAPS.get(colormap)
        if not isinstance(colormap, (bytes, list, tuple)):
            raise TypeError(f"colormap must be 768 bytes, or {', '.join(COLOUR_MAPS)}, in what torch.compile compiles")
        options["colours"] = list(colormap)
    arguments = [tensor.detach() for tensor in tensors]
    if out is not None:
        getattr(torch.ops.batchview, name + "_out")(*arguments, out, **options)
        return out
    if isinstance(new.get("dtype"), str):
        new = {**new, "dtype": getattr(torch, new["dtype"])}
    return getattr(torch.ops.batchview, name)(*arguments, **new, **options)


def compiled_picture(name: str, image: Any, device_output: bool, out: Any, stream: Any, **options: Any) -> Any:
    if not device_output or out is not None or stream is not None:
        raise TypeError(f"{name} takes device_output=True, and neither out nor stream, in what torch.compile compiles")
    return getattr(torch.ops.batchview, name)(image.detach(), **options)
