"""Inputs are random from a printed seed; BATCHVIEW_SEED=N gives the same again."""

import os
import secrets

import hypothesis
import numpy
import pytest

SEED = int(os.environ.get("BATCHVIEW_SEED", secrets.randbelow(2**32)))

# print_blob: a failure prints what reproduces it. Machines of CI may pause for longer than any deadline.
hypothesis.settings.register_profile("batchview", deadline=None, print_blob=True, max_examples=200)
hypothesis.settings.load_profile("batchview")


def pytest_report_header(config):
    return f"batchview: BATCHVIEW_SEED={SEED}"


def pytest_configure(config):
    if config.getoption("hypothesis_seed", None) is None:
        config.option.hypothesis_seed = SEED


@pytest.fixture
def random(request):
    """A generator of the test's own, whatever other tests run."""
    return numpy.random.default_rng([SEED, *request.node.nodeid.encode()])


@pytest.fixture
def brain(random):
    """A batch [2, 3, 24, 20] of float32 on a black background."""
    batch = random.gamma(2, 100, (2, 3, 24, 20)).astype(numpy.float32)
    batch[:, :, :4] = 0
    return batch
