"""The options of a call, by their names in Python, as the tuple that the extension modules take."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any, NoReturn

import numpy

from batchview import _cpu
from batchview._arrays import arrays_of

Options = tuple[int, int, int, int, int, float, float, float, float, float, float, Any, "bytes | None"]

SCOPES = {"plane": 0, "image": 1, "batch": 2}
FOREGROUNDS = {"nonzero": 0, "all": 1}
WINDOWS = {"percentile": 0, "minmax": 1}
ROUNDINGS = {"truncate": 0, "nearest": 1}
PROJECTIONS = {"max": 0, "min": 1, "mean": 2}
ALGORITHMS = {"auto": 0, "sort": 1, "select": 2, "resident": 3}
COLOUR_MAPS = _cpu.colour_maps()  # 768 bytes each
WINDOW_PRESETS = _cpu.window_presets()  # lo, hi
_PERCENTILE = "percentile"  # a literal, as other modules' are: the same object
# A packing's pictures have so many bytes a pixel; "planes" are values.
PACKINGS = {"planes": 0, "rgb": 3, "rgba": 4, "image_rgb": 3, "image_rgba": 4}
_MASK, _FIXED = 2, 2  # which other arguments imply


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def check(name: str, value: Any, allowed: dict[str, int]) -> None:
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} is {value!r}; it must be one of {_listed(allowed)}")


def _fail_window(window: Any) -> NoReturn:
    raise ValueError(
        f"window is {window!r}; it must be {_listed(WINDOWS)}, two numbers (lo, hi), or one for CT: {_listed(WINDOW_PRESETS)}"
    ) from None


def named_window(window: Any) -> Any:
    """(lo, hi) of a name for CT; anything else as it is."""
    return WINDOW_PRESETS.get(window, window) if isinstance(window, str) else window


def _two_numbers(window: Any) -> tuple[float, float]:
    try:
        lo, hi = window
        return float(lo), float(hi)
    except (TypeError, ValueError):
        _fail_window(window)


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
        window = named_window(window)
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
        if isinstance(window, str) and window not in WINDOWS:
            _fail_window(window)
        if foreground is not None:
            check("foreground", foreground, FOREGROUNDS)
        check("scope", scope, SCOPES)
        check("rounding", rounding, ROUNDINGS)
        check("algorithm", algorithm, ALGORITHMS)
        raise


def _named_colours(name: str) -> Any:
    """The library's own of that name, or else Matplotlib's."""
    if name in COLOUR_MAPS:
        return COLOUR_MAPS[name]
    try:
        return importlib.import_module("matplotlib").colormaps[name]
    except (ImportError, KeyError) as error:
        why = "which Matplotlib does not know" if isinstance(error, KeyError) else "which would be Matplotlib's, and that is missing"
        raise ValueError(f"colormap is {name!r}, {why}; there are {_listed(COLOUR_MAPS)}") from error


def colour_bytes(colormap: Any) -> bytes:
    """256 x 3 bytes of an array, of bytes, of a Matplotlib colour map, or of the name of one."""
    if isinstance(colormap, str):
        colormap = _named_colours(colormap)
    if isinstance(colormap, (bytes, bytearray)):
        colours = numpy.frombuffer(colormap, numpy.uint8).reshape(-1, 3) if len(colormap) % 3 == 0 else None
    else:
        colours = numpy.asarray(colormap(numpy.arange(256), bytes=True)[:, :3] if callable(colormap) else colormap)
    if colours is None or colours.dtype != numpy.uint8 or colours.shape != (256, 3):
        kind = "bytes of another number" if colours is None else f"{colours.dtype} {list(colours.shape)}"
        raise ValueError(f"colormap is {kind}; it must be uint8 [256, 3], 768 bytes, a Matplotlib colour map, or a name")
    return colours.tobytes()
