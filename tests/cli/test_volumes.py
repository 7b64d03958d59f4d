"""Volumes: pairs of files, Analyze 7.5, colours, and what is said of odd files."""
import gzip
import itertools
import struct
import unittest

from support import Case, grey, make_nifti, product, shown, window_of

USAGE, UNREADABLE, UNSUPPORTED = 2, 3, 4


def make_analyze(extents, kind="<", datatype=16, spacing=(1, 1, 1), orient=0, offset=0, fields=()):
    """The header of an Analyze 7.5 pair; `fields` are more of them: (format, offset, value)."""
    header = bytearray(348)
    for code, at, *values in (("i", 0, 348), ("i", 32, 16384), ("8h", 40, len(extents), *extents, *[0] * (7 - len(extents))),
                              ("h", 70, datatype), ("4f", 76, 0, *spacing), ("f", 108, offset), ("B", 252, orient),
                              *fields):
        struct.pack_into(kind + code, header, at, *values)
    header[38:39] = b"r"
    return bytes(header)


class Pairs(Case):

    def setUp(self):
        super().setUp()
        values = self.numbers((4, 5, 3)).values
        self.single = make_nifti((3, 5, 4), values, (1, 2, 3), ((0, 1, 0), (0, 0, -1), (-1, 0, 0)))
        self.put("single.nii", self.single)
        self.succeed("single.nii", "-o", "single.npy", "--slice", "all")
        self.expected = self.get("single.npy")
        header = bytearray(self.single[:348])
        header[344:348] = b"ni1\0"
        struct.pack_into("<f", header, 108, 0)
        self.header, self.voxels = bytes(header), self.single[352:]

    def assert_same(self, name):
        self.succeed(name, "-o", "out.npy", "--slice", "all")
        self.assert_array(self.get("out.npy"), "f4", self.expected.shape, self.expected.values)

    def test_either_file_names_the_pair(self):
        self.put("a.hdr", self.header)
        self.put("a.img", self.voxels)
        self.assert_same("a.hdr")
        self.assert_same("a.img")
        self.put("b.c.HDR", self.header + bytes(4))
        self.put("b.c.IMG", self.voxels + b"more")
        self.assert_same("b.c.HDR")
        self.assert_same("b.c.IMG")

    def test_each_may_be_gzip(self):
        for header, image in itertools.product(("z.hdr", "z.hdr.gz"), ("z.img", "z.img.gz")):
            with self.subTest(header=header, image=image):
                self.put(header, gzip.compress(self.header) if header.endswith("gz") else self.header)
                self.put(image, gzip.compress(self.voxels) if image.endswith("gz") else self.voxels)
                self.assert_same(header)
                self.assert_same(image)
                for name in (header, image):
                    self.remove(name)

    def test_the_offset_counts_in_the_image(self):
        header = bytearray(self.header)
        struct.pack_into("<f", header, 108, 16)
        self.put("a.hdr", bytes(header))
        self.put("a.img", b"sixteen bytes..." + self.voxels)
        self.assert_same("a.hdr")

    def test_nifti_2(self):
        # The fields of the first version at their places in the second
        header = bytearray(540)
        old = self.header
        struct.pack_into("<i8s", header, 0, 540, b"ni2\0\r\n\x1a\n")
        header[12:16] = old[70:74]
        struct.pack_into("<8q", header, 16, *struct.unpack("<8h", old[40:56]))
        struct.pack_into("<8d", header, 104, *struct.unpack("<8f", old[76:108]))
        struct.pack_into("<i", header, 348, 1)
        struct.pack_into("<12d", header, 400, *struct.unpack("<12f", old[280:328]))
        self.put("a.hdr", bytes(header))
        self.put("a.img", self.voxels)
        self.assert_same("a.hdr")

    def test_numbers_that_look_like_another_file(self):
        for start in (b"\x1f\x8b\x08\x00", b"II*\0", b"\x93NUMPY\x01\0", b"\x5c\x01\0\0"):
            voxels = start + self.voxels[len(start):]
            self.put("a.hdr", self.header)
            self.put("a.img", voxels)
            self.put("b.nii", self.single[:352] + voxels)
            self.succeed("b.nii", "-o", "b.npy", "--minmax")
            for name in ("a.hdr", "a.img"):
                self.succeed(name, "-o", "a.npy", "--minmax")
                self.assertEqual(self.get("a.npy").values, self.get("b.npy").values)

    def test_what_is_missing_is_named(self):
        self.put("alone.hdr", self.header)
        self.refuse(UNSUPPORTED, "alone.hdr", "-o", "out.npy", says=["alone.hdr", ".hdr/.img pair", "NAME.img"])
        self.put("other.nii", self.header)
        self.refuse(UNSUPPORTED, "other.nii", "-o", "out.npy", says=[".hdr/.img pair"])
        self.put("a.hdr", self.header)
        self.put("a.img", self.voxels)
        self.refuse(UNSUPPORTED, "-", "-o", "out.npy", stdin=self.header, says=[".hdr/.img pair"])
        self.put("orphan.img", self.voxels)
        self.refuse(UNSUPPORTED, "orphan.img", "-o", "out.npy", says=["not a NIfTI"])

    def test_images_that_are_cut_off(self):
        self.put("a.hdr", self.header)
        for size in (0, 1, len(self.voxels) - 1):
            self.put("a.img", self.voxels[:size])
            self.refuse(UNREADABLE, "a.hdr", "-o", "out.npy", says=["a.hdr", "'a.img': cut off"])
        self.remove("a.img")
        packed = gzip.compress(self.voxels)
        self.put("a.img.gz", packed[:-9])
        self.refuse(UNREADABLE, "a.hdr", "-o", "out.npy", says=["'a.img.gz': cut off"])
        self.put("a.img.gz", b"plain")
        self.refuse(UNREADABLE, "a.img.gz", "-o", "out.npy", says=["'a.img.gz': damaged gzip data"])


class Analyze(Case):

    # Where rows, columns and slices run by the field `orient`, in NIfTI's coordinates: right, anterior, superior
    LEFT, FRONT, BACK, UP, DOWN = (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)
    DIRECTIONS = [(LEFT, FRONT, UP), (LEFT, UP, FRONT), (FRONT, UP, LEFT), (LEFT, BACK, UP), (LEFT, DOWN, FRONT),
                  (FRONT, DOWN, LEFT)]

    def test_each_orientation(self):
        values = self.numbers((4, 5, 3)).values
        voxels = struct.pack("<60f", *values)
        for orient, directions in enumerate(self.DIRECTIONS + [self.DIRECTIONS[0]]):
            self.put("n.nii", make_nifti((3, 5, 4), values, (1, 2, 3), directions))
            self.put("a.hdr", make_analyze((3, 5, 4), spacing=(1, 2, 3), orient=orient if orient < 6 else 9))
            self.put("a.img", voxels)
            for axis in "012":
                expected = self.report("n.nii", "-o", "n.npy", "--slice", "all", "--axis", axis)["inputs"][0]
                found = self.report("a.hdr", "-o", "a.npy", "--slice", "all", "--axis", axis)["inputs"][0]
                self.assertEqual(found["spacing"], expected["spacing"])
                self.assertFalse(found["oriented"])
                self.assertEqual(self.get("a.npy").values, self.get("n.npy").values)

    def test_byte_orders_types_and_dimensions_of_zero(self):
        for kind, (datatype, code) in itertools.product("<>", {2: "B", 4: "h", 8: "i", 16: "f", 64: "d"}.items()):
            values = list(range(1, 61))
            self.put("a.hdr", make_analyze((3, 5, 4, 0), kind, datatype))
            self.put("a.img", struct.pack(f"{kind}60{code}", *values))
            for name in ("a.hdr", "a.img"):
                report = self.report(name, "-o", "out.npy", "--slice", "all", "--scope", "batch", "--minmax")
                self.assertEqual(report["inputs"][0]["shape"], [5, 3, 4])
                self.assertEqual(report["inputs"][0]["windows"], [{"lo": 1, "hi": 60, "n": 60}])

    def window(self, *fields):
        """Of the numbers 1 to 60 as the header has them scaled."""
        self.put("a.hdr", make_analyze((3, 5, 4), datatype=4, fields=fields))
        self.put("a.img", struct.pack("<60h", *range(1, 61)))
        (found,) = self.report("a.hdr", "-o", "out.npy", "--slice", "all", "--scope", "batch",
                               "--minmax")["inputs"][0]["windows"]
        return found["lo"], found["hi"]

    def test_scaling(self):
        # nibabel 5.4 reads these so, by SPM's rules
        self.assertEqual(self.window(), (1, 60))
        self.assertEqual(self.window(("f", 112, 2)), (2, 120))
        self.assertEqual(self.window(("f", 112, 2), ("f", 116, 7)), (9, 127))
        self.assertEqual(self.window(("f", 112, float("nan"))), (1, 60))
        self.assertEqual(self.window(("ff", 124, 100, 0), ("ii", 140, 10, 0)), (10, 600))
        self.assertEqual(self.window(("ff", 124, 110, 20), ("ii", 140, 10, 1)), (20, 610))
        self.assertEqual(self.window(("ff", 124, 100, 0), ("ii", 140, 10, 10)), (1, 60))
        self.assertEqual(self.window(("f", 112, 2), ("ff", 124, 100, 0), ("ii", 140, 10, 0)), (2, 120))

    def test_an_image_must_lie_beside_it(self):
        self.put("alone.hdr", make_analyze((3, 5, 4)))
        self.refuse(UNSUPPORTED, "alone.hdr", "-o", "out.npy", says=["Analyze 7.5", "NAME.img"])


class Colour(Case):

    def colours(self, extents, datatype=128):
        """A NIfTI file of colours with axes left, anterior, superior; the colour of a voxel by its index."""
        samples = 3 if datatype == 128 else 4
        values = [self.random.randrange(256) for _ in range(samples * product(extents))]
        header = bytearray(make_nifti(extents, [], directions=((-1, 0, 0), (0, 1, 0), (0, 0, 1))))
        struct.pack_into("<hh", header, 70, datatype, 8 * samples)
        self.put("in.nii", bytes(header) + bytes(values))

        def channel(c, *index):
            flat = 0
            for i, extent in zip(reversed(index), reversed(extents)):
                flat = flat * extent + i
            return values[samples * flat + c]

        return channel

    def assert_batch(self, options, shape, value):
        """The program's output are the planes of value(b, c, row, column), each with its own window."""
        self.succeed("in.nii", "-o", "out.npy", *options)
        expected = []
        for b, c in itertools.product(range(shape[0]), range(shape[1])):
            plane = [value(b, c, row, column) for row in range(shape[2]) for column in range(shape[3])]
            expected += shown(plane, window_of(plane))
        self.assert_array(self.get("out.npy"), "f4", shape, expected)

    def test_slices_are_images_of_three_channels(self):
        for datatype in (128, 2304):
            voxel = self.colours((5, 4, 3), datatype)
            # axial pictures have anterior at the top; coronal and sagittal ones the superior end
            self.assert_batch(("--slice", "1"), (1, 3, 4, 5), lambda b, c, row, x: voxel(c, x, 3 - row, 1))
            self.assert_batch(("--slice", "all"), (3, 3, 4, 5), lambda b, c, row, x: voxel(c, x, 3 - row, b))
            self.assert_batch(("--slice", "all", "--axis", "0"), (4, 3, 3, 5),
                              lambda b, c, row, x: voxel(c, x, 3 - b, 2 - row))
            self.assert_batch(("--slice", "2", "--axis", "1"), (1, 3, 3, 4),
                              lambda b, c, row, y: voxel(c, 2, 3 - y, 2 - row))

    def test_pictures_are_in_colour(self):
        voxel = self.colours((5, 4, 3))
        report = self.report("in.nii", "-o", "out.png", "--scope", "image", "--slice", "1")
        pixels = [voxel(c, x, 3 - y, 1) for y in range(4) for x in range(5) for c in range(3)]
        window = window_of(pixels)
        self.assert_array(self.get("out.png"), "u1", (4, 5, 3), grey(shown(pixels, window)))
        self.assertEqual(report["inputs"][0]["slices"], {"first": 1, "count": 1})
        self.assertEqual(report["inputs"][0]["windows"], [dict(zip(("lo", "hi", "n"), window))])
        report = self.report("in.nii", "-o", "out.png", "--slice", "all")
        self.assertEqual((report["output"]["cells"], len(report["inputs"][0]["windows"])), (3, 9))

    def test_a_single_slice_is_a_picture(self):
        voxel = self.colours((5, 4, 1))
        self.assert_batch((), (1, 3, 4, 5), lambda b, c, row, x: voxel(c, x, 3 - row, 0))

    def test_series_show_slices_of_each_volume(self):
        for datatype in (128, 2304):
            voxel = self.colours((5, 4, 3, 2), datatype)
            self.assert_batch(("--slice", "2"), (2, 3, 4, 5), lambda b, c, row, x: voxel(c, x, 3 - row, 2, b))
            self.assert_batch(("--slice", "all"), (6, 3, 4, 5),
                              lambda b, c, row, x: voxel(c, x, 3 - row, b % 3, b // 3))
            self.assert_batch(("--slice", "all", "--axis", "0"), (8, 3, 3, 5),
                              lambda b, c, row, x: voxel(c, x, 3 - b % 4, 2 - row, b // 4))
            self.assert_batch(("--slice", "all", "--axis", "1"), (10, 3, 3, 4),
                              lambda b, c, row, y: voxel(c, b % 5, 3 - y, 2 - row, b // 5))

    def test_series_are_masked_by_a_volume_or_by_as_many(self):
        voxel = self.colours((5, 4, 3, 2))
        for volumes in (1, 2):
            mask = [self.random.randrange(2) for _ in range(60 * volumes)]
            extents = (5, 4, 3, volumes)[:3 if volumes == 1 else 4]
            self.put("mask.nii", make_nifti(extents, mask, directions=((-1, 0, 0), (0, 1, 0), (0, 0, 1))))
            for axis, count, place in ((0, 4, lambda n, row, column: (column, 3 - n, 2 - row)),
                                       (2, 3, lambda n, row, column: (column, 3 - row, n))):
                self.succeed("in.nii", "--mask", "mask.nii", "-o", "out.npy", "--slice", "all", "--axis", str(axis))
                rows = 3 if axis == 0 else 4
                expected = []
                for b, c in itertools.product(range(2 * count), range(3)):
                    voxels = [place(b % count, row, column) for row in range(rows) for column in range(5)]
                    plane = [voxel(c, *index, b // count) for index in voxels]
                    masked = [mask[x + 5 * (y + 4 * (z + 3 * (b // count % volumes)))] for x, y, z in voxels]
                    expected += shown(plane, window_of(plane, mask=masked), mask=masked)
                self.assert_array(self.get("out.npy"), "f4", (2 * count, 3, rows, 5), expected)
        self.put("mask.nii", make_nifti((5, 4, 3, 3), [1] * 180, directions=((-1, 0, 0), (0, 1, 0), (0, 0, 1))))
        self.refuse(USAGE, "in.nii", "--mask", "mask.nii", "-o", "out.npy", "--slice", "all",
                    says=["[3, 3, 4, 5]", "[2, 3, 4, 5]"])


class Warnings(Case):

    def assert_says(self, text, *arguments):
        done = self.run_program(*arguments)
        self.assertEqual((done.returncode, done.stderr.decode()), (0, text))
        self.assertEqual(self.run_program(*arguments, "-q").stderr, b"")

    def test_of_bytes_after_gzip_data(self):
        self.put("a.nii.gz", gzip.compress(make_nifti((3, 2, 2), range(12))) + b"rest")
        self.assert_says("batchview: a.nii.gz: warning: 4 bytes that are not gzip follow its gzip data; they are ignored\n",
                         "a.nii.gz", "-o", "out.png")

    def test_of_a_second_array(self):
        self.put("a.npy", self.numbers((4, 5)).npy() * 2)
        self.assert_says("batchview: a.npy: warning: more bytes follow its array, and are not read\n", "a.npy", "-o",
                         "out.png")

    def test_of_spacings_that_differ(self):
        header = bytearray(make_nifti((3, 5, 4), range(60), (1, 2, 3)))
        struct.pack_into("<3f", header, 80, 1, 2, 3.5)
        self.put("a.nii", bytes(header))
        self.assert_says("batchview: a.nii: warning: its pixdim[3] is 3.5 and its sform's spacing 3, which counts\n",
                         "a.nii", "-o", "out.png")
        done = self.run_program("a.nii", "-o", "out.png", "--json", "-q")
        self.assertIn(b'"spacing": [2, 1, 3]', done.stdout)


if __name__ == "__main__":
    unittest.main()
