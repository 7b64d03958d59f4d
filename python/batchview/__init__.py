"""Display-ready pictures of medical-image batches, made where the batch lies.

>>> from batchview.visualization import normalize_batch_for_display
"""

from batchview._binding import describe, get_threads, set_threads
from batchview._cpu import version as __version__
from batchview._errors import Error
from batchview.visualization import (
    apply_window,
    measure_window,
    normalize_batch_for_display,
    normalize_image_to_uint8,
    visualize_2d_image,
    visualize_one_slice_in_3d_image,
)

__all__ = [
    "Error",
    "__version__",
    "apply_window",
    "describe",
    "get_threads",
    "measure_window",
    "normalize_batch_for_display",
    "normalize_image_to_uint8",
    "set_threads",
    "visualize_2d_image",
    "visualize_one_slice_in_3d_image",
]
