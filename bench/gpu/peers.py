"""The same work in the array libraries that are installed: eager PyTorch, CuPy, JAX.

    peers.py [--json FILE] [--only TEXT] [--quick]

Per plane: percentiles 2 and 98 of the pixels that are not 0 (by nanquantile over a copy with NaN in place of 0), then the
map to 0 .. 1, results as float32 and moved to channels-last, as image loggers take them. Each peer's windows are compared
with NumPy's in float64 before it is timed. Inputs are fresh noise, 40 % background, from a printed seed. Times are of
events on the device, or of the host's clock around synchronised calls (JAX): medians, with the 10th and 90th percentile.
"""
import argparse
import json
import os
import random
import statistics
import sys
import time

import numpy as np

SHAPES = [(8, 1, 256, 256), (64, 1, 256, 256), (64, 3, 512, 512), (16, 1, 1024, 1024), (1, 1, 4096, 4096)]
QUICK_SHAPES = [(2, 3, 64, 64)]
# Selection in float32 may round the interpolated value differently from float64.
TOLERANCE = 1e-5


def make_batch(shape, generator):
    batch = (1000 * generator.random(shape, dtype=np.float32) ** 2).astype(np.float32)
    batch[generator.random(shape, dtype=np.float32) < 0.4] = 0
    return batch


def windows_by_numpy(batch):
    planes = batch.reshape(-1, batch.shape[2] * batch.shape[3])
    return np.array([np.percentile(plane[plane != 0].astype(np.float64), [2, 98]) for plane in planes])


class Torch:
    name = "PyTorch"

    def __init__(self):
        import torch
        self.torch = torch
        if not torch.cuda.is_available():
            raise ImportError("PyTorch sees no CUDA device")
        self.version = torch.__version__

    def put(self, batch):
        return self.torch.from_numpy(batch).cuda()

    def windows(self, batch):
        planes = batch.flatten(2)
        planes = self.torch.where(planes != 0, planes, self.torch.nan)
        levels = self.torch.tensor([0.02, 0.98], device=batch.device)
        # PyTorch's quantile takes at most 16 million numbers in one call: plane by plane
        return self.torch.stack([self.torch.nanquantile(plane, levels, dim=-1) for plane in planes.flatten(0, 1)])

    def display(self, batch):
        windows = self.windows(batch)
        low, high = (windows[:, i].reshape(batch.shape[0], batch.shape[1], 1, 1) for i in (0, 1))
        y = ((batch - low) / (high - low + 1e-8)).clamp(0, 1)
        y = self.torch.where((y < 1e-3) | (batch == 0), 0, y)
        return y.permute(0, 2, 3, 1).contiguous()

    def to_numpy(self, array):
        return array.cpu().numpy()

    def time(self, function):
        begin, end = (self.torch.cuda.Event(enable_timing=True) for _ in (0, 1))
        begin.record()
        function()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) * 1000


class CuPy:
    name = "CuPy"

    def __init__(self):
        import cupy
        self.cupy = cupy
        cupy.cuda.runtime.getDeviceCount()
        self.version = cupy.__version__

    def put(self, batch):
        return self.cupy.asarray(batch)

    def windows(self, batch):
        cupy = self.cupy
        # The foreground of each plane by itself: sizes differ
        return cupy.stack([cupy.percentile(plane[plane != 0], cupy.array([2.0, 98.0])) for plane in
                           batch.reshape(-1, batch.shape[2] * batch.shape[3])])

    def display(self, batch):
        cupy = self.cupy
        windows = self.windows(batch).astype(cupy.float32)
        low, high = (windows[:, i].reshape(batch.shape[0], batch.shape[1], 1, 1) for i in (0, 1))
        y = cupy.clip((batch - low) / (high - low + cupy.float32(1e-8)), 0, 1)
        y = cupy.where((y < 1e-3) | (batch == 0), cupy.float32(0), y)
        return cupy.ascontiguousarray(y.transpose(0, 2, 3, 1))

    def to_numpy(self, array):
        return self.cupy.asnumpy(array)

    def time(self, function):
        begin, end = self.cupy.cuda.Event(), self.cupy.cuda.Event()
        begin.record()
        function()
        end.record()
        end.synchronize()
        return self.cupy.cuda.get_elapsed_time(begin, end) * 1000


class Jax:
    name = "JAX"

    def __init__(self):
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        import jax
        self.jax, self.jnp = jax, jax.numpy
        if jax.default_backend() != "gpu":
            raise ImportError("JAX sees no GPU")
        self.version = jax.__version__
        self.compiled = jax.jit(self.compute)
        self.compiled_windows = jax.jit(self.compute_windows)

    def put(self, batch):
        return self.jax.device_put(batch)

    def compute_windows(self, batch):
        planes = batch.reshape(-1, batch.shape[2] * batch.shape[3])
        planes = self.jnp.where(planes != 0, planes, self.jnp.nan)
        return self.jnp.nanpercentile(planes, self.jnp.array([2.0, 98.0]), axis=1).T

    def compute(self, batch):
        windows = self.compute_windows(batch)
        low, high = (windows[:, i].reshape(batch.shape[0], batch.shape[1], 1, 1) for i in (0, 1))
        y = self.jnp.clip((batch - low) / (high - low + 1e-8), 0, 1)
        y = self.jnp.where((y < 1e-3) | (batch == 0), 0, y)
        return y.transpose(0, 2, 3, 1)

    def windows(self, batch):
        return self.compiled_windows(batch)

    def display(self, batch):
        return self.compiled(batch).block_until_ready()

    def to_numpy(self, array):
        return np.asarray(array)

    def time(self, function):
        start = time.perf_counter()
        function()
        return (time.perf_counter() - start) * 1e6


def find_peers():
    for kind in (Torch, CuPy, Jax):
        try:
            yield kind()
        except Exception as error:  # not installed, or without a device: said, and left out
            print(f"{kind.name}: not measured ({error})")


def measure(peer, batch, quick):
    """Microseconds of one call: median, 10th and 90th percentile."""
    for _ in range(2):
        peer.display(batch)
    times, started = [], time.perf_counter()
    while len(times) < 5 or (len(times) < 50 and time.perf_counter() - started < 2):
        times.append(peer.time(lambda: peer.display(batch)))
        if quick:
            break
    times.sort()
    return statistics.median(times), times[len(times) // 10], times[-1 - len(times) // 10]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json")
    parser.add_argument("--only", default="")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    seed = int(os.environ.get("BATCHVIEW_SEED", random.SystemRandom().randrange(2**32)))
    print(f"BATCHVIEW_SEED={seed}")
    generator = np.random.default_rng(seed)
    peers, results, wrong = list(find_peers()), [], 0
    for shape in QUICK_SHAPES if options.quick else SHAPES:
        text = "x".join(map(str, shape))
        if options.only not in text:
            continue
        batch = make_batch(shape, generator)
        expected = windows_by_numpy(batch)
        for peer in peers:
            try:
                on_device = peer.put(batch)
                got = peer.to_numpy(peer.windows(on_device))
                if not np.allclose(got, expected, rtol=TOLERANCE, atol=0):
                    print(f"{text} {peer.name}: WRONG windows, off by {np.abs(got - expected).max():g}")
                    wrong += 1
                    continue
                median, low, high = measure(peer, on_device, options.quick)
            except Exception as error:  # a shape that the peer does not take
                print(f"{text} {peer.name}: not measured ({str(error).splitlines()[0]})")
                continue
            print(f"{text:<16} {peer.name:<8} {median:12.1f} us ({low:.1f} .. {high:.1f})", flush=True)
            results.append({"shape": text, "packing": "f32 to f32", "method": f"{peer.name} {peer.version}",
                            "median_us": round(median, 1), "p10_us": round(low, 1), "p90_us": round(high, 1)})
    if options.json:
        with open(options.json, "w") as file:
            file.writelines(json.dumps(result) + "\n" for result in results)
    sys.exit(1 if wrong else 0)


main()
