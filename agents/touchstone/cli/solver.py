"""``touchstone solver``: compute for others."""

from __future__ import annotations

from typing import Any

import click

from touchstone.cli import running
from touchstone.cli.amounts import TOKENS
from touchstone.cli.running import agent_node, loop_settings, run_until_stopped, take_common, with_common_options
from touchstone.cli.workspace import Workspace, with_workspace

GIB = 1 << 30


@click.group()
def solver() -> None:
    """Find jobs, bid, train, commit checkpoints, defend them, get paid."""


@solver.command()
@click.option("--threads", type=click.IntRange(min=0), default=0, help="Threads that compute; one per processor by default.")
@click.option(
    "--memory", type=click.FloatRange(min=0, min_open=True), default=4.0, show_default=True, help="GiB all jobs together may take."
)
@click.option("--jobs", type=click.IntRange(min=1), default=4, show_default=True, help="Most jobs at a time.")
@click.option("--batch", type=click.IntRange(1, 16), default=16, show_default=True, help="Checkpoints per transaction.")
@click.option("--due-margin", type=click.IntRange(min=0), default=30, show_default=True, help="Seconds before it is due to send a batch.")
@click.option("--price-per-second", type=TOKENS, default="0.001", show_default=True, help="What a second of this machine costs, in tokens.")
@click.option("--fixed-price", type=TOKENS, default="0.01", show_default=True, help="What a job costs on top, in tokens.")
@click.option("--margin", type=click.FloatRange(min=1), default=2.0, show_default=True, help="Promised duration over the estimate.")
@click.option("--overhead", type=click.IntRange(min=0), default=10, show_default=True, help="Seconds added to it.")
@with_common_options
@with_workspace("account")
def run(workspace: Workspace, /, **options: Any) -> None:
    """Work as a solver until interrupted. Killed at any moment and started again, it goes on and loses nothing."""
    from touchstone.roles.solver import Solver

    make_machine = running.machine_factory(options["threads"])
    settings, common = solver_settings(options)
    with agent_node(workspace, "solver", common) as (node, endpoint):
        agent = Solver(node, settings(endpoint), make_machine)
        run_until_stopped(agent, node.address, endpoint)


def solver_settings(options: dict[str, Any]) -> tuple[Any, Any]:
    """From the command's options: a function from the store's address to the solver's settings, and the common options."""
    from touchstone.roles.rules.solver import SolverRules
    from touchstone.roles.solver import Pricing, SolverSettings

    common = take_common(options)
    rules = SolverRules(
        jobs=options["jobs"],
        memory=int(options["memory"] * GIB),
        batch=options["batch"],
        due_margin=options["due_margin"],
        patience=common.patience,
        withdraw=not common.keep_balance,
    )
    pricing = Pricing(options["price_per_second"], options["fixed_price"], options["margin"], options["overhead"])
    loop = loop_settings(common, options["jobs"])
    return lambda endpoint: SolverSettings(rules, pricing, loop, endpoint, common.max_bytes), common
