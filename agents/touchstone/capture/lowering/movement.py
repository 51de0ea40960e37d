"""Views and joins. Views cost nothing; they become a ``move`` only where a consumer needs contiguous words."""

from __future__ import annotations

from dataclasses import replace

import torch

from touchstone.capture import views
from touchstone.capture.errors import UnsupportedOperatorError
from touchstone.capture.lowering.registry import Context, axis_of, lowers
from touchstone.capture.views import Value

aten = torch.ops.aten


@lowers(
    aten.view.default,
    aten.view_copy.default,
    aten._unsafe_view.default,
    aten.unsqueeze.default,
    aten.unsqueeze_copy.default,
    aten.squeeze.default,
    aten.squeeze_copy.default,
    aten.squeeze.dim,
    aten.squeeze_copy.dim,
    aten.squeeze.dims,
    aten.squeeze_copy.dims,
    becomes="nothing: a reshape",
)
def reshape(ctx: Context, a: Value, *_arguments: object) -> Value:
    """The same elements under the output's shape."""
    return ctx.graph.reshape(a, ctx.output.shape)


@lowers(aten.permute.default, aten.permute_copy.default, becomes="a view")
def permute(_ctx: Context, a: Value, order: list[int]) -> Value:
    """Axes in another order."""
    return views.permute(a, tuple(axis_of(axis, len(order)) for axis in order))


@lowers(aten.t.default, aten.t_copy.default, becomes="a view")
def matrix_transpose(_ctx: Context, a: Value) -> Value:
    """Transpose of a matrix; vectors stay."""
    return views.transpose(a) if len(a.shape) == 2 else a


@lowers(aten.transpose.int, aten.transpose_copy.int, becomes="a view")
def transpose(_ctx: Context, a: Value, first: int, second: int) -> Value:
    """Two axes swapped."""
    order = list(range(len(a.shape)))
    first, second = axis_of(first, len(order)), axis_of(second, len(order))
    order[first], order[second] = second, first
    return views.permute(a, tuple(order))


@lowers(aten.expand.default, aten.expand_copy.default, becomes="a view")
def expand(ctx: Context, a: Value, _shape: list[int], **_options: object) -> Value:
    """Broadcast."""
    return views.expand(a, ctx.output.shape)


@lowers(aten.repeat.default, becomes="move, or a view of a scalar")
def repeat(ctx: Context, a: Value, times: list[int]) -> Value:
    """The whole again and again along each axis."""
    lead = len(times) - len(a.shape)
    cells = (1,) * lead + a.shape
    apart = ctx.graph.reshape(a, tuple(n for dim in cells for n in (1, dim)))
    wide = tuple(n for count, dim in zip(times, cells, strict=True) for n in (count, dim))
    return ctx.graph.reshape(views.expand(apart, wide), ctx.output.shape)


@lowers(aten.slice.Tensor, aten.slice_copy.Tensor, becomes="a view")
def slice_(ctx: Context, a: Value, axis: int = 0, start: int | None = None, _end: int | None = None, step: int = 1) -> Value:
    """Elements start, start + step, … of one axis."""
    axis = axis_of(axis, len(a.shape))
    return views.narrow(a, axis, _clipped(start or 0, a.shape[axis]), step, ctx.output.shape[axis])


def _clipped(start: int, length: int) -> int:
    """First index of a slice, by Python's rule."""
    return min(max(axis_of(start, length), 0), length)


@lowers(aten.select.int, aten.select_copy.int, becomes="a view")
def select(_ctx: Context, a: Value, axis: int, index: int) -> Value:
    """One element of one axis."""
    axis = axis_of(axis, len(a.shape))
    return views.drop_axis(views.narrow(a, axis, axis_of(index, a.shape[axis]), 1, 1), axis)


@lowers(aten.split.Tensor, aten.split_copy.Tensor, becomes="views")
def split(ctx: Context, a: Value, size: int, axis: int = 0) -> tuple[Value, ...]:
    """Pieces of one length along an axis; the last may be shorter."""
    length = a.shape[axis_of(axis, len(a.shape))]
    return split_with_sizes(ctx, a, [min(size, length - start) for start in range(0, length, size)], axis)


@lowers(aten.split_with_sizes.default, aten.split_with_sizes_copy.default, becomes="views")
def split_with_sizes(_ctx: Context, a: Value, sizes: list[int], axis: int = 0) -> tuple[Value, ...]:
    """Pieces of given lengths along an axis."""
    axis = axis_of(axis, len(a.shape))
    starts = [sum(sizes[:k]) for k in range(len(sizes))]
    return tuple(views.narrow(a, axis, start, 1, size) for start, size in zip(starts, sizes, strict=True))


@lowers(aten.unbind.int, aten.unbind_copy.int, becomes="views")
def unbind(ctx: Context, a: Value, axis: int = 0) -> tuple[Value, ...]:
    """All elements of one axis."""
    return tuple(select(ctx, a, axis, index) for index in range(a.shape[axis_of(axis, len(a.shape))]))


@lowers(aten.slice_backward.default, becomes="move")
def slice_backward(ctx: Context, gradient: Value, _sizes: list[int], axis: int, start: int, _end: int, step: int) -> Value:
    """The gradient at the sliced places, zero elsewhere."""
    axis = axis_of(axis, len(ctx.output.shape))
    return ctx.graph.place(gradient, ctx.output.shape, axis, _clipped(start, ctx.output.shape[axis]), step)


@lowers(aten.select_backward.default, becomes="move")
def select_backward(ctx: Context, gradient: Value, _sizes: list[int], axis: int, index: int) -> Value:
    """The gradient at the selected place, zero elsewhere."""
    shape = ctx.output.shape
    axis = axis_of(axis, len(shape))
    row = ctx.graph.reshape(gradient, (*shape[:axis], 1, *shape[axis + 1 :]))
    return ctx.graph.place(row, shape, axis, axis_of(index, shape[axis]), 1)


@lowers(aten.cat.default, becomes="move")
def concatenate(ctx: Context, parts: list[Value], axis: int = 0) -> Value:
    """Joined along an axis. PyTorch lets empty parts have any shape."""
    return ctx.graph.concatenate([part for part in parts if part.count], axis_of(axis, len(ctx.output.shape)))


@lowers(aten.stack.default, becomes="move")
def stack(ctx: Context, parts: list[Value], axis: int = 0) -> Value:
    """Joined along a new axis."""
    axis = axis_of(axis, len(parts[0].shape) + 1)
    rows = [ctx.graph.reshape(part, (*part.shape[:axis], 1, *part.shape[axis:])) for part in parts]
    return ctx.graph.concatenate(rows, axis)


@lowers(aten.flip.default, becomes="a view")
def flip(_ctx: Context, a: Value, axes: list[int]) -> Value:
    """Axes read backwards."""
    for axis in axes:
        a = views.flip(a, axis_of(axis, len(a.shape)))
    return a


@lowers(aten.roll.default, becomes="move")
def roll(ctx: Context, a: Value, shifts: list[int], axes: list[int] | None = None) -> Value:
    """What goes out at one end of an axis comes in at the other."""
    if not axes:
        flat = ctx.graph.reshape(a, (a.count,))
        return ctx.graph.reshape(roll(ctx, flat, shifts, [0]), a.shape)
    for axis, shift in zip((axis_of(axis, len(a.shape)) for axis in axes), shifts, strict=True):
        length = a.shape[axis]
        cut = -shift % length
        if cut:
            a = ctx.graph.concatenate([views.narrow(a, axis, cut, 1, length - cut), views.narrow(a, axis, 0, 1, cut)], axis)
    return a


@lowers(aten.diagonal.default, aten.diagonal_copy.default, becomes="a view")
def diagonal(ctx: Context, a: Value, offset: int = 0, first: int = 0, second: int = 1) -> Value:
    """The diagonal of two axes, as the last axis."""
    rank = len(a.shape)
    first, second = axis_of(first, rank), axis_of(second, rank)
    start = max(-offset, 0) * a.strides[first] + max(offset, 0) * a.strides[second]
    rest = [k for k in range(rank) if k not in (first, second)]
    strides = (*(a.strides[k] for k in rest), a.strides[first] + a.strides[second])
    return replace(a, shape=ctx.output.shape, strides=strides, offset=a.offset + start)


@lowers(aten.unfold.default, aten.unfold_copy.default, becomes="a view")
def unfold(ctx: Context, a: Value, axis: int, _size: int, step: int) -> Value:
    """Windows of one axis, as the last axis."""
    if not a.shape:
        return ctx.graph.reshape(a, ctx.output.shape)
    stride = a.strides[axis_of(axis, len(a.shape))]
    strides = [s * step if k == axis_of(axis, len(a.shape)) else s for k, s in enumerate(a.strides)]
    return replace(a, shape=ctx.output.shape, strides=(*strides, stride))


@lowers(aten.as_strided.default, aten.as_strided_copy.default, becomes="a view, after a move where the operand is one itself")
def as_strided(ctx: Context, a: Value, shape: list[int], strides: list[int], offset: int | None = None) -> Value:
    """Elements found by strides of the user's own, in a contiguous tensor."""
    reach = (offset or 0) + sum((dim - 1) * stride for dim, stride in zip(shape, strides, strict=True))
    if reach >= a.count:
        raise UnsupportedOperatorError(f"as_strided reaches element {reach} of {a.count}{ctx.at}; use views of the whole tensor")
    whole = ctx.graph.contiguous(a)
    return replace(whole, shape=tuple(shape), strides=tuple(strides), offset=offset or 0)


@lowers(aten.slice_scatter.default, becomes="move")
def slice_scatter(
    ctx: Context, a: Value, source: Value, axis: int = 0, start: int | None = None, _end: int | None = None, step: int = 1
) -> Value:
    """a with the elements start, start + step, … of one axis replaced."""
    axis = axis_of(axis, len(a.shape))
    return ctx.graph.overlay(a, source, axis, _clipped(start or 0, a.shape[axis]), step)


@lowers(aten.select_scatter.default, becomes="move")
def select_scatter(ctx: Context, a: Value, source: Value, axis: int, index: int) -> Value:
    """a with one element of one axis replaced."""
    axis = axis_of(axis, len(a.shape))
    row = ctx.graph.reshape(source, (*a.shape[:axis], 1, *a.shape[axis + 1 :]))
    return ctx.graph.overlay(a, row, axis, axis_of(index, a.shape[axis]), 1)


@lowers(aten.diagonal_scatter.default, becomes="move")
def diagonal_scatter(ctx: Context, a: Value, source: Value, offset: int = 0, first: int = 0, second: int = 1) -> Value:
    """a with the diagonal of two axes replaced."""
    rank = len(a.shape)
    first, second = axis_of(first, rank), axis_of(second, rank)
    return ctx.graph.overlay_diagonal(a, source, offset, first, second)
