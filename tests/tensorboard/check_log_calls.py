"""What pictures of a device tensor cost the device and the loop, by the simulator's count: check_log_calls.py LOG_CALLS CUSIM_RUN

Nothing that synchronises, and no allocation but the stream's own: with pictures no more of it than without. Each picture is copied
once, and the writer's thread, not the loop, waits for one event. The same log comes from a device without memory pools; one without
memory is reported.
"""
import json
import os
import subprocess
import sys
import tempfile

from event_file import read_log

QUIET = ["memcpy_h2d", "memcpy_d2d", "synchronous_memcpy", "malloc", "free", "stream_synchronize", "device_synchronize"]
PICTURES, PICTURE_BYTES = 10, 4 * 32 * 32


def run(pictures, **settings):
    """The exit code, the message, the simulator's totals, and the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        statistics, log = os.path.join(folder, "statistics.json"), os.path.join(folder, "log")
        done = subprocess.run([CUSIM_RUN, LOG_CALLS, log, str(pictures)], stderr=subprocess.PIPE, text=True,
                              env=dict(os.environ, CUSIM_STATS=statistics, **settings))
        with open(statistics) as file:
            return done.returncode, done.stderr, json.load(file)["totals"], [event.rows for event in read_log(log)]


def check_counts():
    none, some = run(0)[2], run(PICTURES)[2]
    more = {name: some[name] - none[name] for name in some}
    expected = dict({name: 0 for name in QUIET}, memcpy_d2h=PICTURES, memcpy_d2h_bytes=PICTURES * PICTURE_BYTES,
                    event_synchronize=PICTURES)
    print(f"check_log_calls: {PICTURES} pictures cost {more}")
    assert {name: more[name] for name in expected} == expected, expected


def check_machines():
    code, message, _, whole = run(PICTURES)
    assert (code, message, len(whole)) == (0, "", PICTURES + 1), message
    code, message, totals, pictures = run(PICTURES, CUSIM_FAULT="nopools")
    assert (code, message, totals["malloc_async"]) == (0, "", 0) and pictures == whole, message
    for number in range(2, PICTURES):  # the first allocation is the program's
        code, message, _, pictures = run(PICTURES, CUSIM_FAULT=f"oom:{number}")
        assert code == 1 and "memory" in message and pictures == whole[:len(pictures)], (number, code, message)
    print("check_log_calls: without pools the same log; without memory a message")


LOG_CALLS, CUSIM_RUN = sys.argv[1:]
check_counts()
check_machines()
