"""``touchstone status``, ``logs``, ``cancel``: jobs of the market, one's own and others'."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from touchstone.cli.amounts import show_amount
from touchstone.cli.spend import spend
from touchstone.cli.workspace import Workspace, with_workspace

if TYPE_CHECKING:
    from touchstone.roles.reader import MarketReader
    from touchstone.roles.status import JobStatus

_COLUMNS = ("Job", "Status", "Solver", "Round", "Committed", "Attested", "Final", "Intervals", "Disputes", "Paid")


@click.command()
@click.argument("job", type=click.IntRange(min=1), required=False)
@click.option("--watch", is_flag=True, help="Show the job whenever it changes, until it is over.")
@click.option("--poll", type=click.FloatRange(min=0.05), default=1.0, show_default=True, help="Seconds between looks, with --watch.")
@with_workspace("chain", "data")
def status(workspace: Workspace, job: int | None, watch: bool, poll: float) -> None:
    """Show JOB, or all jobs of the market."""
    reader = _reader(workspace)
    if watch and job is None:
        raise click.UsageError("--watch needs the number of a JOB")
    if job is None:
        _show_all(workspace, reader)
    elif watch:
        _watch(workspace, reader, job, poll)
    else:
        _show(workspace, _status(reader, job))


@click.command()
@click.argument("job", type=click.IntRange(min=1))
@click.option("--follow", is_flag=True, help="Go on until the job is over.")
@click.option("--poll", type=click.FloatRange(min=0.05), default=1.0, show_default=True, help="Seconds between looks, with --follow.")
@with_workspace("chain", "data")
def logs(workspace: Workspace, job: int, follow: bool, poll: float) -> None:
    """Tell what happened to JOB, its disputes included, in the order of the chain."""
    from touchstone.roles.story import story
    from touchstone.roles.submitter import find_job

    reader = _reader(workspace)
    shown = 0
    while True:
        ledger = reader.read().ledger
        record = find_job(ledger, job)
        lines = story(record, ledger)
        for line in lines[shown:]:
            workspace.output.result(asdict(line), f"{line.block:>8}  {line.text}")
        shown = len(lines)
        if not follow or record.ended is not None:
            return
        time.sleep(poll)


@click.command()
@click.argument("job", type=click.IntRange(min=1))
@with_workspace("money")
def cancel(workspace: Workspace, job: int) -> None:
    """Withdraw JOB, which is yours, before bidding ends. If bids came in, the posting bond is the bidders'."""
    from touchstone.roles.submitter import find_job

    find_job(_reader(workspace).read().ledger, job)
    spend(workspace, [("cancel", workspace.client.call("JobMarket", "cancel", job))], {"cancelled": job})


def _reader(workspace: Workspace) -> MarketReader:
    from touchstone.roles.reader import MarketReader

    return MarketReader(workspace.client)


def _status(reader: MarketReader, job: int) -> JobStatus:
    from touchstone.roles.status import job_status
    from touchstone.roles.submitter import find_job

    record = find_job(reader.read().ledger, job)
    return job_status(record, reader.job_state(job))


def _show_all(workspace: Workspace, reader: MarketReader) -> None:
    from touchstone.roles.status import job_status

    found = [job_status(record, reader.job_state(record.number)) for record in reader.read().ledger.jobs.values()]
    rows = [
        (
            *(each.job, each.status, each.solver, each.round, each.committed, each.attested, each.final, each.intervals, each.disputes),
            show_amount(each.paid),
        )
        for each in found
    ]
    workspace.output.table(_COLUMNS, rows, "jobs")


def _show(workspace: Workspace, found: JobStatus) -> None:
    values: dict[str, Any] = asdict(found)
    for amount in ("budget", "payment", "paid"):
        values[amount] = show_amount(values[amount])
    workspace.output.result(values)


def _watch(workspace: Workspace, reader: MarketReader, job: int, poll: float) -> None:
    """A progress bar for people; for programs, one object per change."""
    last: JobStatus | None = None
    with workspace.output.progress() as progress:
        committed = progress.add_task("committed", total=1)
        final = progress.add_task("final", total=1)
        while last is None or not last.is_over:
            current = _status(reader, job)
            if current != last:
                progress.update(committed, total=current.intervals, completed=current.committed, description=f"{current.status}: committed")
                progress.update(final, total=current.intervals, completed=current.final)
                if workspace.as_json:
                    _show(workspace, current)
                last = current
            else:
                time.sleep(poll)
    if not workspace.as_json:
        _show(workspace, last)
