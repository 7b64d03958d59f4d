"""A group of one rank on machines that are not in order, beside other work and with graphs, as the simulator plays them.

    machines.py ONE_RANK CUSIM_RUN
"""
import os
import subprocess
import sys
import time
import unittest

from statuses import CUDA, MEMORY, TIMED_OUT


class Machines(unittest.TestCase):

    def run_rank(self, situation, **settings):
        environment = dict(os.environ, CUSIM_SM="90", **settings)
        start = time.monotonic()
        done = subprocess.run([RUN, PROGRAM, situation], env=environment, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines(), time.monotonic() - start, done.stderr.splitlines()

    def refuse(self, line, what, status, words):
        self.assertTrue(line.startswith("%s: status %d " % (what, status)), line)
        for word in words:
            self.assertIn(word, line)

    def measured(self, backend, device=0, **settings):
        calls = ["measure: status 0 ", "wait: status 0 ", "window 3 99"] * 3 if device >= 0 else []
        lines, _, messages = self.run_rank(backend, **settings)
        self.assertEqual(lines, ["setup: status 0 ", "device %d" % device] + calls + ["finish: status 0 "])
        return messages

    # ---- Devices that are there, and cannot be used

    def test_no_cpu_rank_takes_the_place_of_a_gpu_in_trouble(self):
        for fault, words in (("driver", ["cudaErrorInsufficientDriver", "update the NVIDIA driver"]),
                             ("notready", ["cudaErrorSystemNotReady", "fabric manager"]),
                             ("noimage", ["cudaErrorNoKernelImageForDevice", "other architectures"])):
            for backend in ("auto", "nccl"):
                with self.subTest(fault=fault, backend=backend):
                    lines, _, _ = self.run_rank(backend, CUSIM_FAULT=fault)
                    self.assertEqual(len(lines), 1, lines)
                    self.refuse(lines[0], "setup", CUDA, words)

    def test_a_cpu_rank_where_there_is_no_gpu(self):
        self.measured("auto", device=-1, CUSIM_DEVICES="0")

    # ---- Memory pools

    def test_without_pools(self):
        self.measured("nccl")
        self.measured("nccl", CUSIM_FAULT="nopools")
        self.measured("auto", CUSIM_FAULT="nopools")
        messages = self.measured("nccl", CUSIM_FAULT="nopools", CUSIM_ASYNC="1", CUSIM_LEAKCHECK="1")
        self.assertEqual([line for line in messages if "cusim: leak" in line], [])

    def test_without_memory(self):
        """The test itself has two allocations. All later ones are the group's, and each may be the first that fails."""
        for pools in ("", ",nopools"):
            places = []
            for allocation in range(3, 100):
                lines, _, messages = self.run_rank("memory", CUSIM_FAULT="oom:%d%s" % (allocation, pools), CUSIM_LEAKCHECK="1")
                self.assertEqual(lines[-1], "left behind: cudaSuccess", lines)
                self.assertEqual([line for line in messages if "cusim: leak" in line], [], lines)
                failed = [line for line in lines if ": status 0 " not in line][0]
                if failed == lines[-1]:
                    break
                what = failed.split(":")[0]
                self.refuse(failed, what, MEMORY, ["cudaErrorMemoryAllocation"])
                places.append(what)
            self.assertEqual([what for what in ("setup", "measure") if what in places], ["setup", "measure"])

    def test_without_pools_nothing_is_captured(self):
        lines, _, _ = self.run_rank("graph-destroyed", CUSIM_FAULT="nopools")
        self.refuse(lines[1], "capture", CUDA, ["memory pools", "capturing"])

    # ---- Loading

    def test_nothing_is_loaded_behind_the_ranks_work(self):
        messages = self.measured("nccl", CUSIM_ASYNC="1", CUSIM_LAZYCHECK="1")
        self.assertEqual([line for line in messages if "lazycheck" in line], [])

    # ---- Graphs

    def test_the_end_after_its_graphs(self):
        lines, _, _ = self.run_rank("graph-destroyed")
        self.assertEqual(lines, ["setup: status 0 ", "capture: status 0 ", "finish: status 0 "])

    def test_the_end_before_its_graphs(self):
        lines, seconds, _ = self.run_rank("graph-kept")
        self.assertEqual(lines[:2], ["setup: status 0 ", "capture: status 0 "])
        self.refuse(lines[2], "finish", TIMED_OUT, ["graphs", "cudaGraphExecDestroy"])
        self.assertLess(seconds, 20)  # of a timeout of 60

    def test_an_abort_before_its_graphs(self):
        lines, seconds, _ = self.run_rank("graph-aborted")
        self.assertEqual(lines[:2], ["setup: status 0 ", "capture: status 0 "])
        self.refuse(lines[2], "abort", TIMED_OUT, ["graphs", "cudaGraphExecDestroy"])
        self.assertLess(seconds, 20)

    # ---- The end

    def test_a_good_end_has_the_time_of_the_group(self):
        lines, seconds, _ = self.run_rank("slow-end")
        self.assertEqual(lines, ["setup: status 0 ", "finish: status 0 "])
        self.assertGreater(seconds, 5)

    # ---- Other work of the process

    def test_beside_a_capture_of_another_thread(self):
        lines, _, _ = self.run_rank("beside-capture")
        self.assertEqual(lines, ["%s: status 0 " % what for what in ("setup", "measure", "wait", "barrier", "finish")] +
                         ["capture: cudaSuccess"])

    def test_with_an_error_pending(self):
        lines, _, _ = self.run_rank("pending")
        self.assertEqual(lines, ["cudaErrorMemoryAllocation"] +
                         ["%s: status 0 " % what for what in ("setup", "measure", "wait", "barrier", "finish")] +
                         ["pending: cudaErrorMemoryAllocation"])

    def test_an_abort_waits_for_no_stream(self):
        lines, _, _ = self.run_rank("busy", CUSIM_ASYNC="1")
        self.assertEqual(lines[:2], ["setup: status 0 ", "abort: status 0 "])


if __name__ == "__main__":
    PROGRAM, RUN = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
