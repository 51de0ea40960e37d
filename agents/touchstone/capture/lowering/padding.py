"""Borders around a tensor: of one number, of repeated ends, or mirrored at the ends. ``widths`` gives how many elements go before and after
the last axis, then the one before it, and so on; negative ones cut off.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from touchstone.capture import views
from touchstone.capture.lowering.registry import Argument, Context, lowers
from touchstone.capture.views import Shape, Value
from touchstone.machine.program import MapFn, ReduceFn

aten = torch.ops.aten


def _by_axis(rank: int, widths: list[int]) -> Iterator[tuple[int, int, int]]:
    """Axis, elements before, elements after."""
    for k in range(len(widths) // 2):
        yield rank - 1 - k, widths[2 * k], widths[2 * k + 1]


@lowers(aten.constant_pad_nd.default, becomes="move")
def pad(ctx: Context, a: Value, widths: list[int], value: Argument = 0) -> Value:
    """A border of one number."""
    start = [0] * len(a.shape)
    for axis, before, after in _by_axis(len(a.shape), widths):
        a, start[axis] = _cut(a, axis, before, after), max(0, before)
    return ctx.graph.pad(a, ctx.output.shape, start, ctx.like_output(value))


def _cut(a: Value, axis: int, before: int, after: int) -> Value:
    """``a`` without what negative widths cut off."""
    start, end = max(0, -before), a.shape[axis] - max(0, -after)
    return views.narrow(a, axis, start, 1, end - start)


@lowers(
    aten.reflection_pad1d.default,
    aten.reflection_pad2d.default,
    aten.reflection_pad3d.default,
    aten.replication_pad1d.default,
    aten.replication_pad2d.default,
    aten.replication_pad3d.default,
    becomes="move",
)
def mirrored_or_repeated(ctx: Context, a: Value, widths: list[int]) -> Value:
    """A border that mirrors what is next to the ends (reflection), or repeats the ends (replication)."""
    for axis, before, after in _by_axis(len(a.shape), widths):
        low, high = ([_border(ctx, a, axis, width, k)] if width > 0 else [] for k, width in enumerate((before, after)))
        wide = ctx.graph.concatenate([*low, a, *high], axis) if low or high else a
        a = _cut(wide, axis, before, after)
    return a


def _border(ctx: Context, a: Value, axis: int, width: int, end: int) -> Value:
    """``width`` elements to put at end 0 or 1 of an axis."""
    last = a.shape[axis] - 1
    if "reflection" in ctx.operator:
        return views.flip(views.narrow(a, axis, last - width if end else 1, 1, width), axis)
    edge = views.narrow(a, axis, last if end else 0, 1, 1)
    return views.expand(edge, _with_length(a, axis, width))


@lowers(
    aten.reflection_pad1d_backward.default,
    aten.reflection_pad2d_backward.default,
    aten.reflection_pad3d_backward.default,
    aten.replication_pad1d_backward.default,
    aten.replication_pad2d_backward.default,
    aten.replication_pad3d_backward.default,
    becomes="move, add; reduce sum for replication",
)
def mirrored_or_repeated_backward(ctx: Context, gradient: Value, a: Value, widths: list[int]) -> Value:
    """The border's gradient is added to the elements it came from, first the border before, then the one after."""
    for axis, before, after in _by_axis(len(a.shape), widths):
        gradient = _folded(ctx, gradient, axis, a.shape[axis], before, after)
    return gradient


def _folded(ctx: Context, gradient: Value, axis: int, length: int, before: int, after: int) -> Value:
    graph, reflects = ctx.graph, "reflection" in ctx.operator
    low, high = max(before, 0), max(after, 0)
    if min(before, after) < 0:
        gradient = graph.place(gradient, _with_length(gradient, axis, low + length + high), axis, max(-before, 0), 1)
    total, shape = views.narrow(gradient, axis, low, 1, length), _with_length(gradient, axis, length)
    ends = ((low, 0, 1 if reflects else 0), (high, low + length, length - 1 - high if reflects else length - 1))
    for width, start, target in ends:
        if width:
            border = views.narrow(gradient, axis, start, 1, width)
            border = views.flip(border, axis) if reflects else graph.reduce(ReduceFn.SUM, border, (axis,), keep=True)
            total = graph.map(MapFn.ADD, total, graph.place(border, shape, axis, target, 1))
    return total


def _with_length(a: Value, axis: int, length: int) -> Shape:
    return tuple(length if k == axis else dim for k, dim in enumerate(a.shape))
