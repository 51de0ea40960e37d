"""Workloads from what a user names: the folder of a package, or a Python file that builds one."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from touchstone.cli.errors import WorkloadFileError
from touchstone.errors import TouchstoneError
from touchstone.machine.workload import Workload

if TYPE_CHECKING:
    from touchstone.store.package import Package

BUILDER = "build_workload"


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
    if not path.is_file() or path.suffix != ".py":
        raise WorkloadFileError(f"{path} is neither the folder of a package nor a Python file; correct the path")
    try:
        names = runpy.run_path(str(path), run_name=path.stem)
        builder = names.get(BUILDER)
        if not callable(builder):
            raise WorkloadFileError(f"{path} defines no function {BUILDER}(); write one that returns touchstone.capture(…)")
        workload = builder(**arguments)
    except TouchstoneError:
        raise
    except Exception as error:  # the file is the user's code: anything may be wrong with it
        raise WorkloadFileError(f"{path} failed with {type(error).__name__}: {error}; correct it") from error
    if not isinstance(workload, Workload):
        raise WorkloadFileError(f"{BUILDER}() of {path} returns {type(workload).__name__}, not a Workload; return touchstone.capture(…)")
    return workload
