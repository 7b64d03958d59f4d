"""Pictures of a batch in the log of a training run, drawn as the other functions draw them.

The step is not held up: a batch on a device is copied to the host on its stream, and what is left, waiting for it, making
the grid and encoding, is done on a thread of this module's own.
"""

from __future__ import annotations

import atexit
import collections
import concurrent.futures
import math
import os
import sys
from collections.abc import Callable
from typing import Any

import numpy

from batchview._arrays import arrays_of
from batchview.pictures import overlay_labels
from batchview.visualization import normalize_batch_for_display

__all__ = ["flush", "log_images"]

MOST_WAITING = 16  # batches, before log_images waits for the first of them


def log_images(
    writer: Any,
    tag: str,
    batch: Any,
    step: int,
    *,
    max_images: int = 16,
    grid: bool = True,
    columns: int | None = None,
    pictures: bool = False,
    overlay: Any = None,
    opacity: float = 0.5,
    spacing: tuple[float, float] | None = None,
    rank_zero_only: bool = False,
    **options: Any,
) -> None:
    """Log the images of a batch.

    Parameters
    ----------
    writer : object
        PyTorch's or tensorboardX's SummaryWriter, a logger of Lightning or tracker of Accelerate around one, or a run of
        W&B: whatever has ``add_image``, ``log``, ``experiment`` or ``tracker``.
    tag : str
        The name in the log.
    batch : array [B, C, H, W]
        As `normalize_batch_for_display` takes it. With 3 channels each image is one in colour, with any other number each
        plane is one. With `pictures` uint8 [N, H, W, 3], which are shown as they are.
    step : int
        The step of the training.
    max_images : int
        How many images of the batch are shown, the first ones.
    grid : bool
        One picture of all, or one each, under the tags ``tag/0``, ``tag/1``, ...
    columns : int, optional
        The grid's; without it the grid is nearly square.
    pictures : bool
        The batch holds pictures already.
    overlay : array, optional
        Integer or bool labels [B, H, W] or [B, 1, H, W]: where they are not 0 their colours are laid over the image, as
        `batchview.pictures.overlay_labels` does.
    opacity : float
        Of the overlay, 0 to 1.
    spacing : (float, float), optional
        The distances of rows and of columns, in any unit: the axis with the wider is stretched, by linear interpolation.
    rank_zero_only : bool
        Do nothing on other ranks than 0 of PyTorch's process group.
    **options
        Of `normalize_batch_for_display`: `low`, `high`, `mask`, `scope`, `window`, `colormap`, `stream` and so on.

    Returns
    -------
    None
        What fails later, on the thread, is raised by the next call, or by `flush`.

    Raises
    ------
    ValueError, TypeError, MemoryError, batchview.Error
        As `normalize_batch_for_display`; also for a writer that is none, and shapes that do not fit.

    Examples
    --------
    >>> import numpy
    >>> class Writer:
    ...     def add_image(self, tag, image, global_step, dataformats):
    ...         self.logged = tag, image.shape, image.dtype, global_step
    >>> writer = Writer()
    >>> log_images(writer, "train/input", numpy.ones((4, 1, 32, 24)), 10)
    >>> flush()
    >>> writer.logged
    ('train/input', (64, 48, 3), dtype('uint8'), 10)
    """
    if rank_zero_only and _rank() != 0:
        return
    log = _log_function(writer)
    _raise_failures()
    if max_images < 1:
        raise ValueError(f"max_images is {max_images}; it must be 1 or more")
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity is {opacity}; it must be in 0 .. 1")
    if columns is not None and columns < 1:
        raise ValueError(f"columns is {columns}; it must be 1 or more")
    if spacing is not None and not all(0 < distance < math.inf for distance in spacing):
        raise ValueError(f"spacing is {spacing}; it must be two numbers above 0")
    drawn = _draw(batch, max_images, pictures, options)
    host = arrays_of(drawn).to_host(drawn, options.get("stream"))
    labels = None if overlay is None else _labels(overlay, tuple(drawn.shape), batch.shape[1])

    def finish() -> None:
        images = host()
        if labels is not None:
            overlay_labels(images, labels(), opacity=opacity)
        if spacing is not None:
            images = _stretched(images, *spacing)
        if grid:
            log(tag, _grid(images, columns), step)
        else:
            for number, image in enumerate(images):
                log(f"{tag}/{number}", image, step)

    _submit(finish)


def flush() -> None:
    """Wait until all that was logged has been handed to its writer. Also done when the process ends.

    Returns
    -------
    None

    Raises
    ------
    Exception
        What failed on the thread since the last call.

    Examples
    --------
    >>> flush()
    """
    concurrent.futures.wait(list(_waiting))
    _raise_failures()


# ---- The pictures ---------------------------------------------------------------------------------------


def _draw(batch: Any, max_images: int, pictures: bool, options: dict[str, Any]) -> Any:
    """uint8 [N, H, W, 3] of the batch's kind."""
    if len(batch.shape) != 4:
        raise ValueError(f"batch has shape {list(batch.shape)}; it must be [B, C, H, W], or [N, H, W, 3] of pictures")
    if pictures:
        if batch.shape[3] != 3 or str(batch.dtype).rpartition(".")[2] != "uint8" or options:
            raise ValueError(
                f"batch is {batch.dtype} {list(batch.shape)}; pictures are uint8 [N, H, W, 3], and take no options of "
                "how to draw"
            )
        # What the next step writes there is not to be seen: only max_images of them are copied.
        return batch[:max_images]
    for name in ("out", "dtype", "packing"):
        if name in options:
            raise TypeError(f"{name} is not an option of log_images")
    if batch.shape[1] == 3 and "colormap" not in options:
        return normalize_batch_for_display(batch, packing="image_rgb", **options)[:max_images]
    planes = normalize_batch_for_display(batch, packing="rgb", **options)
    return planes.reshape(-1, *planes.shape[2:])[:max_images]


def _labels(overlay: Any, pictures: tuple[int, ...], channels: int) -> Callable[[], Any]:
    """The labels of each of the pictures, once they are on the host."""
    shape = tuple(overlay.shape)
    if len(shape) == 4 and shape[1] == 1:
        overlay, shape = overlay[:, 0], (shape[0], *shape[2:])
    if len(shape) != 3 or shape[1:] != pictures[1:3]:
        raise ValueError(
            f"overlay has shape {list(overlay.shape)}; it must be [B, H, W] or [B, 1, H, W], with H and W {pictures[1:3]}"
        )
    repeats = 1 if channels == 3 else channels
    host = arrays_of(overlay).to_host(overlay, None)
    if shape[0] * repeats < pictures[0]:
        raise ValueError(f"overlay has {shape[0]} images; the batch has more")
    return lambda: numpy.repeat(host(), repeats, 0)[: pictures[0]]


def _stretched(images: Any, rows: float, columns: float) -> Any:
    """The axis with the wider distances in the distances of the other."""
    axis, factor = (1, rows / columns) if rows > columns else (2, columns / rows)
    size = images.shape[axis]
    wanted = max(1, round(size * factor))
    # Centres of pixels: the first and last half pixel repeat the edge.
    place = numpy.clip((numpy.arange(wanted) + 0.5) * size / wanted - 0.5, 0, max(size - 1, 0))
    below = place.astype(numpy.int64)
    above = numpy.minimum(below + 1, size - 1)
    weight = (place - below).reshape([-1 if i == axis else 1 for i in range(4)])
    mixed = images.take(below, axis) * (1 - weight) + images.take(above, axis) * weight
    return numpy.rint(mixed).astype(numpy.uint8)


def _grid(images: Any, columns: int | None) -> Any:
    """[N, H, W, 3] in reading order, on black."""
    count, height, width, _ = images.shape
    columns = min(columns or math.ceil(math.sqrt(count)), max(count, 1))
    rows = -(-count // columns)
    cells = numpy.zeros((rows * columns, height, width, 3), numpy.uint8)
    cells[:count] = images
    return cells.reshape(rows, columns, height, width, 3).swapaxes(1, 2).reshape(rows * height, columns * width, 3)


# ---- Writers --------------------------------------------------------------------------------------------


def _log_function(writer: Any) -> Callable[[str, Any, int], object]:
    """What hands one picture to the writer, as bytes [H, W, 3], which it does not scale."""
    if callable(getattr(writer, "add_image", None)):
        return lambda tag, image, step: writer.add_image(tag, image, global_step=step, dataformats="HWC")
    for around in ("experiment", "tracker"):  # Lightning's loggers, Accelerate's trackers
        inner = getattr(writer, around, None)
        if inner is not None and inner is not writer:
            return _log_function(inner)
    wandb = sys.modules.get("wandb")
    if wandb is not None and callable(getattr(writer, "log", None)):
        return lambda tag, image, step: writer.log({tag: wandb.Image(image)}, step=step)
    raise TypeError(
        f"writer is {type(writer)!r}; it must be a SummaryWriter, a logger or tracker around one, or a run of W&B"
    )


def _rank() -> int:
    torch = sys.modules.get("torch")
    if torch is None or not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return 0
    return int(torch.distributed.get_rank())


# ---- The thread -----------------------------------------------------------------------------------------

_waiting: collections.deque[concurrent.futures.Future[None]] = collections.deque()
_worker: concurrent.futures.ThreadPoolExecutor | None = None


def _submit(finish: Callable[[], None]) -> None:
    global _worker
    if _worker is None:
        _worker = concurrent.futures.ThreadPoolExecutor(1, "batchview tensorboard")
    if len(_waiting) >= MOST_WAITING:
        concurrent.futures.wait([_waiting[0]])
        _raise_failures()
    _waiting.append(_worker.submit(finish))


def _raise_failures() -> None:
    while _waiting and _waiting[0].done():
        _waiting.popleft().result()


def _forget() -> None:
    """In the child of a fork the thread, and what it was to do, are the parent's."""
    global _worker
    _worker = None
    _waiting.clear()


os.register_at_fork(after_in_child=_forget)
atexit.register(flush)
