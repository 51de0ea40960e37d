"""The market's data as Python values, field for field as in contracts/interfaces/IJobMarket.sol, so that they go into calls as they are.

Amounts are base units of the market's token, times are Unix seconds, rates and shares are millionths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

ZERO_ADDRESS = "0x" + "00" * 20
ZERO_HASH = bytes(32)
MILLION = 1_000_000
DEFAULT_CHECKPOINTS = 50
MAX_BATCH = 16
"""Most checkpoints one transaction may commit."""


class Status(IntEnum):
    """Where a job stands."""

    NONE = 0
    OPEN = 1
    RUNNING = 2
    ENDING = 3
    SETTLED = 4
    CANCELLED = 5
    EXPIRED = 6

    @property
    def is_over(self) -> bool:
        """Whether nothing can happen to the job any more."""
        return self in (Status.SETTLED, Status.CANCELLED, Status.EXPIRED)


class EndReason(IntEnum):
    """Why an assignment ended early."""

    NONE = 0
    CONVICTED = 1
    LATE = 2
    STALLED = 3


class JobSpec(NamedTuple):
    """What the submitter asks for; see ``IJobMarket.JobSpec``."""

    program_root: bytes
    constants_root: bytes
    initial_root: bytes
    steps: int
    interval_steps: int
    deadline: int
    audit_rate: int
    budget: int
    value_of_time: int
    harm: int

    @property
    def intervals(self) -> int:
        """Number of intervals n."""
        return -(-self.steps // self.interval_steps)

    def start(self, interval: int) -> int:
        """Step at which an interval begins."""
        return interval * self.interval_steps

    def length(self, interval: int) -> int:
        """Steps of an interval; the last may be shorter."""
        return min(self.interval_steps, self.steps - self.start(interval))


def default_interval(steps: int) -> int:
    """Steps between checkpoints when nothing else is said: a fiftieth of the job, at least 2, leaving at least 2 for the last one.

    docs/economics.md, section 7, says why.
    """
    interval = max(2, -(-steps // DEFAULT_CHECKPOINTS))
    while steps % interval == 1:
        interval += 1
    return interval


class Checkpoint(NamedTuple):
    """A committed checkpoint; see ``IJobMarket.Checkpoint``."""

    root: bytes
    seal: bytes
    committed_at: int
    beacon_block: int
    forced: bool


NO_CHECKPOINT = Checkpoint(ZERO_HASH, ZERO_HASH, 0, 0, False)
"""Stands where a call ignores a checkpoint: the start of interval 0."""


class JobState(NamedTuple):
    """A job as it stands on chain; see ``IJobMarket.Job``."""

    status: Status
    round: int
    submitter: str
    solver: str
    escrow: int
    audit_reserve: int
    round_budget: int
    stake: int
    payment: int
    duration: int
    second_score: int
    bids_until: int
    reveals_until: int
    bids: int
    reveals: int
    assigned_at: int
    due_at: int
    expires_at: int
    intervals: int
    first: int
    committed: int
    finalised: int
    end: int
    disputes: int
    end_reason: EndReason


class Audit(NamedTuple):
    """An interval's audit; see ``IJobMarket.Audit``."""

    verifier: str
    answer_by: int
    attempt: int
    disputes: int
    attested: bool
    withheld: bool = False


class Parameters(NamedTuple):
    """What the market was built with; see ``IJobMarket.Parameters``."""

    treasury: str
    bid_period: int
    reveal_period: int
    grace: int
    window: int
    answer_period: int
    stall_period: int
    clock: int
    increment: int
    beacon_delay: int
    honest_share: int
    proposer_share: int
    challenger_share: int
    submitter_share: int
    audit_factor: int
    dispute_gas: int


class Quote(NamedTuple):
    """What a job costs and asks for; see ``IJobMarket.Quote``."""

    intervals: int
    stake: int
    deposit: int
    audit_fee: int
    audit_reserve: int
    posting_bond: int
    escrow: int
    challenge_bond: int


def job_spec(value: Any) -> JobSpec:
    """From a decoded struct (a sequence in order, or a mapping by Solidity's names)."""
    return JobSpec(*_fields(value))


def checkpoint(value: Any) -> Checkpoint:
    """From a decoded struct."""
    return Checkpoint(*_fields(value))


def job_state(value: Any) -> JobState:
    """From a decoded struct."""
    status, *between, reason = _fields(value)
    return JobState._make([Status(status), *between, EndReason(reason)])


def audit(value: Any) -> Audit:
    """From a decoded struct."""
    return Audit(*_fields(value))


def parameters(value: Any) -> Parameters:
    """From a decoded struct."""
    return Parameters(*_fields(value))


def quote(value: Any) -> Quote:
    """From a decoded struct."""
    return Quote(*_fields(value))


def _fields(value: Any) -> Sequence[Any]:
    """The fields of a decoded struct in their order; web3.py gives tuples or mappings, depending on its settings."""
    return list(value.values()) if isinstance(value, Mapping) else list(value)
