"""torch.compile, torch.export and the operators themselves."""

import subprocess
import sys

import definition
import numpy as np
import pytest

torch = pytest.importorskip("torch", "2.4")

from batchview.visualization import (
    apply_window,
    measure_window,
    normalize_batch_for_display,
    normalize_image_to_uint8,
    visualize_2d_image,
    visualize_one_slice_in_3d_image,
)

# Dynamo of PyTorch 2.4 keeps what was said to itself.
SAYS_NOTHING = "|Observed exception"

OPTIONS = [
    {},
    dict(low=5.0, high=50.0, scope="batch"),
    dict(window="minmax", dtype=torch.float16),
    dict(window="minmax", dtype="float64"),
    dict(window=(10, 300), packing="image_rgb"),
    dict(colormap=bytes(range(256)) * 3, foreground="all"),
    dict(colormap="viridis", window="abdomen"),
    dict(dtype=torch.uint8, rounding="nearest", floor=0.2, epsilon=0.5),
]


@pytest.fixture
def compile_whole():
    """As one graph; AOTAutograd looks at what operators say of themselves, and no C++ compiler is needed."""
    yield lambda function: torch.compile(function, fullgraph=True, backend="aot_eager")
    torch.compiler.reset()


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_compiled_is_the_same(brain, compile_whole, options):
    tensor = torch.from_numpy(brain)
    compiled = compile_whole(lambda x: normalize_batch_for_display(x * 2, **options) + 1)
    expected = normalize_batch_for_display(tensor * 2, **options) + 1
    actual = compiled(tensor)
    assert actual.dtype == expected.dtype and torch.equal(actual, expected)


def test_compiled_with_mask_and_out(brain, compile_whole):
    tensor = torch.from_numpy(brain)
    mask, out = tensor > 150, torch.empty_like(tensor)
    compiled = compile_whole(lambda x, m, o: normalize_batch_for_display(x, mask=m, out=o) * 2)
    actual = compiled(tensor, mask, out)
    expected = torch.from_numpy(definition.normalized(brain, mask=mask.numpy()))
    assert torch.equal(out, expected) and torch.equal(actual, expected * 2)


@pytest.mark.parametrize("scope", ["plane", "image", "batch"])
def test_windows_are_compiled(brain, compile_whole, scope):
    tensor = torch.from_numpy(brain)

    def both(x):
        windows = measure_window(x, 5, 90, scope=scope)
        return windows, apply_window(x + 1, windows, scope=scope, packing="rgba", rounding="nearest")

    for actual, expected in zip(compile_whole(both)(tensor), both(tensor)):
        assert actual.dtype == expected.dtype and torch.equal(actual, expected)


def test_windows_are_compiled_into_memory_that_is_given(brain, compile_whole):
    tensor, mask = torch.from_numpy(brain), torch.from_numpy(brain > 150)
    windows, out = torch.empty(6, 3, dtype=torch.float64), torch.empty(brain.shape)

    def both(x, windows, out, mask):
        measure_window(x, mask=mask, out=windows)
        return apply_window(x, windows, mask=mask, out=out) * 2

    actual = compile_whole(both)(tensor, windows, out, mask)
    assert torch.equal(windows, torch.from_numpy(definition.windows(brain, mask=brain > 150)))
    assert torch.equal(actual, 2 * torch.from_numpy(definition.normalized(brain, mask=brain > 150)))


def test_pictures_are_compiled(brain, compile_whole):
    volume = torch.from_numpy(brain[0] - 100)

    def draw(x):
        pictures = visualize_2d_image(x[0], device_output=True), visualize_one_slice_in_3d_image(x, 1, device_output=True)
        return (normalize_image_to_uint8(x * 2, device_output=True), *pictures)

    for actual, expected in zip(compile_whole(draw)(volume), draw(volume)):
        assert actual.dtype == torch.uint8 and torch.equal(actual, expected)
    for wrong in (dict(), dict(device_output=True, stream=1), dict(device_output=True, out=volume)):
        with pytest.raises(Exception, match="takes device_output=True, and neither out nor stream" + SAYS_NOTHING):
            compile_whole(lambda x: visualize_2d_image(x, **wrong))(volume[0])


def test_gradients_pass_beside_it(brain, compile_whole):
    tensor = torch.from_numpy(brain).requires_grad_()

    def step(x):
        return (x * x).sum(), normalize_batch_for_display(x * x)

    loss, pictures = compile_whole(step)(tensor)
    loss.backward()
    assert not pictures.requires_grad
    torch.testing.assert_close(tensor.grad, 2 * tensor.detach())


def test_compiled_for_any_batch(brain, compile_whole):
    compiled = compile_whole(normalize_batch_for_display)
    for count in (1, 2, 5, 3):
        batch = np.resize(brain, (count, 3, 24, 20))
        assert torch.equal(compiled(torch.from_numpy(batch)), torch.from_numpy(definition.normalized(batch)))


def test_exported(brain):
    class Model(torch.nn.Module):
        def forward(self, x):
            return normalize_batch_for_display(x, packing="rgb")

    tensor = torch.from_numpy(brain)
    program = torch.export.export(Model(), (tensor,))
    assert torch.equal(program.module()(tensor), normalize_batch_for_display(tensor, packing="rgb"))


def test_operators_are_what_they_say(brain):
    import batchview._torch_op  # noqa: F401

    tensor = torch.from_numpy(brain)
    operators = torch.ops.batchview
    for arguments in [(tensor,), (tensor, torch.float16), (tensor.to(memory_format=torch.channels_last),), (tensor, None, "rgba")]:
        torch.library.opcheck(operators.normalize_batch_for_display.default, arguments)
    torch.library.opcheck(operators.normalize_batch_for_display_out.default, (tensor, torch.empty_like(tensor)))
    windows = measure_window(tensor, scope="batch")
    options = dict(scope="batch", mask=tensor > 100)
    torch.library.opcheck(operators.measure_window.default, (tensor, True), options)
    torch.library.opcheck(operators.measure_window_out.default, (tensor, windows.clone()), options)
    for new in (dict(), dict(dtype=torch.float64), dict(colours=[*range(256)] * 3)):
        torch.library.opcheck(operators.apply_window.default, (tensor, windows), {**options, **new})
    torch.library.opcheck(operators.apply_window_out.default, (tensor, windows, torch.empty_like(tensor)), options)
    torch.library.opcheck(operators.normalize_image_to_uint8.default, (tensor,))
    torch.library.opcheck(operators.visualize_2d_image.default, (tensor[0, 0],))
    for axis in (0, 1, 2):
        torch.library.opcheck(operators.visualize_one_slice_in_3d_image.default, (tensor[0], axis))
    with pytest.raises(ValueError, match="low"):
        operators.normalize_batch_for_display(tensor, low=-1)


def test_what_cannot_be_compiled_is_named(brain, compile_whole):
    tensor = torch.from_numpy(brain)
    with pytest.raises(Exception, match="stream cannot be given" + SAYS_NOTHING):
        compile_whole(lambda x: normalize_batch_for_display(x, stream=1))(tensor)
    with pytest.raises(Exception, match="768 bytes" + SAYS_NOTHING):
        compile_whole(lambda x: normalize_batch_for_display(x, colormap="jet"))(tensor)


@pytest.mark.parametrize("imports", ["import torch, batchview", "import batchview, torch"])
def test_the_first_call_may_be_compiled(imports):
    program = f"""
{imports}
batch = torch.rand(1, 1, 8, 8)
compiled = torch.compile(batchview.normalize_batch_for_display, fullgraph=True, backend="aot_eager")
assert torch.equal(compiled(batch), batchview.normalize_batch_for_display(batch))
print("the same")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "the same\n", done.stderr
