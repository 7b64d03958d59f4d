"""The command line: every option's values, what is refused, help and version."""
import unittest

from support import Array, Case

USAGE = 2


class Options(Case):

    def setUp(self):
        super().setUp()
        self.put("a.npy", self.numbers((1, 1, 4, 5)))
        self.put("v.npy", self.numbers((4, 5, 6)))

    def refuse_usage(self, *arguments, says):
        self.refuse(USAGE, "a.npy", "-o", "o.npy", *arguments, says=says)

    def test_help_begins_with_examples_and_names_every_option(self):
        text = self.succeed("--help").decode()
        self.assertTrue(text.startswith("batchview brain.nii.gz -o brain.png"))
        for option in ("--output", "--axis", "--slice", "--percentile", "--window", "--minmax", "--foreground",
                       "--mask", "--mask-grid", "--overlay", "--overlay-image", "--overlay-colormap", "--opacity",
                       "--padding", "--padding-value", "--colorbar", "--volume", "--epsilon", "--scope",
                       "--columns", "--format", "--force", "--json", "-q", "--quiet", "-v", "--verbose",
                       "--recursive", "--tensorboard", "--tag", "--step", "--show",
                       "--version", "--help"):
            self.assertIn(option, text)
        self.assertEqual(self.succeed("-h").decode(), text)
        self.assertLessEqual(max(map(len, text.splitlines())), 110)

    def test_version(self):
        lines = self.succeed("--version").decode().splitlines()
        self.assertRegex(lines[0], r"^batchview \d+\.\d+\.\d+$")
        for line, start in zip(lines[1:], ("Compiler: ", "CPU: ", "CUDA: ")):
            self.assertTrue(line.startswith(start), line)
        self.assertGreaterEqual(len(lines), 4)

    def test_nothing_given(self):
        self.refuse(USAGE, says=["no input file", "--help"])

    def test_no_output(self):
        self.refuse(USAGE, "a.npy", says=["no output", "-o"])

    def test_output_of_unknown_kind(self):
        for name in ("o.jpg", "o", ".png", "png", "", "o.PNG"):
            self.refuse(USAGE, "a.npy", "-o", name, says=["--output", f"'{name}'", ".png", ".npy"])

    def test_unknown_options_are_named(self):
        self.refuse_usage("--contrast", says=["--contrast"])
        self.refuse_usage("--contrast=3", says=["--contrast=3"])
        self.refuse_usage("-x", says=["-x"])
        self.refuse_usage("-vx", says=["-x"])
        self.refuse_usage("--fo", says=["--fo"])  # foreground or format

    def test_values_that_are_missing_or_too_many(self):
        for option in ("output", "axis", "slice", "percentile", "window", "foreground", "mask", "overlay", "overlay-image", "overlay-colormap", "opacity", "padding", "padding-value",
                       "scope", "columns", "format"):
            self.refuse(USAGE, "a.npy", f"--{option}", says=[f"--{option}", "expected a value"])
        self.refuse(USAGE, "a.npy", "-o", says=["--output", "expected a value"])
        for option in ("force", "json", "quiet", "verbose", "minmax", "colorbar", "help", "version"):
            self.refuse_usage(f"--{option}=1", says=[f"--{option}", "no value"])

    def test_repeated_options(self):
        for option in (["--axis", "1"], ["--slice", "all"], ["--percentile", "1,2"], ["--window", "1,2"],
                       ["--minmax"], ["--foreground", "all"], ["--mask", "a.npy"], ["--overlay", "a.npy"],
                       ["--overlay-image", "a.npy"], ["--overlay-colormap", "hot"], ["--opacity", "1"], ["--padding", "1"], ["--colorbar"], ["--padding-value", "1"], ["--scope", "plane"],
                       ["--columns", "2"], ["--format", "u8"], ["--json"], ["--quiet"], ["--verbose"],
                       ["--output", "o.png"]):
            self.refuse(USAGE, "a.npy", *option, *option, says=[f"{option[0]} is given twice"])
        self.refuse(USAGE, "a.npy", "-v", "--verbose", says=["--verbose is given twice"])

    def test_conflicts(self):
        for one, other in ((["--percentile", "1,2"], ["--minmax"]), (["--percentile", "1,2"], ["--window", "1,2"]),
                           (["--minmax"], ["--window", "1,2"]), (["--mask", "a.npy"], ["--foreground", "all"]),
                           (["--preset", "bone"], ["--window", "1,2"]), (["--preset", "bone"], ["--minmax"]),
                           (["--preset", "bone"], ["--percentile", "1,2"]), (["-q"], ["-v"])):
            for arguments in (one + other, other + one):
                self.refuse_usage(*arguments, says=["exclude each other"])

    def test_names(self):
        for option, value, known in (("--preset", "Bone", "soft-tissue"), ("--preset", "", "bone"),
                                     ("--colormap", "jet", "viridis"), ("--colormap", "", "grey, bone")):
            self.refuse_usage(option, value, says=[option, f"'{value}'", known])
        self.refuse(USAGE, "a.npy", "-o", "o.npy", "--colormap", "hot", says=["--colormap", "--format rgb"])
        self.refuse(USAGE, "a.npy", "-o", "o.npy", "--colormap", "hot", "--format", "u8", says=["--format rgb"])

    def test_presets_are_windows(self):
        for name, window in (("brain", "40,80"), ("lung", "-600,1500"), ("bone", "400,1800"), ("stroke", "40,40")):
            self.succeed("a.npy", "-o", "one.npy", "--preset", name)
            self.succeed("a.npy", "-o", "other.npy", "--window", window)
            self.assertEqual(self.get("one.npy").values, self.get("other.npy").values)
            report = self.report("a.npy", "-o", "one.png", "--preset", name)
            self.assertEqual(report["options"]["foreground"], "all")

    def test_axis(self):
        for value in ("3", "-1", "x", "", "1.0", " 1", "1 ", "0x1", "99999999999999999999"):
            self.refuse(USAGE, "v.npy", "-o", "o.npy", "--axis", value, says=["--axis", f"'{value}'", "0, 1 or 2"])

    def test_slice(self):
        for value in ("-1", "x", "", "1.5", "+1", "center", "99999999999999999999"):
            self.refuse(USAGE, "v.npy", "-o", "o.npy", "--slice", value,
                        says=["--slice", f"'{value}'", "a number from 0, one from 0% to 100%, centre or all"])

    def test_slice_out_of_range_says_the_range(self):
        for axis, count in enumerate((4, 5, 6)):
            self.refuse(USAGE, "v.npy", "-o", "o.npy", "--axis", str(axis), "--slice", str(count),
                        says=["v.npy", f"--slice {count}", f"axis {axis}", f"0 to {count - 1}"])
            self.succeed("v.npy", "-o", "o.npy", "--axis", str(axis), "--slice", str(count - 1))

    def test_slices_are_for_volumes(self):
        self.put("i.npy", self.numbers((4, 5)))
        self.refuse(USAGE, "a.npy", "-o", "o.npy", "--slice", "0", says=["a.npy", "--slice", "volumes", "batch"])
        self.refuse(USAGE, "i.npy", "-o", "o.npy", "--axis", "0", says=["i.npy", "--axis", "volumes", "image"])

    def test_percentile(self):
        for value in ("2", "2,", ",98", "2,98,99", "98,2", "-1,98", "2,100.1", "nan,98", "2,inf", "a,b", "", "2;98",
                      "0x1,0x2", " 2,98", "2, 98", "1e999,2"):
            self.refuse_usage("--percentile", value, says=["--percentile", f"'{value}'", "0 <= LO <= HI <= 100"])
        for value in ("0,100", "50,50", "2.5,97.25", "1e1,9e1", "100,100"):
            self.succeed("a.npy", "-o", "o.npy", "--percentile", value)

    def test_window(self):
        for value in ("40", "40,", "40,0", "40,-1", "nan,1", "40,inf", "40,1,2", "x,1", "1.7e308,1.7e308", "-1.7e308,1.7e308", "1e999,1"):
            self.refuse_usage("--window", value, says=["--window", f"'{value}'", "LEVEL,WIDTH", "WIDTH > 0"])
        for value in ("40,400", "-600,1500", "0.5,1e-3", "+1,.5"):
            self.succeed("a.npy", "-o", "o.npy", "--window", value)
        self.refuse(USAGE, "a.npy", "-o", "o.npy", "--window", "file", says=["--window file", "the file says no window"])

    def test_words(self):
        for option, allowed in (("scope", ("plane", "image", "batch", "volume")), ("foreground", ("nonzero", "all")),
                                ("format", ("f32", "u8", "rgb"))):
            for value in ("", "PLANE", "x", "f16", "mask", "world"):
                self.refuse_usage(f"--{option}", value, says=[f"--{option}", f"'{value}'", *allowed])
            for value in allowed:
                self.succeed("a.npy", "-o", "o.npy", f"--{option}", value)

    def test_columns(self):
        for value in ("0", "-1", "x", "", "1.5", "99999999999999999999"):
            self.refuse(USAGE, "a.npy", "-o", "o.png", "--columns", value,
                        says=["--columns", f"'{value}'", "a number from 1"])
        self.refuse_usage("--columns", "2", says=["--columns", "PNG"])

    def test_padding(self):
        for value in ("-1", "x", "", "1.5", "1000001", "99999999999999999999"):
            self.refuse(USAGE, "a.npy", "-o", "o.png", "--padding", value,
                        says=["--padding", f"'{value}'", "a number from 0 to 1000000"])
        for value in ("-0.5", "1.01", "x", "", "inf", "nan"):
            self.refuse(USAGE, "a.npy", "-o", "o.png", "--padding-value", value,
                        says=["--padding-value", f"'{value}'", "a number from 0 to 1"])
        self.refuse_usage("--padding", "2", says=["--padding is for PNG"])
        self.refuse_usage("--padding-value", "1", says=["--padding-value is for PNG"])
        self.refuse_usage("--colorbar", says=["--colorbar is for PNG"])

    def test_format_is_for_arrays(self):
        self.refuse(USAGE, "a.npy", "-o", "o.png", "--format", "u8", says=["--format", ".npy", "o.png"])

    def test_standard_streams_are_used_once(self):
        self.refuse(USAGE, "-", "-", "-o", "o.png", says=["standard input"])
        self.refuse(USAGE, "-", "--mask", "-", "-o", "o.png", says=["standard input"])
        self.refuse(USAGE, "a.npy", "-o", "-", "--json", says=["--json", "standard output"])

    def test_names_that_look_like_options_follow_two_dashes(self):
        self.put("--help", Array("u1", (2, 2), [1, 2, 3, 4]))
        self.succeed("-o", "o.png", "--", "--help")
        self.assertEqual(self.get("o.png").shape, (2, 2))

    def test_a_control_character_does_not_reach_the_terminal(self):
        message = self.refuse(3, "no\x1b[2J\nfile.npy", "-o", "o.png", says=["no?[2J?file.npy"])
        self.assertNotIn("\x1b", message)


if __name__ == "__main__":
    unittest.main()
