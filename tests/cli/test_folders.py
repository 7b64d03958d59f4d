"""A directory as output: a picture for each input, folders, patterns, bad files among them."""
import gzip
import json
import os
import signal
import struct
import subprocess
import time
import unittest

from support import PROGRAM, SANITIZED, Case, make_dicom, make_nifti, make_png, make_tiff

USAGE, UNREADABLE, UNSUPPORTED, WRITE, PARTLY = 2, 3, 4, 5, 7


class Folders(Case):

    def tree(self, folder):
        """The files below a folder, by their paths in it."""
        found = [os.path.relpath(os.path.join(place, name), self.path(folder))
                 for place, _, names in os.walk(self.path(folder)) for name in names]
        return sorted(found)

    def bytes_of(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def put_pictures(self, *names):
        """Random arrays under these names, with their folders; what -o FILE makes of each."""
        made = {}
        for name in names:
            os.makedirs(os.path.dirname(self.path(name)) or self.folder, exist_ok=True)
            self.put(name, self.numbers((self.random.randrange(3, 9), self.random.randrange(3, 9))))
            self.succeed(name, "-o", "alone.png")
            made[name] = self.bytes_of("alone.png")
            self.remove("alone.png")
        return made

    def end(self, code, *arguments, **options):
        """Runs the program to this exit code; standard error's lines."""
        done = self.run_program(*arguments, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr.decode().splitlines()

    # ---- Names ----

    def test_each_input_has_the_picture_that_it_has_alone(self):
        made = self.put_pictures("in/a.npy", "in/b.npy", "in/other/c.npy", "d.npy")
        self.succeed("in/a.npy", "d.npy", "in/other/c.npy", "-o", "out/")
        self.assertEqual(self.tree("out"), ["a.png", "c.png", "d.png"])
        for name in ("in/a.npy", "d.npy", "in/other/c.npy"):
            self.assertEqual(self.bytes_of("out/" + os.path.basename(name).replace("npy", "png")), made[name])
        self.succeed("in", "-o", "out")  # which is there now
        self.assertEqual(self.tree("out"), ["a.png", "b.png", "c.png", "d.png"])
        self.assertEqual(self.bytes_of("out/b.png"), made["in/b.npy"])

    def test_folders_inside_are_looked_into_with_recursive_and_kept(self):
        made = self.put_pictures("in/a.npy", "in/p/a.npy", "in/p/q/a.npy", "in/.hidden/h.npy", "in/.h.npy")
        self.succeed("in/", "-o", "flat/")
        self.assertEqual(self.tree("flat"), ["a.png"])
        self.succeed("in/", "--recursive", "-o", "new/out/")
        self.assertEqual(self.tree("new/out"), ["a.png", "p/a.png", "p/q/a.png"])
        for name in self.tree("new/out"):
            self.assertEqual(self.bytes_of("new/out/" + name), made["in/" + name.replace("png", "npy")])

    def test_names_without_the_endings_of_formats(self):
        os.mkdir(self.path("in"))
        nifti = make_nifti((6, 5, 4), self.numbers((6, 5, 4)).values)
        for name, data in (("a.nii.gz", gzip.compress(nifti)), ("b.NII", nifti), ("c.tiff", make_tiff((1, 6, 5), range(30))),
                           ("d.png", make_png((6, 5), range(30))), ("1.2.840.7", make_dicom((6, 5), range(30))),
                           ("e.v2", nifti), ("f.npy.gz", gzip.compress(self.numbers((6, 5)).npy()))):
            self.put("in/" + name, data)
        self.put("in/g.hdr", nifti[:108] + struct.pack("<f", 0) + nifti[112:344] + b"ni1\0")
        self.put("in/g.img", nifti[352:])
        self.succeed("in", "-o", "out/")
        self.assertEqual(self.tree("out"), ["1.2.840.7.png", "a.png", "b.png", "c.png", "d.png", "e.v2.png", "f.png", "g.png"])
        self.succeed("in/g.img", "-o", "other/")
        self.assertEqual(self.bytes_of("other/g.png"), self.bytes_of("out/g.png"))

    def test_arrays(self):
        self.put("a.npy", self.numbers((4, 5)))
        self.succeed("a.npy", "-o", "out/", "--format", "u8")
        self.succeed("a.npy", "-o", "alone.npy", "--format", "u8")
        self.assertEqual(self.tree("out"), ["a.npy"])
        self.assertEqual(self.bytes_of("out/a.npy"), self.bytes_of("alone.npy"))

    def test_a_name_that_ends_with_a_format_is_a_file(self):
        self.put_pictures("a.npy")
        os.mkdir(self.path("folder.png"))
        self.refuse(WRITE, "a.npy", "-o", "folder.png")
        self.succeed("a.npy", "-o", "folder.png/")
        self.assertEqual(self.tree("folder.png"), ["a.png"])

    def test_two_of_one_name_are_refused_before_any_is_made(self):
        self.put_pictures("p/a.npy", "q/a.npy", "b.npy")
        self.put("b.png", make_png((6, 5), range(30)))
        self.refuse(USAGE, "p/a.npy", "b.npy", "q/a.npy", "-o", "out/", says=["out/a.png", "'p/a.npy' and 'q/a.npy'"])
        self.refuse(USAGE, "b.npy", "b.png", "-o", "out/", says=["out/b.png", "'b.npy' and 'b.png'"])
        self.refuse(USAGE, "b.npy", "b.npy", "-o", "out/", says=["out/b.png", "'b.npy' and 'b.npy'"])
        self.refuse(USAGE, "p", "q", "-o", "out/", says=["out/a.png"])

    # ---- Folders ----

    def put_series(self, folder, series, count):
        os.makedirs(self.path(folder), exist_ok=True)
        for i in range(count):
            pixels = [self.random.randrange(256) for _ in range(30)]
            self.put(f"{folder}/{series}{i}", make_dicom((6, 5), pixels, i).replace(b"1.2.3\0", b"1.2.%d\0" % series))

    def test_a_folder_of_one_dicom_series_is_one_input(self):
        self.put_series("ct/1", 3, 3)
        self.put("ct/1/notes.txt", b"of somebody")
        self.end(0, "ct/1", "-o", "out/")
        self.assertEqual(self.tree("out"), ["1.png"])
        self.run_program("ct/1", "-o", "alone.png")
        self.assertEqual(self.bytes_of("out/1.png"), self.bytes_of("alone.png"))
        done = subprocess.run([PROGRAM, ".", "-o", self.path("here"), "-q"], cwd=self.path("ct/1"), capture_output=True)
        self.assertEqual(done.returncode, USAGE)  # no directory yet
        subprocess.run([PROGRAM, ".", "-o", self.path("here/"), "-q"], cwd=self.path("ct/1"), check=True)
        self.assertEqual(self.tree("here"), ["1.png"])
        self.put_series("ct/2", 4, 2)
        self.end(0, "ct", "--recursive", "-o", "all/")
        self.assertEqual(self.tree("all"), ["1.png", "2.png"])

    def test_a_folder_of_several_series_or_other_pictures_is_one_of_files(self):
        self.put_series("two", 3, 2)
        self.put_series("two", 4, 1)
        self.succeed("two", "-o", "out/")
        self.assertEqual(self.tree("out"), ["30.png", "31.png", "40.png"])
        self.put_series("mixed", 3, 2)
        self.put_pictures("mixed/a.npy")
        self.succeed("mixed", "-o", "other/")
        self.assertEqual(self.tree("other"), ["30.png", "31.png", "a.png"])

    def test_dicom_files_without_pixels_are_no_input(self):
        self.put_pictures("cd/p/a.npy")
        whole = make_dicom((6, 5), range(30))
        self.put("cd/DICOMDIR", whole[:whole.index(b"\xe0\x7f\x10\0")])
        lines = self.end(0, "cd", "--recursive", "-o", "out/", "-v")
        self.assertEqual(self.tree("out"), ["p/a.png"])
        self.assertIn("batchview: 1 done; 1 other files in the folders", lines)

    def test_links(self):
        """Files are read through them, folders are not looked into: no loop is run through."""
        self.put_pictures("in/p/a.npy", "elsewhere/b.npy")
        os.symlink("..", self.path("in/p/up"))
        os.symlink(".", self.path("in/self"))
        os.symlink("../elsewhere", self.path("in/folder"))
        os.symlink("../elsewhere/b.npy", self.path("in/file.npy"))
        self.succeed("in", "--recursive", "-o", "out/")
        self.assertEqual(self.tree("out"), ["file.png", "p/a.png"])
        self.succeed("in/folder", "-o", "named/")
        self.assertEqual(self.tree("named"), ["b.png"])

    def test_what_is_no_file_is_not_waited_for(self):
        self.put_pictures("in/a.npy")
        os.mkfifo(self.path("in/b.npy"))
        lines = self.end(0, "in", "-o", "out/", "-v")
        self.assertEqual((self.tree("out"), lines[-1]), (["a.png"], "batchview: 1 done; 1 other files in the folders"))

    def test_folders_too_deep_for_a_path_are_told(self):
        self.put_pictures("in/a.npy")
        place = os.open(self.path("in"), os.O_RDONLY)
        name = "d" * 200
        for _ in range(30):
            os.mkdir(name, dir_fd=place)
            inside = os.open(name, os.O_RDONLY, dir_fd=place)
            os.close(place)
            place = inside
        os.close(place)
        lines = self.end(PARTLY, "in", "--recursive", "-o", "out/")
        self.assertRegex(lines[0], "^batchview: in/d.*: File name too long$")
        self.assertEqual((lines[-1], self.tree("out")), ("batchview: 1 done, 1 failed", ["a.png"]))

    def test_the_output_is_not_looked_into(self):
        self.put_pictures("in/p/a.npy", "in/b.npy")
        for _ in range(2):
            self.succeed("in", "--recursive", "-o", "in/out/")
            self.assertEqual(self.tree("in/out"), ["b.png", "p/a.png"])

    def test_patterns(self):
        self.put_pictures("in/a1.npy", "in/a2.npy", "in/b.npy", "in/p/c1.npy", "in/a[1].npy")
        self.succeed("in/a?.npy", "-o", "out/")
        self.assertEqual(self.tree("out"), ["a1.png", "a2.png"])
        self.succeed("in/[b]*", "in/*/", "-o", "other/")  # a file, and what is in a folder
        self.assertEqual(self.tree("other"), ["b.png", "c1.png"])
        self.succeed("in/a[1].npy", "-o", "literal/")  # which is there
        self.assertEqual(self.tree("literal"), ["a[1].png"])
        lines = self.end(PARTLY, "in/x*.npy", "in/b.npy", "-o", "more/")
        self.assertEqual(lines[0], "batchview: in/x*.npy: No such file or directory")
        self.assertEqual(self.tree("more"), ["b.png"])

    def test_a_pattern_finds_neither_the_output_nor_pipes(self):
        self.put_pictures("in/a.npy", "in/b.npy")
        os.mkfifo(self.path("in/pipe.npy"))
        os.symlink("/dev/zero", self.path("in/zero.npy"))
        for _ in range(2):
            self.assertEqual(self.end(0, "in/*", "-o", "in/out/", "-v")[-1],
                             "batchview: 2 done; 2 other files in the folders")
            self.assertEqual(self.tree("in/out"), ["a.png", "b.png"])

    # ---- Bad files ----

    def put_bad_files(self):
        self.put_pictures("in/a.npy", "in/m.npy", "in/z.npy")
        self.put("in/cut.npy", self.numbers((4, 5)).npy()[:-3])
        self.put("in/empty.nii", b"")
        self.put("in/garbage.nii.gz", b"\x1f\x8b of no kind")
        self.put("in/list.csv", b"of no format\n" * 20)
        os.symlink("nowhere", self.path("in/gone"))

    def test_bad_files_are_told_and_the_others_done(self):
        self.put_bad_files()
        lines = self.end(PARTLY, "in", "-o", "out/")
        self.assertEqual(self.tree("out"), ["a.png", "m.png", "z.png"])
        self.assertEqual([line.split(": ")[1] for line in lines[:-1]], ["in/cut.npy", "in/empty.nii", "in/garbage.nii.gz", "in/gone"])
        self.assertEqual(lines[-1], "batchview: 3 done, 4 failed; 1 other files in the folders")
        self.assertEqual(self.end(PARTLY, "in", "-o", "out/", "-q"), lines[:-1])

    def test_an_input_of_which_the_options_ask_too_much_fails_alone(self):
        self.put_pictures("image.npy")
        self.put("volume.npy", self.numbers((4, 5, 6)))
        lines = self.end(PARTLY, "image.npy", "volume.npy", "--slice", "3", "-o", "out/")
        self.assertIn("image.npy: --axis", lines[0])
        self.assertEqual(self.tree("out"), ["volume.png"])

    def test_an_output_that_cannot_be_written_ends_all(self):
        self.put_pictures("a.npy", "b.npy", "c.npy")
        os.makedirs(self.path("out/b.png"))
        lines = self.end(WRITE, "a.npy", "b.npy", "c.npy", "-o", "out/")
        self.assertEqual(lines, ["batchview: out/b.png: Is a directory", "batchview: 1 done, 1 failed, 1 left"])
        self.put("file", b"")
        self.assertIn("file/", self.end(WRITE, "a.npy", "-o", "file/")[0])
        line = self.end(WRITE, "a.npy", "-o", "/sys/batchview/")[0]  # where nobody may make a directory
        self.assertRegex(line, "^batchview: /sys/batchview/a.png: (Operation not permitted|Permission denied|Read-only file system)$")

    def test_what_must_stay_is_not_replaced(self):
        made = self.put_pictures("in/a.npy", "b.npy")
        os.mkdir(self.path("out"))
        self.put("out/x.png", make_png((6, 5), range(30)))
        os.link(self.path("out/x.png"), self.path("out/a.png"))  # an input by another name
        before = self.bytes_of("out/x.png")
        self.assertIn("out/a.png: it is an input too", self.end(WRITE, "b.npy", "in/a.npy", "out/x.png", "-o", "out/")[0])
        self.assertEqual((self.tree("out"), self.bytes_of("out/x.png")), (["a.png", "x.png"], before))
        self.put("out/b.png", b"precious")
        os.chmod(self.path("out/b.png"), 0o444)
        self.assertIn("out/b.png: it is read-only", self.end(WRITE, "b.npy", "-o", "out/")[0])
        self.assertEqual(self.bytes_of("out/b.png"), b"precious")
        self.succeed("b.npy", "-o", "out/", "--force")
        self.assertEqual(self.bytes_of("out/b.png"), made["b.npy"])

    def test_nothing_to_show(self):
        os.makedirs(self.path("in/p"))
        self.put("in/list.csv", b"of no format\n" * 20)
        self.refuse(UNREADABLE, "in", "-o", "out/", says=["no file is of a format that is read", "--recursive"])
        message = self.refuse(UNREADABLE, "in", "-o", "out/", "--recursive")
        self.assertNotIn("--recursive", message)
        self.put("p.npy", self.numbers((4, 5)))
        self.refuse(UNREADABLE, "p.npy", "--mask", "none.npy", "-o", "out/", says=["none.npy"])

    def test_options(self):
        self.put_pictures("a.npy")
        self.refuse(USAGE, "-", "-o", "out/", says=["standard input", "'out/'"])
        self.refuse(USAGE, "a.npy", "-o", "out.png", "--recursive", says=["--recursive", "'out.png'"])
        self.refuse(USAGE, "a.npy", "-o", "out", says=["--output 'out'", "a directory"])
        self.refuse(USAGE, "a.npy", "-o", "out/", "--recursive=1", says=["--recursive takes no value"])
        self.refuse(USAGE, "a.npy", "-o", "out/", "--recursive", "--recursive", says=["--recursive is given twice"])
        self.refuse(USAGE, "a.npy", "-o", "out/", "--format", "u8", "--columns", "2", says=["--columns"])

    # ---- What is told ----

    def test_report(self):
        self.put_bad_files()
        done = self.run_program("in", "-o", "out/", "--json", "-q")
        self.assertEqual(done.returncode, PARTLY)
        report = json.loads(done.stdout)
        self.assertEqual(list(report), ["batchview", "options", "pictures", "counts", "seconds", "throughput"])
        names = ["in/a.npy", "in/cut.npy", "in/empty.nii", "in/garbage.nii.gz", "in/gone", "in/m.npy", "in/z.npy"]
        self.assertEqual([each.get("path") or each["inputs"][0]["path"] for each in report["pictures"]], names)
        for each in report["pictures"]:
            if "path" in each:
                self.assertEqual((list(each), each["status"]), (["path", "error", "status"], UNREADABLE if "garbage" not in
                                                                each["path"] else each["status"]))
                self.assertIn(f"batchview: {each['path']}: {each['error']}", done.stderr.decode().splitlines())
            else:
                name = each["inputs"][0]["path"]
                alone = self.report(name, "-o", "alone.png")
                each["inputs"][0].pop("seconds")
                alone["inputs"][0].pop("seconds")
                self.assertEqual(each["inputs"], alone["inputs"])
                self.assertEqual(each["output"], {**alone["output"], "path": name.replace("in/", "out/").replace("npy", "png")})
        self.assertEqual({name: report["counts"][name] for name in ("inputs", "done", "failed", "left", "others")},
                         {"inputs": 3, "done": 3, "failed": 4, "left": 0, "others": 1})

    def test_a_bar_and_a_summary_on_a_terminal(self):
        self.put_bad_files()
        fifo = self.path("in/n.npy")  # which the program waits for, until the bar is due
        os.mkfifo(fifo)
        feeder = subprocess.Popen(["sh", "-c", f"sleep 1; cat {self.path('in/a.npy')} > {fifo}"])
        code, seen, _ = self.on_terminal("in/a.npy", "in/n.npy", "in/empty.nii", "in/z.npy", "-o", "out/")
        feeder.wait(60)
        self.assertEqual(code, PARTLY)
        self.assertIn("2 of 4: measuring in/n.npy", seen)
        self.assertIn("[#######", seen)
        self.assertRegex(seen, r"4 of 4: writing out/z.png\r\x1b\[Kbatchview: 3 done, 1 failed\r\n$")
        self.assertRegex(seen, r"\r\x1b\[Kbatchview: in/empty.nii: ")
        self.assertEqual(self.on_terminal("in/a.npy", "-o", "out/"), (0, "batchview: 1 done\r\n", b""))
        self.assertEqual(self.on_terminal("in/a.npy", "-o", "out/", "-q"), (0, "", b""))

    def test_verbose(self):
        self.put_pictures("in/a.npy", "in/b.npy")
        lines = self.end(0, "in", "-o", "out/", "-v")
        self.assertEqual(len(lines), 3)
        self.assertRegex(lines[1], r"^in/b.npy \(\dx\d f32\) -> out/b.png, window ")

    # ---- Long runs ----

    def most_memory(self, count):
        """In KiB, of a run over so many files of 256 KiB."""
        process = subprocess.Popen([PROGRAM, "in", "-o", "out/", "--format", "f32"], cwd=self.folder,
                                   env=dict(os.environ, BATCHVIEW_THREADS="1"))
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        self.assertEqual(status, 0)
        self.assertEqual(len(self.tree("out")), count)
        return usage.ru_maxrss

    @unittest.skipIf(SANITIZED, "a sanitizer keeps what is freed for a while")
    def test_memory_stays_what_one_file_takes(self):
        os.mkdir(self.path("in"))
        data = make_nifti((256, 256, 1), [1.5] * 65536)
        for i in range(10):
            self.put(f"in/{i}.nii", data)
        few = self.most_memory(10)
        for i in range(10, 1000):
            os.link(self.path("in/0.nii"), self.path(f"in/{i}.nii"))
        self.assertLess(self.most_memory(1000), few + 4096)  # of 256 MiB

    def test_an_interrupt_ends_it_at_once_and_leaves_whole_pictures(self):
        os.mkdir(self.path("in"))
        self.put("in/0.npy", self.numbers((40, 50)))
        for i in range(1, 5000):
            os.link(self.path("in/0.npy"), self.path(f"in/{i}.npy"))
        process = subprocess.Popen([PROGRAM, "in", "-o", "out/"], cwd=self.folder)
        while not os.path.isdir(self.path("out")) or len(os.listdir(self.path("out"))) < 5:
            self.assertIsNone(process.poll())
            time.sleep(0.001)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(5), -signal.SIGINT)
        names = self.tree("out")
        self.assertLess(len(names), 5000)
        whole = {self.bytes_of("out/" + name) for name in names}
        self.assertTrue(len(whole) == 1 and all(name.endswith(".png") for name in names), names)
        self.get("out/" + names[0])


if __name__ == "__main__":
    unittest.main()
