"""What a parent project or a toolkit may do to the kernels: flags, runtimes and compilers other than ours.

    cuda_builds.py SOURCE NVCC
"""
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest


class CudaBuilds(unittest.TestCase):

    def directory(self):
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        return made.name

    def configure(self, *options, compiler=None):
        directory = self.directory()
        done = subprocess.run(["cmake", "-S", SOURCE, "-B", directory, "-G", "Ninja", "-DBATCHVIEW_CUDA=ON",
                               "-DBATCHVIEW_DDP=OFF", "-DBATCHVIEW_PROGRAM=OFF", "-DBATCHVIEW_TESTS=OFF",
                               "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", "-DCMAKE_CUDA_COMPILER=" + (compiler or NVCC), *options],
                              capture_output=True, text=True)
        return done.returncode, re.sub(r"\s+", " ", done.stdout + done.stderr), directory

    def compile(self, build, source, output):
        """One kernel file to PTX by the build's own command."""
        with open(os.path.join(build, "compile_commands.json")) as file:
            command, = [each["command"] for each in json.load(file) if each["file"].endswith(source)]
        words = shlex.split(command)
        words[words.index("-o") + 1] = output
        words[words.index("-c")] = "--ptx"
        return subprocess.run(words, cwd=build, capture_output=True, text=True)

    def ptx_with(self, flags):
        status, text, build = self.configure("-DCMAKE_CUDA_ARCHITECTURES=90-virtual", "-DCMAKE_CUDA_FLAGS=" + flags)
        self.assertEqual(status, 0, text)
        output = os.path.join(build, "kernels.ptx")
        return self.compile(build, "kernels/apply.cu", output), output

    def test_fast_math_changes_no_result(self):
        texts = []
        for flags in ("", "--use_fast_math"):
            done, output = self.ptx_with(flags)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(output) as file:
                texts.append(re.sub(r"//.*|_INTERNAL_\w+|_[0-9a-f]{8,}_", "", file.read()))  # names of files differ
        self.assertIn("div.rn.f32", texts[0])
        self.assertTrue(texts[0] == texts[1], "--use_fast_math changes the code of kernels/apply.cu")

    def test_streams_of_threads_are_refused(self):
        done, _ = self.ptx_with("--default-stream=per-thread")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("--default-stream=per-thread", done.stderr)

    def test_the_static_runtime_is_refused(self):
        status, text, _ = self.configure("-DCMAKE_CUDA_RUNTIME_LIBRARY=Static")
        self.assertNotEqual(status, 0)
        self.assertIn("CMAKE_CUDA_RUNTIME_LIBRARY is Static; it must be Shared", text)

    def stand_in(self, line):
        """An nvcc that answers some questions like another."""
        path = os.path.join(self.directory(), "nvcc")
        with open(path, "w") as file:
            file.write('#!/bin/sh\n%s\nexec "%s" "$@"\n' % (line, NVCC))
        os.chmod(path, 0o755)
        return path

    def test_architectures_are_those_that_the_toolkit_knows(self):
        _, text, _ = self.configure()
        self.assertIn("building kernels for 75-real;80;86-real;89-real;90;100;120", text)
        older = self.stand_in('[ "$1" != --list-gpu-arch ] || { "%s" "$1" | grep -v "compute_1.." ; exit; }' % NVCC)
        status, text, _ = self.configure(compiler=older)
        self.assertEqual(status, 0, text)
        self.assertIn("building kernels for 75-real;80;86-real;89-real;90 ", text + " ")

    def test_a_toolkit_that_is_too_old_is_named(self):
        # CMake reads the version in what the compiler makes of its test, which has the words of another one then.
        older = self.stand_in('"%s" "$@" && { [ ! -f a.out ] || sed -i "s/INFO:compiler_version[[0-9]*/INFO:compiler_version[00000011/" a.out; }; exit'
                              % NVCC)
        for wanted in ("AUTO", "ON"):
            status, text, _ = self.configure("-DBATCHVIEW_CUDA=" + wanted, compiler=older)
            self.assertNotEqual(status, 0)
            self.assertRegex(text, r"CUDA 11\.[0-9.]* is too old; 12\.0 is needed.*-DBATCHVIEW_CUDA=OFF")

    def nccl(self, version):
        """Configures with an NCCL of that version."""
        place = self.directory()
        with open(os.path.join(place, "nccl.h"), "w") as file:
            for name, number in zip(("MAJOR", "MINOR", "PATCH"), version.split(".")):
                file.write("#define NCCL_%s %s\n" % (name, number))
        open(os.path.join(place, "libnccl.so"), "w").close()
        return self.configure("-DBATCHVIEW_DDP=ON", "-DBATCHVIEW_MPI=OFF", "-DBATCHVIEW_NCCL_INCLUDE_DIR=" + place,
                              "-DBATCHVIEW_NCCL_LIBRARY=" + os.path.join(place, "libnccl.so"))[:2]

    def test_an_nccl_that_is_too_old_is_named(self):
        status, text = self.nccl("2.13.4")
        self.assertNotEqual(status, 0)
        self.assertRegex(text, r"NCCL 2\.13\.4 \(.*nccl\.h\) is too old; 2\.14 is needed.*-DBATCHVIEW_NCCL=OFF")
        status, text = self.nccl("2.14.3")
        self.assertEqual(status, 0, text)
        self.assertIn("NCCL 2.14.3 found", text)


if __name__ == "__main__":
    SOURCE, NVCC = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
