"""Runs single ATen operators on the reference machine, as capture lowers them, and compares with PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from touchstone.capture.assemble import assemble
from touchstone.capture.graph import Graph
from touchstone.capture.labels import LabelFacts
from touchstone.capture.lowering import RULES, Context, Output
from touchstone.capture.views import Value
from touchstone.machine import validity
from touchstone.machine.program import DType, MapFn
from touchstone.machine.reference import ReferenceMachine
from touchstone.machine.workload import Array

KEY = (7, 9)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


def machine_array(tensor: torch.Tensor) -> Array:
    array = tensor.numpy()
    return np.array(array, dtype=np.float32 if tensor.is_floating_point() else np.int32, order="C")


def is_computed(result: torch.Tensor | None) -> bool:
    """Gradients that nobody wants are None, statistics that nobody needs are empty."""
    return result is not None and result.numel() > 0


def run_on_machine(
    operator: Any, arguments: Sequence[Any], options: dict[str, Any], expected: Sequence[torch.Tensor | None]
) -> list[Array]:
    """The operator's results from the reference machine: its operands and its results are slots."""
    graph, arrays, following = Graph(), [np.zeros(1, dtype=np.int32)], []
    step = graph.slot(DType.I32, (1,))
    following.append(graph.map(MapFn.IADD, step, graph.i32(1)))

    def declare(argument: Any) -> Any:
        if isinstance(argument, list) and any(isinstance(part, torch.Tensor) for part in argument):
            return [declare(part) for part in argument]
        if not isinstance(argument, torch.Tensor):
            return argument
        if not is_computed(argument):
            return None
        arrays.append(machine_array(argument))
        following.append(graph.slot(DType.F32 if argument.is_floating_point() else DType.I32, tuple(argument.shape)))
        return following[-1]

    computed = [tensor for tensor in expected if is_computed(tensor)]
    output = Output(computed[0].dtype, tuple(computed[0].shape))
    constants: list[Array] = []

    def constant(array: Array) -> Value:
        constants.append(array)
        return graph.constant(DType.F32 if array.dtype == np.float32 else DType.I32, array.shape)

    context = Context(graph, output, step, KEY, 3, LabelFacts(), "", str(operator), constant)
    operands = [declare(argument) for argument in arguments]
    result = RULES[operator].lowering(context, *operands, **{key: declare(value) for key, value in options.items()})
    values = [value for value in (result if isinstance(result, tuple) else [result]) if isinstance(value, Value)]
    inputs = len(arrays)
    for value, tensor in zip(values, computed, strict=True):
        assert value.shape == tuple(tensor.shape)
        graph.slot(value.dtype, value.shape)
        arrays.append(np.zeros(value.shape, dtype=np.float32 if value.dtype is DType.F32 else np.int32))
    built = assemble(graph, following + values, pinned=len(arrays))
    validity.check(built.program)
    machine = ReferenceMachine(built.program, [constants[ref.index] for ref in built.constants])
    machine.load(arrays)
    machine.run(1)
    return machine.state()[inputs:]


def compare(operator: Any, arguments: list[Any], options: dict[str, Any] | None = None, tolerance: float = 2e-6) -> None:
    """Assert that the lowered operator gives what PyTorch's gives: same shapes, same dtypes, and the same numbers up to rounding."""
    eager = operator(*arguments, **(options or {}))
    expected = list(eager) if isinstance(eager, (tuple, list)) else [eager]
    results = run_on_machine(operator, arguments, options or {}, expected)
    for found, tensor in zip(results, filter(is_computed, expected), strict=True):
        wanted = machine_array(tensor.detach())
        assert found.dtype == wanted.dtype and found.shape == wanted.shape
        if wanted.dtype == np.int32:
            np.testing.assert_array_equal(found, wanted)
        else:
            size = float(np.abs(wanted[np.isfinite(wanted)]).max(initial=0.0))
            np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * size)
