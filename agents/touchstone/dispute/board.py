"""A dispute as an agent sees it: the state the court hashes, and what was posted last. Rebuilt from the court's events alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from eth_utils.address import to_checksum_address

from touchstone.dispute.errors import WrongEventError
from touchstone.dispute.state import Claim, State, Terms

OPENED = "DisputeOpened"
CLOSED = "DisputeClosed"
POINTS_EVENTS = ("Dissected", "StepOpened", "NodeOpened")
CHUNK_EVENT = "ChunkPosted"
PROOF_EVENTS = ("CopySettled", "WordProven")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a dispute ended."""

    challenger_wins: bool
    by_proof: bool


@dataclass(frozen=True, slots=True)
class Board:
    """One dispute.

    Attributes:
        number: the court's number of it.
        claim: what is denied.
        terms: what some moves send along.
        state: what the next move sends along.
        points: the agreed start and the roots of the dissection posted last, which the mover denies; empty when a chunk was posted.
        chunk: the chunk posted last; empty otherwise.
        verdict: None while the dispute runs.
    """

    number: int
    claim: Claim
    terms: Terms
    state: State
    points: tuple[bytes, ...] = ()
    chunk: bytes = b""
    verdict: Verdict | None = None


def opened(arguments: Mapping[str, object]) -> Board:
    """The board after a ``DisputeOpened`` event with these decoded arguments."""
    claim = Claim.from_abi(_struct(arguments["claim"]))
    terms = Terms(to_checksum_address(str(arguments["arbitrable"])), claim.program_root, claim.constants_root)
    state = State.from_abi(_struct(arguments["state"]))
    return Board(_number(arguments), claim, terms, state, points=_points(arguments))


def advanced(board: Board, event: str, arguments: Mapping[str, object]) -> Board:
    """The board after one more event of the same dispute.

    Raises:
        WrongEventError: the event is of another dispute, or none of the court's.
    """
    if _number(arguments) != board.number:
        raise WrongEventError(f"event {event} is of dispute {_number(arguments)}, not {board.number}; sort events by dispute first")
    if event in PROOF_EVENTS:
        return board
    if event == CLOSED:
        return replace(board, verdict=Verdict(bool(arguments["challengerWins"]), bool(arguments["byProof"])))
    if event in POINTS_EVENTS:
        return replace(board, state=State.from_abi(_struct(arguments["state"])), points=_points(arguments), chunk=b"")
    if event == CHUNK_EVENT:
        chunk = arguments["chunk"]
        assert isinstance(chunk, bytes)
        return replace(board, state=State.from_abi(_struct(arguments["state"])), points=(), chunk=bytes(chunk))
    raise WrongEventError(f"{event} is not an event of a running dispute; follow the court's events only")


def follow(events: Iterable[tuple[str, Mapping[str, object]]]) -> Board:
    """The board after all events of one dispute, as (name, decoded arguments), oldest first.

    Raises:
        WrongEventError: there is no event, the first is not ``DisputeOpened``, or they are of several disputes.
    """
    board: Board | None = None
    for event, arguments in events:
        if board is None:
            if event != OPENED:
                raise WrongEventError(f"the first event is {event}, not {OPENED}; read from the block that opened the dispute")
            board = opened(arguments)
        else:
            board = advanced(board, event, arguments)
    if board is None:
        raise WrongEventError("there are no events of this dispute; check its number and the first block to read")
    return board


def _struct(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise WrongEventError(f"a struct arrived as {type(value).__name__}; decode events with the court's ABI, structs by name")
    return value


def _number(arguments: Mapping[str, object]) -> int:
    number = arguments["dispute"]
    assert isinstance(number, int)
    return number


def _points(arguments: Mapping[str, object]) -> tuple[bytes, ...]:
    points = arguments["points"]
    assert isinstance(points, list | tuple)
    return tuple(bytes(point) for point in points)
