"""The machine that capture checks a program with."""

from __future__ import annotations

from collections.abc import Sequence

from touchstone.machine.executor import Executor
from touchstone.machine.program import Program
from touchstone.machine.reference import ReferenceMachine
from touchstone.machine.runtime import NativeMachine, NativeRuntimeError
from touchstone.machine.workload import Array


def fastest_machine(program: Program, constants: Sequence[Array], threads: int = 0) -> Executor:
    """The native runtime where its library is built, else the reference; both give the same bits.

    ``threads`` is for the native runtime; 0 means one per processor.
    """
    try:
        return NativeMachine(program, constants, threads)
    except NativeRuntimeError:
        return ReferenceMachine(program, constants)
