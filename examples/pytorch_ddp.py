"""An autoencoder of a brain's slices, trained by all ranks of a job; what it sees and what it makes of it, in TensorBoard.

    pip install . torch tensorboard nibabel
    torchrun --nproc-per-node 2 examples/pytorch_ddp.py      # on GPUs, one each; without them on the CPU
    tensorboard --logdir runs

The first batch of every epoch is logged, before and after the network. The values of both may have any range: nothing
here is scaled for the log. The volume is Debian's example (package mricron-data), or whatever NIfTI file is named.
"""

import argparse
import os

import nibabel
import numpy
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset
from torch.utils.tensorboard import SummaryWriter

from batchview.distributed import setup_ddp
from batchview.tensorboard import flush, log_images


def read_slices(path):
    """The axial slices that show something, as float32 [N, 1, H, W] of the file's units; H and W multiples of 4."""
    volume = nibabel.load(path).get_fdata(dtype=numpy.float32)
    slices = torch.from_numpy(volume).permute(2, 1, 0).flip(1)  # the front of the head up
    slices = slices[(slices != 0).float().mean((1, 2)) > 0.05]
    height, width = (extent // 4 * 4 for extent in slices.shape[1:])
    return slices[:, None, :height, :width].contiguous()


def autoencoder():
    """Squares of 4 x 4 pixels become 8 numbers, and are drawn again from them."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 8, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 16, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(16, 16, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 1, 3, padding=1),
    )


def train(arguments):
    distributed, device = setup_ddp(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))
    first = distributed.get_rank() == 0
    writer = SummaryWriter(arguments.log_dir) if first else None

    torch.manual_seed(0)
    slices = read_slices(arguments.volume)
    scale = slices.max()
    dataset = TensorDataset(slices)
    sampler = DistributedSampler(dataset)  # each rank has its own slices, in another order each epoch
    loader = DataLoader(dataset, arguments.batch_size, sampler=sampler)
    model = DistributedDataParallel(autoencoder().to(device))
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    loss_function = nn.MSELoss()

    for epoch in range(arguments.epochs):
        sampler.set_epoch(epoch)
        total = torch.zeros((), device=device)
        for step, (batch,) in enumerate(loader):
            batch = batch.to(device)
            output = model(batch / scale)
            loss = loss_function(output, batch / scale)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach()
            if step == 0:
                log_images(writer, "train/input", batch, epoch, rank_zero_only=True)
                log_images(writer, "train/output", output, epoch, rank_zero_only=True)
        distributed.all_reduce(total)
        mean = total.item() / (len(loader) * distributed.get_world_size())
        if first:
            writer.add_scalar("train/loss", mean, epoch)
            print(f"epoch {epoch}: loss {mean:.5f}", flush=True)

    flush()  # what is still being encoded
    if first:
        writer.close()
    distributed.destroy_process_group()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train an autoencoder of a brain's slices.")
    parser.add_argument("--volume", default="/usr/share/mricron/templates/ch2bet.nii.gz", help="a NIfTI file")
    parser.add_argument("--log-dir", default="runs", help="for TensorBoard")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=9, help="of each rank")
    train(parser.parse_args())
