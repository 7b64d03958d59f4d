"""batchview.distributed.Group: ranks over gloo, as processes of their own."""

import pathlib

import pytest
from test_distributed import run_ranks

torch = pytest.importorskip("torch")

from batchview.distributed import Group


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_have_one_window(random, ranks):
    program = pathlib.Path(__file__).with_name("group_ranks.py")
    assert all("well" in output for output in run_ranks(ranks, program, str(random.integers(2**32))))


def test_without_a_process_group_it_says_so():
    with pytest.raises((RuntimeError, ValueError), match="process group"):
        Group()
