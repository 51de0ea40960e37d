"""Reductions, moves, gathers and sources of the native runtime against the reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.machine.native.compare import F32, I32, Bench
from touchstone.machine.builder import Source
from touchstone.machine.program import Axis, DType, MapFn, ReduceFn

LENGTHS = st.one_of(st.integers(1, 70), st.sampled_from([4095, 4096, 4097, 4128, 8191, 8192]))
DTYPES = st.sampled_from([F32, I32])


@given(n=LENGTHS, rows=st.integers(1, 4), dtype=DTYPES, seed=st.integers(0, 999), specials=st.sampled_from([0.0, 0.01, 0.5]))
@settings(max_examples=60, deadline=None)
def test_every_reduction_of_any_length_gives_the_references_bits(n: int, rows: int, dtype: DType, seed: int, specials: float) -> None:
    bench = Bench(seed, specials)
    x = bench.constant(dtype, (rows, n))
    bench.keep(*(bench.builder.reduce(fn, x) for fn in ReduceFn))
    bench.check(steps=1)


@pytest.mark.parametrize("n", [1, 16, 31, 32, 33, 47, 64, 100, 4097])
def test_every_instruction_set_reduces_alike(n: int, level: str) -> None:
    bench = Bench(n)
    for specials in (0.0, 0.3):
        bench.specials = specials
        for dtype in (F32, I32):
            x = bench.constant(dtype, (3, n))
            bench.keep(*(bench.builder.reduce(fn, x) for fn in ReduceFn))
    bench.check(steps=1)


@given(n=st.integers(1, 9000), block=st.integers(1, 8192), dtype=DTYPES, fn=st.sampled_from([ReduceFn.SUM, ReduceFn.MAX, ReduceFn.MIN]))
@settings(max_examples=40, deadline=None)
def test_blocks_are_reduced_by_themselves_and_the_last_may_be_shorter(n: int, block: int, dtype: DType, fn: ReduceFn) -> None:
    bench = Bench(n, 0.001)
    bench.keep(bench.builder.reduce(fn, bench.constant(dtype, (2, n)), block=block))
    bench.check(steps=1)


@given(
    rows=st.sampled_from([1, 2, 31, 32, 33, 100, 4096, 4100]),
    columns=st.integers(1, 90),
    batch=st.sampled_from([(), (2,)]),
    specials=st.sampled_from([0.0, 0.01]),
)
@settings(max_examples=50, deadline=None)
def test_sums_over_a_transposed_view_have_the_order_of_sums_over_rows(
    rows: int, columns: int, batch: tuple[int, ...], specials: float
) -> None:
    bench = Bench(rows + columns, specials)
    x = bench.constant(F32, (*batch, rows, columns))
    rank = len(x.shape)
    bench.keep(bench.builder.reduce(ReduceFn.SUM, bench.builder.transpose(x, [*range(rank - 2), rank - 1, rank - 2])))
    bench.check(steps=1)


def test_sums_down_columns_are_the_same_from_every_instruction_set(level: str) -> None:
    bench = Bench(1, 0.01)
    for rows, columns in [(256, 512), (33, 67), (5000, 3)]:
        bench.keep(bench.builder.reduce(ReduceFn.SUM, bench.builder.transpose(bench.constant(F32, (rows, columns)))))
    bench.check(steps=1)


@given(order=st.permutations(range(4)), dims=st.tuples(*[st.integers(1, 6)] * 4), dtype=DTYPES)
@settings(max_examples=50, deadline=None)
def test_every_permutation_is_carried_out_and_also_read_through(order: list[int], dims: tuple[int, ...], dtype: DType) -> None:
    bench = Bench(sum(dims), 0.2)
    moved = bench.builder.transpose(bench.constant(dtype, dims), order)
    other = bench.builder.transpose(bench.constant(F32, dims), order)
    bench.keep(moved, bench.builder.map(MapFn.NEG, other), bench.builder.reduce(ReduceFn.SUM, other))
    bench.check(steps=1)


@pytest.mark.parametrize("shape", [(64, 64), (130, 67), (16, 300), (1, 50), (257, 1)])
def test_transposes_of_every_shape_are_exact(shape: tuple[int, int], level: str) -> None:
    bench = Bench(0, 0.3)
    bench.keep(bench.builder.transpose(bench.constant(F32, shape)))
    bench.check(steps=1)


@st.composite
def axes(draw: st.DrawFn, out_rank: int, rank: int) -> tuple[Axis, ...]:
    def axis() -> Axis:
        return Axis(draw(st.integers(-6, 6)), draw(st.integers(1, 3)), tuple(draw(st.integers(-3, 3)) for _ in range(out_rank)))

    return tuple(axis() for _ in range(rank))


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_moves_take_the_first_source_in_range_or_the_fill(data: st.DataObject) -> None:
    bench = Bench(data.draw(st.integers(0, 99)), 0.2)
    shape = tuple(data.draw(st.lists(st.integers(1, 7), max_size=3)))
    sources = []
    for _ in range(data.draw(st.integers(1, 3))):
        dims = tuple(data.draw(st.lists(st.integers(1, 5), max_size=3)))
        sources.append(Source(bench.constant(F32, dims), data.draw(axes(len(shape), len(dims)))))
    bench.keep(bench.builder.move(shape, sources, fill=0x7F800001))
    bench.check(steps=1)


@given(rows=st.integers(1, 9), width=st.integers(1, 40), count=st.integers(1, 20), dtype=DTYPES)
@settings(max_examples=30, deadline=None)
def test_gather_carries_words_verbatim_and_reads_zero_out_of_range(rows: int, width: int, count: int, dtype: DType) -> None:
    bench = Bench(rows, 0.3)
    inside = bench.rng.integers(-1, rows + 1, count).astype(np.int32).view(np.uint32)
    index = np.where(bench.rng.random(count) < 0.2, np.uint32(0x80000000), inside)
    bench.keep(bench.builder.gather(bench.constant(dtype, (rows, width)), bench.constant(I32, (count,), index)))
    bench.check(steps=1)


@given(
    rows=st.integers(1, 9),
    width=st.one_of(st.integers(1, 40), st.sampled_from([255, 256, 257, 600])),
    count=st.one_of(st.integers(1, 20), st.sampled_from([63, 64, 65, 200, 4096])),
    dtype=DTYPES,
    turned=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_scatter_add_adds_in_the_order_of_the_sources_and_drops_what_is_out_of_range(
    rows: int, width: int, count: int, dtype: DType, turned: bool
) -> None:
    bench = Bench(rows * width + count, 0.1)
    index = bench.constant(I32, (count,), bench.rng.integers(-2, rows + 2, count).astype(np.int32).view(np.uint32))
    sources = bench.constant(dtype, (width, count))
    if turned:
        sources = bench.builder.transpose(bench.constant(dtype, (count, width)))
    bench.keep(bench.builder.scatter_add(bench.constant(dtype, (rows, width)), index, sources))
    bench.check(steps=1)


def test_every_instruction_set_scatters_alike(level: str) -> None:
    bench = Bench(3, 0.1)
    index = bench.constant(I32, (300,), bench.rng.integers(0, 5, 300).astype(np.uint32))
    for width in (1, 15, 33, 300):
        bench.keep(bench.builder.scatter_add(bench.slot(F32, (5, width)), index, bench.constant(F32, (width, 300))))
        bench.keep(bench.builder.scatter_add(bench.slot(I32, (5, width)), index, bench.constant(I32, (width, 300))))
    bench.check(steps=1)


def test_what_scatter_add_does_not_touch_is_carried_verbatim() -> None:
    bench = Bench()
    words = np.array([0x7F800001, 0x80000000, 0xFFFFFFFF, 0x80000000], dtype=np.uint32)
    index = bench.constant(I32, (3,), np.array([3, 0xFFFFFFFF, 4], dtype=np.uint32))
    bench.keep(bench.builder.scatter_add(bench.constant(F32, (4, 1), words), index, bench.constant(F32, (1, 3))))
    bench.check(steps=1)


@pytest.mark.parametrize("rows", [1, 6])
def test_scatter_add_to_one_word_everywhere_needs_no_base_in_memory(rows: int) -> None:
    bench = Bench(8, 0.1)
    index = bench.constant(I32, (40,), bench.rng.integers(0, rows, 40).astype(np.uint32))
    for word in (0, 0x80000000, 0x7F800001):
        base = bench.builder.move((rows, 30), [Source(bench.builder.fill(F32, (), word), ())])
        bench.keep(bench.builder.scatter_add(base, index, bench.constant(F32, (30, 40))))
    bench.keep(
        bench.builder.scatter_add(
            bench.builder.move((rows, 7), [Source(bench.slot(F32, (1,)), (Axis(0, 1, (0, 0)),))]), index, bench.constant(F32, (7, 40))
        )
    )
    bench.check()


def test_a_slot_that_grows_by_scatter_add_keeps_growing() -> None:
    bench = Bench(7, 0.0)
    total = bench.slot(F32, (6, 50))
    index = bench.constant(I32, (40,), bench.rng.integers(0, 6, 40).astype(np.uint32))
    once = bench.builder.scatter_add(total, index, bench.constant(F32, (50, 40)))
    bench.builder.set_next(total, bench.builder.scatter_add(once, index, bench.constant(F32, (50, 40))))
    bench.check(steps=3)


@given(size=st.integers(1, 5000), site=st.integers(0, 2**32 - 1), key=st.tuples(*[st.integers(0, 2**32 - 1)] * 2))
@settings(max_examples=20, deadline=None)
def test_philox_depends_on_key_site_step_and_element(size: int, site: int, key: tuple[int, int]) -> None:
    bench = Bench()
    bench.keep(bench.builder.philox((size,), key, site))
    bench.check(steps=2)


def test_constants_and_iota_are_right_for_every_kind_of_reader() -> None:
    bench = Bench()
    b = bench.builder
    filled, counted = b.fill(F32, (6, 4), 0x7F800001), b.iota((6, 4))
    bench.keep(filled, counted, b.map(MapFn.NEG, filled), b.transpose(counted), b.reduce(ReduceFn.SUM, counted))
    bench.keep(b.dot(b.fill(F32, (2, 3), 0x3F800000), b.fill(F32, (5, 3), 0x40000000)))
    bench.keep(b.map(MapFn.I2F, b.transpose(counted)), b.gather(bench.constant(F32, (24, 2)), counted))
    bench.keep(b.map(MapFn.ADD, b.move((6, 4), [Source(b.fill(F32, (), 0x3F800000), ())]), bench.constant(F32, (6, 4))))
    bench.check()
