"""Layer normalisation and its gradients (Ba, Kiros and Hinton, "Layer Normalization", 2016).

With r one over the standard deviation, s = (x − mean(x)) · r, and g the gradient of s, the gradient of x is
r · (g − mean(g) − s · mean(g · s)).
"""

from __future__ import annotations

import math

import torch

from touchstone.capture.lowering.reductions import reduce_sum
from touchstone.capture.lowering.registry import Context, lowers
from touchstone.capture.views import Value
from touchstone.machine.program import MapFn

aten = torch.ops.aten


def _axes(x: Value, shape: list[int]) -> tuple[int, ...]:
    return tuple(range(len(x.shape) - len(shape), len(x.shape)))


def _mean(ctx: Context, x: Value, axes: tuple[int, ...]) -> Value:
    total = reduce_sum(ctx, x, axes, keep=True)
    return ctx.graph.map(MapFn.DIV, total, ctx.graph.f32(float(math.prod(x.shape[axis] for axis in axes))))


@lowers(aten.native_layer_norm.default, becomes="reduce sum, sub, mul, add, sqrt, div, fma")
def layer_norm(
    ctx: Context, x: Value, shape: list[int], weight: Value | None, bias: Value | None, eps: float
) -> tuple[Value, Value, Value]:
    """Standardised over the last axes, scaled and shifted; also the mean and one over the standard deviation."""
    graph, axes = ctx.graph, _axes(x, shape)
    mean = _mean(ctx, x, axes)
    centred = graph.map(MapFn.SUB, x, mean)
    variance = _mean(ctx, graph.map(MapFn.MUL, centred, centred), axes)
    inverse = graph.map(MapFn.DIV, graph.f32(1.0), graph.map(MapFn.SQRT, graph.map(MapFn.ADD, variance, graph.f32(eps))))
    result = graph.map(MapFn.MUL, centred, inverse)
    if weight is not None and bias is not None:
        return graph.map(MapFn.FMA, result, weight, bias), mean, inverse
    result = result if weight is None else graph.map(MapFn.MUL, result, weight)
    return (result if bias is None else graph.map(MapFn.ADD, result, bias)), mean, inverse


@lowers(aten.native_layer_norm_backward.default, becomes="reduce sum, sub, mul, div, fma")
def layer_norm_backward(
    ctx: Context,
    gradient: Value,
    x: Value,
    shape: list[int],
    mean: Value,
    inverse: Value,
    weight: Value | None,
    _bias: Value | None,
    mask: list[bool],
) -> tuple[Value | None, ...]:
    """Gradients of x, weight and bias; those that ``mask`` leaves out are None."""
    graph, axes = ctx.graph, _axes(x, shape)
    rows = tuple(range(axes[0]))
    standardised = graph.map(MapFn.MUL, graph.map(MapFn.SUB, x, mean), inverse)
    for_x = for_weight = for_bias = None
    if mask[0]:
        scaled = gradient if weight is None else graph.map(MapFn.MUL, gradient, weight)
        slope = _mean(ctx, graph.map(MapFn.MUL, scaled, standardised), axes)
        rest = graph.map(MapFn.SUB, scaled, _mean(ctx, scaled, axes))
        rest = graph.map(MapFn.FMA, standardised, graph.map(MapFn.NEG, slope), rest)
        for_x = graph.map(MapFn.MUL, rest, inverse)
    if mask[1]:
        for_weight = reduce_sum(ctx, graph.map(MapFn.MUL, gradient, standardised), rows)
    if mask[2]:
        for_bias = reduce_sum(ctx, gradient, rows)
    return for_x, for_weight, for_bias
