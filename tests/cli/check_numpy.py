#!/usr/bin/env python3
"""Compares the program with the definition in NumPy: check_numpy.py PROGRAM

np.percentile over the foreground of a real brain (Debian's mricron-data) and of random batches of every type, against
the program's .npy outputs and --json windows: windows must have the bits of NumPy's float64, floats lie within one
unit in the last place of the formula in the map's type, bytes be equal. BATCHVIEW_SEED repeats a run.
"""
import gzip
import json
import os
import struct
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    sys.exit("check_numpy: NumPy is needed; scripts/setup.sh test installs it into .venv")

BRAIN = "/usr/share/mricron/templates/ch2bet.nii.gz"
PERCENTILES = (2, 98)


# ---- The definition -----------------------------------------------------------------------------------------


def foreground_of(x, which, mask):
    if which == "mask":
        return np.isfinite(x) & mask
    return np.isfinite(x) & (x != 0) if which == "nonzero" else np.isfinite(x)


def window_of(x, inside, percentiles):
    """(lo, hi, n) of one group, in float64."""
    values = x[inside].astype(np.float64) + 0.0  # + 0: of two zeros the percentile is +0
    if values.size == 0:
        return (None, None, 0)
    lo, hi = np.percentile(values, percentiles)
    return (float(lo), float(hi), int(values.size))


def shown(x, window, which, mask):
    """One group through the map: float32 arithmetic for types of at most 16 bits and f32, else float64."""
    kind = np.float64 if x.dtype in (np.int32, np.uint32, np.float64) else np.float32
    if window[0] is None:
        return np.zeros(x.shape, kind)
    x = x.astype(kind)
    lo, hi = kind(window[0]), kind(window[1])
    with np.errstate(all="ignore"):
        y = (x - lo) / ((hi - lo) + kind(1e-8))
    y = np.where(np.isposinf(x), kind(1), y)
    y = np.clip(np.where(np.isnan(y), kind(0), y), kind(0), kind(1))
    y[y < kind(1e-3)] = 0
    if which == "mask":
        y[~mask] = 0
    elif which == "nonzero":
        y[x == 0] = 0
    assert y.dtype == kind
    return y


def definition(batch, scope="plane", which="nonzero", mask=None, percentiles=PERCENTILES):
    """Normalised values and windows of a batch [B, C, H, W]."""
    axes = {"plane": 2, "image": 1, "batch": 0}[scope]
    groups = batch.reshape(-1, *batch.shape[axes:]) if axes else batch[None]
    masks = np.broadcast_to(mask, batch.shape).reshape(groups.shape) if mask is not None else [None] * len(groups)
    windows = [window_of(x, foreground_of(x, which, m), percentiles) for x, m in zip(groups, masks)]
    values = np.stack([shown(x, window, which, m) for x, window, m in zip(groups, windows, masks)])
    return values.reshape(batch.shape), windows


# ---- The program --------------------------------------------------------------------------------------------


def run(arguments):
    done = subprocess.run([sys.argv[1], *map(str, arguments), "--json"], capture_output=True, timeout=300)
    assert done.returncode == 0 and not done.stderr, (arguments, done.stderr.decode())
    return [(w["lo"], w["hi"], w["n"]) for w in json.loads(done.stdout)["inputs"][0]["windows"]]


def ulps_apart(a, b):
    """Of two arrays of non-negative float32."""
    return int(np.max(np.abs(a.view(np.int32).astype(np.int64) - b.view(np.int32)), initial=0))


def compare(name, folder, arguments, shape, values, windows):
    """Runs the program three times, for each format."""
    out = os.path.join(folder, "out.npy")
    found = run([*arguments, "-o", out])
    assert found == windows, f"{name}: windows\n{found}\nNumPy:\n{windows}"
    floats = np.load(out)
    assert (floats.dtype, floats.shape) == (np.float32, shape), (name, floats.dtype, floats.shape)
    apart = ulps_apart(floats, values.astype(np.float32).reshape(shape))
    assert apart <= 1, f"{name}: floats are {apart} units in the last place apart"

    bytes_ = (values.dtype.type(255) * values).astype(np.uint8).reshape(shape)
    run([*arguments, "-o", out, "--format", "u8"])
    grey = np.load(out)
    assert grey.dtype == np.uint8 and np.array_equal(grey, bytes_), f"{name}: u8"
    run([*arguments, "-o", out, "--format", "rgb"])
    assert np.array_equal(np.load(out), np.stack([bytes_] * 3, -1)), f"{name}: rgb"
    print(f"{name}: {len(windows)} windows and {values.size} pixels agree, floats within {apart} ulp")


# ---- The brain ----------------------------------------------------------------------------------------------


def read_brain():
    """The volume [A to P, R to L, I to S] and the file's spacing, from the affine's signs."""
    with gzip.open(BRAIN) as file:
        data = file.read()
    assert struct.unpack_from("<i", data, 0)[0] == 348
    extents = struct.unpack_from("<8h", data, 40)[1:4]
    assert struct.unpack_from("<h", data, 70)[0] == 2  # unsigned bytes
    (offset,) = struct.unpack_from("<f", data, 108)
    assert struct.unpack_from("<2f", data, 112) in ((0, 0), (1, 0))  # no scaling
    assert struct.unpack_from("<h", data, 254)[0] > 0  # sform
    affine = np.array([struct.unpack_from("<4f", data, 280 + 16 * row) for row in range(3)])[:, :3]
    assert np.count_nonzero(affine) == 3 and affine.diagonal().all()
    volume = np.frombuffer(data, np.uint8, int(np.prod(extents)), int(offset)).reshape(extents, order="F")
    to_right, to_anterior, to_superior = affine.diagonal() > 0
    x = volume[::-1] if to_right else volume
    x = x[:, ::-1] if to_anterior else x
    x = x if to_superior else x[:, :, ::-1]
    return x.transpose(1, 0, 2)


def views_of(volume, axis):
    """Every slice along an axis as [slices, 1, rows, columns]: superior is up in coronal and sagittal ones."""
    if axis == 2:
        slices = volume.transpose(2, 0, 1)
    else:
        slices = np.moveaxis(volume, axis, 0).transpose(0, 2, 1)[:, ::-1]
    return slices[:, None]


def check_brain(folder):
    volume = read_brain()
    for axis, plane in enumerate(("coronal", "sagittal", "axial")):
        views = views_of(volume, axis)
        centre = views[len(views) // 2][None]
        values, windows = definition(centre)
        compare(f"brain, {plane}", folder, [BRAIN, "--axis", axis], centre.shape[2:], values, windows)
    for scope in ("plane", "batch"):
        views = views_of(volume, 2)
        values, windows = definition(views, scope)
        compare(f"brain, all axial slices, scope {scope}", folder, [BRAIN, "--slice", "all", "--scope", scope],
                views.shape, values, windows)
    np.save(os.path.join(folder, "mask.npy"), volume > 100)
    for axis in range(3):
        views = views_of(volume, axis)
        values, windows = definition(views, "plane", "mask", views > 100)
        compare(f"brain, mask, axis {axis}", folder,
                [BRAIN, "--slice", "all", "--axis", axis, "--mask", os.path.join(folder, "mask.npy"), "--mask-grid", "ignore"],
                values.shape, values, windows)


# ---- Random batches -----------------------------------------------------------------------------------------


def random_batch(random, dtype):
    dtype = np.dtype(dtype)
    shape = (int(random.integers(1, 4)), int(random.integers(1, 4)), *random.integers(1, 70, 2).tolist())
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        narrow = int(random.integers(1, 20))  # few values: ties
        low, high = (info.min, info.max) if random.integers(2) else (max(info.min, -narrow), narrow)
        batch = random.integers(low, high, shape, dtype, endpoint=True)
    else:
        scale = 10.0 ** random.uniform(-4, 4 if dtype == np.float16 else 30)
        with np.errstate(over="ignore"):
            batch = (random.normal(random.uniform(-2, 2), 1, shape) * scale).astype(dtype)
        if random.integers(2):
            special = np.array([np.nan, np.inf, -np.inf, -0.0, np.finfo(dtype).smallest_subnormal], dtype)
            at = random.random(shape) < 0.05
            batch[at] = random.choice(special, np.count_nonzero(at))
    batch[random.random(shape) < random.choice([0, 0.4, 0.99, 1], p=[0.2, 0.6, 0.1, 0.1])] = 0
    return batch


def check_random(folder, seed):
    random = np.random.default_rng(seed)
    kinds = ("f4", "f2", "f8", "u1", "i1", "u2", "i2", "i4", "u4")
    options = ([], ["--scope", "image"], ["--scope", "batch"], ["--foreground", "all"], ["mask"], ["--percentile"],
               ["--minmax"])
    path, mask_path = os.path.join(folder, "in.npy"), os.path.join(folder, "mask.npy")
    for kind in kinds:
        for option in options:
            batch = random_batch(random, kind)
            order = "CF"[random.integers(2)]
            np.save(path, np.asarray(batch, order=order))
            how = {"scope": option[1]} if option[:1] == ["--scope"] else {}
            arguments = [path, *option]
            if option[:1] == ["--foreground"]:
                how["which"] = "all"
            elif option == ["--percentile"]:
                how["percentiles"] = sorted(random.uniform(0, 100, 2).tolist())
                arguments.append("{!r},{!r}".format(*how["percentiles"]))
            elif option == ["--minmax"]:
                how["percentiles"] = (0, 100)
            elif option == ["mask"]:
                mask = random.random(batch.shape[1:]) < 0.5
                np.save(mask_path, mask[None])
                how.update(which="mask", mask=mask)
                arguments = [path, "--mask", mask_path]
            values, windows = definition(batch, **how)
            compare(f"{kind} {list(batch.shape)} {order} order {' '.join(option) or 'defaults'}", folder, arguments,
                    batch.shape, values, windows)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: check_numpy.py PROGRAM")
    seed = int(os.environ.get("BATCHVIEW_SEED", np.random.SeedSequence().entropy % 2**32))
    print(f"NumPy {np.__version__}, seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="batchview-numpy-") as folder:
        check_brain(folder)
        check_random(folder, seed)


main()
