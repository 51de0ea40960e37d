"""``touchstone.capture.inference``: a model and its inputs become a workload that computes the outputs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import keystr, tree_flatten_with_path, tree_leaves

from touchstone.capture.books import OutputRows
from touchstone.capture.data import Data, Dataset, prepare
from touchstone.capture.errors import ModelError
from touchstone.capture.forward import ForwardRun, ForwardTwin, Tensors, first_outputs, padded_order, steps_to_check
from touchstone.capture.pipeline import captured
from touchstone.capture.sampling import key_of
from touchstone.capture.work import Job
from touchstone.machine.outcome import OUTPUTS
from touchstone.machine.workload import Array, Workload


def inference(
    model: nn.Module,
    data: Data,
    *,
    batch_size: int,
    rows: Sequence[int] | Array | None = None,
    seed: int = 0,
    check_steps: int = 2,
) -> Workload:
    """Turn running a model over data into a program with its data, without changing ``model``.

    Step t computes batch t and writes its rows into the slot ``outputs`` (``outputs:<place>`` for each of several). The last batch may be
    ragged. See docs/how-to/train-a-model.md.

    Args:
        model: takes a batch of each array of ``data``; used as after ``model.eval()``. Its weights become constants.
        data: one array, or for a model with several arguments a sequence of arrays, or a mapping of its arguments' names to arrays;
            float32, integers or booleans, one row per sample.
        batch_size: samples per step. Every step copies all outputs, so few large batches are cheaper than many small ones.
        rows: which samples, in which order; all by default.
        seed: chooses the machine's random numbers, for models that draw some in evaluation mode too.
        check_steps: how many first steps to compare with eager PyTorch, besides the last; 0 skips the comparison.

    Returns:
        the workload; ``Outcome(workload, state).outputs`` are the outputs.

    Raises:
        CaptureError: one of its subclasses says what cannot be captured, where, and what to use instead.
    """
    dataset = prepare(data)
    order, count = padded_order(dataset, rows, batch_size)
    example = first_outputs(model, dataset, dataset.batch(order[0]))
    books = OutputRows(_names(example, batch_size), count, batch_size)
    job = Job(dataset=dataset, order=order, rates=[()] * len(order), key=key_of(seed), books=books)

    def make_twin() -> ForwardTwin:
        return ForwardTwin(model, partial(_observe, dataset), {})

    info: dict[str, object] = {
        "kind": "inference",
        "model": type(model).__name__,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "samples": count,
        "batch_size": batch_size,
        "seed": seed,
    }
    return captured(make_twin, job, info, ForwardRun(make_twin), steps_to_check(len(order), check_steps))


def _observe(dataset: Dataset, model: nn.Module, _sums: Tensors, batch: Sequence[torch.Tensor]) -> tuple[Tensors, Tensors]:
    return [], [tensor for tensor in tree_leaves(dataset.run(model, batch)) if isinstance(tensor, torch.Tensor)]


def _names(outputs: Any, batch_size: int) -> tuple[str, ...]:
    """Slot names for a model's outputs. Raises ModelError when one is not a tensor with a row per sample."""
    found = [(keystr(path), value) for path, value in tree_flatten_with_path(outputs)[0] if isinstance(value, torch.Tensor)]
    if not found:
        raise ModelError(f"the model gives {type(outputs).__name__} without a tensor; return the outputs as tensors")
    for name, tensor in found:
        if not tensor.dim() or len(tensor) != batch_size:
            where = name or "the output"
            raise ModelError(
                f"{where} of the model has shape {tuple(tensor.shape)}, not a row for each of {batch_size} samples; reshape it"
            )
    if len(found) == 1 and not found[0][0]:
        return (OUTPUTS,)
    return tuple(f"{OUTPUTS}:{name.strip('[]').replace('][', '.').replace(chr(39), '').lstrip('.')}" for name, _ in found)
