"""Batch and group normalisation, and their gradients. Instance normalisation is batch normalisation of samples · channels channels.

Both standardise x over some axes; the gradient of x is r · (g − mean(g) − c · r² · mean(g · c)), with g the gradient of the standardised
numbers, c = x − mean(x) and r one over the standard deviation (Ioffe and Szegedy, "Batch Normalization", 2015).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from touchstone.capture.errors import ModelError
from touchstone.capture.lowering.registry import Context, lowers
from touchstone.capture.views import Value
from touchstone.machine.program import MapFn, ReduceFn

aten = torch.ops.aten

_Three = tuple[Value, Value, Value]
_BATCH_NORM = "reduce sum, sub, mul, div, sqrt, fma"


@dataclass(frozen=True)
class _Statistics:
    """Mean and one over the standard deviation, over the axes ``axes``, which they keep with length 1."""

    axes: tuple[int, ...]
    mean: Value
    inverse: Value
    variance: Value


def _total(ctx: Context, x: Value, axes: tuple[int, ...]) -> Value:
    return ctx.graph.reduce(ReduceFn.SUM, x, axes, keep=True)


def _mean(ctx: Context, x: Value, axes: tuple[int, ...]) -> Value:
    total = _total(ctx, x, axes)
    return ctx.graph.map(MapFn.DIV, total, ctx.graph.f32(x.count / total.count))


def _centred(ctx: Context, x: Value, statistics: _Statistics) -> Value:
    return ctx.graph.map(MapFn.SUB, x, statistics.mean)


def _inverse(ctx: Context, variance: Value, eps: float) -> Value:
    root = ctx.graph.map(MapFn.SQRT, ctx.graph.map(MapFn.ADD, variance, ctx.graph.f32(eps)))
    return ctx.graph.map(MapFn.DIV, ctx.graph.f32(1.0), root)


def _measured(ctx: Context, x: Value, axes: tuple[int, ...], eps: float) -> _Statistics:
    """Of ``x`` itself."""
    mean = _mean(ctx, x, axes)
    centred = ctx.graph.map(MapFn.SUB, x, mean)
    variance = _mean(ctx, ctx.graph.map(MapFn.MUL, centred, centred), axes)
    return _Statistics(axes, mean, _inverse(ctx, variance, eps), variance)


def _scaled(ctx: Context, centred: Value, factor: Value, weight: Value | None, bias: Value | None) -> Value:
    """centred · factor · weight + bias, the small tensors broadcast and multiplied first."""
    if weight is not None:
        factor = ctx.graph.map(MapFn.MUL, factor, weight)
    if bias is None:
        return ctx.graph.map(MapFn.MUL, centred, factor)
    return ctx.graph.map(MapFn.FMA, centred, factor, bias)


def _input_gradient(ctx: Context, gradient: Value, x: Value, statistics: _Statistics, weight: Value | None) -> Value:
    """Through the statistics, too. ``weight`` is constant along the axes."""
    graph, axes = ctx.graph, statistics.axes
    centred = _centred(ctx, x, statistics)
    mean = _mean(ctx, gradient, axes)
    slope = _mean(ctx, graph.map(MapFn.MUL, gradient, centred), axes)
    slope = graph.map(MapFn.MUL, slope, graph.map(MapFn.MUL, statistics.inverse, statistics.inverse))
    rest = graph.map(MapFn.FMA, centred, graph.map(MapFn.NEG, slope), gradient)
    factor = statistics.inverse if weight is None else graph.map(MapFn.MUL, statistics.inverse, weight)
    return graph.map(MapFn.MUL, graph.map(MapFn.SUB, rest, mean), factor)


# Batch normalisation


def _channel_axes(x: Value) -> tuple[int, ...]:
    return (0, *range(2, len(x.shape)))


def _per_channel(ctx: Context, value: Value, x: Value) -> Value:
    """A vector of the channels, to be broadcast against ``x``."""
    return ctx.graph.reshape(value, (1, x.shape[1], *(1,) * (len(x.shape) - 2)))


def _optional(ctx: Context, value: Value | None, x: Value) -> Value | None:
    return None if value is None else _per_channel(ctx, value, x)


def _known(ctx: Context, x: Value, mean: Value, variance: Value, eps: float) -> _Statistics:
    """Running statistics."""
    inverse = _per_channel(ctx, _inverse(ctx, variance, eps), x)
    return _Statistics(_channel_axes(x), _per_channel(ctx, mean, x), inverse, _per_channel(ctx, variance, x))


def _normalised(ctx: Context, x: Value, statistics: _Statistics, weight: Value | None, bias: Value | None) -> Value:
    centred = _centred(ctx, x, statistics)
    return _scaled(ctx, centred, statistics.inverse, _optional(ctx, weight, x), _optional(ctx, bias, x))


def _of_the_batch(ctx: Context, x: Value, weight: Value | None, bias: Value | None, eps: float) -> tuple[_Three, _Statistics]:
    channels = (x.shape[1],)
    statistics = _measured(ctx, x, _channel_axes(x), eps)
    result = _normalised(ctx, x, statistics, weight, bias)
    return (result, ctx.graph.reshape(statistics.mean, channels), ctx.graph.reshape(statistics.inverse, channels)), statistics


@lowers(aten._native_batch_norm_legit.no_stats, becomes=_BATCH_NORM)
def batch_norm(
    ctx: Context, x: Value, weight: Value | None, bias: Value | None, _training: bool, _momentum: float, eps: float
) -> tuple[Value, ...]:
    """By the statistics of the batch; also its mean and one over its standard deviation."""
    return _of_the_batch(ctx, x, weight, bias, eps)[0]


@lowers(aten._native_batch_norm_legit_functional.default, becomes=_BATCH_NORM)
def batch_norm_training(
    ctx: Context,
    x: Value,
    weight: Value | None,
    bias: Value | None,
    running_mean: Value,
    running_variance: Value,
    _training: bool,
    momentum: float,
    eps: float,
) -> tuple[Value, ...]:
    """The same, and the running statistics after this batch; the variance is the unbiased one there."""
    graph, count = ctx.graph, x.count // x.shape[1]
    if count == 1:
        raise ModelError(f"batch normalisation of one value per channel{ctx.at} has no variance; use larger batches or model.eval()")
    results, statistics = _of_the_batch(ctx, x, weight, bias, eps)

    def follow(running: Value, value: Value) -> Value:
        kept = graph.map(MapFn.MUL, running, graph.f32(1.0 - momentum))
        return graph.map(MapFn.FMA, graph.reshape(value, running.shape), graph.f32(momentum), kept)

    unbiased = graph.map(MapFn.MUL, statistics.variance, graph.f32(count / (count - 1)))
    return *results, follow(running_mean, statistics.mean), follow(running_variance, unbiased)


@lowers(aten._native_batch_norm_legit_no_training.default, becomes="sub, add, sqrt, div, mul, fma")
def batch_norm_evaluation(
    ctx: Context, x: Value, weight: Value | None, bias: Value | None, mean: Value, variance: Value, _momentum: float, eps: float
) -> tuple[Value, ...]:
    """By running statistics. Where PyTorch returns empty tensors for the batch's, they are None."""
    return _normalised(ctx, x, _known(ctx, x, mean, variance, eps), weight, bias), None, None  # type: ignore[return-value]


@lowers(aten.native_batch_norm_backward.default, becomes=_BATCH_NORM)
def batch_norm_backward(
    ctx: Context,
    gradient: Value,
    x: Value,
    weight: Value | None,
    running_mean: Value | None,
    running_variance: Value | None,
    mean: Value | None,
    inverse: Value | None,
    training: bool,
    eps: float,
    mask: list[bool],
) -> tuple[Value | None, ...]:
    """Gradients of x, weight and bias; those that ``mask`` leaves out are None."""
    graph, axes = ctx.graph, _channel_axes(x)
    scale = _optional(ctx, weight, x)
    if training:
        assert mean is not None and inverse is not None
        statistics = _Statistics(axes, _per_channel(ctx, mean, x), _per_channel(ctx, inverse, x), mean)
        for_x = _input_gradient(ctx, gradient, x, statistics, scale) if mask[0] else None
    else:
        assert running_mean is not None and running_variance is not None
        statistics = _known(ctx, x, running_mean, running_variance, eps)
        for_x = _scaled(ctx, gradient, statistics.inverse, scale, None) if mask[0] else None
    total = _total(ctx, graph.map(MapFn.MUL, gradient, _centred(ctx, x, statistics)), axes)
    for_weight = graph.reshape(graph.map(MapFn.MUL, total, statistics.inverse), (x.shape[1],)) if mask[1] else None
    for_bias = graph.reshape(_total(ctx, gradient, axes), (x.shape[1],)) if mask[2] else None
    return for_x, for_weight, for_bias


# Group normalisation


def _grouped(ctx: Context, value: Value, samples: int, groups: int) -> Value:
    """``[N, groups, …]``: what is standardised together is one row."""
    return ctx.graph.reshape(value, (samples, groups, value.count // (samples * groups)))


@lowers(aten.native_group_norm.default, becomes=_BATCH_NORM)
def group_norm(
    ctx: Context,
    x: Value,
    weight: Value | None,
    bias: Value | None,
    samples: int,
    channels: int,
    _area: int,
    groups: int,
    eps: float,
) -> tuple[Value, ...]:
    """Every group of channels of every sample by its own statistics; also its mean and one over its standard deviation."""
    graph = ctx.graph
    rows = _grouped(ctx, x, samples, groups)
    statistics = _measured(ctx, rows, (2,), eps)
    wide = (samples, groups, channels // groups, rows.shape[2] * groups // channels)
    centred = graph.reshape(_centred(ctx, rows, statistics), wide)
    parameters = [None if p is None else graph.reshape(p, (1, groups, channels // groups, 1)) for p in (weight, bias)]
    factor = graph.reshape(statistics.inverse, (samples, groups, 1, 1))
    result = graph.reshape(_scaled(ctx, centred, factor, *parameters), x.shape)
    return result, graph.reshape(statistics.mean, (samples, groups)), graph.reshape(statistics.inverse, (samples, groups))


@lowers(aten.native_group_norm_backward.default, becomes=_BATCH_NORM)
def group_norm_backward(
    ctx: Context,
    gradient: Value,
    x: Value,
    mean: Value,
    inverse: Value,
    weight: Value | None,
    samples: int,
    channels: int,
    _area: int,
    groups: int,
    mask: list[bool],
) -> tuple[Value | None, ...]:
    """Gradients of x, weight and bias; those that ``mask`` leaves out are None."""
    graph = ctx.graph
    each = (samples, groups, channels // groups, x.count // (samples * channels))
    one = (samples, groups, 1, 1)
    statistics = _Statistics((2, 3), graph.reshape(mean, one), graph.reshape(inverse, one), mean)
    x_rows, rows = graph.reshape(x, each), graph.reshape(gradient, each)
    for_x = for_weight = for_bias = None
    if mask[0]:
        scaled = rows if weight is None else graph.map(MapFn.MUL, rows, graph.reshape(weight, (1, *each[1:3], 1)))
        for_x = graph.reshape(_input_gradient(ctx, scaled, x_rows, statistics, None), x.shape)
    if mask[1]:
        slopes = graph.map(MapFn.MUL, rows, _centred(ctx, x_rows, statistics))
        slopes = graph.map(MapFn.MUL, _total(ctx, slopes, (3,)), statistics.inverse)
        for_weight = graph.reshape(_total(ctx, slopes, (0,)), (channels,))
    if mask[2]:
        for_bias = graph.reshape(_total(ctx, rows, (0, 3)), (channels,))
    return for_x, for_weight, for_bias
