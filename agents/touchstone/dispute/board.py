"""A dispute as an agent sees it: the state the court hashes, and what was posted last. Rebuilt from the court's events alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from eth_utils.address import to_checksum_address

from touchstone.dispute import postings
from touchstone.dispute.errors import WrongEventError
from touchstone.dispute.state import Claim, Clocks, Graph, Level, Place, State, Terms

OPENED = "DisputeOpened"
CLOSED = "DisputeClosed"
POINTS_EVENTS = ("Dissected", "StepOpened", "NodeOpened")
CHUNK_EVENTS = ("OutputPosted", "ChunkPosted")
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
    terms = Terms(to_checksum_address(str(arguments["arbitrable"])), claim.program_root, claim.constants_root, claim.context)
    points = _points(arguments)
    clocks = Clocks.unpack(_integer(arguments, "clocks"))
    place = Place(Level.STEPS, 0, claim.end)
    state = State(terms.hash(), claim.solver, claim.challenger, clocks, place, Graph(), postings.of_points(points))
    return Board(_integer(arguments, "dispute"), claim, terms, state, points)


def advanced(board: Board, event: str, arguments: Mapping[str, object]) -> Board:
    """The board after one more event of the same dispute.

    Raises:
        WrongEventError: the event is of another dispute, or none of the court's.
    """
    number = _integer(arguments, "dispute")
    if number != board.number:
        raise WrongEventError(f"event {event} is of dispute {number}, not {board.number}; sort events by dispute first")
    if event in PROOF_EVENTS:
        return board
    if event == CLOSED:
        return replace(board, verdict=Verdict(bool(arguments["challengerWins"]), bool(arguments["byProof"])))
    if event in POINTS_EVENTS:
        points = _points(arguments)
        return replace(board, state=_state(board.state, arguments, postings.of_points(points)), points=points, chunk=b"")
    if event in CHUNK_EVENTS:
        chunk = _bytes(arguments, "chunk")
        return replace(board, state=_state(board.state, arguments, postings.of_chunk(chunk)), points=(), chunk=chunk)
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


def _state(state: State, arguments: Mapping[str, object], posted: bytes) -> State:
    """The state after a move: every event tells what its move changes."""
    clocks, place = Clocks.unpack(_integer(arguments, "clocks")), Place.unpack(_integer(arguments, "place"))
    state = replace(state, clocks=clocks, place=place, posted=posted)
    if "graph" in arguments:
        state = replace(state, graph=Graph.unpack(_integer(arguments, "graph")))
    if "stateRoot" in arguments:
        state = replace(state, state_root=_bytes(arguments, "stateRoot"))
    if "prefixRoot" in arguments:
        state = replace(state, prefix_root=_bytes(arguments, "prefixRoot"))
    return state


def _integer(arguments: Mapping[str, object], name: str) -> int:
    number = arguments[name]
    assert isinstance(number, int)
    return number


def _bytes(arguments: Mapping[str, object], name: str) -> bytes:
    value = arguments[name]
    assert isinstance(value, bytes)
    return bytes(value)


def _points(arguments: Mapping[str, object]) -> tuple[bytes, ...]:
    points = arguments["points"]
    assert isinstance(points, list | tuple)
    return tuple(bytes(point) for point in points)
