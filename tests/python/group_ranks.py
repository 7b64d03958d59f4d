"""One of the gloo ranks that test_group.py starts: batchview.distributed.Group against one rank with all
pixels. argv: a seed."""

import sys

import definition
import numpy as np
import torch

import batchview
from batchview.distributed import Group, setup_ddp

distributed, _ = setup_ddp()
rank, world = distributed.get_rank(), distributed.get_world_size()
random = np.random.default_rng(int(sys.argv[1]))
group = Group()
assert (group.rank, group.world_size) == (rank, world)


def same(actual, expected):
    assert torch.equal(actual, torch.from_numpy(expected)), (actual, expected)


# Ranks with 1, 2, ... images, the last with none; each knows all, and gives its own.
for name in ("float32", "float16", "int16", "float64", "uint8"):
    counts = [*range(1, world), 0]
    batches = [random.gamma(2, 20 * (1 + r), (n, 2, 30, 20)).round(1).clip(0, 250).astype(name) for r, n in enumerate(counts)]
    masks = [random.random(batch.shape) < 0.7 for batch in batches]
    everything, mask = np.concatenate(batches), np.concatenate(masks)
    mine = torch.from_numpy(batches[rank])
    same(group.measure_window(mine, counts=True), definition.windows(everything, scope="batch"))
    same(group.measure_window(mine, 10, 60, foreground="all"), definition.windows(everything, 10, 60, "batch", "all")[:, :2].copy())
    expected = definition.windows(everything, scope="batch", window="minmax", mask=mask)
    same(group.measure_window(mine, window="minmax", mask=torch.from_numpy(masks[rank]), counts=True), expected)
    rows = definition.windows(everything, scope="batch")
    values = definition.mapped(batches[rank], rows, "batch")
    same(group.normalize_batch_for_display(mine, dtype="float64"), values.astype(np.float64))
    pictures = group.normalize_batch_for_display(mine, packing="rgb")
    for known in (None, counts):
        gathered = group.gather_pictures(pictures, known)
        assert (gathered is None) == (rank != 0)
        if rank == 0:
            same(gathered, np.repeat(definition.grey(definition.mapped(everything, rows, "batch"))[..., None], 3, -1))
    fixed = group.normalize_batch_for_display(mine, window=(10, 90), dtype="float64")
    wanted = definition.mapped(batches[rank], np.array([[10.0, 90.0]]), "batch", "all")
    same(fixed, wanted.astype(np.float64))
    brain = group.normalize_batch_for_display(mine, window="brain", dtype="float64")  # 0 .. 80
    wanted = definition.mapped(batches[rank], np.array([[0.0, 80.0]]), "batch", "all")
    same(brain, wanted.astype(np.float64))


def raised(error, call):
    try:
        call()
    except error as caught:
        return str(caught)
    raise AssertionError("nothing was raised")


# Calls that differ, and calls that are wrong on one rank: all ranks hear of it, and go on together.
batch = torch.ones(1, 1, 4, 4)
message = raised(batchview.Error, lambda: group.measure_window(batch, low=rank))
assert "rank 0: measure_window(torch.float32, low=0" in message and "rank 1: measure_window(torch.float32, low=1" in message
message = raised(batchview.Error, lambda: group.measure_window(batch if rank else batch.double()))
assert "torch.float64" in message and "torch.float32" in message
if rank == 1:
    assert "high is 101" in raised(ValueError, lambda: group.measure_window(batch, high=101))
else:
    assert "rank 1: ValueError" in raised(batchview.Error, lambda: group.measure_window(batch))
pictures = torch.zeros(1, 4, 4 + rank, 3, dtype=torch.uint8)
assert "[N, 4, 5, 3]" in raised(batchview.Error, lambda: group.gather_pictures(pictures))
assert "must be a tensor of uint8" in raised(TypeError, lambda: group.gather_pictures(batch))
assert "counts is [1]" in raised(ValueError, lambda: group.gather_pictures(pictures, [1]))
assert "ndarray" in raised(TypeError, lambda: group.measure_window(np.ones((1, 1, 2, 2))))
same(group.measure_window(batch), np.ones((1, 2)))

# A group of some of the ranks
part = distributed.new_group([1])
if rank == 1:
    alone = Group(part)
    assert (alone.rank, alone.world_size) == (0, 1) and alone.gather_pictures(pictures).shape == pictures.shape
else:
    assert "not in" in raised(ValueError, lambda: Group(part))

distributed.barrier()
distributed.destroy_process_group()
print("well", flush=True)
