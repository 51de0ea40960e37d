"""i32 arithmetic on 32-bit words (unsigned Python integers), section 3.1 of docs/specification/machine.md. Everything wraps."""

from __future__ import annotations

_MASK = 0xFFFFFFFF


def signed(word: int) -> int:
    """The word read as two's complement."""
    return word - (1 << 32) if word >> 31 else word


def wrap(value: int) -> int:
    """The word of an integer modulo 2**32."""
    return value & _MASK


def add(a: int, b: int) -> int:
    """a + b."""
    return wrap(a + b)


def sub(a: int, b: int) -> int:
    """a - b."""
    return wrap(a - b)


def mul(a: int, b: int) -> int:
    """a * b."""
    return wrap(a * b)


def div(a: int, b: int) -> int:
    """a / b toward zero; x / 0 = 0; -2**31 / -1 = -2**31 (it wraps)."""
    if b == 0:
        return 0
    magnitude = abs(signed(a)) // abs(signed(b))
    negative = (a ^ b) >> 31
    return wrap(-magnitude if negative else magnitude)


def mod(a: int, b: int) -> int:
    """a - b * div(a, b); x mod 0 = 0."""
    if b == 0:
        return 0
    return sub(a, mul(b, div(a, b)))


def bit_and(a: int, b: int) -> int:
    """Bits set in both."""
    return a & b


def bit_or(a: int, b: int) -> int:
    """Bits set in either."""
    return a | b


def bit_xor(a: int, b: int) -> int:
    """Bits set in exactly one."""
    return a ^ b


def shift_left(a: int, b: int) -> int:
    """a << (b & 31)."""
    return wrap(a << (b & 31))


def shift_right(a: int, b: int) -> int:
    """Unsigned a >> (b & 31)."""
    return a >> (b & 31)


def shift_right_arithmetic(a: int, count: int) -> int:
    """Signed a >> count; only used inside the transcendental sequences."""
    return wrap(signed(a) >> count)


def less(a: int, b: int) -> bool:
    """a < b, signed."""
    return signed(a) < signed(b)


def less_or_equal(a: int, b: int) -> bool:
    """a <= b, signed."""
    return signed(a) <= signed(b)


def equal(a: int, b: int) -> bool:
    """a = b."""
    return a == b
