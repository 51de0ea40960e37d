"""exp, log, tanh, erf, sin and cos: accuracy against float64 libraries, and exact results at the edges."""

from __future__ import annotations

import math
from collections.abc import Callable

import mpmath
import numpy as np
import numpy.typing as npt
import pytest

from tests.machine.words import Words
from touchstone.machine.program import MapFn
from touchstone.machine.reference import transcendental
from touchstone.machine.reference.softfloat import INFINITY, NAN, SIGN_BIT, value_of, word_of
from touchstone.machine.reference.vector_functions import ARRAY_FUNCTIONS

Doubles = npt.NDArray[np.float64]
SAMPLES = 200_000
MINUS_INFINITY = SIGN_BIT | INFINITY


def erf(x: Doubles) -> Doubles:
    return np.array([math.erf(value) for value in x.tolist()])


def ulps(words: Words, exact: Doubles) -> float:
    """Largest distance from the exact values, in units of the last place of the exact value's binade (of subnormals below it)."""
    computed = words.view(np.float32).astype(np.float64)
    exponents = np.frexp(exact)[1] - 24
    return float(np.max(np.abs(computed - exact) / np.exp2(np.maximum(exponents, -149))))


# The bounds are the design's measured errors, rounded up; two units are the promise.
@pytest.mark.parametrize(
    ("fn", "exact", "low", "high", "bound"),
    [
        (MapFn.EXP, np.exp, -87.0, 88.7, 1.0),
        (MapFn.EXP, np.exp, -103.0, -87.0, 1.5),
        (MapFn.EXP, np.exp, -1.0, 1.0, 1.0),
        (MapFn.TANH, np.tanh, -10.0, 10.0, 1.4),
        (MapFn.TANH, np.tanh, -1.0, 1.0, 1.4),
        (MapFn.ERF, erf, -5.0, 5.0, 1.2),
        (MapFn.ERF, erf, -1.5, 1.5, 1.2),
        (MapFn.LOG, np.log, 0.5, 2.0, 1.0),
        (MapFn.LOG, np.log, 2.0, 1e6, 1.0),
        (MapFn.SIN, np.sin, -1.0, 1.0, 1.1),
        (MapFn.SIN, np.sin, -131072.0, 131072.0, 1.5),
        (MapFn.COS, np.cos, -1.0, 1.0, 1.0),
        (MapFn.COS, np.cos, -131072.0, 131072.0, 1.5),
    ],
)
def test_a_sequence_is_accurate(fn: MapFn, exact: Callable[[Doubles], Doubles], low: float, high: float, bound: float) -> None:
    x = np.linspace(low, high, SAMPLES).astype(np.float32)
    assert ulps(ARRAY_FUNCTIONS[fn](x.view(np.uint32)), exact(x.astype(np.float64))) <= bound


@pytest.mark.parametrize(("fn", "exact"), [(MapFn.TANH, np.tanh), (MapFn.ERF, erf)])
def test_small_arguments_are_accurate_down_to_subnormals(fn: MapFn, exact: Callable[[Doubles], Doubles]) -> None:
    words = np.linspace(1, 0x3F000000, SAMPLES).astype(np.uint32)
    assert ulps(ARRAY_FUNCTIONS[fn](words), exact(words.view(np.float32).astype(np.float64))) <= 1.4


def test_the_logarithm_is_accurate_for_every_exponent() -> None:
    words = np.linspace(1, INFINITY - 1, SAMPLES).astype(np.uint32)
    assert ulps(ARRAY_FUNCTIONS[MapFn.LOG](words), np.log(words.view(np.float32).astype(np.float64))) <= 1.0


@pytest.mark.parametrize(("fn", "exact"), [(MapFn.SIN, mpmath.sin), (MapFn.COS, mpmath.cos)], ids=["sin", "cos"])
def test_every_finite_angle_has_an_accurate_sine_and_cosine(fn: MapFn, exact: Callable[[float], mpmath.mpf]) -> None:
    spread = np.linspace(1, INFINITY - 1, 4_000).astype(np.uint32)
    multiples = (np.linspace(1, 2.0**40, 4_000).round() * (np.pi / 2)).astype(np.float32).view(np.uint32)
    # The finite float32 that lies nearest to a multiple of pi / 2 (Muller, "Elementary Functions", table 11.1 of the second edition).
    words = np.concatenate([spread, multiples, np.array([word_of(16367173.0 * 2.0**72)], dtype=np.uint32)])
    with mpmath.workprec(400):
        wanted = np.array([float(exact(value)) for value in words.view(np.float32).tolist()])
    assert ulps(ARRAY_FUNCTIONS[fn](words), wanted) <= 1.5


def test_sine_and_cosine_at_the_edges() -> None:
    assert transcendental.sin(0) == transcendental.sin(SIGN_BIT) == 0
    assert transcendental.cos(0) == transcendental.cos(SIGN_BIT) == transcendental.cos(1) == word_of(1.0)
    assert transcendental.sin(1) == 1
    for fn in (transcendental.sin, transcendental.cos):
        assert fn(INFINITY) == fn(MINUS_INFINITY) == fn(0x7F800001) == fn(0xFFFFFFFF) == NAN


def test_the_cosine_is_even_and_the_sine_odd() -> None:
    words = np.linspace(1, INFINITY - 1, 20_000).astype(np.uint32)
    negative = words | np.uint32(SIGN_BIT)
    assert np.array_equal(ARRAY_FUNCTIONS[MapFn.COS](negative), ARRAY_FUNCTIONS[MapFn.COS](words))
    assert np.array_equal(ARRAY_FUNCTIONS[MapFn.SIN](negative), ARRAY_FUNCTIONS[MapFn.SIN](words) ^ np.uint32(SIGN_BIT))


def test_exp_at_the_edges() -> None:
    assert transcendental.exp(0) == transcendental.exp(SIGN_BIT) == word_of(1.0)
    assert transcendental.exp(INFINITY) == transcendental.exp(word_of(89.0)) == INFINITY
    assert transcendental.exp(MINUS_INFINITY) == transcendental.exp(word_of(-104.0)) == 0
    assert transcendental.exp(0x7F800001) == transcendental.exp(0xFFFFFFFF) == NAN
    assert 0 < value_of(transcendental.exp(word_of(-103.0))) < 2.0**-140


def test_log_at_the_edges() -> None:
    assert transcendental.log(word_of(1.0)) == 0
    assert transcendental.log(0) == transcendental.log(SIGN_BIT) == MINUS_INFINITY
    assert transcendental.log(INFINITY) == INFINITY
    for below in (word_of(-1.0), SIGN_BIT | 1, MINUS_INFINITY, 0xFF800001, NAN):
        assert transcendental.log(below) == NAN


@pytest.mark.parametrize("fn", [transcendental.tanh, transcendental.erf])
def test_odd_functions_at_the_edges(fn: Callable[[int], int]) -> None:
    assert fn(0) == 0
    assert fn(INFINITY) == word_of(1.0)
    assert fn(MINUS_INFINITY) == word_of(-1.0)
    assert fn(0xFFFFFFFF) == fn(0x7F800001) == NAN


def test_erf_keeps_the_sign_of_zero_and_tanh_does_not() -> None:
    assert transcendental.erf(SIGN_BIT) == SIGN_BIT
    assert transcendental.tanh(SIGN_BIT) == 0  # its sequence ends in fma(-0, -0, -0), and the sequence is the definition


@pytest.mark.parametrize("fn", [MapFn.TANH, MapFn.ERF])
def test_odd_functions_are_odd(fn: MapFn) -> None:
    words = np.linspace(1, INFINITY, 20_000).astype(np.uint32)
    assert np.array_equal(ARRAY_FUNCTIONS[fn](words | np.uint32(SIGN_BIT)), ARRAY_FUNCTIONS[fn](words) | np.uint32(SIGN_BIT))
