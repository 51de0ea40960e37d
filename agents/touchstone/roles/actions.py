"""What an agent may decide to do: send a transaction, or work on something beside the loop."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Send:
    """A transaction.

    Attributes:
        contract: name of the contract in the deployment.
        function: name of its function.
        arguments: the function's arguments.
        key: what the transaction is for; never are two with the same key mined.
        why: a sentence for people.
        urgent: whether a clock runs, so that a failure is soon followed by another try.
    """

    contract: str
    function: str
    arguments: tuple[object, ...]
    key: str
    why: str
    urgent: bool = False


@dataclass(frozen=True)
class RecordBeacon:
    """Prove the randomness of a block to the beacon; the header is fetched when the transaction is made."""

    block: int


@dataclass(frozen=True)
class Remark:
    """Tell people something, once."""

    text: str


@dataclass(frozen=True)
class Assess:
    """Fetch and check an open job's package, and estimate what it takes."""

    job: int


@dataclass(frozen=True)
class PrepareBid:
    """Choose price, duration and salt for a round, and journal them."""

    job: int
    round: int


@dataclass(frozen=True)
class Train:
    """Compute the checkpoints of a round that are not computed yet."""

    job: int
    round: int


@dataclass(frozen=True)
class Inspect:
    """Re-run an interval and compare it with what was committed."""

    job: int
    interval: int


@dataclass(frozen=True)
class Challenge:
    """Deny an interval's root, or its seal, in the court; the opening is computed from the verifier's own run."""

    job: int
    interval: int
    is_seal: bool


@dataclass(frozen=True)
class Move:
    """Find and send the next move of a dispute. ``turn`` counts the court's events about it, so that each turn is played once."""

    dispute: int
    turn: int


@dataclass(frozen=True)
class Collect:
    """Fetch the state after an interval from its solver, check it, keep it and serve it."""

    job: int
    interval: int


Work = Assess | PrepareBid | Train | Inspect | Challenge | Move | Collect
Action = Send | RecordBeacon | Remark | Work
