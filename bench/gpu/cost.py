"""What kernels cost in machine instructions, measured without a GPU, and held to the limits of cost_cases.py.

    bench/gpu/cost.py [--table FILE] [WORDS]     all cases, or those whose names contain WORDS

Builds device_calls with machine code and PTX of one compilation (preset `cost`), runs the cases in the simulator
(../shared/cusim), which counts how often warps execute each PTX instruction, and lays that over the machine code
(../shared/perf/sass_cost.py, whose head says how far such counts can be trusted). Ends with status 1 if a case is above
its limit, and with 77, saying what is missing, where it cannot measure. --table writes Markdown.
"""
import argparse
import collections
import concurrent.futures
import functools
import importlib.util
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import cost_cases

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
BUILD = ROOT / "build" / "cost"
SIMULATOR = ROOT / "build" / "cusim"
TOOLS = ROOT / ".venv" / "cuda" / "nvidia" / "cu13" / "bin"  # of scripts/setup.sh
PIPES = ["alu", "imad", "fma", "xu", "lsu_global", "lsu_shared", "atoms", "shuffle", "uniform", "control"]

# Lanes x clocks that a byte read or written takes of an H100's copy: 132 multiprocessors issue 128 lanes a clock at 1.7 GHz,
# and the copy moves 3.0 TB/s.
SLOTS_OF_BYTE = 132 * 128 * 1.7e9 / 3.0e12


def missing():
    """What there is not that measuring needs."""
    if not (SHARED / "cusim").is_dir():
        yield "the simulator, ../shared/cusim"
    if not (SHARED / "perf" / "sass_cost.py").is_file():
        yield "../shared/perf/sass_cost.py"
    if not shutil.which("nvcc"):
        yield "nvcc, of a CUDA toolkit"
    for name in ["cuobjdump", "nvdisasm"]:
        if not shutil.which(name):
            yield f"{name} (scripts/setup.sh test)"


def build():
    jobs = str(os.cpu_count())
    for command in [["make", "-C", str(SHARED / "cusim"), f"BUILD={SIMULATOR}", "-j", jobs],
                    ["cmake", "--preset", "cost"],
                    ["cmake", "--build", "--preset", "cost", "--target", "device_calls"]]:
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


@functools.lru_cache(maxsize=None)
def run(call, capability, folder):
    """The simulator's counts of each kernel of a call by PTX line, and its launches."""
    of_call = os.path.join(folder, f"{call}, {capability}")
    profile, statistics = f"{of_call}, profile.json", f"{of_call}, statistics.json"
    subprocess.run([SIMULATOR / "bin" / "cusim-run", BUILD / "bench" / "gpu" / "device_calls", *call.split(), "1"],
                   check=True, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, CUSIM_SM=str(capability), CUSIM_PROFILE=profile, CUSIM_STATS=statistics))
    with open(profile) as file:
        records = {record["name"]: record for record in json.load(file)["kernels"]}
    with open(statistics) as file:
        return records, json.load(file)["launches"]


class Code:
    """The library's machine code: the graph of a kernel by its name."""

    def __init__(self, sass_cost, folder):
        self.sass_cost, self.folder = sass_cost, folder
        self.cubins_of, self.graphs = {}, {}  # by capability; by capability and name

    def cubins(self, capability):
        """The contents of the library's cubins by their paths."""
        if capability not in self.cubins_of:
            folder = os.path.join(self.folder, str(capability))
            os.makedirs(folder, exist_ok=True)
            paths = self.sass_cost.cubins_of(str(BUILD / "host" / "libbatchview.so"), f"sm_{capability}", None, folder)
            self.cubins_of[capability] = {path: pathlib.Path(path).read_bytes() for path in paths}
        return self.cubins_of[capability]

    def graph(self, capability, name):
        if (capability, name) not in self.graphs:
            cubin = next(path for path, content in self.cubins(capability).items() if name.encode() in content)
            code = self.sass_cost.disassemble(cubin, None, {name})[name]
            self.graphs[capability, name] = self.sass_cost.Graph(*code)
        return self.graphs[capability, name]


def measure(case, code, folder):
    """Slots a pixel by pipe, and of shared memory's wavefronts; and how much of it the counts agree about."""
    records, launches = run(case.call, case.capability, folder)
    pixels = math.prod(map(int, case.call.split()[1].split(",")))
    slots, agreed = collections.Counter(), 0.0
    for name, record in records.items():
        if not re.search(case.kernels, name):
            continue
        graph = code.graph(case.capability, name)
        weight, agree = code.sass_cost.weigh_by_profile(graph, {line[0]: line[1] for line in record["lines"]})
        slots.update(code.sass_cost.tally(graph, weight))
        agreed += sum(weight[block] * len(graph.code(block)) for block in weight if agree.get(block))
    agreed /= max(slots["issue"], 1)
    for launch in launches:
        if re.search(case.kernels, launch["kernel"]):
            slots["wavefronts"] += launch["shared_wavefronts"] + launch["shared_atomic_turns"]
    return collections.Counter({pipe: 32 * count / pixels for pipe, count in slots.items()}), agreed


def cells_of(case, slots):
    """A row of the table."""
    ratio = f"{slots['issue'] / (case.bytes * SLOTS_OF_BYTE):.2f}" if case.bytes else ""
    return [case.name, f"sm_{case.capability}", f"{slots['issue']:.1f}", f"{case.limit:g}", f"{case.budget:g}", ratio,
            *(f"{slots.get(pipe, 0):.1f}" for pipe in PIPES), f"{slots.get('wavefronts', 0):.1f}"]


HEADS = ["case", "device", "slots", "limit", "may cost", "of the copy", *(p.replace("lsu_", "") for p in PIPES), "wavefronts"]
HEAD_OF_TABLE = f"""# Machine instructions of each kernel

Written by `bench/gpu/cost.py`, which says how they are counted: no GPU was used. Issue slots a pixel (warp instructions x 32 /
pixels, idle lanes included), the limit that CI holds, and what the case may cost to run at the speed of a copy; slots by the pipe
that executes them; passes over the banks of shared memory, atomics' turns among them. `of the copy`: slots divided by those that an H100
can issue while it copies as many bytes. This is a model's lower bound of the ratio of times where it is above 1, not a measurement.

"""


def write_table(path, cases, rows):
    with open(path, "w") as file:
        file.write(HEAD_OF_TABLE + "| " + " | ".join(HEADS) + " |\n" + "| --- " * len(HEADS) + "|\n")
        for row in rows:
            file.write("| " + " | ".join(row) + " |\n")
        file.write("\nAbove what they may cost:\n\n")
        for case in cases:
            if case.blame:
                file.write(f"- **{case.name}**, by {case.limit - case.budget:.1f}: {case.blame}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="?", default="")
    parser.add_argument("--table", metavar="FILE")
    arguments = parser.parse_args()

    os.environ["PATH"] = os.pathsep.join([str(TOOLS), os.environ["PATH"], "/usr/local/cuda/bin"])
    if lacking := list(missing()):
        print(f"cost: cannot measure here, there is no {'; no '.join(lacking)}", file=sys.stderr)
        sys.exit(77)
    specification = importlib.util.spec_from_file_location("sass_cost", SHARED / "perf" / "sass_cost.py")
    sass_cost = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(sass_cost)
    build()

    rows, failures = [], 0
    with tempfile.TemporaryDirectory() as folder:
        code = Code(sass_cost, folder)
        cases = [case for case in cost_cases.CASES if arguments.words in case.name]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:  # the work is other programs'
            measured = pool.map(lambda case: measure(case, code, folder), cases)
        for case, (slots, agreed) in zip(cases, measured):
            rows.append(cells_of(case, slots))
            print(f"{case.name:<34}" + "".join(f"{cell:>9}" for cell in rows[-1][1:]), flush=True)
            if (case.limit > case.budget) != bool(case.blame):
                print("  FAILED: cost_cases.py has to say what is to blame where a limit is above the budget, and only there")
                failures += 1
            if agreed < 0.9:
                print(f"  only {100 * agreed:.0f} % of its instructions are in blocks whose counts agree")
            if slots["issue"] > case.limit:
                print(f"  FAILED: {slots['issue']:.2f} slots a pixel, at most {case.limit:g}")
                failures += 1
            elif slots["wavefronts"] > case.wavefronts:
                print(f"  FAILED: {slots['wavefronts']:.2f} passes over the banks a pixel, at most {case.wavefronts:g}")
                failures += 1
    if arguments.table:
        write_table(arguments.table, cases, rows)
    print(f"cost: {len(rows) - failures} passed, {failures} failed")
    sys.exit(1 if failures or not rows else 0)


main()
