"""The machine that capture checks a program with."""

from __future__ import annotations

from collections.abc import Sequence

from touchstone.errors import TouchstoneError
from touchstone.machine.executor import Executor
from touchstone.machine.program import Program
from touchstone.machine.reference import ReferenceMachine
from touchstone.machine.workload import Array


def fastest_machine(program: Program, constants: Sequence[Array]) -> Executor:
    """The native runtime where it is built, else the reference; both give the same bits."""
    try:
        from touchstone.machine.runtime import NativeMachine

        return NativeMachine(program, constants)
    except (ImportError, TouchstoneError):
        return ReferenceMachine(program, constants)
