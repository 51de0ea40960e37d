"""A copy of the contracts that judge single elements, with their tests, for building them in another way."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

CONTRACTS = (
    "contracts/machine/*.sol",
    "contracts/court/Referee*.sol",
    "contracts/interfaces/IReferee.sol",
    "contracts/mocks/MachineHarness.sol",
    "contracts/mocks/CommitmentHarness.sol",
)
TESTS = (
    "tests/__init__.py",
    "tests/contracts/__init__.py",
    "tests/machine",
    "tests/contracts/machine",
    "tests/vectors",
    "tests/contracts/gas",
)


@contextmanager
def machine_copy() -> Iterator[Path]:
    """A temporary checkout that has only those contracts and tests. Not below this one: ape compiles nothing in hidden folders."""
    with tempfile.TemporaryDirectory(prefix="touchstone-") as folder:
        target = Path(folder)
        for pattern in (*CONTRACTS, *TESTS, "ape-config.yaml", "pyproject.toml"):
            for source in ROOT.glob(pattern):
                _copy(source, target / source.relative_to(ROOT))
        for name in ("node_modules", ".solc", "contracts/.cache"):
            (target / name).symlink_to(ROOT / name)
        yield target


def _copy(source: Path, copy: Path) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, copy)


def replace(file: Path, original: str, replacement: str) -> None:
    """Replace the only place of ``original`` in ``file``."""
    text = file.read_text()
    if text.count(original) != 1:
        raise SystemExit(f"{file}: {text.count(original)} places of {original!r} instead of one; adapt {Path(sys.argv[0]).name}")
    file.write_text(text.replace(original, replacement))


def run_tests(checkout: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Compile everything in ``checkout`` and run some of its ape tests; output is captured."""
    shutil.rmtree(checkout / ".build", ignore_errors=True)  # ape would not compile again what imports a changed file
    command = [str(Path(sys.executable).parent / "ape"), "test", *arguments]
    return subprocess.run(command, cwd=checkout, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
