"""Elementwise arithmetic. A product that is added at once becomes one ``fma``, which rounds once where PyTorch may round twice."""

from __future__ import annotations

import torch

from touchstone.capture.errors import UnsupportedOperatorError
from touchstone.capture.lowering.registry import Argument, Context, lowers
from touchstone.capture.views import Value
from touchstone.machine.program import MapFn

aten = torch.ops.aten

_INTEGER = {MapFn.ADD: MapFn.IADD, MapFn.SUB: MapFn.ISUB, MapFn.MUL: MapFn.IMUL}


def _binary(ctx: Context, fn: MapFn, a: Argument, b: Argument) -> Value:
    return ctx.graph.map(fn if ctx.output.is_float else _INTEGER[fn], ctx.like_output(a), ctx.like_output(b))


@lowers(aten.add.Tensor, aten.add.Scalar, becomes="add; fma with alpha")
def add(ctx: Context, a: Argument, b: Argument, alpha: Argument = 1) -> Value:
    """a + alpha · b."""
    if not isinstance(alpha, Value) and alpha == 1:
        return _binary(ctx, MapFn.ADD, a, b)
    if ctx.output.is_float:
        return ctx.graph.map(MapFn.FMA, ctx.f32(b), ctx.f32(alpha), ctx.f32(a))
    return _binary(ctx, MapFn.ADD, a, _binary(ctx, MapFn.MUL, b, alpha))


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
    return ctx.graph.map(MapFn.NEG, a) if ctx.output.is_float else ctx.graph.map(MapFn.ISUB, ctx.graph.i32(0), a)


@lowers(aten.abs.default, becomes="abs")
def absolute(ctx: Context, a: Value) -> Value:
    """|a|."""
    return ctx.graph.map(MapFn.ABS, a)


@lowers(aten.sign.default, aten.sgn.default, becomes="lt, select")
def sign(ctx: Context, a: Value) -> Value:
    """−1, 0 or 1; 0 for NaN."""
    zero, one = ctx.graph.f32(0.0), ctx.graph.f32(1.0)
    negative = ctx.graph.select(ctx.graph.map(MapFn.LT, a, zero), ctx.graph.f32(-1.0), zero)
    return ctx.graph.select(ctx.graph.map(MapFn.LT, zero, a), one, negative)


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


@lowers(aten.maximum.default, becomes="max")
def maximum(ctx: Context, a: Value, b: Value) -> Value:
    """Elementwise; NaN if either is NaN."""
    return ctx.graph.map(MapFn.MAX, ctx.f32(a), ctx.f32(b))


@lowers(aten.minimum.default, becomes="min")
def minimum(ctx: Context, a: Value, b: Value) -> Value:
    """Elementwise; NaN if either is NaN."""
    return ctx.graph.map(MapFn.MIN, ctx.f32(a), ctx.f32(b))


@lowers(aten.clamp.default, aten.clamp_min.default, becomes="max, min")
def clamp(ctx: Context, a: Value, low: Argument | None = None, high: Argument | None = None) -> Value:
    """a limited to [low, high]."""
    if low is not None:
        a = ctx.graph.map(MapFn.MAX, ctx.f32(a), ctx.f32(low))
    return a if high is None else ctx.graph.map(MapFn.MIN, ctx.f32(a), ctx.f32(high))


@lowers(aten.clamp_max.default, becomes="min")
def clamp_max(ctx: Context, a: Value, high: Argument) -> Value:
    """a, at most high."""
    return clamp(ctx, a, None, high)


@lowers(aten.pow.Tensor_Scalar, becomes="mul, sqrt, div for the exponents ±0.5, ±1, 2, 3")
def power(ctx: Context, a: Value, exponent: Argument) -> Value:
    """a to a fixed power."""
    if exponent == 1:
        return a
    if exponent == 2:
        return ctx.graph.map(MapFn.MUL, a, a)
    if exponent == 3:
        return ctx.graph.map(MapFn.MUL, ctx.graph.map(MapFn.MUL, a, a), a)
    if exponent == 0.5:
        return sqrt(ctx, a)
    if exponent == -0.5:
        return rsqrt(ctx, a)
    if exponent == -1:
        return reciprocal(ctx, a)
    raise UnsupportedOperatorError(f"pow with exponent {exponent} is not supported{ctx.at}; use exponents ±0.5, ±1, 2 or 3")


@lowers(aten.addcmul.default, becomes="fma; mul, fma with a value")
def addcmul(ctx: Context, base: Value, a: Value, b: Value, value: Argument = 1) -> Value:
    """base + value · a · b."""
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
