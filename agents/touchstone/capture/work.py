"""What is carried through the translation of a traced step: the job it is for, and what has been declared and lowered so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.fx import Node

from touchstone.capture.books import Books
from touchstone.capture.data import Dataset
from touchstone.capture.errors import DTypeError
from touchstone.capture.graph import Graph
from touchstone.capture.labels import LabelFacts
from touchstone.capture.timetable import Timetable
from touchstone.capture.trace import Trace
from touchstone.capture.twin import Leaf
from touchstone.capture.views import Value
from touchstone.machine.program import DType
from touchstone.machine.workload import Array

INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)


@dataclass(frozen=True)
class Job:
    """What a step is repeated with.

    Attributes:
        dataset: the arrays whose rows a step reads.
        order: sample indices, int32 of shape [steps, batch].
        rates: at every step the learning rate of each parameter group, then any other number that changes with time alone.
        key: the two words that key the machine's random numbers.
        books: what the job writes down beside the state of the model.
        first: the step counter at the start: 0, or that of the state it goes on from.
        groups: how many of the rates are learning rates.
        counted: how many of the samples in ``order`` count, when the last batch is filled up with samples that do not; a step then takes,
            after its rows, which of them count.
    """

    dataset: Dataset
    order: Array
    rates: Sequence[tuple[float, ...]]
    key: tuple[int, int]
    books: Books
    first: int = 0
    groups: int = 0
    counted: int | None = None

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.order)

    def batch(self, step: int) -> tuple[torch.Tensor, ...]:
        """What the step number ``step`` of the job, from 0, is given."""
        rows = self.dataset.batch(self.order[step])
        if self.counted is None:
            return rows
        size = self.order.shape[1]
        return (*rows, torch.arange(step * size, (step + 1) * size) < self.counted)


@dataclass
class Work:
    """The state of one translation from a traced step to a program: what was declared, and the value of every traced node."""

    trace: Trace
    leaves: Sequence[Leaf]
    job: Job
    timetable: Timetable
    graph: Graph = field(default_factory=Graph)
    labels: LabelFacts = field(default_factory=LabelFacts)
    values: dict[Node, Any] = field(default_factory=dict)
    slot_names: list[str] = field(default_factory=list)
    slot_arrays: list[Array] = field(default_factory=list)
    constant_names: list[str] = field(default_factory=list)
    constant_arrays: list[Array] = field(default_factory=list)
    tables: dict[tuple[float, ...], Value] = field(default_factory=dict)
    widened: set[Node] = field(default_factory=set)
    made: dict[tuple[tuple[int, ...], str, bytes], Value] = field(default_factory=dict)

    def slot(self, name: str, array: Array) -> Value:
        """Declare the next slot."""
        self.slot_names.append(name)
        self.slot_arrays.append(array)
        return self.graph.slot(machine_dtype(array), array.shape)

    def constant(self, name: str, array: Array) -> Value:
        """Declare the next constant."""
        self.constant_names.append(name)
        self.constant_arrays.append(array)
        return self.graph.constant(machine_dtype(array), array.shape)

    def numbers(self, array: Array) -> Value:
        """A constant that a lowering needs, declared once for equal numbers."""
        key = (array.shape, array.dtype.str, array.tobytes())
        if key not in self.made:
            self.made[key] = self.constant(f"const:numbers{len(self.made)}", array)
        return self.made[key]


def machine_dtype(array: Array) -> DType:
    """Element type of a machine array."""
    return DType.F32 if array.dtype == np.float32 else DType.I32


def machine_array(name: str, tensor: torch.Tensor) -> Array:
    """A C-contiguous copy in the machine's dtype."""
    array = tensor.detach().cpu().numpy()
    if tensor.dtype is torch.float32:
        return np.array(array, dtype=np.float32, order="C")
    if tensor.dtype not in INTEGERS:
        raise DTypeError(f"{name} has dtype {tensor.dtype}; convert it to float32 or an integer dtype")
    wide = array.astype(np.int64)
    if wide.size and (wide.max() > 2**31 - 1 or wide.min() < -(2**31)):
        raise DTypeError(f"{name} holds integers that do not fit 32 bits; renumber them")
    return np.array(wide, dtype=np.int32, order="C")
