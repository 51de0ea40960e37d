"""Sums, means, extremes and norms over axes."""

from __future__ import annotations

import math

import torch

from touchstone.capture import views
from touchstone.capture.lowering.comparison import not_equal
from touchstone.capture.lowering.exponentials import power_of_number
from touchstone.capture.lowering.expression import expr
from touchstone.capture.lowering.registry import Context, axes_of, axis_of, lowers
from touchstone.capture.views import Value
from touchstone.machine.program import DType, MapFn, ReduceFn

aten = torch.ops.aten


def reduce_sum(ctx: Context, a: Value, axes: tuple[int, ...], keep: bool = False) -> Value:
    """Sum over ``axes``; the value itself where there is nothing to add."""
    return ctx.graph.reduce(ReduceFn.SUM, a, axes, keep) if axes else a


@lowers(aten.sum.default, aten.sum.dim_IntList, becomes="reduce sum")
def sum_(ctx: Context, a: Value, axes: list[int] | None = None, keep: bool = False, **_options: object) -> Value:
    """Sum over axes, or of everything."""
    return reduce_sum(ctx, ctx.like_output(a), axes_of(axes, len(a.shape)), keep)


@lowers(aten.mean.default, aten.mean.dim, becomes="reduce sum, div")
def mean(ctx: Context, a: Value, axes: list[int] | None = None, keep: bool = False, **_options: object) -> Value:
    """Mean over axes, or of everything."""
    total = reduce_sum(ctx, ctx.f32(a), axes_of(axes, len(a.shape)), keep)
    return ctx.graph.map(MapFn.DIV, total, ctx.graph.f32(a.count / total.count))


@lowers(aten.amax.default, becomes="reduce max")
def amax(ctx: Context, a: Value, axes: list[int] | None = None, keep: bool = False) -> Value:
    """Greatest over axes."""
    return ctx.graph.reduce(ReduceFn.MAX, a, axes_of(axes, len(a.shape)), keep) if a.shape else a


@lowers(aten.amin.default, becomes="reduce min")
def amin(ctx: Context, a: Value, axes: list[int] | None = None, keep: bool = False) -> Value:
    """Least over axes."""
    return ctx.graph.reduce(ReduceFn.MIN, a, axes_of(axes, len(a.shape)), keep) if a.shape else a


@lowers(aten.argmax.default, becomes="reduce argmax")
def argmax(ctx: Context, a: Value, axis: int | None = None, keep: bool = False) -> Value:
    """Index of the greatest element, the lowest such index."""
    axes = axes_of(None, len(a.shape)) if axis is None else (axis_of(axis, len(a.shape)),)
    return ctx.graph.reduce(ReduceFn.ARGMAX, a, axes, keep)


@lowers(aten.argmin.default, becomes="neg or ixor, reduce argmax")
def argmin(ctx: Context, a: Value, axis: int | None = None, keep: bool = False) -> Value:
    """Index of the least element, the lowest such index."""
    return argmax(ctx, turned(ctx, a), axis, keep)


def turned(ctx: Context, a: Value) -> Value:
    """Values in the opposite order."""
    return ctx.graph.map(MapFn.NEG, a) if a.dtype is DType.F32 else ctx.graph.map(MapFn.IXOR, a, ctx.graph.i32(-1))


@lowers(aten.max.default, becomes="reduce max")
def greatest(ctx: Context, a: Value) -> Value:
    """Greatest of all."""
    return amax(ctx, a)


@lowers(aten.min.default, becomes="reduce min")
def least(ctx: Context, a: Value) -> Value:
    """Least of all."""
    return amin(ctx, a)


@lowers(aten.max.dim, becomes="reduce max, reduce argmax")
def max_along(ctx: Context, a: Value, axis: int, keep: bool = False) -> tuple[Value, Value]:
    """Greatest along an axis, and its lowest index."""
    return amax(ctx, a, [axis], keep), argmax(ctx, a, axis, keep)


@lowers(aten.min.dim, becomes="reduce min, neg or ixor, reduce argmax")
def min_along(ctx: Context, a: Value, axis: int, keep: bool = False) -> tuple[Value, Value]:
    """Least along an axis, and its lowest index."""
    return amin(ctx, a, [axis], keep), argmin(ctx, a, axis, keep)


@lowers(aten.any.default, aten.any.dim, aten.any.dims, becomes="eq, ieq, reduce max")
def any_(ctx: Context, a: Value, axes: int | list[int] | None = None, keep: bool = False) -> Value:
    """Whether one is not 0."""
    return ctx.graph.reduce(ReduceFn.MAX, not_equal(ctx, a, 0), axes_of(axes, len(a.shape)), keep)


@lowers(aten.all.default, aten.all.dim, aten.all.dims, becomes="eq, ieq, reduce min")
def all_(ctx: Context, a: Value, axes: int | list[int] | None = None, keep: bool = False) -> Value:
    """Whether none is 0."""
    return ctx.graph.reduce(ReduceFn.MIN, not_equal(ctx, a, 0), axes_of(axes, len(a.shape)), keep)


@lowers(aten.prod.default, aten.prod.dim_int, becomes="mul or imul, halving")
def prod(ctx: Context, a: Value, axis: int | None = None, keep: bool = False, **_options: object) -> Value:
    """Product along an axis, or of everything: halves are multiplied until one number is left."""
    value = ctx.like_output(a)
    if axis is None:
        value, axis = ctx.graph.reshape(value, (value.count,)), 0
    axis = axis_of(axis, max(1, len(value.shape)))
    fn = MapFn.MUL if ctx.output.is_float else MapFn.IMUL
    while value.shape and value.shape[axis] > 1:
        length = value.shape[axis]
        half = length // 2
        product = ctx.graph.map(fn, views.narrow(value, axis, 0, 1, half), views.narrow(value, axis, half, 1, half))
        odd = [views.narrow(value, axis, length - 1, 1, 1)] if length % 2 else []
        value = ctx.graph.concatenate([product, *odd], axis)
    return ctx.graph.reshape(value, ctx.output.shape)


def _squared_deviations(ctx: Context, a: Value, axes: tuple[int, ...], correction: float) -> tuple[Value, Value]:
    """Variance and mean, with the reduced axes kept at length 1."""
    count = math.prod(a.shape[axis] for axis in axes)
    average = ctx.graph.map(MapFn.DIV, reduce_sum(ctx, a, axes, keep=True), ctx.graph.f32(float(count)))
    deviation = ctx.graph.map(MapFn.SUB, a, average)
    total = reduce_sum(ctx, ctx.graph.map(MapFn.MUL, deviation, deviation), axes, keep=True)
    return ctx.graph.map(MapFn.DIV, total, ctx.graph.f32(max(0.0, count - correction))), average


@lowers(aten.var.correction, becomes="reduce sum, div, sub, mul")
def var(ctx: Context, a: Value, axes: list[int] | None = None, *, correction: float | None = 1, keepdim: bool = False) -> Value:
    """Variance; the sum of squares is divided by the number of elements less the correction."""
    return var_mean(ctx, a, axes, correction=correction)[0]


@lowers(aten.var_mean.correction, becomes="reduce sum, div, sub, mul")
def var_mean(
    ctx: Context, a: Value, axes: list[int] | None = None, *, correction: float | None = 1, keepdim: bool = False
) -> tuple[Value, Value]:
    """Variance and mean."""
    variance, average = _squared_deviations(ctx, ctx.f32(a), axes_of(axes, len(a.shape)), 1 if correction is None else correction)
    return ctx.graph.reshape(variance, ctx.output.shape), ctx.graph.reshape(average, ctx.output.shape)


def _powers(ctx: Context, a: Value, order: float) -> Value:
    x = abs(expr(ctx, a))
    if order == 0:
        return ctx.f32((~x.equals(0.0)).value)
    if order == 1:
        return x.value
    return power_of_number(ctx, x.value, order)


@lowers(
    aten.linalg_vector_norm.default,
    becomes="mul, reduce sum, sqrt; abs, reduce max, min or sum for the orders ±∞, 0, 1; log, exp for others",
)
def vector_norm(ctx: Context, a: Value, order: float = 2, axes: list[int] | None = None, keep: bool = False, **_options: object) -> Value:
    """The norm of an order: (Σ |a|^order)^(1 / order), Euclidean by default."""
    over = axes_of(axes, len(a.shape))
    if math.isinf(order):
        size = ctx.graph.map(MapFn.ABS, a)
        return ctx.graph.reduce(ReduceFn.MAX if order > 0 else ReduceFn.MIN, size, over, keep) if over else size
    if order == 2:
        return ctx.graph.map(MapFn.SQRT, reduce_sum(ctx, ctx.graph.map(MapFn.MUL, a, a), over, keep))
    total = reduce_sum(ctx, _powers(ctx, a, order), over, keep)
    return total if order in (0, 1) else power_of_number(ctx, total, 1 / order)
