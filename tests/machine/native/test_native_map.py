"""Map functions of the native runtime against the reference."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.machine.native.compare import F32, I32, Bench
from tests.machine.witnesses import CONSTANTS, witnesses
from tests.machine.words import SPECIAL_FLOATS, SPECIAL_INTEGERS, Words, float_words, integer_words
from touchstone.machine.builder import Shape, Strides, Value, row_major_strides
from touchstone.machine.program import DType, MapFn
from touchstone.machine.signatures import SIGNATURES

RANDOM_CASES = 3000


def signature(fn: MapFn, anything: DType) -> list[DType]:
    return [anything if dtype is None else dtype for dtype in SIGNATURES[fn].operands]


def crossed_words(fn: MapFn, dtypes: list[DType]) -> list[Words]:
    """Special words in every combination, then random ones."""
    rng = np.random.default_rng(int(fn))
    specials = [SPECIAL_FLOATS if dtype is F32 else SPECIAL_INTEGERS for dtype in dtypes]
    if len(dtypes) == 3:
        specials = [words[::3] for words in specials]
    crossed = np.array(list(itertools.product(*specials)), dtype=np.uint32).T
    draw = [(float_words if dtype is F32 else integer_words)(rng, RANDOM_CASES) for dtype in dtypes]
    return [np.concatenate(pair) for pair in zip(crossed, draw, strict=True)]


@pytest.mark.parametrize(("fn", "anything"), [*((fn, F32) for fn in MapFn), (MapFn.SELECT, I32)])
def test_every_function_gives_the_references_bits_on_special_and_random_words(fn: MapFn, anything: DType, level: str) -> None:
    dtypes = signature(fn, anything)
    bench = Bench()
    columns = crossed_words(fn, dtypes)
    operands = [bench.constant(dtype, words.shape, words) for dtype, words in zip(dtypes, columns, strict=True)]
    bench.keep(bench.builder.map(fn, *operands))
    bench.check(steps=1)


@pytest.mark.parametrize("fn", list(MapFn), ids=lambda fn: fn.name.lower())
def test_every_function_takes_single_words_as_any_of_its_operands(fn: MapFn, level: str) -> None:
    dtypes = signature(fn, F32)
    bench = Bench(seed=int(fn), specials=0.4)
    whole = [bench.constant(dtype, (45,)) for dtype in dtypes]
    for mask in itertools.product([False, True], repeat=len(dtypes)):
        for seed in range(3):
            single = [
                bench.builder.fill(dtype, (), int(float_words(np.random.default_rng(seed), 1, 0.6)[0]))
                if seed
                else bench.constant(dtype, (1,))
                for dtype in dtypes
            ]
            operands = [one if repeated else many for one, many, repeated in zip(single, whole, mask, strict=True)]
            bench.keep(bench.builder.map(fn, *operands, shape=(45,)) if not all(mask) else bench.builder.map(fn, *operands))
    bench.check(steps=1)


@st.composite
def strided_read(draw: st.DrawFn, shape: Shape) -> tuple[int, Shape, int]:
    """An offset, strides and a number of words that they stay within."""
    strides = tuple(draw(st.integers(-7, 7)) for _ in shape)
    low = sum(min(0, stride * (dim - 1)) for stride, dim in zip(strides, shape, strict=True))
    high = sum(max(0, stride * (dim - 1)) for stride, dim in zip(strides, shape, strict=True))
    offset = -low + draw(st.integers(0, 3))
    return offset, strides, offset + high + 1 + draw(st.integers(0, 3))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_operands_are_read_at_any_offset_and_strides(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 6), min_size=0, max_size=4)))
    bench = Bench(seed=data.draw(st.integers(0, 99)))
    operands = []
    for _ in range(3):
        offset, strides, words = data.draw(strided_read(shape))
        operands.append(Strides(bench.constant(F32, (words,)), offset, strides))
    bench.keep(bench.builder.map(MapFn.FMA, *operands, shape=shape))
    bench.check(steps=1)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_chains_with_broadcast_operands_are_fused_without_changing_a_bit(dims: list[int], seed: int) -> None:
    bench = Bench(seed)
    shape = (*dims, 7)
    x, row = bench.slot(F32, shape), bench.constant(F32, (7,))
    column, scalar = bench.constant(F32, (*dims, 1)), bench.constant(F32, (1,))
    b = bench.builder
    chain = b.map(MapFn.ADD, b.map(MapFn.MUL, x, row), column)
    chain = b.map(MapFn.SELECT, b.map(MapFn.LT, chain, scalar), b.map(MapFn.NEG, x), chain)
    chain = b.map(MapFn.FMA, chain, row, b.map(MapFn.SQRT, chain))
    b.set_next(x, chain)
    bench.keep(b.map(MapFn.TANH, chain))
    bench.check()


@pytest.mark.parametrize("size", [1, 2, 15, 16, 17, 255, 1023, 1025, 70_001])
def test_every_length_of_a_block_is_right_to_the_last_element(size: int, level: str) -> None:
    bench = Bench(size)
    x, y = bench.slot(F32, (size,)), bench.constant(F32, (size,))
    b = bench.builder
    total = b.map(MapFn.ADD, b.map(MapFn.MUL, x, y), x)
    b.set_next(x, b.map(MapFn.MAX, total, y))
    bench.keep(total)
    bench.check()


def test_a_chain_longer_than_a_group_is_cut_without_changing_a_bit() -> None:
    bench = Bench()
    x = bench.slot(F32, (300,))
    value: Value = x
    for i in range(250):
        value = bench.builder.map((MapFn.ADD, MapFn.MUL, MapFn.MIN)[i % 3], value, bench.builder.fill(F32, (), 0x3F800001 + i))
    bench.builder.set_next(x, value)
    bench.check()


def test_a_reshaped_operand_is_read_in_order() -> None:
    bench = Bench()
    x = bench.constant(F32, (6, 4))
    doubled = bench.builder.map(MapFn.ADD, x, x)
    flat = bench.builder.map(MapFn.NEG, doubled.view(24))
    bench.keep(bench.builder.map(MapFn.MUL, flat.view(2, 12), Strides(x, 0, row_major_strides((2, 12))), shape=(2, 12)))
    bench.check(steps=1)


@pytest.mark.parametrize("fn", list(CONSTANTS), ids=lambda fn: fn.name.lower())
def test_every_constant_of_a_sequence_is_right_to_its_last_bit(fn: MapFn, level: str) -> None:
    words = witnesses(fn)
    bench = Bench()
    bench.keep(bench.builder.map(fn, bench.constant(F32, words.shape, words)))
    bench.check(steps=1)
