"""Who a process is: what MPI says where it is initialised, and processes that were started alone."""
from job import AMPLE, MARGIN, TIMEOUT, slurm_batch_script, slurm_shell, slurm_terminal
from statuses import ENVIRONMENT, MISMATCH, OK, TIMED_OUT, VALUE


class Launchers:
    """MPI's own word, and that of launchers."""

    def test_without_any_launchers_variables(self):
        self.expect_pictures(3, 2, TEST_NO_LAUNCHER="1")

    def test_beside_the_variables_of_a_slurm_job(self):
        # Those of the batch script: MPI's ranks have met.
        self.expect_pictures(2, 2, SLURM_JOB_ID="1", SLURM_PROCID="0", SLURM_NTASKS="1")
        self.expect_pictures(2, 2, SLURM_JOB_ID="1", SLURM_PROCID="0", SLURM_NTASKS="1", TEST_NO_LAUNCHER="1")
        self.expect_pictures(2, 2, SLURM_JOB_ID="1", SLURM_PROCID="0", SLURM_NTASKS="2", SLURM_STEP_ID="0",
                             SLURM_STEP_NODELIST="x1000c[0-1]s[2-3]b0n0[", TEST_NO_LAUNCHER="1")

    def test_variables_that_contradict_mpi(self):
        # Inherited from a pod or a batch script.
        job = self.run_job(2, "pictures", AMPLE, 1, RANK="0", WORLD_SIZE="1")
        for rank in range(2):
            self.expect(job, rank, "setup", [ENVIRONMENT], MARGIN,
                        ["WORLD_SIZE is \"1\"", "in MPI this is rank %d of 2" % rank, "unset", "mpi_comm"])
        job = self.run_job(2, "pictures", TIMEOUT, 1, RANK="0", WORLD_SIZE="2")
        self.expect(job, 1, "setup", [ENVIRONMENT], MARGIN, ["RANK is \"0\"", "in MPI this is rank 1 of 2"])
        self.expect(job, 0, "setup", [MISMATCH], MARGIN, ["bv_setup_ddp", "rank 1 cannot take part", "environment"])

    def test_processes_that_are_alone_in_mpi(self):
        # As started by torchrun, or by the mpirun of another MPI.
        job = self.run_job(2, "pictures", AMPLE, 1, over_mpi=False, TEST_ALONE="1")
        for rank in range(2):
            self.expect(job, rank, "setup", [ENVIRONMENT], MARGIN, ["WORLD_SIZE is \"2\"", "in MPI this is rank 0 of 1"])

    def test_communicators(self):
        job = self.run_job(4, "communicators", RANK="0", WORLD_SIZE="1")
        for rank in range(4):
            self.expect(job, rank, "none", [VALUE], MARGIN, ["options->mpi_comm is MPI_COMM_NULL"])
            self.expect(job, rank, "between", [VALUE], MARGIN, ["options->mpi_comm is an intercommunicator"])
            self.expect(job, rank, "half", [OK])
            self.assertEqual(self.line(job, rank, "who")[:2], (rank // 2, 2), "the communicator counts")
            self.assertEqual(self.line(job, rank, "handler")[0], 1, "the caller's error handler")
            self.expect(job, rank, "finish", [OK])


class Shells:
    """Of SLURM, with one process of several."""

    def test_a_shell_is_no_rank(self):
        for launcher, words in ((slurm_shell, "SLURM_STEP_NUM_TASKS is 1"), (slurm_batch_script, "SLURM_STEP_ID is not set")):
            with self.subTest(launcher=launcher.__name__):
                job = self.run_job(1, "pictures", AMPLE, 1, launcher=launcher)
                self.expect(job, 0, "setup", [ENVIRONMENT], MARGIN, ["SLURM_NTASKS is 4", words, "srun"])

    def test_a_terminal_waits_and_says_why(self):
        job = self.run_job(1, "pictures", TIMEOUT, 1, launcher=slurm_terminal)
        self.expect(job, 0, "setup", [TIMED_OUT], TIMEOUT + MARGIN, ["srun --pty"])
