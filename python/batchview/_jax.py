"""The functions by XLA's calls of foreign functions: inside what JAX traces (jax.jit, vmap, donated arrays), and for arrays
that are on a GPU or on several devices.

Imported when the first such array comes.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from batchview import _cpu
from batchview._arrays import JaxArrays, jax_with_float64
from batchview._binding import cuda
from batchview._errors import Error

jax: Any = importlib.import_module("jax")
if not hasattr(jax, "ffi"):
    raise TypeError(f"JAX {jax.__version__} has no jax.ffi: traced arrays, and those on a GPU, are taken from JAX 0.5 on")

_TARGET, _REPLAYABLE = "batchview", "batchview_replayable"
_NORMALIZE, _MEASURE, _APPLY, _TO_UINT8, _IMAGE, _SLICE = range(6)
_MOST_ARRAYS = 4
# What None stands for where make_options gives it
_DEFAULTS = (0, 0, 0, 0, 0, 2.0, 98.0, 0.0, 0.0, 1e-8, 1e-3, None, None)

_FIXED = 2  # of options: the window is given


def _register() -> None:
    bindings = {"cpu": _cpu}
    try:
        bindings["CUDA"] = cuda()
    except Error:  # there is no CUDA here, or none was built in: XLA says so where it is wanted
        pass
    for platform, binding in bindings.items():
        jax.ffi.register_ffi_target(_TARGET, binding.xla_handler(False), platform=platform)
        jax.ffi.register_ffi_target(_REPLAYABLE, binding.xla_handler(True), platform=platform)


_register()


class Pending:
    """What a call is going to give."""

    def __init__(self, shape: Sequence[int], dtype: str) -> None:
        self.kind = jax.ShapeDtypeStruct(tuple(shape), jax.numpy.dtype(dtype))
        self.value: Any = None


def _call(function: int, arrays: list[Any], result: Any, options: Any = None, axis: int = 0) -> None:
    if not isinstance(result, Pending):
        raise TypeError("out cannot be given for JAX's arrays, which nobody may write to")
    scope, foreground, window, rounding, _, low, high, lo, hi, epsilon, floor, mask, colours = options or _DEFAULTS
    if mask is not None:
        mask = jax.numpy.asarray(mask)
        arrays = [*arrays, jax.numpy.broadcast_to(mask, arrays[0].shape[arrays[0].ndim - 4 :]) if mask.ndim < 4 else mask]
    numbers = [function, axis, scope, foreground, window, rounding, low, high, lo, hi, epsilon, floor]
    ranks = [*(array.ndim for array in arrays), len(result.kind.shape)]
    attributes = dict(
        numbers=numpy.array(numbers, numpy.float64),
        ranks=numpy.array(ranks + [0] * (_MOST_ARRAYS - len(ranks)), numpy.float64),
    )
    if colours is not None:
        attributes["colours"] = numpy.frombuffer(colours, numpy.uint8)
    # What needs no memory besides, XLA may capture in a CUDA graph
    replayable = function == _APPLY or (function == _NORMALIZE and window == _FIXED)
    target = _REPLAYABLE if replayable else _TARGET
    result.value = jax.ffi.ffi_call(target, result.kind, vmap_method="broadcast_all")(
        *(jax.lax.stop_gradient(array) for array in arrays), **attributes
    )


class _Binding:
    """The extension module's functions, as far as they are for traced arrays."""

    def normalize(self, batch: Any, out: Any, options: Any, workspace: Any, stream: Any) -> None:
        _call(_NORMALIZE, [batch], out, options)

    def measure(self, batch: Any, windows: Any, options: Any, workspace: Any, stream: Any) -> None:
        _call(_MEASURE, [batch], windows, options)

    def apply(self, batch: Any, windows: Any, out: Any, options: Any, stream: Any) -> None:
        with jax_with_float64():
            windows = jax.numpy.asarray(windows, "float64")
        _call(_APPLY, [batch, windows], out, options)

    def image_to_uint8(self, image: Any, out: Any, stream: Any, axis: int) -> None:
        _call(_TO_UINT8, [image], out)

    def image_2d(self, image: Any, out: Any, stream: Any, axis: int) -> None:
        _call(_IMAGE, [image], out)

    def slice_of_3d(self, volume: Any, out: Any, stream: Any, axis: int) -> None:
        _call(_SLICE, [volume], out, axis=axis)


    def __getattr__(self, name: str) -> Any:
        raise TypeError(f"{name} takes JAX's arrays on the CPU alone, and none that JAX traces")


class PlacedArrays(JaxArrays):
    """Arrays on a GPU, or on several devices."""

    _binding: Any = _Binding()

    def prepare(self, array: Any) -> Any:
        return array.astype("float64") if array.dtype in self.wide else array

    def binding(self, array: Any) -> Any:
        platforms = {device.platform for device in array.devices()}
        if not platforms <= {"cpu", "gpu", "cuda"}:
            raise TypeError(f"the JAX array is on {', '.join(sorted(platforms))}; JAX's are taken on CPUs and on CUDA's GPUs")
        if platforms != {"cpu"}:
            cuda()  # says what is missing
        return self._binding

    def stream(self, array: Any, stream: Any) -> int | None:
        if stream is not None:
            raise TypeError("stream cannot be given for JAX's arrays; XLA orders their work")
        return None

    def empty(self, array: Any, shape: Sequence[int], dtype: str) -> Any:
        return Pending(shape, dtype)

    def result(self, array: Any) -> Any:
        return array.value

    def to_numpy(self, array: Any, stream: Any) -> Any:
        return numpy.asarray(array.value)

    def to_host(self, array: Any, stream: Any) -> Callable[[], Any]:
        array.copy_to_host_async()
        return lambda: numpy.asarray(array)


class TracedArrays(PlacedArrays):
    """Arrays that are not there yet."""

    def binding(self, array: Any) -> Any:
        return self._binding

    def to_numpy(self, array: Any, stream: Any) -> Any:
        raise TypeError("what JAX traces has no pictures of NumPy's; give device_output=True")
