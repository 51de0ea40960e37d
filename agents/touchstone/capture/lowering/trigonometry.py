"""Trigonometric functions; the inverse ones by the polynomials of S. Moshier's Cephes library (single precision)."""

from __future__ import annotations

import math

import torch

from touchstone.capture.lowering.expression import Expr, expr
from touchstone.capture.lowering.registry import Argument, Context, lowers
from touchstone.capture.views import Value
from touchstone.machine.program import MapFn

aten = torch.ops.aten

_ATAN = (8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1)
_ASIN = (4.2163199048e-2, 2.4181311049e-2, 4.5470025998e-2, 7.4953002686e-2, 1.6666752422e-1)
_TAN_22, _TAN_67 = math.tan(math.pi / 8), math.tan(3 * math.pi / 8)


def _atan_of_size(size: Expr) -> Expr:
    """Arc tangent of a number ≥ 0: reduced to |x| ≤ tan(π/8), where a polynomial serves."""
    is_large, is_middle = size > _TAN_67, size > _TAN_22
    reduced = is_large.where(-1.0 / size, is_middle.where((size - 1.0) / (size + 1.0), size))
    start = is_large.where(math.pi / 2, is_middle.where(math.pi / 4, 0.0))
    square = reduced * reduced
    return start + (square.horner(*_ATAN) * square).fma(reduced, reduced)


def _asin_of_small(x: Expr) -> Expr:
    """Arc sine for |x| ≤ ½."""
    square = x * x
    return (square.horner(*_ASIN) * square).fma(x, x)


@lowers(aten.sin.default, becomes="sin")
def sin(ctx: Context, a: Value) -> Value:
    """Sine."""
    return ctx.graph.map(MapFn.SIN, a)


@lowers(aten.cos.default, becomes="cos")
def cos(ctx: Context, a: Value) -> Value:
    """Cosine."""
    return ctx.graph.map(MapFn.COS, a)


@lowers(aten.tan.default, becomes="sin, cos, div")
def tan(ctx: Context, a: Value) -> Value:
    """Tangent, within 4 ulp."""
    return ctx.graph.map(MapFn.DIV, sin(ctx, a), cos(ctx, a))


@lowers(aten.atan.default, becomes="abs, div, fma, mul, lt, select")
def atan(ctx: Context, a: Value) -> Value:
    """Arc tangent, within 4 ulp."""
    x = expr(ctx, a)
    return _atan_of_size(abs(x)).with_sign_of(x).value


@lowers(aten.asin.default, becomes="abs, sqrt, fma, mul, lt, select")
def asin(ctx: Context, a: Value) -> Value:
    """Arc sine, within 4 ulp; NaN outside −1 … 1."""
    x = expr(ctx, a)
    size = abs(x)
    far = math.pi / 2 - 2.0 * _asin_of_small((0.5 * (1.0 - size)).sqrt())
    return (size > 0.5).where(far, _asin_of_small(size)).with_sign_of(x).value


@lowers(aten.acos.default, becomes="abs, sqrt, fma, mul, lt, select")
def acos(ctx: Context, a: Value) -> Value:
    """Arc cosine, within 4 ulp; NaN outside −1 … 1."""
    x = expr(ctx, a)
    near_one = 2.0 * _asin_of_small((0.5 * (1.0 - abs(x))).sqrt())
    far = (x < 0.0).where(math.pi - near_one, near_one)
    return (abs(x) > 0.5).where(far, math.pi / 2 - _asin_of_small(x)).value


@lowers(aten.atan2.default, becomes="abs, div, fma, mul, lt, eq, select")
def atan2(ctx: Context, a: Argument, b: Argument) -> Value:
    """The angle of the point (b, a), within 5 ulp. A zero counts as positive, whatever its sign."""
    y, x = expr(ctx, a), expr(ctx, b)
    both_infinite = abs(y).equals(abs(x)) & abs(y).equals(float("inf"))
    ratio = both_infinite.where(1.0, (y.equals(0.0) & x.equals(0.0)).where(0.0, abs(y) / abs(x)))
    angle = _atan_of_size(ratio)
    angle = (x < 0.0).where(math.pi - angle, angle)
    angle = (x.equals(x) & y.equals(y)).where(angle, float("nan"))
    return angle.with_sign_of(y).value
