"""Softmax and losses, with their gradients."""

from __future__ import annotations

import math

import torch

from touchstone.capture import views
from touchstone.capture.lowering.expression import expr
from touchstone.capture.lowering.reductions import reduce_sum
from touchstone.capture.lowering.registry import Context, axis_of, lowers
from touchstone.capture.views import Value
from touchstone.machine.program import MapFn, ReduceFn

aten = torch.ops.aten

_NONE, _MEAN, _SUM = 0, 1, 2  # ATen's codes of reduction


def _centred(ctx: Context, x: Value, axis: int) -> Value:
    return ctx.graph.map(MapFn.SUB, x, ctx.graph.reduce(ReduceFn.MAX, x, (axis,), keep=True))


@lowers(aten._softmax.default, becomes="reduce max, sub, exp, reduce sum, div")
def softmax(ctx: Context, x: Value, axis: int, _half_to_float: bool = False) -> Value:
    """Softmax, shifted by the maximum."""
    axis = axis_of(axis, len(x.shape))
    powers = ctx.graph.map(MapFn.EXP, _centred(ctx, x, axis))
    return ctx.graph.map(MapFn.DIV, powers, reduce_sum(ctx, powers, (axis,), keep=True))


@lowers(aten._safe_softmax.default, becomes="reduce max, eq, select, sub, exp, reduce sum, div")
def safe_softmax(ctx: Context, x: Value, axis: int, _dtype: object = None) -> Value:
    """Softmax; zeros where everything is masked, that is, −∞."""
    graph, axis = ctx.graph, axis_of(axis, len(x.shape))
    greatest = graph.reduce(ReduceFn.MAX, x, (axis,), keep=True)
    masked = graph.map(MapFn.EQ, greatest, graph.f32(-math.inf))
    powers = graph.map(MapFn.EXP, graph.map(MapFn.SUB, x, graph.select(masked, graph.f32(0.0), greatest)))
    total = graph.select(masked, graph.f32(1.0), reduce_sum(ctx, powers, (axis,), keep=True))
    return graph.map(MapFn.DIV, powers, total)


@lowers(aten._softmax_backward_data.default, becomes="mul, reduce sum, sub")
def softmax_backward(ctx: Context, gradient: Value, y: Value, axis: int, _dtype: object) -> Value:
    """y · (gradient − Σ gradient · y)."""
    total = reduce_sum(ctx, ctx.graph.map(MapFn.MUL, gradient, y), (axis_of(axis, len(y.shape)),), keep=True)
    return ctx.graph.map(MapFn.MUL, y, ctx.graph.map(MapFn.SUB, gradient, total))


@lowers(aten._log_softmax.default, becomes="reduce max, sub, exp, reduce sum, log")
def log_softmax(ctx: Context, x: Value, axis: int, _half_to_float: bool = False) -> Value:
    """Logarithm of the softmax."""
    axis = axis_of(axis, len(x.shape))
    centred = _centred(ctx, x, axis)
    total = reduce_sum(ctx, ctx.graph.map(MapFn.EXP, centred), (axis,), keep=True)
    return ctx.graph.map(MapFn.SUB, centred, ctx.graph.map(MapFn.LOG, total))


@lowers(aten._log_softmax_backward_data.default, becomes="exp, reduce sum, mul, sub")
def log_softmax_backward(ctx: Context, gradient: Value, y: Value, axis: int, _dtype: object) -> Value:
    """gradient − exp(y) · Σ gradient."""
    total = reduce_sum(ctx, gradient, (axis_of(axis, len(y.shape)),), keep=True)
    return ctx.graph.map(MapFn.SUB, gradient, ctx.graph.map(MapFn.MUL, ctx.graph.map(MapFn.EXP, y), total))


@lowers(
    aten.nll_loss_forward.default,
    aten.nll_loss2d_forward.default,
    becomes="iota, imul, iadd, gather, neg, mul with weights, reduce sum, div",
)
def nll_loss(ctx: Context, x: Value, labels: Value, weight: Value | None, reduction: int, ignored: int) -> tuple[Value, Value]:
    """Minus the log-probability of each label, averaged, summed or as it is; and the labels' total weight (0 without reduction)."""
    graph = ctx.graph
    rows, classes, places = _rows_classes_places(x)
    counted = None if ctx.labels.check(labels, classes, ignored, ctx.where) else _counted(ctx, labels, ignored)
    chosen = labels if counted is None else graph.select(counted, labels, graph.i32(0))
    row = graph.map(MapFn.IMUL, graph.reshape(graph.iota(rows), (rows, 1)), graph.i32(classes * places))
    place = graph.map(MapFn.IADD, row, graph.iota(places)) if places > 1 else row
    label = (
        graph.map(MapFn.IMUL, graph.reshape(chosen, (rows, places)), graph.i32(places)) if places > 1 else graph.reshape(chosen, (rows, 1))
    )
    picked = graph.gather(graph.reshape(x, (x.count, 1)), graph.map(MapFn.IADD, place, label))
    losses = graph.map(MapFn.NEG, graph.reshape(picked, labels.shape))
    shares = None if weight is None else graph.reshape(graph.gather(graph.reshape(weight, (classes, 1)), chosen), labels.shape)
    if shares is not None:
        losses = graph.map(MapFn.MUL, losses, shares)
    if counted is not None:
        losses = graph.select(counted, losses, graph.f32(0.0))
        shares = None if shares is None else graph.select(counted, shares, graph.f32(0.0))
    if reduction == _NONE:
        return losses, graph.f32(0.0)
    everywhere = tuple(range(len(labels.shape)))
    weights = _number_of_labels(ctx, rows * places, counted) if shares is None else reduce_sum(ctx, shares, everywhere)
    total = reduce_sum(ctx, losses, everywhere)
    return (graph.map(MapFn.DIV, total, weights) if reduction == _MEAN else total), weights


@lowers(aten.nll_loss_backward.default, aten.nll_loss2d_backward.default, becomes="iota, ieq, neg, div, mul with weights, select")
def nll_loss_backward(
    ctx: Context, gradient: Value, x: Value, labels: Value, weight: Value | None, reduction: int, ignored: int, weights: Value
) -> Value:
    """Minus the gradient at each label, zero elsewhere."""
    graph = ctx.graph
    rows, classes, places = _rows_classes_places(x)
    if reduction == _MEAN:
        gradient = graph.map(MapFn.DIV, gradient, weights)
    if reduction == _NONE:
        gradient = graph.reshape(gradient, (rows, 1, places))
    if not ctx.labels.check(labels, classes, ignored, ctx.where):
        labels = graph.select(_counted(ctx, labels, ignored), labels, graph.i32(-1))
    hit = graph.map(MapFn.IEQ, graph.reshape(labels, (rows, 1, places)), graph.reshape(graph.iota(classes), (classes, 1)))
    gradient = graph.map(MapFn.NEG, gradient)
    if weight is not None:
        gradient = graph.map(MapFn.MUL, gradient, graph.reshape(weight, (classes, 1)))
    return graph.reshape(graph.select(hit, gradient, graph.f32(0.0)), x.shape)


def _rows_classes_places(x: Value) -> tuple[int, int, int]:
    """Samples, classes, and positions that have a label each."""
    if len(x.shape) == 1:
        return 1, x.shape[0], 1
    return x.shape[0], x.shape[1], math.prod(x.shape[2:])


def _counted(ctx: Context, labels: Value, ignored: int) -> Value:
    return ctx.graph.map(MapFn.IEQ, ctx.graph.map(MapFn.IEQ, labels, ctx.graph.i32(ignored)), ctx.graph.i32(0))


def _number_of_labels(ctx: Context, labels: int, counted: Value | None) -> Value:
    if counted is None:
        return ctx.graph.f32(float(labels))
    return ctx.graph.map(MapFn.I2F, reduce_sum(ctx, counted, tuple(range(len(counted.shape)))))


@lowers(aten.mse_loss.default, becomes="sub, mul, reduce sum, div")
def mse_loss(ctx: Context, a: Value, b: Value, reduction: int = _MEAN) -> Value:
    """(a − b)², averaged, summed or as it is."""
    difference = ctx.graph.map(MapFn.SUB, a, b)
    squares = ctx.graph.map(MapFn.MUL, difference, difference)
    if reduction == _NONE:
        return squares
    total = reduce_sum(ctx, squares, tuple(range(len(squares.shape))))
    return ctx.graph.map(MapFn.DIV, total, ctx.graph.f32(float(squares.count))) if reduction == _MEAN else total


@lowers(aten.mse_loss_backward.default, becomes="sub, mul")
def mse_loss_backward(ctx: Context, gradient: Value, a: Value, b: Value, reduction: int) -> Value:
    """gradient · 2 (a − b), over the number of elements for the mean."""
    difference = ctx.graph.map(MapFn.SUB, a, b)
    factor = 2.0 / difference.count if reduction == _MEAN else 2.0
    scaled = ctx.graph.map(MapFn.MUL, difference, ctx.graph.f32(factor))
    return ctx.graph.map(MapFn.MUL, scaled, views.expand(gradient, difference.shape))


_LEAST_LOG = -100.0  # PyTorch limits the logarithms so, and the denominator of the gradient below
_LEAST_SPREAD = 1e-12


@lowers(aten.binary_cross_entropy.default, becomes="log, max, sub, mul, fma, neg, reduce sum, div")
def binary_cross_entropy(ctx: Context, x: Value, target: Value, weight: Value | None = None, reduction: int = _MEAN) -> Value:
    """−(target · log x + (1 − target) · log(1 − x)) · weight, averaged, summed or as it is."""
    graph, one, least = ctx.graph, ctx.graph.f32(1.0), ctx.graph.f32(_LEAST_LOG)
    yes = graph.map(MapFn.MAX, graph.map(MapFn.LOG, x), least)
    no = graph.map(MapFn.MAX, graph.map(MapFn.LOG, graph.map(MapFn.SUB, one, x)), least)
    losses = graph.map(MapFn.FMA, target, yes, graph.map(MapFn.MUL, graph.map(MapFn.SUB, one, target), no))
    losses = graph.map(MapFn.NEG, losses if weight is None else graph.map(MapFn.MUL, losses, weight))
    if reduction == _NONE:
        return losses
    total = reduce_sum(ctx, losses, tuple(range(len(losses.shape))))
    return graph.map(MapFn.DIV, total, graph.f32(float(losses.count))) if reduction == _MEAN else total


@lowers(aten.binary_cross_entropy_backward.default, becomes="sub, mul, max, div")
def binary_cross_entropy_backward(
    ctx: Context, gradient: Value, x: Value, target: Value, weight: Value | None = None, reduction: int = _MEAN
) -> Value:
    """gradient · weight · (x − target) / (x · (1 − x)), over the number of elements for the mean."""
    graph = ctx.graph
    spread = graph.map(MapFn.MUL, x, graph.map(MapFn.SUB, graph.f32(1.0), x))
    slope = graph.map(MapFn.DIV, graph.map(MapFn.SUB, x, target), graph.map(MapFn.MAX, spread, graph.f32(_LEAST_SPREAD)))
    if weight is not None:
        slope = graph.map(MapFn.MUL, slope, weight)
    if reduction == _MEAN:
        slope = graph.map(MapFn.DIV, slope, graph.f32(float(x.count)))
    return graph.map(MapFn.MUL, slope, views.expand(gradient, x.shape))


@lowers(aten.soft_margin_loss_backward.default, becomes="mul, exp, div, neg")
def soft_margin_loss_backward(ctx: Context, gradient: Value, a: Value, target: Value, reduction: int) -> Value:
    """−gradient · y · z / (1 + z) with z = exp(−y · a), over the number of elements for the mean."""
    y = expr(ctx, target)
    z = (-y * expr(ctx, a)).exp()
    slope = -y * (z / (1.0 + z)) * expr(ctx, gradient)
    return (slope / float(slope.value.count) if reduction == _MEAN else slope).value
