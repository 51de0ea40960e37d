"""``touchstone quote``: what a job computes, what it costs, and what it asks of a solver."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from touchstone.cli.amounts import TOKENS, show_amount
from touchstone.cli.workload import load_package
from touchstone.cli.workspace import Workspace, with_workspace

OTHER_RATES = (1, 3, 8, 20, 50, 100)
MILLIONTHS_PER_PERCENT = 10_000
DEFAULT_CHECKPOINTS = 50


@click.command()
@click.argument("workload", type=click.Path(path_type=Path))
@click.option("--budget", type=TOKENS, help="Most to pay, in tokens. Without it only the computation is described, and no chain is asked.")
@click.option("--interval", type=click.IntRange(min=2), help="Steps between checkpoints; a fiftieth of the job by default.")
@click.option(
    "--audit-rate", type=click.FloatRange(0, 100, min_open=True), default=3.0, show_default=True, help="Percent of intervals checked."
)
@click.option(
    "--deadline", type=click.IntRange(min=1), default=3600, show_default=True, help="Longest duration a bid may promise, seconds."
)
@click.option("--value-of-time", type=TOKENS, default=1, help="What one second of delay costs you, in tokens; nearly nothing by default.")
@click.option("--harm", type=TOKENS, default=0, help="What a false result would cost you beyond the price, in tokens; 0 by default.")
@with_workspace("chain", "data")
def quote(
    workspace: Workspace,
    workload: Path,
    budget: int | None,
    interval: int | None,
    audit_rate: float,
    deadline: int,
    value_of_time: int,
    harm: int,
) -> None:
    """Describe and price the job in WORKLOAD, a package's folder or a Python file with a function build_workload()."""
    with workspace.output.waiting("Reading the workload"):
        package = load_package(workload)
        values = _profile(package.workload.program, package.workload.steps)
    steps = package.workload.steps
    interval = interval or default_interval(steps)
    values |= {"interval_steps": interval, "checkpoints": -(-steps // interval)}
    if budget is None:
        workspace.output.result(values)
        return
    spec = job_spec(package, interval, deadline, round(audit_rate * MILLIONTHS_PER_PERCENT), budget, value_of_time, harm)
    answer = workspace.client.read("JobMarket", "quote", spec)
    values |= _priced(answer)
    values["stake_by_audit_rate"] = _stakes(workspace, spec)
    workspace.output.result(values, _text(values))


def default_interval(steps: int) -> int:
    """Steps between checkpoints when nothing else is said: a fiftieth of the job, at least 2, leaving at least 2 for the last one.

    docs/economics.md, section 7, says why.
    """
    interval = max(2, -(-steps // DEFAULT_CHECKPOINTS))
    while steps % interval == 1:
        interval += 1
    return interval


def job_spec(
    package: Any, interval: int, deadline: int, audit_rate: int, budget: int, value_of_time: int, harm: int
) -> dict[str, bytes | int]:
    """``IJobMarket.JobSpec`` of a package; seconds, millionths, base units of the token."""
    return {
        "programRoot": package.program_root,
        "constantsRoot": package.constants_root,
        "initialRoot": package.state_root,
        "steps": package.workload.steps,
        "intervalSteps": interval,
        "deadline": deadline,
        "auditRate": audit_rate,
        "budget": budget,
        "valueOfTime": value_of_time,
        "harm": harm,
    }


def _profile(program: Any, steps: int) -> dict[str, object]:
    from touchstone.machine.cost import cost

    step = cost(program)
    return {
        "steps": steps,
        "nodes": len(program.nodes),
        "operations_per_step": step.operations,
        "operations": step.operations * steps,
        "bytes_moved_per_step": step.bytes_moved,
        "peak_memory_bytes": step.peak_memory,
        "state_bytes": step.state_bytes,
        "constant_bytes": step.constant_bytes,
    }


def _priced(answer: Any) -> dict[str, object]:
    return {
        "checkpoints": answer.intervals,
        "escrow": show_amount(answer.escrow),
        "audit_reserve": show_amount(answer.auditReserve),
        "posting_bond": show_amount(answer.postingBond),
        "stake": show_amount(answer.stake),
        "bid_deposit": show_amount(answer.deposit),
        "audit_fee": show_amount(answer.auditFee),
        "challenge_bond": show_amount(answer.challengeBond),
    }


def _stakes(workspace: Workspace, spec: dict[str, bytes | int]) -> dict[str, str]:
    """The stake other audit rates would ask of the solver."""
    stakes = {}
    for percent in OTHER_RATES:
        other = {**spec, "auditRate": percent * MILLIONTHS_PER_PERCENT}
        stakes[f"{percent}%"] = show_amount(workspace.client.read("JobMarket", "quote", other).stake)
    return stakes


def _text(values: dict[str, Any]) -> str:
    lines = [f"{name.replace('_', ' '):<22}{value}" for name, value in values.items() if not isinstance(value, dict)]
    lines.append("stake at other audit rates:")
    lines += [f"  {rate:<20}{stake}" for rate, stake in values["stake_by_audit_rate"].items()]
    return "\n".join(lines)
