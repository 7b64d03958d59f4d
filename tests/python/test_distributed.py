"""setup_ddp: alone, as one of two ranks over loopback, and where something is wrong."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import pytest

torch = pytest.importorskip("torch")

from batchview.distributed import setup_ddp

HERE = pathlib.Path(__file__).parent


def free_port():
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        return listener.getsockname()[1]


def run_ranks(count, program, *arguments):
    """The standard outputs of `count` ranks, as a launcher starts them."""
    place = dict(WORLD_SIZE=str(count), MASTER_ADDR="localhost", MASTER_PORT=str(free_port()))
    ranks = [
        subprocess.Popen(
            [sys.executable, program, *arguments],
            env={**os.environ, **place, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for rank in range(count)
    ]
    try:
        outputs = [rank.communicate(timeout=240) for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
    assert all(rank.returncode == 0 for rank in ranks), [errors for _, errors in outputs]
    return [output for output, _ in outputs]


@pytest.fixture
def alone(monkeypatch):
    """No launcher's variables, and a port of the test's own."""
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    monkeypatch.setenv("MASTER_PORT", str(free_port()))
    yield monkeypatch
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


@pytest.mark.skipif(
    torch.__version__.startswith("1.") and sys.version_info >= (3, 11), reason="torchrun of PyTorch 1 is not for this Python"
)
def test_two_ranks_under_torchrun():
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", str(free_port())]
    done = subprocess.run([*command, HERE / "two_ranks.py"], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0 and "two ranks are well" in done.stdout, done.stderr


def test_one_rank_of_the_environment(alone):
    alone.setenv("RANK", "0")
    alone.setenv("WORLD_SIZE", "1")
    distributed, device = setup_ddp()
    assert distributed.get_world_size() == 1 and device.type == "cpu"
    with pytest.raises(ValueError, match="rank and world_size are 1 and 2; this process is already"):
        setup_ddp(1, 2)


@pytest.mark.parametrize("rank, world_size", [(-1, 2), (2, 2), (0, 0), (0, -1)])
def test_ranks_that_cannot_be(alone, rank, world_size):
    with pytest.raises(ValueError, match=f"rank is {rank} and world_size is {world_size}"):
        setup_ddp(rank, world_size)


def test_what_is_missing_is_named(alone):
    with pytest.raises(ValueError, match="RANK is not in the environment: start with torchrun"):
        setup_ddp()
    alone.setenv("RANK", "x")
    with pytest.raises(ValueError, match="RANK is 'x' in the environment"):
        setup_ddp()
    with pytest.raises(ValueError, match="timeout is 0"):
        setup_ddp(0, 1, timeout=0)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_that_does_not_come_is_a_timeout(alone, rank):
    start = time.monotonic()
    with pytest.raises(TimeoutError, match="not all ranks came within 2 seconds"):
        setup_ddp(rank, 2, timeout=2)
    assert time.monotonic() - start < 60


@pytest.mark.skipif(torch.__version__ < "2", reason="PyTorch 1 keeps the interpreter to itself while it waits")
def test_ctrl_c_ends_the_waiting():
    program = """
import os
print("waiting", flush=True)
from batchview.distributed import setup_ddp
import torch, threading
threading.Timer(1.5, lambda: print("now", flush=True)).start()
try:
    setup_ddp(1, 2, timeout=120)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    os._exit(0)
"""
    environment = {**os.environ, "MASTER_ADDR": "localhost", "MASTER_PORT": str(free_port())}
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment)
    while "now" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    try:
        assert "interrupted" in process.communicate(timeout=30)[0]
    finally:
        process.kill()
