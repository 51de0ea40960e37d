"""Random operators draw from the machine's counter-based generator, never from PyTorch's."""

from __future__ import annotations

import math

import torch

from touchstone.capture import views
from touchstone.capture.lowering.expression import Expr, expr
from touchstone.capture.lowering.registry import Argument, Context, lowers
from touchstone.capture.views import Value
from touchstone.machine.program import MapFn

aten = torch.ops.aten

RANDOM_BITS = 24  # so that every threshold and every uniform number is exact in float32

COINS = frozenset({aten.bernoulli.p, aten.bernoulli_.float})
COINS_OF_TENSOR = frozenset({aten.bernoulli.default, aten.bernoulli.Tensor, aten.bernoulli_.Tensor})
UNIFORM = frozenset({aten.uniform.default, aten.uniform_.default, aten.rand.default, aten.rand_like.default})
NORMAL = frozenset({aten.normal_functional.default, aten.normal_.default, aten.randn.default, aten.randn_like.default})
NORMAL_OF_TENSORS = frozenset({aten.normal.Tensor_Tensor, aten.normal.Tensor_float, aten.normal.float_Tensor, aten.normal.float_float})
INTEGERS = frozenset({aten.randint.default, aten.randint.low, aten.randint_like.default, aten.randint_like.low_dtype})
EXPONENTIAL = frozenset({aten.exponential.default, aten.exponential_.default})

# Operators that draw, functional and in-place: numbering them in the order they run gives each its site.
DRAWS = COINS | COINS_OF_TENSOR | UNIFORM | NORMAL | NORMAL_OF_TENSORS | INTEGERS | EXPONENTIAL


def threshold(probability: float) -> int:
    """A draw of ``RANDOM_BITS`` bits is a success when it is below this."""
    return round(probability * (1 << RANDOM_BITS))


def _draws(ctx: Context, shape: tuple[int, ...]) -> Value:
    """Random integers of ``RANDOM_BITS`` bits."""
    words = ctx.graph.philox(ctx.step, ctx.key, ctx.site, shape)
    return ctx.graph.map(MapFn.ISHR, words, ctx.graph.i32(32 - RANDOM_BITS))


def _uniform(ctx: Context) -> Expr:
    """Multiples of 2^−24 in [0, 1)."""
    return expr(ctx, _draws(ctx, ctx.output.shape)) * 2.0**-RANDOM_BITS


def _normal(ctx: Context) -> Expr:
    """Standard normal numbers, by G. Box and M. Muller's transform of two uniform ones; none is beyond 5.8."""
    draws = _draws(ctx, (2, *ctx.output.shape))
    first, second = (expr(ctx, views.drop_axis(views.narrow(draws, 0, k, 1, 1), 0)) for k in range(2))
    radius = (-2.0 * ((first + 1.0) * 2.0**-RANDOM_BITS).log()).sqrt()
    angle = second * (2 * math.pi * 2.0**-RANDOM_BITS)
    return radius * Expr(ctx.graph, ctx.graph.map(MapFn.COS, angle.value))


@lowers(aten.bernoulli.p, becomes="philox, ishr, ilt, i2f (dropout)")
def bernoulli(ctx: Context, x: Value, probability: float = 0.5, **_options: object) -> Value:
    """1.0 with the given probability, else 0.0, for each element of ``x``."""
    hit = ctx.graph.map(MapFn.ILT, _draws(ctx, x.shape), ctx.graph.i32(threshold(probability)))
    return ctx.like_output(hit)


@lowers(aten.bernoulli.default, becomes="philox, ishr, i2f, mul, lt")
def bernoulli_of(ctx: Context, probability: Value, **_options: object) -> Value:
    """1 with a probability of its own for each element, else 0."""
    return ctx.like_output((_uniform(ctx) < expr(ctx, probability)).value)


@lowers(aten.bernoulli.Tensor, becomes="philox, ishr, i2f, mul, lt")
def bernoulli_with(ctx: Context, _x: Value, probability: Value, **_options: object) -> Value:
    """1 with a probability of its own for each element, else 0."""
    return bernoulli_of(ctx, probability)


@lowers(aten.rand.default, aten.rand_like.default, becomes="philox, ishr, i2f, mul")
def rand(ctx: Context, *_arguments: object, **_options: object) -> Value:
    """Uniform in [0, 1)."""
    return _uniform(ctx).value


@lowers(aten.uniform.default, becomes="philox, ishr, i2f, mul, fma")
def uniform(ctx: Context, _x: Value, low: Argument = 0.0, high: Argument = 1.0, **_options: object) -> Value:
    """Uniform in [low, high)."""
    start = expr(ctx, low)
    return _uniform(ctx).fma(expr(ctx, high) - start, start).value


@lowers(aten.randn.default, aten.randn_like.default, becomes="philox, ishr, i2f, log, sqrt, cos, mul")
def randn(ctx: Context, *_arguments: object, **_options: object) -> Value:
    """Standard normal."""
    return _normal(ctx).value


@lowers(aten.normal_functional.default, becomes="philox, ishr, i2f, log, sqrt, cos, fma")
def normal_like(ctx: Context, _x: Value, mean: Argument = 0.0, deviation: Argument = 1.0, **_options: object) -> Value:
    """Normal with a mean and a standard deviation."""
    return normal(ctx, mean, deviation)


@lowers(
    aten.normal.Tensor_Tensor,
    aten.normal.Tensor_float,
    aten.normal.float_Tensor,
    aten.normal.float_float,
    becomes="philox, ishr, i2f, log, sqrt, cos, fma",
)
def normal(ctx: Context, mean: Argument = 0.0, deviation: Argument = 1.0, *_shape: object, **_options: object) -> Value:
    """Normal with means and standard deviations."""
    return _normal(ctx).fma(expr(ctx, deviation), expr(ctx, mean)).value


@lowers(aten.exponential.default, becomes="philox, ishr, i2f, log, div")
def exponential(ctx: Context, _x: Value, rate: Argument = 1.0, **_options: object) -> Value:
    """Exponential with a rate."""
    return (-(1.0 - _uniform(ctx)).log() / expr(ctx, rate)).value


def _whole(ctx: Context, low: int, high: int) -> Value:
    """Uniform integers in low … high − 1: 31 random bits modulo their number."""
    bits = ctx.graph.map(MapFn.ISHR, ctx.graph.philox(ctx.step, ctx.key, ctx.site, ctx.output.shape), ctx.graph.i32(1))
    number = ctx.graph.map(MapFn.IMOD, bits, ctx.graph.i32(high - low))
    return ctx.like_output(ctx.graph.map(MapFn.IADD, number, ctx.graph.i32(low)))


@lowers(aten.randint.default, becomes="philox, ishr, imod")
def randint(ctx: Context, high: int, _shape: object, **_options: object) -> Value:
    """Integers in 0 … high − 1."""
    return _whole(ctx, 0, high)


@lowers(aten.randint.low, becomes="philox, ishr, imod, iadd")
def randint_between(ctx: Context, low: int, high: int, _shape: object, **_options: object) -> Value:
    """Integers in low … high − 1."""
    return _whole(ctx, low, high)


@lowers(aten.randint_like.default, becomes="philox, ishr, imod")
def randint_like(ctx: Context, _x: Value, high: int, **_options: object) -> Value:
    """Integers in 0 … high − 1."""
    return _whole(ctx, 0, high)


@lowers(aten.randint_like.low_dtype, becomes="philox, ishr, imod, iadd")
def randint_like_between(ctx: Context, _x: Value, low: int, high: int, **_options: object) -> Value:
    """Integers in low … high − 1."""
    return _whole(ctx, low, high)
