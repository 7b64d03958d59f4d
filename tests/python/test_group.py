"""batchview.distributed.Group: ranks over gloo, as processes of their own."""

import pathlib
import subprocess
import sys

import pytest
from test_distributed import free_port

torch = pytest.importorskip("torch")

from batchview.distributed import Group


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_have_one_window(random, ranks):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", str(ranks), "--master_port", str(free_port())]
    program = pathlib.Path(__file__).with_name("group_ranks.py")
    done = subprocess.run([*command, program, str(random.integers(2**32))], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0 and done.stdout.count("well") == ranks, done.stderr


def test_without_a_process_group_it_says_so():
    with pytest.raises((RuntimeError, ValueError), match="process group"):
        Group()
