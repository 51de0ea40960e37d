"""Learning rates of every step, read off the real scheduler."""

from __future__ import annotations

import copy
import warnings

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from touchstone.capture.errors import UnsupportedOptimizerError

_NOT_HYPERPARAMETERS = {"params", "lr", "initial_lr", "foreach", "fused"}


def learning_rates(optimizer: Optimizer, scheduler: LRScheduler | None, steps: int) -> list[tuple[float, ...]]:
    """The learning rate of each parameter group at each step, one ``scheduler.step()`` after every training step.

    Works on copies. Raises UnsupportedOptimizerError for schedulers that look at the loss or change anything but the learning rate.
    """
    if isinstance(scheduler, ReduceLROnPlateau):
        raise UnsupportedOptimizerError("ReduceLROnPlateau looks at the loss while training; use a schedule fixed in advance")
    if scheduler is None:
        return [tuple(float(group["lr"]) for group in optimizer.param_groups)] * steps
    if scheduler.optimizer is not optimizer:
        raise UnsupportedOptimizerError("the scheduler belongs to another optimizer; build it from the optimizer given to capture")
    optimizer, scheduler = copy.deepcopy((optimizer, scheduler))
    before = _other_settings(optimizer)
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "lr_scheduler.step() before optimizer.step()": here there is no optimizer.step()
        for step in range(steps):
            rates.append(tuple(float(group["lr"]) for group in optimizer.param_groups))
            if step + 1 < steps:
                scheduler.step()
            if _other_settings(optimizer) != before:
                raise UnsupportedOptimizerError(
                    f"scheduler {type(scheduler).__name__} changes more than the learning rate; switch that off (e.g. cycle_momentum=False)"
                )
    return rates


def _other_settings(optimizer: Optimizer) -> list[dict[str, object]]:
    return [{k: v for k, v in group.items() if k not in _NOT_HYPERPARAMETERS} for group in optimizer.param_groups]
