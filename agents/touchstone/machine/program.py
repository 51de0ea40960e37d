"""Programs as data: tensor types, operands, nodes, and their canonical bytes.

The layout of the records is section 2.1 of docs/specification/machine.md. Nothing here checks the validity rules of section 2.2
(``validity.py`` does); decoding only refuses bytes that no encoder produces.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from touchstone.errors import InvalidProgramError

VERSION = 2
RECORD_BYTES = 1024
RECORD_WORDS = RECORD_BYTES // 4
MAX_RANK = 8
_FIRST_OPERAND_WORD = 17


class DType(IntEnum):
    """Element type of a tensor; every element is one 32-bit word."""

    F32 = 1
    I32 = 2


class Tag(IntEnum):
    """First word of each record."""

    HEADER = 1
    SLOT = 2
    CONSTANT = 3
    NODE = 4


class Kind(IntEnum):
    """What a reference points at."""

    SLOT = 0
    CONSTANT = 1
    NODE = 2


class Op(IntEnum):
    """Operator families, section 3."""

    MAP = 1
    DOT = 2
    REDUCE = 3
    MOVE = 4
    GATHER = 5
    SCATTER_ADD = 6
    SOURCE = 7


class MapFn(IntEnum):
    """Functions of ``map``, section 3.1. Names with a leading I take i32 operands."""

    ADD = 1
    SUB = 2
    MUL = 3
    DIV = 4
    FMA = 5
    NEG = 6
    ABS = 7
    SQRT = 8
    MAX = 9
    MIN = 10
    LT = 16
    LE = 17
    EQ = 18
    EXP = 24
    LOG = 25
    TANH = 26
    ERF = 27
    SIN = 28
    COS = 29
    IADD = 32
    ISUB = 33
    IMUL = 34
    IDIV = 35
    IMOD = 36
    IAND = 37
    IOR = 38
    IXOR = 39
    ISHL = 40
    ISHR = 41
    ILT = 42
    ILE = 43
    IEQ = 44
    SELECT = 48
    I2F = 49
    F2I = 50


class ReduceFn(IntEnum):
    """Functions of ``reduce``, section 3.3."""

    SUM = 1
    MAX = 2
    MIN = 3
    ARGMAX = 4


class SourceFn(IntEnum):
    """Functions of ``source``, section 3.6."""

    CONSTANT = 1
    IOTA = 2
    PHILOX = 3


_FUNCTIONS: dict[Op, type[IntEnum]] = {Op.MAP: MapFn, Op.REDUCE: ReduceFn, Op.SOURCE: SourceFn}


@dataclass(frozen=True, slots=True)
class TensorType:
    """Dtype and shape of a tensor, row-major and contiguous."""

    dtype: DType
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of elements (1 for rank 0)."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Ref:
    """Points at a slot, a constant or a node by index."""

    kind: Kind
    index: int


@dataclass(frozen=True, slots=True)
class Strided:
    """Access of a ``map`` operand: flat index ``offset + sum(strides[k] * i[k])`` over the output's coordinates i."""

    offset: int
    strides: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """Access of one axis of a ``move`` source: ``(offset + sum(coefficients[k] * i[k])) / divisor``."""

    offset: int
    divisor: int
    coefficients: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Operand:
    """A tensor read by a node, under the shape ``type.shape`` (which may reshape the tensor referred to).

    ``strided`` is present exactly for ``map``, ``axes`` (one per axis of ``type.shape``) exactly for ``move``.
    """

    ref: Ref
    type: TensorType
    strided: Strided | None = None
    axes: tuple[Axis, ...] | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """One operator application; ``type`` is its output. ``attributes`` are the words a0, a1, a2 as unsigned integers."""

    op: Op
    fn: int
    type: TensorType
    operands: tuple[Operand, ...]
    attributes: tuple[int, int, int] = (0, 0, 0)

    @property
    def operator(self) -> str:
        """Family and function, for people: ``dot``, ``map mul``."""
        functions = _FUNCTIONS.get(self.op)
        name = self.op.name.lower()
        return name if functions is None else f"{name} {functions(self.fn).name.lower()}"


@dataclass(frozen=True, slots=True)
class Slot:
    """A tensor of the state, and where its value after the step comes from (a slot or a node)."""

    type: TensorType
    next: Ref


@dataclass(frozen=True, slots=True)
class Program:
    """One step ``(state, constants) -> state``. Constants are described by their types; the data lives beside the program."""

    slots: tuple[Slot, ...]
    constants: tuple[TensorType, ...]
    nodes: tuple[Node, ...]

    def type_of(self, ref: Ref) -> TensorType:
        """Declared type of what ``ref`` points at. Raises IndexError when it points nowhere."""
        if ref.kind is Kind.SLOT:
            return self.slots[ref.index].type
        if ref.kind is Kind.CONSTANT:
            return self.constants[ref.index]
        return self.nodes[ref.index].type

    def record_index(self, ref: Ref) -> int:
        """Position of the record that declares ``ref``, which is its leaf index in the program tree."""
        base = {Kind.SLOT: 1, Kind.CONSTANT: 1 + len(self.slots), Kind.NODE: 1 + len(self.slots) + len(self.constants)}
        return base[ref.kind] + ref.index


def encode(program: Program) -> bytes:
    """Canonical bytes of a program: its records, in order, each ``RECORD_BYTES`` long."""
    records = [_header_words(program)]
    records += [_slot_words(slot) for slot in program.slots]
    records += [_declaration(Tag.CONSTANT, constant) for constant in program.constants]
    records += [_node_words(node) for node in program.nodes]
    return b"".join(_pack(words) for words in records)


def encode_node(node: Node) -> bytes:
    """The record of one node, ``RECORD_BYTES`` long."""
    return _pack(_node_words(node))


def decode(data: bytes) -> Program:
    """Inverse of :func:`encode`.

    Raises:
        InvalidProgramError: the bytes are not the canonical bytes of any program of this version.
    """
    if not data or len(data) % RECORD_BYTES:
        raise InvalidProgramError(f"a program of {len(data)} bytes is not a whole number of {RECORD_BYTES}-byte records; fetch it again")
    words = np.frombuffer(data, dtype=">i4").astype(np.int64).reshape(-1, RECORD_WORDS)
    tag, version, n_slots, n_constants, n_nodes = (int(w) for w in words[0, :5])
    if tag != Tag.HEADER or version != VERSION:
        raise InvalidProgramError(f"header tag {tag}, version {version}: expected tag 1, version {VERSION}; use a matching release")
    if min(n_slots, n_constants, n_nodes) < 0 or len(words) != 1 + n_slots + n_constants + n_nodes:
        raise InvalidProgramError(
            f"{len(words)} records do not match the header's {n_slots} slots, {n_constants} constants, {n_nodes} nodes"
        )
    rows = iter(words[1:])
    try:
        program = Program(
            slots=tuple(_read_slot(next(rows)) for _ in range(n_slots)),
            constants=tuple(_read_declaration(next(rows), Tag.CONSTANT) for _ in range(n_constants)),
            nodes=tuple(_read_node(next(rows)) for _ in range(n_nodes)),
        )
    except (ValueError, StopIteration) as error:
        raise InvalidProgramError(f"a record cannot be read: {error}") from error
    if encode(program) != data:
        raise InvalidProgramError("the program is not in canonical form: a word that must be zero is not")
    return program


def _pack(words: list[int]) -> bytes:
    if len(words) > RECORD_WORDS:
        raise InvalidProgramError(f"a record of {len(words)} words exceeds {RECORD_WORDS}; use fewer operands or a lower rank")
    if not all(-(2**31) <= word < 2**32 for word in words):
        raise InvalidProgramError("a word of a record does not fit 32 bits; use smaller sizes or offsets")
    padded = np.zeros(RECORD_WORDS, dtype=np.int64)
    padded[: len(words)] = words
    return (padded & 0xFFFFFFFF).astype(">u4").tobytes()


def _header_words(program: Program) -> list[int]:
    return [Tag.HEADER, VERSION, len(program.slots), len(program.constants), len(program.nodes)]


def _type_words(tensor: TensorType) -> list[int]:
    rank = len(tensor.shape)
    if rank > MAX_RANK:
        raise InvalidProgramError(f"shape {tensor.shape} has rank {rank}, at most {MAX_RANK} is possible")
    return [tensor.dtype, rank, *tensor.shape, *[0] * (MAX_RANK - rank)]


def _declaration(tag: Tag, tensor: TensorType) -> list[int]:
    return [tag, *_type_words(tensor)]


def _slot_words(slot: Slot) -> list[int]:
    return [*_declaration(Tag.SLOT, slot.type), slot.next.kind, slot.next.index]


def _node_words(node: Node) -> list[int]:
    words = [Tag.NODE, node.op, node.fn, *_type_words(node.type), len(node.operands), *node.attributes]
    for operand in node.operands:
        words += _operand_words(operand)
    return words


def _operand_words(operand: Operand) -> list[int]:
    words = [operand.ref.kind, operand.ref.index, operand.type.dtype, len(operand.type.shape), *operand.type.shape]
    if operand.strided is not None:
        words += [operand.strided.offset, *operand.strided.strides]
    for axis in operand.axes or ():
        words += [axis.offset, axis.divisor, *axis.coefficients]
    return words


def _read_type(words: npt.NDArray[np.int64]) -> TensorType:
    rank = int(words[1])
    if not 0 <= rank <= MAX_RANK:
        raise ValueError(f"rank {rank} is not in 0..{MAX_RANK}")
    return TensorType(DType(int(words[0])), tuple(int(w) for w in words[2 : 2 + rank]))


def _read_declaration(words: npt.NDArray[np.int64], tag: Tag) -> TensorType:
    if words[0] != tag:
        raise ValueError(f"tag {int(words[0])} where a {tag.name.lower()} belongs")
    return _read_type(words[1:11])


def _read_slot(words: npt.NDArray[np.int64]) -> Slot:
    return Slot(_read_declaration(words, Tag.SLOT), Ref(Kind(int(words[11])), int(words[12])))


def _read_node(words: npt.NDArray[np.int64]) -> Node:
    if words[0] != Tag.NODE:
        raise ValueError(f"tag {int(words[0])} where a node belongs")
    op, out, count = Op(int(words[1])), _read_type(words[3:13]), int(words[13])
    if not 0 <= count <= 15:
        raise ValueError(f"{count} operands are not in 0..15")
    rest = (int(w) for w in words[_FIRST_OPERAND_WORD:])
    operands = tuple(_read_operand(rest, op, len(out.shape)) for _ in range(count))
    a0, a1, a2 = (int(w) & 0xFFFFFFFF for w in words[14:17])
    return Node(op, int(words[2]), out, operands, (a0, a1, a2))


def _read_operand(rest: Iterator[int], op: Op, out_rank: int) -> Operand:
    kind, index, dtype, rank = _take(rest, 4)
    if not 0 <= rank <= MAX_RANK:
        raise ValueError(f"operand rank {rank} is not in 0..{MAX_RANK}")
    ref, tensor = Ref(Kind(kind), index), TensorType(DType(dtype), _take(rest, rank))
    if op is Op.MAP:
        return Operand(ref, tensor, strided=Strided(_next(rest), _take(rest, out_rank)))
    if op is Op.MOVE:
        return Operand(ref, tensor, axes=tuple(Axis(_next(rest), _next(rest), _take(rest, out_rank)) for _ in range(rank)))
    return Operand(ref, tensor)


def _take(rest: Iterator[int], count: int) -> tuple[int, ...]:
    return tuple(_next(rest) for _ in range(count))


def _next(rest: Iterator[int]) -> int:
    word = next(rest, None)
    if word is None:
        raise ValueError("operands run past the end of the record")
    return word
