"""Groups of real processes: groups.py mpi|nccl GROUP_RANK EXAMPLE [MPIEXEC] (with nccl one way to meet)."""
import os
import queue
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

BACKEND, GROUP_RANK, EXAMPLE = sys.argv[1:4]
MPIEXEC = sys.argv[4] if len(sys.argv) > 4 else None
del sys.argv[1:]
TIMEOUT = 2.0  # of groups whose deadline is tested
AMPLE = 60.0  # of those that must not need it
MARGIN = 4.5  # on top of a deadline: an abort has 3 s, and the machine may be busy
OK, TIMED_OUT, PEER, GROUP, NCCL = 0, 20, 21, 22, 25
MOST_RANKS = 7


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def clean_environment():
    """Without what a launcher around the tests may have set."""
    drop = ("OMPI_", "PMIX_", "SLURM_", "RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_", "TORCHELASTIC_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(drop)}
    # MPI keeps memory until the process ends.
    environment["ASAN_OPTIONS"] = "detect_leaks=0"
    environment.setdefault("BATCHVIEW_SEED", str(random.randrange(1 << 32)))
    environment["OMP_NUM_THREADS"] = "1"
    return environment


def torchrun(rank, world, port):
    return {"RANK": rank, "WORLD_SIZE": world, "LOCAL_RANK": rank, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port,
            "TORCHELASTIC_RUN_ID": "none"}


def torchrun_on_one_gpu(rank, world, port):
    """NCCL refuses two ranks on a device, unless they seem to be on two hosts."""
    return {**torchrun(rank, world, port), "LOCAL_RANK": 0, "NCCL_HOSTID": "host%d" % rank, "NCCL_SOCKET_IFNAME": "lo",
            "NCCL_IB_DISABLE": 1}


def slurm(rank, world, port):
    return {"SLURM_PROCID": rank, "SLURM_NTASKS": world, "SLURM_LOCALID": rank, "SLURM_JOB_ID": port,
            "SLURM_STEP_ID": 0, "SLURM_JOB_NODELIST": "localhost"}


def open_mpi(rank, world, port):
    return {"OMPI_COMM_WORLD_RANK": rank, "OMPI_COMM_WORLD_SIZE": world, "OMPI_COMM_WORLD_LOCAL_RANK": rank,
            "OMPI_COMM_WORLD_LOCAL_SIZE": world, "PMIX_NAMESPACE": port}


class Job:
    """The processes of a group. lines[rank][what] is (status, number, text)."""

    def __init__(self, world, *arguments, program=GROUP_RANK, directory=None, launcher=torchrun, over_mpi=BACKEND == "mpi",
                 **variables):
        self.world, self.lines, self.output = world, [{} for _ in range(world)], []
        self.events = queue.Queue()
        self.directory = directory
        arguments = [program] + [str(a) for a in arguments]
        environment = clean_environment()
        environment.update(variables)
        self.seed = environment["BATCHVIEW_SEED"]
        environment["CUSIM_DEVICES"] = str(MOST_RANKS)
        if over_mpi:
            environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
            # Shared memory alone, and a lost rank does not end the others.
            command = [MPIEXEC, "--oversubscribe", "--enable-recovery", "--mca", "btl", "self,vader", "-n", str(world)]
            self.processes = [self.spawn(command + arguments, environment)]
        else:
            port = free_port()
            self.processes = []
            for rank in range(world):
                of_rank = {name: str(value) for name, value in launcher(rank, world, port).items()}
                self.processes.append(self.spawn(arguments, {**environment, **of_rank}))

    def spawn(self, command, environment):
        process = subprocess.Popen(command, env=environment, cwd=self.directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   start_new_session=True)
        threading.Thread(target=self.listen, args=[process], daemon=True).start()
        return process

    def listen(self, process):
        for line in process.stdout:
            self.events.put(line)
        self.events.put(None)

    def wait(self, done=lambda job: False, seconds=120):
        """Until all processes have ended, or done(self)."""
        deadline, open_ends = time.monotonic() + seconds, len(self.processes)
        while open_ends and not done(self):
            line = self.events.get(timeout=max(0.01, deadline - time.monotonic()))
            if line is None:
                open_ends -= 1
                continue
            self.output.append(line)
            words = line.rstrip("\n").split(" ", 4)
            if len(words) == 5 and words[0].isdigit() and int(words[0]) < self.world:
                self.lines[int(words[0])][words[1]] = (int(words[2]), float(words[3]), words[4])
        return self

    def end(self):
        for what in self.lines:
            if "pid" in what and "leaks" not in what:  # perhaps stopped
                try:
                    os.kill(int(what["pid"][1]), signal.SIGKILL)
                except ProcessLookupError:
                    pass
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            process.stdout.close()


class Groups(unittest.TestCase):
    def run_job(self, *arguments, done=lambda job: False, **options):
        job = Job(*arguments, **options)
        self.addCleanup(job.end)
        return job.wait(done)

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
            for what in ("setup", "pictures", "finish"):
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

    def test_the_training_example(self):
        world, images, height, width = 3, 4, 96, 96
        with tempfile.TemporaryDirectory() as directory:
            job = self.run_job(world, 20, 10, program=EXAMPLE, directory=directory)
            output = "".join(job.output)
            self.assertEqual(sorted(os.listdir(directory)), ["step-0010.ppm", "step-0020.ppm"], output)
            with open(os.path.join(directory, "step-0020.ppm"), "rb") as file:
                header = b"P6\n%d %d\n255\n" % (width, world * images * height)
                self.assertEqual(file.read(len(header)), header)
                pixels = file.read()
        self.assertEqual(len(pixels), world * images * height * width * 3)
        self.assertEqual(pixels[:3], b"\0\0\0", "the background is black")
        # One window for all: the discs of a brighter rank come out brighter.
        of_rank = len(pixels) // world
        sums = [sum(pixels[rank * of_rank : (rank + 1) * of_rank]) for rank in range(world)]
        self.assertTrue(0 < sums[0] < sums[1] < sums[2], sums)

    # ---- Lost ranks

    def suffer(self, point, sig, **options):
        world, lost = 4, 2

        def done(job):
            return all("leaks" in job.lines[rank] for rank in range(world) if rank != lost)

        job = self.run_job(world, "fault", TIMEOUT, lost, point, int(sig), done=done, **options)
        for rank in range(world):
            if rank == lost and sig:
                continue
            self.expect(job, rank, "pid", [OK])
            yield job, rank, rank == lost
            if rank != lost:
                self.assertEqual(self.line(job, rank, "leaks")[:2], (0, 0), "descriptors and threads leaked by %d" % rank)

    def expect_lost_in_operation(self, point, sig):
        for job, rank, _ in self.suffer(point, sig):
            self.expect(job, rank, "setup", [OK])
            self.expect(job, rank, "operation", [TIMED_OUT, PEER], TIMEOUT + MARGIN)
            self.expect(job, rank, "again", [GROUP], 1, ["broken"])
            self.expect(job, rank, "finish", [GROUP], MARGIN)

    def expect_lost_in_setup(self, sig):
        for job, rank, is_lost in self.suffer("before", sig):
            if not is_lost:
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

    def test_a_rank_killed_in_a_collective(self):
        self.expect_lost_in_operation("during", signal.SIGKILL)

    def test_a_rank_stopped_in_a_collective(self):
        self.expect_lost_in_operation("during", signal.SIGSTOP)

    def test_no_rank_lost(self):
        job = self.run_job(3, "fault", AMPLE, -1, "none", 0)
        for rank in range(3):
            for what in ("setup", "operation", "again", "finish"):
                self.expect(job, rank, what, [OK])
            self.assertEqual(self.line(job, rank, "leaks")[:2], (0, 0))


class Nccl(Groups):
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


def load_tests():
    loader = unittest.defaultTestLoader
    if BACKEND == "mpi":
        return loader.loadTestsFromTestCase(Groups)
    # The simulator has as many GPUs as are wanted. Of a real machine's, one is used.
    if "cusim" in os.environ.get("LD_LIBRARY_PATH", ""):
        return loader.loadTestsFromTestCase(Nccl)
    why_none = subprocess.run([GROUP_RANK, "devices"], capture_output=True, text=True).stdout.strip()
    if why_none:
        print("skipped:", why_none)
        sys.exit(1 if os.environ.get("BATCHVIEW_REQUIRE_GPU") == "1" else 77)
    return unittest.TestSuite([Nccl("test_pictures_of_1_rank"), Nccl("test_two_ranks_on_one_gpu")])


if __name__ == "__main__":
    sys.exit(not unittest.TextTestRunner(verbosity=2).run(load_tests()).wasSuccessful())
