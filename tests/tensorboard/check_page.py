#!/usr/bin/env python3
"""Looks at the page that TensorBoard makes of a log, in a browser without a window: check_page.py PAGE_LOG [SCREENSHOTS]

A random picture is logged; its bytes are what TensorBoard serves, and its blocks are found in the page, in their colours. Of two
curves one is seen to rise and one to fall. SCREENSHOTS: a directory to keep what was seen in.

Exit status 77, skipped: there is no Chromium. `scripts/setup.sh slow` installs Debian's. (Ubuntu's is a snap, which sees no files of
others, and is not used.)
"""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

import numpy
from PIL import Image

from event_file import read_log

STEPS, ROWS, COLUMNS, BLOCK, FRAME = 9, 4, 6, 28, 12  # blocks of pixels, in a frame
FRAME_COLOUR = (255, 0, 255)
HEIGHT, WIDTH = ROWS * BLOCK + 2 * FRAME, COLUMNS * BLOCK + 2 * FRAME
TOLERANCE = 8  # of the 255 of a colour; blocks differ by 51 or more where they differ
LIFE_SECONDS = 240  # of a process that is started here, whatever becomes of this one
LOADING_SECONDS = 45  # until the page has all of the log
SIDE_BAR = 320  # pixels on the left that are no log's
TAGS = ["page/falling", "page/rising"]


# ---- The log ------------------------------------------------------------------------------------------------


def random_blocks():
    """Colours of a step's blocks. None is the frame's, or one that the page has much of."""
    levels = [0, 51, 102, 153, 204]
    return [[tuple(random.choice(levels) for _ in range(3)) for _ in range(COLUMNS)] for _ in range(ROWS)]


def picture_of(blocks):
    """Its rows, as bytes."""
    side = bytes(FRAME_COLOUR) * FRAME
    picture = [bytes(FRAME_COLOUR) * WIDTH] * FRAME
    for row in blocks:
        picture += [side + b"".join(bytes(colour) * BLOCK for colour in row) + side] * BLOCK
    return picture + [bytes(FRAME_COLOUR) * WIDTH] * FRAME


# ---- TensorBoard --------------------------------------------------------------------------------------------


def bounded(*command):
    """A command that ends within LIFE_SECONDS, with its children."""
    return ["timeout", "--kill-after=5", str(LIFE_SECONDS), *command]


def wait_for(found, what):
    """What found() returns once it is neither None nor an error of the connection."""
    end = time.monotonic() + LOADING_SECONDS
    while time.monotonic() < end:
        try:
            result = found()
        except OSError:
            result = None
        if result is not None:
            return result
        time.sleep(0.1)
    raise AssertionError(f"no {what} after {LOADING_SECONDS} s")


class TensorBoard:
    """TensorBoard on a free port of the loopback, while in the context."""

    def __init__(self, directory, messages):
        self.directory, self.messages = directory, messages

    def __enter__(self):
        arguments = ["--logdir", self.directory, "--host", "127.0.0.1", "--port", "0", "--reload_interval", "1"]
        with open(self.messages, "wb") as file:
            self.process = subprocess.Popen(bounded(sys.executable, "-m", "tensorboard.main", *arguments), stdin=subprocess.DEVNULL,
                                            stdout=file, stderr=subprocess.STDOUT)
        try:
            self.address = wait_for(self.find_address, "address of TensorBoard's")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()  # `timeout` hands it on
        self.process.wait()

    def find_address(self):
        with open(self.messages, encoding="utf-8", errors="replace") as file:
            messages = file.read()
        assert self.process.poll() is None, messages
        found = re.search(r"http://127\.0\.0\.1:\d+/", messages)
        return found and found[0]

    def get(self, path, **query):
        address = f"{self.address}data/plugin/{path}" + ("?" + urllib.parse.urlencode(query) if query else "")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=10) as answer:
            return answer.read()

    def get_json(self, path, **query):
        return json.loads(self.get(path, **query))


def check_served(board, pictures, logged):
    """What TensorBoard serves is what is in the log, all of it: it keeps 10 pictures of a tag."""

    def whole(path, tag):
        def found():
            if tag not in board.get_json(path.split("/")[0] + "/tags").get(".", {}):
                return None
            series = board.get_json(path, run=".", tag=tag)
            return series if len(series) == STEPS else None
        return wait_for(found, tag)

    for tag, sign in zip(TAGS, (-1, 1)):
        series = whole("scalars/scalars", tag)
        assert [(step, value) for _, step, value in series] == [(step, sign * step / 8) for step in range(STEPS)], series
    pngs = {event.step: event for event in logged if event.rows}
    assert [pngs[step].rows for step in range(STEPS)] == pictures
    entries = whole("images/images", "page/picture")
    assert [entry["step"] for entry in entries] == list(range(STEPS)), entries
    for entry in entries:
        served = board.get("images/individualImage?" + entry["query"])
        assert served == pngs[entry["step"]].png, entry


# ---- The browser --------------------------------------------------------------------------------------------


def find_browser():
    for name in ("chromium-headless-shell", "chromium"):
        path = shutil.which(name)
        if path and os.path.basename(os.path.realpath(path)) != "snap":
            return path
    return None


def look(browser, address, picture):
    """The page's pixels [H, W, 3], which are kept as the file `picture`."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-color-profile=srgb", "--no-proxy-server",
                   "--window-size=1300,800", "--virtual-time-budget=20000", "--timeout=15000", f"--user-data-dir={profile}",
                   f"--screenshot={picture}"]
        done = subprocess.run(bounded(browser, *options, address), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace")
    assert done.returncode == 0 and os.path.exists(picture), done.stdout
    with Image.open(picture) as image:
        return numpy.asarray(image.convert("RGB")).astype(int)


def is_near(pixels, colour):
    return abs(pixels - colour).max(axis=-1) <= TOLERANCE


def find_frame(page):
    """Left, top, right and bottom of what has the frame's colour, or None."""
    rows, columns = numpy.nonzero(is_near(page, FRAME_COLOUR))
    return (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) if len(rows) else None


def check_picture(page, blocks):
    frame = find_frame(page)
    assert frame, "the picture is not in the page"
    left, top, right, bottom = frame
    scale = (right - left) / WIDTH
    assert scale > 0.5 and abs((bottom - top) / scale - HEIGHT) < 2, frame
    for row, colours in enumerate(blocks):
        for column, colour in enumerate(colours):
            y, x = (int(start + (FRAME + (number + 0.5) * BLOCK) * scale) for start, number in ((top, row), (left, column)))
            assert is_near(page[y, x], colour), f"{page[y, x]} at {x}, {y}, where the block {row}, {column} is {colour}"
    print(f"check_page: the picture is at {left}, {top}, {scale:.2f} times as large")


def curves(page):
    """Of each curve, the row of its left end and that of its right end. They have the run's colour, #ff7043."""
    rows = {}
    for y, x in zip(*numpy.nonzero(abs(page - (255, 112, 67)).max(axis=-1) <= 30)):
        if x >= SIDE_BAR:
            rows.setdefault(x, []).append(y)
    found, last = [], None
    for x in sorted(rows):
        if last is None or x > last + 40:  # the next curve
            found.append([])
        found[-1].append(numpy.mean(rows[x]))
        last = x
    return [(each[0], each[-1]) for each in found if len(each) > 100]


def check_curves(page):
    assert find_frame(page) is None, "what finds pictures finds one where there is none"
    found = curves(page)
    assert len(found) == 2, found
    (falls_from, falls_to), (rises_from, rises_to) = found
    assert falls_to - falls_from > 50 and rises_from - rises_to > 50, found
    print("check_page: one curve falls and one rises")


def check_until_loaded(browser, address, picture, check):
    """Looks again where the page may have been slow: the browser takes its picture after 15 s, loaded or not."""
    for last in (False, False, True):
        try:
            return check(look(browser, address, picture))
        except AssertionError:
            if last:
                raise


def main():
    page_log, screenshots = os.path.abspath(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None
    browser = find_browser()
    if not browser:
        print("check_page: skipped: there is no Chromium (scripts/setup.sh slow installs Debian's)")
        return 77
    seed = int(os.environ.get("BATCHVIEW_SEED", random.randrange(2**32)))
    print(f"check_page: BATCHVIEW_SEED={seed}")
    random.seed(seed)
    blocks = [random_blocks() for _ in range(STEPS)]
    pictures = [picture_of(each) for each in blocks]
    with tempfile.TemporaryDirectory() as folder:
        log, seen = os.path.join(folder, "log"), screenshots or folder
        subprocess.run([page_log, log, str(STEPS), str(HEIGHT), str(WIDTH)], check=True, timeout=60,
                       input=b"".join(row for picture in pictures for row in picture))
        with TensorBoard(log, os.path.join(folder, "messages")) as board:
            check_served(board, pictures, read_log(log))
            for page, check in (("images", lambda page: check_picture(page, blocks[-1])), ("scalars", check_curves)):
                check_until_loaded(browser, f"{board.address}#{page}", os.path.join(seen, page + ".png"), check)
    return 0


if __name__ == "__main__":
    sys.exit(main())
