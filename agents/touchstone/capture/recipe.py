"""How a training step goes, beside its model and its optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from touchstone.capture.errors import ModelError
from touchstone.capture.objective import Objective
from touchstone.capture.schedule import Dial, Schedule


@dataclass(frozen=True)
class Recipe:
    """Objective and options of a training step.

    Attributes:
        objective: what the step makes small.
        schedule: which settings of the optimizer change, and how.
        clip_norm: limit of the gradients' total Euclidean norm.
        clip_value: limit of every number of the gradients.
        accumulation_steps: into how many micro-batches a batch is cut.
        ema_decay: how much of the averaged weights a step keeps.
        ema_start: the averaged weights before the first step, by parameter; None when the first step makes them.
    """

    objective: Objective
    schedule: Schedule
    clip_norm: float | None = None
    clip_value: float | None = None
    accumulation_steps: int = 1
    ema_decay: float | None = None
    ema_start: dict[str, torch.Tensor] | None = None

    def check(self, batch_size: int) -> None:
        """Refuse options that make no sense.

        Raises:
            ModelError: names the option and its value.
        """
        self.objective.check()
        if self.clip_norm is not None and self.clip_value is not None:
            raise ModelError(f"clip_norm={self.clip_norm} and clip_value={self.clip_value} are both given; give one of them")
        for name, limit in (("clip_norm", self.clip_norm), ("clip_value", self.clip_value)):
            if limit is not None and not limit > 0:
                raise ModelError(f"{name}={limit} is not positive; give a positive limit or leave it out")
        if self.accumulation_steps < 1 or batch_size % self.accumulation_steps:
            raise ModelError(
                f"accumulation_steps={self.accumulation_steps} does not divide batch_size={batch_size}, the samples of a whole step; "
                "choose a divisor"
            )
        if self.ema_decay is not None and not 0 <= self.ema_decay < 1:
            raise ModelError(f"ema_decay={self.ema_decay} is not in 0 <= decay < 1; choose e.g. 0.999")

    def rows(self) -> list[tuple[float, ...]]:
        """For every step the number of each dial, and at the end, with ``ema_decay``, how much of the new weights the average takes.

        The first step makes the average: it takes them whole, as ``torch.optim.swa_utils.AveragedModel`` does.
        """
        if self.ema_decay is None:
            return self.schedule.rows
        first = 1.0 if self.ema_start is None else 1.0 - self.ema_decay
        shares = [first, *[1.0 - self.ema_decay] * (len(self.schedule.rows) - 1)]
        return [(*row, share) for row, share in zip(self.schedule.rows, shares, strict=True)]

    def micro_batches(self, batch: Sequence[torch.Tensor]) -> list[tuple[torch.Tensor, ...]]:
        """The rows of a batch in equal parts, in order."""
        if self.accumulation_steps == 1:
            return [tuple(batch)]
        size = len(batch[0]) // self.accumulation_steps
        return [tuple(array[start : start + size] for array in batch) for start in range(0, len(batch[0]), size)]

    def clip(self, parameters: list[torch.Tensor]) -> None:
        """Limit the gradients, in place."""
        if self.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(parameters, self.clip_norm, foreach=False)
        if self.clip_value is not None:
            torch.nn.utils.clip_grad_value_(parameters, self.clip_value, foreach=False)

    @property
    def dials(self) -> tuple[Dial, ...]:
        """The settings that change."""
        return self.schedule.dials
