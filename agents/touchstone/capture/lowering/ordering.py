"""Sorting by ranks: an element's place is the number of those that come before it, which takes n² comparisons of a row of n."""

from __future__ import annotations

import torch

from touchstone.capture import views
from touchstone.capture.errors import UnsupportedOperatorError
from touchstone.capture.lowering.expression import Expr
from touchstone.capture.lowering.registry import Argument, Context, axis_of, lowers
from touchstone.capture.views import Value
from touchstone.machine.program import DType, MapFn, ReduceFn

aten = torch.ops.aten

MAX_COMPARISONS = 1 << 24  # of all rows together


def _order(ctx: Context, rows: Value, descending: bool) -> Value:
    """Of ``rows[R, n]``, for each place of the sorted rows, the index of the element there: i32 [R, n]. Stable; NaN counts as greatest."""
    count, length = rows.shape
    if count * length * length > MAX_COMPARISONS:
        raise UnsupportedOperatorError(
            f"sorting {count} rows of {length} numbers{ctx.at} takes over {MAX_COMPARISONS} comparisons; sort fewer, or use amax"
        )
    graph, place = ctx.graph, ctx.graph.iota(length)
    here, there = graph.reshape(rows, (count, length, 1)), graph.reshape(rows, (count, 1, length))
    before, after = (_less(ctx, here, there), _less(ctx, there, here)) if descending else (_less(ctx, there, here), _less(ctx, here, there))
    tied = graph.map(MapFn.IEQ, graph.map(MapFn.IOR, before, after), graph.i32(0))
    earlier = graph.map(MapFn.ILT, place, graph.reshape(place, (length, 1)))  # [here, there]
    comes_before = graph.map(MapFn.IOR, before, graph.map(MapFn.IAND, tied, earlier))
    rank = graph.reduce(ReduceFn.SUM, comes_before, (2,))  # [R, n]
    is_at = graph.map(MapFn.IEQ, graph.reshape(rank, (count, 1, length)), graph.reshape(place, (length, 1)))  # [R, place, element]
    return graph.reduce(ReduceFn.SUM, graph.map(MapFn.IMUL, is_at, place), (2,))


def _less(ctx: Context, a: Value, b: Value) -> Value:
    if a.dtype is DType.I32:
        return ctx.graph.map(MapFn.ILT, a, b)
    x, y = Expr(ctx.graph, a), Expr(ctx.graph, b)
    return ((x < y) | (x.equals(x) & ~y.equals(y))).value


def _last_axis(ctx: Context, a: Value, axis: int) -> tuple[Value, tuple[int, ...]]:
    """``a`` as rows along ``axis``, and the shape before flattening: the other axes, then this one."""
    order = (*(k for k in range(len(a.shape)) if k != axis), axis)
    turned = views.permute(a, order)
    return ctx.graph.reshape(turned, (a.count // a.shape[axis], a.shape[axis])), turned.shape


def _picked(ctx: Context, rows: Value, index: Value) -> Value:
    """Element ``index[r, k]`` of each row r."""
    graph, (count, length) = ctx.graph, rows.shape
    first = graph.reshape(graph.map(MapFn.IMUL, graph.iota(count), graph.i32(length)), (count, 1))
    flat = graph.gather(graph.reshape(rows, (count * length, 1)), graph.map(MapFn.IADD, first, index))
    return graph.reshape(flat, index.shape)


def _sorted(ctx: Context, a: Value, axis: int, descending: bool, start: int, length: int) -> tuple[Value, Value]:
    """Places start … start + length − 1 of the sorted axis, and their indices."""
    if not a.shape:
        return a, ctx.graph.i32(0)
    axis = axis_of(axis, len(a.shape))
    rows, shape = _last_axis(ctx, a, axis)
    index = views.narrow(_order(ctx, rows, descending), 1, start, 1, length)
    back = (*range(axis), len(shape) - 1, *range(axis, len(shape) - 1))
    values = (ctx.graph.reshape(part, (*shape[:-1], length)) for part in (_picked(ctx, rows, index), index))
    first, second = (views.permute(part, back) for part in values)
    return first, second


@lowers(aten.sort.default, aten.sort.stable, becomes="n² comparisons, reduce sum, gather")
def sort(ctx: Context, a: Value, *arguments: object, **options: object) -> tuple[Value, Value]:
    """Sorted along an axis, and where each came from; equal elements keep their order."""
    given = dict(zip(("dim", "descending"), arguments, strict=False)) | options  # the overload with ``stable`` takes keywords
    axis, descending = given.get("dim", -1), given.get("descending", False)
    assert isinstance(axis, int)
    return _sorted(ctx, a, axis, bool(descending), 0, a.shape[axis] if a.shape else 1)


@lowers(aten.topk.default, becomes="n² comparisons, reduce sum, gather")
def topk(ctx: Context, a: Value, count: int, axis: int = -1, largest: bool = True, _sorted_: bool = True) -> tuple[Value, Value]:
    """The greatest or least of an axis, in order, and their indices."""
    return _sorted(ctx, a, axis, largest, 0, count)


@lowers(aten.kthvalue.default, becomes="n² comparisons, reduce sum, gather")
def kthvalue(ctx: Context, a: Value, place: int, axis: int = -1, keep: bool = False) -> tuple[Value, Value]:
    """The element at a place, from 1, of the sorted axis, and its index."""
    values, index = _sorted(ctx, a, axis, False, place - 1, 1)
    return ctx.graph.reshape(values, ctx.output.shape), ctx.graph.reshape(index, ctx.output.shape)


def _with_nan(ctx: Context, a: Value, axis: int, found: Value, index: Value) -> tuple[Value, Value]:
    """The first NaN of an axis instead, where there is one."""
    if a.dtype is DType.I32:
        return found, index
    greatest = ctx.graph.reshape(ctx.graph.reduce(ReduceFn.MAX, a, (axis,)), found.shape)
    first = ctx.graph.reshape(ctx.graph.reduce(ReduceFn.ARGMAX, a, (axis,)), found.shape)
    is_number = Expr(ctx.graph, greatest).equals(Expr(ctx.graph, greatest)).value
    return ctx.graph.select(is_number, found, greatest), ctx.graph.select(is_number, index, first)


@lowers(aten.median.dim, becomes="n² comparisons, reduce sum, gather")
def median_along(ctx: Context, a: Value, axis: int, keep: bool = False) -> tuple[Value, Value]:
    """The middle one of an axis (the lower of two), NaN if one is, and its index."""
    if not a.shape:
        return a, ctx.graph.i32(0)
    axis = axis_of(axis, len(a.shape))
    return _with_nan(ctx, a, axis, *kthvalue(ctx, a, (a.shape[axis] + 1) // 2, axis))


@lowers(aten.median.default, becomes="n² comparisons, reduce sum, gather")
def median(ctx: Context, a: Value) -> Value:
    """The middle one of all (the lower of two), NaN if one is."""
    return median_along(ctx, ctx.graph.reshape(a, (a.count,)), 0)[0]


@lowers(aten.bucketize.Tensor, aten.bucketize.Scalar, becomes="lt or le, reduce sum")
def bucketize(ctx: Context, a: Argument, boundaries: Value, *, out_int32: bool = False, right: bool = False) -> Value:
    """How many of the ascending boundaries are below (with ``right``, not above) each number."""
    numbers = a if isinstance(a, Value) else ctx.f32(a)
    apart = ctx.graph.reshape(numbers, (*numbers.shape, 1))
    if apart.dtype is not boundaries.dtype:
        apart, boundaries = ctx.f32(apart), ctx.f32(boundaries)
    above = _less(ctx, apart, boundaries) if right else ctx.graph.map(MapFn.IEQ, _less(ctx, boundaries, apart), ctx.graph.i32(0))
    below = ctx.graph.map(MapFn.IEQ, above, ctx.graph.i32(0))
    return ctx.graph.reduce(ReduceFn.SUM, below, (len(below.shape) - 1,))


@lowers(aten.isin.Tensor_Tensor, aten.isin.Tensor_Scalar, becomes="eq or ieq, reduce max")
def isin(ctx: Context, a: Value, others: Argument, *, assume_unique: bool = False, invert: bool = False) -> Value:
    """Whether each element is among the others."""
    wanted = others if isinstance(others, Value) else ctx.f32(others)
    apart, flat = ctx.graph.reshape(a, (*a.shape, 1)), ctx.graph.reshape(wanted, (wanted.count,))
    fn = MapFn.IEQ if a.dtype is DType.I32 and flat.dtype is DType.I32 else MapFn.EQ
    found = ctx.graph.reduce(ReduceFn.MAX, ctx.graph.map(fn, apart, flat), (len(a.shape),))
    return ctx.graph.map(MapFn.IEQ, found, ctx.graph.i32(0)) if invert else found
