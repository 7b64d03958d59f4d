"""What a call from Python costs besides the pixels: microseconds a call on an array of 4 x 4 floats.

    .venv/python/bin/python bench/python_calls.py      (after `make test-python`)

Processor time of the calling thread, the least of many runs: on a busy machine other programs show in neither.
"""

import time
import timeit

import numpy
import torch

import batchview._torch_op  # registers the operators
from batchview.visualization import normalize_batch_for_display

CALLS, RUNS = 2000, 60


def microseconds(call):
    return min(timeit.repeat(call, number=CALLS, repeat=RUNS, timer=time.thread_time)) / CALLS * 1e6


array = numpy.ones((1, 1, 4, 4), numpy.float32)
tensor = torch.from_numpy(array)
array_out, tensor_out = numpy.empty_like(array), torch.empty_like(tensor)
operator = torch.ops.batchview.normalize_batch_for_display
rows = [
    ("NumPy", lambda: normalize_batch_for_display(array)),
    ("NumPy, `out=`", lambda: normalize_batch_for_display(array, out=array_out)),
    ("PyTorch", lambda: normalize_batch_for_display(tensor)),
    ("PyTorch, `out=`", lambda: normalize_batch_for_display(tensor, out=tensor_out)),
    ("PyTorch, all options", lambda: normalize_batch_for_display(tensor, 5, 95, scope="batch", window="minmax", floor=0)),
    ("PyTorch, the operator", lambda: operator(tensor)),
]
print("| call from | microseconds |\n| --- | --- |")
for name, call in rows:
    print(f"| {name} | {microseconds(call):.1f} |")
