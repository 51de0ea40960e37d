"""Activation functions and their derivatives."""

from __future__ import annotations

import math

import torch

from touchstone.capture.lowering.exponentials import log1p_of
from touchstone.capture.lowering.expression import expr
from touchstone.capture.lowering.registry import Argument, Context, lowers
from touchstone.capture.views import Value
from touchstone.machine.program import MapFn

aten = torch.ops.aten

_GELU_CUBIC = 0.044715  # Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016
_SQRT_2_OVER_PI = math.sqrt(2 / math.pi)


@lowers(aten.relu.default, becomes="max")
def relu(ctx: Context, x: Value) -> Value:
    """max(x, 0)."""
    return ctx.graph.map(MapFn.MAX, x, ctx.graph.f32(0.0))


@lowers(aten.threshold_backward.default, becomes="lt, select")
def threshold_backward(ctx: Context, gradient: Value, x: Value, threshold: Argument) -> Value:
    """The gradient where x is above the threshold."""
    return ctx.graph.select(ctx.graph.map(MapFn.LT, ctx.f32(threshold), x), gradient, ctx.graph.f32(0.0))


@lowers(aten.tanh.default, becomes="tanh")
def tanh(ctx: Context, x: Value) -> Value:
    """Hyperbolic tangent."""
    return ctx.graph.map(MapFn.TANH, x)


@lowers(aten.tanh_backward.default, becomes="fma, neg, mul")
def tanh_backward(ctx: Context, gradient: Value, y: Value) -> Value:
    """gradient · (1 − y²)."""
    return ctx.graph.map(MapFn.MUL, gradient, _one_minus_square(ctx, y))


@lowers(aten.sigmoid.default, becomes="neg, exp, add, div")
def sigmoid(ctx: Context, x: Value) -> Value:
    """1 / (1 + exp(−x))."""
    one = ctx.graph.f32(1.0)
    return ctx.graph.map(MapFn.DIV, one, ctx.graph.map(MapFn.ADD, ctx.graph.map(MapFn.EXP, ctx.graph.map(MapFn.NEG, x)), one))


@lowers(aten.sigmoid_backward.default, becomes="sub, mul")
def sigmoid_backward(ctx: Context, gradient: Value, y: Value) -> Value:
    """gradient · y · (1 − y)."""
    slope = ctx.graph.map(MapFn.MUL, y, ctx.graph.map(MapFn.SUB, ctx.graph.f32(1.0), y))
    return ctx.graph.map(MapFn.MUL, gradient, slope)


@lowers(aten.silu.default, becomes="neg, exp, add, div, mul")
def silu(ctx: Context, x: Value) -> Value:
    """x · sigmoid(x), also called swish."""
    return ctx.graph.map(MapFn.MUL, x, sigmoid(ctx, x))


@lowers(aten.silu_backward.default, becomes="neg, exp, add, div, sub, fma, mul")
def silu_backward(ctx: Context, gradient: Value, x: Value) -> Value:
    """gradient · s · (1 + x · (1 − s)), s the sigmoid."""
    graph, one, s = ctx.graph, ctx.graph.f32(1.0), sigmoid(ctx, x)
    slope = graph.map(MapFn.FMA, x, graph.map(MapFn.SUB, one, s), one)
    return graph.map(MapFn.MUL, gradient, graph.map(MapFn.MUL, s, slope))


@lowers(aten.gelu.default, becomes="mul, erf or tanh, add, fma")
def gelu(ctx: Context, x: Value, approximate: str = "none") -> Value:
    """x · Φ(x), Φ the normal distribution function or its tanh approximation."""
    if approximate == "none":
        return ctx.graph.map(MapFn.MUL, x, _normal_distribution(ctx, x))
    return ctx.graph.map(MapFn.MUL, x, _half_plus_half(ctx, ctx.graph.map(MapFn.TANH, _gelu_argument(ctx, x))))


@lowers(aten.gelu_backward.default, becomes="mul, erf or tanh, exp, add, fma")
def gelu_backward(ctx: Context, gradient: Value, x: Value, approximate: str = "none") -> Value:
    """gradient · (Φ(x) + x · Φ'(x))."""
    graph = ctx.graph
    if approximate == "none":
        squared = graph.map(MapFn.MUL, x, x)
        bell = graph.map(MapFn.EXP, graph.map(MapFn.MUL, squared, graph.f32(-0.5)))
        density = graph.map(MapFn.MUL, bell, graph.f32(1 / math.sqrt(2 * math.pi)))
        slope = graph.map(MapFn.FMA, x, density, _normal_distribution(ctx, x))
        return graph.map(MapFn.MUL, gradient, slope)
    y = graph.map(MapFn.TANH, _gelu_argument(ctx, x))
    squared = graph.map(MapFn.MUL, x, x)
    inner = graph.map(MapFn.FMA, squared, graph.f32(3 * _GELU_CUBIC * _SQRT_2_OVER_PI), graph.f32(_SQRT_2_OVER_PI))
    half = graph.map(MapFn.MUL, graph.map(MapFn.MUL, x, graph.f32(0.5)), _one_minus_square(ctx, y))
    slope = graph.map(MapFn.FMA, half, inner, _half_plus_half(ctx, y))
    return graph.map(MapFn.MUL, gradient, slope)


def _one_minus_square(ctx: Context, y: Value) -> Value:
    return ctx.graph.map(MapFn.FMA, ctx.graph.map(MapFn.NEG, y), y, ctx.graph.f32(1.0))


def _half_plus_half(ctx: Context, y: Value) -> Value:
    """(1 + y) / 2."""
    half = ctx.graph.f32(0.5)
    return ctx.graph.map(MapFn.FMA, y, half, half)


def _normal_distribution(ctx: Context, x: Value) -> Value:
    return _half_plus_half(ctx, ctx.graph.map(MapFn.ERF, ctx.graph.map(MapFn.MUL, x, ctx.graph.f32(math.sqrt(0.5)))))


def _gelu_argument(ctx: Context, x: Value) -> Value:
    """√(2/π) · (x + 0.044715 x³)."""
    cube = ctx.graph.map(MapFn.MUL, ctx.graph.map(MapFn.MUL, x, x), x)
    return ctx.graph.map(MapFn.MUL, ctx.graph.map(MapFn.FMA, cube, ctx.graph.f32(_GELU_CUBIC), x), ctx.graph.f32(_SQRT_2_OVER_PI))


@lowers(aten.log_sigmoid_forward.default, becomes="abs, neg, exp, log, min, sub")
def log_sigmoid(ctx: Context, a: Value) -> tuple[Value, Value]:
    """−log(1 + e^−a), and e^−|a| for its gradient."""
    x = expr(ctx, a)
    small = (-abs(x)).exp()
    return (x.minimum(0.0) - log1p_of(small)).value, small.value


@lowers(aten.log_sigmoid_backward.default, becomes="lt, select, add, div, mul, sub")
def log_sigmoid_backward(ctx: Context, gradient: Value, a: Value, buffer: Value) -> Value:
    """gradient · (1 − sigmoid(a))."""
    x, small = expr(ctx, a), expr(ctx, buffer)
    share = small / (1.0 + small)
    return (expr(ctx, gradient) * (x < 0.0).where(1.0 - share, share)).value
