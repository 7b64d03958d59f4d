"""Machines that are not in order, as the simulator plays them: what a call says then, and what it leaves behind.

    check_machines.py ONE_CALL CUSIM_RUN
"""
import os
import re
import subprocess
import sys
import unittest

OK, DEVICE, MEMORY, CUDA = 0, 6, 9, 10


class Machines(unittest.TestCase):

    def call(self, situation, **settings):
        """The lines that one_call prints, and those of the simulator."""
        environment = dict(os.environ, CUSIM_SM="90", **settings)
        done = subprocess.run([RUN, PROGRAM, situation], env=environment, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines(), done.stderr.splitlines()

    def refuse(self, situation, status, words, **settings):
        lines, _ = self.call(situation, **settings)
        self.assertEqual(len(lines), 1, lines)  # no error is left behind
        self.assertTrue(lines[0].startswith(f"status {status} "), lines)
        for word in words:
            self.assertIn(word, lines[0])

    def succeed(self, situation, lines=("status 0 ",), **settings):
        found, messages = self.call(situation, **settings)
        self.assertEqual(found, list(lines))
        return messages

    # ---- Errors keep their names ----

    def test_a_driver_that_is_too_old(self):
        self.refuse("call", CUDA, ["cudaErrorInsufficientDriver", "update the NVIDIA driver"], CUSIM_FAULT="driver")

    def test_a_fabric_that_is_not_ready(self):
        self.refuse("call", CUDA, ["cudaErrorSystemNotReady", "fabric manager"], CUSIM_FAULT="notready")

    def test_the_child_of_a_fork(self):
        self.refuse("fork", CUDA, ["cudaErrorInitializationError", "spawn the process instead"])

    def test_no_device_is_no_error_of_cuda(self):
        self.refuse("call", DEVICE, ["batch.device is 0", "number of CUDA devices is 0"], CUSIM_DEVICES="0")

    def test_kernels_for_other_architectures_only(self):
        self.refuse("call", CUDA, ["cudaErrorNoKernelImageForDevice", "other architectures"], CUSIM_FAULT="noimage")

    # ---- Clusters ----

    def test_what_refuses_clusters_costs_the_clusters(self):
        self.succeed("cluster", ["status 0 "] * 2 + ["without a workspace"])
        for fault in ("clusterquery", "clusterlaunch", "cluster:1", "cluster:2"):
            with self.subTest(fault):
                self.succeed("cluster", ["status 0 "] * 2 + ["with a workspace"], CUSIM_FAULT=fault)
        # Of sizes that are no power of two the next smaller one
        self.succeed("cluster", ["status 0 "] * 2 + ["without a workspace"], CUSIM_FAULT="cluster:12")

    def test_what_was_refused_is_no_error_of_the_first_call(self):
        for fault in ("clusterquery", "clusterlaunch"):
            with self.subTest(fault):
                self.succeed("sort", CUSIM_FAULT=fault)

    def test_what_refuses_shared_memory_costs_what_would_be_held_there(self):
        self.succeed("shared-memory", ["status 0 "] * 2)

    # ---- Memory ----

    def test_no_memory_for_the_workspace(self):
        lines, messages = self.call("memory", CUSIM_FAULT="oom:3", CUSIM_LEAKCHECK="1")  # two are the test's own
        self.assertEqual(len(lines), 2, lines)
        self.assertRegex(lines[0], rf"^status {MEMORY} allocating \d+ bytes of workspace: .*cudaErrorMemoryAllocation")
        self.assertEqual(lines[1], "untouched")
        self.assertEqual([line for line in messages if "cusim: leak" in line], [])
        self.succeed("call", CUSIM_FAULT="oom:3")  # on chip, it needs none

    # ---- Memory pools ----

    def test_without_pools_a_workspace_helps(self):
        self.refuse("select", CUDA, ["memory pools", "options.workspace of"], CUSIM_FAULT="nopools")
        self.succeed("workspace", CUSIM_FAULT="nopools")
        self.succeed("call", CUSIM_FAULT="nopools")  # on chip, it needs none

    # ---- Loading ----

    def loads_while_busy(self, situation):
        messages = self.succeed(situation, ["status 0 "] * 7, CUSIM_ASYNC="1", CUSIM_LAZYCHECK="1")
        return [line for line in messages if "lazycheck" in line]

    def test_nothing_is_loaded_after_preparation(self):
        self.assertEqual(self.loads_while_busy("prepared"), [])

    def test_the_first_call_loads(self):
        self.assertNotEqual(self.loads_while_busy("busy"), [])  # so that the simulator would have told

    # ---- Contexts ----

    def contexts(self, messages):
        return [int(number) for line in messages for number in re.findall(r"context on device (\d+)", line)]

    def test_no_context_on_a_device_that_was_not_used(self):
        messages = self.succeed("fresh-thread", ["status 0 ", "right", "device 0 has no context"], CUSIM_DEVICES="2", CUSIM_CONTEXTS="1")
        self.assertEqual(self.contexts(messages), [1])

    def test_a_context_of_the_callers_own(self):
        self.succeed("own-context", ["status 0 "] * 2 + ["prepared, made current 0 times", "status 0 ", "current again"],
                     CUSIM_DEVICES="2")

    def test_each_device_is_prepared(self):
        self.succeed("second-device", ["status 0 "] * 2, CUSIM_DEVICES="2")

    def test_a_device_is_prepared_again_after_its_reset(self):
        self.succeed("reset", ["status 0 "] * 2)

    # ---- Other work of the process ----

    def test_beside_a_capture_of_another_thread(self):
        self.succeed("beside-capture", ["status 0 "] * 3 + ["capture: cudaSuccess"])

    # ---- The description ----

    def test_the_description_tells_devices_and_what_is_wrong_with_them(self):
        lines, messages = self.call("describe", CUSIM_DEVICES="2", CUSIM_CONTEXTS="1")
        self.assertEqual(self.contexts(messages), [])
        devices = [line for line in lines if line.startswith("CUDA device ")]
        self.assertEqual(len(devices), 2)
        for line in devices:
            for words in ("sm_90", "132 multiprocessors", "memory pools yes", "clusters yes", "blocks that run together yes",
                          "host memory seen pinned and managed"):
                self.assertIn(words, line)
        self.assertRegex(lines[0], r"^batchview \d+\.\d+\.\d+$")
        self.assertRegex("\n".join(lines), r"CUDA: built with \d+\.\d+ for [^;]*90[^;]*; runtime \d+\.\d+; driver for CUDA \d+\.\d+")
        for settings, words in (({"CUSIM_FAULT": "driver"}, "cudaErrorInsufficientDriver"),
                                ({"CUSIM_FAULT": "notready"}, "cudaErrorSystemNotReady"),
                                ({"CUSIM_DEVICES": "0"}, "CUDA devices: none")):
            lines, _ = self.call("describe", **settings)
            self.assertIn(words, lines[-1])


if __name__ == "__main__":
    PROGRAM, RUN = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
