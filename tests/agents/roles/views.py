"""Views of the market made by hand, for tests of decisions."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from touchstone.chain.contracts import Event
from touchstone.dispute.state import Claim, Clocks
from touchstone.roles.journal import RoleJournal
from touchstone.roles.ledger import Commitment, JobRecord, Ledger, Round
from touchstone.roles.records import (
    ZERO_ADDRESS,
    Audit,
    Checkpoint,
    EndReason,
    JobSpec,
    JobState,
    Parameters,
    Status,
)
from touchstone.roles.view import Draw, IntervalView, JobView, View

ME, OTHER, THIRD, VAULT, MARKET = ("0x" + digit * 40 for digit in "12345")
SPEC = JobSpec(b"p" * 32, b"c" * 32, b"i" * 32, 100, 10, 3600, 1_000_000, 10**18, 0, 0)
PARAMETERS = Parameters(ZERO_ADDRESS, 10, 10, 30, 20, 15, 100, 60, 5, 2, 600_000, 100_000, 300_000, 400_000, 1_300_000, 10**18)
PLENTY = 10**30
NOW = 1_000


def state_of(status: Status, **changes: Any) -> JobState:
    """A job's state: ten intervals, nothing done yet."""
    plain = JobState(
        *(status, 1, OTHER, ZERO_ADDRESS, 10**18, 0, 10**18, 10**17, 0, 0, 0),
        *(NOW, NOW + 10, 0, 0, 0, 0, 0, 10, 0, 0, 0, 10, 0, EndReason.NONE),
    )
    return plain._replace(**changes)


def record_of(submitter: str = OTHER, **changes: Any) -> JobRecord:
    """A job's record with one auction round, in which bidding ends now."""
    record = JobRecord(1, submitter, SPEC, "package", (), 0, 1, **changes)
    record.rounds[1] = Round(1, 0, 10**18, 10**17, 10**16, NOW, NOW + 10)
    return record


def interval_of(number: int, solver: str = ME, committed_at: int = NOW - 100, **changes: Any) -> IntervalView:
    """A committed interval outside its window, drawn for nobody; ``attested``, ``draw``, ``recorded``, ``answer_by`` … change that."""
    checkpoint = Checkpoint(bytes([number + 1]) * 32, bytes([number + 101]) * 32, committed_at, 7, False)
    audit = Audit(
        changes.get("verifier", ZERO_ADDRESS),
        changes.get("answer_by", 0),
        changes.get("attempt", 0),
        changes.get("disputes", 0),
        changes.get("attested", False),
        changes.get("withheld", False),
    )
    return IntervalView(
        commitment=Commitment(number, 1, solver, checkpoint),
        audit=audit,
        seed_since=changes.get("seed_since", committed_at + 2),
        seed_recorded=changes.get("recorded", True),
        seat_since=changes.get("seat_since", committed_at + 2),
        lapsed=changes.get("lapsed", False),
        draw=changes.get("draw", Draw(False, ZERO_ADDRESS)),
    )


def job_of(record: JobRecord, state: JobState, *intervals: IntervalView) -> JobView:
    """A job, its committed intervals also in its record."""
    for interval in intervals:
        record.commitments[interval.interval] = interval.commitment
    return JobView(record, state, intervals)


def view_of(*jobs: JobView, time: int = NOW, ledger: Ledger | None = None, **changes: Any) -> View:
    """What an agent with plenty of tokens sees."""
    known = ledger or Ledger()
    for job in jobs:
        known.jobs[job.number] = job.record
    values: dict[str, Any] = {"spendable": PLENTY, "allowance": 2**256 - 1, "stake": 0, "minimum_stake": 1, **changes}
    live = {job.number: job for job in jobs if not job.state.status.is_over}
    return View(31337, MARKET, VAULT, 50, time, ME, PARAMETERS, known, live, **values)


def event_of(name: str, contract: str = "JobMarket", block: int = 1, index: int = 0, **values: Any) -> Event:
    """An event as the chain client decodes it."""
    return Event(contract, name, values, MARKET, block, "0x" + "00" * 32, "0x" + "00" * 32, index)


def opened_dispute(solver: str, challenger: str, since: int = NOW, job: int = 1, interval: int = 0, dispute: int = 1) -> list[Event]:
    """The events of a dispute in which the solver is to move since ``since``."""
    claim = Claim(b"p" * 32, b"c" * 32, b"i" * 32, b"t" * 32, job, interval, 10, False, solver, challenger, 60, 5)
    clocks = Clocks(5, 60, 60, 60, since, True)
    opened = event_of(
        "DisputeOpened",
        "Court",
        dispute=dispute,
        solver=solver,
        challenger=challenger,
        arbitrable=MARKET,
        claim=_claim_struct(claim),
        clocks=clocks.pack(),
        points=[b"i" * 32, b"r" * 32],
    )
    challenged = event_of("Challenged", job=job, interval=interval, challenger=challenger, dispute=dispute, isSeal=False)
    return [opened, challenged]


def memory() -> RoleJournal:
    """A role's journal that is not on disk."""
    return RoleJournal(":memory:")


def _claim_struct(claim: Claim) -> Any:
    names = "programRoot constantsRoot startRoot target job interval steps isSeal solver challenger clock increment context"
    return namedtuple("Claim", names)(*claim.abi())  # type: ignore[misc]
