"""Which operand words one output element reads, in the order the Referee consumes them.

Every operator of section 3 of docs/specification/machine.md reads a short list of contiguous ranges: that makes one element provable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from touchstone.machine.program import Axis, Node, Op, Operand, SourceFn
from touchstone.machine.reference.indexing import affine, coordinates, flat_index
from touchstone.machine.reference.integers import signed

Words = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Read:
    """``count`` words of operand number ``operand``, from flat index ``first_word`` of its tensor."""

    operand: int
    first_word: int
    count: int


def reads(node: Node, index: int, operands: Sequence[Words]) -> list[Read]:
    """What the element at row-major ``index`` of a valid node's output reads.

    Args:
        operands: flat words of each operand. Only ``gather`` looks at them (the place of its second read is a word of the first).

    Order: ``map`` its operands; ``dot`` the row of A, then of B; ``reduce`` one range; ``move`` one word of the selected source, or nothing
    for fill; ``gather`` the index word, then the word of x unless out of range; ``scatter_add`` the word of base, all of the index, the
    column's sources; ``philox`` the step; ``constant`` and ``iota`` nothing.
    """
    if node.op is Op.MAP:
        return _map_reads(node, index)
    if node.op is Op.DOT:
        return _dot_reads(node, index)
    if node.op is Op.REDUCE:
        return [_reduce_read(node, index)]
    if node.op is Op.MOVE:
        return _move_reads(node, index)
    if node.op is Op.GATHER:
        return _gather_reads(node, index, operands)
    if node.op is Op.SCATTER_ADD:
        return _scatter_reads(node, index)
    return [Read(0, 0, 1)] if node.fn == SourceFn.PHILOX else []


def _map_reads(node: Node, index: int) -> list[Read]:
    point = coordinates(index, node.type.shape)
    found = []
    for position, operand in enumerate(node.operands):
        assert operand.strided is not None
        found.append(Read(position, affine(operand.strided.offset, operand.strided.strides, point), 1))
    return found


def _dot_reads(node: Node, index: int) -> list[Read]:
    a, b = node.operands
    rank, length, split = len(a.type.shape), a.type.shape[-1], node.attributes[0]
    point = coordinates(index, node.type.shape)
    batch, row, column = point[: rank - 2], point[rank - 2], point[rank - 1]
    first, last = 0, length
    if split:
        first = point[rank] * split
        last = min(length, first + split)
    return [
        Read(0, _row_start(a, batch, row) + first, last - first),
        Read(1, _row_start(b, batch, column) + first, last - first),
    ]


def _row_start(operand: Operand, batch: tuple[int, ...], row: int) -> int:
    """Flat index of the first word of a row of A or B; batch axes of size 1 are read at 0."""
    shape = operand.type.shape
    point = [0 if dim == 1 else coordinate for dim, coordinate in zip(shape[:-2], batch, strict=True)]
    return flat_index([*point, row, 0], shape)


def _reduce_read(node: Node, index: int) -> Read:
    length, block = node.operands[0].type.shape[-1], node.attributes[0]
    if not block:
        return Read(0, index * length, length)
    row, part = divmod(index, node.type.shape[-1])
    first = part * block
    return Read(0, row * length + first, min(block, length - first))


def _move_reads(node: Node, index: int) -> list[Read]:
    point = coordinates(index, node.type.shape)
    for position, operand in enumerate(node.operands):
        source = _source_point(operand, point)
        if source is not None:
            return [Read(position, flat_index(source, operand.type.shape), 1)]
    return []


def _source_point(operand: Operand, point: tuple[int, ...]) -> list[int] | None:
    """Coordinates at which a source is read, or None when it is out of range."""
    assert operand.axes is not None
    source = []
    for axis, dim in zip(operand.axes, operand.type.shape, strict=True):
        coordinate = _axis_coordinate(axis, point)
        if coordinate is None or not 0 <= coordinate < dim:
            return None
        source.append(coordinate)
    return source


def _axis_coordinate(axis: Axis, point: tuple[int, ...]) -> int | None:
    quotient, remainder = divmod(affine(axis.offset, axis.coefficients, point), axis.divisor)
    return quotient if remainder == 0 else None


def _gather_reads(node: Node, index: int, operands: Sequence[Words]) -> list[Read]:
    rows, width = node.operands[0].type.shape
    position, column = divmod(index, width)
    index_read = Read(1, position, 1)
    row = signed(int(operands[1][position]))
    if not 0 <= row < rows:
        return [index_read]
    return [index_read, Read(0, row * width + column, 1)]


def _scatter_reads(node: Node, index: int) -> list[Read]:
    width, count = node.operands[2].type.shape
    return [Read(0, index, 1), Read(1, 0, count), Read(2, index % width * count, count)]
