"""Rounding to integers, and division with a remainder."""

from __future__ import annotations

import torch

from touchstone.capture.errors import UnsupportedOperatorError
from touchstone.capture.lowering.expression import Expr, expr
from touchstone.capture.lowering.registry import Argument, Context, lowers
from touchstone.capture.views import Value
from touchstone.machine.program import MapFn

aten = torch.ops.aten

_ALL_WHOLE = float(1 << 23)  # every float32 from here on is an integer


def truncated(x: Expr) -> Expr:
    """Toward zero; infinities and NaN stay."""
    return (abs(x) < _ALL_WHOLE).where(x.whole(), x)


def floored(x: Expr) -> Expr:
    """The greatest integer that is not above; infinities and NaN stay."""
    whole = truncated(x)
    return whole - (x < whole)


def _nearest(x: Expr) -> Expr:
    """The nearest integer, ties to even: adding 2^23 leaves no bits for a fraction."""
    rounded = (abs(x) + _ALL_WHOLE) - _ALL_WHOLE
    return (abs(x) < _ALL_WHOLE).where(rounded.with_sign_of(x), x)


@lowers(aten.trunc.default, aten.fix.default, becomes="f2i, i2f, select")
def trunc(ctx: Context, a: Value) -> Value:
    """Toward zero; integers stay."""
    return truncated(expr(ctx, a)).value if ctx.output.is_float else a


@lowers(aten.floor.default, becomes="f2i, i2f, lt, sub, select")
def floor(ctx: Context, a: Value) -> Value:
    """Downward; integers stay."""
    return floored(expr(ctx, a)).value if ctx.output.is_float else a


@lowers(aten.ceil.default, becomes="f2i, i2f, lt, add, select")
def ceil(ctx: Context, a: Value) -> Value:
    """Upward; integers stay."""
    return (-floored(-expr(ctx, a))).value if ctx.output.is_float else a


@lowers(aten.round.default, aten.round.decimals, becomes="add, sub, select; mul, div with decimals")
def round_(ctx: Context, a: Value, decimals: int = 0) -> Value:
    """To the nearest, ties to even; integers stay."""
    if not ctx.output.is_float:
        if decimals < 0:
            raise UnsupportedOperatorError(
                f"rounding integers to decimals={decimals}{ctx.at} is not supported; divide and multiply instead"
            )
        return a
    scale = float(10 ** abs(decimals))
    x = expr(ctx, a)
    if decimals > 0:
        return (_nearest(x * scale) / scale).value
    return (_nearest(x / scale) * scale).value if decimals else _nearest(x).value


@lowers(aten.frac.default, becomes="f2i, i2f, sub, select")
def frac(ctx: Context, a: Value) -> Value:
    """What truncation cuts off."""
    x = expr(ctx, a)
    return (x - truncated(x)).value


def _float_remainder(a: Expr, b: Expr) -> Expr:
    """The exact remainder of division toward zero, for quotients below 2^24; it has the sign of a."""
    quotient = truncated(a / b)
    rest = (-quotient).fma(b, a)
    overshot = (rest < 0.0) & (a > 0.0) | (rest > 0.0) & (a < 0.0)  # the quotient was rounded up to the next integer
    rest = overshot.where(rest + abs(b).with_sign_of(a), rest)
    return (abs(b).equals(float("inf")) & (abs(a) < float("inf"))).where(a, rest)


def _differs_in_sign(rest: Expr, b: Expr) -> Expr:
    return ~rest.equals(0.0) & ((rest < 0.0) ^ (b < 0.0))


def _integers(ctx: Context, a: Argument, b: Argument) -> tuple[Value, Value]:
    return ctx.i32(a), ctx.i32(b)


def _rounds_down(ctx: Context, rest: Value, b: Value) -> Value:
    """Whether an integer division toward zero with this remainder has to be corrected to round down."""
    graph, zero = ctx.graph, ctx.graph.i32(0)
    opposite = graph.map(MapFn.IXOR, graph.map(MapFn.ILT, rest, zero), graph.map(MapFn.ILT, b, zero))
    return graph.map(MapFn.IAND, opposite, graph.map(MapFn.IEQ, graph.map(MapFn.IEQ, rest, zero), zero))


@lowers(aten.fmod.Tensor, aten.fmod.Scalar, becomes="div, f2i, i2f, fma, select; imod")
def fmod(ctx: Context, a: Argument, b: Argument) -> Value:
    """Remainder of division toward zero. Exact for quotients below 2^24; integers modulo 0 give 0."""
    if ctx.output.is_float:
        return _float_remainder(expr(ctx, a), expr(ctx, b)).value
    return ctx.graph.map(MapFn.IMOD, *_integers(ctx, a, b))


@lowers(aten.remainder.Tensor, aten.remainder.Scalar, aten.remainder.Scalar_Tensor, becomes="div, f2i, i2f, fma, add, select; imod, iadd")
def remainder(ctx: Context, a: Argument, b: Argument) -> Value:
    """Remainder of division downward. Exact for quotients below 2^24; integers modulo 0 give 0."""
    if ctx.output.is_float:
        divisor = expr(ctx, b)
        rest = _float_remainder(expr(ctx, a), divisor)
        return _differs_in_sign(rest, divisor).where(rest + divisor, rest).value
    graph, (x, y) = ctx.graph, _integers(ctx, a, b)
    rest_i = graph.map(MapFn.IMOD, x, y)
    return graph.select(_rounds_down(ctx, rest_i, y), graph.map(MapFn.IADD, rest_i, y), rest_i)


@lowers(aten.div.Tensor_mode, aten.div.Scalar_mode, becomes="div; with f2i, i2f, fma, select; idiv")
def div_mode(ctx: Context, a: Argument, b: Argument, *, rounding_mode: str | None = None) -> Value:
    """a / b, rounded toward zero ("trunc") or downward ("floor"). Integers divided by 0 give 0."""
    if rounding_mode is None:
        return (expr(ctx, a) / expr(ctx, b)).value
    if ctx.output.is_float:
        x, y = expr(ctx, a), expr(ctx, b)
        return (truncated(x / y) if rounding_mode == "trunc" else _floor_quotient(x, y)).value
    graph, (i, j) = ctx.graph, _integers(ctx, a, b)
    quotient = graph.map(MapFn.IDIV, i, j)
    if rounding_mode == "trunc":
        return quotient
    return graph.map(MapFn.ISUB, quotient, _rounds_down(ctx, graph.map(MapFn.IMOD, i, j), j))


@lowers(aten.floor_divide.default, aten.floor_divide.Scalar, becomes="div, f2i, i2f, fma, select; idiv")
def floor_divide(ctx: Context, a: Argument, b: Argument) -> Value:
    """a / b rounded downward."""
    return div_mode(ctx, a, b, rounding_mode="floor")


def _floor_quotient(a: Expr, b: Expr) -> Expr:
    """As PyTorch has it: the quotient of a less its remainder, which division leaves next to an integer."""
    rest = _float_remainder(a, b)
    quotient = (a - rest) / b
    quotient = _differs_in_sign(rest, b).where(quotient - 1.0, quotient)
    below = floored(quotient)
    whole = (quotient - below > 0.5).where(below + 1.0, below)
    return b.equals(0.0).where(a / b, whole)
