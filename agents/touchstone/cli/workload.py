"""Workloads from what a user names: the folder of a package, or a Python file that builds one."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from touchstone.cli.errors import WorkloadFileError
from touchstone.errors import TouchstoneError
from touchstone.machine.workload import Workload

if TYPE_CHECKING:
    from touchstone.store.package import Package

BUILDER, FAMILY_BUILDER = "build_workload", "build_family"
_RETURNS = {BUILDER: "touchstone.capture(…)", FAMILY_BUILDER: "workloads by label"}


def load_package(path: Path, arguments: Mapping[str, object] | None = None) -> Package:
    """The checked package in a folder, or of the workload that a Python file's function ``build_workload(**arguments)`` returns.

    Raises:
        WorkloadFileError: the file does not exist, lacks the function, or the function fails.
        InvalidPackageError, InvalidProgramError, CorruptDataError: the folder or the workload is not a valid package.
        TouchstoneError: capture refuses the model; the error says what to use instead.
    """
    from touchstone.store.package import Package

    if path.is_dir():
        if arguments:
            raise WorkloadFileError(f"{path} is a package, it takes no arguments; name the Python file that built it")
        return Package.load(path)
    return Package.from_workload(build_workload(path, arguments or {}))


def build_workload(path: Path, arguments: Mapping[str, object]) -> Workload:
    """Run a Python file and call its ``build_workload``. Raises WorkloadFileError, and TouchstoneError as the file's code does."""
    workload = _call(path, BUILDER, arguments)
    if not isinstance(workload, Workload):
        raise WorkloadFileError(f"{BUILDER}() of {path} returns {type(workload).__name__}, not a Workload; return touchstone.capture(…)")
    return workload


def build_family(path: Path, arguments: Mapping[str, object]) -> dict[str, Workload | Callable[[], Workload]]:
    """Run a Python file and call its ``build_family``: workloads, or functions that make them, by label. Raises as build_workload."""
    family = _call(path, FAMILY_BUILDER, arguments)
    if not isinstance(family, Mapping) or not family:
        raise WorkloadFileError(f"{FAMILY_BUILDER}() of {path} returns {type(family).__name__}; return workloads by label, at least one")
    for label, member in family.items():
        if not isinstance(label, str) or not (isinstance(member, Workload) or callable(member)):
            raise WorkloadFileError(f"{FAMILY_BUILDER}() of {path} has the member {label!r}; map texts to workloads or functions")
    return {label: member if isinstance(member, Workload) else _guarded(path, label, member) for label, member in family.items()}


def _guarded(path: Path, label: str, build: Callable[[], object]) -> Callable[[], Workload]:
    """``build`` with its errors as :func:`build_workload` reports them."""

    def checked() -> Workload:
        try:
            workload = build()
        except TouchstoneError:
            raise
        except Exception as error:  # the user's code, as below
            raise WorkloadFileError(f"member {label!r} of {path} failed with {type(error).__name__}: {error}; correct it") from error
        if not isinstance(workload, Workload):
            raise WorkloadFileError(
                f"member {label!r} of {path} is a {type(workload).__name__}, not a Workload; return touchstone.capture(…)"
            )
        return workload

    return checked


def _call(path: Path, function: str, arguments: Mapping[str, object]) -> object:
    if not path.is_file() or path.suffix != ".py":
        raise WorkloadFileError(f"{path} is neither the folder of a package nor a Python file; correct the path")
    folder = str(path.parent.resolve())
    if folder not in sys.path:  # the file may import its neighbours, as a script may
        sys.path.insert(0, folder)
    try:
        names = runpy.run_path(str(path), run_name=path.stem)
        builder = names.get(function)
        if not callable(builder):
            raise WorkloadFileError(f"{path} defines no function {function}(); write one that returns {_RETURNS[function]}")
        return builder(**arguments)
    except TouchstoneError:
        raise
    except Exception as error:  # the file is the user's code: anything may be wrong with it
        raise WorkloadFileError(f"{path} failed with {type(error).__name__}: {error}; correct it") from error
