"""What the documentation shows runs; what the type hints say holds."""

import doctest
import importlib
import inspect
import pathlib
import pkgutil
import re
import socket
import subprocess
import sys

import pytest

import batchview

ROOT = pathlib.Path(__file__).parents[2]
MODULES = [
    "batchview",
    "batchview._binding",
    "batchview._group",
    *(f"batchview.{module.name}" for module in pkgutil.iter_modules(batchview.__path__) if module.name[0] != "_"),
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name, monkeypatch):
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        monkeypatch.setenv("MASTER_PORT", str(listener.getsockname()[1]))
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_every_public_function_is_documented(name):
    module = importlib.import_module(name)
    for public in getattr(module, "__all__", []):
        item = getattr(module, public)
        if inspect.isfunction(item):
            sections = ["Parameters"] if inspect.signature(item).parameters else []
            for section in (*sections, "Returns", "Raises", "Examples"):
                assert re.search(f"^ *{section}\n *-+$", item.__doc__, re.M), f"{public} has no {section}"
            for parameter in inspect.signature(item).parameters:
                assert re.search(rf"\b{parameter}\b", item.__doc__), f"{public} does not explain {parameter}"


def test_pages_run():
    """The Python of docs/python.md, from top to bottom."""
    text = (ROOT / "docs/python.md").read_text()
    assert doctest.testfile(str(ROOT / "docs/python.md"), module_relative=False).failed == 0
    assert ">>> " in text


def test_types_are_strict():
    subprocess.run([sys.executable, "-m", "mypy", "--strict", "python/batchview"], cwd=ROOT, check=True)


def test_users_see_the_types(tmp_path):
    (tmp_path / "use.py").write_text("import batchview\nx: int = batchview.get_threads()\nbatchview.set_threads('2')\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "use.py"],
        cwd=tmp_path, capture_output=True, text=True,
    )
    assert "use.py:3: error: Argument 1" in done.stdout and "use.py:2" not in done.stdout, done
