"""``python -m batchview``, and the command ``batchview``: the program, which takes this process over."""

from __future__ import annotations

import os
import pathlib
import signal
import sys


def main() -> None:
    program = pathlib.Path(__file__).with_name("bin") / "batchview"
    if not program.exists():
        sys.exit("batchview: the program is missing: libpng, libtiff or zlib were not there when the package was built")
    # Which Python ignores, and what is ignored stays so.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.execv(program, ["batchview", *sys.argv[1:]])


if __name__ == "__main__":
    main()
