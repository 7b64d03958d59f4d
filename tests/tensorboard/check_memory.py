"""Each allocation of a program that logs fails once: check_memory.py WRITE_LOG FAIL_ALLOCATION_LIBRARY (tests/cli/fail_allocation.c)

It is told so by a status and a message about memory, or does without; the log can be read to its end.
"""
import os
import subprocess
import sys
import tempfile

from event_file import read_log


def run(program, library, number):
    """The exit code, the number of allocations (of number 0), the message, and the events."""
    with tempfile.TemporaryDirectory() as directory:
        environment = dict(os.environ, LD_PRELOAD=library, BATCHVIEW_FAIL_ALLOCATION=str(number), BATCHVIEW_THREADS="1")
        done = subprocess.run([program, directory + "/log"], env=environment, capture_output=True, text=True, timeout=60)
        lines = done.stderr.splitlines()
        counts = [int(line.split()[1]) for line in lines if line.startswith("allocations: ")]
        message = "\n".join(line for line in lines if not line.startswith(("allocations: ", "failed: ")))
        return done.returncode, sum(counts), message, read_log(directory + "/log")


def main():
    program, library = sys.argv[1:]
    code, count, message, whole = run(program, library, 0)
    assert (code, message) == (0, "") and count > 50, (code, message, count)
    told = 0
    for number in range(1, count + 1):
        code, _, message, events = run(program, library, number)
        if code == 0:
            assert message == "" and len(events) == len(whole), (number, message, len(events))
        else:
            assert code == 1 and message.startswith("write_log: ") and "memory" in message.lower(), (number, code, message)
            told += 1
    print(f"check_memory: of {count} allocations {told} were reported, the others are done without")
    assert told > 30


main()
