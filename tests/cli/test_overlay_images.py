"""A second image laid over the pictures in the colours of a map, where it is not black."""
import itertools
import struct
import unittest

from support import Array, Case, grey, make_nifti, make_png, shown, window_of
from test_masks import LPS, Volume, turns
from test_overlays import overlaid

USAGE, UNREADABLE, WRITE = 2, 3, 5


def grey_of(values):
    return grey(shown(values, window_of(values)))


class OverlayImages(Case):

    def setUp(self):
        super().setUp()
        self.put("ramp.npy", Array("f4", (16, 16), [(i + 0.5) / 255 for i in range(256)]))

    def colours(self, name):
        """Those that the program gives the grey values."""
        self.succeed("ramp.npy", "--window", "0.5,1", "--epsilon", "0", "--colormap", name, "--format", "rgb", "-o",
                     "map.npy")
        return [self.get("map.npy").values[3 * i:3 * i + 3] for i in range(256)]

    def laid(self, pixels, values, name="hot", opacity=0.5):
        """The bytes of [R, G, B] pixels below an image's grey."""
        alpha, colours = int(256 * opacity + 0.5), self.colours(name)

        def mixed(pixel, value):
            return [(p * (256 - alpha) + c * alpha + 128) // 256 for p, c in zip(pixel, colours[value])]

        return [y for pixel, value in zip(pixels, values) for y in (mixed(pixel, value) if value else pixel)]

    def assert_picture(self, shape, values, *arguments):
        self.succeed(*arguments, "-o", "out.png")
        self.assert_array(self.get("out.png"), "u1", (*shape, 3), values)

    # ---- Colours ----

    def test_maps_and_opacities(self):
        image, other = self.numbers((9, 11)), self.numbers((9, 11))
        self.put("in.npy", image)
        self.put("pet.npy", other)
        base = [[y] * 3 for y in grey_of(image.values)]
        self.assert_picture((9, 11), self.laid(base, grey_of(other.values)), "in.npy", "--overlay-image", "pet.npy")
        for name, opacity in (("turbo", 0), ("hot", 1), ("magma", round(self.random.random(), 3)), ("grey", 0.25)):
            self.assert_picture((9, 11), self.laid(base, grey_of(other.values), name, opacity), "in.npy",
                                "--overlay-image", "pet.npy", "--overlay-colormap", name, "--opacity", str(opacity))

    def test_the_inputs_window_is_its_own(self):
        """The second image's is that of percentiles, whatever is asked for the input; and no mask is for it."""
        image, other = self.numbers((9, 11)), self.numbers((9, 11))
        self.put("in.npy", image)
        self.put("pet.npy", other)
        self.put("mask.npy", Array("u1", (9, 11), [self.random.randrange(2) for _ in range(99)]))
        for options in (("--minmax",), ("--window", "3,4"), ("--percentile", "20,60"), ("--mask", "mask.npy"),
                        ("--foreground", "all"), ("--colormap", "viridis")):
            self.succeed("in.npy", *options, "-o", "base.png")
            base = self.get("base.png").values
            pixels = [base[i:i + 3] for i in range(0, 297, 3)] if "--colormap" in options else [[y] * 3 for y in base]
            self.assert_picture((9, 11), self.laid(pixels, grey_of(other.values)), "in.npy", "--overlay-image",
                                "pet.npy", *options)

    def test_labels_are_above_it(self):
        image, other = self.numbers((7, 8)), self.numbers((7, 8))
        labels = [self.random.randrange(4) for _ in range(56)]
        self.put("in.npy", image)
        self.put("pet.npy", other)
        self.put("labels.npy", Array("u1", (7, 8), labels))
        below = self.laid([[y] * 3 for y in grey_of(image.values)], grey_of(other.values), opacity=0.3)
        expected = overlaid([below[i:i + 3] for i in range(0, 168, 3)], labels, 0.3)
        options = ("--overlay-image", "pet.npy", "--overlay", "labels.npy", "--opacity", "0.3")
        self.assert_picture((7, 8), expected, "in.npy", *options)
        self.succeed("in.npy", *options, "--format", "rgb", "-o", "out.npy")
        self.assert_array(self.get("out.npy"), "u1", (7, 8, 3), expected)

    def test_below_pictures_in_colour(self):
        pixels, other = [self.random.randrange(256) for _ in range(84)], self.numbers((4, 7))
        self.put("in.png", make_png((4, 7, 3), pixels))
        self.put("pet.npy", other)
        base = [list(pixel) for pixel in zip(*(grey_of(pixels[c::3]) for c in range(3)))]
        self.assert_picture((4, 7), self.laid(base, grey_of(other.values)), "in.png", "--overlay-image", "pet.npy")

    # ---- Places ----

    def test_slices_and_scopes(self):
        volume, other = self.numbers((4, 5, 3)), self.numbers((4, 5, 3))
        self.put("in.npy", volume)
        self.put("pet.npy", other)
        for scope in ("plane", "image", "batch"):
            self.succeed("in.npy", "--slice", "all", "--columns", "1", "--scope", scope, "-o", "base.png")
            values = []
            for s in range(3):
                window = window_of(other.values if scope == "batch" else other.values[s::3])
                values += grey(shown(other.values[s::3], window))
            expected = self.laid([[y] * 3 for y in self.get("base.png").values], values)
            self.assert_picture((12, 5), expected, "in.npy", "--slice", "all", "--columns", "1", "--scope", scope,
                                "--overlay-image", "pet.npy")
            self.succeed("in.npy", "--slice", "all", "--scope", scope, "--overlay-image", "pet.npy", "--format", "rgb",
                         "-o", "out.npy")
            self.assert_array(self.get("out.npy"), "u1", (3, 1, 4, 5, 3), expected)

    def test_one_row_or_column_is_that_of_the_whole_picture(self):
        image = self.numbers((4, 5))
        self.put("in.npy", image)
        for shape in ((1, 5), (4, 1), (1, 1)):
            other = self.numbers(shape)
            whole = Array("u1", shape, grey(shown(other.values, window_of(other.values)))).picked(
                (4, 5), lambda row, column: (row % shape[0], column % shape[1]))
            self.put("pet.npy", other)
            self.assert_picture((4, 5), self.laid([[y] * 3 for y in grey_of(image.values)], whole.values), "in.npy",
                                "--overlay-image", "pet.npy")

    def test_it_is_turned_to_the_input(self):
        volume, other = Volume(self.numbers((4, 5, 3)).values), Volume(self.numbers((4, 5, 3)).values)
        self.put("in.nii", volume.file())
        base = [[y] * 3 for s in (0, 20, 40) for y in grey_of(volume.values[s:s + 20])]
        expected = self.laid(base, sum((grey_of(other.values[s:s + 20]) for s in (0, 20, 40)), []))
        for order, reversed_axes in turns():
            self.put("pet.nii", other.turned(order, reversed_axes).file())
            self.succeed("in.nii", "--overlay-image", "pet.nii", "--slice", "all", "--format", "rgb", "-o", "out.npy")
            self.assertEqual(self.get("out.npy").values, expected)

    def test_stretched_and_projected_as_pictures_are(self):
        """What the program draws of the second image alone is what it lays over the first."""
        volume = Volume(self.numbers((6, 5, 4)).values, extents=(6, 5, 4), spacing=(1, 1.7, 2.3))
        other = Volume(self.numbers((6, 5, 4)).values, extents=(6, 5, 4), spacing=(1, 1.7, 2.3))
        self.put("in.nii", volume.file())
        self.put("pet.nii", other.file())
        for options in (("--axis", "0"), ("--axis", "1", "--projection", "mean"), ("--mip",), ("--ortho",),
                        ("--projection", "min")):
            self.succeed("in.nii", *options, "-o", "base.png")
            self.succeed("pet.nii", *options, "-o", "over.png")
            base, over = self.get("base.png"), self.get("over.png")
            self.assert_picture(base.shape, self.laid([[y] * 3 for y in base.values], over.values), "in.nii", *options,
                                "--overlay-image", "pet.nii")

    def test_one_volume_over_a_series_in_colour(self):
        values, other = [self.random.randrange(256) for _ in range(360)], self.numbers((60,)).values
        header = bytearray(make_nifti((4, 5, 3, 2), [], (1, 1, 1), LPS))
        struct.pack_into("<hh", header, 70, 128, 24)
        self.put("in.nii", bytes(header) + bytes(values))
        self.put("pet.nii", make_nifti((4, 5, 3), other, (1, 1, 1), LPS))
        base, over = [], []
        for t, s in itertools.product(range(2), (0, 20, 40)):
            planes = [values[c::3][60 * t + s:60 * t + s + 20] for c in range(3)]
            base += [list(pixel) for pixel in zip(*map(grey_of, planes))]
            over += grey_of(other[s:s + 20])
        self.assert_picture((30, 4), self.laid(base, over), "in.nii", "--slice", "all", "--columns", "1",
                            "--overlay-image", "pet.nii")

    # ---- Refusals ----

    def test_files_that_do_not_fit(self):
        self.put("in.npy", self.numbers((4, 5)))
        for shape, says in (((5, 4), "[1, 1, 5, 4]"), ((2, 1, 4, 5), "[2, 1, 4, 5]")):
            self.put("pet.npy", self.numbers(shape))
            self.refuse(USAGE, "in.npy", "--overlay-image", "pet.npy", "-o", "out.png",
                        says=["in.npy", "the overlay image's planes", says])
        self.put("pet.png", make_png((4, 5, 3), range(60)))
        self.refuse(USAGE, "in.npy", "--overlay-image", "pet.png", "-o", "out.png",
                    says=["in.npy", "the overlay image 'pet.png' is in colour"])
        self.refuse(UNREADABLE, "in.npy", "--overlay-image", "no.npy", "-o", "out.png", says=["no.npy"])
        self.put("in.nii", Volume(self.numbers((4, 5, 3)).values).file())
        self.put("pet.nii", Volume(self.numbers((4, 5, 3)).values, origin=(10, -18, 30)).file())
        self.refuse(USAGE, "in.nii", "--overlay-image", "pet.nii", "-o", "out.png",
                    says=["the overlay image lies elsewhere", "2 mm", "--mask-grid ignore"])
        self.succeed("in.nii", "--overlay-image", "pet.nii", "--mask-grid", "ignore", "-o", "out.png")

    def test_options_that_do_not_fit(self):
        self.put("in.npy", self.numbers((4, 5)))
        self.put("pet.npy", self.numbers((4, 5)))
        self.refuse(USAGE, "in.npy", "-o", "o.png", "--overlay-colormap", "hot",
                    says=["--overlay-colormap is for --overlay-image"])
        for value in ("jet", "", "Hot"):
            self.refuse(USAGE, "in.npy", "-o", "o.png", "--overlay-image", "pet.npy", "--overlay-colormap", value,
                        says=[f"--overlay-colormap '{value}'", "grey, bone, hot"])
        for options in ((), ("--format", "u8")):
            self.refuse(USAGE, "in.npy", "-o", "o.npy", "--overlay-image", "pet.npy", *options,
                        says=["--overlay-image", "--format rgb"])
        self.refuse(USAGE, "-", "-o", "o.png", "--overlay-image", "-", says=["standard input"])
        self.refuse(WRITE, "in.npy", "-o", "pet.npy", "--overlay-image", "pet.npy", "--format", "rgb",
                    says=["an input too", "--force"])

    def test_the_report_names_the_file(self):
        self.put("in.npy", self.numbers((4, 5)))
        self.put("pet.npy", self.numbers((4, 5)))
        report = self.report("in.npy", "--overlay-image", "pet.npy", "-o", "o.png")
        self.assertEqual(report["options"]["overlay_image"], "pet.npy")


if __name__ == "__main__":
    unittest.main()
