"""Elements and rows chosen by integer tensors, and their gradients.

Of what is written twice to one place the last write counts; what is added twice is added in the order of the indices.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from touchstone.capture import views
from touchstone.capture.lowering.last_writers import overwritten_rows
from touchstone.capture.lowering.registry import Context, axis_of, lowers
from touchstone.capture.views import Shape, Value
from touchstone.machine.program import MapFn

aten = torch.ops.aten

Indices = Sequence[Value | None]


def wrapped(ctx: Context, index: Value, length: int) -> Value:
    """Indices with negative ones counted from the end, as Python does."""
    negative = ctx.graph.map(MapFn.ILT, index, ctx.graph.i32(0))
    return ctx.graph.select(negative, ctx.graph.map(MapFn.IADD, index, ctx.graph.i32(length)), index)


def _combined(ctx: Context, indices: Sequence[Value], lengths: Shape) -> Value:
    """One number for each tuple of indices: its place in row-major order."""
    total: Value | None = None
    for index, length in zip(indices, lengths, strict=True):
        number = wrapped(ctx, index, length)
        total = number if total is None else ctx.graph.map(MapFn.IADD, ctx.graph.map(MapFn.IMUL, total, ctx.graph.i32(length)), number)
    assert total is not None
    return total


def _indexed_first(ctx: Context, x: Value, indices: Indices) -> tuple[Value, tuple[int, ...], int]:
    """``x`` as rows that ``_combined`` numbers, the order of its axes that this takes, and how many of them are indexed."""
    given = [axis for axis, index in enumerate(indices) if index is not None]
    order = (*given, *(axis for axis in range(len(x.shape)) if axis not in given))
    count = math.prod(x.shape[axis] for axis in given)
    rows = ctx.graph.reshape(views.permute(x, order), (count, x.count // count))
    return rows, order, len(given)


def _first_place(indices: Indices) -> int:
    """Where the axes of the indices go in the result: to the front, unless the indexed axes are neighbours (numpy's rule)."""
    given = [axis for axis, index in enumerate(indices) if index is not None]
    return given[0] if given[-1] - given[0] + 1 == len(given) else 0


def _given(indices: Indices) -> list[Value]:
    return [index for index in indices if index is not None]


@lowers(aten.index.Tensor, becomes="gather, imul, iadd, ilt, select")
def index_(ctx: Context, x: Value, indices: Indices) -> Value:
    """x[indices]."""
    rows, order, indexed = _indexed_first(ctx, x, indices)
    chosen = _combined(ctx, _given(indices), tuple(x.shape[axis] for axis in order[:indexed]))
    rest = tuple(x.shape[axis] for axis in order[indexed:])
    result = ctx.graph.reshape(ctx.graph.gather(rows, chosen), (*chosen.shape, *rest))
    place, rank = _first_place(indices), len(chosen.shape)
    moved = (*range(rank, rank + place), *range(rank), *range(rank + place, rank + len(rest)))
    return views.permute(result, moved)


@lowers(
    aten.index_put.default,
    aten._unsafe_index_put.default,
    becomes="imul, iadd, ilt, select; scatter_add where values are added, else ieq, reduce max, gather",
)
def index_put(ctx: Context, x: Value, indices: Indices, values: Value, accumulate: bool = False) -> Value:
    """x with ``values`` written at ``indices``, or added there: the gradient of indexing."""
    rows, order, indexed = _indexed_first(ctx, x, indices)
    chosen = _combined(ctx, _given(indices), tuple(x.shape[axis] for axis in order[:indexed]))
    rest = tuple(x.shape[axis] for axis in order[indexed:])
    place, rank = _first_place(indices), len(chosen.shape)
    full = views.expand(values, (*rest[:place], *chosen.shape, *rest[place:]))
    front = views.permute(full, (*range(place, place + rank), *range(place), *range(place + rank, rank + len(rest))))
    source = ctx.graph.reshape(front, (chosen.count, rows.shape[1]))
    put = added_rows if accumulate else overwritten_rows
    result = put(ctx, rows, ctx.graph.reshape(chosen, (chosen.count,)), source)
    back = tuple(order.index(axis) for axis in range(len(order)))
    return views.permute(ctx.graph.reshape(result, tuple(x.shape[axis] for axis in order)), back)


def added_rows(ctx: Context, rows: Value, index: Value, source: Value) -> Value:
    """``rows[R, W]`` with row n of ``source[N, W]`` added to row ``index[n]``, in the order of n."""
    return total_of(ctx, ctx.graph.scatter_add(rows, index, source))


def total_of(ctx: Context, total: Value) -> Value:
    """A sum as the output's dtype has it: narrow integers wrap, and true and true make true."""
    if ctx.output.dtype is torch.bool:
        return ctx.graph.map(MapFn.ILT, ctx.graph.i32(0), total)
    return total if ctx.output.is_float else ctx.narrowed(total)


def with_axis(ctx: Context, x: Value) -> Value:
    """``x``, or its one element as a vector where it has no axes."""
    return x if x.shape else ctx.graph.reshape(x, (1,))


def _flat(ctx: Context, shape: Shape, axis: int, index: Value) -> Value:
    """Where in an array of ``shape``, row-major, each element of ``index`` points along ``axis``; its other axes point at themselves."""
    strides, rank = views.row_major(shape), len(shape)
    total = ctx.graph.map(MapFn.IMUL, index, ctx.graph.i32(strides[axis]))
    for k in range(rank):
        if k != axis and index.shape[k] > 1:
            number = ctx.graph.map(MapFn.IMUL, ctx.graph.iota(index.shape[k]), ctx.graph.i32(strides[k]))
            total = ctx.graph.map(MapFn.IADD, total, ctx.graph.reshape(number, tuple(index.shape[k] if j == k else 1 for j in range(rank))))
    return total


@lowers(aten.gather.default, becomes="iota, imul, iadd, gather")
def gather(ctx: Context, x: Value, axis: int, index: Value, **_options: object) -> Value:
    """Elements chosen along one axis."""
    x, chosen = with_axis(ctx, x), with_axis(ctx, index)
    flat = _flat(ctx, x.shape, axis_of(axis, len(x.shape)), chosen)
    return ctx.graph.reshape(ctx.graph.gather(ctx.graph.reshape(x, (x.count, 1)), flat), index.shape)


@lowers(aten.scatter_add.default, becomes="iota, imul, iadd, scatter_add")
def scatter_add(ctx: Context, x: Value, axis: int, index: Value, source: Value) -> Value:
    """x with elements added along one axis: the gradient of ``gather``."""
    shape, x, index, source = x.shape, *(with_axis(ctx, value) for value in (x, index, source))
    axis = axis_of(axis, len(x.shape))
    for k, length in enumerate(index.shape):
        source = views.narrow(source, k, 0, 1, length)
    flat = ctx.graph.reshape(_flat(ctx, x.shape, axis, index), (index.count,))
    rows = ctx.graph.reshape(x, (x.count, 1))
    return ctx.graph.reshape(added_rows(ctx, rows, flat, ctx.graph.reshape(source, (index.count, 1))), shape)
