"""Matrix products. ``dot`` wants the summed axis innermost in both operands, so the second operand is read transposed."""

from __future__ import annotations

import torch

from touchstone.capture import views
from touchstone.capture.lowering.arithmetic import add, mul
from touchstone.capture.lowering.registry import Argument, Context, lowers
from touchstone.capture.views import Value

aten = torch.ops.aten


@lowers(aten.mm.default, aten.bmm.default, becomes="dot")
def matmul(ctx: Context, a: Value, b: Value) -> Value:
    """a · b, batched over leading axes."""
    return ctx.graph.dot(a, views.transpose(b))


@lowers(aten.addmm.default, aten.baddbmm.default, becomes="dot, add")
def addmm(ctx: Context, base: Value, a: Value, b: Value, beta: Argument = 1, alpha: Argument = 1) -> Value:
    """beta · base + alpha · (a · b)."""
    product = matmul(ctx, a, b)
    if beta != 1:
        base = mul(ctx, base, beta)
    return add(ctx, product, base) if alpha == 1 else add(ctx, base, product, alpha)
