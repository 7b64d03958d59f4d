"""What pictures of a device tensor cost the device and the loop, by the simulator's count: check_log_calls.py LOG_CALLS CUSIM_RUN

Nothing that synchronises, and no allocation but the stream's own: with pictures no more of it than without. Each picture is copied
once, and the writer's thread, not the loop, waits for one event.
"""
import json
import os
import subprocess
import sys
import tempfile

QUIET = ["memcpy_h2d", "memcpy_d2d", "synchronous_memcpy", "malloc", "free", "stream_synchronize", "device_synchronize"]
PICTURE_BYTES = 4 * 32 * 32


def totals(program, run, pictures):
    with tempfile.TemporaryDirectory() as folder:
        statistics = os.path.join(folder, "statistics.json")
        subprocess.run([run, program, os.path.join(folder, "log"), str(pictures)], check=True,
                       env=dict(os.environ, CUSIM_STATS=statistics))
        with open(statistics) as file:
            return json.load(file)["totals"]


def main():
    program, run = sys.argv[1:3]
    none, some = totals(program, run, 0), totals(program, run, 10)
    more = {name: some[name] - none[name] for name in some if isinstance(some[name], int)}
    expected = dict({name: 0 for name in QUIET}, memcpy_d2h=10, memcpy_d2h_bytes=10 * PICTURE_BYTES, event_synchronize=10)
    wrong = {name: more[name] for name in expected if more[name] != expected[name]}
    print(f"check_log_calls: ten pictures cost {more}")
    sys.exit(f"check_log_calls: FAILED: {wrong}, expected {expected}" if wrong else 0)


main()
