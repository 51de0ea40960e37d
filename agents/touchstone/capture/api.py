"""``touchstone.capture``: an ordinary PyTorch training run becomes a workload."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from touchstone.capture import optimizers, verify
from touchstone.capture.data import ArrayLike, Dataset, prepare
from touchstone.capture.errors import ModelError
from touchstone.capture.lower import Job, lower
from touchstone.capture.sampling import batch_order, key_of
from touchstone.capture.schedule import learning_rates
from touchstone.capture.timetable import tabulate
from touchstone.capture.trace import trace
from touchstone.capture.twin import Loss, Twin
from touchstone.machine import validity
from touchstone.machine.workload import Workload

_TRACE_SEEDS = (1, 2)


def capture(
    model: nn.Module,
    loss: Loss,
    optimizer: Optimizer,
    data: ArrayLike | Sequence[ArrayLike],
    targets: ArrayLike,
    *,
    batch_size: int,
    steps: int | None = None,
    epochs: float | None = None,
    seed: int = 0,
    shuffle: bool = True,
    scheduler: LRScheduler | None = None,
    clip_norm: float | None = None,
    check_steps: int = 3,
) -> Workload:
    """Turn a training run into a program with its data, without changing ``model`` or ``optimizer``.

    The program is one whole step: pick the mini-batch, forward, backward, clip, update, record the loss. See docs/how-to/train-a-model.md.

    Args:
        model: takes a batch of each array of ``data``; used in the mode it is in (``model.train()`` or ``model.eval()``).
        loss: ``loss(outputs, targets)`` giving one number, e.g. ``nn.CrossEntropyLoss()``.
        optimizer: SGD, Adam or AdamW of ``torch.optim`` over the model's parameters; state it already has is continued.
        data: one array, or a sequence of arrays for a model with several arguments; float32 or integers, one row per sample.
        targets: one row per sample; float32 or integers.
        batch_size: samples per step.
        steps: how many steps to train; give either this or ``epochs``.
        epochs: how often to visit every sample; the steps are ``epochs * samples / batch_size``, rounded down.
        seed: chooses the order of the samples and the machine's random numbers (dropout).
        shuffle: visit the samples of every epoch in a new random order.
        scheduler: stepped once after every training step.
        clip_norm: limit of the gradients' total Euclidean norm.
        check_steps: how many first steps to compare with eager PyTorch; 0 skips the comparison.

    Returns:
        the workload; the same for the same arguments in every process.

    Raises:
        CaptureError: one of its subclasses says what cannot be captured, where, and what to use instead.
    """
    optimizers.check_supported(optimizer)
    dataset = prepare(data, targets)
    count = _steps(dataset, batch_size, steps, epochs)
    job = Job(
        dataset=dataset,
        order=batch_order(seed, dataset.samples, batch_size, count, shuffle),
        rates=learning_rates(optimizer, scheduler, count),
        key=key_of(seed),
    )
    info = _facts(model, loss, optimizer, scheduler, batch_size, seed, clip_norm, dataset)
    with torch.enable_grad():
        return _captured(model, loss, optimizer, clip_norm, job, info, min(check_steps, count))


def _captured(
    model: nn.Module, loss: Loss, optimizer: Optimizer, clip_norm: float | None, job: Job, info: dict[str, object], check_steps: int
) -> Workload:
    """The workload, traced twice and compared with eager PyTorch."""
    first, second = (_trace_and_lower(Twin(model, loss, optimizer, clip_norm), job, info, trace_seed) for trace_seed in _TRACE_SEEDS)
    verify.check_same(first, second)
    validity.check(first.program)
    if check_steps:
        verify.check_against_eager(first, job, model, loss, optimizer, clip_norm, check_steps)
    return first


def _trace_and_lower(twin: Twin, job: Job, info: dict[str, object], trace_seed: int) -> Workload:
    with _seeded(trace_seed):
        step = trace(twin, job.dataset.batch(job.order[0]))
    timetable = tabulate(step, [leaf.tensor for leaf in twin.leaves], job.rates)
    return lower(step, twin.leaves, job, timetable, info)


def _steps(dataset: Dataset, batch_size: int, steps: int | None, epochs: float | None) -> int:
    if not 1 <= batch_size <= dataset.samples:
        raise ModelError(f"batch_size={batch_size} is not in 1..{dataset.samples}, the number of samples; choose another")
    if (steps is None) == (epochs is None):
        raise ModelError(f"steps={steps}, epochs={epochs}; give either steps or epochs")
    count = steps if steps is not None else int((epochs or 0) * dataset.samples // batch_size)
    if not 1 <= count < 2**31:
        raise ModelError(f"{count} steps are not in 1..2^31-1; give another number of steps or epochs")
    return count


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed the global random generators, and put them back afterwards."""
    python_state, numpy_state = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            random.seed(seed)
            np.random.seed(seed)
            torch.manual_seed(seed)
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)


def _facts(
    model: nn.Module,
    loss: Loss,
    optimizer: Optimizer,
    scheduler: LRScheduler | None,
    batch_size: int,
    seed: int,
    clip_norm: float | None,
    dataset: Dataset,
) -> dict[str, object]:
    return {
        "model": type(model).__name__,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "loss": getattr(loss, "__name__", type(loss).__name__),
        "optimizer": type(optimizer).__name__,
        "scheduler": type(scheduler).__name__ if scheduler is not None else None,
        "samples": dataset.samples,
        "batch_size": batch_size,
        "seed": seed,
        "clip_norm": clip_norm,
    }
