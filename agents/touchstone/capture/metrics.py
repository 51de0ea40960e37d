"""What an evaluation measures: functions of outputs and targets that give a number for each sample, to be averaged or added up.

metrics = {"loss": nn.CrossEntropyLoss(), "accuracy": metrics.accuracy(), "confusion": metrics.confusion_matrix(10)}
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.modules.loss import _Loss

from touchstone.capture.errors import ModelError

Values = Callable[..., torch.Tensor | tuple[torch.Tensor, torch.Tensor]]
"""``values(outputs, targets)`` of shape [batch, …], or a pair of weighted values and their weights."""


@dataclass(frozen=True)
class Metric:
    """A quantity accumulated over all samples. Make it with :func:`mean` or :func:`total`.

    Attributes:
        values: gives the numbers of a batch.
        is_mean: whether the result is the weighted mean of all numbers, instead of their sum over the samples.
    """

    values: Values
    is_mean: bool


def mean(values: Values) -> Metric:
    """The mean over all samples (and further axes) of what ``values(outputs, targets)`` gives.

    Where it gives a pair, the result is the sum of the first tensor, which is weighted already, divided by that of the second, the weights.
    """
    return Metric(values, True)


def total(values: Values) -> Metric:
    """The sum over all samples of what ``values(outputs, targets)``, [batch, …], gives."""
    return Metric(values, False)


def accuracy() -> Metric:
    """Share of samples whose highest output (over axis 1) is that of the target class."""
    return mean(lambda outputs, targets: outputs.argmax(1) == targets)


def top_k(k: int) -> Metric:
    """Share of samples for which fewer than ``k`` outputs [batch, classes] are higher than that of the target class."""

    def values(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        wanted = _one_hot(targets, outputs.shape[1]).to(outputs.dtype)
        score = (outputs * wanted).sum(1, keepdim=True)
        return (outputs > score).to(torch.int64).sum(1) < k

    return mean(values)


def confusion_matrix(classes: int) -> Metric:
    """Counts, int32 [classes, classes]: row = target class, column = class with the highest output."""

    def values(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        predicted = _one_hot(outputs.argmax(1), classes)
        return (_one_hot(targets, classes)[:, :, None] & predicted[:, None, :]).to(torch.int64)

    return total(values)


def loss(module: nn.Module) -> Metric:
    """The mean of a ``torch.nn`` loss over all samples, exactly as its ``reduction="mean"`` over one batch of them all.

    Raises ModelError for losses that are no mean of the losses of single samples.
    """
    if not isinstance(module, _Loss) or module.reduction != "mean":
        raise ModelError(f"{type(module).__name__} is not a torch.nn loss with reduction='mean'; pass a function giving a value per sample")
    single = copy.deepcopy(module)
    single.reduction = "none"
    if isinstance(module, (nn.CrossEntropyLoss, nn.NLLLoss)):
        return mean(lambda outputs, targets: (single(outputs, targets), _class_weights(module, targets)))
    if isinstance(module, nn.KLDivLoss):
        raise ModelError("KLDivLoss with reduction='mean' is not the divergence per sample; pass a function giving a value per sample")
    return mean(single)


def as_metric(given: Metric | nn.Module | Values) -> Metric:
    """A metric as it is, a loss module by :func:`loss`, any other function by :func:`mean`."""
    if isinstance(given, Metric):
        return given
    return loss(given) if isinstance(given, _Loss) else mean(given)


def _class_weights(module: nn.CrossEntropyLoss | nn.NLLLoss, targets: torch.Tensor) -> torch.Tensor:
    """The weight that each target's loss carries in the mean; its loss is weighted already."""
    if targets.is_floating_point():
        raise ModelError("a loss of class probabilities is not supported as a metric; pass a function giving a value per sample")
    counts = (targets != module.ignore_index).to(torch.float32)
    if module.weight is None:
        return counts
    weights = (_one_hot(targets, len(module.weight)).to(torch.float32) * module.weight).sum(-1)
    return weights * counts


def _one_hot(targets: torch.Tensor, classes: int) -> torch.Tensor:
    return targets[..., None] == torch.arange(classes)
