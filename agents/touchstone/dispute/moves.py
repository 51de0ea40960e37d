"""Moves of the dispute game: the functions of ``contracts/interfaces/ICourt.sol`` and the structs they take.

Every function first takes the number of the dispute, its terms (or their hash) and the mover's position; the rest are the move's fields in
their order.
"""

from __future__ import annotations

from dataclasses import dataclass

from touchstone.dispute.state import State, Terms

WORDS_PER_LINE = 8


@dataclass(frozen=True, slots=True)
class Part:
    """The part of the opponent's dissection that the mover denies, opened from its commitment."""

    index: int
    start: bytes
    end: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """A record of the program, its zeros at the end left out or not, with its siblings in the program tree."""

    data: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the posted chunk: its number, the 32-byte line that holds it, and that line's siblings."""

    index: int
    line: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """A contiguous range of operand words, proven against the agreed roots (``IReferee.Read``)."""

    tensor_root: bytes
    path: tuple[bytes, ...]
    data: bytes
    siblings: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Dissect:
    """Denies a part longer than one with an own dissection of it."""

    part: Part
    roots: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class OpenStep:
    """Level 1 to 2: denies the result of one step. The last root follows from the others and is left out."""

    part: Part
    terms: Terms
    header: Record
    nodes_root: bytes
    next_root: bytes
    roots: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class OpenNode:
    """Level 2 to 3: denies the output of a node of several chunks. The last root is ``output_root`` and is left out."""

    part: Part
    terms: Terms
    record: Record
    output_root: bytes
    siblings: tuple[bytes, ...]
    roots: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class PostOutput:
    """Level 2 to 4: denies the output of a node of one chunk."""

    part: Part
    terms: Terms
    record: Record
    siblings: tuple[bytes, ...]
    chunk: bytes


@dataclass(frozen=True, slots=True)
class PostChunk:
    """Level 3 to 4: denies a chunk."""

    part: Part
    siblings: tuple[bytes, ...]
    chunk: bytes


@dataclass(frozen=True, slots=True)
class SettleCopy:
    """Level 2: proves the copy of a slot wrong."""

    part: Part
    terms: Terms
    record: Record
    source: bytes
    source_path: tuple[bytes, ...]
    siblings: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ProveWord:
    """Level 4: proves a word of the posted chunk wrong."""

    terms: Terms
    state_root: bytes
    prefix_root: bytes
    word: Word
    record: Record
    reads: tuple[Read, ...]


Move = Dissect | OpenStep | OpenNode | PostOutput | PostChunk | SettleCopy | ProveWord

FUNCTIONS: dict[type[Move], str] = {
    Dissect: "dissect",
    OpenStep: "openStep",
    OpenNode: "openNode",
    PostOutput: "postOutput",
    PostChunk: "postChunk",
    SettleCopy: "settleCopy",
    ProveWord: "proveWord",
}


def contract_call(dispute: int, state: State, move: Move) -> tuple[str, tuple[object, ...]]:
    """Name and arguments of the court's function for a move, as web3 takes them."""
    terms = state.terms if isinstance(move, Dissect | PostChunk) else move.terms.abi()
    arguments = tuple(to_abi(getattr(move, name)) for name in move.__slots__ if name != "terms")
    return FUNCTIONS[type(move)], (dispute, terms, state.position(), *arguments)


def to_abi(value: object) -> object:
    """Structs become tuples and tuples lists; everything else stays."""
    if isinstance(value, Part | Record | Word | Read):
        return tuple(to_abi(getattr(value, name)) for name in value.__slots__)
    if isinstance(value, tuple):
        return [to_abi(item) for item in value]
    return value
