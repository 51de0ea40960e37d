"""The operators: one function each, computing ONE output element from the words it reads.

This is section 3 of docs/specification/machine.md as code, and what the Referee does on chain. ``reads.py`` says which words they are.
"""

from __future__ import annotations

from collections.abc import Sequence

from touchstone.machine.program import DType, MapFn, Node, Op, ReduceFn, SourceFn
from touchstone.machine.reference import integers as i32
from touchstone.machine.reference import softfloat as f32
from touchstone.machine.reference.functions import MAP_FUNCTIONS, WordFunction
from touchstone.machine.reference.philox import philox4x32
from touchstone.machine.reference.reads import Words, reads

CHAIN_BLOCK = 256
SUM_LANES = 32
SUM_BLOCK = 4096


def element(node: Node, index: int, operands: Sequence[Words]) -> int:
    """The word at row-major ``index`` of a valid node's output.

    Args:
        operands: the words of each operand's whole tensor, flat uint32 arrays in operand order.
    """
    words = [operands[read.operand][read.first_word : read.first_word + read.count].tolist() for read in reads(node, index, operands)]
    return element_from_reads(node, index, words)


def element_from_reads(node: Node, index: int, words: Sequence[Sequence[int]]) -> int:
    """The word at ``index`` of a valid node's output, from the words that :func:`reads` lists, in that order."""
    if node.op is Op.MAP:
        return MAP_FUNCTIONS[MapFn(node.fn)](*(word for (word,) in words))
    if node.op is Op.DOT:
        return chain(words[0], words[1])
    if node.op is Op.REDUCE:
        return _reduce(ReduceFn(node.fn), node.operands[0].type.dtype, words[0])
    if node.op is Op.MOVE:
        return words[0][0] if words else node.attributes[0]
    if node.op is Op.GATHER:
        return words[1][0] if len(words) == 2 else 0
    if node.op is Op.SCATTER_ADD:
        return _scatter_add(node, index, *words)
    return _source(node, index, words)


def chain(a: Sequence[int], b: Sequence[int]) -> int:
    """The sum of products of two equally long rows of f32 words, section 3.2: blocks of 256, each from +0, added in order."""
    total = _chain_block(a[:CHAIN_BLOCK], b[:CHAIN_BLOCK])
    for first in range(CHAIN_BLOCK, len(a), CHAIN_BLOCK):
        block = _chain_block(a[first : first + CHAIN_BLOCK], b[first : first + CHAIN_BLOCK])
        total = f32.add(total, block)
    return total


def _chain_block(a: Sequence[int], b: Sequence[int]) -> int:
    accumulator = 0
    for left, right in zip(a, b, strict=True):
        accumulator = f32.fma(left, right, accumulator)
    return accumulator


def _reduce(fn: ReduceFn, dtype: DType, row: Sequence[int]) -> int:
    if fn is ReduceFn.SUM:
        return lane_sum(row, f32.add if dtype is DType.F32 else i32.add)
    if fn is ReduceFn.ARGMAX:
        return _float_argmax(row) if dtype is DType.F32 else _integer_argmax(row)
    if dtype is DType.F32:
        return _float_extreme(row, f32.maximum if fn is ReduceFn.MAX else f32.minimum)
    extreme = max if fn is ReduceFn.MAX else min
    return extreme(row, key=i32.signed)


def lane_sum(row: Sequence[int], add: WordFunction) -> int:
    """The sum of a row, section 3.3: 32 lanes folded by halves; above 4,096 words, the sum of the sums of blocks of 4,096."""
    if len(row) > SUM_BLOCK:
        partials = [lane_sum(row[first : first + SUM_BLOCK], add) for first in range(0, len(row), SUM_BLOCK)]
        return lane_sum(partials, add)
    lanes = [0] * SUM_LANES
    for position, word in enumerate(row):
        lanes[position % SUM_LANES] = add(lanes[position % SUM_LANES], word)
    for half in (16, 8, 4, 2, 1):
        for lane in range(half):
            lanes[lane] = add(lanes[lane], lanes[lane + half])
    return lanes[0]


def _float_extreme(row: Sequence[int], better: WordFunction) -> int:
    result = f32.canonical(row[0])
    for word in row[1:]:
        result = better(result, word)
    return result


def _float_argmax(row: Sequence[int]) -> int:
    for position, word in enumerate(row):
        if f32.is_nan(word):
            return position
    return max(range(len(row)), key=lambda position: (f32.order_key(row[position]), -position))


def _integer_argmax(row: Sequence[int]) -> int:
    return max(range(len(row)), key=lambda position: (i32.signed(row[position]), -position))


def _scatter_add(node: Node, index: int, base: Sequence[int], targets: Sequence[int], row: Sequence[int]) -> int:
    """The word of base, verbatim, then plus every source whose index names the element's row."""
    add = f32.add if node.type.dtype is DType.F32 else i32.add
    wanted = index // node.type.shape[1]
    total = base[0]
    for target, word in zip(targets, row, strict=True):
        if target == wanted:
            total = add(total, word)
    return total


def _source(node: Node, index: int, words: Sequence[Sequence[int]]) -> int:
    if node.fn == SourceFn.CONSTANT:
        return node.attributes[0]
    if node.fn == SourceFn.IOTA:
        return index
    key_low, key_high, site = node.attributes
    step = words[0][0]
    return philox4x32((index // 4, site, step, 0), (key_low, key_high))[index % 4]
