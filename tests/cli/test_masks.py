"""Masks and inputs with axes in the patient: on the same grid, turned to it, or refused."""
import itertools
import math
import struct
import unittest

from support import Array, Case, make_nifti, make_png, product, shown, window_of

USAGE, UNREADABLE = 2, 3
EXTENTS = (4, 5, 3)
SPACING = (1, 1.5, 2)
LPS = ((-1, 0, 0), (0, -1, 0), (0, 0, 1))  # rows to the left, columns to the back, slices up: as H, W, D show them


def index_of(flat, extents):
    index = []
    for extent in extents:  # the first fastest
        index.append(flat % extent)
        flat //= extent
    return index


class Volume:
    """A NIfTI volume, with axes as they are shown unless it is turned."""

    def __init__(self, values, directions=LPS, origin=(10, -20, 30), extents=EXTENTS, spacing=SPACING):
        self.values, self.directions, self.origin = values, directions, origin
        self.extents, self.spacing = extents, spacing

    def file(self, **changes):
        return make_nifti(self.extents, self.values, self.spacing, self.directions, self.origin, **changes)

    def turned(self, order, reversed_axes):
        """The same voxels at the same places, in a file whose axis a is this one's order[a], perhaps backwards."""
        extents = [self.extents[a] for a in order]
        origin, directions = list(self.origin), []
        for a, backwards in zip(order, reversed_axes):
            directions.append([-x if backwards else x for x in self.directions[a]])
            for row in range(3 if backwards else 0):
                origin[row] += self.directions[a][row] * self.spacing[a] * (self.extents[a] - 1)
        values = []
        for flat in range(product(extents)):
            here = [0, 0, 0]
            for a, number, extent, backwards in zip(order, index_of(flat, extents), extents, reversed_axes):
                here[a] = extent - 1 - number if backwards else number
            values.append(self.values[here[0] + self.extents[0] * (here[1] + self.extents[1] * here[2])])
        return Volume(values, directions, origin, extents, [self.spacing[a] for a in order])


def turns():
    return itertools.product(itertools.permutations(range(3)), itertools.product((False, True), repeat=3))


class Masks(Case):

    def setUp(self):
        super().setUp()
        self.volume = Volume(self.numbers(EXTENTS).values)
        self.mask = Volume([self.random.randrange(2) for _ in range(60)])
        self.put("in.nii", self.volume.file())

    def expected(self, values, mask):
        """All axial slices: the file's planes one after the other."""
        shown_values = []
        for start in range(0, 60, 20):
            plane, inside = values[start:start + 20], mask[start:start + 20]
            shown_values += shown(plane, window_of(plane, mask=inside), mask=inside)
        return shown_values

    def assert_masked(self, *options, mask=None):
        self.succeed("in.nii", "-o", "out.npy", "--slice", "all", "--mask", "mask.nii", *options)
        self.assert_array(self.get("out.npy"), "f4", (3, 1, 5, 4), self.expected(self.volume.values,
                                                                                 mask or self.mask.values))

    def refuse_mask(self, *says, name="mask.nii", input_="in.nii"):
        self.refuse(USAGE, input_, "-o", "out.npy", "--mask", name, says=[input_, *says, "--mask-grid ignore"])

    # ---- The same grid ----

    def test_any_order_of_axes_is_turned_to_the_inputs(self):
        for order, reversed_axes in turns():
            with self.subTest(order=order, reversed_axes=reversed_axes):
                self.put("mask.nii", self.mask.turned(order, reversed_axes).file())
                self.assert_masked()
                self.put("mask.nii", self.mask.file())
                self.put("in.nii", self.volume.turned(order, reversed_axes).file())
                self.assert_masked()
                self.put("in.nii", self.volume.file())

    def test_rounding_is_no_difference(self):
        for change in (1e-6, -1e-4, 4e-3):
            origin = [x + change for x in self.mask.origin]
            self.put("mask.nii", make_nifti(EXTENTS, self.mask.values, SPACING, LPS, origin))
            self.assert_masked()

    def test_a_qform_may_say_what_the_sform_does(self):
        header = bytearray(make_nifti(EXTENTS, self.mask.values, SPACING, None))
        # half a turn about z: the quaternion (0, 0, 0, 1)
        struct.pack_into("<h", header, 252, 1)
        struct.pack_into("<6f", header, 256, 0, 0, 1, *self.mask.origin)
        self.put("mask.nii", bytes(header))
        self.assert_masked()

    def test_neither_says_where_it_lies(self):
        self.put("in.nii", make_nifti(EXTENTS, self.volume.values, SPACING, None))
        self.put("mask.nii", make_nifti(EXTENTS, self.mask.values, SPACING, None))
        # the axes count as right, anterior and superior: turned, as they are shown, to the left and to the back
        backwards = [i - i % 20 + 19 - i % 20 for i in range(60)]
        self.succeed("in.nii", "-o", "out.npy", "--slice", "all", "--mask", "mask.nii")
        self.assertEqual(self.get("out.npy").values, self.expected([self.volume.values[i] for i in backwards],
                                                                   [self.mask.values[i] for i in backwards]))

    def test_a_volume_masks_each_of_a_series(self):
        later = self.numbers(EXTENTS).values
        self.put("in.nii", make_nifti((*EXTENTS, 2), self.volume.values + later, SPACING, LPS, self.volume.origin))
        self.put("mask.nii", self.mask.turned((2, 0, 1), (True, False, True)).file())
        self.succeed("in.nii", "-o", "out.npy", "--slice", "all", "--mask", "mask.nii")
        self.assertEqual(self.get("out.npy").values, self.expected(self.volume.values, self.mask.values) +
                         self.expected(later, self.mask.values))

    def test_volumes_in_colour(self):
        values = [self.random.randrange(256) for _ in range(180)]
        header = bytearray(make_nifti(EXTENTS, [], SPACING, LPS, self.volume.origin))
        struct.pack_into("<hh", header, 70, 128, 24)
        self.put("in.nii", bytes(header) + bytes(values))
        self.put("mask.nii", self.mask.turned((1, 2, 0), (False, True, True)).file())
        self.succeed("in.nii", "-o", "out.npy", "--slice", "all", "--mask", "mask.nii")
        expected = []
        for start, c in itertools.product((0, 20, 40), range(3)):
            plane, inside = values[c::3][start:start + 20], self.mask.values[start:start + 20]
            expected += shown(plane, window_of(plane, mask=inside), mask=inside)
        self.assert_array(self.get("out.npy"), "f4", (3, 3, 5, 4), expected)

    def test_several_inputs_on_one_grid(self):
        self.put("mask.nii", self.mask.file())
        self.put("turned.nii", self.volume.turned((1, 0, 2), (False, True, False)).file())
        self.succeed("in.nii", "turned.nii", "-o", "out.npy", "--slice", "all", "--mask", "mask.nii")
        self.assertEqual(self.get("out.npy").values, self.expected(self.volume.values, self.mask.values) * 2)

    # ---- Another grid ----

    def test_elsewhere(self):
        for change in ((0.02, 0, 0), (0, -1.5, 0), (0, 0, 2), (1000, 0, 0)):
            origin = [x + d for x, d in zip(self.mask.origin, change)]
            self.put("mask.nii", make_nifti(EXTENTS, self.mask.values, SPACING, LPS, origin))
            self.refuse_mask("lies elsewhere", f"{math.hypot(*change):.3g} mm")
        for spacing in ((1, 1.5, 2.1), (1.01, 1.5, 2)):
            self.put("mask.nii", make_nifti(EXTENTS, self.mask.values, spacing, LPS, self.mask.origin))
            self.refuse_mask("lies elsewhere")
        angle = math.radians(0.5)
        turned = [[x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle), z]
                  for x, y, z in LPS]
        self.put("mask.nii", make_nifti(EXTENTS, self.mask.values, SPACING, turned, self.mask.origin))
        self.refuse_mask("lies elsewhere")

    def test_mirrored(self):
        """Equal extents, and the mask of the other side of the patient."""
        mirrored = ((1, 0, 0), LPS[1], LPS[2])
        self.put("mask.nii", make_nifti(EXTENTS, self.mask.values, SPACING, mirrored, self.mask.origin))
        self.refuse_mask("lies elsewhere")

    def test_other_extents(self):
        self.put("mask.nii", make_nifti((4, 5, 2), self.mask.values[:40], SPACING, LPS, self.mask.origin))
        self.refuse_mask("5 x 4 x 2", "5 x 4 x 3")
        self.put("mask.nii", make_nifti((4, 5, 1), self.mask.values[:20], SPACING, LPS, self.mask.origin))
        self.refuse_mask("5 x 4 x 1", "5 x 4 x 3")

    def test_without_orientation(self):
        self.put("mask.nii", make_nifti(EXTENTS, self.mask.values, SPACING, None))
        self.refuse_mask("the mask does not say where its axes point")
        self.put("other.nii", make_nifti(EXTENTS, self.volume.values, SPACING, None))
        self.put("mask.nii", self.mask.file())
        self.refuse_mask("the input does not say where its axes point", input_="other.nii")

    def test_arrays_and_pictures_for_nifti_and_the_other_way_round(self):
        self.put("mask.npy", Array("u1", (5, 4, 3), self.mask.values))
        self.put("mask.png", make_png((5, 4), [255 * m for m in self.mask.values[:20]]))
        for name in ("mask.npy", "mask.png"):
            self.refuse_mask("the mask does not say where its axes point", name=name)
        self.put("mask.nii", self.mask.file())
        self.put("in.npy", Array("f4", (5, 4, 3), self.volume.values))
        self.refuse_mask("the input does not say where its axes point", input_="in.npy")
        self.put("plain.nii", make_nifti(EXTENTS, self.volume.values, SPACING, None))
        self.refuse_mask("only the input has axes", name="mask.npy", input_="plain.nii")

    # ---- Ignored ----

    def test_ignoring_takes_voxels_by_their_index(self):
        """Wherever the two files say that they lie."""
        for order, reversed_axes in turns():
            volume = self.volume.turned(order, reversed_axes)
            mask = self.mask.turned(order, reversed_axes)
            self.put("in.nii", volume.file())
            for directions in (None, ((0, 0, -1), (1, 0, 0), (0, 1, 0))):
                self.put("mask.nii", make_nifti(mask.extents, mask.values, (7, 7, 7), directions))
                self.assert_masked("--mask-grid", "ignore")

    def test_ignoring_takes_arrays_as_they_are_shown(self):
        by_axes = [self.mask.values[w + 4 * (h + 5 * d)] for h in range(5) for w in range(4) for d in range(3)]
        self.put("mask.npy", Array("u1", (5, 4, 3), by_axes))
        self.succeed("in.nii", "-o", "out.npy", "--slice", "all", "--mask", "mask.npy", "--mask-grid", "ignore")
        self.assertEqual(self.get("out.npy").values, self.expected(self.volume.values, self.mask.values))
        self.put("mask.nii", self.mask.file())
        for axis in "01":
            self.succeed("in.nii", "-o", "out.npy", "--axis", axis, "--mask", "mask.npy", "--mask-grid", "ignore")
            self.succeed("in.nii", "-o", "same.npy", "--axis", axis, "--mask", "mask.nii")
            self.assertEqual(self.get("out.npy").values, self.get("same.npy").values)

    def test_ignoring_lays_pictures_upon_the_slices(self):
        self.put("mask.png", make_png((5, 4), [255 * m for m in self.mask.values[:20]]))
        self.succeed("in.nii", "-o", "out.npy", "--slice", "all", "--mask", "mask.png", "--mask-grid", "ignore")
        self.assertEqual(self.get("out.npy").values, self.expected(self.volume.values, self.mask.values[:20] * 3))

    def test_ignoring_the_grid_does_not_ignore_the_shape(self):
        self.put("mask.nii", make_nifti((4, 6, 3), [1] * 72, SPACING, LPS))
        self.refuse(USAGE, "in.nii", "-o", "out.npy", "--mask", "mask.nii", "--mask-grid", "ignore",
                    says=["[1, 1, 6, 4]", "[1, 1, 5, 4]"])

    def test_the_options_values(self):
        self.put("mask.nii", self.mask.file())
        self.assert_masked("--mask-grid", "same")
        self.refuse(USAGE, "in.nii", "-o", "out.npy", "--mask", "mask.nii", "--mask-grid", "any",
                    says=["--mask-grid 'any'", "same or ignore"])
        self.refuse(USAGE, "in.nii", "-o", "out.npy", "--mask-grid", "ignore", says=["--mask-grid is for --mask"])


if __name__ == "__main__":
    unittest.main()
