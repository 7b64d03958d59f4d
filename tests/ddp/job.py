"""The processes of a group, as launchers start them."""
import os
import queue
import random
import signal
import socket
import subprocess
import threading
import time

MOST_RANKS = 7
TIMEOUT = 2.0  # seconds, of groups whose deadline is tested
AMPLE = 60.0  # of those that must not need it
MARGIN = 4.5  # on top of a deadline: an abort has 3 s, and the machine may be busy


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def clean_environment():
    """Without what a launcher around the tests may have set."""
    drop = ("OMPI_", "PMIX_", "PMI_", "MPI_LOCAL", "SLURM_", "RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_", "TORCHELASTIC_", "BATCHVIEW_SECRET",
            "BATCHVIEW_JOB", "BATCHVIEW_PORT", "CUDA_VISIBLE_DEVICES", "NCCL_HOSTID")
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


def torchrun_on_two_hosts(rank, world, port):
    """Without a local rank, half of the ranks on each host."""
    return {**torchrun(rank, world, port), "LOCAL_RANK": "", "NCCL_HOSTID": "host%d" % (2 * rank // world)}


def torchrun_with_one_gpu_visible(rank, world, port):
    return {**torchrun(rank, world, port), "CUSIM_DEVICES": 1, "CUDA_VISIBLE_DEVICES": rank}


def visible(*views):
    """A launcher like torchrun on one host that shows rank R the GPUs views[R]. The simulator's are told apart by their
    process: the first of a view stands for all of it."""
    def launcher(rank, world, port):
        view = views[rank]
        return {**torchrun(rank, world, port), "CUSIM_DEVICES": len(view), "CUDA_VISIBLE_DEVICES": ",".join(map(str, view)),
                "CUSIM_DEVICE_UUID": "view from %d" % view[0]}
    return launcher


def slurm(rank, world, port):
    return {"SLURM_PROCID": rank, "SLURM_NTASKS": world, "SLURM_LOCALID": rank, "SLURM_JOB_ID": port,
            "SLURM_STEP_ID": 0, "SLURM_STEP_NUM_TASKS": world, "SLURM_JOB_NODELIST": "localhost"}


def slurm_shell(rank, world, port):
    """A shell of salloc, which is a step by itself, in a job of more tasks."""
    return {**slurm(rank, world, port), "SLURM_NTASKS": 4, "SLURM_STEP_ID": 4294967290, "SLURM_STEP_NUM_TASKS": 1}


def slurm_batch_script(rank, world, port):
    return {**slurm(rank, world, port), "SLURM_NTASKS": 4, "SLURM_STEP_ID": "", "SLURM_STEP_NUM_TASKS": ""}


def slurm_terminal(rank, world, port):
    """srun --pty of a shell: those of the other tasks have ended at once."""
    return {**slurm(rank, world + 1, port), "SLURM_PTY_PORT": port}


def open_mpi(rank, world, port):
    return {"OMPI_COMM_WORLD_RANK": rank, "OMPI_COMM_WORLD_SIZE": world, "OMPI_COMM_WORLD_LOCAL_RANK": rank,
            "OMPI_COMM_WORLD_LOCAL_SIZE": world, "PMIX_NAMESPACE": port}


class Job:
    """The processes of a group, each started with its launcher's environment, or all of them by `mpiexec`.
    lines[rank][what] is (status, number, text)."""

    def __init__(self, world, program, *arguments, directory=None, launcher=torchrun, mpiexec=None, **variables):
        self.world, self.lines, self.output = world, [{} for _ in range(world)], []
        self.events = queue.Queue()
        self.directory = directory
        arguments = [program] + [str(a) for a in arguments]
        environment = clean_environment()
        environment["CUSIM_DEVICES"] = str(MOST_RANKS)
        environment.update(variables)
        self.seed = environment["BATCHVIEW_SEED"]
        if mpiexec:
            environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
            # In each MPI's words: everything stays on this host, and a rank that ends early does not end the others.
            words = (["-launcher", "fork", "-disable-auto-cleanup"] if "mpich" in mpiexec else
                     ["--oversubscribe", "--enable-recovery", "--mca", "btl", "self,vader"])
            self.processes = [self.spawn([mpiexec, *words, "-n", str(world), *arguments], environment)]
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
