"""Labels laid over the pictures in colour: where, how strongly, and which files are refused."""
import itertools
import struct
import unittest

from support import Array, Case, grey, make_nifti, make_png, product, shown, window_of
from test_masks import LPS, Volume, turns

USAGE, UNREADABLE, WRITE = 2, 3, 5
COLOURS = ((230, 60, 50), (60, 180, 75), (65, 105, 225), (255, 200, 30), (200, 80, 220), (60, 200, 210))


def overlaid(pixels, labels, opacity=0.5):
    """The bytes of [R, G, B] pixels under the labels."""
    alpha = int(256 * opacity + 0.5)

    def mixed(pixel, label):
        colour = COLOURS[(label - 1) % 2**32 % 6]
        return [(p * (256 - alpha) + c * alpha + 128) // 256 for p, c in zip(pixel, colour)] if label else pixel

    return [y for pixel, label in zip(pixels, labels) for y in mixed(pixel, label)]


def grey_of(values):
    return [[y] * 3 for y in grey(shown(values, window_of(values)))]


class Overlays(Case):

    def labels(self, count, largest=9):
        """Two in five are none."""
        return [self.random.randint(1, largest) if self.random.random() > 0.4 else 0 for _ in range(count)]

    def assert_picture(self, shape, values, *arguments):
        self.succeed(*arguments, "-o", "out.png")
        self.assert_array(self.get("out.png"), "u1", (*shape, 3), values)

    def refuse_overlay(self, data, *says, code=USAGE):
        self.put("labels.npy", data)
        self.refuse(code, "in.npy", "-o", "out.png", "--overlay", "labels.npy", says=["in.npy", "overlay", *says])

    # ---- Colours ----

    def test_an_image(self):
        image, labels = self.numbers((11, 13)), self.labels(143)
        self.put("in.npy", image)
        self.put("labels.npy", Array("u1", (11, 13), labels))
        self.assert_picture((11, 13), overlaid(grey_of(image.values), labels), "in.npy", "--overlay", "labels.npy")
        for opacity in (0, 1, round(self.random.random(), 3)):
            self.assert_picture((11, 13), overlaid(grey_of(image.values), labels, opacity), "in.npy", "--overlay",
                                "labels.npy", "--opacity", str(opacity))

    def test_types_of_labels(self):
        image = self.numbers((5, 6))
        self.put("in.npy", image)
        for kind in ("u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8"):
            labels = self.labels(30, {"1": 127, "2": 2047}.get(kind[1], 2**24))
            if kind[0] != "u":
                labels = [self.random.choice((-1, 1)) * label for label in labels]
            self.put("labels.npy", Array(kind, (5, 6), labels))
            self.assert_picture((5, 6), overlaid(grey_of(image.values), labels), "in.npy", "--overlay", "labels.npy")
        labels = [2**31 - 1, -2**31, 0, 1] * 7 + [0, 0]
        for kind in ("i4", "f8"):
            self.put("labels.npy", Array(kind, (5, 6), labels))
            self.assert_picture((5, 6), overlaid(grey_of(image.values), labels), "in.npy", "--overlay", "labels.npy")

    def test_not_a_number_is_no_label(self):
        image, labels = self.numbers((4, 5)), self.labels(20)
        self.put("in.npy", image)
        for kind in ("f2", "f4", "f8"):
            self.put("labels.npy", Array(kind, (4, 5), [label or float("nan") for label in labels]))
            self.assert_picture((4, 5), overlaid(grey_of(image.values), labels), "in.npy", "--overlay", "labels.npy")

    def test_over_the_colours_of_a_map_and_under_a_mask(self):
        image, labels = self.numbers((8, 9)), self.labels(72)
        inside = [self.random.randrange(2) for _ in range(72)]
        self.put("in.npy", image)
        self.put("labels.npy", Array("i2", (8, 9), labels))
        self.put("mask.npy", Array("u1", (8, 9), inside))
        self.succeed("in.npy", "--colormap", "viridis", "--mask", "mask.npy", "-o", "base.png")
        base = self.get("base.png").values
        pixels = [base[i:i + 3] for i in range(0, len(base), 3)]
        self.assert_picture((8, 9), overlaid(pixels, labels), "in.npy", "--colormap", "viridis", "--mask", "mask.npy",
                            "--overlay", "labels.npy")

    def test_pictures_in_colour(self):
        pixels = [self.random.randrange(256) for _ in range(4 * 7 * 3)]
        labels = self.labels(28)
        self.put("in.png", make_png((4, 7, 3), pixels))
        self.put("labels.png", make_png((4, 7), labels))
        channels = [grey(shown(pixels[c::3], window_of(pixels[c::3]))) for c in range(3)]
        expected = overlaid([list(pixel) for pixel in zip(*channels)], labels)
        self.assert_picture((4, 7), expected, "in.png", "--overlay", "labels.png")

    # ---- Places ----

    def test_every_slice_of_a_volume(self):
        volume, labels = self.numbers((4, 5, 3)), self.labels(60)
        self.put("in.npy", volume)
        self.put("labels.npy", Array("f4", (4, 5, 3), labels))
        planes = [overlaid(grey_of(volume.values[s::3]), labels[s::3]) for s in range(3)]
        self.assert_picture((12, 5), sum(planes, []), "in.npy", "--overlay", "labels.npy", "--slice", "all",
                            "--columns", "1")
        self.assert_picture((8, 5), planes[0] + planes[2], "in.npy", "--overlay", "labels.npy", "--slice", "all",
                            "--every", "2", "--columns", "1")
        for slice_ in range(3):
            self.assert_picture((4, 5), planes[slice_], "in.npy", "--overlay", "labels.npy", "--slice", str(slice_))

    def test_arrays_of_rgb(self):
        batch = self.numbers((2, 2, 4, 5))
        planes = [batch.values[i:i + 20] for i in range(0, 80, 20)]
        self.put("in.npy", batch)
        for shape in ((4, 5), (1, 2, 4, 5), (2, 1, 4, 5), (2, 2, 4, 5)):
            labels = Array("u2", shape, self.labels(product(shape)))
            full = (1,) * (4 - len(shape)) + shape
            self.put("labels.npy", labels)
            self.succeed("in.npy", "--overlay", "labels.npy", "--format", "rgb", "-o", "out.npy")
            expected = []
            for b, c in itertools.product(range(2), repeat=2):
                start = 20 * ((b if full[0] > 1 else 0) * full[1] + (c if full[1] > 1 else 0))
                expected.append(overlaid(grey_of(planes[2 * b + c]), labels.values[start:start + 20]))
            self.assert_array(self.get("out.npy"), "u1", (2, 2, 4, 5, 3), sum(expected, []))
            self.assert_picture((16, 5), sum(expected, []), "in.npy", "--overlay", "labels.npy", "--columns", "1")

    def test_one_row_or_column_is_that_of_the_whole_picture(self):
        image = self.numbers((4, 5))
        self.put("in.npy", image)
        self.put("in.nii", make_nifti((5, 4), image.values, (1, 1.7, 1), LPS))  # whose rows are stretched
        for shape in ((1, 5), (4, 1), (1, 1)):
            labels = Array("u1", shape, [1, *self.labels(product(shape) - 1)])
            whole = labels.picked((4, 5), lambda row, column: (row % shape[0], column % shape[1]))
            self.put("labels.npy", labels)
            self.put("whole.npy", whole)
            self.assert_picture((4, 5), overlaid(grey_of(image.values), whole.values), "in.npy", "--overlay",
                                "labels.npy")
            self.succeed("in.nii", "--mask-grid", "ignore", "--overlay", "whole.npy", "-o", "out.png")
            stretched = self.get("out.png")
            self.assert_picture((7, 5), stretched.values, "in.nii", "--mask-grid", "ignore", "--overlay", "labels.npy")

    def test_any_order_of_axes_is_turned_to_the_inputs(self):
        volume, labels = Volume(self.numbers((4, 5, 3)).values), Volume(self.labels(60))
        self.put("in.nii", volume.file())
        planes = [overlaid(grey_of(volume.values[s:s + 20]), labels.values[s:s + 20]) for s in (0, 20, 40)]
        for order, reversed_axes in turns():
            self.put("labels.nii", labels.turned(order, reversed_axes).file())
            self.succeed("in.nii", "--overlay", "labels.nii", "--slice", "all", "--format", "rgb", "-o", "out.npy")
            self.assert_array(self.get("out.npy"), "u1", (3, 1, 5, 4, 3), sum(planes, []))

    def test_stretched_pictures_have_the_nearest_labels(self):
        """Also where three views are in one scale."""
        extents, spacing = (6, 5, 4), (1, 1.7, 2.3)
        volume, labels = Volume(self.numbers(extents).values, extents=extents, spacing=spacing), self.labels(120)
        self.put("in.nii", volume.file())
        self.put("labels.nii", Volume(labels, extents=extents, spacing=spacing).file())

        def label(axis, row, column):  # of the centre slices
            here = [[(column, 2, 3 - row)], [(3, column, 3 - row)], [(column, row, 2)]][axis][0]
            return labels[here[0] + 6 * (here[1] + 5 * here[2])]

        sizes = {0: (4, 6), 1: (4, 5), 2: (5, 6)}
        spacings = {0: (2.3, 1), 1: (2.3, 1.7), 2: (1.7, 1)}
        for axis, ortho in itertools.product(range(3), (False, True)):
            options = ("--ortho", "--columns", "1") if ortho else ("--axis", str(axis))
            pixel = 1 if ortho else min(spacings[axis])
            down, across = (int(n * s / pixel + 0.5) for n, s in zip(sizes[axis], spacings[axis]))
            self.succeed("in.nii", *options, "-o", "grey.png")
            self.succeed("in.nii", *options, "--overlay", "labels.nii", "-o", "out.png")
            base, picture = self.get("grey.png"), self.get("out.png")
            rows, columns = (base.shape[0] // 3 if ortho else base.shape[0]), base.shape[1]  # of a cell
            top, left = axis * rows + (rows - down) // 2 if ortho else 0, (columns - across) // 2 if ortho else 0
            places = [(r, c) for r in range(down) for c in range(across)]
            near = [label(axis, int((r + 0.5) * sizes[axis][0] / down), int((c + 0.5) * sizes[axis][1] / across))
                    for r, c in places]
            expected = overlaid([[base[top + r, left + c]] * 3 for r, c in places], near)
            self.assertEqual([picture[top + r, left + c, k] for r, c in places for k in range(3)], expected)

    def test_a_volume_labels_each_of_a_series(self):
        extents = (4, 5, 3)
        values, labels = self.numbers((2, 60)).values, self.labels(120)
        self.put("in.nii", make_nifti((*extents, 2), values, (1, 1, 1), LPS))
        for count in (1, 2):
            self.put("labels.nii", make_nifti((*extents, count), labels[:60 * count], (1, 1, 1), LPS))
            planes = [overlaid(grey_of(values[s:s + 20]), labels[s % (60 * count):][:20]) for s in range(0, 120, 20)]
            self.assert_picture((30, 4), sum(planes, []), "in.nii", "--overlay", "labels.nii", "--slice", "all",
                                "--columns", "1")

    def test_volumes_in_colour(self):
        values, labels = [self.random.randrange(256) for _ in range(180)], self.labels(60)
        header = bytearray(make_nifti((4, 5, 3), [], (1, 1, 1), LPS))
        struct.pack_into("<hh", header, 70, 128, 24)
        self.put("in.nii", bytes(header) + bytes(values))
        self.put("labels.nii", make_nifti((4, 5, 3), labels, (1, 1, 1), LPS))
        expected = []
        for start in (0, 20, 40):
            planes = [values[c::3][start:start + 20] for c in range(3)]
            pixels = zip(*(grey(shown(plane, window_of(plane))) for plane in planes))
            expected += overlaid([list(pixel) for pixel in pixels], labels[start:start + 20])
        self.assert_picture((15, 4), expected, "in.nii", "--overlay", "labels.nii", "--slice", "all", "--columns", "1")

    def test_projections_show_the_largest_label_of_each_line(self):
        volume, labels = self.numbers((4, 5, 3)), Array("u1", (4, 5, 3), self.labels(60))
        self.put("in.npy", volume)
        self.put("labels.npy", labels)
        for kind, axis in itertools.product(("max", "min", "mean"), range(3)):
            options = ("--projection", kind, "--axis", str(axis))
            self.succeed("in.npy", *options, "-o", "grey.png")
            base = self.get("grey.png")
            lines = {}
            for index in itertools.product(range(4), range(5), range(3)):
                lines.setdefault(index[:axis] + index[axis + 1:], []).append(labels[index])
            expected = overlaid([[y] * 3 for y in base.values], [max(lines[place]) for place in sorted(lines)])
            self.assert_picture(base.shape, expected, "in.npy", "--overlay", "labels.npy", *options)

    # ---- Refusals ----

    def test_what_are_no_labels(self):
        self.put("in.npy", self.numbers((4, 5)))
        for value, text in ((0.5, "0.5"), (-1.25, "-1.25"), (2.0**31, "2147483648"), (-2.0**31 - 1, "-2147483649"),
                            (float("inf"), "inf"), (1e300, "e+300")):
            self.refuse_overlay(Array("f8", (4, 5), [1] * 19 + [value]), "'labels.npy'", text, "whole numbers",
                                "-2147483648 to 2147483647")
        self.refuse_overlay(Array("u4", (4, 5), [1] * 19 + [2**31]), "2147483648", "whole numbers")
        self.refuse_overlay(Array("f2", (4, 5), [1] * 19 + [0.5]), "0.5", "whole numbers")
        self.refuse_overlay(Array("u1", (4, 5, 3), [1] * 60), "in colour", "one number a pixel")

    def test_other_shapes(self):
        self.put("in.npy", self.numbers((4, 5)))
        self.refuse_overlay(Array("u1", (5, 4), [1] * 20), "[1, 1, 5, 4]", "[1, 1, 4, 5]")
        self.refuse_overlay(Array("u1", (2, 1, 4, 5), [1] * 40), "[2, 1, 4, 5]", "[1, 1, 4, 5]")

    def test_other_grids(self):
        volume = Volume(self.numbers((4, 5, 3)).values)
        self.put("in.nii", volume.file())
        self.put("labels.nii", Volume(self.labels(60), origin=(11, -20, 30)).file())
        self.refuse(USAGE, "in.nii", "--overlay", "labels.nii", "-o", "out.png",
                    says=["in.nii", "the overlay lies elsewhere", "1 mm",
                          "--mask-grid ignore takes the overlay's voxels for the input's"])
        self.succeed("in.nii", "--overlay", "labels.nii", "--mask-grid", "ignore", "-o", "out.png")
        self.put("labels.nii", make_nifti((4, 5, 3), [1] * 60, (1, 1.5, 2), None))
        self.refuse(USAGE, "in.nii", "--overlay", "labels.nii", "-o", "out.png",
                    says=["the overlay does not say where its axes point"])
        self.put("labels.nii", make_nifti((4, 5, 2), [1] * 40, (1, 1.5, 2), LPS))
        self.refuse(USAGE, "in.nii", "--overlay", "labels.nii", "-o", "out.png", says=["the overlay's grid", "5 x 4 x 2"])

    def test_values_and_combinations(self):
        self.put("in.npy", self.numbers((4, 5)))
        self.put("labels.npy", Array("u1", (4, 5), self.labels(20)))
        for value in ("1.01", "-0.1", "x", "", "nan", "50%", "1e999"):
            self.refuse(USAGE, "in.npy", "-o", "o.png", "--overlay", "labels.npy", "--opacity", value,
                        says=[f"--opacity '{value}'", "a number from 0 to 1"])
        self.refuse(USAGE, "in.npy", "-o", "o.png", "--opacity", "0.5", says=["--opacity is for --overlay"])
        self.refuse(USAGE, "in.npy", "-o", "o.png", "--mask-grid", "same", says=["--mask-grid is for", "--overlay"])
        for options in ((), ("--format", "u8"), ("--format", "f32")):
            self.refuse(USAGE, "in.npy", "-o", "o.npy", "--overlay", "labels.npy", *options,
                        says=["--overlay", "--format rgb"])
        self.refuse(USAGE, "-", "-o", "o.png", "--overlay", "-", says=["standard input"])
        self.refuse(UNREADABLE, "in.npy", "-o", "o.png", "--overlay", "no.npy", says=["no.npy"])
        self.refuse(WRITE, "in.npy", "-o", "labels.npy", "--overlay", "labels.npy", "--format", "rgb",
                    says=["an input too", "--force"])

    def test_the_report_names_the_file(self):
        self.put("in.npy", self.numbers((4, 5)))
        self.put("labels.npy", Array("u1", (4, 5), self.labels(20)))
        self.assertEqual(self.report("in.npy", "--overlay", "labels.npy", "-o", "o.png")["options"]["overlay"], "labels.npy")
        self.assertIsNone(self.report("in.npy", "-o", "o.png")["options"]["overlay"])


if __name__ == "__main__":
    unittest.main()
