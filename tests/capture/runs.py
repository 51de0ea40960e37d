"""Training the same thing on the machine and in eager PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from touchstone.capture.draws import MachineDraws
from touchstone.capture.executors import fastest_machine
from touchstone.capture.sampling import key_of
from touchstone.machine.outcome import Outcome
from touchstone.machine.workload import Array, Workload


def final_state(workload: Workload) -> list[Array]:
    machine = fastest_machine(workload.program, workload.constants, threads=1)
    machine.load(workload.state)
    machine.run(workload.steps)
    return machine.state()


def outcome(workload: Workload) -> Outcome:
    return Outcome(workload, tuple(final_state(workload)))


def slot(workload: Workload, state: list[Array], name: str) -> Array:
    return state[workload.slot_names.index(name)]


def constant(workload: Workload, name: str) -> Array:
    return workload.constants[workload.constant_names.index(name)]


def train_eagerly(
    model: nn.Module,
    loss: Callable[..., torch.Tensor] | None,
    optimizer: torch.optim.Optimizer,
    data: np.ndarray | Sequence[np.ndarray],
    targets: np.ndarray | None,
    order: Array,
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Ordinary training on the mini-batches of ``order``, with the random numbers that the machine draws with ``seed``; the losses."""
    arrays = [torch.from_numpy(array) for array in ([data] if isinstance(data, np.ndarray) else data)]
    wanted = [] if targets is None else [torch.from_numpy(targets)]
    losses = []
    with MachineDraws(key_of(seed)) as draws:
        for step, batch in enumerate(torch.from_numpy(order.astype(np.int64))):
            draws.start(step)
            optimizer.zero_grad()
            outputs = model(*(array[batch] for array in arrays))
            value = outputs if loss is None else loss(outputs, *(array[batch] for array in wanted))
            value.backward()
            if clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
            if clip_value is not None:
                torch.nn.utils.clip_grad_value_(model.parameters(), clip_value)
            optimizer.step()
            if scheduler is not None:
                scheduler.step()
            losses.append(float(value.detach()))
    return np.array(losses)
