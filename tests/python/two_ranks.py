"""One of two ranks, started by test_distributed.py through torchrun: two gloo ranks must agree on what they are."""

import os

import torch

from batchview.distributed import setup_ddp
from batchview.visualization import normalize_batch_for_display

distributed, device = setup_ddp(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))
assert distributed is torch.distributed and device == torch.device("cpu")
assert distributed.get_backend() == "gloo"
assert setup_ddp() == (distributed, device)  # again, as who it is

batch = torch.full((1, 1, 4, 4), float(distributed.get_rank() + 1))
pictures = normalize_batch_for_display(batch, window=(0, 4), dtype="uint8")
gathered = [torch.empty_like(pictures) for _ in range(distributed.get_world_size())]
distributed.all_gather(gathered, pictures)
assert [int(picture.max()) for picture in gathered] == [63, 127], gathered

model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(4, 4).to(device))
normalize_batch_for_display(model(batch), out=torch.empty(1, 1, 4, 4)).sum()
distributed.barrier()
distributed.destroy_process_group()
if int(os.environ["RANK"]) == 0:
    print("two ranks are well")
