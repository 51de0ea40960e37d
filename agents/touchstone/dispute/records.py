"""Records of a program as the court reads them, proven against the program root: ``contracts/machine/Records.sol`` in Python."""

from __future__ import annotations

import math
import struct

from touchstone.commitment import merkle
from touchstone.dispute.errors import MoveRefusedError
from touchstone.dispute.moves import Record
from touchstone.dispute.state import Graph
from touchstone.machine.program import RECORD_BYTES, RECORD_WORDS, VERSION, Kind, Tag
from touchstone.machine.validity import MAX_CONSTANTS, MAX_NODES, MAX_SLOTS

_NODE_RANK, _NODE_DIMS = 4, 5
_SLOT_NEXT_KIND, _SLOT_NEXT_INDEX = 11, 12


def prove_header(program_root: bytes, record: Record) -> Graph:
    """Counts of the program from its header. Raises MoveRefusedError when it is not the program's."""
    words = _words(record)
    _expect(words, 0, Tag.HEADER)
    _expect(words, 1, VERSION)
    counts = _within(words, 2, 1, MAX_SLOTS), _within(words, 3, 0, MAX_CONSTANTS), _within(words, 4, 1, MAX_NODES)
    graph = Graph(*counts)
    _prove(program_root, graph, 0, record)
    return graph


def prove_node(program_root: bytes, graph: Graph, node: int, record: Record) -> int:
    """Number of elements of a node's output. Raises MoveRefusedError when the record is not the node's."""
    words = _words(record)
    _prove(program_root, graph, 1 + graph.slots + graph.constants + node, record)
    _expect(words, 0, Tag.NODE)
    return math.prod(words[_NODE_DIMS : _NODE_DIMS + words[_NODE_RANK]])


def prove_slot(program_root: bytes, graph: Graph, slot: int, record: Record) -> tuple[bool, int]:
    """Where a slot's next value comes from: whether a node, and its index. Raises MoveRefusedError when the record is not the slot's."""
    words = _words(record)
    _prove(program_root, graph, 1 + slot, record)
    _expect(words, 0, Tag.SLOT)
    return words[_SLOT_NEXT_KIND] == Kind.NODE, words[_SLOT_NEXT_INDEX]


def trimmed(data: bytes) -> bytes:
    """A record without the zero words at its end, as it is sent."""
    words = len(data.rstrip(b"\0")) + 3 & ~3
    return data[:words]


def _whole(record: Record) -> bytes:
    """A record's 1,024 bytes."""
    if len(record.data) > RECORD_BYTES or len(record.data) % 4:
        raise MoveRefusedError("ChunkBytesWrong", len(record.data), RECORD_BYTES)
    return record.data.ljust(RECORD_BYTES, b"\0")


def _words(record: Record) -> tuple[int, ...]:
    return struct.unpack(f">{RECORD_WORDS}I", _whole(record))


def _expect(words: tuple[int, ...], index: int, value: int) -> None:
    if words[index] != value:
        raise MoveRefusedError("RecordMalformed", index, words[index])


def _within(words: tuple[int, ...], index: int, least: int, most: int) -> int:
    if not least <= words[index] <= most:
        raise MoveRefusedError("RecordMalformed", index, words[index])
    return words[index]


def _prove(program_root: bytes, graph: Graph, index: int, record: Record) -> None:
    levels = merkle.depth(1 + graph.slots + graph.constants + graph.nodes)
    if len(record.path) != levels:
        raise MoveRefusedError("PathLengthWrong", len(record.path), levels)
    if merkle.climb(merkle.sha256(_whole(record)), index, record.path) != program_root:
        raise MoveRefusedError("RecordNotInProgram", index)
