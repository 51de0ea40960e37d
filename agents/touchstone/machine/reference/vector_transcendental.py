"""The sequences of ``transcendental.py`` on whole arrays of words."""

from __future__ import annotations

import numpy as np

from touchstone.machine.reference import transcendental as scalar
from touchstone.machine.reference import vector_floats as f32
from touchstone.machine.reference.reads import Words
from touchstone.machine.reference.softfloat import INFINITY, NAN, SIGN_BIT, word_of


def exp(x: Words) -> Words:
    """The exponential function."""
    x = np.where(f32.less(x, _c(scalar.EXP_MIN)), _c(scalar.EXP_MIN), x)
    x = np.where(f32.less(_c(scalar.EXP_MAX), x), _c(scalar.EXP_MAX), x)
    t = f32.fma(x, _c(scalar.L2E), _c(scalar.ROUNDER))
    n = f32.sub(t, _c(scalar.ROUNDER))
    r = f32.fma(n, f32.neg(_c(scalar.LN2_HI)), x)
    r = f32.fma(n, f32.neg(_c(scalar.LN2_LO)), r)
    p = _horner(scalar.EXPQ, r)
    p = f32.fma(p, r, _c(scalar.ONE))
    p = f32.fma(p, r, _c(scalar.ONE))
    ni = t - np.uint32(0x4B400000)
    n1 = _shift_right_arithmetic(ni, 1)
    n2 = ni - n1
    p = f32.mul(p, (n1 + np.uint32(127)) << np.uint32(23))
    return f32.mul(p, (n2 + np.uint32(127)) << np.uint32(23))


def log(x0: Words) -> Words:
    """The natural logarithm."""
    subnormal = f32.less(x0, _c(scalar.SMALLEST_NORMAL))
    x = np.where(subnormal, f32.mul(x0, _c(scalar.TWO_TO_23)), x0)
    ix = x - np.uint32(0x3F3504F3)
    e = _shift_right_arithmetic(ix, 23)
    m = (ix & np.uint32(0x7FFFFF)) + np.uint32(0x3F3504F3)
    ef = f32.from_integer(e)
    ef = f32.sub(ef, np.where(subnormal, _c(word_of(23.0)), _c(scalar.ZERO)))
    f = f32.sub(m, _c(scalar.ONE))
    z = f32.mul(f, f)
    p = _horner(scalar.LOGQ, f)
    p = f32.mul(f32.mul(p, f), z)
    p = f32.fma(ef, _c(scalar.LN2_LO), p)
    p = f32.fma(z, _c(scalar.MINUS_HALF), p)
    p = f32.add(f, p)
    p = f32.fma(ef, _c(scalar.LN2_HI), p)
    p = np.where(f32.equal(x0, _c(scalar.ZERO)), _c(SIGN_BIT | INFINITY), p)
    p = np.where(f32.less(x0, _c(scalar.ZERO)), _c(NAN), p)
    p = np.where(x0 == _c(INFINITY), x0, p)
    return np.where(f32.is_nan(x0), _c(NAN), f32.canonical(p))


def tanh(x: Words) -> Words:
    """The hyperbolic tangent."""
    a = f32.absolute(x)
    z = f32.mul(x, x)
    s = _horner(scalar.TANHQ, z)
    s = f32.mul(s, z)
    s = f32.fma(s, x, x)
    denominator = f32.add(exp(f32.add(a, a)), _c(scalar.ONE))
    large = f32.sub(_c(scalar.ONE), f32.div(_c(scalar.TWO), denominator))
    large = large | (x & _c(SIGN_BIT))
    return f32.canonical(np.where(f32.less(a, _c(scalar.TANH_SPLIT)), s, large))


def erf(x: Words) -> Words:
    """The error function."""
    a = f32.absolute(x)
    z = f32.mul(x, x)
    s = _horner(scalar.ERFQ, z)
    s = f32.fma(s, x, x)
    clamped = np.where(f32.less(_c(scalar.FOUR), a), _c(scalar.FOUR), a)
    large = f32.sub(_c(scalar.ONE), exp(_horner(scalar.ERFL, clamped)))
    large = large | (x & _c(SIGN_BIT))
    return f32.canonical(np.where(f32.less(a, _c(scalar.ERF_SPLIT)), s, large))


def sin(x: Words) -> Words:
    """The sine."""
    quadrant, r = _quadrant(x)
    return _sine_of_quadrant(quadrant, r)


def cos(x: Words) -> Words:
    """The cosine."""
    quadrant, r = _quadrant(x)
    return _sine_of_quadrant(quadrant + np.uint32(1), r)


def _sine_of_quadrant(quadrant: Words, r: Words) -> Words:
    z = f32.mul(r, r)
    s = f32.mul(_horner(scalar.SINQ, z), z)
    s = f32.fma(s, r, r)
    c = f32.fma(_horner(scalar.COSQ, z), z, _c(scalar.MINUS_HALF))
    c = f32.fma(c, z, _c(scalar.ONE))
    result = np.where(quadrant & np.uint32(1), c, s)
    return f32.canonical(result ^ (quadrant & np.uint32(2)) << np.uint32(30))


def _quadrant(x: Words) -> tuple[Words, Words]:
    t = f32.fma(x, _c(scalar.TWO_OVER_PI), _c(scalar.ROUNDER))
    n = f32.sub(t, _c(scalar.ROUNDER))
    r = x
    for part in scalar.PIO2:
        r = f32.fma(n, f32.neg(_c(part)), r)
    quadrant = np.atleast_1d(t - _c(scalar.ROUNDER)).copy()
    r = np.atleast_1d(r).copy()
    a = np.atleast_1d(f32.absolute(x))
    large = (a >= _c(scalar.LARGE_ANGLE)) & (a < _c(INFINITY))
    quadrant[large], r[large] = _large_quadrant(np.atleast_1d(x)[large])
    return quadrant.reshape(x.shape), r.reshape(x.shape)


def _large_quadrant(x: Words) -> tuple[Words, Words]:
    """Large angles by Python's integers, which hold the products."""
    exponents = (x >> np.uint32(23) & np.uint32(0xFF)).astype(object) - 150
    significands = (x & np.uint32(0x7FFFFF) | np.uint32(0x800000)).astype(object)
    windows = [scalar.TWO_OVER_PI_192 >> (106 - exponent) & (1 << 88) - 1 for exponent in exponents]
    turns = significands * np.array(windows, dtype=object) // (1 << 24) % (1 << 64)
    quadrants = (turns + (1 << 61)) // (1 << 62)
    rest = ((turns - quadrants * (1 << 62)) * scalar.PIO2_62 // (1 << 62)).astype(np.int64)
    r = f32.mul(rest.astype(np.float32).view(np.uint32), _c(word_of(2.0**-62)))
    negative = x & _c(SIGN_BIT)
    signed = quadrants.astype(np.int64).astype(np.uint32)
    return np.where(negative, np.uint32(0) - signed, signed), r ^ negative


def _c(word: int) -> Words:
    return np.array(word, dtype=np.uint32)


def _shift_right_arithmetic(a: Words, count: int) -> Words:
    return (a.view(np.int32) >> np.int32(count)).view(np.uint32)


def _horner(coefficients: tuple[int, ...], x: Words) -> Words:
    p = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        p = f32.fma(p, x, _c(coefficient))
    return p
