"""The table of ATen operators that have a lowering.

A lowering is a small function from the operator's arguments to nodes of the graph. It is registered under the exact overloads it serves,
with one line saying what it becomes; the table in docs/operators.md is generated from those lines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch

from touchstone.capture.graph import Graph
from touchstone.capture.labels import LabelFacts
from touchstone.capture.views import Shape, Value
from touchstone.machine.program import MapFn
from touchstone.machine.workload import Array

Scalar = int | float | bool
Argument = Value | Scalar
Result = Value | tuple[Value | None, ...]
Lowering = Callable[..., Result]
_Function = TypeVar("_Function", bound=Lowering)


@dataclass(frozen=True)
class Rule:
    """A lowering and what the documentation says about it."""

    lowering: Lowering
    becomes: str


@dataclass(frozen=True)
class Output:
    """Type of the ATen operator's result; of the first that is computed where it has several."""

    dtype: torch.dtype
    shape: Shape

    @property
    def is_float(self) -> bool:
        """Whether the result is a float32 tensor; otherwise it is integer or boolean, that is, i32."""
        return self.dtype.is_floating_point


@dataclass
class Context:
    """What a lowering can use besides its arguments.

    Attributes:
        graph: where nodes are made.
        output: type of the result.
        step: slot 0.
        key: the two words of the job's random key.
        site: number of this random operator within the step; only meaningful for random operators.
        labels: what is known about values that come from the data set.
        where: module path, for messages.
        operator: name of the ATen operator, for messages and for what depends on its number of spatial axes.
        constant: declares a constant tensor with these numbers; the same one for equal numbers.
    """

    graph: Graph
    output: Output
    step: Value
    key: tuple[int, int]
    site: int
    labels: LabelFacts
    where: str
    operator: str
    constant: Callable[[Array], Value]

    @property
    def at(self) -> str:
        """`` at <module path>``, or nothing."""
        return f" at {self.where}" if self.where else ""

    def f32(self, argument: Argument) -> Value:
        """The argument as an f32 value: numbers become literals, i32 values are converted."""
        return self.graph.as_f32(argument) if isinstance(argument, Value) else self.graph.f32(float(argument))

    def i32(self, argument: Argument) -> Value:
        """The argument as an i32 value: integers become literals."""
        return argument if isinstance(argument, Value) else self.graph.i32(int(argument))

    def narrowed(self, value: Value) -> Value:
        """An i32 value wrapped to the output's dtype, where that is narrower than 32 bits."""
        bits = _NARROW.get(self.output.dtype)
        if bits is None:
            return value
        low = self.graph.map(MapFn.IAND, value, self.graph.i32((1 << bits) - 1))
        if not self.output.dtype.is_signed:
            return low
        sign = self.graph.i32(1 << bits - 1)
        return self.graph.map(MapFn.ISUB, self.graph.map(MapFn.IXOR, low, sign), sign)

    def like_output(self, argument: Argument) -> Value:
        """The argument as a value of the output's dtype."""
        if self.output.dtype is torch.bool and not isinstance(argument, Value):
            argument = bool(argument)
        return self.f32(argument) if self.output.is_float else self.i32(argument)


_NARROW = {torch.uint8: 8, torch.int8: 8, torch.int16: 16}  # bits of integers that wrap before 32 bits

RULES: dict[torch._ops.OpOverload[..., Any], Rule] = {}


def lowers(*operators: torch._ops.OpOverload[..., Any], becomes: str) -> Callable[[_Function], _Function]:
    """Register the decorated function as the lowering of ``operators``."""

    def register(function: _Function) -> _Function:
        for operator in operators:
            assert operator not in RULES, f"{operator} has two lowerings"
            RULES[operator] = Rule(function, becomes)
        return function

    return register


def axis_of(axis: int, rank: int) -> int:
    """Non-negative form of an axis number."""
    return axis + rank if axis < 0 else axis


def axes_of(axes: int | list[int] | None, rank: int) -> tuple[int, ...]:
    """Non-negative form of a list of axes; none or an empty list means all."""
    if axes is None or axes == []:
        return tuple(range(rank))
    return tuple(axis_of(axis, rank) for axis in ([axes] if isinstance(axes, int) else axes))
