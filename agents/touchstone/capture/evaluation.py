"""``touchstone.capture.evaluation``: a model, metrics and data become a workload that measures the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from touchstone.capture import metrics as metric
from touchstone.capture.books import WitnessOnly
from touchstone.capture.data import ArrayLike, Data, prepare
from touchstone.capture.errors import ModelError
from touchstone.capture.forward import ForwardRun, ForwardTwin, Tensors, first_outputs, padded_order, steps_to_check
from touchstone.capture.metrics import Metric, Values
from touchstone.capture.pipeline import captured
from touchstone.capture.sampling import key_of
from touchstone.capture.work import Job
from touchstone.machine.outcome import METRIC, WEIGHT
from touchstone.machine.workload import Array, Workload


def evaluation(
    model: nn.Module,
    metrics: Mapping[str, Metric | nn.Module | Values],
    data: Data,
    targets: ArrayLike,
    *,
    batch_size: int,
    rows: Sequence[int] | Array | None = None,
    seed: int = 0,
    check_steps: int = 2,
) -> Workload:
    """Turn measuring a model on labelled data into a program with its data, without changing ``model``.

    Step t adds batch t to sums kept in the state. The last batch may be ragged. See docs/how-to/train-a-model.md.

    Args:
        model: takes a batch of each array of ``data``; used as after ``model.eval()``. Its weights become constants.
        metrics: by name, what to measure: see :mod:`touchstone.capture.metrics`. A ``torch.nn`` loss is averaged over the samples, so is
            what any other function ``f(outputs, targets)`` gives for each sample.
        data: one array, or for a model with several arguments a sequence of arrays, or a mapping of its arguments' names to arrays;
            float32, integers or booleans, one row per sample.
        targets: one row per sample, of the same types.
        batch_size: samples per step.
        rows: which samples; all by default.
        seed: chooses the machine's random numbers, for models that draw some in evaluation mode too.
        check_steps: how many first steps to compare with eager PyTorch, besides the last; 0 skips the comparison.

    Returns:
        the workload; ``Outcome(workload, state).metrics`` are the results.

    Raises:
        CaptureError: one of its subclasses says what cannot be captured, where, and what to use instead.
    """
    if not metrics:
        raise ModelError("no metrics are given; pass at least one, e.g. {'loss': nn.CrossEntropyLoss()}")
    dataset = prepare(data, targets)
    order, count = padded_order(dataset, rows, batch_size)
    measured = {name: metric.as_metric(given) for name, given in metrics.items()}
    is_ragged = count < order.size
    job = Job(dataset, order, [()] * len(order), key_of(seed), WitnessOnly(), counted=count if is_ragged else None)

    def observe(model: nn.Module, sums: Tensors, batch: Sequence[torch.Tensor]) -> tuple[Tensors, Tensors]:
        added = _measure(measured, dataset.run(model, batch), dataset.beside_inputs(batch))
        return [old + new for old, new in zip(sums, added.values(), strict=True)], list(added.values())

    example = job.batch(0)
    outputs = first_outputs(model, dataset, example)
    zeros = {name: torch.zeros_like(value) for name, value in _measure(measured, outputs, dataset.beside_inputs(example)).items()}

    def make_twin() -> ForwardTwin:
        return ForwardTwin(model, observe, zeros)

    info: dict[str, object] = {
        "kind": "evaluation",
        "model": type(model).__name__,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "metrics": list(measured),
        "samples": count,
        "batch_size": batch_size,
        "seed": seed,
    }
    return captured(make_twin, job, info, ForwardRun(make_twin), steps_to_check(len(order), check_steps))


def _measure(metrics: Mapping[str, Metric], outputs: object, rest: Sequence[torch.Tensor]) -> dict[str, torch.Tensor]:
    """What a batch adds to the sums, by slot name. ``rest`` is the targets, and which samples count where not all do."""
    targets, counted = rest[0], rest[1] if len(rest) > 1 else None
    added: dict[str, torch.Tensor] = {}
    with torch.no_grad():
        for name, each in metrics.items():
            added |= _add_up(name, each, outputs, targets, counted)
    return added


def _add_up(name: str, each: Metric, outputs: object, targets: torch.Tensor, counted: torch.Tensor | None) -> dict[str, torch.Tensor]:
    given = each.values(outputs, targets)
    values, weights = given if isinstance(given, tuple) else (given, None)
    if not isinstance(values, torch.Tensor) or not values.dim() or len(values) != len(targets):
        shape = tuple(values.shape) if isinstance(values, torch.Tensor) else type(values).__name__
        raise ModelError(f"metric {name!r} gives {shape} instead of a number for each of {len(targets)} samples; do not average or sum")
    if not each.is_mean:
        return {METRIC + name: _sum(values, counted, keep=True)}
    if weights is None:
        weights = torch.ones_like(values, dtype=torch.int64)
    return {METRIC + name: _sum(values, counted, keep=False), WEIGHT + name: _sum(weights, counted, keep=False)}


def _sum(values: torch.Tensor, counted: torch.Tensor | None, keep: bool) -> torch.Tensor:
    """The sum over the samples that count, and over all other axes unless they are to be kept; at least one axis."""
    if not values.is_floating_point():
        values = values.to(torch.int64)  # counts stay exact
    if counted is not None:
        values = torch.where(counted.reshape(-1, *[1] * (values.dim() - 1)), values, torch.zeros_like(values))
    if keep and values.dim() > 1:
        return values.sum(0)
    return values.sum().reshape(1)
