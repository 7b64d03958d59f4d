"""Inside what JAX traces: jit, vmap, donated arrays. (Arrays that are there: test_arrays.py, and on a GPU
device/test_xla.py.)"""

import os
import shutil
import subprocess
import sys

import definition
import numpy as np
import pytest

jax = pytest.importorskip("jax", "0.5")

import batchview
from batchview.visualization import (
    apply_window,
    measure_window,
    normalize_batch_for_display,
    normalize_image_to_uint8,
    visualize_2d_image,
    visualize_one_slice_in_3d_image,
)


def same(actual, expected):
    assert isinstance(actual, jax.Array) and actual.dtype == expected.dtype and actual.shape == expected.shape
    np.testing.assert_array_equal(np.asarray(actual), np.asarray(expected))


@pytest.mark.parametrize("name", ["float32", "float16", "bfloat16", "uint8", "int8", "int16", "uint16", "int32", "uint32", "bool"])
def test_types(brain, name):
    batch = jax.numpy.asarray(np.minimum(brain, 120)).astype(name)
    # In float32, which holds all of them; JAX has no values of more bits here
    wide = np.asarray(batch.astype("float32")).astype(np.int32 if name in ("int32", "uint32") else np.float32)
    expected = jax.numpy.asarray(definition.normalized(wide).astype(np.float32))
    actual = jax.jit(normalize_batch_for_display)(batch)
    same(actual, expected.astype(name) if "float" in name else expected)


@pytest.mark.parametrize(
    "options",
    [
        dict(low=5, high=50, scope="batch"),
        dict(scope="image", window="minmax", foreground="all"),
        dict(window=(50, 250), packing="image_rgba"),
        dict(colormap=bytes(range(256)) * 3, rounding="nearest"),
        dict(colormap="turbo", window="liver"),
        dict(dtype="uint8", floor=0.25, epsilon=3.5),
    ],
    ids=str,
)
def test_options_are_the_same(brain, options):
    actual = jax.jit(lambda x: normalize_batch_for_display(x * 2, **options))(jax.numpy.asarray(brain))
    same(actual, normalize_batch_for_display(brain * 2, **options))


def test_windows_and_masks(brain):
    mask = brain[:, :1] > 150

    @jax.jit
    def both(x, m):
        windows = measure_window(x, mask=m, counts=True)
        return windows, apply_window(x, windows, mask=m)

    windows, values = both(jax.numpy.asarray(brain), jax.numpy.asarray(mask))
    same(windows, definition.windows(brain, mask=mask))
    same(values, definition.normalized(brain, mask=mask))
    for again in (windows, np.asarray(windows)):
        same(jax.jit(lambda x, m, w: apply_window(x, w, mask=m))(brain, mask, again), definition.normalized(brain, mask=mask))


def test_pictures(random):
    volume = random.normal(0, 5, (9, 7, 5)).astype(np.float32)
    draw = lambda function, *arguments: jax.jit(lambda x: function(x, *arguments, device_output=True))
    same(draw(normalize_image_to_uint8)(volume), definition.image_to_uint8(volume))
    same(draw(visualize_2d_image)(volume[0]), np.dstack([definition.image_to_uint8(volume[0])] * 3))
    middle = definition.image_to_uint8(volume[:, 3])
    same(draw(visualize_one_slice_in_3d_image, 1)(volume), np.dstack([middle] * 3))


@pytest.mark.parametrize("scope", ["plane", "image", "batch"])
def test_vmap_is_one_call_after_another(random, scope):
    batches = random.gamma(2, 100, (4, 2, 3, 10, 8)).astype(np.float32)
    mask = random.random((1, 1, 10, 8)) < 0.7
    expected = np.stack([definition.normalized(batch, scope=scope, mask=mask) for batch in batches])
    mapped = jax.vmap(lambda x, m: normalize_batch_for_display(x, mask=m, scope=scope), in_axes=(0, None))
    same(mapped(batches, mask), expected)
    same(jax.jit(mapped)(batches, mask), expected)
    same(jax.jit(jax.vmap(jax.vmap(visualize_image)))(batches[:, :, 0]), grey_images(batches[:, :, 0]))


def visualize_image(image):
    return visualize_2d_image(image, device_output=True)


def grey_images(images):
    flat = [definition.image_to_uint8(image) for image in images.reshape(-1, *images.shape[2:])]
    return np.repeat(np.stack(flat).reshape(images.shape)[..., None], 3, -1)


def test_donated_arrays(brain):
    expected = definition.normalized(brain)
    step = jax.jit(normalize_batch_for_display, donate_argnums=0)
    for _ in range(5):
        same(step(jax.numpy.array(brain)), expected)


def test_gradients_pass_beside_it(brain):
    def loss(x):
        return (x * x).sum() + normalize_batch_for_display(x).sum()

    np.testing.assert_allclose(jax.grad(loss)(jax.numpy.asarray(brain)), 2 * brain, rtol=1e-6)


def test_what_is_wrong_is_named(brain):
    with pytest.raises(Exception, match="low is -1"):
        jax.jit(lambda x: normalize_batch_for_display(x, -1))(brain).block_until_ready()
    with pytest.raises(TypeError, match="out cannot be given"):
        jax.jit(lambda x: normalize_batch_for_display(x, out=brain))(brain)
    with pytest.raises(TypeError, match="device_output=True"):
        jax.jit(visualize_2d_image)(brain[0, 0])
    with pytest.raises(TypeError, match="stream cannot be given"):
        jax.jit(lambda x: visualize_2d_image(x, device_output=True, stream=1))(brain[0, 0])
    with pytest.raises(Exception, match="type|dtype"):
        jax.jit(normalize_batch_for_display)(brain.astype(np.complex64)).block_until_ready()


def test_programs_for_a_gpu_call_the_same(brain):
    """Lowered for CUDA, which needs no GPU."""
    windows = definition.windows(brain)[:, :2]
    for function, target in (
        (normalize_batch_for_display, "batchview"),
        (lambda x: normalize_batch_for_display(x, window=(50, 250)), "batchview_replayable"),
        (lambda x: apply_window(x, windows), "batchview_replayable"),
    ):
        lowered = jax.jit(function).trace(jax.numpy.asarray(brain)).lower(lowering_platforms=("cuda",))
        calls = [line for line in lowered.as_text().splitlines() if "custom_call" in line]
        assert len(calls) == 1 and f"custom_call @{target}(" in calls[0]


def test_a_package_without_cuda_is_traced(tmp_path):
    shutil.copytree(os.path.dirname(batchview.__file__), tmp_path / "batchview", ignore=shutil.ignore_patterns("_cuda*"))
    program = "import batchview, jax; print(jax.jit(batchview.normalize_batch_for_display)(jax.numpy.ones((1, 1, 2, 2))).sum())"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "0.0\n"), done.stderr


ON_TWO_DEVICES = """
import definition, jax, numpy as np
from batchview.visualization import normalize_batch_for_display, normalize_image_to_uint8
jax.config.update("jax_num_cpu_devices", 2)
brain = np.random.default_rng(int(sys.argv[1])).gamma(2, 100, (2, 3, 24, 20)).astype(np.float32)
mesh = jax.make_mesh((2,), ("batch",))
batch = jax.device_put(brain, jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("batch")))
assert len(batch.devices()) == 2
values = normalize_batch_for_display(batch, scope="batch")
assert isinstance(values, jax.Array) and len(values.devices()) == 2
np.testing.assert_array_equal(np.asarray(values), definition.normalized(brain, scope="batch"))
image = normalize_image_to_uint8(batch)
assert type(image) is np.ndarray
np.testing.assert_array_equal(image, definition.image_to_uint8(brain))
try:
    normalize_batch_for_display(batch, stream=1)
except TypeError as error:
    assert "stream cannot be given" in str(error)
else:
    raise AssertionError
"""


def test_arrays_on_two_devices(random):
    """As arrays on a GPU, which go to XLA without a trace of the caller's."""
    program = f"import sys; sys.path.insert(0, {os.path.dirname(__file__)!r})" + ON_TWO_DEVICES
    subprocess.run([sys.executable, "-c", program, str(random.integers(2**32))], check=True, timeout=120)
