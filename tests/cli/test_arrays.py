"""Results as .npy and the windows in --json, against the definition in plain Python."""
import math
import unittest

from support import Array, Case, f32, grey, make_png, product, shown, window_of

USAGE = 2


def planes_of(batch, axes=2):
    """The values of each [H, W] plane (axes 2), [C, H, W] image (3) or of everything (4), one after the other."""
    size = product(batch.shape[4 - axes:])
    return [batch.values[i:i + size] for i in range(0, len(batch.values), size)]


def definition(batch, axes=2, **window):
    """The normalised values and the windows of a [B, C, H, W] batch."""
    windows = [window_of(group, **window) for group in planes_of(batch, axes)]
    values = []
    for group, found in zip(planes_of(batch, axes), windows):
        values += shown(group, found, window.get("which", "nonzero"))
    return values, windows


class Arrays(Case):

    def assert_windows(self, report, windows, number=0):
        found = [(w["lo"], w["hi"], w["n"]) for w in report["inputs"][number]["windows"]]
        self.assertEqual(found, [tuple(w) for w in windows])

    def check(self, batch, *options, axes=2, **window):
        """A batch's three formats and its windows."""
        self.put("in.npy", batch)
        values, windows = definition(batch, axes, **window)
        self.assert_windows(self.report("in.npy", "-o", "out.npy", *options), windows)
        self.assert_array(self.get("out.npy"), "f4", batch.shape, values)
        self.succeed("in.npy", "-o", "out.npy", "--format", "u8", *options)
        self.assert_array(self.get("out.npy"), "u1", batch.shape, grey(values))
        self.succeed("in.npy", "-o", "out.npy", "--format", "rgb", *options)
        self.assert_array(self.get("out.npy"), "u1", batch.shape + (3,), [y for y in grey(values) for _ in range(3)])

    # ---- Batches ----

    def test_each_plane_of_a_batch_has_its_window(self):
        self.check(self.numbers((3, 2, 17, 13)))

    def test_three_channels_stay_apart_in_arrays(self):
        self.check(self.numbers((2, 3, 5, 4)))
        self.check(self.numbers((1, 3, 3, 3)))

    def test_integers(self):
        for kind in ("u1", "i1", "u2", "i2"):
            self.check(self.numbers((2, 1, 9, 7), kind))

    def test_not_finite(self):
        batch = self.numbers((1, 1, 6, 6))
        batch.values[3:6] = [math.nan, math.inf, -math.inf]
        self.check(batch)

    def test_all_background(self):
        self.check(Array("f4", (2, 1, 2, 2), [0, 0, 0, 0, 1, 2, 3, 4]))

    def test_percentile(self):
        self.check(self.numbers((2, 1, 11, 9)), "--percentile", "12.5,80", low=12.5, high=80)

    def test_minmax(self):
        self.check(self.numbers((2, 1, 11, 9)), "--minmax", low=0, high=100)

    def test_scope(self):
        batch = self.numbers((3, 2, 8, 7))
        self.check(batch, "--scope", "plane", axes=2)
        self.check(batch, "--scope", "image", axes=3)
        self.check(batch, "--scope", "batch", axes=4)

    def test_foreground_all(self):
        self.check(self.numbers((2, 1, 8, 7)), "--foreground", "all", which="all")
        self.check(self.numbers((2, 1, 8, 7)), "--foreground", "nonzero")

    # ---- Fixed windows ----

    def test_window_makes_zero_a_value(self):
        batch = self.numbers((2, 1, 8, 7))
        self.put("in.npy", batch)
        report = self.report("in.npy", "-o", "out.npy", "--window", "-2.5,31")
        self.assert_windows(report, [(-18, 13, None)] * 2)
        self.assertIsNone(report["counts"]["foreground"])
        self.assertEqual((report["options"]["window"], report["options"]["foreground"]), ("fixed", "all"))
        self.assert_array(self.get("out.npy"), "f4", batch.shape, shown(batch.values, (-18, 13), "all"))

    def test_window_with_background(self):
        batch = self.numbers((1, 1, 8, 7))
        self.put("in.npy", batch)
        self.succeed("in.npy", "-o", "out.npy", "--window", "-2.5,31", "--foreground", "nonzero")
        self.assert_array(self.get("out.npy"), "f4", batch.shape, shown(batch.values, (-18, 13)))

    # ---- Masks ----

    def check_mask(self, batch, mask, inside):
        """`inside`: the mask broadcast to the batch."""
        self.put("in.npy", batch)
        self.put("mask.npy", mask)
        size = product(batch.shape[2:])
        values, windows = [], []
        for start in range(0, len(batch.values), size):
            plane, part = batch.values[start:start + size], inside[start:start + size]
            windows.append(window_of(plane, mask=part))
            values += shown(plane, windows[-1], mask=part)
        report = self.report("in.npy", "-o", "out.npy", "--mask", "mask.npy")
        self.assert_windows(report, windows)
        self.assertEqual((report["options"]["foreground"], report["options"]["mask"]), ("mask", "mask.npy"))
        self.assert_array(self.get("out.npy"), "f4", batch.shape, values)

    def test_mask_of_any_type(self):
        batch = self.numbers((2, 2, 6, 5))
        for kind in ("u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8"):
            inside = [self.random.randrange(2) for _ in batch.values]
            some = 0.25 if kind[0] == "f" else (-1 if kind[0] == "i" else 1 << (8 * int(kind[1]) - 1))
            self.check_mask(batch, Array(kind, batch.shape, [some * m for m in inside]), inside)

    def test_nan_in_a_mask_is_outside(self):
        batch = self.numbers((1, 1, 4, 4))
        inside = [i % 3 == 0 for i in range(16)]
        for kind in ("f2", "f4", "f8"):
            self.check_mask(batch, Array(kind, batch.shape, [1.0 if m else math.nan for m in inside]), inside)

    def test_mask_broadcasts(self):
        batch = self.numbers((2, 2, 4, 3))
        mask = Array("u1", (4, 3), [self.random.randrange(2) for _ in range(12)])
        self.check_mask(batch, mask, mask.values * 4)
        mask = Array("u1", (2, 1, 4, 3), [self.random.randrange(2) for _ in range(24)])
        self.check_mask(batch, mask, mask.values[:12] * 2 + mask.values[12:] * 2)

    def test_mask_that_does_not_fit(self):
        self.put("in.npy", self.numbers((2, 1, 4, 3)))
        self.put("mask.npy", self.numbers((4, 4)))
        self.refuse(USAGE, "in.npy", "-o", "out.npy", "--mask", "mask.npy",
                    says=["in.npy", "mask", "[1, 1, 4, 4]", "[2, 1, 4, 3]"])

    def test_mask_is_sliced_like_the_volume(self):
        volume, mask = self.numbers((4, 5, 6)), self.numbers((4, 5, 6), "u1")
        self.put("in.npy", volume)
        self.put("mask.npy", mask)
        for axis in range(3):
            view = self.slice_of(volume, axis, 2)
            inside = self.slice_of(mask, axis, 2).values
            self.succeed("in.npy", "-o", "out.npy", "--mask", "mask.npy", "--axis", str(axis), "--slice", "2")
            self.assert_array(self.get("out.npy"), "f4", view.shape,
                              shown(view.values, window_of(view.values, mask=inside), mask=inside))

    def test_a_mask_slice_that_is_not_there(self):
        self.put("in.npy", self.numbers((4, 5, 6)))
        self.put("mask.npy", self.numbers((4, 5, 3), "u1"))
        self.refuse(USAGE, "in.npy", "-o", "out.npy", "--mask", "mask.npy", "--slice", "4",
                    says=["mask.npy", "--slice 4", "0 to 2"])

    # ---- Images and volumes ----

    @staticmethod
    def slice_of(volume, axis, number):
        shape = [extent for a, extent in enumerate(volume.shape) if a != axis]

        def index_of(row, column):
            index = [row, column]
            index.insert(axis, number)
            return index

        return volume.picked(shape, index_of)

    def test_image(self):
        image = self.numbers((7, 9))
        self.put("in.npy", image)
        window = window_of(image.values)
        self.assert_windows(self.report("in.npy", "-o", "out.npy"), [window])
        values = shown(image.values, window)
        self.assert_array(self.get("out.npy"), "f4", (7, 9), values)
        self.succeed("in.npy", "-o", "out.npy", "--format", "rgb")
        self.assert_array(self.get("out.npy"), "u1", (7, 9, 3), [y for y in grey(values) for _ in range(3)])

    def test_the_centre_slice_along_axis_2_is_the_default(self):
        volume = self.numbers((4, 5, 7))
        self.put("in.npy", volume)
        report = self.report("in.npy", "-o", "out.npy")
        self.assertEqual((report["inputs"][0]["axis"], report["inputs"][0]["slices"]), (2, {"first": 3, "count": 1}))
        view = self.slice_of(volume, 2, 3)
        self.assert_array(self.get("out.npy"), "f4", (4, 5), shown(view.values, window_of(view.values)))

    def test_every_slice_along_every_axis(self):
        volume = self.numbers((4, 5, 6))
        self.put("in.npy", volume)
        for axis in range(3):
            for number in (0, volume.shape[axis] // 2, volume.shape[axis] - 1):
                view = self.slice_of(volume, axis, number)
                name = "centre" if number == volume.shape[axis] // 2 else str(number)
                self.succeed("in.npy", "-o", "out.npy", "--axis", str(axis), "--slice", name)
                self.assert_array(self.get("out.npy"), "f4", view.shape, shown(view.values, window_of(view.values)))

    def test_slice_all_makes_a_batch(self):
        volume = self.numbers((4, 5, 6))
        self.put("in.npy", volume)
        for axis, scope in ((0, "plane"), (1, "image"), (2, "plane"), (2, "batch")):
            views = [self.slice_of(volume, axis, number) for number in range(volume.shape[axis])]
            batch = Array("f4", (len(views), 1) + views[0].shape, [x for view in views for x in view.values])
            # each slice is an image of its own
            values, windows = definition(batch, {"plane": 2, "image": 3, "batch": 4}[scope])
            report = self.report("in.npy", "-o", "out.npy", "--axis", str(axis), "--slice", "all", "--scope", scope)
            self.assert_windows(report, windows)
            self.assertEqual(report["inputs"][0]["batch"], list(batch.shape))
            self.assert_array(self.get("out.npy"), "f4", batch.shape, values)

    def test_the_window_of_one_slice_is_its_own_in_every_scope(self):
        volume = self.numbers((4, 5, 6))
        self.put("in.npy", volume)
        view = self.slice_of(volume, 2, 3)
        for scope in ("plane", "image", "batch"):
            self.assert_windows(self.report("in.npy", "-o", "out.npy", "--scope", scope), [window_of(view.values)])

    # ---- Several files ----

    def test_files_are_stacked(self):
        volume, image, batch = self.numbers((4, 5, 3)), self.numbers((4, 5)), self.numbers((2, 1, 4, 5))
        for name, data in (("v.npy", volume), ("i.npy", image), ("b.npy", batch)):
            self.put(name, data)
        planes = [self.slice_of(volume, 2, 1).values, image.values, batch.values[:20], batch.values[20:]]
        values = [y for plane in planes for y in shown(plane, window_of(plane))]
        report = self.report("v.npy", "i.npy", "b.npy", "-o", "out.npy")
        for number, windows in enumerate(([planes[0]], [planes[1]], planes[2:])):
            self.assert_windows(report, map(window_of, windows), number)
        self.assert_array(self.get("out.npy"), "f4", (4, 1, 4, 5), values)
        self.succeed("v.npy", "i.npy", "b.npy", "-o", "out.npy", "--format", "rgb")
        self.assertEqual(self.get("out.npy").shape, (4, 1, 4, 5, 3))

    def test_each_file_is_a_batch_of_its_own(self):
        one, other = self.numbers((2, 1, 4, 5)), self.numbers((1, 1, 4, 5))
        self.put("a.npy", one)
        self.put("b.npy", other)
        report = self.report("a.npy", "b.npy", "-o", "out.npy", "--scope", "batch")
        self.assert_windows(report, [window_of(one.values)], 0)
        self.assert_windows(report, [window_of(other.values)], 1)

    def test_files_of_other_shapes_are_not_stacked(self):
        self.put("a.npy", self.numbers((4, 5)))
        self.put("b.npy", self.numbers((5, 4)))
        self.refuse(USAGE, "a.npy", "b.npy", "-o", "out.npy", says=["b.npy", "[1, 5, 4]", "[1, 4, 5]"])

    def test_colour_pictures_are_three_channels(self):
        pixels = [self.random.randrange(256) for _ in range(4 * 5 * 3)]
        self.put("in.png", make_png((4, 5, 3), pixels))
        batch = Array("f4", (1, 3, 4, 5), [f32(x) for c in range(3) for x in pixels[c::3]])
        values, windows = definition(batch)
        self.assert_windows(self.report("in.png", "-o", "out.npy"), windows)
        self.assert_array(self.get("out.npy"), "f4", (1, 3, 4, 5), values)


if __name__ == "__main__":
    unittest.main()
