"""binary32 arithmetic on words against exact rationals and against the processor."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from math import isqrt

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.machine.reference.exact import SIGN, exact_value, is_finite, is_nan, nearest_word
from tests.machine.words import SPECIAL_FLOATS, Words, float_words
from touchstone.machine.reference import softfloat as f32

NAN, INFINITY = 0x7FC00000, 0x7F800000
ONE, MINUS_ZERO = 0x3F800000, SIGN


def numbers() -> st.SearchStrategy[int]:
    """Words: any bits, special ones, and ones with few significant bits, whose sums and products often lie halfway."""
    sparse = st.builds(
        lambda sign, exponent, one, two: sign << 31 | exponent << 23 | (1 << one) ^ (1 << two),
        st.integers(0, 1),
        st.integers(0, 254),
        st.integers(0, 22),
        st.integers(0, 22),
    )
    return st.one_of(st.integers(0, 2**32 - 1), st.sampled_from(SPECIAL_FLOATS), sparse)


def finite() -> st.SearchStrategy[int]:
    return numbers().filter(is_finite)


FEW_EXAMPLES = settings(deadline=None, max_examples=400)


@FEW_EXAMPLES
@given(finite(), finite())
def test_a_sum_is_the_exact_sum_rounded(a: int, b: int) -> None:
    both_negative_zero = a == b == MINUS_ZERO
    assert f32.add(a, b) == nearest_word(exact_value(a) + exact_value(b), MINUS_ZERO if both_negative_zero else 0)


@FEW_EXAMPLES
@given(finite(), finite())
def test_a_product_is_the_exact_product_rounded(a: int, b: int) -> None:
    assert f32.mul(a, b) == nearest_word(exact_value(a) * exact_value(b), (a ^ b) & SIGN)


@FEW_EXAMPLES
@given(finite(), finite())
def test_a_quotient_is_the_exact_quotient_rounded(a: int, b: int) -> None:
    assume(exact_value(b) != 0)
    assert f32.div(a, b) == nearest_word(exact_value(a) / exact_value(b), (a ^ b) & SIGN)


@settings(deadline=None, max_examples=1500)
@given(finite(), finite(), finite(), st.integers(-30, 30))
@example(0x3F800001, 0x3F800001, 0x33800000, 0)
def test_a_fused_multiply_add_is_rounded_once(a: int, b: int, c: int, distance: int) -> None:
    near = (a >> 23 & 0xFF) + (b >> 23 & 0xFF) - 127 + distance
    for addend in (c, c & 0x807FFFFF | min(max(near, 0), 254) << 23):
        value = exact_value(a) * exact_value(b) + exact_value(addend)
        all_negative_zero = addend == MINUS_ZERO and (a ^ b) & SIGN and exact_value(a) * exact_value(b) == 0
        assert f32.fma(a, b, addend) == nearest_word(value, MINUS_ZERO if all_negative_zero else 0)


def test_a_fused_multiply_add_is_not_the_float64_result_rounded_again() -> None:
    a = b = f32.word_of(1 + 2.0**-12)  # the product is 1 + 2**-11 + 2**-24, halfway between two floats
    c = f32.word_of(2.0**-66)  # lost in float64, but it decides the tie
    through_float64 = np.float32(f32.value_of(a) * f32.value_of(b) + f32.value_of(c))
    assert f32.fma(a, b, c) == f32.word_of(float(through_float64)) + 1


@FEW_EXAMPLES
@given(finite())
def test_a_square_root_is_the_nearest_float(a: int) -> None:
    assume(not a & SIGN and a != 0)
    value = exact_value(a)
    bits = 400  # floor(sqrt(value) * 2**400), with the remainder's sign, decides every rounding
    scaled = value * 4**bits
    root = isqrt(scaled.numerator // scaled.denominator)
    sticky = Fraction(1, 2) if Fraction(root) ** 2 != scaled else Fraction(0)
    assert f32.sqrt(a) == nearest_word((root + sticky) / Fraction(2) ** bits)


@pytest.mark.parametrize("operation", [f32.add, f32.sub, f32.mul, f32.div, f32.maximum, f32.minimum])
@pytest.mark.parametrize("nan", [0x7FC00000, 0x7F800001, 0xFFFFFFFF])
def test_a_nan_operand_gives_the_canonical_nan(operation: Callable[[int, int], int], nan: int) -> None:
    for other in SPECIAL_FLOATS:
        assert operation(nan, other) == operation(other, nan) == NAN


@pytest.mark.parametrize("operation", [f32.neg, f32.absolute, f32.sqrt])
def test_one_operand_functions_make_nans_canonical(operation: Callable[[int], int]) -> None:
    assert operation(0xFF800001) == NAN


def test_infinities_follow_ieee_754() -> None:
    minus = INFINITY | SIGN
    assert f32.add(INFINITY, minus) == NAN
    assert f32.sub(INFINITY, INFINITY) == NAN
    assert f32.add(INFINITY, ONE) == INFINITY
    assert f32.mul(INFINITY, 0) == NAN
    assert f32.mul(INFINITY, ONE | SIGN) == minus
    assert f32.div(INFINITY, minus) == NAN
    assert f32.div(ONE, minus) == MINUS_ZERO
    assert f32.div(ONE, MINUS_ZERO) == minus
    assert f32.div(0, MINUS_ZERO) == NAN
    assert f32.sqrt(INFINITY) == INFINITY
    assert f32.sqrt(minus) == NAN
    assert f32.sqrt(MINUS_ZERO) == MINUS_ZERO
    assert f32.fma(INFINITY, 0, ONE) == NAN
    assert f32.fma(INFINITY, ONE, minus) == NAN
    assert f32.fma(ONE, ONE, minus) == minus


def test_two_operand_arithmetic_equals_the_processor_on_special_and_random_words() -> None:
    rng = np.random.default_rng(5)
    pairs = np.array(list(itertools.product(SPECIAL_FLOATS, repeat=2)), dtype=np.uint32)
    a = np.concatenate([pairs[:, 0], float_words(rng, 20_000)])
    b = np.concatenate([pairs[:, 1], float_words(rng, 20_000)])
    operations = ((np.add, f32.add), (np.subtract, f32.sub), (np.multiply, f32.mul), (np.divide, f32.div))
    for processor, ours in operations:
        with np.errstate(all="ignore"):
            expected = processor(a.view(np.float32), b.view(np.float32)).view(np.uint32)
        assert [ours(*pair) for pair in zip(a.tolist(), b.tolist(), strict=True)] == canonical(expected)


def canonical(words: Words) -> list[int]:
    return [NAN if is_nan(word) else word for word in words.tolist()]


def test_maximum_and_minimum_order_the_zeros() -> None:
    assert f32.maximum(MINUS_ZERO, 0) == f32.maximum(0, MINUS_ZERO) == 0
    assert f32.minimum(MINUS_ZERO, 0) == f32.minimum(0, MINUS_ZERO) == MINUS_ZERO


@FEW_EXAMPLES
@given(finite(), finite())
def test_comparisons_maximum_and_minimum_agree_with_exact_values(a: int, b: int) -> None:
    left, right = exact_value(a), exact_value(b)
    assert f32.less(a, b) == (left < right)
    assert f32.less_or_equal(a, b) == (left <= right)
    assert f32.equal(a, b) == (left == right)
    assert exact_value(f32.maximum(a, b)) == max(left, right)
    assert exact_value(f32.minimum(a, b)) == min(left, right)


def test_comparisons_with_nan_are_false() -> None:
    for compare in (f32.less, f32.less_or_equal, f32.equal):
        assert not compare(NAN, NAN)
        assert not compare(ONE, NAN)
        assert not compare(0xFFFFFFFF, ONE)


def test_comparisons_order_infinities() -> None:
    assert f32.less(INFINITY | SIGN, 0xFF7FFFFF)
    assert f32.less(0x7F7FFFFF, INFINITY)
    assert f32.equal(INFINITY, INFINITY)


@FEW_EXAMPLES
@given(st.integers(-(2**31), 2**31 - 1))
@example(2**24 + 1)
@example(-(2**31))
@example(2**31 - 1)
def test_an_integer_becomes_the_nearest_float(value: int) -> None:
    assert f32.from_integer(value) == nearest_word(Fraction(value))


@FEW_EXAMPLES
@given(numbers())
def test_a_float_becomes_an_integer_toward_zero_and_saturates(a: int) -> None:
    if is_nan(a):
        expected = 0
    elif not is_finite(a):
        expected = -(2**31) if a & SIGN else 2**31 - 1
    else:
        expected = min(max(int(exact_value(a)), -(2**31)), 2**31 - 1)
    assert f32.to_integer(a) == expected


@FEW_EXAMPLES
@given(finite())
def test_words_and_python_floats_convert_exactly(a: int) -> None:
    assert f32.word_of(f32.value_of(a)) == a
    assert Fraction(f32.value_of(a)) == exact_value(a)
