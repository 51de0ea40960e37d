"""Float arithmetic written as formulas: a value with Python's operators."""

from __future__ import annotations

from dataclasses import dataclass

from touchstone.capture.graph import Graph
from touchstone.capture.lowering.registry import Argument, Context
from touchstone.capture.views import Value
from touchstone.machine.program import MapFn


@dataclass(frozen=True)
class Expr:
    """A value of the graph. Arithmetic makes f32 values, comparisons i32 0 and 1, which ``&``, ``|`` and ``~`` combine."""

    graph: Graph
    value: Value

    def _apply(self, fn: MapFn, *others: Expr | float) -> Expr:
        values = (other.value if isinstance(other, Expr) else self.graph.f32(other) for other in others)
        return Expr(self.graph, self.graph.map(fn, self.value, *values))

    def _literal(self, number: float) -> Expr:
        return Expr(self.graph, self.graph.f32(number))

    def __add__(self, other: Expr | float) -> Expr:
        return self._apply(MapFn.ADD, other)

    def __radd__(self, other: float) -> Expr:
        return self._literal(other) + self

    def __sub__(self, other: Expr | float) -> Expr:
        return self._apply(MapFn.SUB, other)

    def __rsub__(self, other: float) -> Expr:
        return self._literal(other) - self

    def __mul__(self, other: Expr | float) -> Expr:
        return self._apply(MapFn.MUL, other)

    def __rmul__(self, other: float) -> Expr:
        return self._literal(other) * self

    def __truediv__(self, other: Expr | float) -> Expr:
        return self._apply(MapFn.DIV, other)

    def __rtruediv__(self, other: float) -> Expr:
        return self._literal(other) / self

    def __neg__(self) -> Expr:
        return self._apply(MapFn.NEG)

    def __abs__(self) -> Expr:
        return self._apply(MapFn.ABS)

    def __lt__(self, other: Expr | float) -> Expr:
        return self._apply(MapFn.LT, other)

    def __le__(self, other: Expr | float) -> Expr:
        return self._apply(MapFn.LE, other)

    def __gt__(self, other: Expr | float) -> Expr:
        return (other if isinstance(other, Expr) else self._literal(other))._apply(MapFn.LT, self)

    def __ge__(self, other: Expr | float) -> Expr:
        return (other if isinstance(other, Expr) else self._literal(other))._apply(MapFn.LE, self)

    def equals(self, other: Expr | float) -> Expr:
        """Whether the numbers are equal; NaN equals nothing."""
        return self._apply(MapFn.EQ, other)

    def __and__(self, other: Expr) -> Expr:
        return self._apply(MapFn.IAND, other)

    def __or__(self, other: Expr) -> Expr:
        return self._apply(MapFn.IOR, other)

    def __xor__(self, other: Expr) -> Expr:
        return self._apply(MapFn.IXOR, other)

    def __invert__(self) -> Expr:
        return Expr(self.graph, self.graph.map(MapFn.IEQ, self.value, self.graph.i32(0)))

    def where(self, yes: Expr | float, no: Expr | float) -> Expr:
        """``yes`` where this condition holds, else ``no``."""
        return self._apply(MapFn.SELECT, yes, no)

    def fma(self, factor: Expr | float, addend: Expr | float) -> Expr:
        """self · factor + addend, rounded once."""
        return self._apply(MapFn.FMA, factor, addend)

    def maximum(self, other: Expr | float) -> Expr:
        """The greater; NaN if either is NaN."""
        return self._apply(MapFn.MAX, other)

    def minimum(self, other: Expr | float) -> Expr:
        """The lesser; NaN if either is NaN."""
        return self._apply(MapFn.MIN, other)

    def sqrt(self) -> Expr:
        """Square root."""
        return self._apply(MapFn.SQRT)

    def exp(self) -> Expr:
        """e to this power."""
        return self._apply(MapFn.EXP)

    def log(self) -> Expr:
        """Natural logarithm."""
        return self._apply(MapFn.LOG)

    def tanh(self) -> Expr:
        """Hyperbolic tangent."""
        return self._apply(MapFn.TANH)

    def erf(self) -> Expr:
        """Error function."""
        return self._apply(MapFn.ERF)

    def whole(self) -> Expr:
        """Toward zero to an integer of 32 bits, and back."""
        return Expr(self.graph, self.graph.map(MapFn.I2F, self.graph.map(MapFn.F2I, self.value)))

    def with_sign_of(self, other: Expr) -> Expr:
        """−self where ``other`` is below zero, else self."""
        return (other < 0.0).where(-self, self)

    def horner(self, *coefficients: float) -> Expr:
        """A polynomial in this, coefficients from the highest power down."""
        result = self._literal(coefficients[0])
        for coefficient in coefficients[1:]:
            result = result.fma(self, coefficient)
        return result


def expr(ctx: Context, argument: Argument) -> Expr:
    """The argument in float32, ready for formulas."""
    return Expr(ctx.graph, ctx.f32(argument))
