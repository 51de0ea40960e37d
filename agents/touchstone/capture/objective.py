"""What a training step makes small: a loss of the model's outputs, or the one that the model computes itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from touchstone.capture.data import Dataset
from touchstone.capture.errors import ModelError

Loss = Callable[..., torch.Tensor]
"""``loss(outputs, targets)``, or ``loss(outputs)`` where there are no targets: one number."""


@dataclass(frozen=True)
class Objective:
    """How a batch becomes one number.

    Attributes:
        loss: of outputs and targets; None for a model that gives its loss itself.
        dataset: knows how the model is called.
    """

    loss: Loss | None
    dataset: Dataset

    @property
    def name(self) -> str | None:
        """What people call the loss; None for the model's own."""
        return None if self.loss is None else getattr(self.loss, "__name__", type(self.loss).__name__)

    def check(self) -> None:
        """Refuse targets that nobody would look at.

        Raises:
            ModelError: says where to put them instead.
        """
        if self.loss is None and self.dataset.targets is not None:
            raise ModelError("targets are given but no loss; pass a loss, or give them to the model by name, e.g. data={'labels': …}")

    def run(self, model: nn.Module, batch: Sequence[torch.Tensor]) -> Any:
        """The model's outputs."""
        return self.dataset.run(model, batch)

    def judge(self, outputs: Any, batch: Sequence[torch.Tensor]) -> torch.Tensor:
        """The loss of these outputs: a tensor of one element.

        Raises:
            ModelError: it is not one number.
        """
        loss = _own_loss(outputs) if self.loss is None else self.loss(outputs, *self.dataset.beside_inputs(batch))
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
            shape = tuple(loss.shape) if isinstance(loss, torch.Tensor) else type(loss).__name__
            raise ModelError(f"the loss gives {shape} instead of one number; average or sum it")
        return loss


def _own_loss(outputs: Any) -> Any:
    """What the model gives as its loss: all of it, or its part of that name, as models of Hugging Face's transformers do."""
    if isinstance(outputs, torch.Tensor):
        return outputs
    loss = outputs.get("loss") if isinstance(outputs, Mapping) else getattr(outputs, "loss", None)
    if loss is None:
        raise ModelError(
            f"loss=None, but the model gives {type(outputs).__name__} without a loss; pass one, or give the model its labels in data"
        )
    return loss
