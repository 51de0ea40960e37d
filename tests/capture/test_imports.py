"""Only capture imports torch, and it is called the same way after every kind of import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import touchstone

ROOT = Path(__file__).parents[2]
PACKAGE = Path(touchstone.__file__).parent
SOURCES = sorted(path.relative_to(PACKAGE.parent).with_suffix("") for path in PACKAGE.rglob("*.py"))
WITHOUT_TORCH = [".".join(path.parts).removesuffix(".__init__") for path in SOURCES if path.parts[1] != "capture"]


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def test_nothing_but_capture_imports_torch() -> None:
    assert {"touchstone.machine", "touchstone.store", "touchstone.roles", "touchstone.cli"} <= set(WITHOUT_TORCH)
    code = f"""
import importlib, sys
for name in {WITHOUT_TORCH!r}:
    importlib.import_module(name)
print("torch" in sys.modules, "touchstone.capture" in sys.modules)
"""
    assert run(code) == "False False"


@pytest.mark.parametrize(
    "statement",
    [
        "from touchstone import capture",
        "import touchstone; capture = touchstone.capture",
        "import touchstone.capture.graph; from touchstone import capture",
    ],
)
def test_capture_is_called_the_same_way_after_every_kind_of_import(statement: str) -> None:
    assert run(f"{statement}\nprint(callable(capture), callable(capture.export))") == "True True"


def test_without_pytorch_the_error_says_how_to_install_it() -> None:
    code = """
import sys
sys.modules["torch"] = None
import touchstone
try:
    touchstone.capture
except ImportError as error:
    print(type(error).__name__, error)
"""
    assert run(code) == "MissingTorchError capture needs PyTorch; install it with: pip install 'touchstone[capture]'"


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'captured'"):
        _ = touchstone.captured
