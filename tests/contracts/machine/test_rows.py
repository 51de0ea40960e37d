"""Dot products, reductions and random bits in Solidity against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.contracts.machine.operands import CHAIN_KINDS, Words, chain_rows
from tests.machine.words import float_words, integer_words
from touchstone.machine.program import DType, Kind, Node, Op, Operand, ReduceFn, Ref, TensorType
from touchstone.machine.reference import element_from_reads, evaluate
from touchstone.machine.reference.philox import philox4x32

LENGTHS = [1, 2, 7, 8, 9, 31, 32, 33, 64, 255, 256, 257, 511, 512, 513, 1000]


@pytest.mark.parametrize("kind", CHAIN_KINDS)
def test_a_dot_product_gives_the_reference_word_for_every_length_and_kind_of_numbers(machine: Any, kind: str) -> None:
    rng = np.random.default_rng(CHAIN_KINDS.index(kind))
    for terms in LENGTHS + [int(n) for n in rng.integers(1, 300, 60)]:
        a, b = chain_rows(rng, terms, kind)
        assert machine.dot(_bytes(a), _bytes(b)) == _dot(a, b), (kind, terms)


def test_what_a_subnormal_cannot_hold_is_rounded_away_before_the_next_term(machine: Any) -> None:
    # A pair of terms cancels to what the rounding of the first lost, partly below the last bit of any subnormal. The third term is just
    # small enough that those bits, had they been kept, would now and then tip its rounding.
    rng = np.random.default_rng(5)
    for _ in range(12):
        a, b = _vanishing_triples(rng, 400)
        words = np.frombuffer(machine.dotsOfEight(_bytes(a.reshape(-1)), _bytes(b.reshape(-1))), dtype=">u8").reshape(-1, 4)[:, 3]
        assert np.array_equal(words, _dots(a, b))


def test_the_fast_path_of_a_dot_product_equals_one_fma_after_another(machine: Any) -> None:
    rng = np.random.default_rng(1)
    for trial in range(150):
        a, b = chain_rows(rng, int(rng.integers(1, 257)), CHAIN_KINDS[trial % len(CHAIN_KINDS)])
        assert machine.dot(_bytes(a), _bytes(b)) == machine.plainChain(_bytes(a), _bytes(b)), trial


def test_a_dot_product_is_the_same_wherever_its_rows_start(machine: Any) -> None:
    rng = np.random.default_rng(2)
    a, b = chain_rows(rng, 300, "mixed")
    expected = _dot(a, b)
    assert machine.dot(_bytes(a), _bytes(b)) == expected
    # A calldata row starts at no particular alignment: the encoding of the second row follows the first, of any length.
    for terms in range(280, 300):
        assert machine.dot(_bytes(a[:terms]), _bytes(b)) == _dot(a[:terms], b[:terms])


@pytest.mark.parametrize("dtype", [DType.F32, DType.I32], ids=["f32", "i32"])
@pytest.mark.parametrize("fn", list(ReduceFn), ids=lambda fn: fn.name)
def test_a_reduction_gives_the_reference_word_for_every_length(machine: Any, fn: ReduceFn, dtype: DType) -> None:
    rng = np.random.default_rng(int(fn))
    lengths = [1, 2, 3, 31, 32, 33, 63, 64, 65, 100, 1000, 4095, 4096, 4097, 4128, 4129, 8191, 8192]
    for length in lengths + [int(n) for n in rng.integers(1, 200, 60)]:
        for row in _rows(rng, length, dtype):
            found = machine.reduce(int(fn), dtype is DType.F32, _bytes(row))
            assert found == _reduce(fn, dtype, row), (length, row[:8])


def test_argmax_finds_the_first_of_equals_and_the_first_nan(machine: Any) -> None:
    rows = [
        [0x80000000, 0x00000000, 0x00000000],  # −0 < +0
        [0x3F800000, 0x7FC00001, 0xFFFFFFFF],
        [0xFFC00000, 0x7F800000],
        [0xFF800000, 0xFF800000],
    ]
    for row, expected in zip(rows, [1, 1, 0, 0], strict=True):
        assert machine.reduce(int(ReduceFn.ARGMAX), True, _bytes(np.array(row, dtype=np.uint32))) == expected


@pytest.mark.parametrize("dtype", [DType.F32, DType.I32], ids=["f32", "i32"])
def test_an_element_of_scatter_add_gets_the_reference_word_for_every_number_of_sources(machine: Any, dtype: DType) -> None:
    rng = np.random.default_rng(6)
    for count in [1, 2, 7, 8, 9, 16, 31, 255, 256, 257, 1000] + [int(n) for n in rng.integers(1, 200, 60)]:
        for rows in (1, 3, 40):
            base, sources = (_rows(rng, length, dtype)[-1] for length in (rows, count))
            index = rng.integers(-2, rows + 2, count).astype(np.int32).view(np.uint32)
            for row in range(min(rows, 3)):
                found = machine.scatter(int(base[row]), row, _bytes(index), _bytes(sources), dtype is DType.F32)
                assert found == _scatter(dtype, base, index, sources, row), (count, rows, row)


def test_a_word_of_base_that_no_index_names_is_carried_verbatim(machine: Any) -> None:
    index, sources = np.array([1, 0xFFFFFFFF, 0x80000000], dtype=np.uint32), np.full(3, 0x3F800000, dtype=np.uint32)
    for word in (0x80000000, 0x7F800001, 0xFFFFFFFF):
        assert machine.scatter(word, 0, _bytes(index), _bytes(sources), True) == word
        assert machine.scatter(word, 2**31 - 2, _bytes(index), _bytes(sources), True) == word


def test_an_index_beyond_the_last_source_is_not_looked_at(machine: Any) -> None:
    # In calldata the indices are followed by padding of zeros and the length of the sources: row 0 must not take those for indices.
    for count in range(1, 17):
        index, sources = np.full(count, 7, dtype=np.uint32), np.full(count, 0x3F800000, dtype=np.uint32)
        assert machine.scatter(0, 0, _bytes(index), _bytes(sources), True) == 0
        assert machine.scatter(0, 7, _bytes(index), _bytes(sources), True) == int(np.float32(count).view(np.uint32))


def test_philox_gives_the_reference_words_and_those_of_its_authors(machine: Any) -> None:
    # Random123, kat_vectors: philox4x32 10 rounds
    everything = 0xFFFFFFFF
    assert list(machine.philox([0] * 4, 0, 0)) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    assert list(machine.philox([everything] * 4, everything, everything)) == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]
    rng = np.random.default_rng(3)
    for _ in range(50):
        counter, key = [int(w) for w in rng.integers(0, 2**32, 4)], [int(w) for w in rng.integers(0, 2**32, 2)]
        assert list(machine.philox(counter, *key)) == list(philox4x32(tuple(counter), tuple(key)))


def test_the_highest_bit_without_clz_is_that_of_python(machine: Any) -> None:
    rng = np.random.default_rng(4)
    for position in range(256):
        noise = int.from_bytes(rng.bytes(32)) & ((1 << position) - 1)
        assert machine.portableHighest(1 << position | noise) == position


def _rows(rng: np.random.Generator, length: int, dtype: DType) -> list[Words]:
    if dtype is DType.I32:
        return [integer_words(rng, length)]
    ordinary = float_words(rng, length, specials=0.0)
    return [ordinary, float_words(rng, length, specials=0.02), ordinary & np.uint32(0x80FFFFFF)]


def _vanishing_triples(rng: np.random.Generator, count: int) -> tuple[Words, Words]:
    """Rows of eight terms: x · y, −x · y, a small third product, and zeros."""
    a, b = np.zeros((count, 8), dtype=np.uint32), np.full((count, 8), 0x3F800000, dtype=np.uint32)
    exponents = rng.integers(60, 66, (count, 3))
    partners = rng.integers([139, 139, 133], [146, 146, 138], (count, 3)) - exponents
    a[:, :3] = rng.integers(0, 2**23, (count, 3)) | exponents << 23
    b[:, :3] = rng.integers(0, 2**23, (count, 3)) | partners << 23
    a[:, 1], b[:, 1] = a[:, 0] ^ np.uint32(0x80000000), b[:, 0]
    return a, b


def _dots(a: Words, b: Words) -> Words:
    """The dot product of each row of ``a`` with that of ``b``."""
    shape = TensorType(DType.F32, (len(a), 1, a.shape[1]))
    operands = tuple(Operand(Ref(Kind.CONSTANT, number), shape) for number in range(2))
    return evaluate(Node(Op.DOT, 0, TensorType(DType.F32, (len(a), 1, 1)), operands), [a.reshape(-1), b.reshape(-1)])


def _dot(a: Words, b: Words) -> int:
    """By the reference's array functions, which its own tests prove equal to its element functions."""
    shape = TensorType(DType.F32, (1, len(a)))
    operands = tuple(Operand(Ref(Kind.CONSTANT, number), shape) for number in range(2))
    node = Node(Op.DOT, 0, TensorType(DType.F32, (1, 1)), operands)
    return int(evaluate(node, [a, b])[0])


def _reduce(fn: ReduceFn, dtype: DType, row: Words) -> int:
    operand = Operand(Ref(Kind.CONSTANT, 0), TensorType(dtype, (len(row),)))
    node = Node(Op.REDUCE, fn, TensorType(DType.I32 if fn is ReduceFn.ARGMAX else dtype, ()), (operand,))
    return int(evaluate(node, [row])[0]) if len(row) > 200 else element_from_reads(node, 0, [row.tolist()])


def _scatter(dtype: DType, base: Words, index: Words, sources: Words, row: int) -> int:
    """Element ``row`` of a scatter_add to one column."""
    shapes = [TensorType(dtype, (len(base), 1)), TensorType(DType.I32, index.shape), TensorType(dtype, (1, len(sources)))]
    operands = tuple(Operand(Ref(Kind.CONSTANT, number), shape) for number, shape in enumerate(shapes))
    return int(evaluate(Node(Op.SCATTER_ADD, 0, shapes[0], operands), [base, index, sources])[row])


def _bytes(words: Words) -> bytes:
    return words.astype("<u4").tobytes()
