"""What a submitter does after posting: keep its job moving, collect the checkpoints, take back what is left of the escrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from touchstone.roles.actions import Action, Collect, Send
from touchstone.roles.records import Status
from touchstone.roles.rules.solver import assign
from touchstone.roles.rules.upkeep import upkeep
from touchstone.roles.rules.wallet import withdraw
from touchstone.roles.view import JobView, View

HasState = Callable[[bytes], bool]
"""Whether the submitter's own store holds the state with this root."""


@dataclass(frozen=True)
class SubmitterRules:
    """How a submitter decides.

    Attributes:
        patience: seconds it leaves to others for steps that are more in their interest.
        withdraw: whether to take its balance out of the vault when none of its jobs is left.
    """

    patience: int = 60
    withdraw: bool = True


def decide(view: View, has_state: HasState, rules: SubmitterRules) -> list[Action]:
    """Everything to be done now."""
    actions: list[Action] = []
    mine = [job for job in view.jobs.values() if job.record.submitter == view.me]
    for job in mine:
        actions += _advance(view, job, has_state, rules)
    actions += _collect(view, has_state)
    if rules.withdraw and not mine:
        actions += withdraw(view)
    return actions


def _collect(view: View, has_state: HasState) -> Iterator[Action]:
    """The states of own jobs that are not in the own store: all checkpoints while a job runs, the result of one that is settled."""
    for record in view.ledger.jobs.values():
        if record.submitter != view.me or record.ended in (Status.CANCELLED, Status.EXPIRED):
            continue
        last = record.spec.intervals - 1
        for commitment in record.commitments.values():
            is_wanted = record.ended is None or commitment.interval == last
            if is_wanted and not has_state(commitment.checkpoint.root):
                yield Collect(record.number, commitment.interval)


def _advance(view: View, job: JobView, has_state: HasState, rules: SubmitterRules) -> Iterator[Action]:
    state = job.state
    if state.status is Status.OPEN:
        # Bidders end an auction themselves; without any, nobody else does.
        ends_at = state.bids_until if state.bids == 0 else state.reveals_until + rules.patience
        if view.time >= ends_at:
            yield assign(job)
        return
    if state.status is Status.RUNNING and state.expires_at and view.time > state.expires_at:
        yield Send(
            *("JobMarket", "expire", (job.number,)),
            key=f"job {job.number} round {state.round} expire",
            why=f"end the assignment of job {job.number}, the solver is late",
        )
    yield from _confirm(job, has_state)
    yield from _abandon(view, job)
    yield from upkeep(view, job, rules.patience)


def _confirm(job: JobView, has_state: HasState) -> Iterator[Action]:
    """Says of states that verifiers could not get that they are to be had: in the own store, which serves them."""
    for interval in job.intervals:
        start = job.record.root_before(interval.interval)
        if not interval.audit.withheld or interval.audit.disputes or start is None:
            continue
        if interval.interval == 0 or has_state(start):  # the first state is in the package
            number, attempt = interval.interval, interval.audit.attempt
            yield Send(
                *("JobMarket", "confirmAvailable", (job.number, number, interval.commitment.checkpoint)),
                key=f"job {job.number} round {job.state.round} interval {number} available {attempt}",
                why=f"confirm that the state before interval {number} of job {job.number} is to be had",
            )


def _abandon(view: View, job: JobView) -> Iterator[Action]:
    """A job whose next interval nobody audits ends after the stall period."""
    if not job.intervals or job.state.disputes:
        return
    next_interval = job.intervals[0]
    checkpoint = next_interval.commitment.checkpoint
    is_answered = next_interval.audit.attested or (next_interval.draw is not None and not next_interval.draw.needs_answer)
    if is_answered or view.time < checkpoint.committed_at + view.parameters.stall_period:
        return
    yield Send(
        *("JobMarket", "abandon", (job.number, checkpoint)),
        key=f"job {job.number} round {job.state.round} abandon {next_interval.interval}",
        why=f"end job {job.number}, nobody audits interval {next_interval.interval}",
    )
