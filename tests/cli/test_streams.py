"""Standard streams, terminals, JSON's form, and failures: every exit code, and outputs whole or not at all."""
import json
import os
import resource
import signal
import stat
import struct
import subprocess
import time
import unittest

from support import PROGRAM, SANITIZED, Array, Case, make_nifti, make_png, parse_npy, parse_png

USAGE, UNREADABLE, UNSUPPORTED, WRITE, FAILED = 2, 3, 4, 5, 6


class Streams(Case):

    def setUp(self):
        super().setUp()
        self.image = self.numbers((6, 5))
        self.put("a.npy", self.image)
        self.succeed("a.npy", "-o", "a.png")
        self.picture = self.get("a.png").values

    # ---- Standard input and output ----

    def test_standard_input(self):
        self.succeed("-", "-o", "out.png", stdin=self.image.npy())
        self.assertEqual(self.get("out.png").values, self.picture)
        report = self.report("-", "-o", "out.png", stdin=self.image.npy())
        self.assertEqual(report["inputs"][0]["path"], "-")

    def test_mask_from_standard_input(self):
        mask = Array("u1", (6, 5), [1] * 15 + [0] * 15)
        report = self.report("a.npy", "--mask", "-", "-o", "out.png", stdin=mask.npy())
        self.assertEqual(report["inputs"][0]["windows"][0]["n"], 15)

    def test_standard_output_is_png(self):
        self.assertEqual(parse_png(self.succeed("a.npy", "-o", "-")).values, self.picture)

    def test_standard_output_is_npy_with_a_format(self):
        for format_, kind in (("f32", "f4"), ("u8", "u1"), ("rgb", "u1")):
            array = parse_npy(self.succeed("a.npy", "-o", "-", "--format", format_))
            self.assertEqual((array.kind, array.shape[:2]), (kind, (6, 5)))
        self.refuse(USAGE, "a.npy", "-o", "-", "--format", "u8", "--columns", "1", says=["--columns"])

    def test_quiet_and_verbose(self):
        self.succeed("a.npy", "-o", "out.png", "-q")
        done = self.run_program("a.npy", "-o", "out.png", "-v")
        self.assertEqual((done.returncode, done.stdout), (0, b""))
        for part in ("a.npy", "6x5", "f32", "out.png", "window", "foreground", "time", "throughput"):
            self.assertIn(part, done.stderr.decode())
        done = self.run_program("a.npy", "-o", "-", "-v")
        self.assertEqual(parse_png(done.stdout).values, self.picture)
        self.assertIn(b"window", done.stderr)

    def test_verbose_says_when_there_is_no_window(self):
        self.put("zeros.npy", Array("f4", (2, 2), [0] * 4))
        self.assertIn(b"no foreground", self.run_program("zeros.npy", "-o", "out.png", "-v").stderr)
        self.put("two.npy", self.numbers((2, 1, 3, 3)))
        self.assertIn(b"2 windows", self.run_program("two.npy", "-o", "out.png", "-v").stderr)

    # ---- Terminals ----

    def test_one_line_on_a_terminal(self):
        code, seen, out = self.on_terminal("a.npy", "-o", "out.png")
        self.assertEqual((code, out, seen.count("\n")), (0, b"", 1))
        self.assertIn("out.png", seen)
        self.assertIn("window", seen)
        self.assertNotIn("\x1b", seen)  # no bar for short work
        self.assertEqual(self.on_terminal("a.npy", "-o", "out.png", "-q"), (0, "", b""))

    def test_a_bar_for_long_work_on_a_terminal_only(self):
        self.put("large.nii", make_nifti((1000, 1000, 3), []))
        os.truncate(self.path("large.nii"), 352 + 4 * 1000 * 1000 * 3)
        code, seen, _ = self.on_terminal("large.nii", "-o", "out.npy")
        self.assertEqual(code, 0)
        for part in ("[....", "reading large.nii", "measuring", "mapping", "[####", "writing out.npy"):
            self.assertIn(part, seen)
        bar, _, summary = seen.rpartition("\r\x1b[K")  # erased before the last line
        self.assertNotIn("\n", bar)
        self.assertNotIn("[#", summary)
        self.assertEqual(self.on_terminal("large.nii", "-o", "out.npy", "-q"), (0, "", b""))
        self.succeed("large.nii", "-o", "out.npy")

    def test_the_bar_is_erased_before_an_error(self):
        with open(self.path("large.npy"), "wb") as file:
            file.truncate(9 << 20)
        code, seen, _ = self.on_terminal("large.npy", "-o", "out.png")
        self.assertIn(code, (UNREADABLE, UNSUPPORTED))
        self.assertRegex(seen, r"\r\x1b\[Kbatchview: large.npy: [^\n]*\n$")

    def test_no_pictures_to_a_terminal(self):
        for arguments in ((), ("--format", "u8")):
            code, seen, message = self.on_terminal("a.npy", "-o", "-", *arguments, stream="stdout")
            self.assertEqual((code, seen), (USAGE, ""))
            self.assertIn(b"terminal", message)

    # ---- JSON ----

    def test_report(self):
        self.put("v.npy", self.numbers((4, 5, 6), "i2"))
        report = self.report("v.npy", "-o", "out.png", "--axis", "1", "--percentile", "5,95")
        self.assertEqual(list(report), ["batchview", "options", "inputs", "output", "counts", "seconds", "throughput"])
        self.assertEqual(report["options"], {"window": "percentile", "percentile": [5, 95], "foreground": "nonzero",
                                             "mask": None, "overlay": None, "overlay_image": None,
                                             "scope": "plane"})
        (entry,) = report["inputs"]
        self.assertEqual((entry["format"], entry["kind"], entry["type"], entry["shape"], entry["spacing"]),
                         ("npy", "volume", "i16", [4, 5, 6], [1, 1, 1]))
        self.assertEqual((entry["oriented"], entry["axis"], entry["slices"], entry["batch"]),
                         (False, 1, {"first": 2, "count": 1}, [1, 1, 4, 6]))
        self.assertEqual(report["counts"], {"inputs": 1, "planes": 1, "pixels": 24,
                                            "foreground": entry["windows"][0]["n"]})
        seconds = report["seconds"]
        self.assertTrue(all(seconds[part] > 0 for part in ("read", "compute", "write")))
        self.assertGreaterEqual(seconds["total"], seconds["read"] + seconds["compute"] + seconds["write"])
        self.assertAlmostEqual(report["throughput"]["pixels_per_second"] * seconds["compute"] / 24, 1)
        self.assertAlmostEqual(report["throughput"]["bytes_per_second"] * seconds["compute"] / (24 * 3), 1)

    def test_a_window_without_foreground_is_null(self):
        self.put("zeros.npy", Array("f4", (2, 2), [0] * 4))
        self.assertEqual(self.report("zeros.npy", "-o", "out.png")["inputs"][0]["windows"],
                         [{"lo": None, "hi": None, "n": 0}])

    def test_names_in_json(self):
        for name, expected in ((b'quote" \\ slash.npy', 'quote" \\ slash.npy'), (b"tab\tnew\nline.npy", "tab\tnew\nline.npy"),
                               (b"\x01\x1f\x7f.npy", "\x01\x1f\x7f.npy"), ("h\u00e9 \u2603 \U0001f9e0.npy".encode(), "h\u00e9 \u2603 \U0001f9e0.npy"),
                               (b"a\xff\xc3.npy", "a\ufffd\ufffd.npy"), (b"\xc0\xafb.npy", "\ufffd\ufffdb.npy"),
                               (b"\xed\xa0\x80c.npy", "\ufffd\ufffd\ufffdc.npy"),
                               (b"\xf4\x90\x80\x80d.npy", "\ufffd\ufffd\ufffd\ufffdd.npy"),
                               (b"\xe0\x80\x80e.npy", "\ufffd\ufffd\ufffde.npy"),
                               (b"\xf0\x8f\xbf\xbff.npy", "\ufffd\ufffd\ufffd\ufffdf.npy"),
                               (b"\xe2\x98.npy", "\ufffd\ufffd.npy")):
            self.put(os.fsdecode(name), self.image)
            report = self.report(name, "-o", "out.png")
            self.assertEqual(report["inputs"][0]["path"], expected)

    # ---- Failures ----

    def test_unreadable(self):
        self.put("text.npy", b"not a picture of any kind\n" * 9)
        self.put("empty.npy", b"")
        self.put("cut.npy", self.image.npy()[:-7])
        self.put("cut.png", make_png((6, 5), bytes(30))[:50])
        os.mkdir(self.path("folder"))
        for name, code in (("missing.npy", {UNREADABLE}), ("empty.npy", {UNREADABLE}), ("cut.npy", {UNREADABLE}),
                           ("cut.png", {UNREADABLE}), ("folder", {UNREADABLE}),
                           ("text.npy", {UNREADABLE, UNSUPPORTED})):
            done = self.run_program(name, "-o", "out.png")
            self.assertIn(done.returncode, code, name)
            self.refuse(done.returncode, name, "-o", "out.png", says=[f"batchview: {name}: "])
            self.refuse(done.returncode, "a.npy", name, "-o", "out.png", says=[f"batchview: {name}: "])
            self.refuse(done.returncode, "a.npy", "--mask", name, "-o", "out.png", says=[f"batchview: {name}: "])
        self.refuse(UNREADABLE, "-", "-o", "out.png", stdin=b"", says=["batchview: -: "])

    def test_unsupported(self):
        self.put("complex.npy", self.image.npy().replace(b"'<f4'", b"'<c8'"))
        self.put("flat.npy", Array("f4", (4,), [1, 2, 3, 4]))
        self.put("deep.npy", Array("f4", (1, 1, 1, 1, 1), [1]))
        for name in ("complex.npy", "flat.npy", "deep.npy"):
            self.refuse(UNSUPPORTED, name, "-o", "out.png", says=[name])

    def test_an_output_that_cannot_be_written(self):
        for kind in ("png", "npy"):
            self.refuse(WRITE, "a.npy", "-o", f"no/folder/out.{kind}", says=[f"no/folder/out.{kind}"])
            os.mkdir(self.path(f"folder.{kind}"))
            self.refuse(WRITE, "a.npy", "-o", f"folder.{kind}", says=[f"folder.{kind}"])

    def test_a_full_disk(self):
        with open("/dev/full", "wb") as full:
            for arguments in (("-o", "-"), ("-o", "-", "--format", "u8"), ("-o", "out.png", "--json"), ("--help",),
                              ("--version",)):
                done = subprocess.run([PROGRAM, "a.npy", *arguments], cwd=self.folder, stdout=full,
                                      stderr=subprocess.PIPE, timeout=60)
                self.assertEqual((done.returncode, done.stderr.count(b"\n")), (WRITE, 1), arguments)
                self.assertIn(b"batchview: ", done.stderr)

    def test_every_shortage_of_memory_is_reported(self):
        """From where the program can just start to where there is enough, each limit ends in success or one line."""
        self.put("in.nii", make_nifti((500, 500, 8), []))
        os.truncate(self.path("in.nii"), 352 + 4 * 500 * 500 * 8)
        # Threads that the limit may not allow, with stacks that it cannot allow if they were OpenMP's
        environment = dict(os.environ, BATCHVIEW_THREADS="3", OMP_STACKSIZE="512M")
        codes, before = [], set(os.listdir(self.folder))
        for mebibytes in range(8, 64):
            def limit():
                resource.setrlimit(resource.RLIMIT_AS, (mebibytes << 20, mebibytes << 20))

            if SANITIZED:  # then the sanitizer, not the system, limits allocations
                environment["ASAN_OPTIONS"] = f"allocator_may_return_null=1:max_allocation_size_mb={mebibytes // 3}"
            done = subprocess.run([PROGRAM, "in.nii", "--slice", "all", "-o", "out.png"], cwd=self.folder,
                                  stderr=subprocess.PIPE, env=environment, timeout=60,
                                  preexec_fn=None if SANITIZED else limit)
            message = done.stderr.decode()
            if not codes and done.returncode in (127, -signal.SIGSEGV):
                continue  # too little for the dynamic loader
            codes.append(done.returncode)
            self.assertIn(done.returncode, (0, FAILED), message)
            if done.returncode == 0:
                os.unlink(self.path("out.png"))
            else:
                if SANITIZED:  # it prints a warning first
                    message = message[message.index("batchview: "):]
                self.assertRegex(message, r"^batchview: (in.nii|out.png): [^\n]*memory[^\n]*\n$")
                self.assertEqual(set(os.listdir(self.folder)), before)
        self.assertEqual((codes[0], codes[-1]), (FAILED, 0))

    def test_a_failure_leaves_an_existing_output_as_it_was(self):
        self.put("out.png", b"precious")
        self.refuse(UNREADABLE, "a.npy", "missing.npy", "-o", "out.png")
        with open(self.path("out.png"), "rb") as file:
            self.assertEqual(file.read(), b"precious")
        self.succeed("a.npy", "-o", "out.png")
        self.assertEqual(self.get("out.png").values, self.picture)

    def test_an_input_is_replaced_by_force_only(self):
        os.mkdir(self.path("folder"))
        os.link(self.path("a.png"), self.path("other.png"))
        os.symlink("a.png", self.path("link.png"))
        whole = self.contents("a.png")
        for arguments in (("a.png", "-o", "a.png"), ("a.npy", "a.png", "-o", "folder/../a.png"), ("a.png", "-o", "link.png"),
                          ("a.npy", "--mask", "a.png", "-o", "other.png"), ("a.npy", "-o", "a.npy")):
            self.refuse(WRITE, *arguments, says=[f"batchview: {arguments[-1]}: ", "input", "--force"])
        with open(self.path("a.png"), "rb") as file:
            done = subprocess.run([PROGRAM, "-", "-o", "a.png"], cwd=self.folder, stdin=file, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, WRITE, done.stderr)
        self.assertEqual(self.contents("a.png"), whole)
        self.succeed("a.npy", "a.png", "--force", "-o", "a.png")
        self.assertEqual(self.get("a.png").shape[1], 10)

    def test_a_read_only_file_is_replaced_by_force_only(self):
        self.put("out.png", b"precious")
        for permissions in (0o444, 0o400, 0o000):
            os.chmod(self.path("out.png"), permissions)
            self.refuse(WRITE, "a.npy", "-o", "out.png", says=["batchview: out.png: ", "read-only", "--force"])
        os.chmod(self.path("out.png"), 0o444)
        self.assertEqual(self.contents("out.png"), b"precious")
        self.succeed("a.npy", "--force", "-o", "out.png")
        self.assertEqual(self.get("out.png").values, self.picture)
        self.assertEqual(stat.S_IMODE(os.stat(self.path("out.png")).st_mode), 0o444)

    def contents(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def test_nothing_is_left_beside_an_output(self):
        before = set(os.listdir(self.folder))
        self.succeed("a.npy", "-o", "new.png")
        self.assertEqual(set(os.listdir(self.folder)) - before, {"new.png"})
        umask = os.umask(0)
        os.umask(umask)
        self.assertEqual(stat.S_IMODE(os.stat(self.path("new.png")).st_mode), 0o666 & ~umask)

    def test_no_output_from_a_program_that_is_killed(self):
        before = set(os.listdir(self.folder))
        process = subprocess.Popen([PROGRAM, "-", "-o", "out.png"], cwd=self.folder, stdin=subprocess.PIPE)
        process.stdin.write(self.image.npy()[:100])
        process.stdin.flush()
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(60), -signal.SIGTERM)
        process.stdin.close()
        self.assertEqual(set(os.listdir(self.folder)), before)

    def test_no_output_from_a_program_that_is_ended_while_it_writes(self):
        rows = columns = 3000
        header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({rows}, {columns}), }}\n".encode()
        self.put("large.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + os.urandom(rows * columns))
        before = set(os.listdir(self.folder))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPROF,
                       signal.SIGVTALRM):
            process = subprocess.Popen([PROGRAM, "large.npy", "-o", "out.png"], cwd=self.folder)
            while not self.writes(process):
                self.assertIsNone(process.poll())
                time.sleep(0.001)
            process.send_signal(number)
            self.assertEqual(process.wait(60), -number)
            self.assertEqual(set(os.listdir(self.folder)), before)

    def writes(self, process):
        """Whether it has an open file in the folder that is not its input: the output, with a name or without."""
        try:
            folder = f"/proc/{process.pid}/fd"
            files = [os.readlink(f"{folder}/{name}") for name in os.listdir(folder)]
        except FileNotFoundError:  # closed meanwhile
            return False
        return any(file.startswith(self.folder) and not file.endswith("large.npy") for file in files)

    def test_an_output_keeps_the_permissions_of_the_one_that_it_replaces(self):
        for permissions in (0o600, 0o666, 0o640):
            self.put("out.png", b"")
            os.chmod(self.path("out.png"), permissions)
            self.succeed("a.npy", "-o", "out.png")
            self.assertEqual(stat.S_IMODE(os.stat(self.path("out.png")).st_mode), permissions)

    def test_symbolic_links_stay(self):
        self.put("real.png", b"")
        os.symlink("real.png", self.path("link.png"))
        self.succeed("a.npy", "-o", "link.png")
        self.assertEqual(self.get("real.png").values, self.picture)
        for target in ("missing.png", "nowhere.png"):  # the second leads to itself
            os.symlink(target, self.path("nowhere.png"))
            self.refuse(WRITE, "a.npy", "-o", "nowhere.png", says=["nowhere.png"])
            self.assertEqual(os.readlink(self.path("nowhere.png")), target)
            os.unlink(self.path("nowhere.png"))
        self.assertTrue(os.path.islink(self.path("link.png")))

    def test_the_reports_numbers_keep_their_bits(self):
        values = [self.random.uniform(-1, 1) for _ in range(30)]
        self.put("in.npy", Array("f8", (6, 5), values))
        (window,) = self.report("in.npy", "-o", "out.png", "--minmax")["inputs"][0]["windows"]
        self.assertEqual((window["lo"], window["hi"]), (min(values), max(values)))
        self.assertEqual(json.loads(json.dumps(window)), window)


if __name__ == "__main__":
    unittest.main()
