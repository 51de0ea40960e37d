"""Sums, means, extremes and norms over axes."""

from __future__ import annotations

import torch

from touchstone.capture.errors import UnsupportedOperatorError
from touchstone.capture.lowering.registry import Context, axes_of, axis_of, lowers
from touchstone.capture.views import Value
from touchstone.machine.program import MapFn, ReduceFn

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


@lowers(aten.linalg_vector_norm.default, becomes="mul, reduce sum, sqrt (order 2 only)")
def vector_norm(ctx: Context, a: Value, order: float = 2, axes: list[int] | None = None, keep: bool = False, **_options: object) -> Value:
    """Euclidean norm."""
    if order != 2:
        raise UnsupportedOperatorError(f"a vector norm of order {order} is not supported{ctx.at}; use the Euclidean norm (order 2)")
    squares = ctx.graph.map(MapFn.MUL, a, a)
    return ctx.graph.map(MapFn.SQRT, reduce_sum(ctx, squares, axes_of(axes, len(a.shape)), keep))
