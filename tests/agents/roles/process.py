"""The command line as the tests run it: torch cannot be imported, and the process may kill itself at a chosen point.

    python -m tests.agents.roles.process [--fault KIND:SEED:STEPS:SLOTS] [--die POINT] touchstone-arguments…

A point is one of

    signed FUNCTION      the transaction is journaled, not sent
    sent FUNCTION        it was handed to the node
    mined FUNCTION       its receipt was seen
    before METHOD        a method of the role's journal is about to be called
    after METHOD         it has returned

The process ends there by SIGKILL, so nothing is cleaned up.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from scripts.demo.faults import FAULTS, FaultyMachine
from touchstone.chain.journal import Entry
from touchstone.chain.sender import Sender
from touchstone.cli import main
from touchstone.machine import runtime
from touchstone.machine.executor import Executor
from touchstone.machine.program import Program
from touchstone.machine.workload import Array
from touchstone.roles.journal import RoleJournal


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def corrupt(kind: str, seed: int, steps: int, slots: Sequence[int]) -> None:
    """Make every machine of this process compute one step wrong."""
    honest = runtime.NativeMachine

    def faulty(program: Program, constants: Sequence[Array], threads: int = 0) -> Executor:
        return FaultyMachine(honest(program, constants, threads), FAULTS[kind](program, steps, seed, slots))

    runtime.NativeMachine = faulty  # type: ignore[misc, assignment]


def arm(point: str) -> None:
    """Let the process die at a point."""
    moment, _, name = point.partition(" ")
    if moment in ("before", "after"):
        _arm_journal(moment, name)
    else:
        _arm_sender(moment, name)


def _arm_sender(moment: str, function: str) -> None:
    notify = Sender._notify

    def watched(sender: Sender, what: str, entry: Entry) -> None:
        if (what, entry.function) == (moment, function):
            die()
        notify(sender, what, entry)

    Sender._notify = watched  # type: ignore[method-assign]


def _arm_journal(moment: str, method: str) -> None:
    original = getattr(RoleJournal, method)

    def watched(journal: RoleJournal, *arguments: Any) -> Any:
        if moment == "before":
            die()
        result = original(journal, *arguments)
        die()
        return result

    setattr(RoleJournal, method, watched)


if __name__ == "__main__":
    sys.modules["torch"] = None  # type: ignore[assignment]  # any import of torch now fails
    parser = argparse.ArgumentParser()
    parser.add_argument("--fault")
    parser.add_argument("--die")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    if given.fault:
        kind, seed, steps, slots = given.fault.split(":")
        corrupt(kind, int(seed), int(steps), [int(slot) for slot in slots.split(",")])
    if given.die:
        arm(given.die)
    main(given.arguments)
