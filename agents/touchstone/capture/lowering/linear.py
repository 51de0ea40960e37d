"""Matrix products. ``dot`` wants the summed axis innermost in both operands, so the second operand is read transposed."""

from __future__ import annotations

import torch

from touchstone.capture import views
from touchstone.capture.lowering.arithmetic import add, mul
from touchstone.capture.lowering.reductions import vector_norm
from touchstone.capture.lowering.registry import Argument, Context, axis_of, lowers
from touchstone.capture.views import Value
from touchstone.machine.program import MapFn, ReduceFn

aten = torch.ops.aten


@lowers(aten.mm.default, aten.bmm.default, becomes="dot; imul, reduce sum for integers")
def matmul(ctx: Context, a: Value, b: Value) -> Value:
    """a · b, batched over leading axes."""
    if ctx.output.is_float:
        return ctx.graph.dot(a, views.transpose(b))
    rows = ctx.graph.reshape(a, (*a.shape[:-1], 1, a.shape[-1]))
    columns = views.transpose(b)
    columns = ctx.graph.reshape(columns, (*columns.shape[:-2], 1, *columns.shape[-2:]))
    product = ctx.graph.map(MapFn.IMUL, rows, columns)
    return ctx.graph.reduce(ReduceFn.SUM, product, (len(product.shape) - 1,))


@lowers(aten.addmm.default, aten.baddbmm.default, becomes="dot, add")
def addmm(ctx: Context, base: Value, a: Value, b: Value, beta: Argument = 1, alpha: Argument = 1) -> Value:
    """beta · base + alpha · (a · b)."""
    product = matmul(ctx, a, b)
    if beta != 1:
        base = mul(ctx, base, beta)
    return add(ctx, product, base) if alpha == 1 else add(ctx, base, product, alpha)


@lowers(aten._cdist_forward.default, becomes="sub, abs, mul, reduce sum or max, sqrt")
def pairwise_distances(ctx: Context, a: Value, b: Value, order: float, _mode: int | None = None) -> Value:
    """The norm of every row of a less every row of b."""
    rows = ctx.graph.reshape(a, (*a.shape[:-1], 1, a.shape[-1]))
    others = ctx.graph.reshape(b, (*b.shape[:-2], 1, *b.shape[-2:]))
    difference = ctx.graph.map(MapFn.SUB, rows, others)
    return vector_norm(ctx, difference, order, [len(difference.shape) - 1])


@lowers(aten.linalg_cross.default, becomes="move, mul, fma")
def cross(ctx: Context, a: Value, b: Value, *, dim: int = -1) -> Value:
    """The vector product along an axis of length 3."""
    shape = ctx.output.shape
    axis = axis_of(dim, len(shape))
    x, y = ([views.narrow(views.expand(v, shape), axis, k, 1, 1) for k in (0, 1, 2, 0, 1)] for v in (a, b))
    graph = ctx.graph
    parts = [graph.map(MapFn.FMA, x[k + 1], y[k + 2], graph.map(MapFn.NEG, graph.map(MapFn.MUL, x[k + 2], y[k + 1]))) for k in range(3)]
    return graph.concatenate(parts, axis)


@lowers(aten._trilinear.default, becomes="mul, reduce sum")
def trilinear(
    ctx: Context, a: Value, b: Value, c: Value, new_a: list[int], new_b: list[int], new_c: list[int], summed: list[int], *_unroll: int
) -> Value:
    """The product of three tensors, each given its new axes, summed over some (``nn.Bilinear``)."""
    rank = len(a.shape) + len(new_a)
    wide = [_with_axes(ctx, value, set(new), rank) for value, new in ((a, new_a), (b, new_b), (c, new_c))]
    product = ctx.graph.map(MapFn.MUL, ctx.graph.map(MapFn.MUL, wide[0], wide[1]), wide[2])
    return ctx.graph.reduce(ReduceFn.SUM, product, summed)


def _with_axes(ctx: Context, value: Value, new: set[int], rank: int) -> Value:
    """``value`` with axes of length 1 at the places ``new`` of ``rank``."""
    lengths = iter(value.shape)
    return ctx.graph.reshape(value, tuple(1 if k in new else next(lengths) for k in range(rank)))
