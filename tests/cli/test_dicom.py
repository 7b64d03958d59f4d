"""DICOM files and directories of them through the program: their windows, their reports, their masks, what is said of them."""
import os
import unittest

from support import Case, make_dicom, shown

USAGE, UNREADABLE, UNSUPPORTED = 2, 3, 4


class Dicom(Case):

    def setUp(self):
        super().setUp()
        self.pixels = [[self.random.randrange(256) for _ in range(30)] for _ in range(4)]

    def put_series(self, **attributes):
        os.mkdir(self.path("series"))
        for i, height in enumerate((7.5, 0, 2.5, 5)):  # in another order than their names
            self.put(f"series/{i}", make_dicom((6, 5), self.pixels[i], height, **attributes))
        return [self.pixels[i] for i in (1, 2, 3, 0)]

    def test_the_window_of_a_file(self):
        self.put("in.dcm", make_dicom((6, 5), self.pixels[0], window=(100, 51)))
        self.succeed("in.dcm", "-o", "out.npy", "--window", "file")
        self.assert_array(self.get("out.npy"), "f4", (6, 5), shown(self.pixels[0], (74.5, 124.5), "all"))
        report = self.report("in.dcm", "-o", "out.npy", "--window", "file", "--foreground", "nonzero")
        self.assertEqual(report["inputs"][0]["windows"], [{"lo": 74.5, "hi": 124.5, "n": None}])
        self.assertEqual(report["inputs"][0]["format"], "dicom")
        self.put("none.dcm", make_dicom((6, 5), self.pixels[0]))
        self.refuse(USAGE, "none.dcm", "-o", "out.npy", "--window", "file", says=["none.dcm", "the file says no window"])

    def test_a_directory_is_a_volume(self):
        planes = self.put_series(window=(100, 51), intercept=-20)
        report = self.report("series", "-o", "out.npy", "--window", "file", "--slice", "all")
        expected = [y for plane in planes for y in shown([x - 20 for x in plane], (74.5, 124.5), "all")]
        self.assert_array(self.get("out.npy"), "f4", (4, 1, 6, 5), expected)
        self.assertEqual(report["inputs"][0]["shape"], [6, 5, 4])
        self.assertEqual(report["inputs"][0]["spacing"], [1, 1, 2.5])
        self.assertEqual((report["inputs"][0]["kind"], report["inputs"][0]["oriented"]), ("volume", True))
        self.succeed("series/", "-o", "out.png")

    def test_a_directory_masks_another(self):
        self.put_series()
        plain = self.report("series", "-o", "out.npy", "--slice", "2")
        masked = self.report("series", "--mask", "series", "-o", "out.npy", "--slice", "2")
        self.assertEqual(plain["inputs"][0]["windows"], masked["inputs"][0]["windows"])
        self.put("apart.dcm", make_dicom((6, 5), self.pixels[0], 100))
        self.refuse(USAGE, "series", "--mask", "apart.dcm", "-o", "out.npy", says=["the mask's grid is 6 x 5 x 1, the input's 6 x 5 x 4"])

    def test_what_is_odd_is_said(self):
        self.put_series()
        self.put("series/notes", b"of somebody")
        done = self.run_program("series", "-o", "out.npy")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stderr.decode(),
                         "batchview: series: warning: 1 of its files are no DICOM pictures; they are ignored\n")
        self.remove("series/2")
        done = self.run_program("series", "-o", "out.npy")
        self.assertIn("its slices are 2.5 to 5 mm from each other", done.stderr.decode())
        self.put("series/1", b"")
        self.remove("series/0")
        self.remove("series/3")
        self.refuse(UNREADABLE, "series", "-o", "out.npy", says=["series", "without DICOM pictures"])

    def test_ct_with_a_window_is_hinted_to_it(self):
        for window, option in (((40, 400), "--window file"), ((), "--window LEVEL,WIDTH")):
            self.put("ct.dcm", make_dicom((6, 5), self.pixels[0], window=window, intercept=-1024))
            done = self.run_program("ct.dcm", "-o", "out.png")
            self.assertIn(f"{option} or --foreground all is meant for it", done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
