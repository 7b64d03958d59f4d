"""Hints where the defaults are likely not what is meant, and the options that they name."""
import math
import struct
import unittest

from support import Array, Case, f32, make_nifti, make_png, product, shown, window_of

USAGE = 2


class Ct(Case):
    HINT = "look like CT, where 0 is no background: --window LEVEL,WIDTH or --foreground all is meant for it\n"

    def ct(self, zeros=2, lowest=-1000, shape=(8, 8, 8)):
        """Noise about water in air, with so many zeros."""
        values = [self.random.choice((-1, 1)) * self.random.randrange(1, 80) for _ in range(product(shape))]
        values[:50] = [lowest] * 50
        values[50:50 + zeros] = [0] * zeros
        self.random.shuffle(values)
        return values

    def hints(self, *arguments):
        done = self.run_program(*arguments, "-o", "out.png")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.run_program(*arguments, "-o", "out.png", "-q").stderr, b"")
        return done.stderr.decode()

    def test_volumes_that_look_like_ct(self):
        for lowest in (-501, -1000, -1024, -3024):
            for zeros in (0, 1, 20):
                self.put("ct.nii", make_nifti((8, 8, 8), self.ct(zeros, lowest)))
                self.assertEqual(self.hints("ct.nii", "--slice", "all"),
                                 f"batchview: ct.nii: hint: values down to {lowest} and few zeros {self.HINT}")
        self.put("ct.npy", Array("i2", (8, 8, 8), self.ct()))
        self.assertIn(self.HINT, self.hints("ct.npy", "--slice", "all"))
        self.put("one.nii", make_nifti((8, 8, 1), self.ct(shape=(8, 8, 1))))
        self.assertIn(self.HINT, self.hints("one.nii"))

    def test_what_does_not(self):
        self.put("mr.nii", make_nifti((8, 8, 8), [abs(x) for x in self.ct()]))
        self.put("background.nii", make_nifti((8, 8, 8), self.ct(100)))
        self.put("difference.nii", make_nifti((8, 8, 8), self.ct(2, -500)))
        for name in ("mr.nii", "background.nii", "difference.nii"):
            self.assertEqual(self.hints(name, "--slice", "all"), "")
        self.put("image.npy", Array("i2", (8, 64), self.ct()))
        self.put("batch.npy", Array("i2", (8, 1, 8, 8), self.ct()))
        for name in ("image.npy", "batch.npy"):
            self.assertEqual(self.hints(name), "")

    def test_who_chose_gets_no_hint(self):
        self.put("ct.nii", make_nifti((8, 8, 8), self.ct()))
        self.put("mask.nii", make_nifti((8, 8, 8), [1] * 512))
        for options in (("--window", "40,400"), ("--foreground", "all"), ("--foreground", "nonzero"),
                        ("--window", "40,400", "--foreground", "nonzero"), ("--mask", "mask.nii")):
            self.assertEqual(self.hints("ct.nii", "--slice", "all", *options), "")


class Tiny(Case):

    def setUp(self):
        super().setUp()
        # Diffusion in m^2/s
        self.values = [f32(self.random.uniform(0.3e-9, 3e-9)) for _ in range(30)]
        self.put("adc.npy", Array("f4", (5, 6), self.values))
        self.window = window_of(self.values)

    def test_dark_pictures_get_a_hint(self):
        done = self.run_program("adc.npy", "-o", "out.npy")
        width = self.window[1] - self.window[0]
        self.assertEqual(done.stderr.decode(), f"batchview: adc.npy: hint: its window is only {width:.3g} wide and comes "
                         "out dark, because epsilon, 1e-08, is added to it: --epsilon 0 is meant for it\n")
        self.assertLess(max(self.get("out.npy").values), 0.3)
        self.assertEqual(self.run_program("adc.npy", "-o", "out.npy", "-q").stderr, b"")

    def test_epsilon(self):
        for text in ("0", "1e-12", "1e-9", "2.5", "1e-8"):
            self.succeed("adc.npy", "-o", "out.npy", "--epsilon", text)
            lo, hi = f32(self.window[0]), f32(self.window[1])
            divisor = f32(f32(hi - lo) + f32(float(text)))
            expected = [min(max(f32(f32(x - lo) / divisor), 0.0), 1.0) for x in self.values]
            self.assert_array(self.get("out.npy"), "f4", (5, 6), [y if y >= f32(1e-3) else 0.0 for y in expected])
        self.assertEqual(max(self.get("out.npy").values) < 0.3, True)
        self.succeed("adc.npy", "-o", "out.npy", "--epsilon", "0")
        self.assertEqual(max(self.get("out.npy").values), 1)

    def test_no_epsilon_and_no_width(self):
        self.put("flat.npy", Array("f4", (2, 3), [7, 7, 7, 0, math.nan, 7]))
        self.succeed("flat.npy", "-o", "out.npy", "--epsilon", "0")
        self.assert_array(self.get("out.npy"), "f4", (2, 3), [0] * 6)

    def test_other_windows_get_no_hint(self):
        for scale in (1e-4, 1, 1e9):
            self.put("in.npy", Array("f4", (5, 6), [f32(x * 1e9 * scale) for x in self.values]))
            self.succeed("in.npy", "-o", "out.npy")
        self.put("flat.npy", Array("f4", (5, 6), [1e-9] * 30))
        self.succeed("flat.npy", "-o", "out.npy")

    def test_values(self):
        for text in ("-1", "nan", "inf", "1e999", "", "x", "0x1", " 1", "1 "):
            self.refuse(USAGE, "adc.npy", "-o", "out.npy", "--epsilon", text,
                        says=[f"--epsilon '{text}'", "a number from 0"])


class Pictures(Case):
    """Bytes [H, W, 3] and [H, W, 4] in .npy files."""

    def test_they_are_in_colour(self):
        for samples in (3, 4):
            array = self.numbers((4, 5, samples), "u1")
            self.put("in.npy", array)
            self.put("same.png", make_png((4, 5, 3), [x for i, x in enumerate(array.values) if i % samples < 3]))
            for options in ((), ("--scope", "image"), ("--minmax",)):
                report = self.report("in.npy", "-o", "out.png", *options)
                self.succeed("same.png", "-o", "same_out.png", *options)
                self.assertEqual(self.get("out.png").shape, (4, 5, 3))
                self.assertEqual(self.get("out.png").values, self.get("same_out.png").values)
            self.assertEqual((report["inputs"][0]["kind"], report["inputs"][0]["batch"]), ("batch", [1, 3, 4, 5]))

    def assert_slice(self, array, number, *options):
        plane = array.picked(array.shape[:2], lambda row, column: (row, column, number)).values
        self.succeed("in.npy", "-o", "out.npy", *options)
        self.assert_array(self.get("out.npy"), "f4", array.shape[:2], shown(plane, window_of(plane)))

    def test_volume_reads_them_otherwise(self):
        for samples in (3, 4):
            array = self.numbers((4, 5, samples), "u1")
            self.put("in.npy", array)
            self.assert_slice(array, samples // 2, "--volume")
            self.assert_slice(array, samples - 1, "--volume", "--slice", str(samples - 1))
            self.refuse(USAGE, "in.npy", "-o", "out.npy", "--slice", "1", says=["picture in colour", "--volume"])
            self.put("mask.npy", array)
            self.put("in.npy", volume := self.numbers((4, 5, samples)))
            for options in ((), ("--volume",)):  # the mask of a volume is one
                self.succeed("in.npy", "-o", "out.npy", "--mask", "mask.npy", "--slice", "0", *options)
                plane = volume.picked((4, 5), lambda row, column: (row, column, 0)).values
                inside = array.picked((4, 5), lambda row, column: (row, column, 0)).values
                self.assertEqual(self.get("out.npy").values, shown(plane, window_of(plane, mask=inside), mask=inside))

    def test_other_arrays_are_volumes_as_they_were(self):
        for kind, shape in (("u1", (4, 5, 2)), ("u1", (3, 4, 5)), ("i1", (4, 5, 3)), ("u2", (4, 5, 3)), ("f4", (4, 5, 4))):
            array = self.numbers(shape, kind)
            self.put("in.npy", array)
            self.assert_slice(array, shape[2] // 2)
            self.assert_slice(array, 0, "--slice", "0", "--volume")
        booleans = bytearray(Array("u1", (2, 2, 3), [1] * 12).npy().replace(b"|u1", b"|b1"))
        self.put("in.npy", bytes(booleans))
        self.assertEqual(self.report("in.npy", "-o", "out.png")["inputs"][0]["kind"], "volume")


if __name__ == "__main__":
    unittest.main()
