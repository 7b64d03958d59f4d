"""`normalize_batch_for_display` as operators of PyTorch's, for torch.compile and torch.export.

Imported where something is being compiled, or to use ``torch.ops.batchview`` directly.
"""

from __future__ import annotations

import importlib
from typing import Any

from batchview import visualization
from batchview._arrays import arrays_of

torch: Any = importlib.import_module("torch")  # whose own functions here have no types

_OPTIONS = (
    "float low=2, float high=98, Tensor? mask=None, str scope='plane', str? foreground=None, str window='percentile', "
    "float lo=0, float hi=0, int[]? colours=None, str rounding='truncate', float epsilon=1e-8, float floor=1e-3, "
    "str algorithm='auto'"
)

_library = torch.library.Library("batchview", "DEF")
_library.define(
    "normalize_batch_for_display(Tensor tensor, ScalarType? dtype=None, str? packing=None, " + _OPTIONS + ") -> Tensor"
)
_library.define("normalize_batch_for_display_out(Tensor tensor, Tensor(a!) out, " + _OPTIONS + ") -> ()")


def _options(
    low: float = 2,
    high: float = 98,
    mask: Any = None,
    scope: str = "plane",
    foreground: str | None = None,
    window: str = "percentile",
    lo: float = 0,
    hi: float = 0,
    colours: Any = None,
    rounding: str = "truncate",
    epsilon: float = 1e-8,
    floor: float = 1e-3,
    algorithm: str = "auto",
) -> dict[str, Any]:
    """An operator's options as the function's: operators take neither a pair where a string may stand, nor bytes."""
    return {
        "low": low,
        "high": high,
        "mask": mask,
        "scope": scope,
        "foreground": foreground,
        "window": (lo, hi) if window == "fixed" else window,
        "colormap": None if colours is None else bytes(colours),
        "rounding": rounding,
        "epsilon": epsilon,
        "floor": floor,
        "algorithm": algorithm,
    }


def _normalize(tensor: Any, dtype: Any = None, packing: str | None = None, *options: Any, **more: Any) -> Any:
    return visualization.normalize_batch_for_display(
        tensor, dtype=dtype, packing=packing, **_options(*options, **more)
    )


def _normalize_out(tensor: Any, out: Any, *options: Any, **more: Any) -> None:
    visualization.normalize_batch_for_display(tensor, out=out, **_options(*options, **more))


def _fake(tensor: Any, dtype: Any = None, packing: str | None = None, *options: Any, **more: Any) -> Any:
    """What the result will be like."""
    arrays = arrays_of(tensor)
    colours = _options(*options, **more)["colormap"]
    return visualization.new_output(arrays, tensor, dtype, arrays.float_type(tensor), packing, colours)


def _fake_out(tensor: Any, out: Any, *options: Any, **more: Any) -> None:
    pass


for _device in ("CPU", "CUDA"):
    _library.impl("normalize_batch_for_display", _normalize, _device)
    _library.impl("normalize_batch_for_display_out", _normalize_out, _device)
torch.library.register_fake("batchview::normalize_batch_for_display", _fake, lib=_library)
torch.library.register_fake("batchview::normalize_batch_for_display_out", _fake_out, lib=_library)


def compiled(
    tensor: Any, out: Any, dtype: Any, packing: str | None, window: Any, colormap: Any, stream: Any, **options: Any
) -> Any:
    """The call, while a program that makes it is compiled."""
    if stream is not None:
        raise TypeError("stream cannot be given in what torch.compile compiles; the work is on the current stream")
    if not isinstance(window, str):
        options["lo"], options["hi"] = window
        window = "fixed"
    if colormap is not None:
        if not isinstance(colormap, (bytes, list, tuple)):
            raise TypeError("colormap must be 768 bytes in what torch.compile compiles")
        options["colours"] = list(colormap)
    # Gradients do not pass through a picture.
    tensor = tensor.detach()
    if out is not None:
        torch.ops.batchview.normalize_batch_for_display_out(tensor, out, window=window, **options)
        return out
    if isinstance(dtype, str):
        dtype = getattr(torch, dtype)
    return torch.ops.batchview.normalize_batch_for_display(tensor, dtype, packing, window=window, **options)
