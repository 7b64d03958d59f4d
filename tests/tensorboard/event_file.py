"""A reader of event files, from the format's description: nothing but Python's standard library."""
import glob
import os
import struct
import typing
import zlib


class Event(typing.NamedTuple):
    wall_time: float
    step: int
    tag: str
    plugin: str
    scalar: typing.Optional[float]
    png: typing.Optional[bytes]  # of a picture,
    rows: typing.Optional[list]  # and its pixels, as bytes


def read_log(directory):
    """The events of all files of a directory, in the order of the files' names."""
    events = []
    for path in sorted(glob.glob(os.path.join(glob.escape(directory), "events.out.tfevents.*"))):
        with open(path, "rb") as file:
            version, *others = map(fields, records(file.read()))
        assert version[3] == b"brain.Event:2"
        events += map(event_of, others)
    return events


def event_of(event):
    value = fields(fields(event[5])[1])
    scalar, png, rows = None, None, None
    if 2 in value:
        scalar, = struct.unpack("<f", value[2])
    else:
        image = fields(value[4])
        png, rows = image[4], png_rows(image[4])
        assert (image[1], image[2] * image[3]) == (len(rows), len(rows[0]))
    return Event(struct.unpack("<d", event[1])[0], event[2], value[1].decode(), fields(fields(value[9])[1])[1].decode(), scalar, png,
                 rows)


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
