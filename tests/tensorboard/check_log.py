#!/usr/bin/env python3
"""Reads what write_log writes, by a reader of this file's own and by TensorBoard's: check_log.py WRITE_LOG

TensorBoard comes with scripts/setup.sh test, in .venv.
"""
import glob
import os
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import zlib

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


# ---- A reader of its own ------------------------------------------------------------------------------------


def masked_crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    at = 0
    while at < len(data):
        length, of_length = struct.unpack_from("<QI", data, at)
        assert of_length == masked_crc32c(data[at:at + 8])
        record = data[at + 12:at + 12 + length]
        of_record, = struct.unpack_from("<I", data, at + 12 + length)
        assert of_record == masked_crc32c(record)
        yield record
        at += 16 + length


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def fields(data):
    """A message's, each of which it has once."""
    found, at = {}, 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            size, at = {1: (8, at), 5: (4, at)}.get(key & 7) or varint(data, at)
            value, at = data[at:at + size], at + size
        assert key >> 3 not in found and len(data) >= at
        found[key >> 3] = value
    return found


def paeth(left, upper, corner):
    return min((left, upper, corner), key=lambda each: abs(left + upper - corner - each))


def png_rows(png):
    """The rows of an 8-bit PNG without interlacing."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed = 8, b""
    while at < len(png):
        size, kind = struct.unpack_from(">I4s", png, at)
        data = png[at + 8:at + 8 + size]
        assert struct.unpack_from(">I", png, at + 8 + size)[0] == zlib.crc32(kind + data)
        if kind == b"IHDR":
            width, height, bits, colour = struct.unpack_from(">IIBB", data)
        packed += data if kind == b"IDAT" else b""
        at += 12 + size
    step = {0: 1, 2: 3}[colour]
    unpacked, pitch, rows = zlib.decompress(packed), width * step + 1, []
    assert bits == 8 and len(unpacked) == pitch * height
    above = bytes(pitch - 1)
    for y in range(height):
        kind, row = unpacked[y * pitch], bytearray(unpacked[y * pitch + 1:(y + 1) * pitch])
        for x in range(len(row)):
            left, corner = (row[x - step], above[x - step]) if x >= step else (0, 0)
            row[x] = (row[x] + (0, left, above[x], (left + above[x]) // 2, paeth(left, above[x], corner))[kind]) & 255
        rows.append(bytes(row))
        above = row
    return rows


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
        with open(self.path, "rb") as file:
            version, *events = map(fields, records(file.read()))
        self.assertEqual(version[3], b"brain.Event:2")
        scalars, pictures = [], {}
        for event in events:
            self.assertTrue(self.before - 1 <= struct.unpack("<d", event[1])[0] <= self.after + 1)
            value = fields(fields(event[5])[1])
            plugin = fields(fields(value[9])[1])[1]
            if 2 in value:
                self.assertEqual((value[1], plugin), (LOSS.encode(), b"scalars"))
                scalars.append((event[2], *struct.unpack("<f", value[2])))
            else:
                image = fields(value[4])
                rows = png_rows(image[4])
                self.assertEqual(plugin, b"images")
                self.assertEqual((image[1], image[2] * image[3]), (len(rows), len(rows[0])))
                pictures[value[1].decode(), event[2]] = rows
        self.assertEqual(scalars, [(step * 10**10, step * 0.25) for step in range(STEPS)])
        self.assertEqual(pictures, {(tag, step): rows for tag, step, rows in expected_pictures()})

    def test_tensorboard(self):
        try:
            from tensorboard.backend.event_processing import event_accumulator, event_file_loader
        except ImportError:
            self.fail("TensorBoard is needed; scripts/setup.sh test installs it into .venv")
        # Its loader checks the sums of all records. What its plugins get is made of them by data_compat.
        migrated = list(event_file_loader.EventFileLoader(self.path).Load())
        values = [(event.step, value) for event in migrated for value in event.summary.value]
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
