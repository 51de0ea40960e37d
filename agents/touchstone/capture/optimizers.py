"""The optimizers that can be captured, and the state each starts from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.optim import SGD, Adam, AdamW, Optimizer

from touchstone.capture.errors import UnsupportedOptimizerError

Group = dict[str, Any]
State = dict[str, torch.Tensor]


def _sgd_state(parameter: torch.Tensor, group: Group) -> State:
    # PyTorch makes the buffer at the first step as a copy of the gradient; zero gives the same as long as there is no dampening.
    return {"momentum_buffer": torch.zeros_like(parameter)} if group["momentum"] else {}


def _adam_state(parameter: torch.Tensor, group: Group) -> State:
    state = {"step": torch.zeros(()), "exp_avg": torch.zeros_like(parameter), "exp_avg_sq": torch.zeros_like(parameter)}
    if group["amsgrad"]:
        state["max_exp_avg_sq"] = torch.zeros_like(parameter)
    return state


_INITIAL_STATE: dict[type[Optimizer], Callable[[torch.Tensor, Group], State]] = {SGD: _sgd_state, Adam: _adam_state, AdamW: _adam_state}


def check_supported(optimizer: Optimizer) -> None:
    """Refuse what cannot be captured.

    Raises:
        UnsupportedOptimizerError: names the optimizer or its option, and what to use instead.
    """
    names = ", ".join(kind.__name__ for kind in _INITIAL_STATE)
    if type(optimizer) not in _INITIAL_STATE:
        raise UnsupportedOptimizerError(f"optimizer {type(optimizer).__name__} is not supported yet; use one of {names} from torch.optim")
    for group in optimizer.param_groups:
        if group.get("dampening"):
            raise UnsupportedOptimizerError(
                f"SGD with dampening={group['dampening']} is not supported, its first step differs from the others; use dampening=0"
            )
        for option in ("capturable", "differentiable"):
            if group.get(option):
                raise UnsupportedOptimizerError(f"optimizer option {option}=True is not supported; leave it out")


def is_adaptive(optimizer: Optimizer) -> bool:
    """Whether updates are divided by a running size of the gradients, which amplifies rounding where gradients are tiny."""
    return isinstance(optimizer, Adam)


def initial_state(optimizer: Optimizer, parameter: torch.Tensor, group: Group) -> State:
    """State that ``optimizer`` keeps for ``parameter`` before its first step."""
    return _INITIAL_STATE[type(optimizer)](parameter.detach(), group)


def initialise(optimizer: Optimizer, trained: set[torch.Tensor]) -> None:
    """Give every trained parameter without optimizer state the state it would have before its first step; one tensor at a time, unfused."""
    for group in optimizer.param_groups:
        group["foreach"] = False
        if "fused" in group:
            group["fused"] = False
        for parameter in group["params"]:
            if parameter in trained and not optimizer.state.get(parameter):
                optimizer.state[parameter] = initial_state(optimizer, parameter, group)
