"""binary32 arithmetic on whole arrays of words with numpy, for running programs in the reference.

``softfloat.py`` defines the results; tests prove these equal to it. numpy's float32 add, subtract, multiply, divide and sqrt are correctly
rounded (IEEE 754); its NaN payloads are not ours and are made canonical; it has no fma, so that is built from exact pieces.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from touchstone.machine.reference.reads import Words
from touchstone.machine.reference.softfloat import INFINITY, MAGNITUDE_MASK, NAN, SIGN_BIT

Floats = npt.NDArray[np.float32]
Booleans = npt.NDArray[np.bool_]

_NAN = np.uint32(NAN)
_SIGN = np.uint32(SIGN_BIT)
_MAGNITUDE = np.uint32(MAGNITUDE_MASK)


def floats(words: Words) -> Floats:
    """The words read as floats."""
    return words.view(np.float32)


def is_nan(words: Words) -> Booleans:
    """Whether each word is any NaN."""
    return (words & _MAGNITUDE) > np.uint32(INFINITY)


def canonical(words: Words) -> Words:
    """``NAN`` for every NaN, other words unchanged."""
    return np.where(is_nan(words), _NAN, words)


def neg(a: Words) -> Words:
    """Sign flipped."""
    return canonical(a ^ _SIGN)


def absolute(a: Words) -> Words:
    """Sign cleared."""
    return canonical(a & _MAGNITUDE)


def add(a: Words, b: Words) -> Words:
    """a + b."""
    return _arithmetic(np.add, a, b)


def sub(a: Words, b: Words) -> Words:
    """a - b."""
    return _arithmetic(np.subtract, a, b)


def mul(a: Words, b: Words) -> Words:
    """a * b."""
    return _arithmetic(np.multiply, a, b)


def div(a: Words, b: Words) -> Words:
    """a / b."""
    return _arithmetic(np.divide, a, b)


def sqrt(a: Words) -> Words:
    """Square root."""
    return _arithmetic(np.sqrt, a)


def fma(a: Words, b: Words, c: Words) -> Words:
    """a * b + c, rounded once.

    The product of two 24-bit significands is exact in float64. The sum is rounded to float64 *to odd*: when it is inexact, to the one of
    its two float64 neighbours whose last bit is 1. Rounding that to float32 equals rounding the exact sum, because float64 keeps more than
    two bits beyond float32 (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd",
    2008).
    """
    with np.errstate(all="ignore"):
        product = floats(a).astype(np.float64) * floats(b).astype(np.float64)
        addend = floats(c).astype(np.float64)
        total = product + addend
        error = _sum_error(product, addend, total)
        return _words_of(_to_odd(total, error).astype(np.float32))


def maximum(a: Words, b: Words) -> Words:
    """The greater; NaN if either is NaN; -0 < +0."""
    return np.where(is_nan(a) | is_nan(b), _NAN, np.where(order_key(a) >= order_key(b), a, b))


def minimum(a: Words, b: Words) -> Words:
    """The lesser; NaN if either is NaN; -0 < +0."""
    return np.where(is_nan(a) | is_nan(b), _NAN, np.where(order_key(a) <= order_key(b), a, b))


def less(a: Words, b: Words) -> Booleans:
    """a < b; false with a NaN."""
    return np.less(floats(a), floats(b))


def less_or_equal(a: Words, b: Words) -> Booleans:
    """a <= b; false with a NaN."""
    return np.less_equal(floats(a), floats(b))


def equal(a: Words, b: Words) -> Booleans:
    """a = b; false with a NaN."""
    return np.equal(floats(a), floats(b))


def from_integer(a: Words) -> Words:
    """The float nearest to each i32."""
    return _words_of(a.view(np.int32).astype(np.float32))


def to_integer(a: Words) -> Words:
    """The i32 toward zero, saturating; 0 for NaN."""
    exact = floats(np.where(is_nan(a), np.uint32(0), a)).astype(np.float64)
    return np.trunc(np.clip(exact, -(2.0**31), 2.0**31 - 1)).astype(np.int64).astype(np.uint32)


def order_key(a: Words) -> npt.NDArray[np.int64]:
    """Integers that order all words but NaNs as ``maximum`` does."""
    magnitude = (a & _MAGNITUDE).astype(np.int64)
    return np.where(a >= _SIGN, -1 - magnitude, magnitude)


def _arithmetic(operation: Callable[..., Floats], *operands: Words) -> Words:
    with np.errstate(all="ignore"):
        return _words_of(operation(*(floats(operand) for operand in operands)))


def _words_of(result: Floats) -> Words:
    return canonical(np.asarray(result, dtype=np.float32).view(np.uint32))


def _sum_error(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64], total: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """a + b - total exactly (Knuth's TwoSum), 0 where the sum is not finite."""
    a_part = total - b
    b_part = total - a_part
    error = (a - a_part) + (b - b_part)
    return np.where(np.isfinite(total), error, 0.0)


def _to_odd(total: npt.NDArray[np.float64], error: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """``total + error`` rounded to odd, given ``total`` rounded to nearest."""
    bits = total.view(np.int64)
    move = (error != 0) & (bits & 1 == 0)
    away_from_zero = (error > 0) == (total > 0)
    return np.where(move, bits + np.where(away_from_zero, 1, -1), bits).view(np.float64)
