"""``touchstone.capture``: an ordinary PyTorch training run becomes a workload."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from touchstone.capture import optimizers
from touchstone.capture.books import LOSS_HISTORY, LossHistory
from touchstone.capture.data import ArrayLike, Data, prepare
from touchstone.capture.eager import TrainingRun
from touchstone.capture.errors import ModelError
from touchstone.capture.export import export
from touchstone.capture.naming import EMA
from touchstone.capture.objective import Loss, Objective
from touchstone.capture.order import batch_order
from touchstone.capture.pipeline import captured
from touchstone.capture.recipe import Recipe
from touchstone.capture.sampling import key_of
from touchstone.capture.schedule import schedule_of
from touchstone.capture.twin import Twin, copy_together
from touchstone.capture.work import Job
from touchstone.machine.outcome import Outcome
from touchstone.machine.workload import Array, Workload


def capture(
    model: nn.Module,
    loss: Loss | None,
    optimizer: Optimizer,
    data: Data,
    targets: ArrayLike | None = None,
    *,
    batch_size: int,
    steps: int | None = None,
    epochs: float | None = None,
    seed: int = 0,
    shuffle: bool = True,
    scheduler: LRScheduler | None = None,
    rows: Iterable[Any] | None = None,
    order: Iterable[Any] | None = None,
    drop_last: bool = False,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    accumulation_steps: int = 1,
    ema_decay: float | None = None,
    continues: Outcome | None = None,
    check_steps: int = 3,
) -> Workload:
    """Turn a training run into a program with its data, without changing ``model`` or ``optimizer``.

    The program is one whole step: pick the mini-batch, forward, backward, clip, update, record the loss. See docs/how-to/train-a-model.md.

    Args:
        model: takes a batch of each array of ``data``; used in the mode it is in (``model.train()`` or ``model.eval()``).
        loss: ``loss(outputs, targets)`` giving one number, e.g. ``nn.CrossEntropyLoss()``; ``loss(outputs)`` without targets. None for a
            model that gives its own loss: one number, or outputs with a ``loss``, as Hugging Face's models do that are given labels.
        optimizer: of ``torch.optim``, or your own made of PyTorch operators, over the model's parameters; state it has is continued.
        data: one array, or for a model with several arguments a sequence of arrays, or a mapping of its arguments' names to arrays;
            float32, integers or booleans, one row per sample.
        targets: one row per sample, of the same types; None when the loss needs none.
        batch_size: samples per step.
        steps: how many steps to train; give either this or ``epochs``.
        epochs: how often to visit every sample; the steps are ``epochs * samples / batch_size``, rounded down.
        seed: chooses the order of the samples and the machine's random numbers (dropout).
        shuffle: visit the samples of every epoch in a new random order.
        rows: which samples to train with; all by default.
        order: which samples to visit in which order, in place of ``rows`` and ``shuffle``: indices or batches of indices, as a sequence,
            an array, or a sampler of ``torch.utils.data`` (weighted, with replacement, …), iterated once per epoch.
        drop_last: leave out the last samples of an epoch when they do not fill a batch, instead of filling it from the next epoch.
        scheduler: stepped once after every training step.
        clip_norm: limit of the gradients' total Euclidean norm.
        clip_value: instead, limit of every number of the gradients.
        accumulation_steps: run each batch as this many micro-batches and average their gradients; must divide ``batch_size``.
        ema_decay: also keep an exponential moving average of the weights, as ``torch.optim.swa_utils.AveragedModel`` does;
            ``capture.export(…, average=True)`` loads it.
        continues: the result of an earlier job with the same slots, to go on from: ``model`` and ``optimizer`` give the architecture only,
            the step counter goes on, and the settled job's final state root is this job's initial one.
        check_steps: how many first steps to compare with eager PyTorch; 0 skips the comparison.

    Returns:
        the workload; the same for the same arguments in every process.

    Raises:
        CaptureError: one of its subclasses says what cannot be captured, where, and what to use instead.
    """
    optimizers.check_supported(optimizer)
    dataset = prepare(data, targets)
    table = batch_order(
        dataset.samples, batch_size, steps=steps, epochs=epochs, seed=seed, shuffle=shuffle, rows=rows, order=order, drop_last=drop_last
    )
    count = len(table)
    history = _history(count, continues)
    if continues is not None:
        model, optimizer, scheduler = _start_from(continues, model, optimizer, scheduler)
    recipe = Recipe(
        Objective(loss, dataset),
        schedule_of(optimizer, scheduler, count),
        clip_norm=clip_norm,
        clip_value=clip_value,
        accumulation_steps=accumulation_steps,
        ema_decay=ema_decay,
        ema_start=None if continues is None else _averages(continues),
    )
    recipe.check(table.shape[1])
    job = Job(
        dataset=dataset,
        order=table,
        rates=recipe.rows(),
        key=key_of(seed),
        books=LossHistory(history),
        first=continues.step if continues is not None else 0,
        groups=len(optimizer.param_groups),
    )
    info = _facts(model, recipe, optimizer, scheduler, batch_size, seed)
    run = TrainingRun(model, optimizer, recipe)
    workload = captured(lambda: Twin(model, optimizer, recipe), job, info, run, range(min(check_steps, count)))
    return workload if continues is None else _with_state_of(workload, continues)


def _start_from(outcome: Outcome, model: nn.Module, optimizer: Optimizer, scheduler: LRScheduler | None) -> tuple[Any, ...]:
    """Copies of model, optimizer and scheduler in the state of an outcome."""
    copies = copy_together(model, optimizer, scheduler)
    export(outcome.workload, outcome.state, copies[0], copies[1])
    return copies


def _averages(outcome: Outcome) -> dict[str, torch.Tensor] | None:
    """The averaged weights of an outcome that has them."""
    found = {name.removeprefix(EMA): torch.from_numpy(array.copy()) for name, array in outcome.tensors.items() if name.startswith(EMA)}
    return found or None


def _history(steps: int, outcome: Outcome | None) -> Array:
    """The initial value of the losses: as many as steps, or the slot of the job gone on from."""
    if outcome is None:
        return np.zeros(steps, dtype=np.float32)
    history = outcome.tensors[LOSS_HISTORY]
    if steps > len(history):
        raise ModelError(
            f"{steps} steps do not fit the {len(history)} places for losses of the job gone on from, whose slots are kept; "
            "train in several jobs, or capture the first with more steps"
        )
    return history


def _with_state_of(workload: Workload, outcome: Outcome) -> Workload:
    """The workload with exactly the state of an outcome, whose slots it must declare."""
    ours = list(zip(workload.slot_names, [slot.type for slot in workload.program.slots], strict=True))
    theirs = list(zip(outcome.workload.slot_names, [slot.type for slot in outcome.workload.program.slots], strict=True))
    if ours != theirs:
        odd = next((f"{b[0]} instead of {a[0]}" for a, b in zip(ours, theirs, strict=False) if a != b), f"{len(theirs)} slots")
        raise ModelError(f"the job gone on from has {odd}; build model and optimizer as for it, with the same parts frozen")
    for name, mine, given in zip(workload.slot_names, workload.state, outcome.state, strict=True):
        if not np.array_equal(mine, given, equal_nan=mine.dtype == np.float32):
            raise ModelError(f"{name} is not taken over from the job gone on from; report this")
    return replace(workload, state=tuple(outcome.state))


def _facts(
    model: nn.Module,
    recipe: Recipe,
    optimizer: Optimizer,
    scheduler: LRScheduler | None,
    batch_size: int,
    seed: int,
) -> dict[str, object]:
    return {
        "kind": "training",
        "model": type(model).__name__,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "loss": recipe.objective.name,
        "optimizer": type(optimizer).__name__,
        "scheduler": type(scheduler).__name__ if scheduler is not None else None,
        "samples": recipe.objective.dataset.samples,
        "batch_size": batch_size,
        "seed": seed,
        "clip_norm": recipe.clip_norm,
        "clip_value": recipe.clip_value,
        "accumulation_steps": recipe.accumulation_steps,
        "ema_decay": recipe.ema_decay,
    }
