"""One of two ranks with a GPU each, joined by gloo: NCCL is not simulated under PyTorch. Started by test_group_on_devices.py."""

import sys

import definition
import numpy as np
import torch

from batchview.distributed import Group, setup_ddp

distributed, device = setup_ddp(backend="gloo")
rank = distributed.get_rank()
assert device == torch.device("cuda", rank)
random = np.random.default_rng(int(sys.argv[1]))
group = Group()
for name in ("float32", "int16", "float64"):
    counts = [3, 1]
    batches = [random.gamma(2, 20 * (1 + r), (n, 2, 30, 20)).clip(0, 250).astype(name) for r, n in enumerate(counts)]
    everything = np.concatenate(batches)
    mine = torch.from_numpy(batches[rank]).to(device)
    windows = group.measure_window(mine, counts=True)
    rows = definition.windows(everything, scope="batch")
    assert windows.device == device and torch.equal(windows.cpu(), torch.from_numpy(rows))
    pictures = group.normalize_batch_for_display(mine, packing="rgb")
    gathered = group.gather_pictures(pictures, counts)
    assert (gathered is None) == (rank != 0)
    if rank == 0:
        grey = definition.grey(definition.mapped(everything, rows, "batch"))
        assert gathered.device == device
        assert torch.equal(gathered.cpu(), torch.from_numpy(np.repeat(grey[..., None], 3, -1)))
distributed.barrier()
distributed.destroy_process_group()
print("well", flush=True)
