"""Rows of a table chosen by integers, and the gradient of the table."""

from __future__ import annotations

import torch

from touchstone.capture import views
from touchstone.capture.errors import UnsupportedOperatorError
from touchstone.capture.lowering.registry import Context, lowers
from touchstone.capture.views import Value
from touchstone.machine.program import MapFn

aten = torch.ops.aten

_NO_PADDING = -1


@lowers(aten.embedding.default, becomes="gather")
def embedding(
    ctx: Context, table: Value, index: Value, _padding: int = _NO_PADDING, _by_frequency: bool = False, _sparse: bool = False
) -> Value:
    """Row ``index`` of the table; every index that comes from the data set is checked at once."""
    ctx.labels.check_rows(index, table.shape[0], ctx.where)
    return ctx.graph.gather(table, index)


@lowers(aten.embedding_dense_backward.default, becomes="scatter_add; ieq, select with padding")
def embedding_backward(ctx: Context, gradient: Value, index: Value, rows: int, padding: int, by_frequency: bool) -> Value:
    """The gradients of a row's uses, added in the order they are used; none for the padding row."""
    if by_frequency:
        raise UnsupportedOperatorError(f"an embedding with scale_grad_by_freq{ctx.at} is not supported; leave the option out")
    graph, count, width = ctx.graph, index.count, gradient.shape[-1]
    flat = graph.reshape(index, (count,))
    if padding != _NO_PADDING:
        outside = graph.i32(-1)
        flat = graph.select(graph.map(MapFn.IEQ, flat, graph.i32(padding)), outside, flat)
    nothing = views.expand(graph.f32(0.0), (rows, width))
    return graph.scatter_add(nothing, flat, graph.reshape(gradient, (count, width)))
