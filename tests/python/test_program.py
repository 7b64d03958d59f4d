"""`python -m batchview` is the program: its arguments, streams, exit codes and signals are those of the process."""

import importlib.metadata
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import definition
import numpy as np
import pytest

import batchview

COMMAND = [sys.executable, "-m", "batchview"]
PROGRAM = pathlib.Path(batchview.__file__).with_name("bin") / "batchview"


@pytest.fixture(autouse=True)
def there():
    assert PROGRAM.exists(), "the package was built without libpng, libtiff or zlib"


def run(*arguments, **options):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, timeout=60, **options)


def test_it_draws_what_the_functions_draw(brain, tmp_path):
    np.save(tmp_path / "batch.npy", brain)
    for command in (COMMAND, [shutil.which("batchview", path=pathlib.Path(sys.executable).parent)]):
        done = subprocess.run([*command, tmp_path / "batch.npy", "-o", tmp_path / "out.npy", "-q"], capture_output=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), definition.normalized(brain))
        (tmp_path / "out.npy").unlink()


def test_from_standard_input_to_standard_output(brain, tmp_path):
    np.save(tmp_path / "batch.npy", brain)
    done = run("-", "-o", "-", "--format", "f32", input=(tmp_path / "batch.npy").read_bytes())
    (tmp_path / "out.npy").write_bytes(done.stdout)
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), definition.normalized(brain))


def test_versions_are_one():
    done = run("--version")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines()[0] == batchview.describe().splitlines()[0] == f"batchview {batchview.__version__}"
    assert importlib.metadata.version("batchview") == batchview.__version__


def test_exit_codes_and_messages_pass(tmp_path):
    # Names that are no text, too
    for arguments, code, message in [
        (["--no-such-option"], 2, b"--no-such-option"),
        ([b"\xff.nii", "-o", tmp_path / "out.png"], 3, b".nii: "),
    ]:
        done = run(*arguments)
        assert done.returncode == code and done.stdout == b"" and message in done.stderr, done.stderr
        direct = subprocess.run(["batchview", *arguments], executable=PROGRAM, capture_output=True)
        assert (direct.returncode, direct.stderr) == (code, done.stderr)


def test_ctrl_c_ends_it(tmp_path):
    process = subprocess.Popen(
        [*COMMAND, "-", "-o", tmp_path / "out.png"], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        deadline = time.monotonic() + 30
        while os.readlink(f"/proc/{process.pid}/exe") != str(PROGRAM.resolve()):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, message = process.communicate(timeout=30)
        assert process.returncode == -signal.SIGINT and b"Traceback" not in message
    finally:
        process.kill()


def test_a_reader_that_leaves_ends_it():
    process = subprocess.Popen([*COMMAND, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait(30) == -signal.SIGPIPE


def test_a_package_without_it_says_so(tmp_path):
    shutil.copytree(pathlib.Path(batchview.__file__).parent, tmp_path / "batchview")
    shutil.rmtree(tmp_path / "batchview/bin")
    done = run("--version", cwd=tmp_path)
    assert done.returncode == 1 and b"libpng, libtiff or zlib" in done.stderr
