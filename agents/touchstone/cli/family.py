"""``touchstone family``: jobs that belong together, such as those of a sweep or a cross-validation."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from touchstone.cli.amounts import TOKENS, show_amount
from touchstone.cli.errors import FamilyIncompleteError
from touchstone.cli.offers import offer_for, with_terms
from touchstone.cli.running import agent_node, take_common, with_common_options
from touchstone.cli.submit import argument, make_submitter
from touchstone.cli.workload import build_family
from touchstone.cli.workspace import Workspace, with_workspace

if TYPE_CHECKING:
    from touchstone.roles.family import MemberStatus
    from touchstone.roles.submitter import Submitter
    from touchstone.roles.view import View

MAX_BYTES = 4 << 30


@click.group()
def family() -> None:
    """Post and follow jobs that belong together."""


@family.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="What the family is found under; the file's name by default.")
@click.option("--budget", type=TOKENS, required=True, help="Most to pay for each job, in tokens.")
@with_terms
@click.option("--mirror", "mirrors", multiple=True, help="Another store that has the packages; may be given several times.")
@click.option("--set", "arguments", multiple=True, metavar="NAME=VALUE", help="Argument for build_family(); JSON, or else a text.")
@click.option("--detach", is_flag=True, help="Only post; `touchstone submitter run` serves the packages and looks after the jobs.")
@with_common_options
@with_workspace("account")
def submit(workspace: Workspace, /, file: Path, **options: Any) -> None:
    """Post every job that build_family() of FILE gives, by label, and follow them to their end.

    A member that cannot be posted is reported, and the others are posted. The same command goes on where it stood: jobs that run or are
    settled stay, members without a job and those whose job was cancelled or expired are posted.
    """
    from touchstone.errors import TouchstoneError
    from touchstone.roles.family import post_family

    common = take_common(options)
    name = options["name"] or file.stem
    members = build_family(file, dict(argument(text) for text in options["arguments"]))
    with agent_node(workspace, "submitter", common) as (node, endpoint):
        stores = [endpoint, *options["mirrors"]]
        with workspace.output.waiting(f"Posting {len(members)} jobs"):
            posted = post_family(node, name, members, lambda package: offer_for(package, options), stores)
        jobs = [result for result in posted.values() if isinstance(result, int)]
        workspace.output.result({"family": name, "jobs": len(jobs), "store": endpoint}, f"{len(jobs)} jobs of {name} are posted.")
        if jobs and not options["detach"]:
            _follow(workspace, make_submitter(node, common, endpoint), jobs)
    errors = {label: str(result) for label, result in posted.items() if isinstance(result, TouchstoneError)}
    _show(workspace, name, errors)
    if errors:
        label, error = next(iter(errors.items()))
        raise FamilyIncompleteError(f"{len(errors)} of {len(posted)} members were not posted, first {label!r} ({error}); submit again")


@family.command()
@click.argument("name")
@with_workspace("account")
def status(workspace: Workspace, name: str) -> None:
    """Show where the jobs of the family NAME stand, and what those that are settled gave."""
    _show(workspace, name, {})


@family.command()
@click.argument("name")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), help="Folder to write to; NAME by default.")
@with_workspace("account")
def download(workspace: Workspace, name: str, output: Path | None) -> None:
    """Fetch the final state of every settled job of the family NAME, checked against the roots on chain, as LABEL.safetensors."""
    from touchstone.roles.submitter import download_result
    from touchstone.store.tensors import pack

    folder = output or Path(name)
    folder.mkdir(parents=True, exist_ok=True)
    with _reading(workspace) as (journal, reader, library):
        ledger = reader.read().ledger
        for member in _members(name, journal, reader, library):
            if member.job is None or member.status is None or member.status.status != "settled":
                workspace.output.say(f"{member.label} has no result yet")
                continue
            package, state = download_result(ledger.jobs[member.job], ledger, library)
            target = folder / f"{member.label.replace('/', '_')}.safetensors"
            target.write_bytes(pack(package.workload.slot_names, state))
            values = {"member": member.label, "job": member.job, "file": str(target), **member.figures}
            workspace.output.result(values, f"{target} holds the result of job {member.job}.")


def _follow(workspace: Workspace, agent: Submitter, jobs: Sequence[int]) -> None:
    """Show how many jobs are over until all are."""
    signal.signal(signal.SIGTERM, lambda *_: agent.stop())
    with workspace.output.progress() as progress:
        task = progress.add_task("jobs over", total=len(jobs))

        def all_over(view: View) -> bool:
            records = [view.ledger.jobs.get(job) for job in jobs]
            over = sum(record is not None and record.ended is not None for record in records)
            progress.update(task, completed=over)
            return over == len(jobs)

        agent.run(all_over)


@contextmanager
def _reading(workspace: Workspace) -> Iterator[tuple[Any, Any, Any]]:
    """The account's journal, a reader of the chain, and a library; while an agent of the account may run."""
    from touchstone.roles.journal import RoleJournal
    from touchstone.roles.library import JobLibrary
    from touchstone.roles.node import facts_path
    from touchstone.roles.reader import MarketReader
    from touchstone.store.local import LocalStore

    journal = RoleJournal(facts_path(workspace.data, workspace.client, workspace.address))
    try:
        yield journal, MarketReader(workspace.client), JobLibrary(LocalStore(workspace.data / "store"), MAX_BYTES)
    finally:
        journal.close()


def _members(name: str, journal: Any, reader: Any, library: Any) -> list[MemberStatus]:
    from touchstone.roles.family import family_status

    return family_status(journal, name, reader, library)


def _show(workspace: Workspace, name: str, errors: dict[str, str]) -> None:
    """One row for each member; ``errors`` of members that could not even be built."""
    with _reading(workspace) as (journal, reader, library):
        members = _members(name, journal, reader, library) if journal.members(name) or not errors else []
    figures = sorted({key for member in members for key in member.figures})
    columns = ["Member", "Job", "Status", "Final", "Intervals", "Paid", *figures, "Remark"]
    rows = [_row(member, figures, errors.get(member.label, member.error), workspace.as_json) for member in members]
    posted = {member.label for member in members}
    unbuilt = [(label, error) for label, error in errors.items() if label not in posted]
    rows += [[label, "", "not posted", "", "", "", *[""] * len(figures), error] for label, error in unbuilt]
    workspace.output.table(columns, rows, "members")


def _row(member: MemberStatus, figures: Sequence[str], remark: str, exact: bool) -> list[object]:
    values = [member.figures.get(key, "") for key in figures]
    if not exact:
        values = [f"{value:.6g}" if isinstance(value, float) else value for value in values]
    if member.status is None:
        return [member.label, member.job or "", "not posted", "", "", "", *values, remark]
    status = member.status
    return [member.label, status.job, status.status, status.final, status.intervals, show_amount(status.paid), *values, remark]
