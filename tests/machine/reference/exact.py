"""An independent definition of rounding to binary32: search the ordered words for the neighbours of an exact rational."""

from __future__ import annotations

from fractions import Fraction

INFINITY = 0x7F800000
SIGN = 0x80000000
TOO_LARGE = Fraction(2**128) - Fraction(2**103)  # halfway from the largest finite float to 2**128


def exact_value(word: int) -> Fraction:
    """Value of a finite word."""
    magnitude = word & 0x7FFFFFFF
    exponent, fraction = magnitude >> 23, magnitude & 0x7FFFFF
    value = Fraction(fraction, 2**149) if exponent == 0 else Fraction(2**23 + fraction) * Fraction(2) ** (exponent - 150)
    return -value if word & SIGN else value


def nearest_word(value: Fraction, zero: int = 0) -> int:
    """The word nearest to ``value``, ties to the even word; ``zero`` is the word for an exact zero."""
    if value == 0:
        return zero
    sign = SIGN if value < 0 else 0
    magnitude = abs(value)
    if magnitude >= TOO_LARGE:
        return sign | INFINITY
    low, high = 0, INFINITY  # exact_value(low) <= magnitude < exact_value(high); INFINITY stands for 2**128
    while high - low > 1:
        middle = (low + high) // 2
        if exact_value(middle) <= magnitude:
            low = middle
        else:
            high = middle
    below, above = magnitude - exact_value(low), exact_value(high) - magnitude
    if below == above:
        return sign | (low if low % 2 == 0 else high)
    return sign | (low if below < above else high)


def is_nan(word: int) -> bool:
    return word & 0x7FFFFFFF > INFINITY


def is_finite(word: int) -> bool:
    return word & 0x7FFFFFFF < INFINITY
