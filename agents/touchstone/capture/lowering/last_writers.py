"""Which element of a list of indices is the last to name a place.

Each place compares its number with every index, so writing N elements into R places takes R · N comparisons.
"""

from __future__ import annotations

from touchstone.capture.errors import UnsupportedOperatorError
from touchstone.capture.lowering.registry import Context
from touchstone.capture.views import Value
from touchstone.machine.program import MapFn, ReduceFn

MAX_COMPARISONS = 1 << 24


def writes(ctx: Context, index: Value, length: int) -> Value:
    """Whether element n of the last axis of ``index[…, N]`` points at place r: i32 […, R, N]."""
    if index.count * length > MAX_COMPARISONS:
        raise UnsupportedOperatorError(
            f"writing {index.count} elements into {length} places{ctx.at} takes too many comparisons (at most {MAX_COMPARISONS}); "
            "add with index_add or scatter_add, or choose with torch.where"
        )
    apart = ctx.graph.reshape(index, (*index.shape[:-1], 1, index.shape[-1]))
    return ctx.graph.map(MapFn.IEQ, apart, ctx.graph.reshape(ctx.graph.iota(length), (length, 1)))


def last_writer(ctx: Context, index: Value, length: int) -> Value:
    """Which element of the last axis of ``index`` is the last to write place r, −1 if none: i32 […, R]."""
    numbers = ctx.graph.iota(index.shape[-1])
    candidates = ctx.graph.select(writes(ctx, index, length), numbers, ctx.graph.i32(-1))
    return ctx.graph.reduce(ReduceFn.MAX, candidates, (len(candidates.shape) - 1,))


def overwritten_rows(ctx: Context, rows: Value, index: Value, source: Value) -> Value:
    """``rows[R, W]`` with row ``index[n]`` replaced by row n of ``source[N, W]``."""
    writer = last_writer(ctx, index, rows.shape[0])
    is_kept = ctx.graph.reshape(ctx.graph.map(MapFn.ILT, writer, ctx.graph.i32(0)), (rows.shape[0], 1))
    return ctx.graph.select(is_kept, rows, ctx.graph.gather(source, writer))
