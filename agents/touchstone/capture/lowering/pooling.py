"""Maximum and average pooling over windows (docs/decisions/0011).

The gradient of maximum pooling finds the winning tap of each window again from the input, with the nodes that the forward pass already
made, instead of decoding PyTorch's indices. Of equal elements the first wins, as in
PyTorch; but −0 is less than +0 here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from touchstone.capture import views
from touchstone.capture.errors import UnsupportedOperatorError
from touchstone.capture.graph import Graph
from touchstone.capture.lowering.registry import Context, lowers
from touchstone.capture.lowering.separable import apply_matrices
from touchstone.capture.lowering.windows import Span, fold, spans, windows
from touchstone.capture.views import Shape, Value
from touchstone.machine.program import MapFn, ReduceFn
from touchstone.machine.workload import Array

aten = torch.ops.aten

_MINUS_INFINITY = int(np.float32(-math.inf).view(np.uint32))


def _depth(ctx: Context) -> int:
    """Number of spatial axes; PyTorch has an operator for each."""
    return 3 if "3d" in ctx.operator else 2


def _equal_windows(ctx: Context, x: Value, counts: Sequence[int]) -> tuple[Span, ...]:
    lengths = x.shape[-len(counts) :]
    if any(length % count for length, count in zip(lengths, counts, strict=True)):
        raise UnsupportedOperatorError(
            f"{ctx.operator} of {list(lengths)} into {list(counts)} windows of different sizes is not supported{ctx.at}; "
            "choose an output size that divides the input's, or average pooling"
        )
    return tuple(Span(length // count, length // count) for length, count in zip(lengths, counts, strict=True))


def _planes(graph: Graph, x: Value, depth: int) -> Value:
    """Batch and channels as one axis, then a second of length one, then the spatial axes."""
    shape = x.shape[-depth:]
    return graph.reshape(x, (x.count // math.prod(shape), 1, *shape))


# Maximum


@lowers(aten.max_pool2d_with_indices.default, aten.max_pool3d_with_indices.default, becomes="move (windows), reduce max, reduce argmax")
def max_pool(
    ctx: Context,
    x: Value,
    kernel: list[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
    _ceil: bool = False,
) -> tuple[Value, Value]:
    """The greatest element of each window, and its place in the flattened input."""
    return _pooled(ctx, x, spans(_depth(ctx), kernel, stride, padding, dilation))


@lowers(
    aten.max_pool2d_with_indices_backward.default,
    aten.max_pool3d_with_indices_backward.default,
    becomes="ieq, select, move (windows back), reduce sum",
)
def max_pool_backward(
    ctx: Context,
    gradient: Value,
    x: Value,
    kernel: list[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    _ceil: bool,
    _indices: Value,
) -> Value:
    """The gradient of each window, at the place of its greatest element."""
    return _pooled_backward(ctx, gradient, x, spans(_depth(ctx), kernel, stride, padding, dilation))


@lowers(aten.adaptive_max_pool2d.default, aten.adaptive_max_pool3d.default, becomes="move (windows), reduce max, reduce argmax")
def adaptive_max_pool(ctx: Context, x: Value, counts: list[int]) -> tuple[Value, Value]:
    """Maximum pooling into a given number of equal windows."""
    return _pooled(ctx, x, _equal_windows(ctx, x, counts))


@lowers(
    aten.adaptive_max_pool2d_backward.default,
    aten.adaptive_max_pool3d_backward.default,
    becomes="ieq, select, move (windows back), reduce sum",
)
def adaptive_max_pool_backward(ctx: Context, gradient: Value, x: Value, _indices: Value) -> Value:
    """As of maximum pooling."""
    return _pooled_backward(ctx, gradient, x, _equal_windows(ctx, x, gradient.shape[-_depth(ctx) :]))


def _pooled(ctx: Context, x: Value, window: Sequence[Span]) -> tuple[Value, Value]:
    graph, counts = ctx.graph, ctx.output.shape[-len(window) :]
    rows = _rows(graph, x, window, counts)
    greatest = graph.reduce(ReduceFn.MAX, rows, (len(rows.shape) - 1,))
    tap = graph.reduce(ReduceFn.ARGMAX, rows, (len(rows.shape) - 1,))
    place = _place(graph, tap, window, x.shape[-len(window) :])
    return graph.reshape(greatest, ctx.output.shape), graph.reshape(place, ctx.output.shape)


def _rows(graph: Graph, x: Value, window: Sequence[Span], counts: Shape) -> Value:
    """``[planes, *counts, taps]``; elements outside of the input are −∞."""
    columns = windows(graph, _planes(graph, x, len(window)), window, counts, fill=_MINUS_INFINITY)
    return graph.reshape(columns, (columns.shape[0], *counts, math.prod(span.kernel for span in window)))


def _place(graph: Graph, tap: Value, window: Sequence[Span], lengths: Shape) -> Value:
    """Index into the flattened plane of each window's ``tap``."""
    result, remaining = graph.i32(0), tap
    for k in reversed(range(len(window))):
        span, count = window[k], tap.shape[1 + k]
        digit = graph.map(MapFn.IMOD, remaining, graph.i32(span.kernel))
        remaining = graph.map(MapFn.IDIV, remaining, graph.i32(span.kernel))
        first = graph.map(MapFn.IMUL, graph.iota(count), graph.i32(span.stride))
        first = graph.reshape(graph.map(MapFn.ISUB, first, graph.i32(span.padding)), (count, *(1,) * (len(window) - 1 - k)))
        position = graph.map(MapFn.IADD, graph.map(MapFn.IMUL, digit, graph.i32(span.dilation)), first)
        pitch = math.prod(lengths[k + 1 :])
        result = graph.map(MapFn.IADD, graph.map(MapFn.IMUL, position, graph.i32(pitch)), result)
    return result


def _pooled_backward(ctx: Context, gradient: Value, x: Value, window: Sequence[Span]) -> Value:
    graph, depth = ctx.graph, len(window)
    lengths, counts = x.shape[-depth:], gradient.shape[-depth:]
    rows = _rows(graph, x, window, counts)
    planes, kernel = rows.shape[0], tuple(span.kernel for span in window)
    tap = graph.reduce(ReduceFn.ARGMAX, rows, (len(rows.shape) - 1,))
    gradient = graph.reshape(gradient, tap.shape)
    taps = graph.reshape(graph.iota(math.prod(kernel)), kernel)
    if all(span.tiles(length, count) for span, length, count in zip(window, lengths, counts, strict=True)):
        order = (0, *(axis for k in range(depth) for axis in (1 + k, 1 + depth + k)))  # each window's place, then its taps, axis by axis
        wide = (planes, *counts, *kernel)
        tap, gradient = (views.permute(_spread(graph, y, (*tap.shape, *(1,) * depth), wide), order) for y in (tap, gradient))
        taps = views.permute(views.expand(taps, wide), order)
        return graph.reshape(_where_equal(graph, tap, taps, gradient), x.shape)
    wide = (planes, *kernel, *counts)
    tap, gradient = (_spread(graph, y, (planes, *(1,) * depth, *counts), wide) for y in (tap, gradient))
    taps = views.expand(graph.reshape(taps, (*kernel, *(1,) * depth)), wide)
    return graph.reshape(fold(graph, _where_equal(graph, tap, taps, gradient), window, lengths), x.shape)


def _spread(graph: Graph, value: Value, shape: Shape, wide: Shape) -> Value:
    return views.expand(graph.reshape(value, shape), wide)


def _where_equal(graph: Graph, a: Value, b: Value, value: Value) -> Value:
    return graph.select(graph.map(MapFn.IEQ, a, b), value, graph.f32(0.0))


# Average


@lowers(aten.avg_pool2d.default, aten.avg_pool3d.default, becomes="move (windows), reduce sum, div")
def avg_pool(
    ctx: Context,
    x: Value,
    kernel: list[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    _ceil: bool = False,
    count_padding: bool = True,
    divisor: int | None = None,
) -> Value:
    """The mean of each window."""
    graph, depth = ctx.graph, _depth(ctx)
    window = spans(depth, kernel, stride, padding, (1,))
    counts, lengths = ctx.output.shape[-depth:], x.shape[-depth:]
    columns = windows(graph, _planes(graph, x, depth), window, counts)
    total = graph.reduce(ReduceFn.SUM, columns, tuple(range(1 + depth, 2 + 2 * depth)))
    mean = graph.map(MapFn.DIV, total, _sizes(ctx, window, counts, lengths, count_padding, divisor))
    return graph.reshape(mean, ctx.output.shape)


@lowers(aten.avg_pool2d_backward.default, aten.avg_pool3d_backward.default, becomes="div, move (windows back), reduce sum")
def avg_pool_backward(
    ctx: Context,
    gradient: Value,
    x: Value,
    kernel: list[int],
    stride: Sequence[int],
    padding: Sequence[int],
    _ceil: bool,
    count_padding: bool,
    divisor: int | None,
) -> Value:
    """Each window's gradient over its size, at all its elements."""
    graph, depth = ctx.graph, _depth(ctx)
    window = spans(depth, kernel, stride, padding, (1,))
    counts, lengths = gradient.shape[-depth:], x.shape[-depth:]
    share = graph.map(
        MapFn.DIV,
        graph.reshape(gradient, (gradient.count // math.prod(counts), *counts)),
        _sizes(ctx, window, counts, lengths, count_padding, divisor),
    )
    return graph.reshape(_shared_out(graph, share, window, lengths), x.shape)


@lowers(aten._adaptive_avg_pool2d.default, aten._adaptive_avg_pool3d.default, becomes="reduce sum, div; dot where windows differ in size")
def adaptive_avg_pool(ctx: Context, x: Value, counts: list[int]) -> Value:
    """Average pooling into a given number of windows, which are as equal as possible."""
    graph, depth = ctx.graph, len(counts)
    lengths = x.shape[-depth:]
    if any(length % count for length, count in zip(lengths, counts, strict=True)):
        averages = [_averages(length, count) for length, count in zip(lengths, counts, strict=True)]
        return apply_matrices(ctx, x, averages)
    window = _equal_windows(ctx, x, counts)
    columns = windows(graph, _planes(graph, x, depth), window, tuple(counts))
    total = graph.reduce(ReduceFn.SUM, columns, tuple(range(1 + depth, 2 + 2 * depth)))
    size = math.prod(span.kernel for span in window)
    return graph.reshape(graph.map(MapFn.DIV, total, graph.f32(float(size))), ctx.output.shape)


@lowers(
    aten._adaptive_avg_pool2d_backward.default,
    aten._adaptive_avg_pool3d_backward.default,
    becomes="div, move; dot where windows differ in size",
)
def adaptive_avg_pool_backward(ctx: Context, gradient: Value, x: Value) -> Value:
    """As of average pooling."""
    graph, depth = ctx.graph, _depth(ctx)
    lengths, counts = x.shape[-depth:], gradient.shape[-depth:]
    if any(length % count for length, count in zip(lengths, counts, strict=True)):
        averages = [_averages(length, count).T for length, count in zip(lengths, counts, strict=True)]
        return apply_matrices(ctx, gradient, averages)
    window = _equal_windows(ctx, x, counts)
    share = graph.map(MapFn.DIV, gradient, graph.f32(float(math.prod(span.kernel for span in window))))
    planes = graph.reshape(share, (gradient.count // math.prod(counts), *counts))
    return graph.reshape(_shared_out(graph, planes, window, lengths), x.shape)


def _averages(length: int, count: int) -> Array:
    """Row o averages window o: elements ⌊o·length / count⌋ … ⌈(o+1)·length / count⌉ − 1."""
    matrix = np.zeros((count, length), dtype=np.float32)
    for o in range(count):
        start, end = o * length // count, -(-(o + 1) * length // count)
        matrix[o, start:end] = np.float32(1) / np.float32(end - start)
    return matrix


def _sizes(ctx: Context, window: Sequence[Span], counts: Shape, lengths: Shape, count_padding: bool, divisor: int | None) -> Value:
    """What the sum of each window is divided by: a number, or one for each window where they differ."""
    if divisor is not None:
        return ctx.graph.f32(float(divisor))
    sizes = np.ones((), dtype=np.int64)
    for span, count, length in zip(window, counts, lengths, strict=True):
        start = np.arange(count) * span.stride - span.padding
        end = np.minimum(start + span.kernel, length + span.padding)
        if not count_padding:
            start, end = np.maximum(start, 0), np.minimum(end, length)
        sizes = np.multiply.outer(sizes, end - start)
    if len(np.unique(sizes)) == 1:
        return ctx.graph.f32(float(sizes.flat[0]))
    return ctx.constant(sizes.astype(np.float32))


def _shared_out(graph: Graph, share: Value, window: Sequence[Span], lengths: Shape) -> Value:
    """Every window's number of ``share[planes, *counts]`` at all its elements, added up: ``[planes, *lengths]``."""
    planes, *counts = share.shape
    if not all(span.tiles(length, count) for span, length, count in zip(window, lengths, counts, strict=True)):
        return fold(graph, share, window, lengths, spread=True)
    cells = tuple(n for count in counts for n in (count, 1))
    wide = tuple(n for span, count in zip(window, counts, strict=True) for n in (count, span.kernel))
    return graph.reshape(views.expand(graph.reshape(share, (planes, *cells)), (planes, *wide)), (planes, *lengths))
