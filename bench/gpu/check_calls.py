"""What calls on device tensors do to the device, by the simulator's count:

  - nothing that copies, waits or allocates with a synchronising call: only launches and stream-ordered memory grow with
    the number of calls;
  - the bytes that each algorithm moves, as a multiple of the floor (each pixel read once, each result written once),
    hold the limits below.

    check_calls.py DEVICE_CALLS CUSIM_RUN [--table FILE]

The figures depend on nothing but the program and its input. --table writes them as Markdown.
"""
import json
import os
import subprocess
import sys
import tempfile

QUIET = ["memcpy_h2d", "memcpy_d2h", "memcpy_d2d", "synchronous_memcpy", "malloc", "free",
         "stream_synchronize", "device_synchronize", "event_synchronize"]

# algorithm, shape, in, out; at most this many kernels, reads and writes (multiples of the floor; None: not limited).
CASES = [
    ("sort", "2,1,100,100", "f32", "f32", None, None, None),
    ("fixed", "4,1,128,128", "f32", "f32", 1, 1.0, 1.0),
    ("fixed", "4,1,128,128", "f32", "rgb", 1, 1.0, 1.0),
    ("fixed", "4,1,128,128", "u8", "u8", 1, 1.0, 1.0),
    ("fixed", "3,1,127,129", "f32", "f32", 1, 1.01, 1.01),
    ("minmax", "1,1,512,512", "f32", "f32", 3, 2.01, 1.01),
    ("uint8", "1,1,512,512", "f32", "u8", 3, 2.01, 1.02),
]


def count(program, run, case, repeats):
    """The program's own figures, and the simulator's totals and launches."""
    with tempfile.TemporaryDirectory() as folder:
        statistics = os.path.join(folder, "statistics.json")
        done = subprocess.run([run, program, *case[:4], str(repeats)], check=True, stdout=subprocess.PIPE,
                              env=dict(os.environ, CUSIM_STATS=statistics))
        with open(statistics) as file:
            figures = json.load(file)
    return json.loads(done.stdout), figures["totals"], figures["launches"]


def sum_of(launches, field):
    return sum(launch[field] for launch in launches)


def examine(program, run, case):
    """A row of the table, and what is wrong."""
    sizes, once, launches = count(program, run, case, 1)
    _, thrice, _ = count(program, run, case, 3)
    wrong = [f"{field} grows with the number of calls: {once[field]} to {thrice[field]}"
             for field in QUIET if once[field] != thrice[field]]
    reads = 32 * sum_of(launches, "unique_sectors_read") / sizes["in_bytes"]
    writes = 32 * sum_of(launches, "unique_sectors_written") / sizes["out_bytes"]
    requested = 32 * sum_of(launches, "global_load_sectors") / sizes["in_bytes"]
    stored = 32 * sum_of(launches, "global_store_sectors") / sizes["out_bytes"]
    pixels = 1
    for extent in case[1].split(","):
        pixels *= int(extent)
    instructions = sum_of(launches, "thread_instructions") / pixels
    for name, figure, limit in [("kernels", len(launches), case[4]), ("reads", reads, case[5]),
                                ("writes", writes, case[6])]:
        if limit is not None and figure > limit:
            wrong.append(f"{name}: {figure:.3f}, at most {limit}")
    row = [case[0], case[1].replace(",", " x "), case[2], case[3], str(len(launches)), f"{reads:.2f}", f"{writes:.2f}",
           f"{requested:.2f}", f"{stored:.2f}", f"{instructions:.0f}", str(sizes["workspace_bytes"])]
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
            file.write("| algorithm | shape | in | out | kernels | read | written | sectors loaded | sectors stored | "
                       "instructions a pixel | workspace, bytes |\n" + "| --- " * 11 + "|\n")
            for row in rows:
                file.write("| " + " | ".join(row) + " |\n")
    print(f"check_calls: {len(CASES) - failures} passed, {failures} failed")
    sys.exit(1 if failures else 0)


main()
