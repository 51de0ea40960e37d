"""``touchstone submit`` and ``touchstone submitter``: have something computed."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from touchstone.cli.amounts import TOKENS, show_amount
from touchstone.cli.offers import offer_for, with_terms
from touchstone.cli.running import Common, agent_node, loop_settings, run_until_stopped, take_common, with_common_options
from touchstone.cli.workload import load_package
from touchstone.cli.workspace import Workspace, with_workspace

if TYPE_CHECKING:
    from touchstone.roles.node import Node
    from touchstone.roles.submitter import Offer, Submitter
    from touchstone.store.package import Package


@click.command()
@click.argument("workload", type=click.Path(path_type=Path))
@click.option("--budget", type=TOKENS, required=True, help="Most to pay, in tokens.")
@with_terms
@click.option("--mirror", "mirrors", multiple=True, help="Another store that has the package; may be given several times.")
@click.option("--set", "arguments", multiple=True, metavar="NAME=VALUE", help="Argument for build_workload(); JSON, or else a text.")
@click.option("--again", is_flag=True, help="Post a further job, though the same one runs already.")
@click.option("--detach", is_flag=True, help="Only post; `touchstone submitter run` serves the package and looks after the job.")
@with_common_options
@with_workspace("money")
def submit(workspace: Workspace, /, workload: Path, **options: Any) -> None:
    """Post the job in WORKLOAD, a package's folder or a Python file with a function build_workload(), and follow it to its end.

    While it runs, this process serves the package and collects the checkpoints. Interrupted at any moment, the same command goes on with
    the same job; `touchstone submitter run` looks after all jobs of the account.
    """
    common = take_common(options)
    with workspace.output.waiting("Reading the workload"):
        package = load_package(workload, dict(argument(text) for text in options["arguments"]))
    offer = offer_for(package, options)
    if workspace.dry_run:
        _preview(workspace, package, offer)
        return
    with agent_node(workspace, "submitter", common) as (node, endpoint):
        from touchstone.roles.submitter import post_job

        with workspace.output.waiting("Posting the job"):
            job = post_job(node, package, offer, [endpoint, *options["mirrors"]], options["again"])
        workspace.output.result({"job": job, "package": package.cid, "store": endpoint}, f"Job {job} is posted.")
        if not options["detach"]:
            _follow(workspace, make_submitter(node, common, endpoint), job)


def argument(text: str) -> tuple[str, object]:
    """Name and value of a NAME=VALUE option."""
    name, separator, value = text.partition("=")
    if not separator or not name.isidentifier():
        raise click.BadParameter(f"{text!r} is not of the form NAME=VALUE", param_hint="--set")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


@click.group()
def submitter() -> None:
    """Look after one's jobs."""


@submitter.command("run")
@with_common_options
@with_workspace("account")
def run_submitter(workspace: Workspace, /, **options: Any) -> None:
    """Serve the packages of the account's jobs, collect their checkpoints and keep them moving, until interrupted."""
    common = take_common(options)
    with agent_node(workspace, "submitter", common) as (node, endpoint):
        run_until_stopped(make_submitter(node, common, endpoint), node.address, endpoint)


def make_submitter(node: Node, common: Common, endpoint: str) -> Submitter:
    """The agent that looks after the account's jobs."""
    from touchstone.roles.rules.submitter import SubmitterRules
    from touchstone.roles.submitter import Submitter, SubmitterSettings

    rules = SubmitterRules(common.patience, not common.keep_balance)
    return Submitter(node, SubmitterSettings(rules, loop_settings(common), endpoint, common.max_bytes))


def _preview(workspace: Workspace, package: Package, offer: Offer) -> None:
    """What posting would cost; nothing is sent or kept."""
    from touchstone.chain.permit import sign_permit
    from touchstone.roles.records import quote
    from touchstone.roles.submitter import check_funds, job_spec_of

    client, sender = workspace.client, workspace.sender()
    spec = job_spec_of(package, offer)
    terms = quote(client.read("JobMarket", "quote", spec))
    check_funds(client, sender.address, terms.escrow)
    permit = sign_permit(client, workspace.account, "Token", client.contract("StakeVault").address, terms.escrow)
    preview = sender.preview(client.call("JobMarket", "postWithPermit", spec, package.cid, [], *permit))
    values = {
        "dry_run": True,
        "intervals": terms.intervals,
        "escrow": show_amount(terms.escrow),
        "stake": show_amount(terms.stake),
        "gas": preview.gas,
        "cost": f"{show_amount(preview.cost, 9)} ether",
    }
    workspace.output.result(values)


def _follow(workspace: Workspace, agent: Submitter, job: int) -> None:
    """Show the job's progress until it is over."""
    from touchstone.roles.status import job_status
    from touchstone.roles.view import View

    signal.signal(signal.SIGTERM, lambda *_: agent.stop())
    with workspace.output.progress() as progress:
        committed = progress.add_task("committed", total=1)
        final = progress.add_task("final", total=1)

        def is_over(view: View) -> bool:
            record = view.ledger.jobs.get(job)
            if record is None:
                return False
            status = job_status(record, agent.reader.job_state(job))
            progress.update(committed, total=status.intervals, completed=status.committed, description=f"{status.status}: committed")
            progress.update(final, total=status.intervals, completed=status.final)
            return record.ended is not None

        agent.run(is_over)
    record = agent.reader.ledger.jobs[job]
    status = job_status(record, agent.reader.job_state(job))
    workspace.output.result(
        {"job": job, "status": status.status, "final_root": status.final_root, "paid": show_amount(status.paid)},
        f"Job {job} is {status.status}; {show_amount(status.paid)} tokens were paid.",
    )
