"""What a job writes down beside the state of its model: the losses of a training run, the outputs of an inference, a witness of the work.

A step's books are slots of their own. They come right after the step counter, so that their names and places depend on the kind of job
only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from touchstone.capture import witness
from touchstone.capture.graph import Graph
from touchstone.capture.lowering.registry import Output
from touchstone.capture.views import Value
from touchstone.machine.program import MapFn
from touchstone.machine.workload import Array

LOSS_HISTORY = "loss_history"
WITNESS = "witness"


class Books(Protocol):
    """One kind of job's books."""

    def slots(self, results: Sequence[Output]) -> list[tuple[str, Array]]:
        """Names and initial values of the slots, given the types of what a step reports."""

    def record(self, graph: Graph, index: Value, slots: Sequence[Value], results: Sequence[Value]) -> list[Value]:
        """The next values of the slots; ``index`` i32 [1] counts the steps of this job from 0."""


@dataclass(frozen=True)
class LossHistory:
    """The loss of every step.

    Attributes:
        start: the slot's initial value, float32 [n]; zeros, or that of the job it goes on from.
    """

    start: Array

    def slots(self, results: Sequence[Output]) -> list[tuple[str, Array]]:
        """One number per step."""
        return [(LOSS_HISTORY, self.start)]

    def record(self, graph: Graph, index: Value, slots: Sequence[Value], results: Sequence[Value]) -> list[Value]:
        """The loss goes to the place of this step."""
        (history,), (loss,) = slots, results
        here = graph.map(MapFn.IEQ, graph.iota(history.shape[0]), index)
        return [graph.select(here, graph.reshape(loss, ()), history)]


@dataclass(frozen=True)
class OutputRows:
    """The outputs of a model for every sample, and a witness.

    Attributes:
        names: of the output slots, one for each array a step reports.
        samples: rows of each output slot.
        batch_size: rows that a step computes; of the last step only those that fit.
    """

    names: tuple[str, ...]
    samples: int
    batch_size: int

    def slots(self, results: Sequence[Output]) -> list[tuple[str, Array]]:
        """Zeros, to be overwritten row by row."""
        slots: list[tuple[str, Array]] = []
        for name, output in zip(self.names, results, strict=True):
            shape = (self.samples, *output.shape[1:])
            slots.append((name, np.zeros(shape, np.float32) if output.is_float else np.zeros(shape, np.int32)))
        return [*slots, (WITNESS, witness.initial())]

    def record(self, graph: Graph, index: Value, slots: Sequence[Value], results: Sequence[Value]) -> list[Value]:
        """Row i takes what step i // batch_size computed for it."""
        start = graph.map(MapFn.IMUL, index, graph.i32(self.batch_size))
        place = graph.map(MapFn.ISUB, graph.iota(self.samples), start)  # of each row in this step's batch
        not_negative = graph.map(MapFn.ILE, graph.i32(0), place)
        here = graph.map(MapFn.IAND, not_negative, graph.map(MapFn.ILT, place, graph.i32(self.batch_size)))
        *outputs, seen = slots
        written = [_write(graph, output, result, place, here) for output, result in zip(outputs, results, strict=True)]
        return [*written, witness.advance(graph, seen, results, published=True)]


@dataclass(frozen=True)
class WitnessOnly:
    """Nothing but a witness: what the job computes is in the other slots."""

    def slots(self, results: Sequence[Output]) -> list[tuple[str, Array]]:
        """The witness."""
        return [(WITNESS, witness.initial())]

    def record(self, graph: Graph, index: Value, slots: Sequence[Value], results: Sequence[Value]) -> list[Value]:
        """Mix in what the step computed."""
        return [witness.advance(graph, slots[0], results, published=False)]


def _write(graph: Graph, output: Value, result: Value, place: Value, here: Value) -> Value:
    """``output`` with the rows ``here`` replaced by those of ``result`` at ``place``."""
    width = math.prod(output.shape[1:])
    rows = graph.gather(graph.reshape(result, (result.shape[0], width)), place)
    old = graph.reshape(output, rows.shape)
    return graph.reshape(graph.select(graph.reshape(here, (*here.shape, 1)), rows, old), output.shape)
