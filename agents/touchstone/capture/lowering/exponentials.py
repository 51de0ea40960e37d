"""Exponentials, logarithms, powers and hyperbolic functions beyond the machine's own exp, log and tanh.

Errors are stated in units in the last place (ulp) of float32, as measured by tests/capture/test_accuracy.py.
"""

from __future__ import annotations

import math

import torch

from touchstone.capture.lowering.arithmetic import fixed_power
from touchstone.capture.lowering.expression import Expr, expr
from touchstone.capture.lowering.registry import Argument, Context, lowers
from touchstone.capture.lowering.rounding import floored
from touchstone.capture.views import Value
from touchstone.machine.program import MapFn

aten = torch.ops.aten

_INF = float("inf")
_LN2 = float.fromhex("0x1.62e430p-1")  # nearest float32, and what it lacks
_LN2_REST = float.fromhex("-0x1.05c610p-29")
_BEYOND = 200.0  # e^±200 is beyond float32
_HUGE = 1e10  # from here on, 1 + x² is x²


def _exp_of_sum(large: Expr, small: Expr) -> Expr:
    """exp(large + small) for a small correction."""
    return large.exp() * (1.0 + small)


def expm1_of(x: Expr) -> Expr:
    """e^x − 1 without cancellation, by tanh."""
    return (x * 0.5).tanh() * (x.exp() + 1.0)


def log1p_of(x: Expr) -> Expr:
    """log(1 + x): the rounding of 1 + x is made good by the ratio of x to what it became (W. Kahan)."""
    shifted = 1.0 + x
    corrected = shifted.log() * (x / (shifted - 1.0))
    return shifted.equals(1.0).where(x, shifted.equals(_INF).where(shifted, corrected))


@lowers(aten.expm1.default, becomes="mul, tanh, exp, add")
def expm1(ctx: Context, a: Value) -> Value:
    """e^a − 1, within 6 ulp."""
    return expm1_of(expr(ctx, a)).value


@lowers(aten.exp2.default, becomes="max, min, mul, fma, exp, add")
def exp2(ctx: Context, a: Value) -> Value:
    """2^a, within 4 ulp; what rounding a · log 2 loses is added back."""
    x = expr(ctx, a).maximum(-_BEYOND).minimum(_BEYOND)
    product = x * _LN2
    return _exp_of_sum(product, x.fma(_LN2, -product) + x * _LN2_REST).value


@lowers(aten.log1p.default, becomes="add, sub, log, div, mul, eq, select")
def log1p(ctx: Context, a: Value) -> Value:
    """log(1 + a), within 4 ulp."""
    return log1p_of(expr(ctx, a)).value


@lowers(aten.log2.default, becomes="log, mul")
def log2(ctx: Context, a: Value) -> Value:
    """Logarithm to base 2, within 3 ulp."""
    return (expr(ctx, a).log() * (1 / math.log(2))).value


@lowers(aten.log10.default, becomes="log, mul")
def log10(ctx: Context, a: Value) -> Value:
    """Logarithm to base 10, within 3 ulp."""
    return (expr(ctx, a).log() * (1 / math.log(10))).value


def _positive_power(base: Expr, exponent: Expr) -> Expr:
    """base^exponent = exp(exponent · log base) for base ≥ 0, with the rounding of the product added back."""
    logarithm = base.log()
    product = exponent * logarithm
    lost = exponent.fma(logarithm, -product)
    return _exp_of_sum(product, (abs(product) < _BEYOND).where(lost, 0.0))


@lowers(aten.pow.Tensor_Tensor, aten.pow.Scalar, becomes="log, mul, fma, exp, select")
def power(ctx: Context, base: Argument, exponent: Argument) -> Value:
    """base^exponent; relative error up to (|exponent · log base| + 4) ulp, as the logarithm's error is multiplied."""
    if not ctx.output.is_float:
        return _integer_power(ctx, base, exponent)
    x, y = expr(ctx, base), expr(ctx, exponent)
    size = _positive_power(abs(x), y)
    is_whole = floored(y).equals(y)
    half = y * 0.5
    is_odd = is_whole & ~floored(half).equals(half) & (abs(y) < _INF)
    size = ((x < 0.0) & is_odd).where(-size, size)
    size = ((x < 0.0) & ~is_whole & (x > -_INF)).where(float("nan"), size)
    return (y.equals(0.0) | x.equals(1.0)).where(1.0, size).value


@lowers(aten.pow.Tensor_Scalar, becomes="mul, sqrt, div for multiples of ½ up to 8; else log, mul, fma, exp")
def power_of_number(ctx: Context, base: Value, exponent: Argument) -> Value:
    """base to a fixed power: exact products where they are few."""
    if isinstance(exponent, Value) or not ctx.output.is_float:
        return power(ctx, base, exponent)
    known = fixed_power(ctx, base, float(exponent))
    return known if known is not None else power(ctx, base, exponent)


def _integer_power(ctx: Context, base: Argument, exponent: Argument) -> Value:
    """By squaring; a negative exponent leaves nothing but of 1 and −1."""
    graph, zero, one = ctx.graph, ctx.graph.i32(0), ctx.graph.i32(1)
    square, rest = ctx.i32(base), ctx.i32(exponent)
    result = one
    for bit in range(31):
        is_set = graph.map(MapFn.IAND, graph.map(MapFn.ISHR, rest, graph.i32(bit)), one)
        result = graph.select(is_set, graph.map(MapFn.IMUL, result, square), result)
        square = graph.map(MapFn.IMUL, square, square)
    base_value = ctx.i32(base)
    is_unit = graph.map(MapFn.IEQ, graph.map(MapFn.IMUL, base_value, base_value), one)
    parity = graph.select(graph.map(MapFn.IAND, rest, one), base_value, one)
    negative = graph.select(is_unit, parity, zero)
    return graph.select(graph.map(MapFn.ILT, rest, zero), negative, result)


@lowers(aten.sinh.default, becomes="abs, exp, tanh, mul, div, add, select")
def sinh(ctx: Context, a: Value) -> Value:
    """(e^a − e^−a) / 2, within 8 ulp."""
    x = expr(ctx, a)
    size = abs(x)
    grown = expm1_of(size)
    near = 0.5 * (grown + grown / (grown + 1.0))
    half = (size * 0.5).exp()
    far = (0.5 * half) * half - 0.5 / half / half
    return (size < 1.0).where(near, far).with_sign_of(x).value


@lowers(aten.cosh.default, becomes="abs, mul, exp, div, add")
def cosh(ctx: Context, a: Value) -> Value:
    """(e^a + e^−a) / 2, within 8 ulp."""
    half = (abs(expr(ctx, a)) * 0.5).exp()
    return ((0.5 * half) * half + 0.5 / half / half).value


@lowers(aten.asinh.default, becomes="abs, mul, add, sqrt, div, log, select")
def asinh(ctx: Context, a: Value) -> Value:
    """Inverse of sinh, within 8 ulp."""
    x = expr(ctx, a)
    size = abs(x)
    square = size * size
    near = log1p_of(size + square / (1.0 + (square + 1.0).sqrt()))
    return (size < _HUGE).where(near, size.log() + _LN2).with_sign_of(x).value


@lowers(aten.acosh.default, becomes="sub, mul, add, sqrt, log, select")
def acosh(ctx: Context, a: Value) -> Value:
    """Inverse of cosh, within 8 ulp; NaN below 1."""
    x = expr(ctx, a)
    above = x - 1.0
    near = log1p_of(above + (above * above + 2.0 * above).sqrt())
    return (x < _HUGE).where(near, x.log() + _LN2).value


@lowers(aten.atanh.default, becomes="abs, div, log, mul, select")
def atanh(ctx: Context, a: Value) -> Value:
    """Inverse of tanh, within 8 ulp; NaN outside −1 … 1."""
    x = expr(ctx, a)
    size = abs(x)
    return (0.5 * log1p_of(2.0 * size / (1.0 - size))).with_sign_of(x).value
