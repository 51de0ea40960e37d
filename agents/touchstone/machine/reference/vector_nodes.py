"""Whole nodes at once with numpy; ``elements.py`` defines every element of them, tests prove these equal to it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from touchstone.machine.program import Axis, DType, MapFn, Node, Op, Operand, ReduceFn, SourceFn
from touchstone.machine.reference import vector_floats as f32
from touchstone.machine.reference.elements import CHAIN_BLOCK, SUM_BLOCK, SUM_LANES
from touchstone.machine.reference.philox import philox4x32
from touchstone.machine.reference.reads import Words
from touchstone.machine.reference.vector_functions import ARRAY_FUNCTIONS, ArrayFunction

Indices = npt.NDArray[np.int64]


def evaluate(node: Node, operands: Sequence[Words]) -> Words:
    """Every element of a valid node's output, flat, from the flat words of its operands."""
    if node.op is Op.MAP:
        out = _map(node, operands)
    elif node.op is Op.DOT:
        out = _dot(node, operands)
    elif node.op is Op.REDUCE:
        out = _reduce(node, operands[0])
    elif node.op is Op.MOVE:
        out = _move(node, operands)
    elif node.op is Op.GATHER:
        out = _gather(node, operands)
    elif node.op is Op.SCATTER_ADD:
        out = _scatter_add(node, operands)
    else:
        out = _source(node, operands)
    return np.ascontiguousarray(out, dtype=np.uint32).reshape(-1)


def _map(node: Node, operands: Sequence[Words]) -> Words:
    read = []
    for operand, words in zip(node.operands, operands, strict=True):
        assert operand.strided is not None
        read.append(words[_affine(operand.strided.offset, operand.strided.strides, node.type.shape).reshape(-1)])
    return ARRAY_FUNCTIONS[MapFn(node.fn)](*read)


def _affine(offset: int, factors: Sequence[int], shape: Sequence[int]) -> Indices:
    """``offset + sum(factors[k] * i[k])`` for all coordinates i of ``shape``."""
    total = np.full(shape, offset, dtype=np.int64)
    for axis, (factor, dim) in enumerate(zip(factors, shape, strict=True)):
        along = np.arange(dim, dtype=np.int64) * factor
        total += along.reshape((dim,) + (1,) * (len(shape) - axis - 1))
    return total


def _dot(node: Node, operands: Sequence[Words]) -> Words:
    a, b = (words.reshape(operand.type.shape) for words, operand in zip(operands, node.operands, strict=True))
    split, length = node.attributes[0], a.shape[-1]
    left, right = a[..., :, None, :], b[..., None, :, :]
    if not split:
        return _broadcast_chain(left, right, node.type.shape)
    parts = [
        _broadcast_chain(left[..., first : first + split], right[..., first : first + split], node.type.shape[:-1])
        for first in range(0, length, split)
    ]
    return np.stack(parts, axis=-1)


def _broadcast_chain(a: Words, b: Words, shape: tuple[int, ...]) -> Words:
    blocks = [
        _chain_block(a[..., first : first + CHAIN_BLOCK], b[..., first : first + CHAIN_BLOCK])
        for first in range(0, a.shape[-1], CHAIN_BLOCK)
    ]
    total = blocks[0]
    for block in blocks[1:]:
        total = f32.add(total, block)
    return np.broadcast_to(total, shape)


def _chain_block(a: Words, b: Words) -> Words:
    accumulator = np.zeros(np.broadcast_shapes(a.shape, b.shape)[:-1], dtype=np.uint32)
    for k in range(a.shape[-1]):
        accumulator = f32.fma(a[..., k], b[..., k], accumulator)
    return accumulator


def _reduce(node: Node, words: Words) -> Words:
    operand, block = node.operands[0].type, node.attributes[0]
    length = operand.shape[-1]
    rows = words.reshape(-1, length)
    step = block or length
    parts = [_reduce_rows(ReduceFn(node.fn), operand.dtype, rows[:, first : first + step]) for first in range(0, length, step)]
    return np.stack(parts, axis=-1)


def _reduce_rows(fn: ReduceFn, dtype: DType, rows: Words) -> Words:
    """One result per row."""
    is_float = dtype is DType.F32
    if fn is ReduceFn.SUM:
        return _lane_sum(rows, f32.add if is_float else np.add)
    if fn is ReduceFn.ARGMAX:
        keys = np.where(f32.is_nan(rows), np.int64(2**32), f32.order_key(rows)) if is_float else rows.view(np.int32)
        first: Words = np.argmax(keys, axis=-1).astype(np.uint32)
        return first
    if not is_float:
        signed = rows.view(np.int32)
        extreme: npt.NDArray[np.int32] = signed.max(axis=-1) if fn is ReduceFn.MAX else signed.min(axis=-1)
        return extreme.view(np.uint32)
    result = f32.canonical(rows[:, 0])
    better = f32.maximum if fn is ReduceFn.MAX else f32.minimum
    for column in range(1, rows.shape[1]):
        result = better(result, rows[:, column])
    return result


def _lane_sum(rows: Words, add: ArrayFunction) -> Words:
    length = rows.shape[1]
    if length > SUM_BLOCK:
        partials = [_lane_sum(rows[:, first : first + SUM_BLOCK], add) for first in range(0, length, SUM_BLOCK)]
        return _lane_sum(np.stack(partials, axis=-1), add)
    lanes = np.zeros((rows.shape[0], SUM_LANES), dtype=np.uint32)
    for first in range(0, length, SUM_LANES):
        group = rows[:, first : first + SUM_LANES]
        lanes[:, : group.shape[1]] = add(lanes[:, : group.shape[1]], group)
    for half in (16, 8, 4, 2, 1):
        lanes = add(lanes[:, :half], lanes[:, half : 2 * half])
    return lanes[:, 0]


def _move(node: Node, operands: Sequence[Words]) -> Words:
    out = np.full(node.type.shape, node.attributes[0], dtype=np.uint32)
    unset = np.ones(node.type.shape, dtype=np.bool_)
    for operand, words in zip(node.operands, operands, strict=True):
        in_range, positions = _source_positions(operand, node.type.shape)
        chosen = unset & in_range
        out[chosen] = words[positions[chosen]]
        unset &= ~in_range
    return out


def _source_positions(operand: Operand, shape: tuple[int, ...]) -> tuple[npt.NDArray[np.bool_], Indices]:
    """For every output coordinate, whether the source is in range, and the flat index at which it is then read."""
    assert operand.axes is not None
    in_range = np.ones(shape, dtype=np.bool_)
    positions = np.zeros(shape, dtype=np.int64)
    for axis, dim in zip(operand.axes, operand.type.shape, strict=True):
        coordinate, divisible = _axis_coordinates(axis, shape)
        in_range &= divisible & (coordinate >= 0) & (coordinate < dim)
        positions = positions * dim + np.clip(coordinate, 0, dim - 1)
    return in_range, positions


def _axis_coordinates(axis: Axis, shape: tuple[int, ...]) -> tuple[Indices, npt.NDArray[np.bool_]]:
    coordinate, remainder = np.divmod(_affine(axis.offset, axis.coefficients, shape), axis.divisor)
    return coordinate, remainder == 0


def _gather(node: Node, operands: Sequence[Words]) -> Words:
    rows, width = node.operands[0].type.shape
    table, index = operands[0].reshape(rows, width), operands[1].view(np.int32)
    valid = (index >= 0) & (index < rows)
    return np.where(valid[:, None], table[np.where(valid, index, 0)], np.uint32(0))


def _scatter_add(node: Node, operands: Sequence[Words]) -> Words:
    rows, width = node.type.shape
    out = operands[0].reshape(rows, width).copy()
    sources = operands[2].reshape(width, -1)
    add: ArrayFunction = f32.add if node.type.dtype is DType.F32 else np.add
    for place, row in enumerate(operands[1].view(np.int32).tolist()):
        if 0 <= row < rows:
            out[row] = add(out[row], np.ascontiguousarray(sources[:, place]))
    return out


def _source(node: Node, operands: Sequence[Words]) -> Words:
    size = math.prod(node.type.shape)
    if node.fn == SourceFn.CONSTANT:
        return np.full(size, node.attributes[0], dtype=np.uint32)
    if node.fn == SourceFn.IOTA:
        return np.arange(size, dtype=np.uint32)
    key_low, key_high, site = node.attributes
    step = int(operands[0][0])
    blocks = [philox4x32((block, site, step, 0), (key_low, key_high)) for block in range(-(-size // 4))]
    return np.array(blocks, dtype=np.uint32).reshape(-1)[:size]
