"""JAX on a GPU without JAX's CUDA plugin: jax.ffi.ffi_call calls the handlers of batchview's CUDA module as XLA would, by
xla_caller.cpp, on arrays that it copies to the GPU before and from there after."""

import ctypes as C
import pathlib
import subprocess

import jax
import numpy as np
import torch

from batchview import _cuda, _jax

POISON = 165


class Array(C.Structure):
    _fields_ = [("dtype", C.c_int), ("data", C.c_void_p), ("rank", C.c_int64), ("dims", C.POINTER(C.c_int64))]


Allocate = C.CFUNCTYPE(C.c_void_p, C.c_size_t)
Release = C.CFUNCTYPE(None, C.c_void_p, C.c_size_t)


class Machine(C.Structure):
    _fields_ = [("stream", C.c_void_p), ("allocate", Allocate), ("release", Release)]


def build(directory):
    """xla_caller.cpp as a library."""
    library = directory / "xla_caller.so"
    source = pathlib.Path(__file__).with_name("xla_caller.cpp")
    command = ["g++", "-std=c++17", "-shared", "-fPIC", "-isystem", jax.ffi.include_dir(), source, "-o", library]
    subprocess.run(command, check=True)
    return C.CDLL(str(library))


def address_of(handler):
    pointer = C.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = C.c_void_p, [C.py_object, C.c_char_p]
    return C.c_void_p(pointer(handler, b"xla._CUSTOM_CALL_TARGET"))


class XlaError(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Gpu:
    """XLA's part: a stream, memory, the calls. `calls`: the target of each, and what it was given."""

    def __init__(self, library, device="cuda:0"):
        self.library, self.device = library, device
        self.stream = torch.cuda.Stream(device)
        self.handlers = {_jax._TARGET: _cuda.xla_handler(False), _jax._REPLAYABLE: _cuda.xla_handler(True)}
        self.memory, self.allocated, self.calls = {}, [], []
        self.has_memory = True
        self.machine = Machine(self.stream.cuda_stream, Allocate(self._allocate), Release(self._release))

    def _allocate(self, size):
        if not self.has_memory:
            return None
        # No better aligned than XLA promises
        memory = torch.full((size + 256,), POISON, dtype=torch.uint8).to(self.device)
        address = memory.data_ptr() // 256 * 256 + 256 + 16 if memory.data_ptr() % 256 else memory.data_ptr() + 16
        self.memory[address] = memory, size
        self.allocated.append(size)
        return address

    def _release(self, address, size):
        memory, had = self.memory.pop(address)
        assert had == size
        memory.record_stream(self.stream)

    def on_device(self, array):
        """The bytes of an array on the device."""
        data = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8)
        return torch.from_numpy(data.copy()).to(self.device)

    def describe(self, data, shape, dtype):
        return Array(self.library.xla_type(str(dtype).encode()), data or None, len(shape), (C.c_int64 * len(shape))(*shape))

    def enqueue(self, target, arrays, attributes):
        """arrays: (tensor of bytes, shape, dtype), the result last."""
        described = [self.describe(tensor.data_ptr(), shape, dtype) for tensor, shape, dtype in arrays]
        names = sorted(attributes)  # as XLA has them
        values = [self.describe(attributes[n].ctypes.data, attributes[n].shape, attributes[n].dtype) for n in names]
        message = C.create_string_buffer(1000)
        code = self.library.xla_call(
            address_of(self.handlers[target]),
            C.byref(self.machine),
            len(arrays),
            (Array * len(arrays))(*described),
            len(names),
            (C.c_char_p * len(names))(*(name.encode() for name in names)),
            (Array * len(names))(*values),
            message,
            C.c_size_t(len(message)),
        )
        if code:
            raise XlaError(code, message.value.decode())

    def ffi_call(self, target, kind, vmap_method):
        def call(*arrays, **attributes):
            given = [(self.on_device(array), array.shape, array.dtype) for array in arrays]
            size = int(np.prod(kind.shape)) * np.dtype(kind.dtype).itemsize
            result = torch.full((size,), POISON, dtype=torch.uint8).to(self.device)
            torch.cuda.synchronize(self.device)
            self.calls.append((target, given, attributes))
            self.enqueue(target, [*given, (result, kind.shape, kind.dtype)], attributes)
            self.stream.synchronize()
            return np.frombuffer(result.cpu().numpy().tobytes(), kind.dtype).reshape(kind.shape)

        return call
