#!/usr/bin/env python3
"""Compares the program's colour maps with Matplotlib's, rounded to bytes: check_colours.py PROGRAM"""
import os
import subprocess
import sys
import tempfile

try:
    import matplotlib
    import numpy as np
except ImportError as error:
    sys.exit(f"check_colours: {error}; scripts/setup.sh test installs it into .venv")

NAMES = {"grey": "gray", "bone": "bone", "hot": "hot", "viridis": "viridis", "magma": "magma", "turbo": "turbo"}

with tempfile.TemporaryDirectory(prefix="batchview-test-") as folder:
    ramp, out = os.path.join(folder, "ramp.npy"), os.path.join(folder, "out.npy")
    np.save(ramp, ((np.arange(256) + 0.5) / 255).astype(np.float32).reshape(16, 16))
    for name, name_there in NAMES.items():
        subprocess.run([sys.argv[1], ramp, "--window", "0.5,1", "--epsilon", "0", "--colormap", name, "--format",
                        "rgb", "-o", out, "--force"], check=True, timeout=60)
        expected = np.rint(255 * matplotlib.colormaps[name_there](np.arange(256))[:, :3])
        assert np.array_equal(np.load(out).reshape(256, 3), expected), name
print(f"{len(NAMES)} colour maps agree with Matplotlib {matplotlib.__version__}")
