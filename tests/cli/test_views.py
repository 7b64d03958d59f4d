"""Slices by a part of the way, every so many of them, and projections."""
import math
import struct
import unittest

from support import Array, Case, grey, make_nifti, product, shown, window_of

USAGE = 2


class Views(Case):

    def volume(self, shape=(4, 5, 11), kind="f4"):
        volume = self.numbers(shape, kind)
        self.put("in.npy", volume)
        return volume

    def lines(self, volume, axis):
        """{(row, column): the values along the axis}, rows and columns in their order."""
        shape = [extent for a, extent in enumerate(volume.shape) if a != axis]
        found = {}
        for row in range(shape[0]):
            for column in range(shape[1]):
                index = [row, column]
                index.insert(axis, None)
                found[row, column] = [volume[tuple(n if i is None else i for i in index)] for n in range(volume.shape[axis])]
        return shape, found

    def plane(self, volume, axis, number):
        shape, lines = self.lines(volume, axis)
        return shape, [lines[row, column][number] for row in range(shape[0]) for column in range(shape[1])]

    def test_a_part_of_the_way(self):
        volume = self.volume()
        for value, number in (("0%", 0), ("100%", 10), ("50%", 5), ("25%", 3), ("24.9%", 2), ("7.5%", 1)):
            report = self.report("in.npy", "-o", "out.npy", "--slice", value)
            self.assertEqual(report["inputs"][0]["slices"], {"first": number, "count": 1})
            shape, values = self.plane(volume, 2, number)
            self.assert_array(self.get("out.npy"), "f4", shape, shown(values, window_of(values)))
        for value in ("101%", "-1%", "%", "5 %", "5%%", "1e1%", "nan%", "0x1%"):
            self.refuse(USAGE, "in.npy", "-o", "out.npy", "--slice", value, says=["--slice", f"'{value}'", "0% to 100%"])

    def test_every_so_many(self):
        volume = self.volume()
        for axis in range(3):
            for every in (1, 2, 3, 4, 10, 11, 1000, 2**62):
                self.succeed("in.npy", "-o", "out.npy", "--slice", "all", "--axis", str(axis), "--every", str(every))
                planes = [self.plane(volume, axis, number) for number in range(0, volume.shape[axis], every)]
                expected = [y for _, values in planes for y in shown(values, window_of(values))]
                self.assert_array(self.get("out.npy"), "f4", (len(planes), 1, *planes[0][0]), expected)
        for value in ("0", "-1", "x", "", "1.5"):
            self.refuse(USAGE, "in.npy", "-o", "out.npy", "--slice", "all", "--every", value, says=["--every", f"'{value}'"])
        for more in ((), ("--slice", "3"), ("--mip",)):
            self.refuse(USAGE, "in.npy", "-o", "out.npy", "--every", "2", *more, says=["--every is for --slice all"])

    def project(self, values, kind):
        values = [x for x in values if not math.isnan(x)]
        if not values:
            return math.nan
        if kind != "mean":
            return max(values) if kind == "max" else min(values)
        total = values[0]
        for x in values[1:]:
            total += x
        return total / len(values)

    def test_projections(self):
        for element in ("f4", "i2", "u1"):
            volume = self.volume(kind=element)
            if element == "f4":
                for i in self.random.sample(range(len(volume.values)), 60):
                    volume.values[i] = math.nan
                volume.values[:11] = [math.nan] * 11  # one line along the last axis
                self.put("in.npy", volume)
            for axis in range(3):
                for kind in ("max", "min", "mean"):
                    shape, lines = self.lines(volume, axis)
                    values = [struct.unpack("f", struct.pack("f", self.project(line, kind)))[0] for line in lines.values()]
                    report = self.report("in.npy", "-o", "out.npy", "--projection", kind, "--axis", str(axis))
                    self.assert_array(self.get("out.npy"), "f4", shape, shown(values, window_of(values)))
                    self.assertEqual((report["inputs"][0]["slices"], report["inputs"][0]["projection"]), (None, kind))
        self.succeed("in.npy", "-o", "one.png", "--mip")
        self.succeed("in.npy", "-o", "other.png", "--projection", "max")
        self.assertEqual(self.get("one.png").values, self.get("other.png").values)

    def test_projections_of_numbers_that_need_more_bits(self):
        volume = Array("i4", (2, 2, 3), [2**31 - 1, 0, 1, 2**24 + 1, 5, 6, 7, 8, 9, 2**24 + 3, 2**24, 4])
        self.put("in.npy", volume)
        report = self.report("in.npy", "-o", "out.npy", "--mip", "--minmax")
        self.assertEqual(report["inputs"][0]["windows"], [{"lo": 9, "hi": 2**31 - 1, "n": 4}])

    def test_projections_of_series_and_colours(self):
        values = self.numbers((5, 4, 3, 2)).values
        self.put("in.nii", make_nifti((5, 4, 3, 2), values, directions=((-1, 0, 0), (0, 1, 0), (0, 0, 1))))
        self.succeed("in.nii", "-o", "out.npy", "--mip")
        expected = []
        for t in range(2):
            plane = [max(values[x + 5 * ((3 - row) + 4 * (z + 3 * t))] for z in range(3)) for row in range(4) for x in range(5)]
            expected += shown(plane, window_of(plane))
        self.assert_array(self.get("out.npy"), "f4", (2, 1, 4, 5), expected)
        pixels = [self.random.randrange(256) for _ in range(3 * 60)]
        header = bytearray(make_nifti((5, 4, 3), [], directions=((-1, 0, 0), (0, 1, 0), (0, 0, 1))))
        struct.pack_into("<hh", header, 70, 128, 24)
        self.put("colour.nii", bytes(header) + bytes(pixels))
        self.succeed("colour.nii", "-o", "out.png", "--mip", "--window", "127.5,255", "--epsilon", "0")
        top = [max(pixels[3 * (x + 5 * ((3 - row) + 4 * z)) + c] for z in range(3)) for row in range(4) for x in range(5)
               for c in range(3)]
        self.assertEqual(self.get("out.png").values, grey(shown(top, (0, 255, 0), "all")))

    def test_masks_are_projected_alike(self):
        volume = self.volume((4, 5, 3))
        mask = Array("u1", volume.shape, [self.random.randrange(4) == 0 for _ in range(product(volume.shape))])
        self.put("mask.npy", mask)
        for kind, inside in (("max", any), ("mean", any), ("min", all)):
            self.succeed("in.npy", "--mask", "mask.npy", "-o", "out.npy", "--projection", kind)
            shape, lines = self.lines(volume, 2)
            values = [struct.unpack("f", struct.pack("f", self.project(line, kind)))[0] for line in lines.values()]
            masked = [inside(line) for line in self.lines(mask, 2)[1].values()]
            window = window_of(values, mask=masked)
            self.assert_array(self.get("out.npy"), "f4", shape, shown(values, window, mask=masked))

    def test_the_three_views_in_one_picture(self):
        """Each cell as the view alone is drawn, in the middle; one scale, that of the finest spacing."""
        values = self.numbers((6, 5, 4)).values
        self.put("in.nii", make_nifti((6, 5, 4), values, (1, 1, 1), ((-1, 0, 0), (0, 1, 0), (0, 0, 1))))
        for more in ((), ("--slice", "100%"), ("--slice", "1"), ("--mip",)):
            report = self.report("in.nii", "--ortho", "--columns", "3", *more, "-o", "out.png")
            picture = self.get("out.png")
            self.assertEqual(picture.shape, (5, 18))  # cells of 5 rows and 6 columns: the largest of both
            self.assertEqual([entry["axis"] for entry in report["inputs"]], [0, 1, 2])
            self.assertEqual((report["counts"]["inputs"], report["output"]["cells"]), (1, 3))
            for axis, (rows, columns) in enumerate(((4, 6), (4, 5), (5, 6))):
                self.succeed("in.nii", "--axis", str(axis), *more, "-o", "one.png")
                one = self.get("one.png")
                self.assertEqual(one.shape, (rows, columns))
                top, left = (5 - rows) // 2, (6 - columns) // 2
                cell = [picture[row, 6 * axis + column] for row in range(5) for column in range(6)]
                self.assertEqual(cell, [one[row - top, column - left] if top <= row < top + rows and left <= column < left + columns
                                        else 0 for row in range(5) for column in range(6)])

    def test_the_three_views_have_one_scale(self):
        self.put("in.nii", make_nifti((6, 5, 4), self.numbers((6, 5, 4)).values, (2, 1, 3), ((-1, 0, 0), (0, 1, 0), (0, 0, 1))))
        report = self.report("in.nii", "--ortho", "--columns", "1", "-o", "out.png")
        # coronal 4 x 3 by 6 x 2, sagittal 4 x 3 by 5 x 1, axial 5 x 1 by 6 x 2 mm: cells of 12 by 12 pixels
        self.assertEqual(report["output"]["shape"], [36, 12])
        self.put("thick.nii", make_nifti((2, 2, 2), self.numbers((2, 2, 2)).values, (1, 4, 4), ((-1, 0, 0), (0, 1, 0), (0, 0, 1))))
        report = self.report("thick.nii", "--ortho", "--columns", "3", "-o", "out.png")
        self.assertEqual(report["output"]["shape"], [8, 24])  # the sagittal view has 1 mm pixels too: 8 by 8

    def test_warnings_and_hints_are_said_once(self):
        header = bytearray(make_nifti((6, 5, 4), [-900 + i for i in range(120)], (1, 2, 3)))
        struct.pack_into("<3f", header, 80, 1, 2, 3.5)
        self.put("in.nii", bytes(header))
        done = self.run_program("in.nii", "--ortho", "-o", "out.png")
        self.assertEqual(done.returncode, 0)
        self.assertEqual((done.stderr.count(b"warning"), done.stderr.count(b"hint")), (1, 1))

    def test_from_standard_input_and_masked(self):
        volume = make_nifti((6, 5, 4), self.numbers((6, 5, 4)).values)
        mask = make_nifti((6, 5, 4), [i % 3 for i in range(120)])
        self.put("in.nii", volume)
        self.put("mask.nii", mask)
        self.succeed("in.nii", "--ortho", "--mask", "mask.nii", "-o", "one.png")
        self.succeed("-", "--ortho", "--mask", "mask.nii", "-o", "other.png", stdin=volume)
        self.assertEqual(self.get("one.png").values, self.get("other.png").values)

    def test_what_is_refused(self):
        self.volume()
        for value in ("Max", "", "median"):
            self.refuse(USAGE, "in.npy", "-o", "out.npy", "--projection", value, says=["--projection", "max, min or mean"])
        for one, other in ((("--mip",), ("--projection", "max")), (("--mip",), ("--slice", "1")),
                           (("--projection", "min"), ("--slice", "all")), (("--ortho",), ("--axis", "1"))):
            self.refuse(USAGE, "in.npy", "-o", "out.npy", *one, *other, says=["exclude each other"])
        self.put("flat.npy", self.numbers((4, 5)))
        self.refuse(USAGE, "in.npy", "-o", "out.npy", "--ortho", says=["--ortho is for PNG"])
        self.refuse(USAGE, "in.npy", "-o", "out.png", "--ortho", "--slice", "7", says=["--slice 7", "along axis 0"])
        for arguments in (("--mip",), ("--projection", "mean"), ("--slice", "5%")):
            self.refuse(USAGE, "flat.npy", "-o", "out.npy", *arguments, says=["for volumes", "an image"])


if __name__ == "__main__":
    unittest.main()
