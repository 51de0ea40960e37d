"""What may import what: agents run on machines without torch, and packages only use those left of them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import touchstone

SOURCES = Path(touchstone.__file__).parent
ORDER = ("machine", "commitment", "capture", "store", "chain", "dispute", "roles", "cli")

WITHOUT_TORCH = """
import importlib, sys
sys.modules["torch"] = None  # any import of it fails
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def modules(package: str) -> list[str]:
    """Names of all modules of a package of touchstone."""
    files = sorted((SOURCES / package).rglob("*.py"))
    return [".".join(("touchstone", *path.relative_to(SOURCES).with_suffix("").parts)).removesuffix(".__init__") for path in files]


def test_everything_but_capture_imports_where_torch_cannot_be_imported() -> None:
    names = [name for package in ORDER if package != "capture" for name in modules(package)]
    ended = subprocess.run([sys.executable, "-c", WITHOUT_TORCH, "touchstone", *names], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def imported(path: Path) -> set[str]:
    """Packages of touchstone that a source file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            modules = [node.module]
        found |= {module.split(".")[1] for module in modules if module.startswith("touchstone.")}
    return found & set(ORDER)


@pytest.mark.parametrize("package", ORDER)
def test_imports_go_one_way_only(package: str) -> None:
    allowed = set(ORDER[: ORDER.index(package) + 1])
    wrong = {str(path.relative_to(SOURCES)): imported(path) - allowed for path in (SOURCES / package).rglob("*.py")}
    assert {path: names for path, names in wrong.items() if names} == {}
