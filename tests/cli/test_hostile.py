"""Small files that claim much: refused, or read, in bounded memory and time."""
import gzip
import json
import os
import struct
import unittest
import zlib

from support import Case, make_nifti, make_png

USAGE, UNREADABLE, UNSUPPORTED = 2, 3, 4


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_header(columns, rows, interlaced=0):
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, interlaced))


# What a terminal may take for an order, or lines for their end, or what shows the rest backwards: C0 without NUL and
# the slash, DEL, C1, separators, marks, embeddings, overrides and isolates of direction; and C1 as single bytes.
HARMFUL = [chr(code) for code in (*range(1, 32), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F),
                                  *range(0x2066, 0x206A))]
NAMES = [f"a{character}z".encode() for character in HARMFUL] + [b"a\x9b2Jz", b"a\x9d0;xz", b"a\xc2", b"a\xe2z"]


class Names(Case):

    def assert_harmless(self, shown, newlines):
        text = shown.decode()  # well-formed
        self.assertEqual(text.count("\n"), newlines, text)
        self.assertEqual(set(text.replace("\n", "")) & set(HARMFUL), set(), text)

    def test_in_errors(self):
        for name in NAMES:
            done = self.run_program(name, "-o", "out.png")
            self.assertEqual(done.returncode, UNREADABLE)
            self.assert_harmless(done.stderr, 1)
            self.assertIn(b"batchview: a?", done.stderr)

    def test_in_values_of_options(self):
        for name in NAMES:
            for arguments in (("-o", name), ("-o", "out.npy", "--format", name), (b"--" + name,)):
                done = self.run_program("in.npy", *arguments)
                self.assertEqual(done.returncode, USAGE)
                self.assert_harmless(done.stderr, 1)

    def test_in_summaries(self):
        for name in NAMES:
            self.put(os.fsdecode(name), make_png((3, 2), range(6)))
            done = self.run_program(name, "-o", name + b".png", "-v")
            self.assertEqual(done.returncode, 0)
            self.assert_harmless(done.stderr, 4)

    def test_in_json(self):
        for name in NAMES:
            self.put(os.fsdecode(name), make_png((3, 2), range(6)))
            shown = self.succeed(name, "-o", name + b".png", "--json")
            self.assert_harmless(shown, 1)
            self.assertEqual(json.loads(shown)["inputs"][0]["path"], name.decode(errors="replace"))

    def test_other_letters_stay(self):
        for name in ("h\u00e9\u2603\U0001f9e0\u05d0\u0627\u00a0\u200d", "\u2027\u202f\u2065\u206a\ufffd"):
            self.refuse(UNREADABLE, name.encode(), "-o", "out.png", says=[f"batchview: {name}: "])


class Hostile(Case):

    def test_png_chunks_that_claim_gigabytes(self):
        for name in (b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"sPLT", b"eXIf", b"prIv"):
            for length in (2**31 - 2, 2**31 - 1):
                self.put("bomb.png", png_header(8, 8) + struct.pack(">I", length) + name + b"a\0b" + bytes(15))
                with self.within(100, 2):
                    self.refuse(UNREADABLE, "bomb.png", "-o", "out.png", says=["damaged PNG"])

    def test_png_sizes_that_the_pixels_do_not_have(self):
        for interlaced in (0, 1):
            self.put("bomb.png", png_header(16384, 16384, interlaced) + chunk(b"IDAT", zlib.compress(bytes(1000))))
            with self.within(100, 2):
                self.refuse(UNREADABLE, "bomb.png", "-o", "out.png", says=["damaged PNG"])
        self.put("bomb.png", png_header(10**6, 10**6) + chunk(b"IDAT", zlib.compress(bytes(1000))))
        with self.within(100, 2):
            self.refuse(UNREADABLE, "bomb.png", "-o", "out.png", says=["cut off"])

    def test_png_texts_that_unpack_to_gigabytes(self):
        picture = make_png((3, 2), range(6))
        text = chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(2 << 20)))
        self.put("bomb.png", picture[:33] + text * 1000 + picture[33:])
        with self.within(100, 2):
            self.succeed("bomb.png", "-o", "out.png")
        self.assertEqual(self.get("out.png").shape, (3, 2))

    def test_tiff_tags_that_share_their_bytes(self):
        size, count = 4 << 20, 2500  # libtiff would keep 10 GB
        entries = [(256, 3, 1, 1), (257, 3, 1, 1), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8),
                   (277, 3, 1, 1), (278, 4, 1, 1), (279, 4, 1, 1)]
        entries += [(40000 + i, 1, size, 8) for i in range(count)]
        directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
        self.put("bomb.tif", b"II*\0" + struct.pack("<I", 8 + size) + bytes(size) + directory + bytes(4))
        with self.within(100, 2):
            self.refuse(UNREADABLE, "bomb.tif", "-o", "out.png", says=["damaged TIFF", "its tags ask for"])

    def test_tiff_directories_that_overlap(self):
        # Each entry of 12 bytes is also the beginning of a directory: its tag says how many entries follow.
        pages, entries, first = 3000, 4000, 8
        body = b"".join(struct.pack("<HHII", entries, 3, 1, first + 12 * (i % pages)) for i in range(entries + pages))
        self.put("bomb.tif", b"II*\0" + struct.pack("<I", first) + body)
        with self.within(100, 2):
            self.refuse(UNREADABLE, "bomb.tif", "-o", "out.png", says=["damaged TIFF"])

    def test_gzip_with_gigabytes_after_the_volume(self):
        tail = gzip.compress(bytes(16 << 20)) * 128  # 2 GiB in 2 MB
        volume = make_nifti((8, 8, 8), range(512))
        self.put("alone.nii", volume)
        self.succeed("alone.nii", "-o", "alone.npy")
        self.put("bomb.nii.gz", gzip.compress(volume) + tail)
        with self.within(100, 1):
            self.succeed("bomb.nii.gz", "-o", "out.npy")
        self.assertEqual(self.get("out.npy").values, self.get("alone.npy").values)
        self.put("bomb.npy.gz", gzip.compress(self.numbers((4, 5)).npy()) + tail)
        with self.within(100, 1):
            self.assertIn(b"more bytes follow", self.run_program("bomb.npy.gz", "-o", "out.npy").stderr)

    def test_gzip_with_gigabytes_after_a_header_that_is_refused(self):
        volume = bytearray(make_nifti((8, 8, 8), range(512)))
        struct.pack_into("<h", volume, 70, 32)
        self.put("bomb.nii.gz", gzip.compress(bytes(volume)) + gzip.compress(bytes(16 << 20)) * 128)
        with self.within(100, 1):
            self.refuse(UNSUPPORTED, "bomb.nii.gz", "-o", "out.npy", says=["complex64"])

    def test_unpacking_what_says_no_size_copies_nothing(self):
        self.put("large.tif.gz", gzip.compress(b"II*\0" + bytes(160 << 20), 1))
        with self.within(210, 3):  # a copy of its first 128 MiB would make it 256
            self.refuse(UNREADABLE, "large.tif.gz", "-o", "out.npy", says=["TIFF"])


if __name__ == "__main__":
    unittest.main()
