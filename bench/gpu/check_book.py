"""The run book (bench/gpu.sh) in the simulator, as far as that goes: it parses, all tests that it names are there, and its
parts run and end well. Times mean nothing here, and what asks the hardware is a stand-in.

    check_book.py BUILD CUSIM_RUN
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
BOOK = os.path.join(HERE, os.pardir, "gpu.sh")
# Not those that build, that want other software, or that run everything again
PARTS = ["facts", "clusters", "graphs", "hazards", "limits", "conversions", "colours", "sanitizer", "bench", "counters"]
# A profiler or sanitizer runs the first of its arguments that is a program.
TOOL = """#!/bin/sh
while [ ! -x "$1" ]; do shift; done
exec "$@"
"""
STAND_INS = {"ncu": TOOL, "compute-sanitizer": TOOL,
             "nvidia-smi": "#!/bin/sh\n[ \"$1\" != -L ] || printf 'GPU 0: simulated\\nGPU 1: simulated\\n'\n"}


class Book(unittest.TestCase):

    def test_the_tests_that_it_names_are_there(self):
        with open(BOOK) as file:
            text = file.read()
        patterns = [pattern for call in re.findall(r"run_tests ((?:'[^']+'[ \\\n]*)+)", text) for pattern in re.findall(r"'([^']+)'", call)]
        self.assertGreater(len(patterns), 8)
        for pattern in patterns:
            listed = subprocess.run(["ctest", "-N", "-L", "gpu", "-LE", "slow", "-R", pattern], cwd=BUILD, capture_output=True, text=True, check=True)
            self.assertRegex(listed.stdout, r"Total Tests: [1-9]", pattern)

    def test_its_first_half_and_the_rest_are_all_of_it(self):
        done = subprocess.run([BOOK, "--list"], capture_output=True, text=True, check=True)
        parts = [line.split() for line in done.stdout.splitlines()]
        names = [name for name, _ in parts]
        self.assertEqual(len(set(names)), len(names))
        self.assertLessEqual(set(PARTS), set(names))
        half = names.index("tests")
        for seconds in ([int(seconds) for _, seconds in parts[:half]], [int(seconds) for _, seconds in parts[half:]]):
            self.assertLess(sum(seconds), 7 * 60)

    def test_its_parts_run(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in STAND_INS.items():
                path = os.path.join(folder, name)
                with open(path, "w") as file:
                    file.write(text)
                os.chmod(path, 0o755)
            out = os.path.join(folder, "out")
            environment = dict(os.environ, PATH=folder + os.pathsep + os.environ["PATH"], BATCHVIEW_BUILD=BUILD, BATCHVIEW_QUICK="1",
                               BATCHVIEW_REQUIRE_GPU="1", CUSIM_DEVICES="2", CUSIM_SM="90")
            done = subprocess.run([RUN, BOOK, "--out", out, *PARTS], env=environment, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(sorted(name[:-4] for name in os.listdir(out) if name.endswith(".txt")), sorted(PARTS))
            for part in PARTS:
                self.assertIn("== %s: " % part, done.stdout)
            with open(os.path.join(out, "clusters.txt")) as file:
                self.assertIn("100% tests passed", file.read())

    def test_a_part_that_does_not_exist_is_named(self):
        done = subprocess.run([BOOK, "clsuters"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (2, "bench/gpu.sh: there is no part clsuters\n"))


if __name__ == "__main__":
    BUILD, RUN = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
