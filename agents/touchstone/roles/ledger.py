"""What the events of the market and the court tell: jobs, rounds, bids, checkpoints, disputes.

A :class:`Ledger` is a pure fold: the same events in the same order give the same ledger, so an agent that was killed, or saw blocks
replaced, builds it again. What a view of a contract tells better (phases, deadlines, balances) is not in here; see
:mod:`touchstone.roles.view`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from touchstone.chain.contracts import Event
from touchstone.roles.records import Checkpoint, EndReason, JobSpec, Status, checkpoint, job_spec


@dataclass(frozen=True)
class Reveal:
    """A revealed bid."""

    price: int
    duration: int
    score: int


@dataclass(frozen=True)
class Assignment:
    """The winner of a round."""

    solver: str
    first: int
    payment: int
    duration: int
    stake: int


@dataclass
class Round:
    """An auction round for the intervals from ``first`` on."""

    number: int
    first: int
    budget: int
    stake: int
    deposit: int
    bids_until: int
    reveals_until: int
    bids: dict[str, bytes] = field(default_factory=dict)
    reveals: dict[str, Reveal] = field(default_factory=dict)
    reclaimed: set[str] = field(default_factory=set)
    assignment: Assignment | None = None


@dataclass
class Commitment:
    """A checkpoint on record that is not void. ``vacated_in`` is the block in which the last auditor of it failed, 0 if none did."""

    interval: int
    round: int
    solver: str
    checkpoint: Checkpoint
    attested_by: str | None = None
    vacated_in: int = 0
    final: bool = False


@dataclass
class DisputeRecord:
    """A dispute: the market's part, and all events of the court about it in their order."""

    number: int
    solver: str
    challenger: str
    claim: Any
    events: list[Event] = field(default_factory=list)
    job: int = 0
    interval: int = 0
    is_seal: bool = False
    winner: str | None = None
    by_proof: bool = False

    @property
    def is_over(self) -> bool:
        """Whether the verdict was given."""
        return self.winner is not None


@dataclass
class JobRecord:
    """A job: what it was posted with, its rounds, and its checkpoints that are not void, by interval."""

    number: int
    submitter: str
    spec: JobSpec
    package: str
    mirrors: tuple[str, ...]
    escrow: int
    posted_in: int
    rounds: dict[int, Round] = field(default_factory=dict)
    commitments: dict[int, Commitment] = field(default_factory=dict)
    endings: list[tuple[int, str, int, EndReason]] = field(default_factory=list)
    ended: Status | None = None
    refund: int = 0
    paid: dict[str, int] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    @property
    def final_root(self) -> bytes | None:
        """State root after the last step, if it is committed and not void."""
        last = self.commitments.get(self.spec.intervals - 1)
        return None if last is None else last.checkpoint.root

    def root_before(self, interval: int) -> bytes | None:
        """State root an interval starts from; None when the interval before it is not committed."""
        if interval == 0:
            return self.spec.initial_root
        before = self.commitments.get(interval - 1)
        return None if before is None else before.checkpoint.root


class Ledger:
    """Jobs and disputes by number, and the announced stores by account."""

    def __init__(self) -> None:
        self.jobs: dict[int, JobRecord] = {}
        self.disputes: dict[int, DisputeRecord] = {}
        self.endpoints: dict[str, str] = {}
        self.recorded_beacons: dict[int, bytes] = {}
        self.announcements: Counter[str] = Counter()
        self.withdrawals: Counter[str] = Counter()
        self.stake_changes: Counter[str] = Counter()

    def apply(self, event: Event) -> None:
        """Take in the next event. Events it does not know are ignored."""
        handler = _HANDLERS.get(event.name)
        if handler is not None:
            handler(self, event)
        number = event.values.get("job")
        if isinstance(number, int) and number in self.jobs:
            self.jobs[number].events.append(event)
        game = self.disputes.get(event.values.get("dispute", 0))
        if game is not None and event.contract == "Court":
            game.events.append(event)


def _job_posted(ledger: Ledger, event: Event) -> None:
    args = event.values
    ledger.jobs[args["job"]] = JobRecord(
        number=args["job"],
        submitter=args["submitter"],
        spec=job_spec(args["spec"]),
        package=args["package"],
        mirrors=tuple(args["mirrors"]),
        escrow=args["escrow"],
        posted_in=event.block,
    )


def _round_opened(ledger: Ledger, event: Event) -> None:
    args = event.values
    job = ledger.jobs[args["job"]]
    job.rounds[args["round"]] = Round(
        number=args["round"],
        first=args["first"],
        budget=args["roundBudget"],
        stake=args["stake"],
        deposit=args["deposit"],
        bids_until=args["bidsUntil"],
        reveals_until=args["revealsUntil"],
    )
    _void(job, args["first"])


def _bid_committed(ledger: Ledger, event: Event) -> None:
    args = event.values
    ledger.jobs[args["job"]].rounds[args["round"]].bids[args["bidder"]] = bytes(args["commitment"])


def _bid_revealed(ledger: Ledger, event: Event) -> None:
    args = event.values
    reveals = ledger.jobs[args["job"]].rounds[args["round"]].reveals
    reveals[args["bidder"]] = Reveal(args["price"], args["duration"], args["score"])


def _assigned(ledger: Ledger, event: Event) -> None:
    args = event.values
    ledger.jobs[args["job"]].rounds[args["round"]].assignment = Assignment(
        args["solver"], args["first"], args["payment"], args["duration"], args["stake"]
    )


def _reclaimed(ledger: Ledger, event: Event) -> None:
    args = event.values
    ledger.jobs[args["job"]].rounds[args["round"]].reclaimed.add(args["bidder"])


def _committed(ledger: Ledger, event: Event) -> None:
    args = event.values
    job = ledger.jobs[args["job"]]
    for place, (root, seal) in enumerate(zip(args["roots"], args["seals"], strict=True)):
        interval = args["first"] + place
        committed = Checkpoint(bytes(root), bytes(seal), args["committedAt"], args["beaconBlock"], False)
        job.commitments[interval] = Commitment(interval, args["round"], args["solver"], committed)


def _renewed(ledger: Ledger, event: Event) -> None:
    args = event.values
    ledger.jobs[args["job"]].commitments[args["interval"]].checkpoint = checkpoint(args["checkpoint"])


def _attested(ledger: Ledger, event: Event) -> None:
    args = event.values
    commitment = ledger.jobs[args["job"]].commitments.get(args["interval"])
    if commitment is not None:
        commitment.attested_by = args["verifier"]


def _vacated(ledger: Ledger, event: Event) -> None:
    commitment = ledger.jobs[event.values["job"]].commitments.get(event.values["interval"])
    if commitment is not None:
        commitment.vacated_in = event.block


def _finalised(ledger: Ledger, event: Event) -> None:
    args = event.values
    job = ledger.jobs[args["job"]]
    for interval in range(args["first"], args["first"] + args["count"]):
        job.commitments[interval].final = True
    job.paid[args["solver"]] = job.paid.get(args["solver"], 0) + args["paid"]


def _assignment_ended(ledger: Ledger, event: Event) -> None:
    args = event.values
    job = ledger.jobs[args["job"]]
    job.endings.append((args["round"], args["solver"], args["end"], EndReason(args["reason"])))
    _void(job, args["end"])


def _convicted(ledger: Ledger, event: Event) -> None:
    _void(ledger.jobs[event.values["job"]], event.values["interval"])


def _job_ended(ledger: Ledger, event: Event) -> None:
    job = ledger.jobs[event.values["job"]]
    job.ended = Status(event.values["status"])
    job.refund = event.values["refund"]


def _announced(ledger: Ledger, event: Event) -> None:
    ledger.endpoints[event.values["account"]] = event.values["endpoint"]
    ledger.announcements[event.values["account"]] += 1


def _withdrawn(ledger: Ledger, event: Event) -> None:
    ledger.withdrawals[event.values["account"]] += 1


def _stake_changed(ledger: Ledger, event: Event) -> None:
    ledger.stake_changes[event.values["verifier"]] += 1


def _beacon_recorded(ledger: Ledger, event: Event) -> None:
    ledger.recorded_beacons[event.values["blockNumber"]] = bytes(event.values["randomness"])


def _dispute_opened(ledger: Ledger, event: Event) -> None:
    args = event.values
    ledger.disputes[args["dispute"]] = DisputeRecord(args["dispute"], args["solver"], args["challenger"], args["claim"])


def _challenged(ledger: Ledger, event: Event) -> None:
    args = event.values
    dispute = ledger.disputes[args["dispute"]]
    dispute.job, dispute.interval, dispute.is_seal = args["job"], args["interval"], args["isSeal"]


def _dispute_closed(ledger: Ledger, event: Event) -> None:
    dispute = ledger.disputes.get(event.values["dispute"])
    if dispute is not None:
        dispute.winner = event.values["winner"]
        dispute.by_proof = event.values["byProof"]


def _void(job: JobRecord, first: int) -> None:
    """Forget the checkpoints of the intervals from ``first`` on."""
    for interval in [interval for interval in job.commitments if interval >= first]:
        del job.commitments[interval]


_HANDLERS: dict[str, Callable[[Ledger, Event], None]] = {
    "JobPosted": _job_posted,
    "RoundOpened": _round_opened,
    "BidCommitted": _bid_committed,
    "BidRevealed": _bid_revealed,
    "Assigned": _assigned,
    "DepositReclaimed": _reclaimed,
    "CheckpointsCommitted": _committed,
    "CheckpointRenewed": _renewed,
    "Attested": _attested,
    "VerifierDismissed": _vacated,
    "AvailabilityConfirmed": _vacated,
    "ChallengeFailed": _vacated,
    "Finalised": _finalised,
    "AssignmentEnded": _assignment_ended,
    "Convicted": _convicted,
    "JobEnded": _job_ended,
    "EndpointAnnounced": _announced,
    "Withdrawn": _withdrawn,
    "StakeChanged": _stake_changed,
    "Recorded": _beacon_recorded,
    "DisputeOpened": _dispute_opened,
    "Challenged": _challenged,
    "DisputeClosed": _dispute_closed,
}
