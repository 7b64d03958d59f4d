"""What training code does today, and what `make bench` compares with: NumPy, one plane after the other."""

import numpy as np


def normalize_batch_for_display(batch):
    """[B, C, H, W] of any type to float32 of the same shape: 2nd to 98th percentile of the non-zero pixels."""
    display = np.zeros(batch.shape, np.float32)
    for index in np.ndindex(batch.shape[:2]):
        plane = batch[index]
        foreground = plane != 0
        if not foreground.any():
            continue
        lo, hi = np.percentile(plane[foreground], [2, 98])
        y = np.clip(plane, lo, hi)
        y = (y - lo) / (hi - lo + 1e-8)
        y = np.clip(y, 0, 1)
        y[y < 1e-3] = 0
        y[~foreground] = 0
        display[index] = y
    return display


def normalize_batch_to_rgb(batch):
    """The same as pictures: a list of uint8 [H, W, 3], one a plane."""
    pictures = []
    for plane in normalize_batch_for_display(batch).reshape(-1, *batch.shape[2:]):
        grey = (255 * plane).astype(np.uint8)
        pictures.append(np.stack([grey, grey, grey]).transpose(1, 2, 0))
    return pictures
