"""IEEE-754 binary32 arithmetic on 32-bit patterns, in exact integers.

Every function takes and returns *words*: the bit pattern of a float as an unsigned Python integer. Results are rounded once, to nearest,
ties to even, with subnormals; every NaN result is ``NAN``. This is the arithmetic of section 3.1 of docs/specification/machine.md, written
to be read and not to be fast: operands become integers times powers of two, the exact result is computed, and one function rounds it.
"""

from __future__ import annotations

import struct
from math import isqrt

NAN = 0x7FC00000
INFINITY = 0x7F800000
SIGN_BIT = 0x80000000
MAGNITUDE_MASK = 0x7FFFFFFF
ONE = 0x3F800000

_FRACTION_BITS = 23
_HIDDEN_BIT = 1 << _FRACTION_BITS
_FRACTION_MASK = _HIDDEN_BIT - 1
_MIN_EXPONENT = -149  # of the unit in the last place: subnormals are multiples of 2**-149
_BIAS = 150  # a normal float is (2**23 + fraction) * 2**(biased exponent - 150)


def word_of(value: float) -> int:
    """Word of the float nearest to a Python float (used for constants)."""
    (word,) = struct.unpack("<I", struct.pack("<f", value))
    return int(word)


def value_of(word: int) -> float:
    """The word's value as a Python float (exact)."""
    (value,) = struct.unpack("<f", struct.pack("<I", word))
    return float(value)


def is_nan(word: int) -> bool:
    """Whether the word is any NaN, canonical or not."""
    return word & MAGNITUDE_MASK > INFINITY


def is_infinite(word: int) -> bool:
    """Whether the word is plus or minus infinity."""
    return word & MAGNITUDE_MASK == INFINITY


def is_zero(word: int) -> bool:
    """Whether the word is +0 or -0."""
    return word & MAGNITUDE_MASK == 0


def canonical(word: int) -> int:
    """``NAN`` for every NaN, any other word unchanged."""
    return NAN if is_nan(word) else word


def neg(a: int) -> int:
    """Sign flipped."""
    return canonical(a ^ SIGN_BIT)


def absolute(a: int) -> int:
    """Sign cleared."""
    return canonical(a & MAGNITUDE_MASK)


def add(a: int, b: int) -> int:
    """a + b."""
    if is_nan(a) or is_nan(b):
        return NAN
    if is_infinite(a) or is_infinite(b):
        return _add_infinities(a, b)
    return _add_exact(_unpack(a), _unpack(b))


def sub(a: int, b: int) -> int:
    """a - b, which is a + (-b)."""
    return add(a, neg(b))


def mul(a: int, b: int) -> int:
    """a * b."""
    if is_nan(a) or is_nan(b):
        return NAN
    if is_infinite(a) or is_infinite(b):
        return NAN if is_zero(a) or is_zero(b) else _infinity(_sign(a) ^ _sign(b))
    return _round(*_product(a, b))


def fma(a: int, b: int, c: int) -> int:
    """a * b + c, rounded once."""
    if is_nan(a) or is_nan(b) or is_nan(c):
        return NAN
    if is_infinite(a) or is_infinite(b):
        product = mul(a, b)
        return add(product, c)
    if is_infinite(c):
        return c
    return _add_exact(_product(a, b), _unpack(c))


def div(a: int, b: int) -> int:
    """a / b."""
    sign = _sign(a) ^ _sign(b)
    if is_nan(a) or is_nan(b):
        return NAN
    if is_infinite(a):
        return NAN if is_infinite(b) else _infinity(sign)
    if is_infinite(b):
        return _zero(sign)
    if is_zero(b):
        return NAN if is_zero(a) else _infinity(sign)
    _, significand_a, exponent_a = _unpack(a)
    _, significand_b, exponent_b = _unpack(b)
    quotient, remainder = divmod(significand_a << 64, significand_b)
    return _round(sign, *_with_sticky(quotient, exponent_a - exponent_b - 64, remainder != 0))


def sqrt(a: int) -> int:
    """Square root; -0 for -0, NaN below zero."""
    if is_nan(a):
        return NAN
    if is_zero(a):
        return a
    if _sign(a):
        return NAN
    if is_infinite(a):
        return a
    _, significand, exponent = _unpack(a)
    shift = 64 if exponent % 2 == 0 else 65
    scaled = significand << shift
    root = isqrt(scaled)
    return _round(0, *_with_sticky(root, (exponent - shift) // 2, root * root != scaled))


def maximum(a: int, b: int) -> int:
    """The greater of a and b; NaN if either is NaN; -0 < +0."""
    if is_nan(a) or is_nan(b):
        return NAN
    return a if order_key(a) >= order_key(b) else b


def minimum(a: int, b: int) -> int:
    """The lesser of a and b; NaN if either is NaN; -0 < +0."""
    if is_nan(a) or is_nan(b):
        return NAN
    return a if order_key(a) <= order_key(b) else b


def less(a: int, b: int) -> bool:
    """a < b, false with a NaN; -0 = +0."""
    return not _unordered(a, b) and _signed_magnitude(a) < _signed_magnitude(b)


def less_or_equal(a: int, b: int) -> bool:
    """a <= b, false with a NaN; -0 = +0."""
    return not _unordered(a, b) and _signed_magnitude(a) <= _signed_magnitude(b)


def equal(a: int, b: int) -> bool:
    """a = b, false with a NaN; -0 = +0."""
    return not _unordered(a, b) and _signed_magnitude(a) == _signed_magnitude(b)


def from_integer(value: int) -> int:
    """The float nearest to a (signed) integer."""
    return _round(1 if value < 0 else 0, abs(value), 0)


def to_integer(a: int) -> int:
    """The integer toward zero, saturated to the range of i32; 0 for NaN."""
    if is_nan(a):
        return 0
    if is_infinite(a):
        return -(2**31) if _sign(a) else 2**31 - 1
    sign, significand, exponent = _unpack(a)
    magnitude = significand << exponent if exponent >= 0 else significand >> -exponent
    return max(-magnitude, -(2**31)) if sign else min(magnitude, 2**31 - 1)


def order_key(a: int) -> int:
    """An integer that orders all words but NaNs as ``maximum`` does: by value, -0 just below +0."""
    return -1 - (a & MAGNITUDE_MASK) if _sign(a) else a


def _sign(a: int) -> int:
    return a >> 31


def _zero(sign: int) -> int:
    return sign << 31


def _infinity(sign: int) -> int:
    return sign << 31 | INFINITY


def _unordered(a: int, b: int) -> bool:
    return is_nan(a) or is_nan(b)


def _signed_magnitude(a: int) -> int:
    magnitude = a & MAGNITUDE_MASK
    return -magnitude if _sign(a) else magnitude


def _unpack(a: int) -> tuple[int, int, int]:
    """(sign, significand, exponent) of a finite word, whose value is (-1)**sign * significand * 2**exponent."""
    biased = a >> _FRACTION_BITS & 0xFF
    fraction = a & _FRACTION_MASK
    if biased == 0:
        return _sign(a), fraction, _MIN_EXPONENT
    return _sign(a), fraction | _HIDDEN_BIT, biased - _BIAS


def _product(a: int, b: int) -> tuple[int, int, int]:
    """The exact product of two finite words, unpacked."""
    sign_a, significand_a, exponent_a = _unpack(a)
    sign_b, significand_b, exponent_b = _unpack(b)
    return sign_a ^ sign_b, significand_a * significand_b, exponent_a + exponent_b


def _add_infinities(a: int, b: int) -> int:
    """Sum of two words, at least one of them infinite and none NaN."""
    if is_infinite(a) and is_infinite(b) and a != b:
        return NAN
    return a if is_infinite(a) else b


def _add_exact(a: tuple[int, int, int], b: tuple[int, int, int]) -> int:
    """Sum of two unpacked numbers, rounded once. A sum of zero is -0 only when both are negative (section 6.3 of IEEE 754)."""
    sign_a, significand_a, exponent_a = a
    sign_b, significand_b, exponent_b = b
    exponent = min(exponent_a, exponent_b)
    aligned_a = significand_a << (exponent_a - exponent)
    aligned_b = significand_b << (exponent_b - exponent)
    total = (-aligned_a if sign_a else aligned_a) + (-aligned_b if sign_b else aligned_b)
    if total == 0:
        return _zero(sign_a & sign_b)
    return _round(1 if total < 0 else 0, abs(total), exponent)


def _with_sticky(significand: int, exponent: int, inexact: bool) -> tuple[int, int]:
    """Append one bit that says whether anything nonzero lies below; enough to round when many more than 24 bits are kept."""
    return significand << 1 | int(inexact), exponent - 1


def _round(sign: int, significand: int, exponent: int) -> int:
    """The word nearest to (-1)**sign * significand * 2**exponent, ties to even."""
    if significand == 0:
        return _zero(sign)
    last_place = max(exponent + significand.bit_length() - 24, _MIN_EXPONENT)
    kept = _round_shift(significand, last_place - exponent)
    if kept == 1 << 24:  # rounding carried into a new bit
        kept >>= 1
        last_place += 1
    if kept < _HIDDEN_BIT:  # subnormal: last_place is _MIN_EXPONENT
        return _zero(sign) | kept
    biased = last_place + _BIAS
    if biased >= 0xFF:
        return _infinity(sign)
    return _zero(sign) | biased << _FRACTION_BITS | kept & _FRACTION_MASK


def _round_shift(significand: int, shift: int) -> int:
    """significand / 2**shift as an integer, to nearest, ties to even."""
    if shift <= 0:
        return significand << -shift
    kept = significand >> shift
    dropped = significand - (kept << shift)
    half = 1 << (shift - 1)
    if dropped > half or (dropped == half and kept & 1):
        kept += 1
    return kept
