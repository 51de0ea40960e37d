"""Builds the last proof: everything the Referee needs to recompute one element (``contracts/interfaces/IReferee.sol``)."""

from __future__ import annotations

import numpy as np

from touchstone.commitment.roots import CHUNK_WORDS
from touchstone.dispute.moves import Read
from touchstone.dispute.truth import Tensor, Truth
from touchstone.machine.program import Kind, Op, Operand, Ref
from touchstone.machine.reference import Words, reads

_NOT_READ: Words = np.zeros(0, dtype=np.uint32)


def element_reads(truth: Truth, step: int, node: int, element: int) -> tuple[Read, ...]:
    """Proven operand words for one element of a node's output, in the order the Referee takes them.

    Args:
        truth: own replay of the interval.
        step: the disputed step, from the start of the interval.
        node: index of the disputed node.
        element: row-major index in its output.
    """
    described = truth.program.nodes[node]
    tensors: dict[Ref, Tensor] = {}
    if described.op is Op.GATHER:  # where it reads depends on an operand's word
        tensors = {operand.ref: truth.tensor(step, operand.ref) for operand in described.operands}
    words = [tensors[operand.ref].words if operand.ref in tensors else _NOT_READ for operand in described.operands]
    proofs = []
    for needed in reads(described, element, words):
        operand = described.operands[needed.operand]
        if operand.ref not in tensors:
            tensors = {operand.ref: truth.tensor(step, operand.ref)}  # one whole operand at a time in memory
        proofs.append(_read(truth, step, node, operand, tensors[operand.ref], needed.first_word, needed.count))
    return tuple(proofs)


def _read(truth: Truth, step: int, node: int, operand: Operand, tensor: Tensor, first_word: int, count: int) -> Read:
    first = first_word // CHUNK_WORDS
    chunks = (first_word + count - 1) // CHUNK_WORDS - first + 1
    return Read(
        tensor_root=tensor.tree.root,
        path=_operand_path(truth, step, node, operand.ref),
        data=tensor.chunks(first, chunks),
        siblings=tuple(tensor.tree.range_proof(first, chunks)),
    )


def _operand_path(truth: Truth, step: int, node: int, ref: Ref) -> tuple[bytes, ...]:
    """Siblings of the operand's tensor root in the state, the constants or P(node)."""
    if ref.kind is Kind.SLOT:
        return tuple(truth.slot_tree(step).path(ref.index))
    if ref.kind is Kind.CONSTANT:
        return tuple(truth.constants_tree.path(ref.index))
    return tuple(truth.trace(step).node_path(node, ref.index))
