"""The extension modules: for arrays on the CPU, and, from the first array on a GPU on, for those."""

from __future__ import annotations

import functools
import importlib
from types import ModuleType

from batchview import _cpu
from batchview._errors import Error


@functools.lru_cache(maxsize=None)
def cuda() -> ModuleType:
    """The module for device arrays, which needs the CUDA runtime."""
    try:
        return importlib.import_module("batchview._cuda")
    except ModuleNotFoundError:
        raise Error(
            "the array is on a GPU, and this batchview was built without CUDA: install it again where nvcc is found"
        ) from None
    except ImportError as error:
        raise Error(
            f"the array is on a GPU, and the CUDA runtime is not found: {error}; `pip install nvidia-cuda-runtime`, or have "
            "the toolkit's libraries in LD_LIBRARY_PATH"
        ) from error


def describe() -> str:
    """Versions, what was built in, and what this machine has: for the head of a report of trouble.

    Returns
    -------
    str
        Lines, the same as ``bv_describe`` gives in C.

    Raises
    ------
    MemoryError
        There is no memory.

    Examples
    --------
    >>> describe().startswith("batchview ")
    True
    """
    try:
        return str(cuda().describe())
    except Error:
        return _cpu.describe()


def set_threads(threads: int) -> None:
    """Say how many threads a call on the CPU may use.

    Parameters
    ----------
    threads : int
        1 to 1024, the calling thread among them. 0 is the default: ``BATCHVIEW_THREADS``, else ``OMP_NUM_THREADS``, else the
        processors that the process may use.

    Returns
    -------
    None

    Raises
    ------
    ValueError
        `threads` is no such number.

    Examples
    --------
    >>> set_threads(1)
    >>> get_threads()
    1
    >>> set_threads(0)
    """
    _cpu.set_threads(threads)


def get_threads() -> int:
    """Ask how many threads a call on the CPU may use.

    Returns
    -------
    int
        The number in force.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> get_threads() >= 1
    True
    """
    return _cpu.get_threads()
