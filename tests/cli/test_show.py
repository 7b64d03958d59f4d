"""--show: what a terminal sees is decoded again, and compared with the picture.

BATCHVIEW_WITH_SHOW says whether the program was built with it.
"""
import base64
import os
import re
import shutil
import struct
import subprocess
import unittest

from support import PROGRAM, Array, Case, make_nifti

USAGE, UNREADABLE, WRITE, FAILED, PARTLY = 2, 3, 5, 6, 7
BUILT = os.environ["BATCHVIEW_WITH_SHOW"] == "ON"
BLOCKS, KITTY, SIXEL = {"TERM": "xterm-256color"}, {"TERM": "xterm-kitty"}, {"TERM": "foot"}
ITERM = {"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app", "LC_TERMINAL": "iTerm2"}


# ---- What terminals do: text to a picture, rows of (red, green, blue) --------------------------------------------

# Of a block: which of its 8 by 8 parts are in the foreground's colour.
GLYPHS = {" ": lambda x, y: False, "█": lambda x, y: True, "▀": lambda x, y: y < 4, "▐": lambda x, y: x >= 4,
          "▔": lambda x, y: y < 1, "▕": lambda x, y: x >= 7}
GLYPHS.update({chr(0x2580 + n): lambda x, y, n=n: y >= 8 - n for n in range(1, 8)})
GLYPHS.update({chr(0x2590 - n): lambda x, y, n=n: x < n for n in range(1, 8)})
QUADRANTS = {"▖": "..#.", "▗": "...#", "▘": "#...", "▙": "#.##", "▚": "#..#", "▛": "###.", "▜": "##.#", "▝": ".#..", "▞": ".##.",
             "▟": ".###"}
GLYPHS.update({glyph: lambda x, y, parts=parts: parts[2 * (y // 4) + x // 4] == "#" for glyph, parts in QUADRANTS.items()})

BASIC = [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128), (128, 0, 128), (0, 128, 128), (192, 192, 192)]
BRIGHT = [(128, 128, 128), (255, 0, 0), (0, 255, 0), (255, 255, 0), (0, 0, 255), (255, 0, 255), (0, 255, 255), (255, 255, 255)]


def indexed(number):
    if number < 16:
        return (BASIC + BRIGHT)[number]
    if number >= 232:
        return (8 + 10 * (number - 232),) * 3
    return tuple((0, 95, 135, 175, 215, 255)[(number - 16) // unit % 6] for unit in (36, 6, 1))


class Pen:
    """The colours that ESC [ codes m chooses."""

    def __init__(self):
        self.fore, self.back, self.inverse = (255, 255, 255), (0, 0, 0), False

    def choose(self, codes):
        codes = [int(code or 0) for code in codes.split(";")]
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.__init__()
            elif code == 7:
                self.inverse = True
            elif code in (38, 48):
                kind = codes.pop(0)
                colour = indexed(codes.pop(0)) if kind == 5 else (codes.pop(0), codes.pop(0), codes.pop(0))
                self.fore, self.back = (colour, self.back) if code == 38 else (self.fore, colour)
            elif 30 <= code < 38 or 90 <= code < 98:
                self.fore = (BASIC if code < 90 else BRIGHT)[code % 10]
            elif 40 <= code < 48 or 100 <= code < 108:
                self.back = (BASIC if code < 100 else BRIGHT)[code % 10]
            else:
                raise AssertionError(f"ESC [ {code} m")

    def draw(self, glyph):
        inside, outside = (self.back, self.fore) if self.inverse else (self.fore, self.back)
        return [[inside if GLYPHS[glyph](x, y) else outside for x in range(8)] for y in range(8)]


def decode_blocks(text):
    """8 by 8 pixels a cell."""
    rows = []
    for line in text.splitlines():
        pen, cells = Pen(), []
        for codes, glyph in re.findall(r"\x1b\[([0-9;]*)m|(.)", line):
            if glyph:
                cells.append(pen.draw(glyph))
            else:
                pen.choose(codes)
        rows += [[pixel for cell in cells for pixel in cell[y]] for y in range(8)]
    return rows


def decode_sixel(text):
    width, height, body = re.fullmatch(r'\x1bP[0-9;]*q"1;1;(\d+);(\d+)(.*)\x1b\\\r\n', text, re.S).groups()
    rows, palette = [[None] * int(width) for _ in range(int(height))], {}
    x = y = colour = 0
    for number, percents, count, bits in re.findall(r"#(\d+)(?:;2;(\d+;\d+;\d+))?|(?:!(\d+))?([?-~$-])", body):
        if percents:
            palette[number] = tuple(round(int(part) * 2.55) for part in percents.split(";"))
        elif number:
            colour = number
        elif bits == "$":
            x = 0
        elif bits == "-":
            x, y = 0, y + 6
        else:
            for x in range(x, x + int(count or 1)):
                for bit in range(6):
                    if (ord(bits) - 63) >> bit & 1:
                        rows[y + bit][x] = palette[colour]
            x += 1
    return rows


def rows_of_rgba(data, width):
    pixels = [tuple(data[at:at + 3]) for at in range(0, len(data), 4)]
    return [pixels[at:at + width] for at in range(0, len(pixels), width)]


def decode_kitty(text):
    """The rows, and the cells that they are to have."""
    width, height, columns, rows = map(int, re.match(r"\x1b_Ga=T,f=32,s=(\d+),v=(\d+),c=(\d+),r=(\d+),m=1\x1b\\", text).groups())
    data = b"".join(map(base64.b64decode, re.findall(r"\x1b_Gm=1;([^\x1b]*)\x1b\\", text)))
    assert len(data) == 4 * width * height
    return rows_of_rgba(data, width), columns, rows


def decode_iterm(text):
    columns, rows, tiff = re.match(r"\x1b\]1337;File=inline=1;width=(\d+);height=(\d+);preserveAspectRatio=0:([^\x07]*)\x07", text).groups()
    tiff = base64.b64decode(tiff)
    assert tiff[:4] == b"II*\0"
    at, = struct.unpack_from("<I", tiff, 4)
    entries = [struct.unpack_from("<HHII", tiff, at + 2 + 12 * i) for i in range(struct.unpack_from("<H", tiff, at)[0])]
    tags = {tag: value if kind == 4 else value & 0xFFFF for tag, kind, _, value in entries}
    assert tags.get(259, 1) == 1  # uncompressed
    return rows_of_rgba(tiff[tags[273]:tags[273] + 4 * tags[256] * tags[257]], tags[256]), int(columns), int(rows)


# ---- Tests -------------------------------------------------------------------------------------------------------


@unittest.skipIf(BUILT, "the program was built with chafa")
class NoShow(Case):

    def test_it_is_refused(self):
        self.put("a.npy", self.numbers((4, 5)))
        for output in ((), ("-o", "out.png"), ("-o", "out/")):
            code, seen, message = self.on_terminal("a.npy", *output, "--show", stream="stdout")
            self.assertEqual((code, seen), (USAGE, ""))
            self.assertRegex(message.decode(), "^batchview: --show: .*built without chafa.*BATCHVIEW_SHOW")


@unittest.skipUnless(BUILT, "the program was built without chafa")
class Show(Case):

    def show(self, *arguments, environment, size=(24, 80, 0, 0)):
        """What standard output's terminal sees, which alone has the picture."""
        code, seen, message = self.on_terminal(*arguments, "--show", stream="stdout", size=size, env=environment)
        self.assertEqual((code, message), (0, b""), seen[-200:])
        return seen

    def put_patches(self, rows=6, columns=8, side=24, colour=False):
        """A picture of patches, [row][column] of the colours that it has."""
        patches = [[tuple(self.random.randrange(256) for _ in range(3)) if colour else (self.random.randrange(256),) * 3
                    for _ in range(columns)] for _ in range(rows)]
        values = [part for y in range(rows * side) for x in range(columns * side)
                  for part in patches[y // side][x // side][:3 if colour else 1]]
        self.put("patches.npy", Array("u1", (rows * side, columns * side) + ((3,) if colour else ()), values))
        return patches

    def compare(self, shown, patches, most):
        """The middle of each patch, as it is shown, is what it is, but for the colours that a terminal lacks."""
        self.assertEqual(len({len(row) for row in shown}), 1)
        height, width = len(shown), len(shown[0])
        for y, row in enumerate(patches):
            for x, patch in enumerate(row):
                inside = [shown[at][column] for at in range(int((y + 0.4) * height / len(patches)), int((y + 0.6) * height / len(patches)) + 1)
                          for column in range(int((x + 0.4) * width / len(row)), int((x + 0.6) * width / len(row)) + 1)]
                for part in range(3):
                    mean = sum(pixel[part] for pixel in inside) / len(inside)
                    self.assertLessEqual(abs(mean - patch[part]), most, (y, x, part, mean, patch))

    WINDOW = ("--window", "127.5,255")

    def test_blocks(self):
        for environment, most in ((BLOCKS, 2), ({"TERM": "xterm"}, 24), ({"TERM": "xterm", "COLORTERM": "truecolor"}, 2)):
            for colour in (False, True):
                patches = self.put_patches(colour=colour)
                text = self.show("patches.npy", *self.WINDOW, environment=environment)
                self.compare(decode_blocks(text), patches, most if not colour or most == 2 else 48)
                self.assertTrue(all(line.endswith("\x1b[0m") for line in text.splitlines()))

    def test_sixteen_colours(self):
        patches = [[(grey,) * 3 for grey in (0, 255, 0, 255)]]
        values = [patches[0][x // 20][0] for _ in range(20) for x in range(80)]
        self.put("patches.npy", Array("u1", (20, 80), values))
        self.compare(decode_blocks(self.show("patches.npy", *self.WINDOW, environment={"TERM": "linux"})), patches, 0)

    def test_sixel(self):
        for colour in (False, True):
            patches = self.put_patches(*(2, 3) if colour else (6, 8), colour=colour)  # 256 colours, those between patches too
            self.compare(decode_sixel(self.show("patches.npy", *self.WINDOW, environment=SIXEL)), patches, 8 if colour else 4)

    def test_kitty_and_iterm(self):
        for environment, decode in ((KITTY, decode_kitty), (ITERM, decode_iterm)):
            for colour in (False, True):
                patches = self.put_patches(colour=colour)
                text = self.show("patches.npy", *self.WINDOW, environment=environment)
                rows, _, _ = decode(text)
                self.compare(rows, patches, 2)
                self.assertTrue(text.endswith("\r\n"))

    def test_it_is_as_large_as_the_window_but_for_two_lines(self):
        self.put_patches(6, 8)  # 4 to 3
        for (lines, columns), (rows, width) in (((24, 80), (22, 59)), ((50, 40), (15, 40)), ((10, 200), (8, 21)), ((3, 80), (1, 3)),
                                                ((1, 1), (1, 1)), ((0, 0), (22, 59))):
            text = self.show("patches.npy", environment=BLOCKS, size=(lines, columns, 0, 0))
            shown = decode_blocks(text)
            self.assertEqual(len(shown) // 8, text.count("\n"))
            self.assertLessEqual(len(shown) // 8, max(lines - 2, 1) if lines else 22)
            self.assertLessEqual(len(shown[0]) // 8, columns or 80)
            self.assertAlmostEqual(len(shown) // 8, rows, delta=1)
            self.assertAlmostEqual(len(shown[0]) // 8, width, delta=1)
        for environment, decode in ((KITTY, decode_kitty), (ITERM, decode_iterm)):
            rows, columns, lines = decode(self.show("patches.npy", environment=environment, size=(24, 80, 800, 480)))
            self.assertEqual((len(rows), len(rows[0])), (20 * lines, 10 * columns))  # cells of 10 by 20 pixels
            self.assertLessEqual(lines, 22)
            self.assertAlmostEqual(len(rows[0]) / len(rows), 4 / 3, delta=0.05)

    def test_of_what_else_is_asked_for(self):
        patches = self.put_patches()
        alone = self.show("patches.npy", *self.WINDOW, environment=BLOCKS)
        beside = self.show("patches.npy", *self.WINDOW, "-o", "out.png", environment=BLOCKS)
        self.assertEqual(beside, alone)
        self.assertEqual(self.get("out.png").values[::24][:8], [patch[0] for patch in patches[0]])
        self.assertEqual(sorted(os.listdir(self.folder)), ["out.png", "patches.npy"])
        os.rename(self.path("out.png"), self.path("other.png"))
        each = self.show("patches.npy", "other.png", *self.WINDOW, "-o", "out/", environment=BLOCKS)
        self.assertEqual(each, 2 * alone)
        self.assertEqual(sorted(os.listdir(self.path("out"))), ["other.png", "patches.png"])
        both = self.show("patches.npy", "other.png", *self.WINDOW, "--columns", "2", environment=BLOCKS)
        self.compare(decode_blocks(both), [row + row for row in patches], 2)

    def test_a_summary_is_below_and_a_bar_gone(self):
        self.put("large.nii", make_nifti((1000, 1000, 3), []))
        os.truncate(self.path("large.nii"), 352 + 4 * 1000 * 1000 * 3)
        picture = self.show("large.nii", environment=BLOCKS)
        code, seen, _ = self.on_terminal("large.nii", "--show", stream="both", size=(24, 80, 0, 0), env=BLOCKS)
        self.assertEqual(code, 0)
        bar, _, end = seen.partition(picture)
        self.assertTrue(bar.endswith("writing the terminal\r\x1b[K"), bar)
        self.assertRegex(end, r"^large.nii \(1000x1000x3 f32\) -> the terminal, no foreground\r\n$")

    # ---- Failures ----

    def test_options(self):
        self.put("a.npy", self.numbers((4, 5)))
        self.refuse(USAGE, "a.npy", "--show", says=["--show", "standard output is no terminal"])
        self.refuse(USAGE, "a.npy", "--show", "-o", "out.png", says=["--show", "standard output is no terminal"])
        self.refuse(USAGE, "a.npy", "--show", "--show", says=["--show is given twice"])
        self.refuse(USAGE, "a.npy", "--show=1", says=["--show takes no value"])
        for arguments, says in ((("--json",), "--json and --show"), (("-o", "-"), "-o - and --show"), (("-o", "out.npy"), "--show is for PNG"),
                                (("--recursive",), "--recursive"), (("--format", "u8"), "--format"),
                                (("-o", "out/", "--format", "u8"), "--show is for PNG")):
            code, seen, message = self.on_terminal("a.npy", "--show", *arguments, stream="stdout", env=BLOCKS)
            self.assertEqual((code, seen, message.count(b"\n")), (USAGE, "", 1))
            self.assertIn(says, message.decode())
        self.assertEqual(os.listdir(self.folder), ["a.npy"])

    def test_a_bad_file(self):
        code, seen, message = self.on_terminal("none.npy", "--show", stream="stdout", env=BLOCKS)
        self.assertEqual((code, seen), (UNREADABLE, ""))
        self.assertIn(b"none.npy", message)

    def test_without_the_program_that_draws(self):
        self.put("a.npy", self.numbers((4, 5)))
        os.mkdir(self.path("bin"))
        program = shutil.copy(PROGRAM, self.path("bin/batchview"))
        for show, code, says in ((None, USAGE, "there is no batchview_show beside"), (b"\x7fELF of no kind", FAILED, "cannot be started"),
                                 (b"#!/bin/sh\nexit 2", WRITE, "cannot be written"), (b"#!/bin/sh\nkill -9 $$", FAILED, "signal 9")):
            if show:
                self.put("bin/batchview_show", show)
                os.chmod(self.path("bin/batchview_show"), 0o755)
            got, seen, message = self.on_terminal("a.npy", "--show", stream="stdout", env=dict(os.environ, **BLOCKS), executable=program)
            self.assertEqual((got, seen, message.count(b"\n")), (code, "", 1))
            self.assertIn(says, message.decode())
        self.assertEqual(subprocess.run([program, "a.npy", "-o", "out.png"], cwd=self.folder, timeout=60).returncode, 0)

    def test_the_program_itself_is_without_chafa(self):
        """Which would be a third of its time for a small picture."""
        needed = subprocess.run(["ldd", PROGRAM], capture_output=True, text=True, timeout=60).stdout
        self.assertIn("libpng", needed)
        self.assertNotIn("chafa", needed)
        self.assertNotIn("glib", needed)


if __name__ == "__main__":
    unittest.main()
