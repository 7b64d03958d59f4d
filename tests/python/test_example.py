"""examples/pytorch_ddp.py as a newcomer starts it: two ranks on the CPU, and TensorBoard's own reader on what they logged."""

import collections
import gzip
import io
import os
import pathlib
import struct
import subprocess
import sys

import definition
import numpy as np
import pytest
from test_distributed import free_port

torch = pytest.importorskip("torch")
image = pytest.importorskip("PIL.Image")
loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
pytest.importorskip("nibabel")

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples/pytorch_ddp.py"
BRAIN = pathlib.Path("/usr/share/mricron/templates/ch2bet.nii.gz")
EPOCHS, BATCH = 3, 9


def logged_by(directory):
    """{tag: [value of epoch 0, of epoch 1, ...]}, pictures as arrays."""
    (file,) = directory.iterdir()
    found = collections.defaultdict(list)
    for event in loader.EventFileLoader(str(file)).Load():
        for value in event.summary.value:
            assert event.step == len(found[value.tag])
            if value.tensor.string_val:
                found[value.tag].append(np.asarray(image.open(io.BytesIO(value.tensor.string_val[2]))))
            else:
                found[value.tag].append(value.tensor.float_val[0])
    return found


def slices_of_the_brain():
    """As the example has them, read from the file by hand."""
    data = gzip.decompress(BRAIN.read_bytes())
    (width, height, depth), (code,) = struct.unpack("<3h", data[42:48]), struct.unpack("<h", data[70:72])
    start, slope = (int(struct.unpack("<f", data[at : at + 4])[0]) for at in (108, 112))
    assert code == 2 and slope in (0, 1)  # bytes, not scaled
    voxels = np.frombuffer(data, np.uint8, width * height * depth, start).reshape(depth, height, width)
    shown = voxels[(voxels != 0).mean((1, 2)) > 0.05, ::-1]
    return shown[:, None, : height // 4 * 4, : width // 4 * 4].astype(np.float32)


@pytest.mark.skipif(not BRAIN.exists(), reason=f"{BRAIN} (package mricron-data) is not there")
def test_two_ranks_train_and_log(tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", str(free_port())]
    options = ["--log-dir", tmp_path, "--epochs", str(EPOCHS), "--batch-size", str(BATCH)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*command, EXAMPLE, *options], capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    found = logged_by(tmp_path)
    assert set(found) == {"train/input", "train/output", "train/loss"}
    assert all(len(values) == EPOCHS for values in found.values())
    assert found["train/loss"][-1] < found["train/loss"][0] / 2

    slices = slices_of_the_brain()
    for epoch, picture in enumerate(found["train/input"]):
        # Rank 0's first slices of the order that DistributedSampler documents
        order = torch.randperm(len(slices), generator=torch.Generator().manual_seed(epoch))[::2][:BATCH]
        planes = definition.grey(definition.normalized(slices[order.numpy()]))[:, 0]
        rows = [np.hstack(planes[row : row + 3]) for row in range(0, BATCH, 3)]
        np.testing.assert_array_equal(picture, np.repeat(np.vstack(rows)[..., None], 3, -1))
    shown, drawn = found["train/input"][-1][..., 0], found["train/output"][-1][..., 0]
    assert shown.shape == drawn.shape and np.corrcoef(shown.ravel(), drawn.ravel())[0, 1] > 0.8
