"""What calls on device tensors do to the device, by the simulator's count:

  - nothing that copies, waits or allocates with a synchronising call: a program that calls three times does none of it
    more often than one that does not call at all;
  - the bytes that each algorithm moves, as a multiple of the floor (each pixel read once, each result written once),
    hold the limits below.

    check_calls.py DEVICE_CALLS CUSIM_RUN [--table FILE]

The figures depend on nothing but the program and its input. --table writes them as Markdown.
"""
import json
import math
import os
import subprocess
import sys
import tempfile
import typing

QUIET = ["memcpy_h2d", "memcpy_d2h", "memcpy_d2d", "synchronous_memcpy", "malloc", "free",
         "stream_synchronize", "device_synchronize", "event_synchronize"]


class Case(typing.NamedTuple):
    """A call, the compute capability of the device, and limits: kernels, and reads and writes as multiples of the floor."""
    algorithm: str
    shape: str
    into: str
    out: str
    capability: int = 90
    kernels: float = math.inf
    reads: float = math.inf
    writes: float = math.inf
    workspace: float = math.inf


RESIDENT = {"kernels": 1, "reads": 1.0, "writes": 1.0, "workspace": 0}
CASES = [
    Case("resident", "4,1,128,128", "f32", "f32", **RESIDENT),
    Case("resident", "4,1,128,128", "f32", "rgb", **RESIDENT),
    Case("resident", "1,1,512,512", "f32", "f32", **RESIDENT),
    Case("resident", "4,1,128,128", "f16", "f16", **RESIDENT),
    Case("resident", "4,1,128,128", "u8", "u8", **RESIDENT),
    Case("resident", "3,1,127,129", "f32", "f32", **dict(RESIDENT, reads=1.01, writes=1.01)),
    Case("resident", "4,1,100,100", "f32", "f32", 75, **RESIDENT),
    Case("resident", "4,1,128,128", "f32", "f32", 80, **RESIDENT),
    Case("select", "4,1,128,128", "f32", "f32", reads=2.01, writes=1.01),
    Case("select", "1,1,2048,2048", "f32", "f32", reads=2.1, writes=1.03),
    Case("select", "1,1,1024,1024", "f32", "rgb", 75, reads=2.2, writes=1.06),
    Case("fixed", "4,1,128,128", "f32", "f32", kernels=1, reads=1.0, writes=1.0, workspace=0),
    Case("fixed", "4,1,128,128", "f32", "rgb", kernels=1, reads=1.0, writes=1.0, workspace=0),
    Case("fixed", "4,1,128,128", "u8", "u8", kernels=1, reads=1.0, writes=1.0, workspace=0),
    Case("fixed", "3,1,127,129", "f32", "f32", kernels=1, reads=1.01, writes=1.01, workspace=0),
    Case("minmax", "1,1,512,512", "f32", "f32", **RESIDENT),
    Case("volume", "128,1,128,128", "f32", "f32", reads=2.1, writes=1.03),
    Case("mask", "4,1,128,128", "f32", "f32", kernels=1, writes=1.0, workspace=0),
    Case("colours", "4,1,128,128", "f32", "rgb", **dict(RESIDENT, reads=1.01)),
    Case("measure", "4,1,128,128", "f32", "f32", kernels=1, reads=1.0, writes=0.01, workspace=0),
    Case("apply", "4,1,128,128", "f32", "f32", kernels=1, reads=1.01, writes=1.0),
    Case("image", "1,1,512,512", "f32", "rgb", **RESIDENT),
    Case("image", "1,1,2048,2048", "f32", "rgb", kernels=3, reads=2.01, writes=1.02),
    Case("slice", "1,3,512,512", "f32", "rgb", kernels=1, reads=0.34),
    Case("selection", "4,1,128,128", "f32", "f32"),
    Case("uint8", "1,1,512,512", "f32", "u8", **RESIDENT),
    Case("sort", "2,1,100,100", "f32", "f32"),
    # A byte of each label and six of each pixel with one, a quarter of all
    Case("labels", "4,1,128,128", "u8", "rgb", kernels=1, reads=1.751, writes=0.251),
    Case("labels", "4,1,128,128", "i32", "rgb", kernels=1, reads=1.188, writes=0.251),
    Case("overlay", "4,1,128,128", "f32", "rgb", kernels=1, reads=1.188, writes=0.251),
    Case("grid", "4,1,128,128", "f32", "rgb", kernels=1, reads=1.0, writes=1.0),
    Case("projection", "1,64,64,64", "f32", "f32", kernels=1, reads=1.0, writes=0.016),
    Case("views", "1,64,64,64", "f32", "u8", kernels=4, reads=1.17, writes=0.05),
]


def count(program, run, case, repeats):
    """The program's own figures, and the simulator's totals and launches."""
    with tempfile.TemporaryDirectory() as folder:
        statistics = os.path.join(folder, "statistics.json")
        done = subprocess.run([run, program, *case[:4], str(repeats)], check=True, stdout=subprocess.PIPE,
                              env=dict(os.environ, CUSIM_STATS=statistics, CUSIM_SM=str(case.capability)))
        with open(statistics) as file:
            figures = json.load(file)
    return json.loads(done.stdout), figures["totals"], figures["launches"]


def sum_of(launches, field):
    return sum(launch[field] for launch in launches)


def examine(program, run, case):
    """A row of the table, and what is wrong."""
    _, never, _ = count(program, run, case, 0)
    sizes, _, launches = count(program, run, case, 1)
    _, thrice, _ = count(program, run, case, 3)
    wrong = [f"{field}: {never[field]} without a call, {thrice[field]} with three"
             for field in QUIET if never[field] != thrice[field]]
    reads = 32 * sum_of(launches, "unique_sectors_read") / sizes["in_bytes"]
    writes = 32 * sum_of(launches, "unique_sectors_written") / sizes["out_bytes"]
    requested = 32 * sum_of(launches, "global_load_sectors") / sizes["in_bytes"]
    stored = 32 * sum_of(launches, "global_store_sectors") / sizes["out_bytes"]
    pixels = math.prod(map(int, case.shape.split(",")))
    instructions = sum_of(launches, "thread_instructions") / pixels
    for name, figure, limit in [("kernels", len(launches), case.kernels), ("reads", reads, case.reads),
                                ("writes", writes, case.writes),
                                ("workspace", sizes["workspace_bytes"], case.workspace)]:
        if figure > limit:
            wrong.append(f"{name}: {figure:.3f}, at most {limit}")
    row = [case.algorithm, case.shape.replace(",", " x "), case.into, case.out, f"sm_{case.capability}",
           str(len(launches)), f"{reads:.2f}", f"{writes:.2f}", f"{requested:.2f}", f"{stored:.2f}",
           f"{instructions:.0f}", str(sizes["workspace_bytes"])]
    return row, wrong


def main():
    program, run = sys.argv[1:3]
    table = sys.argv[4] if sys.argv[3:4] == ["--table"] else None
    rows, failures = [], 0
    for case in CASES:
        row, wrong = examine(program, run, case)
        rows.append(row)
        print("  ".join(row))
        for text in wrong:
            print(f"  FAILED: {text}")
        failures += bool(wrong)
    if table:
        with open(table, "w") as file:
            file.write("# Memory traffic and instructions of each algorithm\n\nCounted by `bench/gpu/check_calls.py` on a "
                       "simulated device: bytes read and written in device memory, and those of all\nsectors that warps "
                       "ask for, as multiples of the input's and the output's bytes; PTX instructions a pixel.\n\n"
                       "| algorithm | shape | in | out | device | kernels | read | written | sectors loaded | sectors stored | "
                       "instructions a pixel | workspace, bytes |\n" + "| --- " * 12 + "|\n")
            for row in rows:
                file.write("| " + " | ".join(row) + " |\n")
    print(f"check_calls: {len(CASES) - failures} passed, {failures} failed")
    sys.exit(1 if failures else 0)


main()
