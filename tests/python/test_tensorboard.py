"""What log_images hands to writers, and what a reader of TensorBoard's finds in the file."""

import io
import multiprocessing
import sys
import threading
import time
import types

import definition
import numpy as np
import pytest

from batchview.tensorboard import flush, log_images


class Recorder:
    """A SummaryWriter, as far as it is used."""

    def __init__(self):
        self.images = []

    def add_image(self, tag, image, global_step=None, dataformats="CHW"):
        assert dataformats == "HWC" and image.dtype == np.uint8 and image.shape[2] == 3
        self.images.append((tag, global_step, image))


def logged(*arguments, **options):
    writer = Recorder()
    log_images(writer, "tag", *arguments, **options)
    flush()
    return writer.images


def grey_planes(batch):
    return np.repeat(definition.grey(definition.normalized(batch)).reshape(-1, *batch.shape[2:])[..., None], 3, -1)


def test_a_grid_in_reading_order(brain):
    batch = brain[:, :1].repeat(3, 0)[:5]
    ((tag, step, image),) = logged(batch, 7)
    planes = grey_planes(batch)
    black = np.zeros_like(planes[0])
    rows = [np.hstack(planes[:3]), np.hstack([*planes[3:], black])]
    assert (tag, step) == ("tag", 7)
    np.testing.assert_array_equal(image, np.vstack(rows))
    ((_, _, column),) = logged(batch, 7, columns=1)
    np.testing.assert_array_equal(column, np.vstack(planes))


def test_many_images_under_one_name(brain):
    images = logged(brain[:, :2], 3, grid=False, max_images=3)
    assert [tag for tag, _, _ in images] == ["tag/0", "tag/1", "tag/2"]
    np.testing.assert_array_equal([image for _, _, image in images], grey_planes(brain[:, :2])[:3])


def test_three_channels_are_colours(brain):
    ((_, _, image),) = logged(brain, 0, max_images=1)
    expected = definition.grey(definition.normalized(brain[:1]))[0].transpose(1, 2, 0)
    np.testing.assert_array_equal(image, expected)


def test_bytes_stay_bytes(random):
    pictures = random.integers(0, 256, (1, 6, 5, 3), np.uint8)
    ((_, _, image),) = logged(pictures, 0, pictures=True)
    np.testing.assert_array_equal(image, pictures[0])


def test_options_of_drawing(brain, random):
    colours = random.integers(0, 256, (256, 3), np.uint8)
    batch = brain[:1, :1]
    ((_, _, image),) = logged(batch, 0, colormap=colours, window=(0, 500), foreground="nonzero")
    values = definition.mapped(batch, np.array([[0.0, 500.0]]))
    np.testing.assert_array_equal(image, colours[definition.grey(values)[0, 0]])


def test_the_batch_may_change_after_the_call(brain):
    pictures = np.full((1, 4, 4, 3), 9, np.uint8)
    hold = threading.Event()

    class Slow(Recorder):
        def add_image(self, *arguments, **options):
            hold.wait(30)
            super().add_image(*arguments, **options)

    writer = Slow()
    log_images(writer, "a", pictures, 0, pictures=True)
    log_images(writer, "b", pictures, 0, pictures=True)
    pictures[:] = 1
    assert not writer.images  # the step went on, and nothing was encoded
    hold.set()
    flush()
    assert [int(image.max()) for _, _, image in writer.images] == [9, 9]


def test_an_overlay_in_colour(brain):
    batch, labels = brain[:2, :1], np.zeros((2, 24, 20), np.int64)
    labels[:, 5:9, 3:8], labels[1, 10:, :4] = 1, 2
    planes = grey_planes(batch).astype(np.int64)
    for label, colour in ((1, (230, 60, 50)), (2, (60, 180, 75))):
        where = labels == label
        planes[where] = (planes[where] * 192 + np.array(colour) * 64 + 128) // 256
    for overlay in (labels, labels[:, None]):
        ((_, _, image),) = logged(batch, 0, overlay=overlay, opacity=0.25)
        np.testing.assert_array_equal(image, np.hstack(planes))


def test_pixels_that_are_not_square():
    ramp = np.arange(0, 160, 10, np.uint8).reshape(1, 4, 4, 1).repeat(3, -1)
    ((_, _, tall),) = logged(ramp, 0, pictures=True, spacing=(2, 1))
    assert tall.shape == (8, 4, 3)
    np.testing.assert_array_equal(tall[:, 0, 0], [0, 10, 30, 50, 70, 90, 110, 120])
    ((_, _, wide),) = logged(ramp, 0, pictures=True, spacing=(1, 1.5))
    assert wide.shape == (4, 6, 3)
    ((_, _, same),) = logged(ramp, 0, pictures=True, spacing=(3, 3))
    np.testing.assert_array_equal(same, ramp[0])


def test_loggers_around_a_writer(brain):
    for name in ("experiment", "tracker"):
        writer = Recorder()
        log_images(types.SimpleNamespace(**{name: writer}), "tag", brain, 1)
        flush()
        assert len(writer.images) == 1


def test_a_run_of_wandb(brain, monkeypatch):
    class Image:
        def __init__(self, data):
            assert data.dtype == np.uint8
            self.data = data

    class Run:
        def __init__(self):
            self.rows = []

        def log(self, row, step):
            self.rows.append((row, step))

    monkeypatch.setitem(sys.modules, "wandb", types.SimpleNamespace(Image=Image))
    run = Run()
    log_images(run, "tag", brain[:1, :1], 5)
    flush()
    ((row, step),) = run.rows
    assert step == 5
    np.testing.assert_array_equal(row["tag"].data, grey_planes(brain[:1, :1])[0])


def test_what_fails_on_the_thread_is_raised_later(brain):
    class Full:
        def add_image(self, *arguments, **options):
            raise OSError("no space left on device")

    log_images(Full(), "tag", brain, 0)
    with pytest.raises(OSError, match="no space left"):
        flush()
    flush()  # said once


def test_wrong_arguments_are_named(brain):
    writer = Recorder()
    wrong = [
        (dict(batch=brain[0]), ValueError, "24, 20"),
        (dict(max_images=0), ValueError, "max_images is 0"),
        (dict(columns=0), ValueError, "columns is 0"),
        (dict(opacity=2), ValueError, "opacity is 2"),
        (dict(spacing=(0, 1)), ValueError, "spacing is"),
        (dict(pictures=True), ValueError, "pictures are uint8"),
        (dict(overlay=np.zeros((2, 5, 5))), ValueError, "overlay has shape"),
        (dict(overlay=np.zeros((1, 24, 20))), ValueError, "overlay has 1 images"),
        (dict(scope="pixel"), ValueError, "scope"),
        (dict(dtype="uint8"), TypeError, "dtype"),
        (dict(writer=object()), TypeError, "writer is"),
    ]
    for options, error, message in wrong:
        with pytest.raises(error, match=message):
            log_images(**{**dict(writer=writer, tag="tag", batch=brain, step=0), **options})
    flush()
    assert not writer.images


def _log_in_child(connection, batch):
    writer = Recorder()
    log_images(writer, "tag", batch, 1)
    flush()
    connection.send(len(writer.images))


def test_children_of_a_fork_have_their_own_thread(brain):
    logged(brain, 0)
    here, there = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=_log_in_child, args=(there, brain))
    child.start()
    assert here.poll(30) and here.recv() == 1
    child.join()


def test_rank_zero_only(brain, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
    assert logged(brain, 0, rank_zero_only=True) == []
    assert len(logged(brain, 0)) == 1
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 0)
    assert len(logged(brain, 0, rank_zero_only=True)) == 1


def test_tensorboard_reads_what_was_drawn(brain, tmp_path):
    """By TensorBoard's own loader of event files, and Pillow."""
    pytest.importorskip("torch")
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    image = pytest.importorskip("PIL.Image")
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path) as writer:
        log_images(writer, "train/input", brain[:, :1], 12)
        flush()
    (file,) = tmp_path.iterdir()
    found = [
        (event.step, value)
        for event in loader.EventFileLoader(str(file)).Load()
        for value in event.summary.value
        if value.tag == "train/input"
    ]
    ((step, value),) = found
    width, height, png = value.tensor.string_val[:3]
    assert (step, int(width), int(height)) == (12, 40, 24)
    np.testing.assert_array_equal(np.asarray(image.open(io.BytesIO(png))), np.hstack(grey_planes(brain[:, :1])))
