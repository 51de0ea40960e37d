"""The Referee in Python: checks a last proof as ``contracts/court/Referee.sol`` does and recomputes the element with the reference.

For trying a proof before sending it, and for playing whole games without a chain.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from touchstone.commitment import merkle
from touchstone.commitment.roots import CHUNK_BYTES, CHUNK_WORDS, chunk_count
from touchstone.dispute.errors import MoveRefusedError
from touchstone.dispute.game import Context
from touchstone.dispute.moves import Read, Record
from touchstone.dispute.records import prove_node
from touchstone.machine.program import Kind, Node, Op, Program, Ref
from touchstone.machine.reference import Read as Range
from touchstone.machine.reference import Words, reads
from touchstone.machine.reference.elements import element_from_reads


class Referee:
    """A ``game.Judge`` for one program."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def __call__(self, context: Context, element: int, record: Record, given: Sequence[Read]) -> int:
        """The right word. Raises MoveRefusedError, with the contract's error, for a proof that does not hold."""
        node = self.program.nodes[context.graph.node]
        prove_node(context.program_root, context.graph, context.graph.node, record)
        needed = _ranges(node, element, given)
        if len(given) != len(needed):
            raise MoveRefusedError("ReadsWrong", len(given), len(needed))
        words = [self._words(context, node, position, needed[position], read) for position, read in enumerate(given)]
        return element_from_reads(node, element, words)

    def _words(self, context: Context, node: Node, position: int, needed: Range, read: Read) -> list[int]:
        operand = node.operands[needed.operand]
        if not _agreed(context, operand.ref, read):
            raise MoveRefusedError("OperandNotAgreed", position, read.tensor_root)
        first = needed.first_word // CHUNK_WORDS
        chunks = (needed.first_word + needed.count - 1) // CHUNK_WORDS - first + 1
        if len(read.data) != chunks * CHUNK_BYTES:
            raise MoveRefusedError("DataLengthWrong", position, len(read.data), chunks * CHUNK_BYTES)
        hashes = [merkle.sha256(read.data[i : i + CHUNK_BYTES]) for i in range(0, len(read.data), CHUNK_BYTES)]
        levels = merkle.depth(chunk_count(operand.type.size))
        if merkle.climb_range(levels, first, hashes, read.siblings) != read.tensor_root:
            raise MoveRefusedError("ChunksNotInTensor", position, read.tensor_root)
        offset = needed.first_word - first * CHUNK_WORDS
        return [int(word) for word in np.frombuffer(read.data, dtype="<u4")[offset : offset + needed.count]]


def _ranges(node: Node, element: int, given: Sequence[Read]) -> list[Range]:
    """The reads of an element; for gather, from the index word that the first read shows."""
    if node.op is not Op.GATHER:
        return reads(node, element, ())
    position = element // node.operands[0].type.shape[1]
    index: Words = np.zeros(node.operands[1].type.size, dtype=np.uint32)
    if given and len(given[0].data) == CHUNK_BYTES:
        index[position] = np.frombuffer(given[0].data, dtype="<u4")[position % CHUNK_WORDS]
    return reads(node, element, (index, index))


def _agreed(context: Context, ref: Ref, read: Read) -> bool:
    graph = context.graph
    if ref.kind is Kind.NODE:
        root, levels = context.prefix_root, merkle.depth(graph.nodes) + 1
    elif ref.kind is Kind.SLOT:
        root, levels = context.state_root, merkle.depth(graph.slots)
    else:
        root, levels = context.constants_root, merkle.depth(graph.constants)
    if len(read.path) != levels:
        raise MoveRefusedError("PathLengthWrong", len(read.path), levels)
    return merkle.climb(read.tensor_root, ref.index, read.path) == root
