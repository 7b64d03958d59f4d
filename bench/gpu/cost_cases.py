"""The cases whose cost in machine instructions cost.py measures and holds, as data.

Costs are issue slots a pixel: warp instructions x 32 / pixels, idle lanes included. `budget` is what a case may cost to
run at 1.10 times the speed of an H100's copy with 70 % of its issue slots used; `limit` is what it may cost today. A limit
only ever falls: whoever makes a kernel cheaper lowers it to the new figure, rounded up to a tenth. Where pixels look up
tables, the passes over the banks of shared memory have a limit too.
"""
import math
import typing


class Case(typing.NamedTuple):
    name: str
    call: str  # ALGORITHM SHAPE IN OUT of device_calls
    kernels: str  # a regular expression for the names of those that count, all their launches added up
    limit: float
    budget: float
    bytes: int = 0  # that the whole call reads and writes a pixel, where the kernel does the whole call
    capability: int = 90
    wavefronts: float = math.inf  # the limit of passes over the banks a pixel
    blame: str = ""  # where the limit is above the budget: which instructions are in the way


MANY, FEW, LARGE = "64,1,256,256", "8,1,256,256", "1,1,2048,2048"

CASES = [
    Case("resident f32 -> f32", f"resident {MANY} f32 f32", "resident_kernel", 45.3, 55, 8),
    Case("resident f32 -> f32, small batch", f"resident {FEW} f32 f32", "resident_kernel", 92.4, 106, 8),
    Case("resident f32 -> rgb", f"resident {MANY} f32 rgb", "resident_kernel", 48.7, 50, 7),
    Case("resident f32 -> u8", f"resident {MANY} f32 u8", "resident_kernel", 47.1, 36, 5,
         blame="the passes over pixels on chip cost the same for every output: counting as they arrive 5.4, counting "
               "in the bins of both ends 10.2 (of a pixel two additions, a minimum, a comparison, two selects, a "
               "shift, IMAD and ATOMS), collecting 7, merging and narrowing 4.4; mapping and storing 9.8, of which "
               "FMA are 7"),
    Case("resident f16 -> f16", f"resident {MANY} f16 f16", "resident_kernel", 35.6, 29, 4,
         blame="mapping and storing 9.4 (HADD2.F32, four FMA, FSETP and FSEL for the floor of each pixel), "
               "collecting 7.9, of which the few pixels on the list are 4, counting 4.4, merging and narrowing 2.7; "
               "what a block does once is for 16,384 pixels"),
    Case("resident u8 -> rgb", f"resident {MANY} u8 rgb", "resident_kernel", 16.5, 28, 4),
    Case("resident u8 -> u8", f"resident {MANY} u8 u8", "resident_kernel", 14.6, 15, 2),
    Case("resident f32 -> f32, no clusters", f"resident 64,1,128,128 f32 f32", "resident_kernel", 61.8, 55, 8, 80,
         blame="each block of 16,384 pixels narrows for itself, 12; collecting 13.2, for without VIADDMNMX a "
               "distance and its minimum are two instructions; counting in the bins of both ends 10.9"),
    Case("apply f32 -> f32", f"apply {LARGE} f32 f32", "apply_kernel", 13.9, 20),
    Case("apply f32 -> u8", f"apply {LARGE} f32 u8", "apply_kernel", 15.7, 24),
    Case("apply f32 -> rgb", f"apply {LARGE} f32 rgb", "apply_kernel", 16.9, 25),
    Case("apply f16 -> f16", f"apply {LARGE} f16 f16", "apply_kernel", 15.5, 18),
    Case("apply f16 -> rgb", f"apply {LARGE} f16 rgb", "apply_kernel", 18.1, 24),
    Case("apply u8 -> u8", f"apply {LARGE} u8 u8", "apply_bytes_kernel", 11.3, 12, wavefronts=2.1),
    Case("apply u8 -> rgb", f"apply {LARGE} u8 rgb", "apply_bytes_kernel", 11.8, 14, wavefronts=3.6),
    Case("apply u8 -> f32", f"apply {LARGE} u8 f32", "apply_bytes_kernel", 10, 12, wavefronts=2.9),
    Case("select f32, counting read", f"select {LARGE} f32 f32", "count_kernel", 27.4, 20,
         blame="ALU, 13.3 in the loop: FSETP, FSEL and IADD3 of each pixel for both brackets and for the foreground"),
    Case("select f16, counting read", f"select {LARGE} f16 f16", "count_kernel", 26.3, 20,
         blame="ALU, 12.8 in the loop, as for f32"),
    Case("select u8, counting read", f"select {LARGE} u8 u8", "select_bytes_kernel", 7.1, 8),
    Case("select f32, later passes", f"select {LARGE} f32 f32", "finish_kernel", 2.0, 3),
    Case("select f16, later passes", f"select {LARGE} f16 f16", "finish_kernel", 2.0, 3),
]
