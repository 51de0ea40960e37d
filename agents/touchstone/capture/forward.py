"""Jobs that only run a model: its step as a function of tensors, and the same in eager PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from touchstone.capture.books import OutputRows
from touchstone.capture.data import Dataset
from touchstone.capture.draws import MachineDraws
from touchstone.capture.eager import Numbers, as_numbers, cast_floats, overwrite
from touchstone.capture.errors import ModelError
from touchstone.capture.twin import Leaf, ModelTwin, copy_together, plain_kernels
from touchstone.capture.work import Job
from touchstone.machine.workload import Array

Tensors = list[torch.Tensor]
Observe = Callable[[nn.Module, Tensors, Sequence[torch.Tensor]], tuple[Tensors, Tensors]]
"""Runs the model on a batch. Takes the sums so far and gives the new sums, and what the step reports."""


class ForwardTwin(ModelTwin):
    """A copy of a model in evaluation mode, and sums that its steps add to.

    Args:
        model: the user's model.
        observe: what a step does.
        sums: the sums before the first step, by name.
    """

    def __init__(self, model: nn.Module, observe: Observe, sums: dict[str, torch.Tensor]) -> None:
        (copied,) = copy_together(model)
        super().__init__(copied.eval())
        self._observe = observe
        self.leaves += [Leaf(name, tensor) for name, tensor in sums.items()]
        self._check_leaves()

    def step(self, state: Tensors, rates: Tensors, batch: Tensors) -> tuple[Tensors, tuple[torch.Tensor, ...]]:
        """One batch, without gradients."""
        parameters, buffers, sums = self._split([tensor.detach().clone() for tensor in state])
        with torch.no_grad():
            (sums, results), buffers = self._run(parameters, buffers, lambda model: self._observe(model, sums, batch))
        return parameters + buffers + sums, tuple(results)


@dataclass(frozen=True)
class ForwardRun:
    """The steps of a forward twin in eager PyTorch; they may be any steps."""

    make_twin: Callable[[], ForwardTwin]
    is_adaptive = False

    def steps(self, job: Job, steps: Sequence[int], starts: Sequence[Numbers], dtype: torch.dtype) -> Iterator[Numbers]:
        """Sums and buffers after each step, and the outputs where the job keeps them."""
        twin, draws = self.make_twin(), MachineDraws(job.key)
        twin.model.to(dtype)
        state = cast_floats([leaf.tensor for leaf in twin.leaves], dtype)
        outputs: Numbers = {}
        names = [leaf.name for leaf in twin.leaves]
        for step, start in zip(steps, starts, strict=True):
            overwrite(dict(zip(names, state, strict=True)), start)
            draws.start(job.first + step)
            with plain_kernels(), draws:
                state, results = twin.step(state, [], cast_floats(job.batch(step), dtype))
            if isinstance(job.books, OutputRows):
                outputs = _written(outputs, job.books, step, results)
            yield {name: as_numbers(tensor) for name, tensor in zip(names, state, strict=True) if name in start} | outputs


def _written(outputs: Numbers, books: OutputRows, step: int, results: Sequence[torch.Tensor]) -> Numbers:
    """The outputs with the rows of a step."""
    start = step * books.batch_size
    written: Numbers = {}
    for name, result in zip(books.names, results, strict=True):
        rows = as_numbers(result)[: books.samples - start]
        written[name] = outputs[name].copy() if name in outputs else np.zeros((books.samples, *rows.shape[1:]))
        written[name][start : start + len(rows)] = rows
    return written


def first_outputs(model: nn.Module, dataset: Dataset, batch: Sequence[torch.Tensor]) -> Any:
    """What the model, in evaluation mode, gives for a batch. Raises ModelError when it fails."""
    (copied,) = copy_together(model)
    try:
        with torch.no_grad(), plain_kernels():
            return dataset.run(copied.eval(), batch)
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"the model fails on one batch: {reason}; make sure that it runs in plain PyTorch") from error


def padded_order(dataset: Dataset, rows: Sequence[int] | Array | None, batch_size: int) -> tuple[Array, int]:
    """The samples of every step, int32 [steps, batch_size], the last batch filled up with its last sample; and how many rows count.

    Raises ModelError for rows that are not samples, or fewer than two steps.
    """
    chosen = np.arange(dataset.samples) if rows is None else np.asarray(rows)
    if chosen.ndim != 1 or chosen.dtype.kind not in "iu" or not len(chosen) or chosen.min() < 0 or chosen.max() >= dataset.samples:
        raise ModelError(f"rows are not indices of the {dataset.samples} samples; pass a list of integers from 0")
    if not 1 <= batch_size < len(chosen):
        raise ModelError(f"batch_size={batch_size} is not in 1..{len(chosen) - 1}: a job has at least two steps; choose another")
    padding = -len(chosen) % batch_size
    filled = np.concatenate([chosen, np.repeat(chosen[-1], padding)]).astype(np.int32)
    return filled.reshape(-1, batch_size), len(chosen)


def steps_to_check(steps: int, count: int) -> list[int]:
    """The first ``count`` steps, and the last, whose batch may be ragged."""
    return sorted({*range(min(count, steps)), steps - 1}) if count else []
