#!/usr/bin/env python3
"""Reads the files that other packages ship with the program and with their own readers: check_files.py PROGRAM SOURCES

`make test-files` runs it. Every file whose pixels both give must have the same ones, in the same places; what one of the two
does not read is listed. SOURCES is a directory of unpacked source packages, whose data their installed forms lack.
"""
import collections
import importlib.util
import json
import logging
import os
import subprocess
import sys
import tempfile
import warnings

import numpy as np

import readers

PROGRAM, SOURCES = sys.argv[1:3]
PACKAGES = ("nibabel", "pydicom", "numpy", "dipy", "nilearn", "nitransforms", "skimage")
UNREADABLE, UNSUPPORTED = 3, 4


def data_files():
    """Every file of a kind that a reader is there for, by what holds it."""
    places = {name: importlib.util.find_spec(name).submodule_search_locations[0] for name in PACKAGES}
    places.update({name: os.path.join(SOURCES, name) for name in sorted(os.listdir(SOURCES))})
    for name, place in places.items():
        for folder, _, files in sorted(os.walk(place)):
            for file in sorted(files):
                path = os.path.join(folder, file)
                if readers.reader_of(path):
                    yield name, os.path.relpath(path, place), path


def smallest_to_largest(planes):
    """--minmax --foreground all, plane by plane, in the map's type."""
    kind = np.float64 if planes.dtype in (np.int32, np.uint32, np.float64) else np.float32
    mapped = np.empty(planes.shape, np.float32)
    for index in np.ndindex(planes.shape[:2]):
        finite = planes[index].astype(kind)
        known = finite[~np.isnan(finite)]
        if not known.size:
            mapped[index] = 0
            continue
        lo, hi = known.min(), known.max()
        y = np.clip((finite - lo) / ((hi - lo) + kind(1e-8)), kind(0), kind(1))
        y[(y < kind(1e-3)) | np.isnan(y)] = 0
        mapped[index] = y
    return mapped


def run(path, out):
    """What the program makes of a file: its planes and its report, or why it refuses."""
    command = [PROGRAM, path, "-o", out, "--force", "--minmax", "--foreground", "all", "--json"]
    done = subprocess.run([*command, "--slice", "all"], capture_output=True, timeout=600)
    if done.returncode == 2:
        done = subprocess.run(command, capture_output=True, timeout=600)
    reason = done.stderr.decode().strip().removeprefix(f"batchview: {path}: ")
    if done.returncode:
        return None, done.returncode, reason
    planes = np.load(out)
    return planes.reshape((1,) * (4 - planes.ndim) + planes.shape), json.loads(done.stdout)["inputs"][0], reason


def check(path, out):
    """(outcome, detail) of one file."""
    planes, report, reason = run(path, out)
    if planes is None and report not in (UNREADABLE, UNSUPPORTED):
        return "FAILED", f"exit status {report}: {reason}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = readers.reader_of(path)(path, report if planes is not None else None)
    except Exception as error:  # whatever a foreign reader raises at a foreign file
        expected = None
        why = f"{type(error).__name__}: {error}".splitlines()[0][:100]
    if planes is None:
        return ("refused by both", reason) if expected is None else ("refused", reason)
    if expected is None:
        return "read here only", why
    if expected.shape != planes.shape:
        return "DIFFERENT", f"planes {list(planes.shape)}, and {list(expected.shape)} by the other reader"
    kind = {"u": "uint", "i": "int", "f": "float"}[report["type"][0]] + report["type"][1:]
    with np.errstate(all="ignore"):
        difference = np.abs(smallest_to_largest(expected.astype(kind)) - planes).max()
    return ("agrees", "") if difference == 0 else ("DIFFERENT", f"pixels, by up to {difference:.3g} of their range")


def main():
    logging.disable()  # what a reader says of a damaged file is listed with it
    outcomes = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="batchview-files-") as folder:
        for package, name, path in data_files():
            outcome, detail = check(path, os.path.join(folder, "out.npy"))
            outcomes[outcome] += 1
            if outcome != "agrees":
                print(f"{outcome}: {package} {name}: {detail}", flush=True)
    print(", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())))
    if outcomes["DIFFERENT"] or outcomes["FAILED"] or not outcomes["agrees"]:
        sys.exit(1)


main()
