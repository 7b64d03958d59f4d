"""Groups of real processes: groups.py mpi|mpich|nccl GROUP_RANK EXAMPLE [MPIEXEC] (with nccl one way to meet). Without
programs, for a build that has no such backend: skipped, or failed where a GPU is required."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "tensorboard"))

from differences import Differences
from job import AMPLE, MARGIN, TIMEOUT, Job, open_mpi, slurm, torchrun, torchrun_on_one_gpu, torchrun_on_two_hosts, torchrun_with_one_gpu_visible, visible
from launchers import Launchers, Shells
from event_file import read_log
from statuses import DEVICE, ENVIRONMENT, GROUP, NCCL, OK, PEER, TIMED_OUT

BACKEND = sys.argv[1]
GROUP_RANK, EXAMPLE, MPIEXEC = (sys.argv[2:5] + [None] * 3)[:3]
OPERATIONS = ("window", "display", "counts", "gather")
GIVEN, LOCAL_RANK, PRIVATE_VIEW, RANK = 1, 2, 3, 4  # how a device was chosen
LOST = 2  # the rank that is


class Groups(unittest.TestCase, Differences):
    goes_on = BACKEND != "nccl"  # after calls that differ

    def start_job(self, world, *arguments, program=GROUP_RANK, over_mpi=BACKEND != "nccl", **options):
        job = Job(world, program, *arguments, mpiexec=MPIEXEC if over_mpi else None, **options)
        self.addCleanup(job.end)
        return job

    def run_job(self, *arguments, **options):
        return self.start_job(*arguments, **options).wait()

    def line(self, job, rank, what):
        self.assertIn(what, job.lines[rank], "rank %d, BATCHVIEW_SEED=%s:\n%s" % (rank, job.seed, "".join(job.output)))
        return job.lines[rank][what]

    def expect(self, job, rank, what, statuses, within=None, words=()):
        status, seconds, text = self.line(job, rank, what)
        told = "rank %d %s, BATCHVIEW_SEED=%s:\n%s" % (rank, what, job.seed, "".join(job.output))
        self.assertIn(status, statuses, told)
        for word in words:
            self.assertIn(word, text, told)
        if within is not None:
            self.assertLess(seconds, within, told)

    def expect_pictures(self, world, rounds, **options):
        job = self.run_job(world, "pictures", AMPLE, rounds, **options)
        for rank in range(world):
            for what in ("setup", "pictures", "children", "finish"):
                self.expect(job, rank, what, [OK])
            self.assertEqual(self.line(job, rank, "who")[2], "%d of %d" % (rank, world))
        return job

    # ---- One window, all pictures

    def test_pictures_of_1_rank(self):
        self.expect_pictures(1, 20)

    def test_pictures_of_2_ranks(self):
        self.expect_pictures(2, 20)

    def test_pictures_of_3_ranks(self):
        self.expect_pictures(3, 20)

    def test_pictures_of_4_ranks(self):
        self.expect_pictures(4, 20)

    def test_pictures_of_7_ranks(self):
        self.expect_pictures(7, 10)

    @unittest.skipIf(EXAMPLE == "none", "the example needs batchview::tensorboard")
    def test_the_training_example(self):
        world, epochs, steps, images, extent = 3, 2, 10, 4, 96
        with tempfile.TemporaryDirectory() as directory:
            job = self.run_job(world, "runs/example", epochs, steps, program=EXAMPLE, directory=directory)
            self.assertIn("runs/example: the log of 2 epochs", "".join(job.output))
            events = read_log(os.path.join(directory, "runs", "example"))
        losses = [(event.step, event.scalar) for event in events if event.tag == "rank 0/loss"]
        self.assertEqual([step for step, _ in losses], list(range(epochs * steps)))
        self.assertTrue(losses[0][1] > losses[-1][1] > 0, losses)
        for tag in ("rank 0/input", "rank 0/output", "all ranks/output"):
            self.assertEqual([event.step for event in events if event.tag == tag], [0, steps], tag)
        first, last = [sum(map(sum, event.rows)) for event in events if event.tag == "rank 0/output"]
        self.assertTrue(0 < first < last, "outputs come nearer to the targets, which are brighter")
        rows = [event.rows for event in events if event.tag == "all ranks/output"][-1]
        pitch = extent + 2
        self.assertEqual((len(rows), len(rows[0])), (world * pitch + 2, (images * pitch + 2) * 3))
        self.assertEqual(rows[2][6:9], b"\0\0\0", "the background is black")
        # One window for all: the balls of a brighter rank come out brighter.
        sums = [sum(map(sum, rows[rank * pitch : (rank + 1) * pitch])) for rank in range(world)]
        self.assertTrue(0 < sums[0] < sums[1] < sums[2], sums)

    # ---- Lost ranks

    def start_fault(self, point, sig, operation="window", **options):
        return self.start_job(4, "fault", TIMEOUT, LOST, point, int(sig), operation, **options)

    def wait_for(self, job, ranks, nccl_hangs=False):
        """The ranks, when all of them are through, and have left nothing; what hangs in NCCL, to it."""
        job.wait(lambda job: all("leaks" in job.lines[rank] for rank in ranks))
        for rank in ranks:
            self.expect(job, rank, "pid", [OK])
            descriptors, threads, children = self.line(job, rank, "leaks")
            told = "left by rank %d:\n%s" % (rank, "".join(job.output))
            self.assertEqual(children, "no child process", told)
            if nccl_hangs:  # our thread, and the stand-in's for the communicator
                self.assertEqual(threads, 2, told)
            else:
                self.assertEqual((descriptors, threads), (0, 0), told)
        return ranks

    def wait_for_others(self, job, **options):
        return self.wait_for(job, [rank for rank in range(job.world) if rank != LOST], **options)

    def expect_broken(self, job, rank):
        self.expect(job, rank, "setup", [OK])
        self.expect(job, rank, "operation", [TIMED_OUT, PEER], TIMEOUT + MARGIN)
        self.expect(job, rank, "again", [GROUP], 1, ["broken"])
        self.expect(job, rank, "finish", [GROUP], MARGIN)

    def expect_lost_in_operation(self, point, sig):
        job = self.start_fault(point, sig)
        for rank in self.wait_for_others(job):
            self.expect_broken(job, rank)

    def expect_lost_in_every_operation(self, sig):
        # At the same time: most of it is waiting.
        jobs = {operation: self.start_fault("during", sig, operation) for operation in (*OPERATIONS, "finish")}
        for operation, job in jobs.items():
            with self.subTest(operation=operation):
                for rank in self.wait_for_others(job):
                    if operation == "finish":
                        self.expect(job, rank, "operation", [TIMED_OUT, PEER], TIMEOUT + MARGIN)
                    else:
                        self.expect_broken(job, rank)

    def expect_lost_in_setup(self, sig):
        job = self.start_fault("before", sig)
        for rank in self.wait_for_others(job):
            self.expect(job, rank, "setup", [TIMED_OUT, PEER], TIMEOUT + MARGIN)

    def test_a_rank_killed_before_the_setup(self):
        self.expect_lost_in_setup(signal.SIGKILL)

    def test_a_rank_stopped_before_the_setup(self):
        self.expect_lost_in_setup(signal.SIGSTOP)

    def test_a_rank_too_late_for_the_setup(self):
        self.expect_lost_in_setup(0)

    def test_a_rank_killed_after_the_setup(self):
        self.expect_lost_in_operation("after", signal.SIGKILL)

    def test_a_rank_stopped_after_the_setup(self):
        self.expect_lost_in_operation("after", signal.SIGSTOP)

    def test_a_rank_killed_in_every_operation(self):
        self.expect_lost_in_every_operation(signal.SIGKILL)

    def test_a_rank_stopped_in_every_operation(self):
        self.expect_lost_in_every_operation(signal.SIGSTOP)

    def test_a_rank_that_aborts_alone(self):
        job = self.start_fault("abort", 0)
        for rank in self.wait_for(job, range(job.world)):
            if rank != LOST:
                self.expect_broken(job, rank)
                continue
            self.expect(job, rank, "abort", [OK], MARGIN)
            self.expect(job, rank, "again", [GROUP], 1, ["aborted"])
            self.expect(job, rank, "finish", [GROUP], 1)

    def test_no_rank_lost(self):
        jobs = [self.start_job(3, "fault", AMPLE, -1, "none", 0, operation) for operation in (*OPERATIONS, "finish")]
        for job in jobs:
            for rank in self.wait_for(job, range(job.world)):
                for what in ("setup", "operation") + (() if job is jobs[-1] else ("again", "finish")):
                    self.expect(job, rank, what, [OK])


class Mpi(Groups, Launchers):
    pass


class Nccl(Groups, Shells):
    def test_the_environment_of_every_launcher(self):
        for launcher in (torchrun, slurm, open_mpi):
            with self.subTest(launcher=launcher.__name__):
                job = self.expect_pictures(2, 1, launcher=launcher)
                for rank in range(2):
                    self.assertEqual(self.line(job, rank, "who")[0], rank, "the device is the local rank's")

    def test_two_ranks_on_one_gpu(self):
        job = self.expect_pictures(2, 5, launcher=torchrun_on_one_gpu)
        for rank in range(2):
            self.assertEqual(self.line(job, rank, "who")[0], 0)

    def test_an_id_that_the_caller_brings(self):
        with tempfile.TemporaryDirectory() as directory:
            self.expect_pictures(3, 2, TEST_MEET=os.path.join(directory, "id"))

    @unittest.skipUnless(MPIEXEC, "built without MPI")
    def test_an_id_that_mpi_brings(self):
        self.expect_pictures(3, 2, over_mpi=True, TEST_MEET="mpi")

    @unittest.skipUnless(MPIEXEC, "built without MPI")
    def test_an_id_that_mpi_has_none_of(self):
        job = self.run_job(2, "pictures", AMPLE, 1, over_mpi=True, TEST_MEET="mpi", NCCLSIM_FAULT="unique_id_fail", NCCLSIM_RANK="0")
        self.expect(job, 0, "setup", [NCCL], MARGIN, ["making an id"])
        self.expect(job, 1, "setup", [PEER], MARGIN, ["rank 0 could not make an id"])

    def expect_failing_setup(self, fault, statuses, words, **options):
        job = self.run_job(2, "pictures", TIMEOUT, 1, NCCLSIM_FAULT=fault, **options)
        self.expect(job, 0, "setup", statuses, TIMEOUT + MARGIN, words)
        self.line(job, 1, "setup")

    def test_an_initialisation_that_hangs(self):
        self.expect_failing_setup("init_hang", [TIMED_OUT], ["joining the ranks", "2 s"])

    def test_an_initialisation_and_an_abort_that_hang(self):
        self.expect_failing_setup("init_hang,abort_hang", [TIMED_OUT], ["joining the ranks"])

    def test_an_initialisation_that_fails(self):
        self.expect_failing_setup("init_fail", [NCCL], ["joining the ranks"])

    def test_an_id_that_cannot_be_made(self):
        self.expect_failing_setup("unique_id_fail", [NCCL], ["making an id"], NCCLSIM_RANK="0")

    def test_no_memory(self):
        self.expect_failing_setup("oom", [NCCL], ["joining the ranks"])

    def test_operations_that_fail(self):
        # The first group of a process is a warm-up of 5 operations: the faults are counted on each communicator.
        for fault, statuses in (("async_error:2", [PEER]), ("async_error:2:ncclInternalError", [NCCL]), ("hang:2", [TIMED_OUT])):
            with self.subTest(fault=fault):
                job = self.run_job(2, "pictures", TIMEOUT, 3, NCCLSIM_FAULT=fault)
                for rank in range(2):
                    self.expect(job, rank, "pictures", [1], TIMEOUT + MARGIN)

    def test_aborts_that_hang(self):
        # Of a group in order, by the caller; and of broken ones, to end them.
        jobs = {operation: self.start_fault("during", signal.SIGKILL, operation, NCCLSIM_FAULT="abort_hang")
                for operation in ("window", "finish")}
        job = self.start_fault("abort", 0, NCCLSIM_FAULT="abort_hang", NCCLSIM_RANK=str(LOST))
        self.wait_for_others(job)
        self.wait_for(job, [LOST], nccl_hangs=True)
        self.expect(job, LOST, "abort", [TIMED_OUT], MARGIN, ["NCCL did not abort", "a thread is left"])
        self.expect(job, LOST, "finish", [GROUP], 1)
        for operation, job in jobs.items():
            for rank in self.wait_for_others(job, nccl_hangs=True):
                self.expect(job, rank, "operation", [TIMED_OUT, PEER], TIMEOUT + MARGIN)
                if operation == "window":
                    self.expect(job, rank, "finish", [TIMED_OUT], MARGIN, ["NCCL did not abort"])

    # ---- Devices

    def expect_devices(self, devices, choices, **options):
        job = self.run_job(len(devices), "pictures", AMPLE, 1, **options)
        for rank, device in enumerate(devices):
            self.expect(job, rank, "finish", [OK])
            self.assertEqual(self.line(job, rank, "who")[0], device)
            self.assertEqual(self.line(job, rank, "choice")[0], choices[rank])

    def expect_no_device(self, words, **variables):
        job = self.run_job(2, "pictures", AMPLE, 1, **variables)
        for rank in range(2):
            self.expect(job, rank, "setup", [DEVICE], MARGIN, words)

    def test_a_device_that_is_named(self):
        self.expect_devices([3], [GIVEN], TEST_DEVICE="3")
        self.expect_no_device(["options->device is 2", "the number of CUDA devices is 2"], TEST_DEVICE="2", CUSIM_DEVICES="2")

    def test_no_device(self):
        self.expect_no_device(["there is none here"], CUSIM_DEVICES="0")

    def test_one_gpu_visible_for_every_rank(self):
        self.expect_devices([0, 0, 0], [LOCAL_RANK, PRIVATE_VIEW, PRIVATE_VIEW], launcher=torchrun_with_one_gpu_visible)
        self.expect_devices([0, 0, 0], [LOCAL_RANK, PRIVATE_VIEW, PRIVATE_VIEW], launcher=visible([0], [1], [2]))

    def test_two_gpus_visible_for_every_rank(self):
        self.expect_devices([0, 1, 0, 1], [LOCAL_RANK, LOCAL_RANK, PRIVATE_VIEW, PRIVATE_VIEW], launcher=visible([0, 1], [2, 3], [4, 5], [6, 7]))

    def test_views_of_several_sizes(self):
        self.expect_devices([0, 1], [LOCAL_RANK, LOCAL_RANK], launcher=visible([0], [1, 2]))
        self.expect_devices([0, 0], [LOCAL_RANK, PRIVATE_VIEW], launcher=visible([1, 2], [0]))

    def test_no_local_rank(self):
        self.expect_devices([0, 1, 0, 1], [RANK] * 4, launcher=torchrun_on_two_hosts, CUSIM_DEVICES="2")

    def expect_shared(self, world, sharers, statuses, words, **options):
        """All ranks end at once, and say which two are on one GPU."""
        job = self.run_job(world, "pictures", AMPLE, 1, **options)
        for rank in range(world):
            self.expect(job, rank, "setup", statuses, AMPLE / 2, [*words, *("rank %d" % sharer for sharer in sharers)])

    def test_more_ranks_than_devices(self):
        self.expect_shared(4, (0, 3), [DEVICE], ["share GPU-", "one rank per GPU"], CUSIM_DEVICES="3")

    def test_ranks_on_the_same_named_device(self):
        self.expect_shared(2, (0, 1), [DEVICE], ["share GPU-"], TEST_DEVICE="1")

    @unittest.skipUnless(MPIEXEC, "built without MPI")
    def test_more_ranks_than_devices_over_mpi(self):
        self.expect_shared(4, (0, 3), [DEVICE], ["share GPU-", "one rank per GPU"], over_mpi=True, TEST_MEET="mpi", CUSIM_DEVICES="3")

    def test_more_ranks_than_devices_with_the_callers_id(self):
        """Only NCCL can tell, and does so to two of them."""
        with tempfile.TemporaryDirectory() as directory:
            job = self.run_job(3, "pictures", TIMEOUT, 1, TEST_MEET=os.path.join(directory, "id"), CUSIM_DEVICES="2")
        self.expect(job, 0, "setup", [NCCL], TIMEOUT + MARGIN, ["rank 0 is on device 0: its local rank)"])
        self.expect(job, 2, "setup", [NCCL], TIMEOUT + MARGIN, ["rank 2 is on device 0: its local rank, modulo the number of visible devices"])
        self.expect(job, 1, "setup", [NCCL, PEER], TIMEOUT + MARGIN)

    # ---- The secret

    def test_a_secret(self):
        self.expect_pictures(2, 1, BATCHVIEW_SECRET="a secret")

    def test_an_empty_secret(self):
        job = self.run_job(2, "pictures", AMPLE, 1, BATCHVIEW_SECRET="")
        for rank in range(2):
            self.expect(job, rank, "setup", [ENVIRONMENT], MARGIN, ["BATCHVIEW_SECRET is empty"])

    # ---- Traffic

    def start_traffic(self, directory, *arguments):
        """Windows and gathers of 2 ranks, who count what they move."""
        return self.start_job(2, "traffic", AMPLE, *arguments, CUSIM_STATS=os.path.join(directory, "%p.json"))

    def traffic(self, directory, job):
        """For each rank: bytes sent and received by function of NCCL, and copies between host and device."""
        job.wait()
        moved = []
        for rank, process in enumerate(job.processes):
            for what in ("setup", "traffic", "finish"):
                self.expect(job, rank, what, [OK])
            process.wait()
            with open(os.path.join(directory, "%d.json" % process.pid)) as file:
                statistics = json.load(file)
            nccl = {name: (of["bytes_sent"], of["bytes_received"]) for name, of in statistics["nccl"].items() if "bytes_sent" in of}
            # The stand-in for NCCL copies too: its bytes count among the program's, but not its copies.
            copies = {way: statistics["totals"]["memcpy_" + way] for way in ("h2d", "d2h")}
            moved.append((nccl, copies))
        return moved

    def test_the_traffic_of_windows(self):
        small_change, edges = 512, (8, 150)
        with tempfile.TemporaryDirectory() as directory:
            for dtype, window_bytes in (("u8", 32 << 10), ("f32", 32 << 10), ("f64", 64 << 10)):
                jobs = [self.start_traffic(directory, dtype, edge, windows, 0) for edge in edges for windows in (0, 2)]
                small, small_2, large, large_2 = [self.traffic(directory, job) for job in jobs]
                for rank in range(2):
                    with self.subTest(dtype=dtype, rank=rank):
                        self.assertEqual(small_2[rank][0], large_2[rank][0], "by image size")
                        self.assertEqual(set(large_2[rank][0]), {"AllReduce", "AllGather"})
                        for n in large_2[rank][0]["AllReduce"]:
                            self.assertGreater(n, 0)
                            self.assertLessEqual(n, 2 * window_bytes)
                        for n, without in zip(large_2[rank][0]["AllGather"], large[rank][0]["AllGather"]):
                            self.assertGreater(n, without, "the calls are compared")
                            self.assertLessEqual(n - without, small_change)
                        self.assertEqual(small[rank][1], small_2[rank][1], "windows copy nothing")
                        self.assertEqual(large[rank][1], large_2[rank][1], "windows copy nothing")

    def test_the_traffic_of_gathers(self):
        edge, gathers = 50, 3
        picture_bytes = 2 * edge * edge
        with tempfile.TemporaryDirectory() as directory:
            jobs = [self.start_traffic(directory, "u8", edge, 0, n) for n in (0, gathers)]
            before, after = [self.traffic(directory, job) for job in jobs]
        for rank in range(2):
            self.assertEqual(before[rank][1], after[rank][1], "pictures pass through the host")
            sent = sum(n for name, (n, _) in after[rank][0].items() if name != "AllGather")
            self.assertEqual(sent, gathers * picture_bytes if rank == 1 else 0)
            calls = after[rank][0]["AllGather"][0] - before[rank][0]["AllGather"][0]
            self.assertLessEqual(calls, gathers * 256, "the descriptions of calls")


def load_tests():
    loader = unittest.defaultTestLoader
    if not GROUP_RANK:
        print("skipped: built without", BACKEND.upper())
        sys.exit(1 if BACKEND == "nccl" and os.environ.get("BATCHVIEW_REQUIRE_GPU") == "1" else 77)
    if BACKEND == "mpi":
        return loader.loadTestsFromTestCase(Mpi)
    if BACKEND == "mpich":  # its launcher kills the job of a rank that is killed
        names = [name for name in loader.getTestCaseNames(Mpi) if "killed" not in name and "example" not in name]
        return unittest.TestSuite(Mpi(name) for name in names)
    # The simulator has as many GPUs as are wanted. Of a real machine's, one is used, and not for lost ranks, whose tests
    # count threads and descriptors: CUDA and NCCL keep some of their own.
    if "cusim" in os.environ.get("LD_LIBRARY_PATH", ""):
        return loader.loadTestsFromTestCase(Nccl)
    why_none = subprocess.run([GROUP_RANK, "devices"], capture_output=True, text=True).stdout.strip()
    if why_none:
        print("skipped:", why_none)
        sys.exit(1 if os.environ.get("BATCHVIEW_REQUIRE_GPU") == "1" else 77)
    return unittest.TestSuite([Nccl("test_pictures_of_1_rank"), Nccl("test_two_ranks_on_one_gpu")])


if __name__ == "__main__":
    del sys.argv[1:]
    sys.exit(not unittest.TextTestRunner(verbosity=2).run(load_tests()).wasSuccessful())
