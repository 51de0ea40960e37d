"""Elementwise arithmetic. A product that is added at once becomes one ``fma``, which rounds once where PyTorch may round twice."""

from __future__ import annotations

import torch

from touchstone.capture import views
from touchstone.capture.lowering.expression import Expr, expr
from touchstone.capture.lowering.registry import Argument, Context, lowers
from touchstone.capture.views import Value
from touchstone.machine.program import DType, MapFn

aten = torch.ops.aten

_INTEGER = {MapFn.ADD: MapFn.IADD, MapFn.SUB: MapFn.ISUB, MapFn.MUL: MapFn.IMUL}
_BOOLEAN = {MapFn.ADD: MapFn.IOR, MapFn.MUL: MapFn.IAND}
_WIDEST_PRODUCT = 8  # powers up to this are products


def _binary(ctx: Context, fn: MapFn, a: Argument, b: Argument) -> Value:
    if ctx.output.dtype is torch.bool:
        return ctx.graph.map(_BOOLEAN[fn], ctx.i32(a), ctx.i32(b))
    if ctx.output.is_float:
        return ctx.graph.map(fn, ctx.f32(a), ctx.f32(b))
    return ctx.narrowed(ctx.graph.map(_INTEGER[fn], ctx.i32(a), ctx.i32(b)))


def less(ctx: Context, a: Value, b: Value) -> Value:
    """a < b, of two floats or two integers."""
    return ctx.graph.map(MapFn.LT if a.dtype is DType.F32 else MapFn.ILT, a, b)


@lowers(aten.add.Tensor, aten.add.Scalar, becomes="add; fma with alpha")
def add(ctx: Context, a: Argument, b: Argument, alpha: Argument = 1) -> Value:
    """a + alpha · b."""
    if not isinstance(alpha, Value) and alpha == 1:
        return _binary(ctx, MapFn.ADD, a, b)
    if ctx.output.is_float:
        return ctx.graph.map(MapFn.FMA, ctx.f32(b), ctx.f32(alpha), ctx.f32(a))
    return _binary(ctx, MapFn.ADD, a, _binary(ctx, MapFn.MUL, b, alpha))


def _scaled(ctx: Context, factor: Argument, product: Value) -> Value:
    return product if not isinstance(factor, Value) and factor == 1 else _binary(ctx, MapFn.MUL, product, factor)


@lowers(aten.sub.Tensor, aten.sub.Scalar, becomes="sub; fma with alpha")
def sub(ctx: Context, a: Argument, b: Argument, alpha: Argument = 1) -> Value:
    """a − alpha · b."""
    if not isinstance(alpha, Value) and alpha == 1:
        return _binary(ctx, MapFn.SUB, a, b)
    if ctx.output.is_float:
        return ctx.graph.map(MapFn.FMA, ctx.f32(b), ctx.graph.map(MapFn.NEG, ctx.f32(alpha)), ctx.f32(a))
    return _binary(ctx, MapFn.SUB, a, _binary(ctx, MapFn.MUL, b, alpha))


@lowers(aten.rsub.Tensor, aten.rsub.Scalar, becomes="sub; fma with alpha")
def rsub(ctx: Context, a: Argument, b: Argument, alpha: Argument = 1) -> Value:
    """b − alpha · a."""
    return sub(ctx, b, a, alpha)


@lowers(aten.mul.Tensor, aten.mul.Scalar, becomes="mul")
def mul(ctx: Context, a: Argument, b: Argument) -> Value:
    """a · b."""
    return _binary(ctx, MapFn.MUL, a, b)


@lowers(aten.div.Tensor, aten.div.Scalar, becomes="div")
def div(ctx: Context, a: Argument, b: Argument) -> Value:
    """a / b, always in float."""
    return ctx.graph.map(MapFn.DIV, ctx.f32(a), ctx.f32(b))


@lowers(aten.neg.default, becomes="neg (0 − a for integers)")
def neg(ctx: Context, a: Value) -> Value:
    """−a."""
    return ctx.graph.map(MapFn.NEG, a) if ctx.output.is_float else _binary(ctx, MapFn.SUB, 0, a)


@lowers(aten.abs.default, becomes="abs; ilt, isub, select")
def absolute(ctx: Context, a: Value) -> Value:
    """|a|."""
    if ctx.output.is_float:
        return ctx.graph.map(MapFn.ABS, a)
    return ctx.graph.select(less(ctx, a, ctx.graph.i32(0)), neg(ctx, a), a)


@lowers(aten.sign.default, aten.sgn.default, becomes="lt, select; ilt, select")
def sign(ctx: Context, a: Value) -> Value:
    """−1, 0 or 1; 0 for NaN."""
    zero, one, minus_one = (ctx.like_output(number) for number in (0, 1, -1))
    return ctx.graph.select(less(ctx, zero, a), one, ctx.graph.select(less(ctx, a, zero), minus_one, zero))


@lowers(aten.sqrt.default, becomes="sqrt")
def sqrt(ctx: Context, a: Value) -> Value:
    """Correctly rounded, unlike PyTorch's on some CPUs."""
    return ctx.graph.map(MapFn.SQRT, ctx.f32(a))


@lowers(aten.rsqrt.default, becomes="sqrt, div")
def rsqrt(ctx: Context, a: Value) -> Value:
    """1 / √a."""
    return ctx.graph.map(MapFn.DIV, ctx.graph.f32(1.0), sqrt(ctx, a))


@lowers(aten.reciprocal.default, becomes="div")
def reciprocal(ctx: Context, a: Value) -> Value:
    """1 / a."""
    return ctx.graph.map(MapFn.DIV, ctx.graph.f32(1.0), ctx.f32(a))


@lowers(aten.exp.default, becomes="exp")
def exp(ctx: Context, a: Value) -> Value:
    """e to the a."""
    return ctx.graph.map(MapFn.EXP, ctx.f32(a))


@lowers(aten.log.default, becomes="log")
def log(ctx: Context, a: Value) -> Value:
    """Natural logarithm."""
    return ctx.graph.map(MapFn.LOG, ctx.f32(a))


@lowers(aten.erf.default, becomes="erf")
def erf(ctx: Context, a: Value) -> Value:
    """Error function."""
    return ctx.graph.map(MapFn.ERF, ctx.f32(a))


def extreme(ctx: Context, fn: MapFn, a: Argument, b: Argument) -> Value:
    """``MAX`` or ``MIN`` of floats or integers."""
    if ctx.output.is_float:
        return ctx.graph.map(fn, ctx.f32(a), ctx.f32(b))
    first, second = ctx.i32(a), ctx.i32(b)
    is_first = less(ctx, second, first) if fn is MapFn.MAX else less(ctx, first, second)
    return ctx.graph.select(is_first, first, second)


@lowers(aten.maximum.default, becomes="max; ilt, select")
def maximum(ctx: Context, a: Value, b: Value) -> Value:
    """Elementwise; NaN if either is NaN."""
    return extreme(ctx, MapFn.MAX, a, b)


@lowers(aten.minimum.default, becomes="min; ilt, select")
def minimum(ctx: Context, a: Value, b: Value) -> Value:
    """Elementwise; NaN if either is NaN."""
    return extreme(ctx, MapFn.MIN, a, b)


def _number_if_any(ctx: Context, fn: MapFn, a: Argument, b: Argument) -> Value:
    if not ctx.output.is_float:
        return extreme(ctx, fn, a, b)
    x, y = expr(ctx, a), expr(ctx, b)
    both = x.maximum(y) if fn is MapFn.MAX else x.minimum(y)
    return x.equals(x).where(y.equals(y).where(both, x), y).value


@lowers(aten.fmax.default, becomes="max, eq, select; ilt, select")
def fmax(ctx: Context, a: Value, b: Value) -> Value:
    """Elementwise; the number where only one is NaN."""
    return _number_if_any(ctx, MapFn.MAX, a, b)


@lowers(aten.fmin.default, becomes="min, eq, select; ilt, select")
def fmin(ctx: Context, a: Value, b: Value) -> Value:
    """Elementwise; the number where only one is NaN."""
    return _number_if_any(ctx, MapFn.MIN, a, b)


@lowers(aten.clamp.default, aten.clamp.Tensor, aten.clamp_min.default, aten.clamp_min.Tensor, becomes="max, min; ilt, select")
def clamp(ctx: Context, a: Value, low: Argument | None = None, high: Argument | None = None) -> Value:
    """a limited to [low, high]."""
    a = ctx.like_output(a)
    if low is not None:
        a = extreme(ctx, MapFn.MAX, a, low)
    return a if high is None else extreme(ctx, MapFn.MIN, a, high)


@lowers(aten.clamp_max.default, aten.clamp_max.Tensor, becomes="min; ilt, select")
def clamp_max(ctx: Context, a: Value, high: Argument) -> Value:
    """a, at most high."""
    return clamp(ctx, a, None, high)


def fixed_power(ctx: Context, a: Value, exponent: float) -> Value | None:
    """a to a power that is a multiple of ½ of at most 8, by products; None for other powers."""
    if not (exponent * 2).is_integer() or abs(exponent) > _WIDEST_PRODUCT:
        return None
    base, count = expr(ctx, a), int(abs(exponent))
    result = base.sqrt() if exponent % 1 else None
    while count:
        if count % 2:
            result = base if result is None else result * base
        base, count = base * base, count // 2
    if result is None:
        return views.expand(ctx.graph.f32(1.0), ctx.output.shape)
    return (1.0 / result).value if exponent < 0 else result.value


@lowers(aten.addcmul.default, becomes="fma; mul, fma with a value; imul, iadd")
def addcmul(ctx: Context, base: Value, a: Value, b: Value, value: Argument = 1) -> Value:
    """base + value · a · b."""
    if not ctx.output.is_float:
        return _binary(ctx, MapFn.ADD, base, _scaled(ctx, value, _binary(ctx, MapFn.MUL, a, b)))
    if not isinstance(value, Value) and value == 1:
        return ctx.graph.map(MapFn.FMA, a, b, base)
    return ctx.graph.map(MapFn.FMA, ctx.graph.map(MapFn.MUL, a, b), ctx.f32(value), base)


@lowers(aten.addcdiv.default, becomes="div, fma")
def addcdiv(ctx: Context, base: Value, a: Value, b: Value, value: Argument = 1) -> Value:
    """base + value · a / b."""
    return ctx.graph.map(MapFn.FMA, ctx.graph.map(MapFn.DIV, a, b), ctx.f32(value), base)


@lowers(aten.lerp.Scalar, aten.lerp.Tensor, becomes="sub, fma")
def lerp(ctx: Context, start: Value, end: Value, weight: Argument) -> Value:
    """start + weight · (end − start)."""
    return ctx.graph.map(MapFn.FMA, ctx.f32(weight), ctx.graph.map(MapFn.SUB, end, start), start)


@lowers(aten.hypot.default, becomes="abs, max, min, div, fma, sqrt, mul, select")
def hypot(ctx: Context, a: Value, b: Value) -> Value:
    """√(a² + b²), without overflow on the way."""
    x, y = abs(expr(ctx, a)), abs(expr(ctx, b))
    longer, shorter = x.maximum(y), x.minimum(y)
    ratio = shorter / longer
    length = longer * ratio.fma(ratio, 1.0).sqrt()
    return (longer.equals(0.0) | longer.equals(float("inf"))).where(longer, length).value


@lowers(aten.copysign.Tensor, aten.copysign.Scalar, becomes="abs, neg, lt, eq, div, select")
def copysign(ctx: Context, a: Argument, b: Argument) -> Value:
    """|a| with the sign of b, of −0 too. The sign of NaN counts as plus."""
    size = abs(expr(ctx, a))
    return has_sign(expr(ctx, b)).where(-size, size).value


def has_sign(x: Expr) -> Expr:
    """Whether a number is below zero or −0."""
    return (x < 0.0) | (x.equals(0.0) & (1.0 / x < 0.0))
