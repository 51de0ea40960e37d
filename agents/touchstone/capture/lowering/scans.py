"""Running sums, products and extremes: after round k every element covers the 2^k before it, so n elements take log2 n rounds."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from touchstone.capture import views
from touchstone.capture.lowering.arithmetic import less
from touchstone.capture.lowering.exponentials import log1p_of
from touchstone.capture.lowering.expression import expr
from touchstone.capture.lowering.registry import Context, axis_of, lowers
from touchstone.capture.views import Value
from touchstone.machine.program import DType, MapFn

aten = torch.ops.aten

Parts = tuple[Value, ...]


def _scan(ctx: Context, parts: Parts, axis: int, combine: Callable[[Parts, Parts], Parts]) -> Parts:
    """``combine(earlier, later)`` of all elements up to each; ``parts`` are arrays of one shape that go together."""
    length, reach = parts[0].shape[axis], 1
    while reach < length:
        earlier = tuple(views.narrow(part, axis, 0, 1, length - reach) for part in parts)
        later = tuple(views.narrow(part, axis, reach, 1, length - reach) for part in parts)
        start = tuple(views.narrow(part, axis, 0, 1, reach) for part in parts)
        joined = combine(earlier, later)
        parts = tuple(ctx.graph.concatenate(pair, axis) for pair in zip(start, joined, strict=True))
        reach *= 2
    return parts


def running(ctx: Context, fn: MapFn, a: Value, axis: int) -> Value:
    """Scan with an associative map function."""
    if not a.shape:
        return a
    (result,) = _scan(ctx, (a,), axis_of(axis, len(a.shape)), lambda x, y: (ctx.graph.map(fn, x[0], y[0]),))
    return result


@lowers(aten.cumsum.default, becomes="add or iadd and move, log2 n times")
def cumsum(ctx: Context, a: Value, axis: int, **_options: object) -> Value:
    """Sum of all elements up to each."""
    return running(ctx, MapFn.ADD if ctx.output.is_float else MapFn.IADD, ctx.like_output(a), axis)


@lowers(aten.logcumsumexp.default, becomes="max, min, sub, exp, add, log, div, select and move, log2 n times")
def logcumsumexp(ctx: Context, a: Value, axis: int) -> Value:
    """Logarithm of the sum of the exponentials of all elements up to each."""

    def combine(x: Parts, y: Parts) -> Parts:
        first, second = expr(ctx, x[0]), expr(ctx, y[0])
        greater, lesser = first.maximum(second), first.minimum(second)
        is_same_infinity = greater.equals(lesser) & abs(greater).equals(math.inf)
        return (is_same_infinity.where(greater, greater + log1p_of((lesser - greater).exp())).value,)

    if not a.shape:
        return a
    (result,) = _scan(ctx, (a,), axis_of(axis, len(a.shape)), combine)
    return result


@lowers(aten.cumprod.default, becomes="mul or imul and move, log2 n times")
def cumprod(ctx: Context, a: Value, axis: int, **_options: object) -> Value:
    """Product of all elements up to each."""
    return running(ctx, MapFn.MUL if ctx.output.is_float else MapFn.IMUL, ctx.like_output(a), axis)


def _running_extreme(ctx: Context, a: Value, axis: int, is_max: bool) -> tuple[Value, Value]:
    """The last greatest or least element up to each, and its index, as PyTorch counts."""
    if not a.shape:
        return a, ctx.graph.i32(0)
    axis = axis_of(axis, len(a.shape))
    shape = tuple(dim if k == axis else 1 for k, dim in enumerate(a.shape))
    place = views.expand(ctx.graph.reshape(ctx.graph.iota(a.shape[axis]), shape), a.shape)

    def combine(x: Parts, y: Parts) -> Parts:
        earlier_wins = less(ctx, y[0], x[0]) if is_max else less(ctx, x[0], y[0])
        if a.dtype is DType.F32:
            first, second = expr(ctx, x[0]), expr(ctx, y[0])
            nan_first = (~first.equals(first)) & second.equals(second)
            earlier_wins = ctx.graph.map(MapFn.IOR, earlier_wins, nan_first.value)
        return tuple(ctx.graph.select(earlier_wins, p, q) for p, q in zip(x, y, strict=True))

    values, indices = _scan(ctx, (a, place), axis, combine)
    return values, indices


@lowers(aten.cummax.default, becomes="lt, select and move, log2 n times")
def cummax(ctx: Context, a: Value, axis: int) -> tuple[Value, Value]:
    """Greatest of all elements up to each, and its index."""
    return _running_extreme(ctx, a, axis, is_max=True)


@lowers(aten.cummin.default, becomes="lt, select and move, log2 n times")
def cummin(ctx: Context, a: Value, axis: int) -> tuple[Value, Value]:
    """Least of all elements up to each, and its index."""
    return _running_extreme(ctx, a, axis, is_max=False)
