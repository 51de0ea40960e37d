"""Constant tensors, copies and casts. A constant tensor is one literal, broadcast."""

from __future__ import annotations

import torch

from touchstone.capture import views
from touchstone.capture.lowering.comparison import not_equal
from touchstone.capture.lowering.registry import Argument, Context, lowers
from touchstone.capture.views import Value
from touchstone.machine.program import DType, MapFn

aten = torch.ops.aten


def _filled(ctx: Context, value: Argument) -> Value:
    return views.expand(ctx.like_output(value), ctx.output.shape)


@lowers(
    aten.zeros.default,
    aten.zeros_like.default,
    aten.new_zeros.default,
    aten.empty.memory_format,
    aten.empty_like.default,
    aten.new_empty.default,
    aten.new_empty_strided.default,
    aten.empty_strided.default,
    becomes="constant",
)
def zeros(ctx: Context, *_arguments: object, **_options: object) -> Value:
    """All zero. Memory that PyTorch leaves uninitialised is zero too."""
    return _filled(ctx, 0)


@lowers(aten.ones.default, aten.ones_like.default, aten.new_ones.default, becomes="constant")
def ones(ctx: Context, *_arguments: object, **_options: object) -> Value:
    """All one."""
    return _filled(ctx, 1)


@lowers(
    aten.full.default,
    aten.full_like.default,
    aten.fill.Scalar,
    aten.fill.Tensor,
    becomes="constant",
)
def full(ctx: Context, _shape: object, value: Argument, **_options: object) -> Value:
    """One value everywhere."""
    return _filled(ctx, value)


@lowers(aten.new_full.default, becomes="constant")
def new_full(ctx: Context, _like: object, _shape: object, value: Argument, **_options: object) -> Value:
    """One value everywhere."""
    return _filled(ctx, value)


@lowers(aten.scalar_tensor.default, becomes="constant")
def scalar_tensor(ctx: Context, value: Argument, **_options: object) -> Value:
    """A number."""
    return _filled(ctx, value)


@lowers(
    aten.clone.default,
    aten.detach.default,
    aten.detach_copy.default,
    aten.alias.default,
    aten.alias_copy.default,
    aten.lift_fresh_copy.default,
    becomes="nothing: the same value",
)
def same(_ctx: Context, a: Value, **_options: object) -> Value:
    """The value itself; values never change, so a copy is not needed."""
    return a


@lowers(aten.copy.default, becomes="nothing, or a cast: the second value, broadcast")
def copy(ctx: Context, a: Value, source: Value, _non_blocking: bool = False) -> Value:
    """What an in-place copy leaves in ``a``."""
    return views.expand(cast(ctx, source), a.shape)


@lowers(aten._to_copy.default, becomes="i2f, f2i, eq, or nothing")
def cast(ctx: Context, a: Value, **_options: object) -> Value:
    """Cast between float32, integers and booleans."""
    if ctx.output.is_float:
        return ctx.f32(a)
    if ctx.output.dtype is torch.bool:
        return not_equal(ctx, a, 0)
    return ctx.narrowed(a if a.dtype is DType.I32 else ctx.graph.map(MapFn.F2I, a))


@lowers(aten.arange.default, aten.arange.start, aten.arange.start_step, becomes="iota, imul, iadd; i2f for floats")
def arange(ctx: Context, first: int | float, end: int | float | None = None, step: int | float = 1, **_options: object) -> Value:
    """start, start + step, …; alone, the first argument is the end. Floats are what PyTorch computes: start + index * step."""
    start = first if end is not None else 0
    index = ctx.graph.iota(ctx.output.shape[0])
    if not ctx.output.is_float:
        scaled = index if step == 1 else ctx.graph.map(MapFn.IMUL, index, ctx.i32(step))
        return scaled if start == 0 else ctx.graph.map(MapFn.IADD, scaled, ctx.i32(start))
    return ctx.graph.map(MapFn.FMA, ctx.f32(index), ctx.f32(step), ctx.f32(start))
