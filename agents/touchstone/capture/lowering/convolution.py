"""Convolutions of one to three spatial axes as matrix products of windows (docs/decisions/0011).

Groups are a batch axis of ``dot``. Weights are read as they lie in memory going forward, so no step copies them; the data gradient needs
them with channels swapped. A transposed convolution is the data gradient of a convolution, and the other way round.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from touchstone.capture import views
from touchstone.capture.graph import Graph
from touchstone.capture.lowering.reductions import reduce_sum
from touchstone.capture.lowering.registry import Context, lowers
from touchstone.capture.lowering.windows import Span, fold, spans, windows
from touchstone.capture.views import Shape, Value
from touchstone.machine.program import MapFn

aten = torch.ops.aten


@lowers(aten.convolution.default, becomes="move (windows), dot, add; transposed with stride: dot, move, reduce sum")
def convolution(
    ctx: Context,
    x: Value,
    weight: Value,
    bias: Value | None,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    is_transposed: bool,
    _output_padding: list[int],
    groups: int,
) -> Value:
    """x[N, C, …] with weight[O, C / groups, …], or transposed with weight[C, O / groups, …]."""
    kernel = spans(len(x.shape) - 2, weight.shape[2:], stride, padding, dilation)
    apply = scattered if is_transposed else correlated
    result = apply(ctx.graph, x, weight, kernel, ctx.output.shape[2:], groups)
    if bias is None:
        return result
    return ctx.graph.map(MapFn.ADD, result, ctx.graph.reshape(bias, (*bias.shape, *(1,) * len(kernel))))


@lowers(aten.convolution_backward.default, becomes="move (windows), dot; reduce sum")
def convolution_backward(
    ctx: Context,
    gradient: Value,
    x: Value,
    weight: Value,
    _bias_sizes: list[int] | None,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    is_transposed: bool,
    _output_padding: list[int],
    groups: int,
    mask: list[bool],
) -> tuple[Value | None, ...]:
    """Gradients of x, weight and bias; those that ``mask`` leaves out are None."""
    graph = ctx.graph
    kernel = spans(len(x.shape) - 2, weight.shape[2:], stride, padding, dilation)
    for_x = for_weight = for_bias = None
    if mask[0]:
        apply = correlated if is_transposed else scattered
        for_x = apply(graph, gradient, weight, kernel, x.shape[2:], groups)
    if mask[1]:
        small, large = (x, gradient) if is_transposed else (gradient, x)
        for_weight = graph.reshape(_weight_gradient(graph, small, large, kernel, groups), weight.shape)
    if mask[2]:
        for_bias = reduce_sum(ctx, gradient, (0, *range(2, len(gradient.shape))))
    return for_x, for_weight, for_bias


def _reads_points(kernel: Sequence[Span]) -> bool:
    """Whether a window is one element, always inside of the input: then no window needs to be copied."""
    return all(span.kernel == 1 and span.padding == 0 for span in kernel)


def _points(graph: Graph, x: Value, kernel: Sequence[Span], counts: Shape) -> Value:
    """The elements that such windows read: every ``stride``-th of each spatial axis."""
    for k, (span, count) in enumerate(zip(kernel, counts, strict=True)):
        x = views.narrow(x, 2 + k, 0, span.stride, count)
    return x if all(span.stride == 1 for span in kernel) else graph.contiguous(x)


def correlated(graph: Graph, x: Value, weight: Value, kernel: Sequence[Span], counts: Shape, groups: int) -> Value:
    """The convolution x[N, C, …] ⋆ weight[O, C / groups, …]: ``[N, O, *counts]``."""
    samples, channels = x.shape[:2]
    outputs, per_group = weight.shape[0] // groups, channels // groups
    depth = math.prod(weight.shape[1:])
    if _reads_points(kernel):
        points = _points(graph, x, kernel, counts)
        columns = views.transpose(graph.reshape(points, (samples, groups, per_group, math.prod(counts))))
    else:
        grouped = graph.reshape(x, (samples * groups, per_group, *x.shape[2:]))
        columns = graph.reshape(windows(graph, grouped, kernel, counts), (samples, groups, math.prod(counts), depth))
    product = graph.dot(graph.reshape(weight, (1, groups, outputs, depth)), columns)
    return graph.reshape(product, (samples, weight.shape[0], *counts))


def scattered(graph: Graph, y: Value, weight: Value, kernel: Sequence[Span], lengths: Shape, groups: int) -> Value:
    """The transpose of ``correlated``: y[N, O, …] with weight[O, C / groups, …] gives ``[N, C, *lengths]``."""
    samples, outputs = y.shape[0], weight.shape[0] // groups
    per_group, taps = weight.shape[1], tuple(span.kernel for span in kernel)
    area, counts = math.prod(taps), y.shape[2:]
    split = graph.reshape(weight, (groups, outputs, per_group, area))
    if all(span.stride == 1 for span in kernel) and not all(span.is_point for span in kernel):
        swapped = graph.reshape(views.permute(split, (0, 2, 1, 3)), (1, groups, per_group, outputs * area))
        grouped = graph.reshape(y, (samples * groups, outputs, *counts))
        columns = windows(graph, grouped, kernel, lengths, transposed=True)
        product = graph.dot(swapped, graph.reshape(columns, (samples, groups, math.prod(lengths), outputs * area)))
        return graph.reshape(product, (samples, groups * per_group, *lengths))
    swapped = graph.reshape(views.permute(split, (0, 2, 3, 1)), (1, groups, per_group * area, outputs))
    positions = views.transpose(graph.reshape(y, (samples, groups, outputs, math.prod(counts))))
    columns = graph.reshape(graph.dot(swapped, positions), (samples * groups * per_group, *taps, *counts))
    if not all(span.is_point for span in kernel):
        columns = fold(graph, columns, kernel, lengths)
    return graph.reshape(columns, (samples, groups * per_group, *lengths))


def _weight_gradient(graph: Graph, y: Value, x: Value, kernel: Sequence[Span], groups: int) -> Value:
    """For ``correlated(x, weight)`` with gradient y[N, O, …]: ``[groups, O / groups, C / groups · taps]``."""
    samples, outputs = y.shape[:2]
    positions = math.prod(y.shape[2:])
    rows = views.permute(graph.reshape(y, (samples, outputs, positions)), (1, 0, 2))
    if _reads_points(kernel):
        columns = views.permute(graph.reshape(_points(graph, x, kernel, y.shape[2:]), (samples, x.shape[1], positions)), (1, 0, 2))
    else:
        columns = windows(graph, x, kernel, y.shape[2:], taps_last=False)
    width = x.shape[1] // groups * math.prod(span.kernel for span in kernel)
    rows = graph.reshape(rows, (groups, outputs // groups, samples * positions))
    return graph.dot(rows, graph.reshape(columns, (groups, width, samples * positions)))
