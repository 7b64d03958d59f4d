"""The shared library by ctypes: NumPy arrays as tensors, and the structs of batchview.h and pictures.h."""
import ctypes

import numpy as np

TYPES = {np.dtype(name): number for number, name in enumerate(
    ["f4", "f2", None, "f8", "u1", "i1", "u2", "i2", "i4", "u4"]) if name}
CPU = -1
FOREGROUND_ALL, WINDOW_FIXED, ROUNDING_NEAREST, SCOPE_BATCH = 1, 2, 1, 2


class Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("dtype", ctypes.c_int32), ("device", ctypes.c_int32), ("ndim", ctypes.c_int32),
                ("shape", ctypes.c_int64 * 8), ("stride", ctypes.c_int64 * 8)]


class Options(ctypes.Structure):
    """Of whatever struct: its size comes first, and fields are set by name."""

    def __init__(self, **fields):
        super().__init__()
        self.struct_size = ctypes.sizeof(self)
        for name, value in {**self.defaults, **fields}.items():
            setattr(self, name, value)


class GridOptions(Options):
    _fields_ = [("struct_size", ctypes.c_size_t), ("columns", ctypes.c_int64), ("padding", ctypes.c_int64),
                ("padding_value", ctypes.c_double)]
    defaults = {"columns": 8, "padding": 2}


class ViewsOptions(Options):
    _fields_ = [("struct_size", ctypes.c_size_t), ("spacing", ctypes.c_double * 3), ("position", ctypes.c_int64 * 3),
                ("upright", ctypes.c_int32), ("reserved", ctypes.c_int32)]
    defaults = {"spacing": (1, 1, 1), "position": (-1, -1, -1)}


class DisplayOptions(Options):
    _fields_ = [("struct_size", ctypes.c_size_t),
                *[(name, ctypes.c_int32) for name in ("scope", "foreground", "window", "rounding", "algorithm", "reserved")],
                *[(name, ctypes.c_double) for name in ("low", "high", "lo", "hi", "epsilon", "floor")],
                *[(name, ctypes.c_void_p) for name in ("mask", "colour_map", "workspace")], ("workspace_bytes", ctypes.c_size_t)]
    defaults = {"low": 2, "high": 98, "epsilon": 1e-8, "floor": 1e-3}


class ColourMap(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("rgb", ctypes.c_uint8 * 768)]


def as_they_are():
    """Options of values 0 .. 1 that stay what they are; pictures of them are as torchvision's save_image rounds."""
    return DisplayOptions(foreground=FOREGROUND_ALL, window=WINDOW_FIXED, hi=1, epsilon=0, floor=0, rounding=ROUNDING_NEAREST)


def tensor(array):
    if not array.flags.writeable or any(stride % array.itemsize for stride in array.strides):
        raise ValueError("no tensor can be made of it")
    return Tensor(array.ctypes.data, TYPES[array.dtype], CPU, array.ndim, array.shape,
                  tuple(stride // array.itemsize for stride in array.strides))


class Library:
    def __init__(self, path):
        self.functions = ctypes.CDLL(path)
        self.functions.bv_last_error.restype = ctypes.c_char_p
        self.functions.bv_colour_maps.restype = ctypes.POINTER(ColourMap)

    def call(self, name, *arguments):
        """Arrays become tensors, structs pointers to them; a status other than 0 is an error."""
        tensors = [tensor(a) if isinstance(a, np.ndarray) else a for a in arguments]
        passed = [ctypes.byref(a) if isinstance(a, ctypes.Structure) else a for a in tensors]
        if self.functions[name](*passed) != 0:
            raise RuntimeError(f"{name}: {self.functions.bv_last_error().decode()}")

    def colour_maps(self):
        """{name: [256, 3]}"""
        maps = self.functions.bv_colour_maps()
        found = {}
        for number in range(1000):
            if not maps[number].name:
                return found
            found[maps[number].name.decode()] = np.array(maps[number].rgb, np.uint8).reshape(256, 3)
        raise RuntimeError("the list of colour maps does not end")
