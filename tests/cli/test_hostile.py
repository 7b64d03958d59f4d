"""Small files that claim much: refused, or read, in bounded memory and time."""
import struct
import unittest
import zlib

from support import Case, make_png

UNREADABLE = 3


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_header(columns, rows, interlaced=0):
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, interlaced))


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


if __name__ == "__main__":
    unittest.main()
