"""The options of a call, by their names in Python, as the tuple that the extension modules take."""

from __future__ import annotations

import importlib
from typing import Any

import numpy

from batchview._arrays import arrays_of

Options = tuple[int, int, int, int, int, float, float, float, float, float, float, Any, "bytes | None"]

SCOPES = {"plane": 0, "image": 1, "batch": 2}
FOREGROUNDS = {"nonzero": 0, "all": 1}
WINDOWS = {"percentile": 0, "minmax": 1}
ROUNDINGS = {"truncate": 0, "nearest": 1}
ALGORITHMS = {"auto": 0, "sort": 1, "select": 2, "resident": 3}
_PERCENTILE = "percentile"  # a literal, as other modules' are: the same object
# A packing's pictures have so many bytes a pixel; "planes" are values.
PACKINGS = {"planes": 0, "rgb": 3, "rgba": 4, "image_rgb": 3, "image_rgba": 4}
_MASK, _FIXED = 2, 2  # which other arguments imply


def _check(name: str, value: Any, allowed: dict[str, int]) -> None:
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} is {value!r}; it must be one of {', '.join(map(repr, allowed))}")


def _two_numbers(window: Any) -> tuple[float, float]:
    try:
        lo, hi = window
        return float(lo), float(hi)
    except (TypeError, ValueError):
        raise ValueError(f"window is {window!r}; it must be 'percentile', 'minmax' or two numbers (lo, hi)") from None


def options(
    low: float,
    high: float,
    mask: Any,
    scope: str,
    foreground: str | None,
    window: Any,
    colormap: Any,
    rounding: str,
    epsilon: float,
    floor: float,
    algorithm: str,
) -> Options | None:
    """Names to the numbers of bv_display_options; what is out of range is said by the C library. None for the defaults."""
    if (
        mask is foreground is colormap is None
        and low == 2
        and high == 98
        and scope == "plane"
        and window is _PERCENTILE
        and rounding == "truncate"
        and epsilon == 1e-8
        and floor == 1e-3
        and algorithm == "auto"
    ):
        return None
    try:
        if isinstance(window, str):
            window_number, lo, hi = WINDOWS[window], 0.0, 0.0
        else:
            window_number, (lo, hi) = _FIXED, _two_numbers(window)
        if mask is not None:
            if foreground is not None:
                raise ValueError(f"foreground is {foreground!r} and mask is given; only one can say what is measured")
            foreground_number = _MASK
            mask = arrays_of(mask).prepare_mask(mask)
        elif foreground is not None:
            foreground_number = FOREGROUNDS[foreground]
        else:
            # A CT window measures nothing, and 0 (water) is no background there.
            foreground_number = 1 if window_number == _FIXED else 0
        return (
            SCOPES[scope],
            foreground_number,
            window_number,
            ROUNDINGS[rounding],
            ALGORITHMS[algorithm],
            low,
            high,
            lo,
            hi,
            epsilon,
            floor,
            mask,
            None if colormap is None else colour_bytes(colormap),
        )
    except (KeyError, TypeError):
        if isinstance(window, str):
            _check("window", window, WINDOWS)
        if foreground is not None:
            _check("foreground", foreground, FOREGROUNDS)
        _check("scope", scope, SCOPES)
        _check("rounding", rounding, ROUNDINGS)
        _check("algorithm", algorithm, ALGORITHMS)
        raise


def colour_bytes(colormap: Any) -> bytes:
    """256 x 3 bytes of an array, of bytes, of a Matplotlib colour map, or of the name of one."""
    if isinstance(colormap, (bytes, bytearray)):
        colours = numpy.frombuffer(colormap, numpy.uint8).reshape(-1, 3) if len(colormap) % 3 == 0 else None
    else:
        if isinstance(colormap, str):
            try:
                colormap = importlib.import_module("matplotlib").colormaps[colormap]
            except KeyError as error:
                raise ValueError(f"colormap is {colormap!r}, which Matplotlib does not know") from error
        colours = numpy.asarray(colormap(numpy.arange(256), bytes=True)[:, :3] if callable(colormap) else colormap)
    if colours is None or colours.dtype != numpy.uint8 or colours.shape != (256, 3):
        kind = "bytes of another number" if colours is None else f"{colours.dtype} {list(colours.shape)}"
        raise ValueError(
            f"colormap is {kind}; it must be uint8 [256, 3], 768 bytes, a Matplotlib colour map, or the name of one"
        )
    return colours.tobytes()
