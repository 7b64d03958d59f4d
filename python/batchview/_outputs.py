"""Memory for the results of a batch, of the kind of its array."""

from __future__ import annotations

from typing import Any

from batchview._arrays import dtype_name
from batchview._options import PACKINGS


def new_output(arrays: Any, tensor: Any, given: Any, dtype: Any, packing: str | None, colormap: Any) -> Any:
    """Memory for the result of a batch, prepared from what was given."""
    if packing is None:
        packing = "planes" if colormap is None else "rgb"
    if packing == "planes":
        return arrays.values_like(tensor, given) if dtype is None else arrays.empty_like(tensor, dtype_name(dtype))
    if packing not in PACKINGS:
        raise ValueError(f"packing is {packing!r}; it must be one of {', '.join(map(repr, PACKINGS))}")
    if dtype is not None and dtype_name(dtype) != "uint8":
        raise ValueError(f"dtype is {dtype_name(dtype)!r}; pictures ({packing!r}) are 'uint8'")
    if len(tensor.shape) != 4:
        raise ValueError(f"tensor has shape {list(tensor.shape)}; it must be [B, C, H, W]")
    batch, channels, height, width = tensor.shape
    if not packing.startswith("image"):
        return arrays.empty(tensor, (batch, channels, height, width, PACKINGS[packing]), "uint8")
    if channels not in (1, 3):
        raise ValueError(f"packing is {packing!r}, and the images have {channels} channels; they must have 1 or 3")
    return arrays.empty(tensor, (batch, height, width, PACKINGS[packing]), "uint8")


def new_windows(arrays: Any, tensor: Any, scope: str, counts: bool) -> Any:
    """Memory for the windows of a batch."""
    if len(tensor.shape) != 4:
        raise ValueError(f"tensor has shape {list(tensor.shape)}; it must be [B, C, H, W]")
    batch, channels = tensor.shape[:2]
    groups = {"plane": batch * channels, "image": batch, "batch": 1}[scope]
    return arrays.empty(tensor, (groups, 3 if counts else 2), "float64")
