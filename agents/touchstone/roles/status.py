"""A job in one glance, and its story: for people, and for programs that want neither events nor contracts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from touchstone.chain.contracts import Event
from touchstone.roles.ledger import JobRecord, Ledger
from touchstone.roles.records import JobState, Status


@dataclass(frozen=True)
class JobStatus:
    """Where a job stands.

    Attributes:
        job: its number.
        status: ``open``, ``running``, ``ending``, ``settled``, ``cancelled`` or ``expired``.
        submitter: who pays.
        solver: who computes, or leads the auction; empty if nobody.
        round: number of the auction round.
        steps: steps of the whole job.
        intervals: checkpoints there will be.
        committed: checkpoints committed.
        attested: of those that are not void, attested by an auditor.
        final: intervals that are final.
        disputes: disputes running.
        convictions: assignments that ended with a conviction.
        budget: most that is paid.
        payment: agreed price of the round, 0 before the assignment.
        paid: paid so far to all solvers.
        due_at: when the next checkpoints are due (Unix seconds), 0 if none are.
        final_root: state root after the last step (0x…), empty before it is final.
        package: identifier of the job's package.
    """

    job: int
    status: str
    submitter: str
    solver: str
    round: int
    steps: int
    intervals: int
    committed: int
    attested: int
    final: int
    disputes: int
    convictions: int
    budget: int
    payment: int
    paid: int
    due_at: int
    final_root: str
    package: str

    @property
    def is_over(self) -> bool:
        """Whether nothing can happen to the job any more."""
        return Status[self.status.upper()].is_over


def job_status(record: JobRecord, state: JobState) -> JobStatus:
    """The status of a job."""
    assigned = state.status not in (Status.OPEN, Status.CANCELLED)
    settled = record.ended is Status.SETTLED and record.final_root is not None
    return JobStatus(
        job=record.number,
        status=state.status.name.lower(),
        submitter=record.submitter,
        solver=state.solver if int(state.solver, 16) else "",
        round=state.round,
        steps=record.spec.steps,
        intervals=record.spec.intervals,
        committed=state.committed,
        attested=sum(1 for commitment in record.commitments.values() if commitment.attested_by),
        final=state.finalised,
        disputes=state.disputes,
        convictions=sum(1 for event in record.events if event.name == "Convicted"),
        budget=record.spec.budget,
        payment=state.payment if assigned else 0,
        paid=sum(record.paid.values()),
        due_at=state.due_at,
        final_root="0x" + record.final_root.hex() if settled and record.final_root else "",
        package=record.package,
    )


@dataclass(frozen=True)
class StoryLine:
    """One thing that happened to a job."""

    block: int
    transaction: str
    event: str
    text: str


def story(record: JobRecord, ledger: Ledger) -> list[StoryLine]:
    """Everything that happened to a job, the moves of its disputes included, in the order of the chain."""
    events = list(record.events)
    for dispute in ledger.disputes.values():
        if dispute.job == record.number:
            events += dispute.events
    events.sort(key=lambda event: (event.block, event.index))
    return [StoryLine(event.block, event.transaction, event.name, describe(event)) for event in events]


def describe(event: Event) -> str:
    """An event as a sentence."""
    write = _SENTENCES.get(event.name)
    return event.name if write is None else write(event.values)


def _who(address: str) -> str:
    return f"{address[:6]}…{address[-4:]}"


def _amount(base_units: int) -> str:
    return f"{base_units / 10**18:,.6f}".rstrip("0").rstrip(".")


def _span(values: Mapping[str, Any], count: int) -> str:
    first = values["first"]
    return f"interval {first}" if count == 1 else f"intervals {first} to {first + count - 1}"


_SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "JobPosted": lambda v: f"{_who(v['submitter'])} posts the job: {v['spec'].steps} steps in {v['intervals']} intervals, escrow {_amount(v['escrow'])}",
    "RoundOpened": lambda v: (
        f"auction round {v['round']} opens for the intervals from {v['first']} on, budget {_amount(v['roundBudget'])}, stake {_amount(v['stake'])}"
    ),
    "BidCommitted": lambda v: f"{_who(v['bidder'])} enters a sealed bid",
    "BidRevealed": lambda v: (
        f"{_who(v['bidder'])} reveals price {_amount(v['price'])} and {v['duration']} s, score {_amount(v['score'])}{', and leads' if v['leads'] else ''}"
    ),
    "Assigned": lambda v: f"{_who(v['solver'])} wins and will be paid {_amount(v['payment'])}, with {_amount(v['stake'])} at stake",
    "CheckpointsCommitted": lambda v: f"{_who(v['solver'])} commits {_span(v, len(v['roots']))}",
    "CheckpointRenewed": lambda v: f"interval {v['interval']} gets a fresh draw",
    "VerifierSummoned": lambda v: f"{_who(v['verifier'])} is summoned to audit interval {v['interval']}",
    "VerifierDismissed": lambda v: f"{_who(v['verifier'])} did not answer for interval {v['interval']} and pays {_amount(v['penalty'])}",
    "Attested": lambda v: f"{_who(v['verifier'])} attests interval {v['interval']} and earns {_amount(v['fee'])}",
    "Challenged": lambda v: (
        f"{_who(v['challenger'])} denies the {'seal' if v['isSeal'] else 'root'} of interval {v['interval']}: dispute {v['dispute']}, "
        f"bond {_amount(v['bond'])}"
    ),
    "ChallengeFailed": lambda v: f"{_who(v['challenger'])} loses dispute {v['dispute']} and its bond, {_amount(v['toSolver'])} to the solver",
    "Convicted": lambda v: f"{_who(v['solver'])} is convicted {'by proof' if v['byProof'] else 'by the clock'}; void from interval {v['interval']} on",
    "ChallengeMoot": lambda v: f"dispute {v['dispute']} no longer matters, the bond goes back",
    "Finalised": lambda v: f"{_span(v, v['count'])} final, {_amount(v['paid'])} paid to {_who(v['solver'])}",
    "AssignmentEnded": lambda v: f"the assignment of {_who(v['solver'])} ends before interval {v['end']}",
    "StakeSettled": lambda v: (
        f"stake of {_who(v['solver'])}: {_amount(v['toSolver'])} back, {_amount(v['toChallenger'])} to the challenger, "
        f"{_amount(v['toSubmitter'])} to the submitter, {_amount(v['toTreasury'])} to the treasury"
    ),
    "JobEnded": lambda v: f"the job is {Status(v['status']).name.lower()}, {_amount(v['refund'])} refunded",
    "DepositReclaimed": lambda v: f"{_who(v['bidder'])} takes back {_amount(v['amount'])}",
    "DisputeOpened": lambda v: f"dispute {v['dispute']}: {_who(v['challenger'])} opens with {len(v['points']) - 1} roots",
    "Dissected": lambda v: f"dispute {v['dispute']}: {_who(v['mover'])} dissects into {len(v['points']) - 1} parts",
    "StepOpened": lambda v: f"dispute {v['dispute']}: {_who(v['mover'])} opens one step into its nodes",
    "NodeOpened": lambda v: f"dispute {v['dispute']}: {_who(v['mover'])} opens one node into its chunks",
    "ChunkPosted": lambda v: f"dispute {v['dispute']}: {_who(v['mover'])} posts the chunk",
    "CopySettled": lambda v: f"dispute {v['dispute']}: the copy of slot {v['slot']} after step {v['step']} is proven wrong",
    "WordProven": lambda v: (
        f"dispute {v['dispute']}: the referee recomputes element {v['element']} of node {v['node']} at step {v['step']}: "
        f"0x{v['right']:08x}, not 0x{v['posted']:08x}"
    ),
    "DisputeClosed": lambda v: f"dispute {v['dispute']}: {_who(v['winner'])} wins {'by proof' if v['byProof'] else 'by the clock'}",
}
