"""A dishonest agent: the ordinary command line on a machine that computes one step wrong.

    python -m scripts.demo.cheat --fault flip --seed 7 --steps 400 [--slots 1,2] -- solver run --account dev4 …

Everything but the machine is the honest agent's code, so the liar bids, commits, signs and plays its disputes as well as anybody.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from scripts.demo.faults import FAULTS, FaultyMachine
from touchstone.machine import runtime
from touchstone.machine.executor import Executor
from touchstone.machine.program import Program
from touchstone.machine.workload import Array


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--fault", type=click.Choice(sorted(FAULTS)), required=True)
@click.option("--seed", type=int, required=True)
@click.option("--steps", type=int, required=True, help="Steps of the job, among which the wrong one is chosen.")
@click.option("--slots", default="", help="Slots that a flipped bit may fall in, comma separated; the largest by default.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def main(fault: str, seed: int, steps: int, slots: str, command: tuple[str, ...]) -> None:
    """Run COMMAND of the touchstone command line dishonestly."""
    honest = runtime.NativeMachine
    chosen = tuple(int(slot) for slot in slots.split(",") if slot)

    def dishonest(program: Program, constants: Sequence[Array], threads: int = 0) -> Executor:
        return FaultyMachine(honest(program, constants, threads), FAULTS[fault](program, steps, seed, chosen))

    # The command line takes the machine from this module when an agent starts: the one place where it can be exchanged from outside.
    runtime.NativeMachine = dishonest  # type: ignore[misc, assignment]
    from touchstone.cli import main as touchstone

    touchstone(list(command))


if __name__ == "__main__":
    sys.exit(main())
