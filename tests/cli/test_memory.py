"""Every allocation of the program fails once: it says so in one line that names memory and exits with 6, or does without and
makes the same picture.

BATCHVIEW_FAIL_ALLOCATION_LIBRARY names the library that makes them fail (fail_allocation.c).
"""
import gzip
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import unittest

from support import PROGRAM, SANITIZED, Array, Case, make_dicom, make_nifti, make_png, make_tiff

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tensorboard"))
from event_file import read_log

LIBRARY = os.environ["BATCHVIEW_FAIL_ALLOCATION_LIBRARY"]
WRITE, FAILED, PARTLY = 5, 6, 7


@unittest.skipIf(SANITIZED, "the sanitizer has an allocator of its own, which nothing may be loaded before")
class Memory(Case):

    def setUp(self):
        super().setUp()
        values = self.numbers((6, 5, 4)).values
        nifti = make_nifti((6, 5, 4), values)
        self.put("image.npy", self.numbers((6, 5)))
        self.put("image.png", make_png((6, 5), range(30)))
        self.put("image.tif", make_tiff((1, 6, 5), range(30)))
        self.put("pages.tif", make_tiff((3, 6, 5), range(90)))
        self.put("volume.nii", nifti)
        self.put("volume.nii.gz", gzip.compress(nifti))
        self.put("pair.hdr", nifti[:108] + struct.pack("<f", 0) + nifti[112:344] + b"ni1\0")
        self.put("pair.img", nifti[352:])
        colours = bytearray(make_nifti((3, 2, 2, 2), []))
        struct.pack_into("<hh", colours, 70, 128, 24)
        self.put("colours.nii", bytes(colours) + bytes(range(72)))
        self.put("image.dcm", make_dicom((6, 5), range(30)))
        os.mkdir(self.path("series"))
        for height in range(3):
            self.put(f"series/{height}", make_dicom((6, 5), range(30), height))
        voxels = struct.pack("<120f", *values)
        self.put("volume.nrrd", b"NRRD0004\ntype: float\ndimension: 3\nsizes: 6 5 4\nendian: little\nencoding: gzip\n\n"
                 + gzip.compress(voxels))
        self.put("volume.mha", b"ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
                 b"DimSize = 6 5 4\nElementType = MET_FLOAT\nElementDataFile = LOCAL\n" + voxels)
        mgh = struct.pack(">7ih", 1, 6, 5, 4, 1, 3, 0, 0).ljust(284, b"\0") + struct.pack(">120f", *values)
        self.put("volume.mgz", gzip.compress(mgh))

    def run_failing(self, number, *arguments):
        """Exit code, standard output, what the library said, what the program said."""
        environment = dict(os.environ, LD_PRELOAD=LIBRARY, BATCHVIEW_FAIL_ALLOCATION=str(number))
        done = subprocess.run([PROGRAM, *arguments], cwd=self.folder, env=environment, capture_output=True, timeout=60)
        lines = done.stderr.decode(errors="replace").splitlines()
        said = [line for line in lines if line.startswith(("failed: ", "allocations: "))]
        return done.returncode, done.stdout, " ".join(said), "\n".join(line for line in lines if line not in said)

    def check_all(self, *arguments):
        """The picture goes to standard output."""
        code, whole, said, message = self.run_failing(0, *arguments, "-o", "-")
        self.assertEqual((code, message), (0, ""))
        count, before = int(said.split()[-1]), sorted(os.listdir(self.folder))
        self.assertGreater(count, 10)
        reported = 0
        for number in range(1, count + 1):
            code, out, said, message = self.run_failing(number, *arguments, "-o", "-")
            told = f"{arguments}, allocation {number} of {count}, {said}: {code} {message}"
            self.assertRegex(said, "^failed: ", told)
            self.assertEqual(sorted(os.listdir(self.folder)), before, told)
            if code == 0:
                self.assertEqual((out, message), (whole, ""), told)
            elif code == -signal.SIGSEGV and "libtiff" in said:
                pass  # libtiff's own: it uses some of its arrays without a look at whether it got them
            else:
                self.assertEqual((code, out), (FAILED, b""), told)
                self.assertRegex(message, r"^batchview: ([^\n]*: )?[^\n]*memory[^\n]*$", told)
                reported += 1
        self.assertGreater(reported, 5)

    def test_every_format(self):
        for name in sorted(os.listdir(self.folder)):
            if not name.endswith(".img"):
                self.check_all(name)

    def test_pictures_masks_reports_and_stacks(self):
        self.check_all("volume.nii.gz", "--slice", "all", "--columns", "2")
        self.check_all("volume.nii", "--mask", "volume.nii.gz")
        self.check_all("colours.nii", "--slice", "all", "--mask", "colours.nii")
        self.put("labels.nii", make_nifti((6, 5, 4), [i % 3 for i in range(120)]))
        self.check_all("volume.nii", "--slice", "all", "--overlay", "labels.nii", "--mask", "volume.nii.gz")
        self.check_all("volume.nii", "--mip", "--overlay", "labels.nii", "--format", "rgb")
        self.check_all("volume.nii", "--overlay-image", "volume.nii.gz", "--slice", "all", "--colorbar")
        self.check_all("image.npy", "image.png")
        self.check_all("image.npy", "--format", "f32")

    def test_files(self):
        """Outputs with names, and reports."""
        code, _, said, _ = self.run_failing(0, "volume.nii.gz", "-o", "out.png", "--json")
        self.assertEqual(code, 0)
        whole = self.get("out.png").values
        for number in range(1, int(said.split()[-1]) + 1):
            self.remove("out.png")
            before = sorted(os.listdir(self.folder))
            code, out, said, message = self.run_failing(number, "volume.nii.gz", "-o", "out.png", "--json")
            told = f"allocation {number}, {said}: {code} {message}"
            if code == 0:
                self.assertEqual((self.get("out.png").values, message, out[:1]), (whole, "", b"{"), told)
            else:
                self.assertEqual((code, sorted(os.listdir(self.folder))), (FAILED, before), told)
                self.assertRegex(message, r"^batchview: [^\n]*memory[^\n]*$", told)
                self.put("out.png", b"of the next turn")

    def test_a_directory_of_pictures(self):
        """What fails of one input costs its picture alone."""
        os.mkdir(self.path("in"))
        for name in ("image.npy", "volume.nii.gz"):
            os.rename(self.path(name), self.path("in/" + name))
        self.put("in/list.csv", b"of no format")
        arguments = ("in", "seri?s", "-o", "out/", "--recursive", "--json", "-q")
        code, _, said, _ = self.run_failing(0, *arguments)
        self.assertEqual(code, 0)
        names = ["image.png", "series.png", "volume.png"]
        whole = {name: self.get("out/" + name).values for name in names}
        codes = set()
        for number in range(1, int(said.split()[-1]) + 1):
            shutil.rmtree(self.path("out"), ignore_errors=True)
            code, out, said, message = self.run_failing(number, *arguments)
            told = f"allocation {number}, {said}: {code} {message}"
            made = sorted(os.listdir(self.path("out"))) if os.path.isdir(self.path("out")) else []
            codes.add(code)
            self.assertEqual(len(made), {0: 3, PARTLY: 2, FAILED: 0}.get(code), told)
            self.assertEqual({name: self.get("out/" + name).values for name in made}, {name: whole[name] for name in made}, told)
            if code == FAILED:
                self.assertEqual(out, b"", told)
            else:
                self.assertEqual(json.loads(out)["counts"]["done"], len(made), told)
            if code != 0:
                self.assertRegex(message, r"^batchview: ([^\n]*: )?[^\n]*memory[^\n]*$", told)
        self.assertEqual(codes, {0, PARTLY, FAILED})

    @unittest.skipUnless(os.environ["BATCHVIEW_WITH_TENSORBOARD"] == "ON", "the program was built without TensorBoard's logs")
    def test_a_log(self):
        """Whose writer has a thread: allocations are not always in the same order."""
        for arguments, failed in ((("image.npy", "-o", "-", "--tensorboard", "runs"), FAILED),
                                  (("image.npy", "--tensorboard", "runs", "-q"), PARTLY)):
            code, _, said, message = self.run_failing(0, *arguments)
            self.assertEqual((code, message), (0, ""))
            codes = set()
            for number in range(1, int(said.split()[-1]) + 1):
                code, _, said, message = self.run_failing(number, *arguments)
                told = f"{arguments}, allocation {number}, {said}: {code} {message}"
                codes.add(code)
                self.assertIn(code, (0, FAILED, failed, WRITE), told)  # the last where a system call of the log's is short of it
                if code != 0:
                    self.assertRegex(message, r"^batchview: ([^\n]*: )?[^\n]*memory[^\n]*$", told)
                self.assertTrue(all(event.tag == "image" for event in read_log(self.path("runs"))), told)
                shutil.rmtree(self.path("runs"), ignore_errors=True)
            self.assertIn(failed, codes)

    def show_failing(self, number):
        """Exit code, what the terminal saw, what the program said."""
        environment = dict(TERM="xterm-256color", LD_PRELOAD=LIBRARY, BATCHVIEW_FAIL_ALLOCATION=str(number))
        code, seen, said = self.on_terminal("image.npy", "--show", stream="stdout", size=(12, 40, 0, 0), env=environment)
        lines = said.decode().splitlines()
        return code, seen, int(lines[-1].split()[-1]) if number == 0 else None, "\n".join(
            line for line in lines if not line.startswith(("failed: ", "allocations: ")))

    @unittest.skipUnless(os.environ["BATCHVIEW_WITH_SHOW"] == "ON", "the program was built without chafa")
    def test_the_terminal(self):
        """Also those of the program that draws, of which the same number fails, and whose GLib ends it."""
        code, whole, count, message = self.show_failing(0)
        self.assertEqual((code, message), (0, ""))
        self.assertTrue(whole.startswith("\x1b[0m"))
        later = sorted(self.random.sample(range(count + 1, count + 600), 60))
        ended = 0
        for number in [*range(1, count + 1), *later]:
            code, seen, _, message = self.show_failing(number)
            told = f"allocation {number} of {count} and of the program that draws: {code} {message}"
            if code == 0:
                self.assertEqual((seen, message), (whole, ""), told)
            else:
                self.assertEqual((code, seen), (FAILED, ""), told)
                # the dynamic loader tells by an exit status that it cannot start the program
                self.assertRegex(message, r"^batchview: ([^\n]*: )?[^\n]*(memory|batchview_show cannot be started: )[^\n]*$", told)
                ended += "ended with signal" in message
        self.assertGreater(ended, 5)


if __name__ == "__main__":
    unittest.main()
