"""Threads, forks, new processes, signals: the package inside somebody else's program."""

import concurrent.futures
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import time

import definition
import numpy as np
import pytest

import batchview
from batchview.visualization import normalize_batch_for_display


def test_threads_get_their_own_answers(random):
    batches = [random.gamma(2, 100, (2, 2, 40, 30)).astype(np.float32) for _ in range(16)]
    expected = [definition.normalized(batch) for batch in batches]

    def work(number):
        for _ in range(20):
            np.testing.assert_array_equal(normalize_batch_for_display(batches[number]), expected[number])
            with pytest.raises(ValueError, match=f"-{number + 1}"):  # each thread has its own message
                normalize_batch_for_display(batches[number], -(number + 1))

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))


def ticks_during_work(batch):
    """How often this thread ran while another one was in a call; on a busy machine perhaps never."""
    began, ended, ticks = threading.Event(), threading.Event(), 0

    def work():
        began.set()
        normalize_batch_for_display(batch)
        ended.set()

    thread = threading.Thread(target=work)
    thread.start()
    began.wait()
    while not ended.is_set():
        ticks += 1
        time.sleep(0.001)
    thread.join()
    return ticks


def test_the_interpreter_is_free_during_work():
    batch = np.random.default_rng(1).random((1, 1, 3000, 3000), np.float32)
    batchview.set_threads(1)
    try:
        # With the GIL held there would be one, or two where it changes hands just before
        assert any(ticks_during_work(batch) > 3 for _ in range(20))
    finally:
        batchview.set_threads(0)


def render(seed):
    batch = np.random.default_rng(seed).gamma(2, 100, (1, 2, 64, 64)).astype(np.float32)
    return normalize_batch_for_display(batch)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_worker_processes(method):
    expected = [render(seed) for seed in range(4)]
    with multiprocessing.get_context(method).Pool(2) as pool:
        for actual, wanted in zip(pool.map(render, range(4)), expected):
            np.testing.assert_array_equal(actual, wanted)


class Slices:
    """A data set whose items are drawn in the worker."""

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return render(index)[0]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_data_loader_workers(method):
    data = pytest.importorskip("torch.utils.data")
    loader = data.DataLoader(Slices(), batch_size=2, num_workers=2, multiprocessing_context=method)
    images = np.concatenate([batch.numpy() for batch in loader])
    np.testing.assert_array_equal(images, np.concatenate([render(index) for index in range(8)]))


def test_errors_can_be_pickled():
    with pytest.raises(ValueError) as caught:
        normalize_batch_for_display(np.zeros((1, 1, 2, 2)), -1)
    for error in (caught.value, batchview.Error("CUDA: no device")):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error) and str(again) == str(error)
    assert issubclass(batchview.Error, RuntimeError)


def test_no_memory_is_a_memory_error():
    program = """
import resource, numpy
from batchview.visualization import normalize_batch_for_display
batch = numpy.ones((1, 1, 4096, 4096), numpy.float32)
out = numpy.empty_like(batch)
used = int(open("/proc/self/statm").read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (used, used))
try:
    normalize_batch_for_display(batch, out=out)
except MemoryError as error:
    print("MemoryError", error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.startswith("MemoryError ") and len(done.stdout) > 20, done


def test_import_brings_in_no_other_library():
    program = "import sys, batchview; print(sorted({'torch', 'jax', 'cupy', 'tensorboard', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
