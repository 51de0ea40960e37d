"""Comparisons, logic and choice. Booleans are i32 0 and 1."""

from __future__ import annotations

import math

import torch

from touchstone.capture.lowering.arithmetic import has_sign
from touchstone.capture.lowering.expression import expr
from touchstone.capture.lowering.registry import Argument, Context, lowers
from touchstone.capture.views import Value
from touchstone.machine.program import DType, MapFn

aten = torch.ops.aten

_INTEGER = {MapFn.LT: MapFn.ILT, MapFn.LE: MapFn.ILE, MapFn.EQ: MapFn.IEQ}


def _compare(ctx: Context, fn: MapFn, a: Argument, b: Argument) -> Value:
    if any(isinstance(x, float) or (isinstance(x, Value) and x.dtype is DType.F32) for x in (a, b)):
        return ctx.graph.map(fn, ctx.f32(a), ctx.f32(b))
    return ctx.graph.map(_INTEGER[fn], ctx.i32(a), ctx.i32(b))


def invert(ctx: Context, condition: Value) -> Value:
    """Logical not of a boolean."""
    return ctx.graph.map(MapFn.IEQ, condition, ctx.graph.i32(0))


@lowers(aten.lt.Tensor, aten.lt.Scalar, becomes="lt, ilt")
def less(ctx: Context, a: Argument, b: Argument) -> Value:
    """a < b."""
    return _compare(ctx, MapFn.LT, a, b)


@lowers(aten.le.Tensor, aten.le.Scalar, becomes="le, ile")
def less_or_equal(ctx: Context, a: Argument, b: Argument) -> Value:
    """a ≤ b."""
    return _compare(ctx, MapFn.LE, a, b)


@lowers(aten.gt.Tensor, aten.gt.Scalar, becomes="lt, ilt")
def greater(ctx: Context, a: Argument, b: Argument) -> Value:
    """a > b."""
    return _compare(ctx, MapFn.LT, b, a)


@lowers(aten.ge.Tensor, aten.ge.Scalar, becomes="le, ile")
def greater_or_equal(ctx: Context, a: Argument, b: Argument) -> Value:
    """a ≥ b."""
    return _compare(ctx, MapFn.LE, b, a)


@lowers(aten.eq.Tensor, aten.eq.Scalar, becomes="eq, ieq")
def equal(ctx: Context, a: Argument, b: Argument) -> Value:
    """a = b."""
    return _compare(ctx, MapFn.EQ, a, b)


@lowers(aten.ne.Tensor, aten.ne.Scalar, becomes="eq, ieq")
def not_equal(ctx: Context, a: Argument, b: Argument) -> Value:
    """a ≠ b."""
    return invert(ctx, _compare(ctx, MapFn.EQ, a, b))


@lowers(aten.logical_not.default, becomes="eq, ieq")
def logical_not(ctx: Context, a: Value) -> Value:
    """1 where a is 0."""
    return _compare(ctx, MapFn.EQ, a, 0)


@lowers(aten.logical_and.default, becomes="eq, ieq, iand")
def logical_and(ctx: Context, a: Value, b: Value) -> Value:
    """1 where neither is 0."""
    return ctx.graph.map(MapFn.IAND, not_equal(ctx, a, 0), not_equal(ctx, b, 0))


@lowers(aten.logical_or.default, becomes="eq, ieq, ior")
def logical_or(ctx: Context, a: Value, b: Value) -> Value:
    """1 where one is not 0."""
    return ctx.graph.map(MapFn.IOR, not_equal(ctx, a, 0), not_equal(ctx, b, 0))


@lowers(aten.bitwise_not.default, becomes="ieq, ixor")
def bitwise_not(ctx: Context, a: Value) -> Value:
    """Not of booleans, all bits flipped of integers."""
    return invert(ctx, a) if ctx.output.dtype is torch.bool else ctx.graph.map(MapFn.IXOR, a, ctx.graph.i32(-1))


@lowers(aten.bitwise_and.Tensor, aten.bitwise_and.Scalar, becomes="iand")
def bitwise_and(ctx: Context, a: Value, b: Argument) -> Value:
    """And of booleans or bits."""
    return ctx.graph.map(MapFn.IAND, a, ctx.i32(b))


@lowers(aten.bitwise_or.Tensor, aten.bitwise_or.Scalar, becomes="ior")
def bitwise_or(ctx: Context, a: Value, b: Argument) -> Value:
    """Or of booleans or bits."""
    return ctx.graph.map(MapFn.IOR, a, ctx.i32(b))


@lowers(aten.where.self, becomes="select")
def where(ctx: Context, condition: Value, yes: Argument, no: Argument) -> Value:
    """yes where the condition holds, else no."""
    return ctx.graph.select(condition, ctx.like_output(yes), ctx.like_output(no))


@lowers(aten.masked_fill.Scalar, aten.masked_fill.Tensor, becomes="select")
def masked_fill(ctx: Context, a: Value, mask: Value, value: Argument) -> Value:
    """The value where the mask holds, else a."""
    return ctx.graph.select(mask, ctx.like_output(value), a)


@lowers(aten.logical_xor.default, becomes="eq, ieq, ixor")
def logical_xor(ctx: Context, a: Value, b: Value) -> Value:
    """1 where exactly one is not 0."""
    return ctx.graph.map(MapFn.IXOR, not_equal(ctx, a, 0), not_equal(ctx, b, 0))


@lowers(aten.bitwise_xor.Tensor, aten.bitwise_xor.Scalar, becomes="ixor")
def bitwise_xor(ctx: Context, a: Value, b: Argument) -> Value:
    """Exclusive or of booleans or bits."""
    return ctx.graph.map(MapFn.IXOR, a, ctx.i32(b))


@lowers(
    aten.bitwise_left_shift.Tensor, aten.bitwise_left_shift.Tensor_Scalar, aten.__lshift__.Tensor, aten.__lshift__.Scalar, becomes="ishl"
)
def left_shift(ctx: Context, a: Value, b: Argument) -> Value:
    """a · 2^b, for b in 0 … 31."""
    return ctx.narrowed(ctx.graph.map(MapFn.ISHL, a, ctx.i32(b)))


@lowers(
    aten.bitwise_right_shift.Tensor,
    aten.bitwise_right_shift.Tensor_Scalar,
    aten.__rshift__.Tensor,
    aten.__rshift__.Scalar,
    becomes="ishr, ixor, ilt, select",
)
def right_shift(ctx: Context, a: Value, b: Argument) -> Value:
    """a / 2^b rounded downward, for b in 0 … 31: the bits of a negative number are flipped before and after."""
    graph = ctx.graph
    flipped = graph.map(MapFn.IXOR, a, graph.i32(-1))
    is_negative = graph.map(MapFn.ILT, a, graph.i32(0))
    shifted = graph.map(MapFn.ISHR, graph.select(is_negative, flipped, a), ctx.i32(b))
    return graph.select(is_negative, graph.map(MapFn.IXOR, shifted, graph.i32(-1)), shifted)


@lowers(aten.isnan.default, becomes="eq, ieq")
def is_nan(ctx: Context, a: Value) -> Value:
    """Whether it is not a number."""
    return (~expr(ctx, a).equals(expr(ctx, a))).value


@lowers(aten.isinf.default, becomes="abs, eq")
def is_infinite(ctx: Context, a: Value) -> Value:
    """Whether it is infinite."""
    return abs(expr(ctx, a)).equals(math.inf).value


@lowers(aten.isposinf.default, becomes="eq")
def is_plus_infinity(ctx: Context, a: Value) -> Value:
    """Whether it is +∞."""
    return expr(ctx, a).equals(math.inf).value


@lowers(aten.isneginf.default, becomes="eq")
def is_minus_infinity(ctx: Context, a: Value) -> Value:
    """Whether it is −∞."""
    return expr(ctx, a).equals(-math.inf).value


@lowers(aten.signbit.default, becomes="lt, eq, div, iand, ior")
def sign_bit(ctx: Context, a: Value) -> Value:
    """Whether a is below zero, or −0. The sign of NaN counts as plus."""
    return has_sign(expr(ctx, a)).value
