"""Matrix products of the native runtime against the reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.machine.native.compare import F32, Bench, assert_same_words, words_of
from touchstone.machine.builder import Value
from touchstone.machine.program import Program
from touchstone.machine.reference import element
from touchstone.machine.runtime import NativeMachine, instruction_sets
from touchstone.machine.workload import Array

SIZES = st.one_of(st.integers(1, 8), st.integers(9, 70))
TERMS = st.one_of(st.integers(1, 20), st.sampled_from([255, 256, 257, 300, 512, 513, 600]))


def operand(bench: Bench, batch: tuple[int, ...], rows: int, terms: int, transposed: bool) -> Value:
    """A matrix with k innermost; when transposed, through a move that the runtime may fold into its packing."""
    if not transposed:
        return bench.constant(F32, (*batch, rows, terms))
    stored = bench.constant(F32, (*batch, terms, rows))
    rank = len(stored.shape)
    return bench.builder.transpose(stored, [*range(rank - 2), rank - 1, rank - 2])


@given(
    m=SIZES,
    n=SIZES,
    k=TERMS,
    seed=st.integers(0, 999),
    specials=st.sampled_from([0.0, 0.002, 0.05]),
    transposed=st.tuples(st.booleans(), st.booleans()),
)
@settings(max_examples=60, deadline=None)
def test_any_shape_any_words_and_any_storage_order_give_the_references_bits(
    m: int, n: int, k: int, seed: int, specials: float, transposed: tuple[bool, bool]
) -> None:
    bench = Bench(seed, specials)
    bench.keep(bench.builder.dot(operand(bench, (), m, k, transposed[0]), operand(bench, (), n, k, transposed[1])))
    bench.check(steps=1)


@pytest.mark.parametrize(("m", "n", "k"), [(1, 1, 1), (13, 33, 257), (25, 10, 784), (12, 32, 256), (6, 16, 64), (1, 300, 17), (300, 1, 17)])
def test_every_instruction_set_gives_the_references_bits(m: int, n: int, k: int, level: str) -> None:
    for transposed in (False, True):
        bench = Bench(m + n + k, 0.01)
        bench.keep(bench.builder.dot(operand(bench, (), m, k, transposed), operand(bench, (), n, k, not transposed)))
        bench.check(steps=1)


def test_subnormal_products_and_sums_are_rounded_once(level: str) -> None:
    bench = Bench(5)
    tiny = (bench.rng.integers(0, 2**32, 40 * 60, dtype=np.uint32) & 0x807FFFFF) | (
        bench.rng.integers(50, 70, 40 * 60).astype(np.uint32) << np.uint32(23)
    )
    bench.keep(bench.builder.dot(bench.constant(F32, (40, 60), tiny), bench.constant(F32, (40, 60), tiny[::-1].copy())))
    bench.check(steps=1)


@given(
    batch=st.lists(st.tuples(st.integers(1, 3), st.booleans(), st.booleans()), min_size=1, max_size=2),
    m=st.integers(1, 20),
    n=st.integers(1, 20),
    k=st.integers(1, 40),
    transposed=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_batch_axes_of_length_one_are_repeated(batch: list[tuple[int, bool, bool]], m: int, n: int, k: int, transposed: bool) -> None:
    bench = Bench(m + n)
    left = tuple(1 if once else dim for dim, once, _ in batch)
    right = tuple(1 if once else dim for dim, _, once in batch)
    bench.keep(bench.builder.dot(operand(bench, left, m, k, transposed), operand(bench, right, n, k, False)))
    bench.check(steps=1)


@given(m=st.integers(1, 14), n=st.integers(1, 40), k=st.integers(1, 600), split=st.integers(1, 700), batch=st.sampled_from([(), (2,)]))
@settings(max_examples=40, deadline=None)
def test_split_gives_one_partial_result_per_part(m: int, n: int, k: int, split: int, batch: tuple[int, ...]) -> None:
    bench = Bench(k)
    bench.keep(bench.builder.dot(operand(bench, batch, m, k, False), operand(bench, batch, n, k, k % 2 == 0), split=split))
    bench.check(steps=1)


def big_product(m: int, n: int, k: int) -> tuple[Program, list[Array], list[Array]]:
    bench = Bench(m, 0.0001)
    bench.keep(bench.builder.dot(operand(bench, (), m, k, False), operand(bench, (), n, k, True)))
    return bench.builder.build(), bench.state, bench.constants


@pytest.mark.parametrize(("m", "n", "k"), [(200, 130, 600), (13, 2100, 300), (20, 40, 8192)])
def test_products_larger_than_a_packed_panel_are_the_same_from_every_instruction_set_and_thread_count(
    m: int, n: int, k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, state, constants = big_product(m, n, k)
    results = []
    for name in instruction_sets():
        monkeypatch.setenv("TOUCHSTONE_ISA", name)
        for threads in (1, 2, 3):
            machine = NativeMachine(program, constants, threads=threads)
            machine.load(state)
            machine.run(1)
            results.append(machine.state()[-1])
    for result in results[1:]:
        assert_same_words(result, results[0], f"{m}x{n}x{k}")
    node_index = next(i for i, node in enumerate(program.nodes) if node.op.name == "DOT")
    a, stored = words_of(constants[0]), words_of(np.ascontiguousarray(constants[1].T))
    for index in (0, n - 1, m * n - 1, (m // 2) * n + n // 3):
        assert int(words_of(results[0])[index]) == element(program.nodes[node_index], index, [a, stored])
