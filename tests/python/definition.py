"""What the package has to compute, written apart from it: NumPy's percentile, plane by plane, group by group."""

import numpy as np


def work_type(dtype):
    """float32 for float32 and all types of at most 16 bits, else float64."""
    return np.float64 if np.dtype(dtype) in map(np.dtype, ("i4", "u4", "f8", "i8", "u8")) else np.float32


def groups(batch, scope):
    """The index of each group, and how [B, C, H, W] splits into them."""
    b, c = batch.shape[:2]
    if scope == "plane":
        return [(i, j) for i in range(b) for j in range(c)]
    return [(i,) for i in range(b)] if scope == "image" else [()]


def windows(batch, low=2, high=98, scope="plane", foreground="nonzero", window="percentile", mask=None):
    """float64 [G, 3]: lo, hi, number of foreground pixels."""
    shown = shown_pixels(batch, foreground, mask) & finite(batch)
    rows = []
    for index in groups(batch, scope):
        values = batch[index][shown[index]].astype(np.float64)
        if values.size == 0:
            rows.append((np.nan, np.nan, 0))
        elif window == "percentile":
            rows.append((*np.percentile(values, [low, high]), values.size))
        else:
            rows.append((values.min(), values.max(), values.size))
    return np.array(rows, np.float64).reshape(-1, 3)


def finite(batch):
    return np.isfinite(batch.astype(np.float64))


def shown_pixels(batch, foreground, mask):
    if mask is not None:
        return np.broadcast_to(mask != 0, batch.shape)
    return batch != 0 if foreground == "nonzero" else np.ones(batch.shape, bool)


def mapped(batch, window_rows, scope="plane", foreground="nonzero", mask=None, epsilon=1e-8, floor=1e-3):
    """Values 0 .. 1 in the work type."""
    t = work_type(batch.dtype)
    shown = shown_pixels(batch, foreground, mask)
    out = np.zeros(batch.shape, t)
    with np.errstate(all="ignore"):
        for index, (lo, hi) in zip(groups(batch, scope), window_rows[:, :2]):
            if np.isnan(lo) or np.isnan(hi):
                continue
            lo, hi = t(lo), t(hi)
            x = batch[index].astype(t)
            y = (x - lo) / ((hi - lo) + t(epsilon))
            y = np.fmin(np.fmax(y, t(0)), t(1))  # a window wider than the type's range gives NaN, which is 0
            y[y < t(floor)] = 0
            y[x == np.inf], y[x == -np.inf] = 1, 0  # also in a window whose ends NumPy's percentiles make infinite
            y[np.isnan(x) | ~shown[index]] = 0
            out[index] = y
    return out


def normalized(batch, low=2, high=98, scope="plane", foreground="nonzero", window="percentile", mask=None):
    rows = windows(batch, low, high, scope, foreground, window, mask)
    return mapped(batch, rows, scope, foreground, mask)


def grey(values, rounding="truncate"):
    t = values.dtype.type
    return np.minimum(values * t(255) + t(0.5 if rounding == "nearest" else 0), t(255)).astype(np.uint8)


def image_to_uint8(image):
    t = work_type(image.dtype)
    x = image.astype(t)
    with np.errstate(all="ignore"):
        usable = np.isfinite(x)
        if usable.any():
            smallest = x[usable].min()
            if smallest < 0:
                x = x - smallest
            largest = x[usable].max()
            if largest > t(0.1):
                x = x / largest
        y = np.clip(t(255) * x, 0, 255)
        y = np.where(np.isnan(y), t(0), y)  # of NaN, and where a shift goes beyond the type's range
        y = np.where(np.isinf(image), np.where(image > 0, t(255), t(0)), y)
    return y.astype(np.uint8)
