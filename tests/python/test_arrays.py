"""Arrays of other libraries, and memory of all kinds: no copy, the right answer, nothing lost and nothing kept."""

import gc
import sys
import weakref

import definition
import numpy as np
import pytest

from batchview.visualization import (
    apply_window,
    measure_window,
    normalize_batch_for_display,
    normalize_image_to_uint8,
    visualize_2d_image,
)

torch = pytest.importorskip("torch")


def check(tensor, **options):
    """The tensor's result against the definition, and that nothing happened to the tensor."""
    before, version = tensor.detach().clone(), tensor._version
    actual = normalize_batch_for_display(tensor, **options)
    assert torch.equal(tensor.detach(), before) and tensor._version == version
    assert type(actual) is torch.Tensor and actual.device == tensor.device and not actual.requires_grad
    wide = before.to(torch.float32 if before.dtype in (torch.float16, torch.bfloat16) else before.dtype)
    expected = torch.from_numpy(definition.normalized(wide.numpy(), **options)).to(actual.dtype)
    assert actual.shape == tensor.shape and torch.equal(actual, expected)
    return actual


FLOAT_TYPES = ["float32", "float16", "bfloat16", "float64"]
INTEGER_TYPES = ["uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64"]


@pytest.mark.parametrize("name", FLOAT_TYPES + INTEGER_TYPES)
def test_torch_types(brain, name):
    dtype = getattr(torch, name, None)
    if dtype is None:
        pytest.skip(f"PyTorch {torch.__version__} has no {name}")
    result = check(torch.from_numpy(np.minimum(brain, 120)).to(dtype))
    assert result.dtype == (dtype if name in FLOAT_TYPES else torch.float32)


def test_torch_bools(brain):
    mask = torch.from_numpy(brain) > 150
    result = normalize_batch_for_display(torch.from_numpy(brain), mask=mask)
    assert torch.equal(result, torch.from_numpy(definition.normalized(brain, mask=mask.numpy())))
    assert torch.equal(normalize_batch_for_display(mask), normalize_batch_for_display(mask.to(torch.uint8)))


def test_torch_views(brain):
    tensor = torch.from_numpy(brain)
    channels_last = tensor.to(memory_format=torch.channels_last)
    assert check(channels_last).is_contiguous(memory_format=torch.channels_last)
    check(tensor[:, 1:, ::3, 2:-1])
    check(tensor.transpose(1, 3))
    check(tensor[:1, :1].expand(4, 3, -1, -1))
    check(tensor[:0])
    check(torch.view_as_complex(torch.stack([tensor, -tensor], -1)).conj().imag)  # negated when it is read
    check(tensor, low=0, high=50, scope="batch")


def test_torch_gradients_do_not_matter(brain):
    tensor = torch.from_numpy(brain).requires_grad_()
    check(tensor)
    check(torch.nn.Parameter(tensor.detach()))
    check(tensor * 2)
    with torch.inference_mode():
        check_version_free = normalize_batch_for_display(torch.from_numpy(brain))
    assert check_version_free.is_inference()
    with torch.autocast("cpu", torch.bfloat16):
        check(tensor)


def test_torch_outputs(brain):
    tensor = torch.from_numpy(brain)
    expected = torch.from_numpy(definition.normalized(brain))
    out = torch.empty_like(tensor)
    assert normalize_batch_for_display(tensor, out=out) is out and torch.equal(out, expected)
    assert torch.equal(normalize_batch_for_display(tensor, dtype=torch.float16), expected.half())
    picture = normalize_batch_for_display(tensor, packing="image_rgb")
    assert type(picture) is torch.Tensor and picture.shape == (2, 24, 20, 3) and picture.dtype == torch.uint8
    windows = measure_window(tensor, counts=True)
    assert windows.dtype == torch.float64 and windows.shape == (6, 3)
    assert torch.equal(apply_window(tensor, windows), expected)
    image = normalize_image_to_uint8(tensor[0, 0])
    assert type(image) is np.ndarray and np.array_equal(image, definition.image_to_uint8(brain[0, 0]))
    assert type(visualize_2d_image(tensor[0, 0], device_output=True)) is torch.Tensor


def test_torch_tensors_that_are_not_dense_are_refused(brain):
    with pytest.raises(TypeError, match="sparse"):
        normalize_batch_for_display(torch.from_numpy(brain).to_sparse())
    with pytest.raises((TypeError, ValueError, RuntimeError, BufferError)):
        normalize_batch_for_display(torch.empty(1, 1, 2, 2, device="meta"))
    with pytest.raises(TypeError, match="arrays of dtype torch.complex64 are not taken; take float16, bfloat16"):
        normalize_batch_for_display(torch.zeros(1, 1, 2, 2, dtype=torch.complex64))
    with pytest.raises(TypeError, match="the tensor is on meta; PyTorch's are taken on the CPU and on CUDA's GPUs"):
        normalize_batch_for_display(torch.zeros(1, 1, 2, 2, device="meta"))


class Custom(torch.Tensor):
    pass


def test_torch_subclasses(brain):
    result = normalize_batch_for_display(torch.from_numpy(brain).as_subclass(Custom))
    assert type(result) is Custom and np.array_equal(result.numpy(), definition.normalized(brain))


def test_mixed_libraries(brain):
    out = np.empty_like(brain)
    mask = brain > 150
    assert normalize_batch_for_display(torch.from_numpy(brain), out=out, mask=mask) is out
    np.testing.assert_array_equal(out, definition.normalized(brain, mask=mask))


def test_jax_arrays(brain):
    jax = pytest.importorskip("jax")
    array = jax.numpy.asarray(brain)
    result = normalize_batch_for_display(array)
    assert isinstance(result, jax.Array) and result.dtype == np.float32
    np.testing.assert_array_equal(np.asarray(result), definition.normalized(brain))
    np.testing.assert_array_equal(np.asarray(array), brain)
    pictures = normalize_batch_for_display(array, packing="rgb")
    assert isinstance(pictures, jax.Array) and pictures.shape == (2, 3, 24, 20, 3)
    assert type(normalize_image_to_uint8(array)) is np.ndarray
    for _ in range(20):  # the memory of results is theirs
        kept = [normalize_batch_for_display(array * k, window=(0, 1000)) for k in (1, 2)]
        np.testing.assert_array_equal(np.asarray(kept[0]), normalize_batch_for_display(brain, window=(0, 1000)))


def test_numpys_own_masks_are_refused(brain):
    for mask in (False, brain > 150):
        with pytest.raises(TypeError, match="mask of their own are not taken; give their data, and mask="):
            normalize_batch_for_display(np.ma.masked_array(brain, mask))
    with pytest.raises(TypeError, match="mask of their own"):
        normalize_batch_for_display(brain, mask=np.ma.masked_array(brain > 150))


def test_jax_arrays_are_not_written_to(brain):
    jax = pytest.importorskip("jax")
    for batch in (brain, jax.numpy.asarray(brain)):
        out = jax.numpy.zeros_like(brain)
        with pytest.raises(TypeError, match="what is written to is JAX's"):
            normalize_batch_for_display(batch, out=out)
        assert not np.asarray(out).any()


def test_windows_of_jax_are_float64(brain):
    """As JAX is configured at first, too."""
    jax = pytest.importorskip("jax")
    assert not jax.config.jax_enable_x64
    batch = jax.numpy.asarray(brain)
    windows = measure_window(batch)
    assert isinstance(windows, jax.Array) and windows.dtype == np.float64
    np.testing.assert_array_equal(np.asarray(windows), definition.windows(brain)[:, :2])
    for again in (windows, np.asarray(windows)):
        np.testing.assert_array_equal(np.asarray(apply_window(batch, again)), definition.normalized(brain))
    wide = normalize_batch_for_display(batch, dtype="float64")
    assert wide.dtype == np.float64 and not jax.config.jax_enable_x64


class Dictionary:
    """An array that shows its memory in NumPy's way alone."""

    def __init__(self, array, **changes):
        self.array = array
        self.__array_interface__ = {**array.__array_interface__, **changes}


class Capsule:
    """An array that shows its memory by DLPack alone, as before its version 1.0."""

    def __init__(self, array):
        self.array, self.exports = array, 0

    def __dlpack__(self, stream=None):
        self.exports += 1
        return self.array.__dlpack__()

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_other_arrays(brain):
    expected = definition.normalized(brain)
    for array in (Dictionary(brain), Capsule(brain), np.ma.asarray(brain).data, memoryview_array(brain)):
        result = normalize_batch_for_display(array)
        assert type(result) is np.ndarray
        np.testing.assert_array_equal(result, expected)
    out = np.empty_like(brain)
    normalize_batch_for_display(brain, out=Dictionary(out))
    np.testing.assert_array_equal(out, expected)


def memoryview_array(array):
    return np.asarray(memoryview(array))


@pytest.mark.parametrize(
    "changes, error, message",
    [
        (dict(typestr=">f4"), TypeError, "byte order"),
        (dict(typestr="<f3"), TypeError, "f3"),
        (dict(typestr=None), TypeError, "None"),
        (dict(shape=[2, 3]), TypeError, "shape"),
        (dict(shape=(1,) * 9), ValueError, "9 dimensions"),
        (dict(shape=(2, 2**70, 1, 1)), ValueError, "64 bits"),
        (dict(strides=(1, 1, 1, 1)), ValueError, "strides"),
        (dict(strides=(4, 4)), ValueError, "strides"),
        (dict(data=None), TypeError, "address"),
        (dict(data=("x", False)), TypeError, "int"),
        (dict(data=(8, True)), ValueError, "read-only"),
        (dict(mask=1), TypeError, "mask"),
    ],
)
def test_hostile_dictionaries_are_refused(brain, changes, error, message):
    with pytest.raises(error, match=message):
        normalize_batch_for_display(brain, out=Dictionary(np.empty_like(brain), **changes))


def test_read_only_and_unaligned_arrays(brain):
    brain.flags.writeable = False
    np.testing.assert_array_equal(normalize_batch_for_display(brain), definition.normalized(brain))
    records = np.zeros(brain.shape, np.dtype([("tag", "u1"), ("value", "<f4")]))
    with pytest.raises(ValueError, match="strides"):
        normalize_batch_for_display(records["value"])


def references(*objects):
    return [sys.getrefcount(item) for item in objects]


def test_references_are_given_back(brain):
    """What is held during the call, and after errors in the middle of it."""
    tensor, out, mask = torch.from_numpy(brain), np.empty_like(brain), brain > 0
    capsule, wrong = Capsule(brain), np.zeros((1, 2, 3, 4), np.float32)
    colours = bytes(768)

    def calls():
        normalize_batch_for_display(brain, out=out, mask=mask)
        normalize_batch_for_display(tensor, mask=mask, colormap=colours)
        normalize_batch_for_display(capsule)
        measure_window(brain)
        for options in (dict(out=wrong), dict(out=out, mask=wrong), dict(out=tensor, low=-1), dict(out="out")):
            with pytest.raises((ValueError, TypeError)):
                normalize_batch_for_display(brain, **options)

    calls()
    gc.collect()
    before = references(brain, tensor, out, mask, capsule, wrong, colours, None)
    for _ in range(50):
        calls()
    gc.collect()
    after = references(brain, tensor, out, mask, capsule, wrong, colours, None)
    # (None is counted roughly: other threads' frames come and go. From Python 3.12 on it is immortal.)
    assert after[:-1] == before[:-1] and abs(after[-1] - before[-1]) < 50
    assert capsule.exports == 102


def test_arrays_die_with_their_last_user(brain):
    array = Custom2(brain)
    gone = weakref.ref(array)
    result = normalize_batch_for_display(array)
    del array
    gc.collect()
    assert gone() is None and result.shape == brain.shape


class Custom2(Capsule):
    pass


def resident_bytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


def test_nothing_leaks(brain):
    tensor = torch.from_numpy(brain)

    def work(times):
        for _ in range(times):
            normalize_batch_for_display(brain, packing="rgb")
            normalize_batch_for_display(tensor)
            normalize_batch_for_display(Capsule(brain))
            with pytest.raises(ValueError):
                normalize_batch_for_display(brain, -1)

    work(300)
    before = resident_bytes()
    work(3000)
    # One leaked result a turn would be 12 MB, one leaked export 300 KB.
    assert resident_bytes() - before < 2 << 20


def test_types_are_not_remembered_for_ever(brain):
    from batchview import _arrays

    for number in range(300):
        normalize_batch_for_display(type(f"Array{number}", (Capsule,), {})(brain))
    assert len(_arrays._known) <= 100
