"""What differs between the libraries that arrays come from: how to make one, and where its work goes.

A library is never imported here before an array of it has come: then it is there already.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy

from batchview import _cpu
from batchview._binding import cuda

FLOATS = ("float32", "float16", "bfloat16", "float64")


_FLOAT32 = numpy.dtype("float32")


class NumpyArrays:
    """NumPy's arrays."""

    values: dict[Any, Any] = {numpy.dtype(name): numpy.dtype(name) for name in FLOATS if name != "bfloat16"}
    wide: frozenset[Any] = frozenset(map(numpy.dtype, ("int64", "uint64")))

    def prepare(self, array: Any) -> Any:
        """The array itself; or a copy as float64 of integers of 64 bits, which is what percentiles are taken of."""
        if getattr(array, "dtype", None) in self.wide:
            return numpy.asarray(array, numpy.float64)
        return array

    def prepare_mask(self, mask: Any) -> Any:
        return mask

    def prepare_labels(self, labels: Any) -> Any:
        """The array itself; or the lowest 32 bits of integers of 64."""
        return labels.astype("int32") if getattr(labels, "dtype", None) in self.wide else labels

    def binding(self, array: Any) -> ModuleType:
        return _cpu

    def stream(self, array: Any, stream: Any) -> int | None:
        """The number of the stream that was given. Without one the array says it; on the CPU there is none."""
        return None

    def values_like(self, array: Any, given: Any) -> Any:
        """Memory for values of a type that nobody asked for: that of the array as it was given, or float32."""
        return numpy.empty_like(array, self.values.get(given.dtype, _FLOAT32), subok=False)

    def empty_like(self, array: Any, dtype: str) -> Any:
        return numpy.empty_like(array, _numpy_type(dtype), subok=False)

    def empty(self, array: Any, shape: Sequence[int], dtype: str) -> Any:
        return numpy.empty(shape, _numpy_type(dtype))

    def workspace(self, binding: ModuleType, array: Any, out: Any, options: Any) -> Any:
        """The memory that the call needs on a device, from the library's own allocator."""
        return None

    def used_on(self, stream: Any, *arrays: Any) -> None:
        """Tells the allocator that these arrays, or None, are in use on the stream that was given."""

    def result(self, array: Any) -> Any:
        """What `empty` made, once it is filled, as the caller's kind of array."""
        return array

    def to_numpy(self, array: Any, stream: Any) -> Any:
        """What is there when the stream has done its work, that of the array's library if None."""
        return array

    def to_host(self, array: Any, stream: Any) -> Callable[[], Any]:
        """Begins a copy to the host, as the last; what it gives waits for it and returns it as a NumPy array."""
        copy = numpy.array(array)
        return lambda: copy


class OtherArrays(NumpyArrays):
    """Whatever shows its memory by DLPack or an array interface. On the CPU it is taken, and answered, as NumPy's arrays; on
    a GPU results go where the caller says, because nobody here can make such arrays."""

    def binding(self, array: Any) -> ModuleType:
        return cuda() if _on_device(array) else _cpu

    def stream(self, array: Any, stream: Any) -> int | None:
        return _stream_number(stream) if _on_device(array) else None

    def values_like(self, array: Any, given: Any) -> Any:
        return self.empty(array, array.shape, "float32") if _on_device(array) else super().values_like(array, _as_numpy(given))

    def prepare(self, array: Any) -> Any:
        return array if _on_device(array) else super().prepare(_as_numpy(array))

    def empty_like(self, array: Any, dtype: str) -> Any:
        return self.empty(array, array.shape, dtype)

    def empty(self, array: Any, shape: Sequence[int], dtype: str) -> Any:
        if _on_device(array):
            raise TypeError(f"results on a GPU cannot be made for {type(array)!r}; give out=")
        return super().empty(array, shape, dtype)

    def to_host(self, array: Any, stream: Any) -> Callable[[], Any]:
        if _on_device(array):
            raise TypeError(f"{type(array)!r} cannot be copied from the GPU here; take PyTorch's or CuPy's arrays")
        return super().to_host(array, stream)


class CupyArrays(NumpyArrays):
    """CuPy's arrays, which are on a GPU. They say themselves which stream is CuPy's current one."""

    def __init__(self) -> None:
        self.cupy: Any = sys.modules["cupy"]

    def binding(self, array: Any) -> ModuleType:
        return cuda()

    def prepare(self, array: Any) -> Any:
        return array.astype("float64") if array.dtype in self.wide else array

    def stream(self, array: Any, stream: Any) -> int | None:
        return _stream_number(stream)

    def values_like(self, array: Any, given: Any) -> Any:
        return self.empty_like(array, self.values.get(given.dtype, _FLOAT32).name)

    def empty_like(self, array: Any, dtype: str) -> Any:
        return self.empty(array, array.shape, dtype)

    def empty(self, array: Any, shape: Sequence[int], dtype: str) -> Any:
        with array.device:
            return self.cupy.empty(shape, _numpy_type(dtype))

    def workspace(self, binding: ModuleType, array: Any, out: Any, options: Any) -> Any:
        size = binding.workspace_bytes(array, out, options)
        return self.empty(array, (size,), "uint8") if size else None

    def _current(self, stream: Any) -> Any:
        return self.cupy.cuda.get_current_stream() if stream is None else self.cupy.cuda.ExternalStream(_stream_number(stream))

    def to_numpy(self, array: Any, stream: Any) -> Any:
        with array.device:
            return array.get(stream=self._current(stream))

    def to_host(self, array: Any, stream: Any) -> Callable[[], Any]:
        with array.device:
            host = importlib.import_module("cupyx").empty_pinned(array.shape, array.dtype)
            on = self._current(stream)
            array.get(stream=on, out=host, blocking=False)
            copied = on.record()

        def wait() -> Any:
            copied.synchronize()
            return host

        return wait


class TorchArrays(NumpyArrays):
    """PyTorch's tensors."""

    def __init__(self) -> None:
        self.torch: Any = sys.modules["torch"]
        names = [*FLOATS, "uint8"]
        self.types: dict[str, Any] = {name: getattr(self.torch, name) for name in names}
        self.values = {self.types[name]: self.types[name] for name in FLOATS}
        self.empty_of_kind = self.torch.empty_like
        self.wide = frozenset(getattr(self.torch, name, self.torch.int64) for name in ("int64", "uint64"))
        self.strided = self.torch.strided
        # Before PyTorch 2.10 or so there is only __dlpack__, which refuses tensors that require gradients.
        self.exchanges: bool = hasattr(self.torch.Tensor, "__dlpack_c_exchange_api__")

    def prepare(self, array: Any) -> Any:
        if array.layout is not self.strided:
            raise TypeError(f"the tensor is {array.layout}; it must be dense: call to_dense()")
        if not self.exchanges:
            array = self.prepare_mask(array.detach())
        if array.dtype in self.wide:
            array = array.detach().to(self.torch.float64)
        return array.resolve_neg() if array.is_neg() else array

    def prepare_mask(self, mask: Any) -> Any:
        if self.exchanges or mask.dtype is not self.torch.bool:
            return mask
        return mask.view(self.torch.uint8)  # older DLPack has no bools

    def prepare_labels(self, labels: Any) -> Any:
        return labels.to(self.torch.int32) if labels.dtype in self.wide else self.prepare_mask(labels)

    def values_like(self, array: Any, given: Any) -> Any:
        if given.dtype in self.values and array.dtype is given.dtype:
            return self.empty_of_kind(array)
        return self.empty_of_kind(array, dtype=self.types["float32"])

    def empty_like(self, array: Any, dtype: str) -> Any:
        return self.empty_of_kind(array, dtype=self.types[dtype])

    def empty(self, array: Any, shape: Sequence[int], dtype: str) -> Any:
        return self.torch.empty(shape, dtype=self.types[dtype], device=array.device)

    def binding(self, array: Any) -> ModuleType:
        if array.is_cuda:
            return cuda()
        if not array.is_cpu:
            raise TypeError(f"the tensor is on {array.device.type}; PyTorch's are taken on the CPU and on CUDA's GPUs")
        return _cpu

    def stream(self, array: Any, stream: Any) -> int | None:
        if not array.is_cuda:
            return None
        if stream is None and not self.exchanges:
            stream = self.torch.cuda.current_stream(array.device)
        return _stream_number(stream)

    def workspace(self, binding: ModuleType, array: Any, out: Any, options: Any) -> Any:
        if binding is _cpu:
            return None
        size = binding.workspace_bytes(array, out, options)
        return self.torch.empty(size, dtype=self.torch.uint8, device=array.device) if size else None

    def used_on(self, stream: Any, *arrays: Any) -> None:
        on_device = [array for array in arrays if isinstance(array, self.torch.Tensor) and array.is_cuda]
        for array in on_device:
            array.record_stream(self._external(array, stream))

    def _external(self, array: Any, stream: Any) -> Any:
        return self.torch.cuda.ExternalStream(_stream_number(stream), array.device)

    def to_numpy(self, array: Any, stream: Any) -> Any:
        if stream is None or not array.is_cuda:
            return array.cpu().numpy()
        with self.torch.cuda.stream(self._external(array, stream)):
            return array.cpu().numpy()

    def to_host(self, array: Any, stream: Any) -> Callable[[], Any]:
        if not array.is_cuda:
            return super().to_host(array.detach().numpy(), stream)
        current = self.torch.cuda.current_stream(array.device)
        host = self.torch.empty(array.shape, dtype=array.dtype, pin_memory=True)
        copied = self.torch.cuda.Event()
        with self.torch.cuda.stream(current if stream is None else self._external(array, stream)):
            host.copy_(array.detach(), non_blocking=True)
            copied.record()

        def wait() -> Any:
            copied.synchronize()
            return host.numpy()

        return wait


class JaxArrays(NumpyArrays):
    """JAX's arrays on the CPU, which nobody may write to: results are made in NumPy's memory and handed over."""

    ALIGNMENT = 64  # bytes, from which on JAX takes memory over without a copy

    def values_like(self, array: Any, given: Any) -> Any:
        name = str(given.dtype)
        return self.empty_like(array, name if name in FLOATS else "float32")

    def empty_like(self, array: Any, dtype: str) -> Any:
        return self.empty(array, array.shape, dtype)

    def empty(self, array: Any, shape: Sequence[int], dtype: str) -> Any:
        kind = _numpy_type(dtype)
        size = int(numpy.prod(shape, dtype=numpy.int64)) * kind.itemsize
        memory = numpy.empty(size + self.ALIGNMENT, numpy.uint8)
        start = -memory.ctypes.data % self.ALIGNMENT
        return memory[start : start + size].view(kind).reshape(shape)

    def result(self, array: Any) -> Any:
        with jax_with_float64() if array.dtype.itemsize == 8 else contextlib.nullcontext():
            return sys.modules["jax"].numpy.from_dlpack(array)


def jax_with_float64() -> Any:
    """Inside, JAX makes arrays of 64 bits, however it is configured."""
    jax: Any = sys.modules["jax"]
    return (jax if hasattr(jax, "enable_x64") else importlib.import_module("jax.experimental")).enable_x64(True)


_numpy_types = {name: numpy.dtype(name) for name in (*FLOATS, "uint8") if name != "bfloat16"}


def _numpy_type(dtype: str) -> numpy.dtype[Any]:
    if dtype == "bfloat16":
        raise TypeError("dtype is bfloat16, which NumPy has not; take float32, or a PyTorch tensor")
    return _numpy_types[dtype]


def _on_device(array: Any) -> bool:
    if hasattr(array, "__cuda_array_interface__"):
        return True
    return hasattr(array, "__dlpack_device__") and array.__dlpack_device__()[0] == 2


def _as_numpy(array: Any) -> Any:
    return numpy.asarray(array) if hasattr(array, "__array_interface__") else numpy.from_dlpack(array)


def _stream_number(stream: Any) -> int | None:
    """Of a number, or of PyTorch's, CuPy's or others' stream."""
    if stream is None or isinstance(stream, int):
        return stream
    for name in ("cuda_stream", "ptr"):
        if isinstance(getattr(stream, name, None), int):
            return int(getattr(stream, name))
    if hasattr(stream, "__cuda_stream__"):
        return int(stream.__cuda_stream__()[1])
    raise TypeError(f"stream is {stream!r}; it must be a number, or a stream of PyTorch, CuPy or cuda.core")


_known: dict[type, NumpyArrays] = {numpy.ndarray: NumpyArrays()}
_by_library: dict[str, NumpyArrays] = {}
_CLASSES: dict[str, type[NumpyArrays]] = {
    "torch": TorchArrays,
    "cupy": CupyArrays,
    "jax": JaxArrays,
    "numpy": NumpyArrays,
}


def _library(array: Any) -> str:
    """The library that an array's type, or one that it is derived from, is of; "" for any other array."""
    for base in type(array).__mro__:
        if base.__module__.startswith("numpy.ma"):
            raise TypeError("arrays with a mask of their own are not taken; give their data, and mask=")
        library = base.__module__.partition(".")[0]
        if library in ("jax", "jaxlib"):
            return _kind_of_jax(array)
        if library in ("torch", "cupy") or base is numpy.ndarray:
            return library
    for protocol in ("__dlpack__", "__array_interface__", "__cuda_array_interface__"):
        if hasattr(array, protocol):
            return ""
    raise TypeError(
        f"{type(array)!r} is no array that is taken; take one of PyTorch, CuPy, JAX or NumPy, or any with __dlpack__, "
        "__array_interface__ or __cuda_array_interface__"
    )


def _kind_of_jax(array: Any) -> str:
    if any(each.__name__ == "Tracer" for each in type(array).__mro__):
        return "jax.traced"
    devices = array.devices()
    return "jax" if len(devices) == 1 and next(iter(devices)).platform == "cpu" else "jax.placed"


def _class_for(library: str) -> type[NumpyArrays]:
    if library.startswith("jax."):
        module = importlib.import_module("batchview._jax")
        by_xla: type[NumpyArrays] = module.TracedArrays if library == "jax.traced" else module.PlacedArrays
        return by_xla
    return _CLASSES.get(library, OtherArrays)


def arrays_of(array: Any) -> NumpyArrays:
    found = _known.get(type(array))
    if found is None:
        library = _library(array)
        if library not in _by_library:
            _by_library[library] = _class_for(library)()
        found = _by_library[library]
        # JAX's arrays have one type wherever they are; types that are made by the call would add up
        if not library.startswith("jax") and len(_known) < 100:
            _known[type(array)] = found
    return found


def work_dtype(array: Any) -> str:
    """The type that an array's elements are worked on in."""
    return "float64" if str(array.dtype).rpartition(".")[2] in ("float64", "int32", "uint32") else "float32"


def dtype_name(dtype: Any) -> str:
    """"float32" of "float32", numpy.float32, torch.float32, jax.numpy.float32 and so on."""
    if not isinstance(dtype, str):
        dtype = getattr(dtype, "__name__", None) or str(dtype).rpartition(".")[2]
    if dtype not in FLOATS and dtype != "uint8":
        raise TypeError(f"dtype is {dtype!r}; it must be one of {', '.join(map(repr, (*FLOATS, 'uint8')))}")
    return str(dtype)
