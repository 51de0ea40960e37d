"""``touchstone profile``: where the time of a step goes on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from touchstone.cli.submit import argument
from touchstone.cli.workload import load_package
from touchstone.cli.workspace import Workspace, with_workspace

if TYPE_CHECKING:
    from touchstone.machine.timing import Part

_SHOWN_NODES = 3


@click.command()
@click.argument("workload", type=click.Path(path_type=Path))
@click.option(
    "--steps", type=click.IntRange(min=1), default=5, show_default=True, help="Steps to time; of each part the least time counts."
)
@click.option("--threads", type=click.IntRange(min=0), default=0, help="Threads that compute; 0 means one per processor.")
@click.option("--top", type=click.IntRange(min=0), default=10, show_default=True, help="How many of the hottest nodes to list.")
@click.option("--set", "arguments", multiple=True, metavar="NAME=VALUE", help="Argument for build_workload(); JSON, or else a text.")
@with_workspace()
def profile(workspace: Workspace, /, workload: Path, steps: int, threads: int, top: int, arguments: Sequence[str]) -> None:
    """Run a few steps of WORKLOAD here, and show the time of each family of nodes and of the hottest nodes.

    WORKLOAD is a package's folder, or a Python file with a function build_workload(). Nodes that the runtime carries out together, without
    storing what is between them, are one row.
    """
    from touchstone.machine.timing import by_family, describe, time_parts

    with workspace.output.waiting("Reading the workload"):
        found = load_package(workload, dict(argument(text) for text in arguments)).workload
    with workspace.output.waiting(f"Running {steps + 1} steps"):
        parts = time_parts(found, steps, threads)
    total = sum(part.seconds for part in parts)
    families = [(each.name, each.parts, *_figures(each.seconds, each.operations, total)) for each in by_family(parts)]
    workspace.output.table(("Family", "Parts", "Microseconds", "Share", "Gop/s"), families, "families")
    hottest = sorted(parts, key=lambda part: -part.seconds)[:top]
    rows = [(_nodes(part), describe(found.program, part), *_figures(part.seconds, part.operations, total)) for part in hottest]
    workspace.output.say("")
    workspace.output.table(("Nodes", "Operators", "Microseconds", "Share", "Gop/s"), rows, "hottest")


def _figures(seconds: float, operations: int, total: float) -> tuple[float, str, float]:
    """Microseconds, share of the step, and billions of operations per second; the clock may not have moved during a tiny part."""
    speed = operations / seconds * 1e-9 if seconds else 0.0
    return round(seconds * 1e6, 1), f"{seconds / total:.1%}", round(speed, 1)


def _nodes(part: Part) -> str:
    shown = ", ".join(str(node) for node in part.nodes[:_SHOWN_NODES])
    return shown if len(part.nodes) <= _SHOWN_NODES else f"{shown}, … {part.nodes[-1]}"
