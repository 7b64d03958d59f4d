"""--tensorboard: the pictures in event files, read by another reader and by TensorBoard's own.

BATCHVIEW_WITH_TENSORBOARD says whether the program was built with it.
"""
import json
import os
import resource
import signal
import subprocess
import sys
import unittest

from support import PROGRAM, SANITIZED, Case, make_png

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tensorboard"))
from event_file import read_log

USAGE, UNREADABLE, WRITE, PARTLY = 2, 3, 5, 7
BUILT = os.environ["BATCHVIEW_WITH_TENSORBOARD"] == "ON"


@unittest.skipIf(BUILT, "the program was built with TensorBoard's logs")
class NoLogs(Case):

    def test_it_is_refused(self):
        self.put("a.npy", self.numbers((4, 5)))
        for output in ((), ("-o", "out.png"), ("-o", "out/")):
            self.refuse(USAGE, "a.npy", *output, "--tensorboard", "runs", says=["--tensorboard", "built without", "BATCHVIEW_TENSORBOARD"])


@unittest.skipUnless(BUILT, "the program was built without TensorBoard's logs")
class Logs(Case):

    def setUp(self):
        super().setUp()
        os.makedirs(self.path("in/p"))
        for name in ("in/a.npy", "in/b.npy", "in/p/c.npy"):
            self.put(name, self.numbers((self.random.randrange(3, 9), self.random.randrange(3, 9))))

    def rows_of(self, *arguments):
        """The pixels of what -o FILE makes, as rows of bytes."""
        self.succeed(*arguments, "-o", "alone.png")
        picture = self.get("alone.png")
        self.remove("alone.png")
        pitch = len(picture.values) // picture.shape[0]
        return [bytes(picture.values[at:at + pitch]) for at in range(0, len(picture.values), pitch)]

    def logged(self, directory="runs"):
        """(tag, step, rows) of each picture, in the order in which they were logged."""
        events = read_log(self.path(directory))
        self.assertTrue(all(event.plugin == "images" and event.scalar is None for event in events))
        return [(event.tag, event.step, event.rows) for event in events]

    # ---- What is logged ----

    def test_a_picture_is_that_of_the_output(self):
        self.succeed("in/a.npy", "--tensorboard", "runs")
        self.assertEqual(self.logged(), [("a", 0, self.rows_of("in/a.npy"))])
        self.assertEqual(sorted(os.listdir(self.folder)), ["in", "runs"])
        self.succeed("in/a.npy", "--tensorboard", "new/runs", "--tag", "of/größe", "--step", str(2**63 - 1), "--colormap", "hot")
        self.assertEqual(self.logged("new/runs"), [("of/größe", 2**63 - 1, self.rows_of("in/a.npy", "--colormap", "hot"))])

    def test_beside_an_output(self):
        self.succeed("in/a.npy", "in/b.npy", "--columns", "1", "-o", "both.png", "--tensorboard", "runs", "--step", "3")
        rows = self.rows_of("in/a.npy", "in/b.npy", "--columns", "1")
        self.assertEqual(self.logged(), [("both", 3, rows)])  # one picture, which is of no input alone
        self.assertEqual(self.get("both.png").values, [byte for row in rows for byte in row])
        self.succeed("in/a.npy", "-o", "both.png", "--tensorboard", "runs/of/a")
        self.assertEqual(self.logged("runs/of/a"), [("a", 0, self.rows_of("in/a.npy"))])
        self.succeed("in/a.npy", "-o", "both.png", "--tensorboard", "runs/T", "--tag", "T")
        self.assertEqual([tag for tag, _, _ in self.logged("runs/T")], ["T"])

    def test_a_tag_for_each_input(self):
        expected = [(name[3:-4], self.rows_of(name)) for name in ("in/a.npy", "in/b.npy", "in/p/c.npy")]
        self.succeed("in", "--recursive", "--tensorboard", "runs", "--step", "7")
        self.assertEqual(self.logged(), [(tag, 7, rows) for tag, rows in expected])
        self.succeed("in", "--recursive", "--tensorboard", "group", "--tag", "val", "-o", "out/")
        self.assertEqual(self.logged("group"), [("val/" + tag, 0, rows) for tag, rows in expected])
        self.assertEqual(sorted(os.listdir(self.path("out"))), ["a.png", "b.png", "p"])
        self.refuse(USAGE, "in/a.npy", "in/a.npy", "--tensorboard", "more", says=["batchview: a: ", "would both have this tag"])

    def test_names_that_are_no_text(self):
        for name, tag in ((b"a\xff.npy", "a?"), (b"line\nfeed.npy", "line?feed"), ("größe.nii.npy".encode(), "größe.nii")):
            os.link(self.path("in/a.npy"), os.path.join(os.fsencode(self.folder), name))
            directory = f"runs{len(name)}"
            self.succeed(name, "--tensorboard", directory)
            self.assertEqual([each[0] for each in self.logged(directory)], [tag])
        os.link(self.path("in/a.npy"), os.path.join(os.fsencode(self.folder), b"a\xfe.npy"))
        self.refuse(USAGE, b"a\xff.npy", b"a\xfe.npy", "--tensorboard", "more", "-o", "out/",
                    says=["batchview: a?: 'a?.npy' and 'a?.npy' would both have this tag"])

    def test_standard_input(self):
        with open(self.path("in/a.npy"), "rb") as file:
            data = file.read()
        self.succeed("-", "--tensorboard", "runs", "--tag", "T", stdin=data)
        self.assertEqual(self.logged(), [("T", 0, self.rows_of("in/a.npy"))])
        self.succeed("-", "--tensorboard", "more", "-o", "-", stdin=data)
        self.assertEqual([tag for tag, _, _ in self.logged("more")], ["-"])

    def test_a_large_picture(self):
        """Of more than the 64 MiB that a queue has by itself."""
        header = "{'descr': '|u1', 'fortran_order': False, 'shape': (9000, 8000), }".ljust(117) + "\n"
        with open(self.path("large.npy"), "wb") as file:
            file.write(b"\x93NUMPY\x01\x00" + bytes([118, 0]) + header.encode())
            file.truncate(128 + 9000 * 8000)
        self.succeed("large.npy", "--tensorboard", "runs")
        name, = os.listdir(self.path("runs"))
        with open(self.path("runs/" + name), "rb") as file:
            self.assertIn(b"\0\0\x1f\x40\0\0\x23\x28\x08\0", file.read())  # IHDR: width, height, 8 bits of grey

    def test_tensorboard_reads_it(self):
        try:
            from tensorboard.backend.event_processing import event_accumulator
        except ImportError:
            self.fail("TensorBoard is needed; scripts/setup.sh test installs it into .venv")
        for step in (5, 6):
            self.succeed("in/a.npy", "in/b.npy", "--tensorboard", "runs", "--tag", "T", "--step", str(step))
        log = event_accumulator.EventAccumulator(self.path("runs"), size_guidance={event_accumulator.IMAGES: 0}).Reload()
        # a directory with two files: the accumulator reads one after the other
        self.assertEqual(sorted(log.Tags()["images"]), ["T/a", "T/b"])
        self.assertEqual([event.step for event in log.Images("T/b")], [5, 6])
        for name in ("a", "b"):
            for event in log.Images("T/" + name):
                self.put("logged.png", event.encoded_image_string)
                rows = self.rows_of(f"in/{name}.npy")
                self.assertEqual(self.get("logged.png").values, [byte for row in rows for byte in row])

    # ---- What is told ----

    def test_report(self):
        report = self.report("in/a.npy", "--tensorboard", "runs", "--step", "4")
        self.assertEqual((report["pictures"][0]["output"], report["pictures"][0]["log"]),
                         (None, {"directory": "runs", "tag": "a", "step": 4}))
        report = self.report("in/a.npy", "--tensorboard", "runs", "-o", "out.png", "--tag", "T")
        self.assertEqual((report["output"]["path"], report["log"]), ("out.png", {"directory": "runs", "tag": "T", "step": 0}))
        self.assertNotIn("log", self.report("in/a.npy", "-o", "out.png"))
        lines = self.run_program("in/a.npy", "--tensorboard", "runs", "-v").stderr.decode().splitlines()
        self.assertRegex(lines[0], r"^in/a.npy \(\dx\d f32\) -> runs, window ")

    # ---- Failures ----

    def test_bad_files_are_told_and_the_others_logged(self):
        self.put("bad.nii", b"of no kind")
        done = self.run_program("in/a.npy", "bad.nii", "in/b.npy", "--tensorboard", "runs", "--json")
        self.assertEqual(done.returncode, PARTLY)
        self.assertEqual(done.stderr.decode().splitlines()[-1], "batchview: 2 done, 1 failed")
        self.assertEqual([tag for tag, _, _ in self.logged()], ["a", "b"])
        self.assertEqual(json.loads(done.stdout)["pictures"][1]["path"], "bad.nii")
        self.refuse(UNREADABLE, "none.npy", "-o", "out.png", "--tensorboard", "more", says=["none.npy"])  # no log is made

    def test_a_log_that_cannot_be_written_ends_all(self):
        self.put("file", b"")
        done = self.run_program("in/a.npy", "in/b.npy", "--tensorboard", "file/runs")
        self.assertEqual(done.returncode, WRITE)
        lines = done.stderr.decode().splitlines()
        self.assertEqual(lines[1], "batchview: 0 done, 1 failed, 1 left")
        self.assertIn("Not a directory", lines[0])

    @unittest.skipIf(SANITIZED, "the sanitizer writes files too")
    def test_a_full_disk(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

        self.put("noise.png", make_png((100, 100), self.random.randbytes(10000)))
        done = subprocess.run([PROGRAM, "in/a.npy", "noise.png", "in/b.npy", "--tensorboard", "runs"], cwd=self.folder,
                              capture_output=True, timeout=60, preexec_fn=limit)
        self.assertEqual(done.returncode, WRITE)
        self.assertEqual(done.stderr.decode().splitlines()[1], "batchview: 1 done, 1 failed, 1 left")
        self.assertIn("File too large", done.stderr.decode())
        self.assertEqual([tag for tag, _, _ in self.logged()], ["a"])  # whole to its end

    def test_options(self):
        for option in ("--tag", "--step"):
            self.refuse(USAGE, "in/a.npy", "-o", "out.png", option, "1", says=[f"{option} is for --tensorboard"])
        for tag in ("", b"\xff", "a\nb", "\x1b[2J"):
            self.refuse(USAGE, "in/a.npy", "--tensorboard", "runs", "--tag", tag, says=["--tag", "UTF-8"])
        for step in ("", "-1", "x", "1.5", str(2**63)):
            self.refuse(USAGE, "in/a.npy", "--tensorboard", "runs", "--step", step, says=["--step", f"'{step}'", "a number from 0"])
        self.refuse(USAGE, "in/a.npy", "--tensorboard", "", says=["--tensorboard ''", "a directory"])
        self.refuse(USAGE, "in/a.npy", "--tensorboard", "runs", "-o", "out.npy", says=["--tensorboard", ".npy"])
        self.refuse(USAGE, "in/a.npy", "--tensorboard", "runs", "--format", "u8", says=["--format", "'runs'"])
        self.refuse(USAGE, "in/a.npy", "--tensorboard", "runs", "-o", "out/", "--format", "u8", says=["--tensorboard", ".npy"])
        self.refuse(USAGE, "in/a.npy", "--tensorboard", "runs", "-o", "out.png", "--recursive", says=["--recursive"])
        for option in (["--tensorboard", "runs"], ["--tag", "T"], ["--step", "1"]):
            self.refuse(USAGE, "in/a.npy", *option, *option, says=[f"{option[0]} is given twice"])
            self.refuse(USAGE, "in/a.npy", option[0], says=[option[0], "expected a value"])


if __name__ == "__main__":
    unittest.main()
