"""What the program's tests share: running it, small files in and out, and the definition in plain Python.

Standard library only. The definition is written from the contract, apart from the library: percentiles as NumPy's
`linear` method, the map in float32. BATCHVIEW_PROGRAM names the program; BATCHVIEW_SEED repeats a run.
"""
import ast
import contextlib
import fcntl
import itertools
import json
import math
import os
import pty
import random
import resource
import struct
import subprocess
import tempfile
import termios
import unittest
import zlib

PROGRAM = os.environ["BATCHVIEW_PROGRAM"]
SEED = int(os.environ.get("BATCHVIEW_SEED", random.SystemRandom().randrange(2**32)))
print(f"seed {SEED}")
with open(PROGRAM, "rb") as program:
    SANITIZED = b"__asan_init" in program.read()

# The letters of array and struct for each type of .npy.
CODES = {"f2": "e", "f4": "f", "f8": "d", "u1": "B", "i1": "b", "u2": "H", "i2": "h", "u4": "I", "i4": "i"}


def product(numbers):
    return math.prod(numbers)


class Array:
    """Numbers in C order."""

    def __init__(self, kind, shape, values):
        self.kind, self.shape, self.values = kind, tuple(shape), list(values)
        assert len(self.values) == product(shape), (shape, len(self.values))

    def __getitem__(self, index):
        flat = 0
        for i, extent in zip(index, self.shape):
            assert 0 <= i < extent
            flat = flat * extent + i
        return self.values[flat]

    def picked(self, shape, index_of):
        """The array of `shape` whose element at an index is the one of this array at index_of(*index)."""
        indices = itertools.product(*map(range, shape))
        return Array(self.kind, shape, [self[index_of(*index)] for index in indices])

    def npy(self):
        order = "|" if self.kind[1] == "1" else "<"
        header = f"{{'descr': '{order}{self.kind}', 'fortran_order': False, 'shape': {self.shape}, }}"
        header += " " * (-(len(header) + 11) % 64) + "\n"
        head = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
        return head + struct.pack(f"<{len(self.values)}{CODES[self.kind]}", *self.values)


def parse_npy(data):
    assert data[:8] == b"\x93NUMPY\x01\x00", data[:16]
    (length,) = struct.unpack("<H", data[8:10])
    header = ast.literal_eval(data[10:10 + length].decode())
    assert not header["fortran_order"]
    kind = header["descr"][1:]
    count = product(header["shape"])
    return Array(kind, header["shape"], struct.unpack(f"<{count}{CODES[kind]}", data[10 + length:]))


# ---- PNG ----------------------------------------------------------------------------------------------------


def parse_png(data):
    """An 8-bit grey [rows, columns] or RGB [rows, columns, 3] picture."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n", data[:16]
    at, packed, header = 8, b"", None
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0] == zlib.crc32(name + body)
        if name == b"IHDR":
            header = struct.unpack(">IIBBBBB", body)
        elif name == b"IDAT":
            packed += body
        at += 12 + length
    columns, rows, depth, colour, _, _, interlace = header
    assert depth == 8 and colour in (0, 2) and interlace == 0, header
    channels = 3 if colour == 2 else 1
    raw, width, previous, pixels = zlib.decompress(packed), columns * channels, None, []
    assert len(raw) == rows * (width + 1)
    previous = bytes(width)
    for row in range(rows):
        start = row * (width + 1)
        previous = unfilter(raw[start], raw[start + 1:start + 1 + width], previous, channels)
        pixels += previous
    return Array("u1", (rows, columns, 3) if channels == 3 else (rows, columns), pixels)


def unfilter(method, line, above, channels):
    line = bytearray(line)
    for i, byte in enumerate(line):
        a = line[i - channels] if i >= channels else 0
        b = above[i]
        c = above[i - channels] if i >= channels else 0
        nearest = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]  # Paeth
        line[i] = (byte + (0, a, b, (a + b) // 2, nearest)[method]) & 255
    return bytes(line)


def make_png(shape, pixels):
    """A grey [rows, columns] or RGB [rows, columns, 3] file of bytes."""
    rows, columns = shape[:2]
    width = product(shape[1:])

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    lines = b"".join(b"\0" + bytes(pixels[row * width:(row + 1) * width]) for row in range(rows))
    header = struct.pack(">IIBBBBB", columns, rows, 8, 2 if len(shape) == 3 else 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


# ---- NIfTI --------------------------------------------------------------------------------------------------


def make_nifti(extents, values, spacing=(1, 1, 1), directions=((1, 0, 0), (0, 1, 0), (0, 0, 1)), origin=(0, 0, 0)):
    """A float32 NIfTI-1 file. `values` are in the file's order, first axis fastest; directions[a] is where voxel
    axis a points, in the format's coordinates: x to the patient's right, y anterior, z superior; there is the first
    voxel at `origin`. Without directions the file has no sform."""
    header = bytearray(348)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, len(extents), *extents, *[1] * (7 - len(extents)))
    struct.pack_into("<hh", header, 70, 16, 32)
    struct.pack_into("<8f", header, 76, 1, *spacing, *[1] * 4)
    struct.pack_into("<fff", header, 108, 352, 0, 0)
    for row in range(3 if directions else 0):
        struct.pack_into("<hh", header, 252, 0, 1)
        steps = [directions[a][row] * spacing[a] for a in range(3)]
        struct.pack_into("<4f", header, 280 + 16 * row, *steps, origin[row])
    header[344:348] = b"n+1\0"
    return bytes(header) + bytes(4) + struct.pack(f"<{len(values)}f", *values)


# ---- TIFF ---------------------------------------------------------------------------------------------------


def make_dicom(shape, pixels, height=0, window=(), intercept=0):
    """A slice of bytes that lies so high, explicit and little-endian; window is centre and width."""

    def element(group, number, kind, value):
        value += b"\0" * (len(value) % 2) if kind in (b"UI", b"OB") else b" " * (len(value) % 2)
        length = struct.pack("<HI", 0, len(value)) if kind == b"OB" else struct.pack("<H", len(value))
        return struct.pack("<HH", group, number) + kind + length + value

    rows, columns = shape
    words = ((2, 1), (0x10, rows), (0x11, columns), (0x100, 8), (0x101, 8), (0x102, 7), (0x103, 0))
    numbers = {number: element(0x28, number, b"US", struct.pack("<H", value)) for number, value in words}
    numbers[4] = element(0x28, 4, b"CS", b"MONOCHROME2")
    decimals = {0x1052: intercept, 0x1053: 1, **dict(zip((0x1050, 0x1051), window))}
    numbers.update({number: element(0x28, number, b"DS", b"%g" % value) for number, value in decimals.items()})
    return (bytes(128) + b"DICM" + element(2, 0x10, b"UI", b"1.2.840.10008.1.2.1")
            + element(0x20, 0xE, b"UI", b"1.2.3") + element(0x20, 0x32, b"DS", b"0\\0\\%g" % height)
            + element(0x20, 0x37, b"DS", b"1\\0\\0\\0\\1\\0") + b"".join(numbers[number] for number in sorted(numbers))
            + element(0x7FE0, 0x10, b"OB", bytes(pixels)))


def make_tiff(shape, pixels):
    """A file of grey bytes [pages, rows, columns], uncompressed, a strip a page."""
    count, rows, columns = shape
    data = b"II*\0"
    for page in range(count):
        strip = len(data) + 4
        directory = strip + rows * columns + rows * columns % 2
        # width, height, bits, uncompressed, black is zero, strip, samples, rows and bytes of the strip
        entries = ((256, columns), (257, rows), (258, 8), (259, 1), (262, 1), (273, strip), (277, 1), (278, rows),
                   (279, rows * columns))
        data += struct.pack("<I", directory) + bytes(pixels[page * rows * columns:(page + 1) * rows * columns])
        data = data.ljust(directory, b"\0") + struct.pack("<H", len(entries))
        data += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    return data + bytes(4)


# ---- The definition -----------------------------------------------------------------------------------------


def f32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def percentile(ordered, percent):
    n = len(ordered)
    h = (n - 1) * (percent / 100)
    j = math.floor(h)
    t, a, b = h - j, float(ordered[j]), float(ordered[min(j + 1, n - 1)])
    return a + (b - a) * t if t < 0.5 else b - (b - a) * (1 - t)


def foreground_of(values, which="nonzero", mask=None):
    inside = mask or [1] * len(values)
    return sorted(x for x, m in zip(values, inside)
                  if math.isfinite(x) and m and (x != 0 or which == "all" or mask))


def window_of(values, low=2, high=98, which="nonzero", mask=None):
    """(lo, hi, n)"""
    ordered = foreground_of(values, which, mask)
    if not ordered:
        return None, None, 0
    return percentile(ordered, low), percentile(ordered, high), len(ordered)


def shown(values, window, which="nonzero", mask=None):
    """The normalised pixels of float32 or narrower values."""
    inside = mask or [1] * len(values)
    if window[0] is None:
        return [0.0] * len(values)
    lo, hi = f32(window[0]), f32(window[1])
    divisor = f32(f32(hi - lo) + f32(1e-8))

    def pixel(x, m):
        if math.isnan(x) or not m or (x == 0 and which == "nonzero" and not mask):
            return 0.0
        if math.isinf(x):
            return 1.0 if x > 0 else 0.0
        y = f32(f32(x - lo) / divisor) if divisor else 0.0
        return 0.0 if y < f32(1e-3) else min(y, 1.0)

    return [pixel(x, m) for x, m in zip(values, inside)]


def grey(values):
    return [int(f32(255 * y)) for y in values]


# ---- Running the program ------------------------------------------------------------------------------------


class Case(unittest.TestCase):
    """A test in a directory of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="batchview-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.random = random.Random(f"{SEED} {self.id()}")

    def path(self, name):
        return os.path.join(self.folder, name)

    def put(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data.npy() if isinstance(data, Array) else data)
        return name

    def remove(self, name):
        os.unlink(self.path(name))

    def get(self, name):
        with open(self.path(name), "rb") as file:
            data = file.read()
        return parse_npy(data) if name.endswith(".npy") else parse_png(data)

    def numbers(self, shape, kind="f4"):
        """Random numbers of which two in five are zero."""
        draw = (lambda: f32(self.random.gauss(3, 10))) if kind[0] == "f" else (lambda: self.random.randrange(1, 100))
        values = [draw() if self.random.random() > 0.4 else 0 for _ in range(product(shape))]
        return Array(kind, shape, values)

    def run_program(self, *arguments, stdin=b""):
        return subprocess.run([PROGRAM, *arguments], cwd=self.folder, input=stdin, capture_output=True, timeout=60)

    def succeed(self, *arguments, stdin=b""):
        """Runs the program, which must be silent on success; returns standard output."""
        done = self.run_program(*arguments, stdin=stdin)
        self.assertEqual((done.returncode, done.stderr), (0, b""), arguments)
        return done.stdout

    @contextlib.contextmanager
    def within(self, mebibytes, seconds):
        """What is run inside may take so much processor time, and no program of this test, up to here, more memory
        than that. A sanitizer takes several times as much of both."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        yield
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        factor = 4 if SANITIZED else 1
        self.assertLess(after.ru_maxrss / 1024, factor * mebibytes)
        self.assertLess(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, factor * seconds)

    def on_terminal(self, *arguments, stream="stderr", size=(0, 0, 0, 0), **options):
        """Runs the program with one stream on a terminal, or "both", whose window has so many rows, columns, pixels in width
        and in height; exit code, what the terminal saw, the other stream."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", *size))
        other = "stdout" if stream == "stderr" else "stderr"
        streams = {"stdin": subprocess.DEVNULL, "stdout": slave, "stderr": slave}
        if stream != "both":
            streams[other] = subprocess.PIPE
        with subprocess.Popen([PROGRAM, *arguments], cwd=self.folder, **streams, **options) as process:
            os.close(slave)
            seen = b""
            while True:
                try:
                    part = os.read(master, 65536)
                except OSError:  # how Linux says that the other end is closed
                    break
                if not part:
                    break
                seen += part
            rest = getattr(process, other).read() if stream != "both" else b""
            code = process.wait(60)
        os.close(master)
        return code, seen.decode(), rest

    def report(self, *arguments, stdin=b""):
        text = self.succeed(*arguments, "--json", stdin=stdin)
        self.assertEqual((text[:1], text[-2:], text.count(b"\n")), (b"{", b"}\n", 1))
        return json.loads(text)

    def refuse(self, code, *arguments, stdin=b"", says=()):
        """The program must fail with one line that holds all of `says`, and leave no new file."""
        before = sorted(os.listdir(self.folder))
        done = self.run_program(*arguments, stdin=stdin)
        message = done.stderr.decode(errors="replace")
        self.assertEqual(done.returncode, code, (arguments, message))
        self.assertEqual(done.stdout, b"")
        self.assertTrue(message.startswith("batchview: ") and message.endswith("\n"), message)
        self.assertEqual(message.count("\n"), 1, message)
        for part in says:
            self.assertIn(part, message)
        self.assertEqual(sorted(os.listdir(self.folder)), before)
        return message

    def assert_array(self, array_, kind, shape, values):
        self.assertEqual((array_.kind, array_.shape), (kind, tuple(shape)))
        self.assertEqual(array_.values, list(values))
