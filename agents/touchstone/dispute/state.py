"""A dispute as the court hashes it: the structs of ``contracts/interfaces/ICourt.sol`` and their encoding.

Hashes are ``0x``-less 32-byte strings, addresses checksummed text, times seconds. See docs/specification/court.md, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

EMPTY = bytes(32)


class Level(IntEnum):
    """What a dispute is about at the moment."""

    STEPS = 1
    NODES = 2
    CHUNKS = 3
    WORD = 4


@dataclass(frozen=True, slots=True)
class Claim:
    """What is denied: ``steps`` steps from ``start_root`` end in ``target``, or ``target`` seals the root one step before the end."""

    program_root: bytes
    constants_root: bytes
    start_root: bytes
    target: bytes
    job: int
    interval: int
    steps: int
    is_seal: bool
    solver: str
    challenger: str
    clock: int
    increment: int
    context: bytes = EMPTY

    @property
    def end(self) -> int:
        """Step at which the dissected interval ends."""
        return self.steps - 1 if self.is_seal else self.steps

    def abi(self) -> tuple[object, ...]:
        """The struct as web3 takes it."""
        return tuple(getattr(self, name) for name in self.__slots__)

    @staticmethod
    def from_abi(fields: Mapping[str, object]) -> Claim:
        """From the decoded struct of an event."""
        return Claim(
            program_root=_bytes(fields["programRoot"]),
            constants_root=_bytes(fields["constantsRoot"]),
            start_root=_bytes(fields["startRoot"]),
            target=_bytes(fields["target"]),
            job=_int(fields["job"]),
            interval=_int(fields["interval"]),
            steps=_int(fields["steps"]),
            is_seal=bool(fields["isSeal"]),
            solver=to_checksum_address(str(fields["solver"])),
            challenger=to_checksum_address(str(fields["challenger"])),
            clock=_int(fields["clock"]),
            increment=_int(fields["increment"]),
            context=_bytes(fields["context"]),
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """What stays the same in a dispute and only some moves need."""

    arbitrable: str
    program_root: bytes
    constants_root: bytes
    context: bytes = EMPTY

    def abi(self) -> tuple[object, ...]:
        """The struct as web3 takes it."""
        return (self.arbitrable, self.program_root, self.constants_root, self.context)

    def hash(self) -> bytes:
        """keccak256(abi.encode(terms))."""
        return keccak(_address_word(self.arbitrable) + self.program_root + self.constants_root + self.context)


@dataclass(frozen=True, slots=True)
class Clocks:
    """Whose move it is, since when, and the seconds both sides had left then."""

    increment: int
    budget: int
    challenger_left: int
    solver_left: int
    since: int
    solver_moves: bool

    @property
    def left(self) -> int:
        """Seconds the side to move had when its turn began."""
        return self.solver_left if self.solver_moves else self.challenger_left

    def elapsed(self, time: int) -> int:
        """Seconds since the turn began."""
        return time - self.since

    def passed(self, time: int) -> Clocks:
        """The clocks after a move at ``time``: minus what it took, plus the increment, at most the budget."""
        mine = min(self.budget, self.left - self.elapsed(time) + self.increment)
        if self.solver_moves:
            return replace(self, solver_left=mine, since=time, solver_moves=False)
        return replace(self, challenger_left=mine, since=time, solver_moves=True)

    def pack(self) -> int:
        """As the contract's ``Clocks``."""
        times = (self.increment, self.budget, self.challenger_left, self.solver_left, self.since, int(self.solver_moves))
        return _pack(times, (40, 40, 40, 40, 40, 1))

    @staticmethod
    def unpack(word: int) -> Clocks:
        """From the contract's ``Clocks``."""
        increment, budget, challenger, solver, since, turn = _unpack(word, (40, 40, 40, 40, 40, 1))
        return Clocks(increment, budget, challenger, solver, since, bool(turn))


@dataclass(frozen=True, slots=True)
class Place:
    """Level, open segment (lo, hi], and the disputed step from level 2 on."""

    level: Level
    lo: int
    hi: int
    step: int = 0

    def pack(self) -> int:
        """As the contract's ``Place``."""
        return _pack((self.level, self.lo, self.hi, self.step), (8, 64, 64, 64))

    @staticmethod
    def unpack(word: int) -> Place:
        """From the contract's ``Place``."""
        level, lo, hi, step = _unpack(word, (8, 64, 64, 64))
        return Place(Level(level), lo, hi, step)


@dataclass(frozen=True, slots=True)
class Graph:
    """Counts of the program's records from level 2 on; the disputed node and the elements of its output from level 3 on."""

    slots: int = 0
    constants: int = 0
    nodes: int = 0
    node: int = 0
    elements: int = 0

    def pack(self) -> int:
        """As the contract's ``Graph``."""
        return _pack((self.slots, self.constants, self.nodes, self.node, self.elements), (32,) * 5)

    @staticmethod
    def unpack(word: int) -> Graph:
        """From the contract's ``Graph``."""
        return Graph(*_unpack(word, (32,) * 5))


@dataclass(frozen=True, slots=True)
class State:
    """A running dispute. ``posted`` commits to what the side not to move posted last.

    The court keeps one word, ``agreed``, for the two agreed roots: S(step) on level 2, from level 3 on the hash of both.
    """

    terms: bytes
    solver: str
    challenger: str
    clocks: Clocks
    place: Place
    graph: Graph
    posted: bytes
    state_root: bytes = EMPTY
    prefix_root: bytes = EMPTY

    @property
    def mover(self) -> str:
        """Who has to move."""
        return self.solver if self.clocks.solver_moves else self.challenger

    @property
    def opponent(self) -> str:
        """The other side."""
        return self.challenger if self.clocks.solver_moves else self.solver

    def position(self) -> tuple[object, ...]:
        """What a mover sends of it: ``ICourt.Position`` as web3 takes it."""
        packed = (self.clocks.pack(), self.place.pack(), self.graph.pack())
        return (self.opponent, *packed, self.agreed)

    @property
    def agreed(self) -> bytes:
        """What the court keeps of the agreed roots above the open segment."""
        if self.place.level is Level.STEPS:
            return EMPTY
        if self.place.level is Level.NODES:
            return self.state_root
        return keccak(self.state_root + self.prefix_root)

    def abi(self) -> tuple[object, ...]:
        """The struct as web3 takes it."""
        packed = (self.clocks.pack(), self.place.pack(), self.graph.pack())
        return (self.terms, self.solver, self.challenger, *packed, self.posted, self.agreed)

    def hash(self) -> bytes:
        """keccak256(abi.encode(state)): what the court stores."""
        words = [self.terms, _address_word(self.solver), _address_word(self.challenger)]
        words += [packed.to_bytes(32, "big") for packed in (self.clocks.pack(), self.place.pack(), self.graph.pack())]
        words += [self.posted, self.agreed]
        return keccak(b"".join(words))


def _pack(values: tuple[int, ...], widths: tuple[int, ...]) -> int:
    word, shift = 0, 0
    for value, width in zip(values, widths, strict=True):
        word |= value << shift
        shift += width
    return word


def _unpack(word: int, widths: tuple[int, ...]) -> tuple[int, ...]:
    values = []
    for width in widths:
        values.append(word & ((1 << width) - 1))
        word >>= width
    return tuple(values)


def _address_word(address: str) -> bytes:
    return bytes.fromhex(address.removeprefix("0x")).rjust(32, b"\0")


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes | bytearray):
        raise TypeError(f"expected bytes, got {type(value).__name__}; decode the event with the contract's ABI")
    return bytes(value)


def _int(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"expected an integer, got {type(value).__name__}; decode the event with the contract's ABI")
    return value
