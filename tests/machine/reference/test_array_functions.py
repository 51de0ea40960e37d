"""The array layer of the reference equals its word functions, which are the definition."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.machine.words import SPECIAL_FLOATS, SPECIAL_INTEGERS, Words, float_words, integer_words
from touchstone.machine.program import DType, MapFn
from touchstone.machine.reference import softfloat, vector_floats
from touchstone.machine.reference.functions import MAP_FUNCTIONS
from touchstone.machine.reference.vector_functions import ARRAY_FUNCTIONS
from touchstone.machine.signatures import SIGNATURES

RANDOM_CASES = 5_000
CROSSED = {1: 99, 2: 99, 3: 20}


def check_equal(fn: MapFn, operands: list[Words]) -> None:
    expected = [MAP_FUNCTIONS[fn](*words) for words in zip(*(operand.tolist() for operand in operands), strict=True)]
    computed = ARRAY_FUNCTIONS[fn](*operands)
    assert computed.dtype == np.uint32
    assert computed.tolist() == expected


@pytest.mark.parametrize("fn", list(MapFn), ids=lambda fn: fn.name)
def test_an_array_function_equals_its_word_function_on_random_words(fn: MapFn) -> None:
    rng = np.random.default_rng(fn)
    draw = {DType.F32: float_words, DType.I32: integer_words, None: float_words}
    check_equal(fn, [draw[dtype](rng, RANDOM_CASES) for dtype in SIGNATURES[fn].operands])


@pytest.mark.parametrize("fn", list(MapFn), ids=lambda fn: fn.name)
def test_an_array_function_equals_its_word_function_on_all_special_words(fn: MapFn) -> None:
    dtypes = SIGNATURES[fn].operands
    specials = [SPECIAL_INTEGERS if dtype is DType.I32 else SPECIAL_FLOATS for dtype in dtypes]
    crossed = itertools.product(*(words[:: -(-len(words) // CROSSED[len(dtypes)])] for words in specials))
    columns = np.array(list(crossed), dtype=np.uint32).T
    check_equal(fn, [np.ascontiguousarray(column) for column in columns])


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(-60, 60))
def test_the_array_fma_rounds_once_when_the_addend_is_near_the_product(seed: int, distance: int) -> None:
    """Sums that nearly cancel, and addends about half a unit of the last place of the product, are where rounding twice shows."""
    rng = np.random.default_rng(seed)
    a, b = float_words(rng, 200, specials=0.05), float_words(rng, 200, specials=0.05)
    product = vector_floats.mul(a, b)
    exponent = np.clip((product >> 23 & 0xFF).astype(np.int64) + distance, 0, 254).astype(np.uint32)
    signs = rng.integers(0, 2, 200, dtype=np.uint32) << np.uint32(31)
    sparse = signs | exponent << np.uint32(23)
    for c in (sparse, vector_floats.neg(product), np.bitwise_xor(product, np.uint32(1))):
        expected = [softfloat.fma(*words) for words in zip(a.tolist(), b.tolist(), c.tolist(), strict=True)]
        assert vector_floats.fma(a, b, c).tolist() == expected


def test_the_array_fma_keeps_what_a_second_rounding_would_lose() -> None:
    a = np.array([1 + 2.0**-12], dtype=np.float32)
    c = np.array([2.0**-66], dtype=np.float32)
    words = vector_floats.fma(a.view(np.uint32), a.view(np.uint32), c.view(np.uint32))
    assert words.view(np.float32)[0] == np.float32(1 + 2.0**-11 + 2.0**-23)


def nearly_half(rng: np.random.Generator, count: int) -> tuple[Words, Words]:
    """Factors whose products are powers of two but for a part that float64 loses beside a float 2**24 times as large."""
    m = rng.integers(1, 2**11, count) * 2.0**-23
    below = np.stack([1 + m, 1 - m])  # 1 - m**2
    x = rng.choice([2.0**-11, 2.0**-12], count)
    above = np.stack([1 + x, 1 - x + x * x])  # 1 + x**3
    left, right = np.where(rng.random(count) < 0.6, below, above).astype(np.float32)
    return left.view(np.uint32), right.view(np.uint32)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(-149, 127))
def test_the_array_fma_decides_ties_by_what_float64_would_lose(seed: int, exponent: int) -> None:
    """The addend is a random float of the exponent, the product almost exactly half a unit of its last place."""
    rng = np.random.default_rng(seed)
    a, b = nearly_half(rng, 200)
    sign = rng.choice([-1.0, 1.0], 200)
    half = float(np.exp2(max(exponent - 24, -150)))
    a = (a.view(np.float32) * np.float32(2.0 ** (exponent // 2)) * sign.astype(np.float32)).view(np.uint32)
    b = (b.view(np.float32) * np.float32(half / 2.0 ** (exponent // 2))).view(np.uint32)
    significands = rng.integers(0, 2**23, 200) if exponent < -126 else rng.integers(2**23, 2**24, 200)
    c = np.ldexp(significands.astype(np.float64), max(exponent - 23, -149)).astype(np.float32).view(np.uint32)
    expected = [softfloat.fma(*words) for words in zip(a.tolist(), b.tolist(), c.tolist(), strict=True)]
    assert vector_floats.fma(a, b, c).tolist() == expected
    mirrored = [word ^ 0x80000000 for word in expected]
    assert vector_floats.fma(vector_floats.neg(a), b, vector_floats.neg(c)).tolist() == mirrored
