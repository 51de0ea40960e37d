"""Tensors with some elements replaced, or combined with others. Where one is written twice, the last write counts."""

from __future__ import annotations

from collections.abc import Callable

import torch

from touchstone.capture import views
from touchstone.capture.errors import UnsupportedOperatorError
from touchstone.capture.lowering.arithmetic import extreme
from touchstone.capture.lowering.indexing import added_rows, total_of, with_axis, wrapped
from touchstone.capture.lowering.last_writers import last_writer, overwritten_rows, writes
from touchstone.capture.lowering.registry import Argument, Context, axis_of, lowers
from touchstone.capture.lowering.rounding import div_mode
from touchstone.capture.views import Shape, Value
from touchstone.machine.program import DType, MapFn, ReduceFn

aten = torch.ops.aten


def _rows_of(ctx: Context, x: Value, axis: int) -> tuple[Value, Callable[[Value], Value]]:
    """``x`` as rows along ``axis``, and the way back."""
    order = (axis, *(k for k in range(len(x.shape)) if k != axis))
    turned = views.permute(x, order)
    rows = ctx.graph.reshape(turned, (x.shape[axis], x.count // x.shape[axis]))
    back = tuple(order.index(k) for k in range(len(order)))
    return rows, lambda result: views.permute(ctx.graph.reshape(result, turned.shape), back)


@lowers(aten.index_copy.default, becomes="ieq, reduce max, gather, select")
def index_copy(ctx: Context, x: Value, axis: int, index: Value, source: Value) -> Value:
    """x with rows along an axis replaced."""
    shape, x, source = x.shape, with_axis(ctx, x), with_axis(ctx, source)
    axis = axis_of(axis, len(x.shape))
    rows, back = _rows_of(ctx, x, axis)
    given, _ = _rows_of(ctx, source, axis)
    index = wrapped(ctx, with_axis(ctx, index), rows.shape[0])
    return ctx.graph.reshape(back(overwritten_rows(ctx, rows, index, given)), shape)


@lowers(aten.index_fill.int_Scalar, aten.index_fill.int_Tensor, becomes="ieq, reduce max, select")
def index_fill(ctx: Context, x: Value, axis: int, index: Value, value: Argument) -> Value:
    """x with rows along an axis filled with one value."""
    shape, x = x.shape, with_axis(ctx, x)
    axis = axis_of(axis, len(x.shape))
    hits = writes(ctx, wrapped(ctx, with_axis(ctx, index), x.shape[axis]), x.shape[axis])
    written = ctx.graph.reduce(ReduceFn.MAX, hits, (1,))
    mask = ctx.graph.reshape(written, tuple(dim if k == axis else 1 for k, dim in enumerate(x.shape)))
    return ctx.graph.reshape(ctx.graph.select(mask, ctx.like_output(value), x), shape)


def _padded(ctx: Context, index: Value, axis: int, shape: Shape, border: Value) -> Value:
    """``index`` extended with ``border`` to ``shape`` on all axes but one."""
    for k, dim in enumerate(shape):
        if k != axis and index.shape[k] < dim:
            rest = tuple(dim - index.shape[k] if j == k else n for j, n in enumerate(index.shape))
            index = ctx.graph.concatenate([index, views.expand(border, rest)], k)
    return index


def _scattered(ctx: Context, x: Value, axis: int, index: Value, source: Value | None) -> tuple[Value, Value, Value]:
    """For a scatter along ``axis``: x, index and source with that axis last, index and source extended to the shape of x."""
    axis = axis_of(axis, len(x.shape))
    if source is None:
        source = index
    for k, length in enumerate(index.shape):
        source = views.narrow(source, k, 0, 1, length)
    nothing = ctx.graph.i32(0) if source.dtype is DType.I32 else ctx.graph.f32(0.0)
    index = _padded(ctx, index, axis, x.shape, ctx.graph.i32(-1))
    source = _padded(ctx, source, axis, x.shape, nothing)
    order = (*(k for k in range(len(x.shape)) if k != axis), axis)
    return views.permute(x, order), views.permute(index, order), views.permute(source, order)


def _axis_back(x: Value, axis: int) -> Value:
    rank = len(x.shape)
    axis = axis_of(axis, rank)
    return views.permute(x, (*range(axis), rank - 1, *range(axis, rank - 1)))


@lowers(aten.scatter.src, becomes="ieq, reduce max, gather, select")
def scatter(ctx: Context, x: Value, axis: int, index: Value, source: Value) -> Value:
    """x with elements along an axis replaced."""
    if not x.shape:
        return ctx.graph.reshape(source, ())
    rows, places, values = _scattered(ctx, x, axis, index, source)
    writer = last_writer(ctx, places, rows.shape[-1])
    first = ctx.graph.map(MapFn.IMUL, ctx.graph.iota(values.count // values.shape[-1]), ctx.graph.i32(values.shape[-1]))
    flat = ctx.graph.map(MapFn.IADD, ctx.graph.reshape(first, (*values.shape[:-1], 1)), writer)
    chosen = ctx.graph.reshape(ctx.graph.gather(ctx.graph.reshape(values, (values.count, 1)), flat), rows.shape)
    is_kept = ctx.graph.map(MapFn.ILT, writer, ctx.graph.i32(0))
    return _axis_back(ctx.graph.select(is_kept, rows, chosen), axis)


@lowers(aten.scatter.value, becomes="ieq, reduce max, select")
def scatter_value(ctx: Context, x: Value, axis: int, index: Value, value: Argument) -> Value:
    """x with one value written along an axis."""
    if not x.shape:
        return ctx.like_output(value)
    rows, places, _ = _scattered(ctx, x, axis, index, None)
    hits = writes(ctx, places, rows.shape[-1])
    written = ctx.graph.reduce(ReduceFn.MAX, hits, (len(hits.shape) - 1,))
    return _axis_back(ctx.graph.select(written, ctx.like_output(value), rows), axis)


@lowers(aten.scatter_reduce.two, becomes="ieq, select, reduce sum, max or min")
def scatter_reduce(ctx: Context, x: Value, axis: int, index: Value, source: Value, reduce: str, *, include_self: bool = True) -> Value:
    """The sum, mean, maximum or minimum of what is written to each place, and of what was there."""
    shape, x, index, source = x.shape, with_axis(ctx, x), with_axis(ctx, index), with_axis(ctx, source)
    if reduce not in _REDUCTIONS:
        raise UnsupportedOperatorError(f"scatter_reduce with reduce={reduce!r}{ctx.at} is not supported; use sum, mean, amax or amin")
    rows, places, values = _scattered(ctx, x, axis, index, source)
    return ctx.graph.reshape(_axis_back(_reduced(ctx, rows, places, values, reduce, include_self), axis), shape)


def _reduced(ctx: Context, rows: Value, places: Value, values: Value, reduce: str, include_self: bool) -> Value:
    """Of ``rows[…, R]``, each place together with the elements of ``values[…, N]`` whose ``places`` point at it."""
    graph = ctx.graph
    hits = writes(ctx, places, rows.shape[-1])
    apart = graph.reshape(values, (*values.shape[:-1], 1, values.shape[-1]))
    fn, nothing, joined = _REDUCTIONS[reduce] if ctx.output.is_float else _INTEGER_REDUCTIONS[reduce]
    found = graph.reduce(
        fn, graph.select(hits, apart, ctx.f32(nothing) if ctx.output.is_float else ctx.i32(nothing)), (len(hits.shape) - 1,)
    )
    count = graph.reduce(ReduceFn.SUM, hits, (len(hits.shape) - 1,))
    is_untouched = graph.map(MapFn.IEQ, count, graph.i32(0))
    if include_self:
        found = joined(ctx, found, rows)
        count = graph.map(MapFn.IADD, count, graph.i32(1))
    if reduce == "sum":
        found = total_of(ctx, found)
    if reduce == "mean":
        found = div_mode(ctx, found, count, rounding_mode=None if ctx.output.is_float else "floor")
    return graph.select(is_untouched, rows, found)


def _sum_of(ctx: Context, a: Value, b: Value) -> Value:
    return ctx.graph.map(MapFn.ADD if ctx.output.is_float else MapFn.IADD, a, b)


def _greater_of(ctx: Context, a: Value, b: Value) -> Value:
    return extreme(ctx, MapFn.MAX, a, b)


def _lesser_of(ctx: Context, a: Value, b: Value) -> Value:
    return extreme(ctx, MapFn.MIN, a, b)


_REDUCTIONS: dict[str, tuple[ReduceFn, Argument, Callable[[Context, Value, Value], Value]]] = {
    "sum": (ReduceFn.SUM, 0, _sum_of),
    "mean": (ReduceFn.SUM, 0, _sum_of),
    "amax": (ReduceFn.MAX, float("-inf"), _greater_of),
    "amin": (ReduceFn.MIN, float("inf"), _lesser_of),
}
_INTEGER_REDUCTIONS = _REDUCTIONS | {
    "amax": (ReduceFn.MAX, -(2**31), _greater_of),
    "amin": (ReduceFn.MIN, 2**31 - 1, _lesser_of),
}


@lowers(aten.index_select.default, becomes="ilt, iadd, select, gather")
def index_select(ctx: Context, x: Value, axis: int, index: Value) -> Value:
    """Rows along an axis."""
    if not x.shape:
        return x
    axis = axis_of(axis, len(x.shape))
    rows, _ = _rows_of(ctx, x, axis)
    chosen = ctx.graph.gather(rows, wrapped(ctx, with_axis(ctx, index), rows.shape[0]))
    rest = tuple(dim for k, dim in enumerate(x.shape) if k != axis)
    front = ctx.graph.reshape(chosen, (chosen.shape[0], *rest))
    return views.permute(front, (*range(1, axis + 1), 0, *range(axis + 1, len(x.shape))))


@lowers(aten.index_add.default, becomes="scatter_add; mul with alpha")
def index_add(ctx: Context, x: Value, axis: int, index: Value, source: Value, *, alpha: Argument = 1) -> Value:
    """x with rows added along an axis, in the order of the indices."""
    shape, x, source = x.shape, with_axis(ctx, x), with_axis(ctx, source)
    if isinstance(alpha, Value) or alpha != 1:
        source = ctx.graph.map(MapFn.MUL if ctx.output.is_float else MapFn.IMUL, source, ctx.like_output(alpha))
    rows, back = _rows_of(ctx, x, axis_of(axis, len(x.shape)))
    given, _ = _rows_of(ctx, source, axis_of(axis, len(x.shape)))
    places = wrapped(ctx, with_axis(ctx, index), rows.shape[0])
    return ctx.graph.reshape(back(added_rows(ctx, rows, places, given)), shape)
