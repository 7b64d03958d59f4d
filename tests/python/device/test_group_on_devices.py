"""batchview.distributed.Group on two GPUs."""

import os
import pathlib
import subprocess
import sys

import pytest
import torch
from test_distributed import free_port


def test_ranks_have_one_window(random):
    if torch.cuda.device_count() < 2:
        pytest.skip("there is one GPU")
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", str(free_port())]
    program = pathlib.Path(__file__).with_name("group_ranks.py")
    environment = {**os.environ, "PYTHONPATH": str(program.parents[1])}
    arguments = [program, str(random.integers(2**32))]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=240, env=environment)
    assert done.returncode == 0 and done.stdout.count("well") == 2, done.stderr
