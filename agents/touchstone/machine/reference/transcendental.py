"""exp, log, tanh and erf as the fixed sequences of section 3.7 of docs/specification/machine.md, on words.

Each line below is a line of the specification. Nothing may be simplified: the roundings of the intermediate results are the definition.
"""

from __future__ import annotations

from touchstone.machine.reference import integers as i32
from touchstone.machine.reference import softfloat as f32


def _words(*literals: str) -> tuple[int, ...]:
    return tuple(f32.word_of(float.fromhex(literal)) for literal in literals)


L2E, LN2_HI, LN2_LO = _words("0x1.715476p+0", "0x1.62e43p-1", "-0x1.05c61p-29")
EXPQ = _words("0x1.6d117cp-10", "0x1.120be2p-7", "0x1.555518p-5", "0x1.5554dcp-3", "0x1p-1")
LOGQ = _words(
    "0x1.1d8ea6p-4",
    "-0x1.d635bcp-4",
    "0x1.dea282p-4",
    "-0x1.fcf4c6p-4",
    "0x1.23d21ap-3",
    "-0x1.555b4ap-3",
    "0x1.999d5ap-3",
    "-0x1.fffffcp-3",
    "0x1.555554p-2",
)
TANHQ = _words("-0x1.8f8de4p-8", "0x1.58048ep-6", "-0x1.b9258ap-5", "0x1.110e1cp-3", "-0x1.555552p-2")
ERFQ = _words("0x1.581b9ap-14", "-0x1.a8d37ep-11", "0x1.549f5ep-8", "-0x1.b80a72p-6", "0x1.ce2ddap-4", "-0x1.812742p-2", "0x1.06eba8p-3")
ERFL = _words(
    "0x1.b90e7ap-20",
    "-0x1.834022p-15",
    "0x1.394e9ap-11",
    "-0x1.381f9ap-8",
    "0x1.b0fd8cp-6",
    "-0x1.c2eac2p-4",
    "-0x1.437e6cp-1",
    "-0x1.2156d2p+0",
    "0x1.4e0356p-12",
)

ZERO = f32.word_of(0.0)
ONE = f32.word_of(1.0)
TWO = f32.word_of(2.0)
FOUR = f32.word_of(4.0)
MINUS_HALF = f32.word_of(-0.5)
ROUNDER = f32.word_of(12582912.0)  # 1.5 * 2**23: adding it rounds to an integer
EXP_MIN, EXP_MAX = f32.word_of(-104.0), f32.word_of(89.0)
SMALLEST_NORMAL, TWO_TO_23 = f32.word_of(2.0**-126), f32.word_of(8388608.0)
TANH_SPLIT, ERF_SPLIT = f32.word_of(0.625), f32.word_of(0.92)


def exp(x: int) -> int:
    """The exponential function; 0 far below, infinity far above."""
    x = EXP_MIN if f32.less(x, EXP_MIN) else x
    x = EXP_MAX if f32.less(EXP_MAX, x) else x
    t = f32.fma(x, L2E, ROUNDER)
    n = f32.sub(t, ROUNDER)
    r = f32.fma(n, f32.neg(LN2_HI), x)
    r = f32.fma(n, f32.neg(LN2_LO), r)
    p = _horner(EXPQ, r)
    p = f32.fma(p, r, ONE)
    p = f32.fma(p, r, ONE)
    ni = i32.sub(t, 0x4B400000)
    n1 = i32.shift_right_arithmetic(ni, 1)
    n2 = i32.sub(ni, n1)
    p = f32.mul(p, i32.shift_left(i32.add(n1, 127), 23))
    return f32.mul(p, i32.shift_left(i32.add(n2, 127), 23))


def log(x0: int) -> int:
    """The natural logarithm; minus infinity at zero, NaN below."""
    subnormal = f32.less(x0, SMALLEST_NORMAL)
    x = f32.mul(x0, TWO_TO_23) if subnormal else x0
    ix = i32.sub(x, 0x3F3504F3)
    e = i32.shift_right_arithmetic(ix, 23)
    m = i32.add(i32.bit_and(ix, 0x7FFFFF), 0x3F3504F3)
    ef = f32.from_integer(i32.signed(e))
    ef = f32.sub(ef, f32.word_of(23.0) if subnormal else ZERO)
    f = f32.sub(m, ONE)
    z = f32.mul(f, f)
    p = _horner(LOGQ, f)
    p = f32.mul(f32.mul(p, f), z)
    p = f32.fma(ef, LN2_LO, p)
    p = f32.fma(z, MINUS_HALF, p)
    p = f32.add(f, p)
    p = f32.fma(ef, LN2_HI, p)
    p = f32.SIGN_BIT | f32.INFINITY if f32.equal(x0, ZERO) else p
    p = f32.NAN if f32.less(x0, ZERO) else p
    p = x0 if x0 == f32.INFINITY else p
    return f32.NAN if f32.is_nan(x0) else f32.canonical(p)


def tanh(x: int) -> int:
    """The hyperbolic tangent."""
    a = f32.absolute(x)
    z = f32.mul(x, x)
    s = _horner(TANHQ, z)
    s = f32.mul(s, z)
    s = f32.fma(s, x, x)
    denominator = f32.add(exp(f32.add(a, a)), ONE)
    large = f32.sub(ONE, f32.div(TWO, denominator))
    large = i32.bit_or(large, x & f32.SIGN_BIT)
    return f32.canonical(s if f32.less(a, TANH_SPLIT) else large)


def erf(x: int) -> int:
    """The error function."""
    a = f32.absolute(x)
    z = f32.mul(x, x)
    s = _horner(ERFQ, z)
    s = f32.fma(s, x, x)
    clamped = FOUR if f32.less(FOUR, a) else a
    large = f32.sub(ONE, exp(_horner(ERFL, clamped)))
    large = i32.bit_or(large, x & f32.SIGN_BIT)
    return f32.canonical(s if f32.less(a, ERF_SPLIT) else large)


def _horner(coefficients: tuple[int, ...], x: int) -> int:
    p = coefficients[0]
    for coefficient in coefficients[1:]:
        p = f32.fma(p, x, coefficient)
    return p
