"""PNG outputs: grey and colour, grids, proportions, which way up."""
import gzip
import itertools
import math
import unittest

from support import Array, Case, grey, make_nifti, make_png, make_tiff, product, shown, window_of


def grey_of(values):
    return grey(shown(values, window_of(values)))


class Pictures(Case):

    def cells(self, picture, rows, columns):
        """The picture cut into cells of rows x columns, in reading order."""
        channels = picture.shape[2:]
        return [picture.picked((rows, columns) + channels, lambda r, c, *k: (top + r, left + c, *k))
                for top in range(0, picture.shape[0], rows) for left in range(0, picture.shape[1], columns)]

    # ---- One picture ----

    def test_image_as_grey(self):
        image = self.numbers((13, 17))
        self.put("in.npy", image)
        report = self.report("in.npy", "-o", "out.png")
        self.assert_array(self.get("out.png"), "u1", (13, 17), grey_of(image.values))
        output = report["output"]
        self.assertEqual((output["format"], output["type"], output["shape"], output["cells"], output["columns"]),
                         ("png", "u8", [13, 17], 1, 1))

    def test_three_channels_as_rgb(self):
        for rows, columns in ((5, 4), (3, 3)):
            pixels = [self.random.randrange(256) for _ in range(rows * columns * 3)]
            self.put("in.png", make_png((rows, columns, 3), pixels))
            self.succeed("in.png", "-o", "out.png")
            channels = [grey_of(pixels[c::3]) for c in range(3)]
            expected = [y for pixel in zip(*channels) for y in pixel]
            self.assert_array(self.get("out.png"), "u1", (rows, columns, 3), expected)

    def test_formats_of_input(self):
        """One picture in every format is shown alike; the format is told by the content."""
        pixels = [self.random.randrange(256) for _ in range(30)]
        turned = pixels[::-1]  # NIfTI's axes run to the right and to anterior
        files = (("png", "image", make_png((6, 5), pixels)), ("tiff", "image", make_tiff((1, 6, 5), pixels)),
                 ("npy", "image", Array("u1", (6, 5), pixels).npy()),
                 ("nifti", "volume", make_nifti((5, 6, 3), [0] * 30 + turned + [0] * 30)))
        for format_, kind, data in files:
            for name, content in (("in", data), ("in.gz", gzip.compress(data))):
                self.put(name, content)
                report = self.report(name, "-o", "out.png")
                self.assertEqual((report["inputs"][0]["format"], report["inputs"][0]["kind"]), (format_, kind))
                self.assert_array(self.get("out.png"), "u1", (6, 5), grey_of(pixels))

    def test_pages_of_a_tiff_are_a_batch(self):
        pixels = [self.random.randrange(256) for _ in range(4 * 30)]
        self.put("in.tif", make_tiff((4, 6, 5), pixels))
        report = self.report("in.tif", "-o", "out.png", "--columns", "2")
        self.assertEqual((report["inputs"][0]["kind"], report["inputs"][0]["shape"]), ("batch", [4, 1, 6, 5]))
        for page, cell in enumerate(self.cells(self.get("out.png"), 6, 5)):
            self.assertEqual(cell.values, grey_of(pixels[30 * page:30 * page + 30]))

    # ---- Grids ----

    def test_grid_of_planes(self):
        batch = self.numbers((3, 2, 4, 7))
        self.put("in.npy", batch)
        for columns in (1, 2, 4, 5, 6, 9):
            report = self.report("in.npy", "-o", "out.png", "--columns", str(columns))
            across = min(columns, 6)
            down = math.ceil(6 / across)
            self.assertEqual((report["output"]["cells"], report["output"]["columns"]), (6, across))
            picture = self.get("out.png")
            self.assertEqual(picture.shape, (4 * down, 7 * across))
            cells = self.cells(picture, 4, 7)
            for number, cell in enumerate(cells):
                plane = batch.values[28 * number:28 * number + 28]
                self.assertEqual(cell.values, grey_of(plane) if plane else [0] * 28)

    def test_without_columns_the_picture_is_near_square(self):
        for shape, across in (((16, 1, 8, 8), 4), ((10, 1, 8, 8), 4), ((4, 1, 2, 8), 1), ((4, 1, 8, 2), 4),
                              ((2, 1, 8, 8), 2)):
            self.put("in.npy", self.numbers(shape))
            self.assertEqual(self.report("in.npy", "-o", "out.png")["output"]["columns"], across, shape)

    def test_padding_between_and_around_cells(self):
        """As torchvision's make_grid has it: nothing around a single picture."""
        small, batch, value = self.numbers((3, 4)), self.numbers((5, 1, 4, 7)), round(self.random.random(), 2)
        self.put("in.npy", batch)
        self.put("small.npy", small)
        planes = [(4, 7, grey_of(batch.values[28 * i:28 * i + 28])) for i in range(5)] + [(3, 4, grey_of(small.values))]
        for columns, padding in itertools.product((1, 2, 4, 6), (0, 1, 3)):
            down = math.ceil(6 / columns)
            expected = [[int(255 * value)] * (columns * (7 + padding) + padding)
                        for _ in range(down * (4 + padding) + padding)]
            for number, (rows, across, pixels) in enumerate(planes):
                top = padding + number // columns * (4 + padding) + (4 - rows) // 2
                left = padding + number % columns * (7 + padding) + (7 - across) // 2
                for r, c in itertools.product(range(rows), range(across)):
                    expected[top + r][left + c] = pixels[across * r + c]
            self.succeed("in.npy", "small.npy", "-o", "out.png", "--columns", str(columns), "--padding", str(padding),
                         "--padding-value", str(value))
            self.assert_array(self.get("out.png"), "u1", (len(expected), len(expected[0])), sum(expected, []))
        self.succeed("small.npy", "-o", "out.png", "--padding", "5", "--padding-value", "1")
        self.assert_array(self.get("out.png"), "u1", (3, 4), planes[5][2])
        self.succeed("in.npy", "-o", "out.png", "--padding", "2", "--columns", "5", "--colormap", "hot", "--padding-value", "1")
        self.assertEqual([self.get("out.png")[r, 9, k] for r in range(8) for k in range(3)], [255] * 24)
        self.refuse(4, "in.npy", "-o", "out.png", "--padding", "999999", says=["out.png", "rows", "columns"])

    def test_images_in_colour_are_one_cell_each(self):
        batch = self.numbers((2, 3, 4, 5))
        self.put("in.npy", batch)
        self.succeed("in.npy", "-o", "out.png", "--columns", "2")
        picture = self.get("out.png")
        self.assertEqual(picture.shape, (4, 10, 3))
        for image, channel in itertools.product(range(2), range(3)):
            plane = batch.values[20 * (3 * image + channel):][:20]
            found = [picture[r, 5 * image + c, channel] for r in range(4) for c in range(5)]
            self.assertEqual(found, grey_of(plane))

    def test_files_of_different_sizes_are_centred_on_black(self):
        small, large = self.numbers((2, 3), "u1"), self.numbers((6, 5), "u1")
        self.put("small.npy", small)
        self.put("large.npy", large)
        self.succeed("small.npy", "large.npy", "-o", "out.png", "--columns", "2")
        first, second = self.cells(self.get("out.png"), 6, 5)
        self.assertEqual(second.values, grey_of(large.values))
        drawn = grey_of(small.values)
        expected = [drawn[3 * (r - 2) + c - 1] if 2 <= r < 4 and 1 <= c < 4 else 0
                    for r in range(6) for c in range(5)]
        self.assertEqual(first.values, expected)

    def test_grey_beside_colour(self):
        image, batch = self.numbers((4, 5)), self.numbers((1, 3, 4, 5))
        self.put("grey.npy", image)
        self.put("colour.npy", batch)
        self.succeed("grey.npy", "colour.npy", "-o", "out.png", "--columns", "1")
        first, second = self.cells(self.get("out.png"), 4, 5)
        self.assertEqual(first.values, [y for y in grey_of(image.values) for _ in range(3)])
        channels = [grey_of(batch.values[20 * c:20 * c + 20]) for c in range(3)]
        self.assertEqual(second.values, [y for pixel in zip(*channels) for y in pixel])

    def test_colours_of_a_map(self):
        """Those that the library gives for the same grey, also where pictures are stretched; black between them."""
        image, wide = self.numbers((4, 5)), self.numbers((6, 7))
        self.put("image.npy", image)
        self.put("wide.npy", wide)
        self.put("ramp.npy", Array("f4", (16, 16), [(i + 0.5) / 255 for i in range(256)]))
        self.succeed("ramp.npy", "--window", "0.5,1", "--epsilon", "0", "--colormap", "hot", "--format", "rgb", "-o", "map.npy")
        colours = [self.get("map.npy").values[3 * i:3 * i + 3] for i in range(256)]
        self.assertEqual((tuple(colours[0]), tuple(colours[255])), ((11, 0, 0), (255, 255, 255)))
        self.succeed("image.npy", "wide.npy", "--colormap", "hot", "--columns", "2", "-o", "out.png")
        first, second = self.cells(self.get("out.png"), 6, 7)
        self.assertEqual(second.values, [y for grey in grey_of(wide.values) for y in colours[grey]])
        drawn = grey_of(image.values)
        self.assertEqual(first.values, [y for r in range(6) for c in range(7) for y in
                                        (colours[drawn[5 * (r - 1) + c - 1]] if 1 <= r < 5 and 1 <= c < 6 else (0, 0, 0))])
        volume = make_nifti((5, 4, 1), [1 + i % 9 for i in range(20)], spacing=(1, 2, 1))
        self.put("tall.nii", volume)
        self.succeed("tall.nii", "-o", "grey.png")
        self.succeed("tall.nii", "--colormap", "hot", "-o", "hot.png")
        self.assertEqual(self.get("hot.png").values, [y for grey in self.get("grey.png").values for y in colours[grey]])

    def test_colours_have_no_map(self):
        self.put("colour.npy", self.numbers((1, 3, 4, 5)))
        self.refuse(2, "colour.npy", "--colormap", "hot", "-o", "out.png", says=["colour.npy", "--colormap is for grey"])

    def test_every_slice_of_a_volume(self):
        volume = self.numbers((4, 5, 3))
        self.put("in.npy", volume)
        self.succeed("in.npy", "-o", "out.png", "--slice", "all", "--columns", "3")
        for number, cell in enumerate(self.cells(self.get("out.png"), 4, 5)):
            self.assertEqual(cell.values, grey_of(volume.values[number::3]))

    def test_a_picture_packed_in_pieces(self):
        values = self.random.randbytes(1100 * 1000)  # more than a piece; each of 0 to 255 occurs
        self.put("noise.npy", Array("u1", (1100, 1000), values))
        self.succeed("noise.npy", "--window", "127.5,255", "-o", "out.png")
        with open(self.path("out.png"), "rb") as file:
            self.assertGreater(file.read().count(b"IDAT"), 2)
        shown = self.get("out.png")
        self.assertEqual(shown.shape, (1100, 1000))
        # 255 * (x / 255), truncated, may be one less
        self.assertTrue(all(x - 1 <= y <= x for x, y in zip(values, shown.values)))

    def test_a_picture_too_large_is_refused_by_its_size(self):
        for spacing in ((1, 1e6, 1), (1e6, 1, 1), (1e9, 1, 1)):
            self.put("in.nii", make_nifti((4, 4, 2), [1] * 32, spacing=spacing))
            self.refuse(4, "in.nii", "-o", "out.png", says=["out.png", "rows", "1000000"])
        self.succeed("in.nii", "-o", "out.npy")
        self.put("long.npy", Array("u1", (1, 1234567), bytes(1234567)))
        self.refuse(4, "long.npy", "-o", "out.png", says=["1 rows", "1234567 columns"])

    # ---- Anatomy ----

    # Where the rows and columns of each view run: axis: (top to bottom, left to right), with the format's
    # x to the patient's right, y anterior, z superior.
    VIEWS = {0: ((0, 0, -1), (-1, 0, 0)), 1: ((0, 0, -1), (0, -1, 0)), 2: ((0, -1, 0), (-1, 0, 0))}

    def anatomy(self, directions, extents):
        """A volume whose values tell where they lie: a function of patient coordinates, and the file."""
        values = {}
        for index in itertools.product(*map(range, extents)):
            place = tuple(sum(directions[a][x] * (index[a] - extents[a] // 2) for a in range(3)) for x in range(3))
            values[index] = place
        value_of = {place: 1 + number for number, place in enumerate(sorted(values.values()))}
        flat = [value_of[values[i, j, k]] for k in range(extents[2]) for j in range(extents[1])
                for i in range(extents[0])]
        return value_of, make_nifti(extents, flat, directions=directions)

    def test_every_orientation_of_a_file_is_shown_alike(self):
        units = [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
        orientations = [tuple(tuple(sign * x for x in unit) for sign, unit in zip(signs, order))
                        for order in itertools.permutations(units) for signs in itertools.product((1, -1), repeat=3)]
        extent = {0: 3, 1: 5, 2: 7}  # of the patient's x, y, z; odd, so that the centre is one slice
        for number, directions in enumerate(orientations):
            extents = [next(extent[x] for x in range(3) if directions[a][x]) for a in range(3)]
            value_of, data = self.anatomy(directions, extents)
            self.put("in.nii", data)
            axis = number % 3
            down, across = self.VIEWS[axis]
            size = [next(extent[x] for x in range(3) if step[x]) for step in (down, across)]
            expected = [value_of[tuple(down[x] * (r - size[0] // 2) + across[x] * (c - size[1] // 2)
                                       for x in range(3))] for r in range(size[0]) for c in range(size[1])]
            report = self.report("in.nii", "-o", "out.png", "--axis", str(axis))
            self.assertTrue(report["inputs"][0]["oriented"])
            self.assert_array(self.get("out.png"), "u1", size, grey_of(expected))

    def test_the_wider_spacing_is_stretched(self):
        volume = [self.random.randrange(1, 99) for _ in range(4 * 3 * 2)]
        self.put("in.nii", make_nifti((4, 3, 2), volume, spacing=(1, 2, 1)))  # rows are twice as far as columns
        self.put("same.nii", make_nifti((4, 3, 2), volume))
        self.succeed("same.nii", "-o", "same.png")
        same = self.get("same.png")
        self.assertEqual(same.shape, (3, 4))
        self.succeed("in.nii", "-o", "out.png")
        picture = self.get("out.png")
        self.assertEqual(picture.shape, (6, 4))
        # Twice as many pixels have their centres a quarter of the way from one to the next.
        for column in range(4):
            a, b, c = (same[row, column] for row in range(3))
            expected = [a, 0.75 * a + 0.25 * b, 0.25 * a + 0.75 * b, 0.75 * b + 0.25 * c, 0.25 * b + 0.75 * c, c]
            self.assertEqual([picture[row, column] for row in range(6)], [int(x + 0.5) for x in expected])

    def test_proportions_of_every_view(self):
        self.put("in.nii", make_nifti((6, 5, 4), range(1, 121), spacing=(1, 1.5, 3)))
        for axis, shape in ((2, (round(5 * 1.5), 6)), (0, (12, 6)), (1, (8, 5))):
            self.succeed("in.nii", "-o", "out.png", "--axis", str(axis))
            self.assertEqual(self.get("out.png").shape, shape, axis)

    def test_arrays_are_not_stretched(self):
        self.put("in.nii", make_nifti((4, 3, 2), range(1, 25), spacing=(1, 2, 1)))
        self.succeed("in.nii", "-o", "out.npy")
        self.assertEqual(self.get("out.npy").shape, (3, 4))

    # ---- Series ----

    def test_a_series_shows_the_slices_of_each_volume(self):
        extents = (4, 3, 2, 3)
        values = [self.random.randrange(1, 999) for _ in range(product(extents))]
        self.put("in.nii", make_nifti(extents, values))

        def axial(volume, slice_):  # rows run from anterior, columns from the patient's right: both reversed here
            start = 12 * (2 * volume + slice_)
            return list(reversed(values[start:start + 12]))

        report = self.report("in.nii", "-o", "out.npy")
        self.assertEqual(report["inputs"][0]["shape"], [3, 3, 4, 2])
        planes = [axial(volume, 1) for volume in range(3)]
        self.assert_array(self.get("out.npy"), "f4", (3, 1, 3, 4),
                          [y for p in planes for y in shown(p, window_of(p))])

        report = self.report("in.nii", "-o", "out.npy", "--slice", "all")
        planes = [axial(volume, slice_) for volume in range(3) for slice_ in range(2)]
        self.assertEqual([w["lo"] for w in report["inputs"][0]["windows"]], [window_of(p)[0] for p in planes])
        self.assert_array(self.get("out.npy"), "f4", (6, 1, 3, 4),
                          [y for p in planes for y in shown(p, window_of(p))])

        report = self.report("in.nii", "-o", "out.png", "--slice", "all", "--columns", "2")
        for plane, cell in zip(planes, self.cells(self.get("out.png"), 3, 4)):
            self.assertEqual(cell.values, grey_of(plane))

    def test_a_volume_masks_every_volume_of_a_series(self):
        values = [self.random.randrange(1, 999) for _ in range(4 * 3 * 2 * 3)]
        inside = [self.random.randrange(2) for _ in range(4 * 3 * 2)]
        self.put("in.nii", make_nifti((4, 3, 2, 3), values))
        self.put("mask.nii", make_nifti((4, 3, 2), inside))
        report = self.report("in.nii", "-o", "out.npy", "--slice", "all", "--mask", "mask.nii")
        planes = [(values[12 * i:12 * i + 12], inside[12 * (i % 2):12 * (i % 2) + 12]) for i in range(6)]
        self.assertEqual([w["n"] for w in report["inputs"][0]["windows"]], [sum(mask) for _, mask in planes])
        expected = [y for plane, mask in planes
                    for y in reversed(shown(plane, window_of(plane, mask=mask), mask=mask))]
        self.assert_array(self.get("out.npy"), "f4", (6, 1, 3, 4), expected)


if __name__ == "__main__":
    unittest.main()
