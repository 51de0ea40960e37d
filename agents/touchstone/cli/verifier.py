"""``touchstone verifier``: check what others compute."""

from __future__ import annotations

from typing import Any

import click

from touchstone.cli import running
from touchstone.cli.amounts import TOKENS
from touchstone.cli.running import agent_node, loop_settings, run_until_stopped, take_common, with_common_options
from touchstone.cli.workspace import Workspace, with_workspace


@click.group()
def verifier() -> None:
    """Re-run intervals, attest them or challenge them, play the dispute, get paid."""


@verifier.command()
@click.option("--threads", type=click.IntRange(min=0), default=0, help="Threads that compute; one per processor by default.")
@click.option("--stake", type=TOKENS, default=0, help="Tokens to have staked; what is missing is staked at the start.")
@click.option("--whistleblower", is_flag=True, help="Check every interval inside its window, drawn or not.")
@with_common_options
@with_workspace("account")
def run(workspace: Workspace, /, **options: Any) -> None:
    """Work as a verifier until interrupted. Killed at any moment and started again, it goes on and loses nothing."""
    from touchstone.roles.verifier import Verifier

    make_machine = running.machine_factory(options["threads"])
    settings, common = verifier_settings(options)
    with agent_node(workspace, "verifier", common) as (node, endpoint):
        agent = Verifier(node, settings(endpoint), make_machine)
        run_until_stopped(agent, node.address, endpoint)


def verifier_settings(options: dict[str, Any]) -> tuple[Any, Any]:
    """From the command's options: a function from the store's address to the verifier's settings, and the common options."""
    from touchstone.roles.rules.verifier import VerifierRules
    from touchstone.roles.verifier import VerifierSettings

    common = take_common(options)
    rules = VerifierRules(options["stake"], options["whistleblower"], common.patience, not common.keep_balance)
    loop = loop_settings(common)
    return lambda endpoint: VerifierSettings(rules, loop, endpoint, common.max_bytes), common
