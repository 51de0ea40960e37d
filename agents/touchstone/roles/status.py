"""A job in one glance: for people, and for programs that want neither events nor contracts."""

from __future__ import annotations

from dataclasses import dataclass

from touchstone.roles.ledger import JobRecord
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
