"""Registers, shared memory and spills of every kernel, from what ptxas says during a build:

    NVCC_APPEND_FLAGS=-Xptxas=-v cmake --build build/release --clean-first 2>&1 | bench/gpu/registers.py [--table FILE]

Ends with status 1 if a kernel of ours spills registers or has a stack. CUB's kernels are left out. --table writes Markdown.
"""
import re
import subprocess
import sys


def short_names(mangled):
    """apply_kernel<4, float, 1> for each of our kernels; None for those of libraries."""
    text = subprocess.run(["c++filt"], input="\n".join(mangled).encode(), check=True, stdout=subprocess.PIPE).stdout
    for name in text.decode().splitlines():
        own = name.startswith(("bv::", "void bv::"))
        yield re.sub(r"\(.*", "", re.sub(r"\(anonymous namespace\)::|^void |bv::", "", name)) if own else None


def read_build(lines):
    """(mangled name, architecture) to (registers, shared bytes, bytes of stack and spills)."""
    usage, kernel, local = {}, None, 0
    for line in lines:
        if match := re.search(r"Compiling entry function '(\w+)' for 'sm_(\w+)'", line):
            kernel = match.groups()
        elif match := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line):
            local = sum(map(int, match.groups()))
        elif kernel and (match := re.search(r"Used (\d+) registers", line)):
            shared = re.search(r"(\d+) bytes smem", line)
            usage[kernel] = int(match[1]), int(shared[1]) if shared else 0, local
            kernel = None
    return usage


def main():
    usage = read_build(sys.stdin)
    mangled = sorted({name for name, _ in usage})
    architectures = sorted({architecture for _, architecture in usage}, key=lambda text: int(re.sub(r"\D", "", text)))
    lines = ["| kernel | " + " | ".join(f"sm_{architecture}" for architecture in architectures) + " | shared, bytes |",
             "| --- " * (len(architectures) + 2) + "|"]
    spilled = []
    for name, short in sorted(zip(mangled, short_names(mangled)), key=lambda pair: str(pair[1])):
        if short is None:
            continue
        cells, shared_bytes = [], set()
        for architecture in architectures:
            registers, shared, local = usage.get((name, architecture), ("", None, 0))
            cells.append(f"{registers}, spills" if local else str(registers))
            if shared is not None:
                shared_bytes.add(shared)
            if local:
                spilled.append(f"{short} on sm_{architecture}: {local} bytes of stack and spills")
        lines.append(f"| `{short}` | " + " | ".join(cells) + f" | {', '.join(map(str, sorted(shared_bytes)))} |")
    table = "\n".join(lines) + "\n"
    print(table)
    if sys.argv[1:2] == ["--table"]:
        with open(sys.argv[2], "w") as file:
            file.write("# Registers of each kernel\n\nRegisters a thread on each architecture, and static shared memory, as "
                       "ptxas reports them in a release build.\nWritten by `bench/gpu/registers.py`, which says how.\n\n" +
                       table)
    print("\n".join(spilled) or f"{len(lines) - 2} kernels, none spills")
    sys.exit(1 if spilled or len(lines) == 2 else 0)


main()
