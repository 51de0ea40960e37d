"""A plain function of tensors as a program of one step: no model, no data set, no optimizer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from touchstone.capture.data import Dataset
from touchstone.capture.errors import DTypeError, ModelError
from touchstone.capture.graph import Graph
from touchstone.capture.lower import lower
from touchstone.capture.lowering.registry import Output
from touchstone.capture.sampling import key_of
from touchstone.capture.timetable import Timetable
from touchstone.capture.trace import trace
from touchstone.capture.twin import Leaf, ModelTwin
from touchstone.capture.views import Value
from touchstone.capture.work import INTEGERS, Job
from touchstone.machine import validity
from touchstone.machine.workload import Array, Workload

Tensors = list[torch.Tensor]
Function = Callable[[Tensors], Tensors]

RESULT = "result:"


def capture_function(function: Function, inputs: Sequence[torch.Tensor], seed: int = 0) -> Workload:
    """The program that computes ``function`` once: the inputs are its constants, ``result:0``, ``result:1``, … its slots.

    Args:
        function: takes tensors like ``inputs`` and returns tensors; may use ``torch.autograd.grad`` and in-place operators.
        inputs: float32, integer or boolean tensors of any shapes.
        seed: chooses the machine's random numbers.

    Raises:
        CaptureError: one of its subclasses says what cannot be captured, where, and what to use instead.
    """
    twin = _FunctionTwin(function, inputs)
    job = Job(Dataset((), None), np.zeros((1, 1), dtype=np.int32), [()], key_of(seed), _Results())
    with torch.enable_grad():
        workload = lower(trace(twin, ()), twin.leaves, job, Timetable(frozenset(), {}, {}), {})
    validity.check(workload.program)
    return workload


class _FunctionTwin(ModelTwin):
    """The function in the place of a model; its inputs are leaves that no step changes."""

    def __init__(self, function: Function, inputs: Sequence[torch.Tensor]) -> None:
        super().__init__(nn.Module())
        self._function = function
        self.leaves = [Leaf(f"input:{k}", tensor) for k, tensor in enumerate(inputs)]
        self._check_leaves()

    def step(self, state: Tensors, rates: Tensors, batch: Tensors) -> tuple[Tensors, tuple[torch.Tensor, ...]]:
        """The function's results."""
        results = [tensor.detach() for tensor in self._function([tensor.detach().clone() for tensor in state])]
        for k, tensor in enumerate(results):
            if tensor.dtype is not torch.float32 and tensor.dtype not in INTEGERS:
                raise DTypeError(f"result {k} has dtype {tensor.dtype}; return float32 or integers")
            if not tensor.numel():
                raise ModelError(f"result {k} has shape {tuple(tensor.shape)}, without elements; leave it out")
        return state, tuple(results)


@dataclass(frozen=True)
class _Results:
    """Books that hold what the step computed, whole."""

    def slots(self, results: Sequence[Output]) -> list[tuple[str, Array]]:
        """Zeros of each result's type."""
        return [(f"{RESULT}{k}", _zeros(output)) for k, output in enumerate(results)]

    def record(self, graph: Graph, index: Value, slots: Sequence[Value], results: Sequence[Value]) -> list[Value]:
        """The results."""
        return [graph.reshape(result, slot.shape) for slot, result in zip(slots, results, strict=True)]


def _zeros(output: Output) -> Array:
    return np.zeros(output.shape, np.float32) if output.is_float else np.zeros(output.shape, np.int32)
