"""i32 arithmetic on words against Python's integers and the rules of section 3.1."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.machine.words import SPECIAL_INTEGERS
from touchstone.machine.program import MapFn
from touchstone.machine.reference import integers as i32
from touchstone.machine.reference.functions import MAP_FUNCTIONS

WORDS = st.one_of(st.integers(0, 2**32 - 1), st.sampled_from(SPECIAL_INTEGERS))
LEAST = 0x80000000
MINUS_ONE = 0xFFFFFFFF


def signed(word: int) -> int:
    return int.from_bytes(word.to_bytes(4, "little"), "little", signed=True)


@settings(deadline=None, max_examples=500)
@given(WORDS, WORDS)
def test_sums_differences_and_products_wrap(a: int, b: int) -> None:
    assert i32.add(a, b) == (signed(a) + signed(b)) % 2**32
    assert i32.sub(a, b) == (signed(a) - signed(b)) % 2**32
    assert i32.mul(a, b) == (signed(a) * signed(b)) % 2**32


@settings(deadline=None, max_examples=500)
@given(WORDS, WORDS.filter(lambda word: word != 0))
def test_division_truncates_and_the_remainder_has_the_sign_of_the_dividend(a: int, b: int) -> None:
    quotient, remainder = i32.div(a, b), i32.mod(a, b)
    if (a, b) != (LEAST, MINUS_ONE):
        assert signed(quotient) * signed(b) + signed(remainder) == signed(a)
    assert abs(signed(remainder)) < abs(signed(b))
    assert signed(remainder) == 0 or (signed(remainder) < 0) == (signed(a) < 0)


def test_division_is_total() -> None:
    assert i32.div(7, 0) == i32.mod(7, 0) == 0
    assert i32.div(LEAST, MINUS_ONE) == LEAST
    assert i32.mod(LEAST, MINUS_ONE) == 0


@settings(deadline=None, max_examples=300)
@given(WORDS, WORDS)
def test_shifts_use_five_bits_and_the_right_one_is_logical(a: int, b: int) -> None:
    assert i32.shift_left(a, b) == a * 2 ** (b % 32) % 2**32
    assert i32.shift_right(a, b) == a // 2 ** (b % 32)


@settings(deadline=None, max_examples=300)
@given(WORDS, WORDS)
def test_comparisons_are_signed(a: int, b: int) -> None:
    assert MAP_FUNCTIONS[MapFn.ILT](a, b) == int(signed(a) < signed(b))
    assert MAP_FUNCTIONS[MapFn.ILE](a, b) == int(signed(a) <= signed(b))
    assert MAP_FUNCTIONS[MapFn.IEQ](a, b) == int(a == b)


@settings(deadline=None, max_examples=300)
@given(WORDS, st.integers(0, 31))
def test_the_arithmetic_shift_keeps_the_sign(a: int, count: int) -> None:
    assert signed(i32.shift_right_arithmetic(a, count)) == signed(a) // 2**count


def test_select_carries_words_verbatim() -> None:
    select = MAP_FUNCTIONS[MapFn.SELECT]
    assert select(LEAST, 0x7F800001, 5) == 0x7F800001
    assert select(0, 5, 0xFFC12345) == 0xFFC12345
