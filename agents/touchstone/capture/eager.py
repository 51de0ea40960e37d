"""The same job in eager PyTorch, in float32 or float64, drawing the machine's random numbers: what a fresh workload is compared with."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from touchstone.capture import optimizers
from touchstone.capture.draws import MachineDraws
from touchstone.capture.naming import EMA, named_tensors
from touchstone.capture.recipe import Recipe
from touchstone.capture.twin import copy_together, plain_kernels
from touchstone.capture.work import Job

Numbers = dict[str, npt.NDArray[np.float64]]
"""Tensors of the state by name, and ``loss`` where there is one."""


class EagerRun(Protocol):
    """A job that eager PyTorch can run."""

    @property
    def is_adaptive(self) -> bool:
        """Whether steps amplify rounding, see :func:`touchstone.capture.optimizers.is_adaptive`."""

    def steps(self, job: Job, steps: Sequence[int], starts: Sequence[Numbers], dtype: torch.dtype) -> Iterator[Numbers]:
        """What there is after each of these steps, of the tensors named in ``starts``, the state that each starts from.

        Raises RuntimeError where the model cannot run in ``dtype``.
        """


@dataclass(frozen=True)
class TrainingRun:
    """Ordinary training. ``steps`` has to be 0, 1, 2, …: what is not in the state, counters for example, is kept from step to step."""

    model: nn.Module
    optimizer: Optimizer
    recipe: Recipe

    @property
    def is_adaptive(self) -> bool:
        """Whether the optimizer is."""
        return optimizers.is_adaptive(self.optimizer)

    def steps(self, job: Job, steps: Sequence[int], starts: Sequence[Numbers], dtype: torch.dtype) -> Iterator[Numbers]:
        """The loss and the state after each step."""
        model, optimizer = copy_together(self.model, self.optimizer)
        if dtype is torch.float64:
            _widen(model, optimizer)
        trained = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        average = self._average(model)
        draws = MachineDraws(job.key)
        for step, start in zip(steps, starts, strict=True):
            overwrite(named_tensors(model, optimizer) | _averages(average), start)
            for dial, number in zip(self.recipe.dials, job.rates[step], strict=False):
                dial.turn(optimizer.param_groups, number)
            draws.start(job.first + step)
            for parameter in model.parameters():
                parameter.grad = None
            value = torch.zeros((), dtype=dtype)
            with plain_kernels(), draws:
                parts = self.recipe.accumulation_steps
                for rows in self.recipe.micro_batches(cast_floats(job.batch(step), dtype)):
                    loss = self.recipe.objective.judge(self.recipe.objective.run(model, rows), rows) / parts
                    loss.backward()  # type: ignore[no-untyped-call]
                    value = value + loss.detach().reshape(())
            self.recipe.clip([parameter for parameter in trained if parameter.grad is not None])
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                type(optimizer).step(optimizer)
            if average is not None:
                average.update_parameters(model)
            after = named_tensors(model, optimizer) | _averages(average) | {"loss": value}
            yield {name: as_numbers(tensor) for name, tensor in after.items() if name in start}

    def _average(self, model: nn.Module) -> AveragedModel | None:
        """PyTorch's own averaged model."""
        if self.recipe.ema_decay is None:
            return None
        average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(self.recipe.ema_decay))  # type: ignore[no-untyped-call]
        if self.recipe.ema_start is not None:
            with torch.no_grad():
                for name, start in self.recipe.ema_start.items():
                    average.module.get_parameter(name).copy_(start)
            average.n_averaged.add_(1)
        return average


def overwrite(tensors: Mapping[str, torch.Tensor], numbers: Numbers) -> None:
    """Write the numbers into the tensors of these names."""
    with torch.no_grad():
        for name, tensor in tensors.items():
            if name in numbers:
                tensor.copy_(torch.from_numpy(numbers[name]))


def _averages(average: AveragedModel | None) -> dict[str, torch.Tensor]:
    if average is None:
        return {}
    return {f"{EMA}{name}": parameter for name, parameter in average.module.named_parameters() if parameter.requires_grad}


def cast_floats(batch: Sequence[torch.Tensor], dtype: torch.dtype) -> list[torch.Tensor]:
    """The batch with its float tensors in ``dtype``."""
    return [tensor.to(dtype) if tensor.is_floating_point() else tensor for tensor in batch]


def as_numbers(tensor: torch.Tensor) -> npt.NDArray[np.float64]:
    """A copy in float64."""
    return tensor.detach().double().numpy().copy()


def _widen(model: nn.Module, optimizer: Optimizer) -> None:
    model.double()
    for state in optimizer.state.values():
        for key, value in state.items():
            if torch.is_tensor(value) and value.is_floating_point():
                state[key] = value.double()
