"""What an agent sees when it decides: the chain at one block, without any means to change it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from touchstone.roles.ledger import Commitment, DisputeRecord, JobRecord, Ledger
from touchstone.roles.records import ZERO_ADDRESS, Audit, JobState, Parameters, Status


@dataclass(frozen=True)
class Draw:
    """Whether an interval is drawn for an audit, and who audits it (the zero address: nobody)."""

    drawn: bool
    verifier: str

    @property
    def needs_answer(self) -> bool:
        """Whether somebody has to answer before the interval can become final."""
        return self.drawn and self.verifier != ZERO_ADDRESS


@dataclass(frozen=True)
class IntervalView:
    """A committed interval that is not final.

    Attributes:
        commitment: the checkpoint.
        audit: the market's view of its audit.
        seed_since: time of its beacon block, 0 while that block is in the future.
        seed_recorded: whether the block's randomness is recorded.
        seat_since: time from which the present auditor is known: of the beacon block, or of the failure of the auditor before.
        lapsed: whether the block is too old to be recorded any more.
        draw: None until the seed is recorded.
    """

    commitment: Commitment
    audit: Audit
    seed_since: int
    seed_recorded: bool
    seat_since: int
    lapsed: bool
    draw: Draw | None

    @property
    def interval(self) -> int:
        """Number of the interval."""
        return self.commitment.interval


@dataclass(frozen=True)
class JobView:
    """A job: what events told about it, what the market says now, and its open intervals in ascending order."""

    record: JobRecord
    state: JobState
    intervals: tuple[IntervalView, ...] = ()

    @property
    def number(self) -> int:
        """Number of the job."""
        return self.record.number

    def is_bidder(self, account: str) -> bool:
        """Whether the account has a bid in the current round."""
        current = self.record.rounds.get(self.state.round)
        return current is not None and account in current.bids


@dataclass(frozen=True)
class View:
    """The market at one block.

    Attributes:
        chain: number of the chain.
        market: its address.
        vault: address of its vault.
        block: number of the block.
        time: its timestamp.
        me: address of the account that decides.
        parameters: of the market.
        jobs: jobs that are not over, by number.
        ledger: everything events told, jobs that are over included.
        balance: the account's tokens in the vault, free to use.
        spendable: what the market could charge the account now: its balance and its tokens approved to the vault.
        allowance: tokens the vault may take from the account.
        stake: the account's stake as a verifier.
        minimum_stake: least stake with a weight in the draw.
    """

    chain: int
    market: str
    vault: str
    block: int
    time: int
    me: str
    parameters: Parameters
    ledger: Ledger
    jobs: Mapping[int, JobView] = field(default_factory=dict)
    balance: int = 0
    spendable: int = 0
    allowance: int = 0
    stake: int = 0
    minimum_stake: int = 0

    def open_disputes(self) -> Iterator[DisputeRecord]:
        """Disputes without a verdict that this account is a party of."""
        for dispute in self.ledger.disputes.values():
            if not dispute.is_over and self.me in (dispute.solver, dispute.challenger):
                yield dispute

    def is_disputing(self, job: int, interval: int) -> bool:
        """Whether this account has a dispute without a verdict about an interval."""
        return any((dispute.job, dispute.interval) == (job, interval) for dispute in self.open_disputes())

    def has_work(self) -> bool:
        """Whether this account has a bid, an assignment, checkpoints or disputes that are not settled."""
        if any(True for _ in self.open_disputes()):
            return True
        return any(_involves(job, self.me) for job in self.jobs.values())


def _involves(job: JobView, account: str) -> bool:
    if job.state.status is Status.OPEN and job.is_bidder(account):
        return True
    if job.state.status is Status.RUNNING and job.state.solver == account:
        return True
    return any(view.commitment.solver == account for view in job.intervals)
