"""--scope volume: one window over all that a file holds, whatever of it is shown."""
import struct
import unittest

from support import Array, Case, grey, make_nifti, product, shown, window_of

TOWARDS_THE_REST = ((-1, 0, 0), (0, 1, 0), (0, 0, 1))


class Whole(Case):

    def volume(self, shape=(4, 5, 7), kind="f4"):
        volume = self.numbers(shape, kind)
        self.put("in.npy", volume)
        return volume

    def assert_window(self, report, window):
        for entry in report["inputs"]:
            self.assertEqual(entry["windows"], [{"lo": window[0], "hi": window[1], "n": window[2]}])
        self.assertEqual(report["options"]["scope"], "volume")
        self.assertEqual(report["counts"]["foreground"], window[2])

    def plane(self, volume, axis, number):
        shape = [extent for a, extent in enumerate(volume.shape) if a != axis]

        def index(row, column):
            place = [row, column]
            place.insert(axis, number)
            return place
        return volume.picked(shape, index)

    def test_slices(self):
        for kind in ("f4", "i2", "i4"):
            volume = self.volume(kind=kind)
            window = window_of(volume.values)
            for axis in range(3):
                number = self.random.randrange(volume.shape[axis])
                report = self.report("in.npy", "-o", "out.npy", "--scope", "volume", "--axis", str(axis), "--slice", str(number))
                self.assert_window(report, window)
                if kind == "i4":
                    continue  # is mapped in float64
                plane = self.plane(volume, axis, number)
                self.assert_array(self.get("out.npy"), "f4", plane.shape, shown(plane.values, window))
                report = self.report("in.npy", "-o", "out.npy", "--scope", "volume", "--axis", str(axis), "--slice", "all", "--every", "3")
                self.assert_window(report, window)
                planes = [self.plane(volume, axis, n) for n in range(0, volume.shape[axis], 3)]
                self.assert_array(self.get("out.npy"), "f4", (len(planes), 1, *plane.shape),
                                  [y for p in planes for y in shown(p.values, window)])

    def test_other_windows(self):
        volume = self.volume()
        for more, how in ((("--minmax",), {"low": 0, "high": 100}), (("--percentile", "10,70"), {"low": 10, "high": 70}),
                          (("--foreground", "all"), {"which": "all"})):
            self.assert_window(self.report("in.npy", "-o", "out.npy", "--scope", "volume", *more), window_of(volume.values, **how))
        report = self.report("in.npy", "-o", "out.npy", "--scope", "volume", "--window", "10,4")
        self.assertEqual(report["inputs"][0]["windows"], [{"lo": 8, "hi": 12, "n": None}])

    def test_a_projection_is_mapped_through_the_window_of_the_voxels(self):
        volume = self.volume()
        window = window_of(volume.values)
        report = self.report("in.npy", "-o", "out.npy", "--scope", "volume", "--mip", "--axis", "1")
        self.assert_window(report, window)
        top = [max(volume[row, n, column] for n in range(5)) for row in range(4) for column in range(7)]
        self.assert_array(self.get("out.npy"), "f4", (4, 7), shown(top, window))

    def test_three_views(self):
        volume = self.volume((4, 4, 4))
        window = window_of(volume.values)
        report = self.report("in.npy", "-o", "out.png", "--scope", "volume", "--ortho", "--columns", "3")
        self.assertEqual(len(report["inputs"]), 3)
        self.assert_window(report, window)
        picture = self.get("out.png")
        for axis in range(3):
            # .npy has no directions: rows and columns are the other axes in their order
            expected = grey(shown(self.plane(volume, axis, 2).values, window))
            self.assertEqual([picture[row, 4 * axis + column] for row in range(4) for column in range(4)], expected)

    def test_masks_are_whole_too(self):
        volume = self.volume()
        mask = Array("u1", volume.shape, [self.random.randrange(3) == 0 for _ in range(product(volume.shape))])
        self.put("mask.npy", mask)
        window = window_of(volume.values, mask=mask.values)
        for axis in range(3):
            report = self.report("in.npy", "-o", "out.npy", "--scope", "volume", "--mask", "mask.npy", "--axis", str(axis), "--slice", "1")
            self.assert_window(report, window)
            plane = self.plane(volume, axis, 1)
            inside = self.plane(mask, axis, 1).values
            self.assert_array(self.get("out.npy"), "f4", plane.shape, shown(plane.values, window, mask=inside))

    def test_series_and_colours(self):
        values = self.numbers((5, 4, 3, 2)).values
        self.put("in.nii", make_nifti((5, 4, 3, 2), values, directions=TOWARDS_THE_REST))
        window = window_of(values)
        report = self.report("in.nii", "-o", "out.npy", "--scope", "volume", "--slice", "1")
        self.assert_window(report, window)
        pixels = [self.random.randrange(256) for _ in range(3 * 60)]
        header = bytearray(make_nifti((5, 4, 3), [], directions=TOWARDS_THE_REST))
        struct.pack_into("<hh", header, 70, 128, 24)
        self.put("colour.nii", bytes(header) + bytes(pixels))
        report = self.report("colour.nii", "-o", "out.png", "--scope", "volume", "--slice", "1")
        self.assert_window(report, window_of(pixels))
        plane = [pixels[3 * (x + 5 * ((3 - row) + 4)) + c] for row in range(4) for x in range(5) for c in range(3)]
        self.assertEqual(self.get("out.png").values, grey(shown(plane, window_of(pixels))))

    def test_images_and_batches_are_shown_whole(self):
        for shape in ((6, 5), (3, 2, 6, 5)):
            array_ = self.volume(shape)
            window = window_of(array_.values)
            self.assert_window(self.report("in.npy", "-o", "out.npy", "--scope", "volume"), window)
            self.assert_array(self.get("out.npy"), "f4", shape, shown(array_.values, window))

    def test_each_file_has_its_own(self):
        one, other = self.numbers((4, 5, 3)), self.numbers((4, 5, 6))
        self.put("a.npy", one)
        self.put("b.npy", other)
        report = self.report("a.npy", "b.npy", "-o", "out.npy", "--scope", "volume")
        for entry, volume in zip(report["inputs"], (one, other)):
            lo, hi, n = window_of(volume.values)
            self.assertEqual(entry["windows"], [{"lo": lo, "hi": hi, "n": n}])
        self.assertEqual(report["counts"]["foreground"], window_of(one.values)[2] + window_of(other.values)[2])

    def test_a_volume_of_background(self):
        self.put("in.npy", Array("f4", (2, 3, 4), [0] * 24))
        report = self.report("in.npy", "-o", "out.npy", "--scope", "volume")
        self.assertEqual(report["inputs"][0]["windows"], [{"lo": None, "hi": None, "n": 0}])
        self.assert_array(self.get("out.npy"), "f4", (2, 3), [0] * 6)

    def test_a_second_image_is_measured_whole_too(self):
        self.put("in.npy", Array("f4", (4, 5, 7), [1] * 140))
        pet = self.numbers((4, 5, 7))
        self.put("pet.npy", pet)
        self.succeed("in.npy", "-o", "out.npy", "--format", "rgb", "--scope", "volume", "--slice", "2", "--overlay-image", "pet.npy",
                     "--overlay-colormap", "grey", "--opacity", "1", "--minmax")
        bytes_ = grey(shown(self.plane(pet, 2, 2).values, window_of(pet.values)))
        # What is under it is black, as a window of one value makes it.
        self.assertEqual(self.get("out.npy").values, [byte for byte in bytes_ for _ in range(3)])


if __name__ == "__main__":
    unittest.main()
