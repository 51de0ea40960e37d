"""What one step of a program costs, computed from the program alone: the profile that prices a job or refuses one that does not fit.

The figures are a model, not a measurement: every scalar operation of the specification counts one, every operand word that an element reads
and every word written counts four bytes, and memory is what a plain node-by-node execution keeps alive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from touchstone.machine.program import Kind, MapFn, Node, Op, Program, SourceFn, TensorType

WORD_BYTES = 4
_FUNCTION_OPERATIONS = {MapFn.EXP: 31, MapFn.LOG: 45, MapFn.TANH: 52, MapFn.ERF: 70, MapFn.SIN: 37, MapFn.COS: 38, MapFn.FMA: 2}
_PHILOX_OPERATIONS = 20
"""Per word: ten rounds of two products, four exclusive ors and two additions give four words."""


@dataclass(frozen=True)
class Cost:
    """Cost of one step.

    Attributes:
        operations: scalar operations; a fused multiply-add counts two.
        bytes_moved: operand words read and output words written, in bytes, without any reuse in caches except for the rows of ``dot``.
        peak_memory: bytes of constants, the state twice (before and after the step), and the node outputs alive at the worst moment.
        state_bytes: bytes of all slots.
        constant_bytes: bytes of all constants.
    """

    operations: int
    bytes_moved: int
    peak_memory: int
    state_bytes: int
    constant_bytes: int


def cost(program: Program) -> Cost:
    """Cost of one step of a valid program."""
    state_bytes = _bytes([slot.type for slot in program.slots])
    constant_bytes = _bytes(program.constants)
    return Cost(
        operations=sum(node_operations(node) for node in program.nodes),
        bytes_moved=sum(_node_bytes(node) for node in program.nodes),
        peak_memory=constant_bytes + 2 * state_bytes + _peak_outputs(program),
        state_bytes=state_bytes,
        constant_bytes=constant_bytes,
    )


def node_operations(node: Node) -> int:
    """Scalar operations of one node."""
    if node.op is Op.MAP:
        return node.type.size * _FUNCTION_OPERATIONS.get(MapFn(node.fn), 1)
    if node.op is Op.DOT:
        return 2 * _dot_products(node)
    if node.op is Op.REDUCE:
        return node.operands[0].type.size
    if node.op is Op.SCATTER_ADD:
        return node.operands[2].type.size
    if node.op is Op.SOURCE and node.fn == SourceFn.PHILOX:
        return node.type.size * _PHILOX_OPERATIONS
    return 0  # constant, iota, move and gather only carry words


def _dot_products(node: Node) -> int:
    """Number of multiply-adds: each pair of rows is multiplied once, however its chain is split."""
    length, split = node.operands[0].type.shape[-1], node.attributes[0]
    parts = -(-length // split) if split else 1
    return node.type.size // parts * length


def _node_bytes(node: Node) -> int:
    written = node.type.size
    if node.op is Op.MAP:
        read = node.type.size * len(node.operands)
    elif node.op in (Op.DOT, Op.REDUCE):
        read = sum(operand.type.size for operand in node.operands)
    elif node.op is Op.GATHER:
        read = node.type.size + node.operands[1].type.size
    elif node.op is Op.SCATTER_ADD:
        read = sum(operand.type.size for operand in node.operands) + node.operands[2].type.size  # a sum is read before it grows
    elif node.op is Op.MOVE:
        read = node.type.size
    else:
        read = 0
    return WORD_BYTES * (read + written)


def _peak_outputs(program: Program) -> int:
    """Most bytes of node outputs alive at once, when each is dropped after its last use."""
    last_use = list(range(len(program.nodes)))
    for index, node in enumerate(program.nodes):
        for operand in node.operands:
            if operand.ref.kind is Kind.NODE:
                last_use[operand.ref.index] = index
    for slot in program.slots:
        if slot.next.kind is Kind.NODE:
            last_use[slot.next.index] = len(program.nodes)
    dropped: dict[int, int] = {}
    alive = peak = 0
    for index, node in enumerate(program.nodes):
        size = WORD_BYTES * node.type.size
        alive += size
        peak = max(peak, alive)
        dropped[last_use[index]] = dropped.get(last_use[index], 0) + size
        alive -= dropped.pop(index, 0)
    return peak


def _bytes(types: Sequence[TensorType]) -> int:
    return WORD_BYTES * sum(tensor.size for tensor in types)
