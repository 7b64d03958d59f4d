"""What differs between the libraries that arrays come from: how to make one, and where its work goes.

A library is never imported here before an array of it has come: then it is there already.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy

from batchview import _cpu

FLOATS = ("float32", "float16", "bfloat16", "float64")


class NumpyArrays:
    """NumPy's arrays."""

    float_types: dict[Any, str] = {numpy.dtype(name): name for name in FLOATS if name != "bfloat16"}
    wide: frozenset[Any] = frozenset(map(numpy.dtype, ("int64", "uint64")))

    def prepare(self, array: Any) -> Any:
        """The array itself; or a copy as float64 of integers of 64 bits, which is what percentiles are taken of."""
        if getattr(array, "dtype", None) in self.wide:
            return numpy.asarray(array, numpy.float64)
        return array

    def binding(self, array: Any) -> ModuleType:
        return _cpu

    def stream(self, array: Any, stream: Any) -> int | None:
        return None

    def float_type(self, array: Any) -> str:
        """The type of a result that nobody asked another type for."""
        return self.float_types.get(array.dtype, "float32")

    def empty_like(self, array: Any, dtype: str) -> Any:
        return numpy.empty_like(array, _numpy_type(dtype), subok=False)

    def empty(self, array: Any, shape: Sequence[int], dtype: str) -> Any:
        return numpy.empty(shape, _numpy_type(dtype))

    def workspace(self, binding: ModuleType, array: Any, out: Any, options: Any) -> Any:
        """The memory that the call needs on a device, from the library's own allocator."""
        return None

    def used_on(self, stream: Any, *arrays: Any) -> None:
        """Tells the allocator that these arrays are in use on that stream."""

    def result(self, array: Any) -> Any:
        """What `empty` made, once it is filled, as the caller's kind of array."""
        return array

    def to_numpy(self, array: Any) -> Any:
        return array

    def to_host(self, array: Any) -> Callable[[], Any]:
        """Begins a copy to the host as it is now; what it gives waits for it and returns it as a NumPy array."""
        copy = numpy.array(array)
        return lambda: copy


class OtherArrays(NumpyArrays):
    """Whatever shows its memory by DLPack or NumPy's array interface: taken, and answered, as NumPy's arrays."""

    def float_type(self, array: Any) -> str:
        return super().float_type(self._view(array))

    def prepare(self, array: Any) -> Any:
        return super().prepare(self._view(array))

    def _view(self, array: Any) -> Any:
        return numpy.asarray(array) if hasattr(array, "__array_interface__") else numpy.from_dlpack(array)


class TorchArrays(NumpyArrays):
    """PyTorch's tensors."""

    def __init__(self) -> None:
        self.torch: Any = sys.modules["torch"]
        names = [*FLOATS, "uint8"]
        self.types: dict[str, Any] = {name: getattr(self.torch, name) for name in names}
        self.float_types = {self.types[name]: name for name in FLOATS}
        self.wide = frozenset(getattr(self.torch, name, self.torch.int64) for name in ("int64", "uint64"))
        self.strided = self.torch.strided
        # Before PyTorch 2.10 or so there is only __dlpack__, which refuses tensors that require gradients.
        self.exchanges: bool = hasattr(self.torch.Tensor, "__dlpack_c_exchange_api__")

    def prepare(self, array: Any) -> Any:
        if array.layout is not self.strided:
            raise TypeError(f"the tensor is {array.layout}; it must be dense: call to_dense()")
        if not self.exchanges:
            array = array.detach()
        if array.dtype in self.wide:
            array = array.detach().to(self.torch.float64)
        return array.resolve_neg() if array.is_neg() else array

    def empty_like(self, array: Any, dtype: str) -> Any:
        return self.torch.empty_like(array, dtype=self.types[dtype])

    def empty(self, array: Any, shape: Sequence[int], dtype: str) -> Any:
        return self.torch.empty(shape, dtype=self.types[dtype], device=array.device)

    def to_numpy(self, array: Any) -> Any:
        return array.cpu().numpy()

    def to_host(self, array: Any) -> Callable[[], Any]:
        if not array.is_cuda:
            return super().to_host(array.detach())
        host = self.torch.empty(array.shape, dtype=array.dtype, pin_memory=True)
        host.copy_(array.detach(), non_blocking=True)
        copied = self.torch.cuda.Event()
        copied.record(self.torch.cuda.current_stream(array.device))

        def wait() -> Any:
            copied.synchronize()
            return host.numpy()

        return wait


class JaxArrays(NumpyArrays):
    """JAX's arrays, which nobody may write to: results are made in NumPy's memory and handed over."""

    ALIGNMENT = 64  # bytes, from which on JAX takes memory over without a copy

    def float_type(self, array: Any) -> str:
        name = str(array.dtype)
        return name if name in FLOATS else "float32"

    def empty_like(self, array: Any, dtype: str) -> Any:
        return self.empty(array, array.shape, dtype)

    def empty(self, array: Any, shape: Sequence[int], dtype: str) -> Any:
        kind = _numpy_type(dtype)
        size = int(numpy.prod(shape, dtype=numpy.int64)) * kind.itemsize
        memory = numpy.empty(size + self.ALIGNMENT, numpy.uint8)
        start = -memory.ctypes.data % self.ALIGNMENT
        return memory[start : start + size].view(kind).reshape(shape)

    def result(self, array: Any) -> Any:
        return sys.modules["jax"].numpy.from_dlpack(array)


_numpy_types = {name: numpy.dtype(name) for name in (*FLOATS, "uint8") if name != "bfloat16"}


def _numpy_type(dtype: str) -> numpy.dtype[Any]:
    if dtype == "bfloat16":
        raise TypeError("dtype is bfloat16, which NumPy has not; take float32, or a PyTorch tensor")
    return _numpy_types[dtype]


_known: dict[type, NumpyArrays] = {numpy.ndarray: NumpyArrays()}
_by_library: dict[str, NumpyArrays] = {}
_CLASSES: dict[str, type[NumpyArrays]] = {"torch": TorchArrays, "jax": JaxArrays, "numpy": NumpyArrays}


def _library(array: Any) -> str:
    """The library that an array's type, or one that it is derived from, is of; "" for any other array."""
    for base in type(array).__mro__:
        library = base.__module__.partition(".")[0]
        if library == "jaxlib":
            return "jax"
        if library in ("torch", "jax") or base is numpy.ndarray:
            return library
    for protocol in ("__dlpack__", "__array_interface__"):
        if hasattr(array, protocol):
            return ""
    raise TypeError(
        f"{type(array)!r} is no array that is taken; take one of PyTorch, NumPy or JAX, or any with __dlpack__ or "
        "__array_interface__"
    )


def arrays_of(array: Any) -> NumpyArrays:
    found = _known.get(type(array))
    if found is None:
        library = _library(array)
        if library not in _by_library:
            _by_library[library] = _CLASSES.get(library, OtherArrays)()
        found = _by_library[library]
        if len(_known) < 100:  # types that are made by the call would add up
            _known[type(array)] = found
    return found


def dtype_name(dtype: Any) -> str:
    """"float32" of "float32", numpy.float32, torch.float32, jax.numpy.float32 and so on."""
    if not isinstance(dtype, str):
        dtype = getattr(dtype, "__name__", None) or str(dtype).rpartition(".")[2]
    if dtype not in FLOATS and dtype != "uint8":
        raise TypeError(f"dtype is {dtype!r}; it must be one of {', '.join(map(repr, (*FLOATS, 'uint8')))}")
    return str(dtype)
