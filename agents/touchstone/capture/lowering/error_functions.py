"""The complementary and the inverse error function."""

from __future__ import annotations

import torch

from touchstone.capture.lowering.exponentials import log1p_of
from touchstone.capture.lowering.expression import expr
from touchstone.capture.lowering.registry import Context, lowers
from touchstone.capture.views import Value

aten = torch.ops.aten

# W. Press et al., Numerical Recipes, 2nd edition, section 6.2 (erfcc): relative error below 1.2e-7 everywhere.
_ERFC = (0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223)
# M. Giles, "Approximating the erfinv function", GPU Computing Gems, 2010 (single precision), for w < 5 and above.
_NEAR = (
    2.81022636e-08,
    3.43273939e-07,
    -3.5233877e-06,
    -4.39150654e-06,
    0.00021858087,
    -0.00125372503,
    -0.00417768164,
    0.246640727,
    1.50140941,
)
_FAR = (-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047, 1.00167406, 2.83297682)


@lowers(aten.erfc.default, becomes="abs, fma, div, mul, exp, lt, select")
def erfc(ctx: Context, a: Value) -> Value:
    """1 − erf(a), within 16 ulp also far out: what rounding a² loses is given back in the exponent."""
    x = expr(ctx, a)
    size = abs(x).minimum(11.0)  # beyond, the result is zero
    t = 1.0 / size.fma(0.5, 1.0)
    square = size * size
    lost = size.fma(size, -square)
    tail = (-square).exp() * (t * (t.horner(*_ERFC) - lost).exp())
    tail = (size > 0.5).where(tail, 1.0 - size.erf())
    return (x < 0.0).where(2.0 - tail, tail).value


@lowers(aten.erfinv.default, becomes="mul, log, sqrt, fma, lt, eq, select")
def erfinv(ctx: Context, a: Value) -> Value:
    """Inverse of erf, within 16 ulp; infinite at ±1, NaN outside."""
    x = expr(ctx, a)
    w = -(abs(x) > 0.5).where(((1.0 - x) * (1.0 + x)).log(), log1p_of(-x * x))
    near = (w - 2.5).horner(*_NEAR)
    far = (w.sqrt() - 3.0).horner(*_FAR)
    inside = (w < 5.0).where(near, far) * x
    return abs(x).equals(1.0).where(x * float("inf"), inside).value
