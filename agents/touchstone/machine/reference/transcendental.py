"""exp, log, tanh, erf, sin and cos as the fixed sequences of section 3.7 of docs/specification/machine.md, on words.

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
TWO_OVER_PI = f32.word_of(float.fromhex("0x1.45f306p-1"))
PIO2 = _words("0x1.921fb6p+0", "-0x1.777a5cp-25", "-0x1.ee59dap-50")  # their sum is pi / 2
SINQ = _words("0x1.6da8ecp-19", "-0x1.a01366p-13", "0x1.11110ep-7", "-0x1.555556p-3")
COSQ = _words("-0x1.251636p-22", "0x1.a01598p-16", "-0x1.6c16cp-10", "0x1.555556p-5")
LARGE_ANGLE = f32.word_of(131072.0)
TWO_OVER_PI_192 = 0xA2F9836E_4E441529_FC2757D1_F534DDC0_DB629599_3C439041  # 2 / pi in units of 2**-192, rounded down
PIO2_62 = 0x6487ED51_10B4611A  # pi / 2 in units of 2**-62, rounded down

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


def sin(x: int) -> int:
    """The sine of an angle in radians; NaN at infinity."""
    quadrant, r = _quadrant(x)
    return _sine_of_quadrant(quadrant, r)


def cos(x: int) -> int:
    """The cosine of an angle in radians; NaN at infinity."""
    quadrant, r = _quadrant(x)
    return _sine_of_quadrant(quadrant + 1, r)


def _sine_of_quadrant(quadrant: int, r: int) -> int:
    """sin(r + quadrant * pi / 2), for r about as large as pi / 4 at most."""
    z = f32.mul(r, r)
    s = f32.mul(_horner(SINQ, z), z)
    s = f32.fma(s, r, r)
    c = f32.fma(_horner(COSQ, z), z, MINUS_HALF)
    c = f32.fma(c, z, ONE)
    result = c if quadrant & 1 else s
    return f32.canonical(result ^ f32.SIGN_BIT if quadrant & 2 else result)


def _quadrant(x: int) -> tuple[int, int]:
    """The multiple of pi / 2 nearest to x (or almost), and what is left."""
    a = f32.absolute(x)
    if f32.less_or_equal(LARGE_ANGLE, a) and f32.less(a, f32.INFINITY):
        quadrant, r = _large_quadrant(a)
        return (-quadrant, f32.neg(r)) if x & f32.SIGN_BIT else (quadrant, r)
    t = f32.fma(x, TWO_OVER_PI, ROUNDER)
    n = f32.sub(t, ROUNDER)
    r = x
    for part in PIO2:
        r = f32.fma(n, f32.neg(part), r)
    return i32.sub(t, ROUNDER), r


def _large_quadrant(a: int) -> tuple[int, int]:
    """The same for a large positive finite number, from as many bits of 2 / pi as matter (Payne and Hanek, 1983)."""
    exponent, significand = (a >> 23) - 150, a & 0x7FFFFF | 0x800000
    window = TWO_OVER_PI_192 >> (106 - exponent) & (1 << 88) - 1
    turns = significand * window >> 24 & (1 << 64) - 1  # quarter turns modulo 4, in units of 2**-62
    quadrant = turns + (1 << 61) >> 62
    rest = (turns - (quadrant << 62)) * PIO2_62 >> 62
    return quadrant, f32.mul(f32.from_integer(rest), f32.word_of(2.0**-62))


def _horner(coefficients: tuple[int, ...], x: int) -> int:
    p = coefficients[0]
    for coefficient in coefficients[1:]:
        p = f32.fma(p, x, coefficient)
    return p
