#!/usr/bin/env python3
"""Reads what write_log writes, by event_file.py and by TensorBoard's reader: check_log.py WRITE_LOG

TensorBoard comes with scripts/setup.sh test, in .venv.
"""
import glob
import os
import subprocess
import sys
import tempfile
import time
import unittest

from event_file import png_rows, read_log

STEPS, CELLS, HEIGHT, WIDTH = 40, 5, 7, 9
LOSS, COLOUR, GREY = "loss/größe", "pictures/colour 脑", "pictures/grey"


# ---- What was logged ----------------------------------------------------------------------------------------


def grid(cells, columns, channels):
    """Rows of bytes: cells with two black pixels around them."""
    rows = -(-CELLS // columns)
    width = columns * (WIDTH + 2) + 2
    picture = [bytearray(width * channels) for _ in range(rows * (HEIGHT + 2) + 2)]
    for number in range(CELLS):
        for y in range(HEIGHT):
            row, column = number // columns * (HEIGHT + 2) + 2 + y, number % columns * (WIDTH + 2) + 2
            begin = (number * HEIGHT + y) * WIDTH * channels
            picture[row][column * channels:(column + WIDTH) * channels] = cells[begin:begin + WIDTH * channels]
    return [bytes(row) for row in picture]


def expected_pictures():
    for step in range(0, STEPS, 8):
        yield COLOUR, step, grid(bytes((i * 7 + step) % 256 for i in range(CELLS * HEIGHT * WIDTH * 3)), 2, 3)
        yield GREY, step, grid(bytes((i * 3 + step) % 256 for i in range(CELLS * HEIGHT * WIDTH)), 5, 1)


# ---- Tests --------------------------------------------------------------------------------------------------


class LogTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        made = tempfile.TemporaryDirectory()
        cls.addClassCleanup(made.cleanup)
        cls.directory, cls.before = made.name, time.time()
        subprocess.run([WRITE_LOG, cls.directory], check=True)
        cls.after = time.time()
        cls.path, = glob.glob(glob.escape(cls.directory) + "/events.out.tfevents.*")

    def test_a_reader_from_the_formats_description(self):
        events = read_log(self.directory)
        self.assertTrue(all(self.before - 1 <= event.wall_time <= self.after + 1 for event in events))
        self.assertEqual([(event.tag, event.plugin, event.step, event.scalar) for event in events if event.rows is None],
                         [(LOSS, "scalars", step * 10**10, step * 0.25) for step in range(STEPS)])
        self.assertEqual([(event.tag, event.plugin, event.step, event.rows) for event in events if event.rows is not None],
                         [(tag, "images", step, rows) for tag, step, rows in expected_pictures()])

    def load_damaged(self, event_file_loader):
        """The events of a copy in which a bit of a picture is another."""
        with open(self.path, "rb") as file:
            data = bytearray(file.read())
        data[data.index(b"IDAT", len(data) // 2) + 20] ^= 1
        with tempfile.TemporaryDirectory() as folder:
            copy = os.path.join(folder, os.path.basename(self.path))
            with open(copy, "wb") as file:
                file.write(data)
            return list(event_file_loader.EventFileLoader(copy).Load())

    def test_tensorboard(self):
        try:
            from tensorboard.backend.event_processing import event_accumulator, event_file_loader
        except ImportError:
            self.fail("TensorBoard is needed; scripts/setup.sh test installs it into .venv")
        # Its loader checks the sums of all records, as a changed byte shows. What its plugins get is made of them by data_compat.
        migrated = list(event_file_loader.EventFileLoader(self.path).Load())
        values = [(event.step, value) for event in migrated for value in event.summary.value]
        self.assertLess(len(self.load_damaged(event_file_loader)), len(migrated))
        plugins = {(value.tag, value.metadata.plugin_data.plugin_name, value.metadata.data_class) for _, value in values
                   if value.HasField("metadata")}
        self.assertEqual(plugins, {(LOSS, "scalars", 1), (COLOUR, "images", 3), (GREY, "images", 3)})
        self.assertEqual({(value.tag, step): png_rows(value.tensor.string_val[2]) for step, value in values
                          if value.tag != LOSS}, {(tag, step): rows for tag, step, rows in expected_pictures()})

        everything = {event_accumulator.IMAGES: 0, event_accumulator.SCALARS: 0}
        log = event_accumulator.EventAccumulator(self.directory, size_guidance=everything).Reload()
        self.assertEqual(log.Tags()["scalars"], [LOSS])
        self.assertEqual(sorted(log.Tags()["images"]), sorted([COLOUR, GREY]))
        self.assertEqual([(event.step, event.value) for event in log.Scalars(LOSS)],
                         [(step * 10**10, step * 0.25) for step in range(STEPS)])
        for tag, step, rows in expected_pictures():
            image, = [each for each in log.Images(tag) if each.step == step]
            self.assertEqual(png_rows(image.encoded_image_string), rows)


if __name__ == "__main__":
    WRITE_LOG = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
