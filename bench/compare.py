"""Prints a table: the original NumPy loop and the library on the same numbers, in the same run.

    .venv/bin/python bench/compare.py BUILD_DIRECTORY
"""

import datetime
import json
import os
import platform
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np

from numpy_original import normalize_batch_for_display, normalize_batch_to_rgb

RUNS = 9
DTYPES = {"f32": np.float32, "f16": np.float16, "u16": np.uint16, "u8": np.uint8}
ORIGINAL = {"float": normalize_batch_for_display, "rgb": normalize_batch_to_rgb}
BRAIN = Path("/usr/share/mricron/templates/ch2bet.nii.gz")


def times(call):
    """Milliseconds of RUNS calls, after one that is not counted."""
    call()
    measured = []
    for _ in range(RUNS):
        start = time.perf_counter()
        call()
        measured.append(1e3 * (time.perf_counter() - start))
    return measured


def batch_of(file):
    """The saved input, in the memory layout that its name tells."""
    dtype, shape, layout = file.stem.split("_")
    batch = np.fromfile(file, DTYPES[dtype]).reshape([int(extent) for extent in shape.split("x")])
    if layout == "channels-last":
        batch = np.moveaxis(np.ascontiguousarray(np.moveaxis(batch, 1, -1)), -1, 1)
    return batch


def library_times(program, case, environment):
    """Milliseconds of a cpu_bench case, by number of threads."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as report:
        subprocess.run([program, f"--benchmark_filter=^{case}/", f"--benchmark_out={report.name}"],
                       env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        runs = json.load(report)["benchmarks"]
    measured = {}
    for run in runs:
        if run.get("error_occurred"):
            sys.exit(f"{run['name']}: {run['error_message']}")
        if run["run_type"] == "iteration":
            threads = int(run["run_name"].split("/")[4])
            measured.setdefault(threads, []).append(1e-3 * run["real_time"])
    return measured


def spread(measured):
    return f"{statistics.median(measured):.3f} ({min(measured):.3f} to {max(measured):.3f})"


def print_machine():
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
               platform.machine())
    print(f"{datetime.date.today()}, {cpu}, {os.cpu_count()} cores, Python {platform.python_version()}, "
          f"NumPy {np.__version__}. Milliseconds: median of {RUNS} (smallest to largest).\n")


def print_planes(build):
    """A row a case: NumPy, the library with one thread and with all cores, and how many times faster."""
    program = build / "bench" / "cpu_bench"
    environment = dict(os.environ, BATCHVIEW_SEED=os.environ.get("BATCHVIEW_SEED", str(secrets.randbits(32))))
    print("| input | output | NumPy | 1 thread | ratio | all cores | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([program, f"--save={directory}"], env=environment, check=True, stdout=subprocess.DEVNULL)
        for file in sorted(Path(directory).iterdir(), key=lambda file: file.stat().st_mtime_ns):
            batch = batch_of(file)
            for output, original in ORIGINAL.items():
                numpy = times(lambda: original(batch))
                library = library_times(program, f"{file.stem.replace('_', '/')}/{output}", environment)
                row = [file.stem.replace("_", " "), output, spread(numpy)]
                for threads in (min(library), max(library)):
                    ratio = statistics.median(numpy) / statistics.median(library[threads])
                    row += [spread(library[threads]), f"{ratio:.1f}"]
                print("| " + " | ".join(row) + " |", flush=True)
    print(f"\nThe same numbers again: BATCHVIEW_SEED={environment['BATCHVIEW_SEED']}\n")


def print_volume(build):
    """The program on a whole volume, by what it does, beside the decompression that it cannot do without."""
    packed = BRAIN.read_bytes()
    unzip = times(lambda: zlib.decompress(packed, wbits=31))
    print(f"`batchview {BRAIN.name} --slice all`. Inflating the file alone takes {spread(unzip)} ms.\n")
    print("| output | process | reading | computing | writing |")
    print("| --- | --- | --- | --- | --- |")
    for name in ("out.png", "out.npy"):
        reports = []
        with tempfile.TemporaryDirectory() as directory:
            command = [build / "cli" / "batchview", BRAIN, "--slice", "all", "--json", "-q", "-o", Path(directory) / name]
            whole = times(lambda: reports.append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout)))
        parts = [spread([1e3 * report["seconds"][part] for report in reports[1:]]) for part in ("read", "compute", "write")]
        print("| " + " | ".join([name, spread(whole)] + parts) + " |", flush=True)


if __name__ == "__main__":
    build_directory = Path(sys.argv[1])
    print_machine()
    print_planes(build_directory)
    print_volume(build_directory)
