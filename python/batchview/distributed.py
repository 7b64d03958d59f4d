"""The ranks of a training job with PyTorch."""

from __future__ import annotations

import datetime
import functools
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from batchview._group import Group

__all__ = ["Group", "setup_ddp"]


def setup_ddp(
    rank: int | None = None, world_size: int | None = None, *, backend: str | None = None, timeout: float = 300
) -> tuple[Any, Any]:
    """Join this process to its job, and choose its device.

    Parameters
    ----------
    rank, world_size : int, optional
        Who this is, ``0 <= rank < world_size``. Without them RANK and WORLD_SIZE of the environment, as torchrun sets them.
    backend : optional
        PyTorch's name of it; without it "nccl" where there is a GPU, else "gloo".
    timeout : float
        Seconds after which the set-up, or later a collective operation, gives up.

    Returns
    -------
    tuple
        ``torch.distributed``, with its process group initialised, and the device: with a GPU that of LOCAL_RANK (without
        that of the rank, modulo the number of GPUs), which becomes the current one; else the CPU.

    Raises
    ------
    ValueError
        A rank, size, timeout or environment variable that cannot be; a process group that says otherwise.
    TimeoutError
        Other ranks have not come in time.
    KeyboardInterrupt
        At once, also while others are waited for (with PyTorch 1 when it stops waiting).

    Notes
    -----
    Rank 0 is found at MASTER_ADDR and MASTER_PORT; without them on this machine, at PyTorch's default port, 29500.

    Examples
    --------
    >>> distributed, device = setup_ddp(0, 1)
    >>> distributed.get_rank(), distributed.get_world_size()
    (0, 1)
    >>> distributed.destroy_process_group()
    """
    import torch

    rank, world_size = _number("rank", rank, "RANK"), _number("world_size", world_size, "WORLD_SIZE")
    if world_size < 1 or not 0 <= rank < world_size:
        raise ValueError(f"rank is {rank} and world_size is {world_size}; ranks are 0 .. world_size - 1")
    if not 0 < timeout < float("inf"):
        raise ValueError(f"timeout is {timeout}; it must be a number of seconds, above 0")
    device = torch.device("cpu")
    if torch.cuda.is_available():
        local_rank = _number("LOCAL_RANK", rank if "LOCAL_RANK" not in os.environ else None, "LOCAL_RANK")
        device = torch.device("cuda", local_rank % torch.cuda.device_count())
        torch.cuda.set_device(device)
    distributed = torch.distributed
    if distributed.is_initialized():
        joined = distributed.get_rank(), distributed.get_world_size()
        if joined != (rank, world_size):
            raise ValueError(f"rank and world_size are {rank} and {world_size}; this process is already {joined}")
        return distributed, device
    os.environ.setdefault("MASTER_ADDR", "localhost")
    os.environ.setdefault("MASTER_PORT", "29500")
    join = functools.partial(
        distributed.init_process_group,
        backend or ("nccl" if device.type == "cuda" else "gloo"),
        rank=rank,
        world_size=world_size,
        timeout=datetime.timedelta(seconds=timeout),
    )
    _interruptible(join, timeout)
    return distributed, device


def _number(name: str, given: int | None, variable: str) -> int:
    if given is not None:
        return int(given)
    text = os.environ.get(variable)
    if text is None:
        raise ValueError(f"{name} is not given, and {variable} is not in the environment: start with torchrun")
    if not text.isdecimal():
        raise ValueError(f"{variable} is {text!r} in the environment; it must be a number")
    return int(text)


def _interruptible(function: Callable[[], object], timeout: float) -> None:
    """Calls a function that hears no Ctrl-C, on a thread that is left behind if one comes."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            function()
        except BaseException as error:
            failures.append(error)

    start = time.monotonic()
    thread = threading.Thread(target=work, name="batchview setup_ddp", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.05)
    if failures:
        # PyTorch has several errors for it, by version and backend, but says it in words.
        if time.monotonic() - start > 0.9 * timeout or "timed out" in str(failures[0]).lower():
            raise TimeoutError(f"not all ranks came within {timeout:g} seconds: {failures[0]}") from failures[0]
        raise failures[0]
