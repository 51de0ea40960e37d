"""Random operators draw from the machine's counter-based generator, never from PyTorch's."""

from __future__ import annotations

import torch

from touchstone.capture.lowering.registry import Context, lowers
from touchstone.capture.views import Value
from touchstone.machine.program import MapFn

aten = torch.ops.aten

RANDOM_BITS = 24  # so that every threshold and every uniform number is exact in float32

# Operators that draw, functional and in-place: numbering them in the order they run gives each its site.
DRAWS = frozenset({aten.bernoulli.p, aten.bernoulli_.float})


def threshold(probability: float) -> int:
    """A draw of ``RANDOM_BITS`` bits is a success when it is below this."""
    return round(probability * (1 << RANDOM_BITS))


@lowers(aten.bernoulli.p, becomes="philox, ishr, ilt, i2f (dropout)")
def bernoulli(ctx: Context, x: Value, probability: float = 0.5, **_options: object) -> Value:
    """1.0 with the given probability, else 0.0, for each element of ``x``."""
    words = ctx.graph.philox(ctx.step, ctx.key, ctx.site, x.shape)
    draws = ctx.graph.map(MapFn.ISHR, words, ctx.graph.i32(32 - RANDOM_BITS))
    return ctx.graph.map(MapFn.I2F, ctx.graph.map(MapFn.ILT, draws, ctx.graph.i32(threshold(probability))))
