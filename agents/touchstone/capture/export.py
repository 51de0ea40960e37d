"""Loads the state of a workload back into PyTorch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.optim import Optimizer

from touchstone.capture import optimizers
from touchstone.capture.errors import ModelError
from touchstone.capture.naming import EMA, host_state, named_tensors
from touchstone.machine.workload import Array, Workload

_EXPORTED = ("param:", "buffer:", "optim:")  # the other slots are the job's own


def export(workload: Workload, state: Sequence[Array], model: nn.Module, optimizer: Optimizer | None = None, average: bool = False) -> None:
    """Write a state of ``workload`` (the final one, or any checkpoint) into ``model``, and into ``optimizer`` if given.

    Afterwards the model predicts with, and the optimizer goes on from, exactly the trained numbers.

    Args:
        workload: what was captured; gives the names.
        state: one array per slot, in slot order.
        model: of the architecture that was captured; its parameters and buffers are overwritten in place.
        optimizer: built over the model's parameters as the captured one was.
        average: write the averaged weights instead of the last ones, into a model that is to be used and not trained.

    Raises:
        ModelError: the state, the model or the optimizer does not fit the workload. Nothing is changed then.
    """
    if len(state) != len(workload.slot_names):
        raise ModelError(
            f"the state has {len(state)} tensors, the workload {len(workload.slot_names)} slots; pass the state of this workload"
        )
    values = {name: torch.from_numpy(array.copy()) for name, array in zip(workload.slot_names, state, strict=True)}
    step = int(values.pop("step")[0])
    averages = {f"param:{name.removeprefix(EMA)}": value for name, value in values.items() if name.startswith(EMA)}
    values = {name: value for name, value in values.items() if name.startswith(_EXPORTED)}
    if average:
        if not averages or optimizer is not None:
            raise ModelError("there are no averaged weights for this; capture with ema_decay=…, and export them without an optimizer")
        values |= averages
    values |= {name: torch.tensor(value) for name, value in host_state(workload, step).items()}
    fresh = {} if optimizer is None else _missing_state(model, optimizer, set(values))
    targets = named_tensors(model, optimizer) | fresh
    wanted = {name: value for name, value in values.items() if optimizer is not None or not name.startswith("optim:")}
    for name, value in wanted.items():
        if name not in targets:
            raise ModelError(f"the model or optimizer has no {name}; build them as for capture")
        if targets[name].shape != value.shape:
            raise ModelError(
                f"{name} has shape {tuple(targets[name].shape)}, the state {tuple(value.shape)}; build the model as for capture"
            )
    with torch.no_grad():
        for name, value in wanted.items():
            targets[name].copy_(value)
    if optimizer is not None:
        _install(model, optimizer, fresh)


def _missing_state(model: nn.Module, optimizer: Optimizer, names: set[str]) -> dict[str, torch.Tensor]:
    """Optimizer state that the workload has and the optimizer would make at its first step."""
    optimizers.check_supported(optimizer)
    path: dict[torch.Tensor, str] = {parameter: name for name, parameter in model.named_parameters()}
    trained = {parameter for parameter in path if parameter.requires_grad}
    fresh: dict[str, torch.Tensor] = {}
    for parameter, state in optimizers.initial_states(optimizer, trained).items():
        fresh |= {f"optim:{key}:{path[parameter]}": value for key, value in state.items() if isinstance(value, torch.Tensor)}
    return {name: value for name, value in fresh.items() if name in names}


def _install(model: nn.Module, optimizer: Optimizer, fresh: dict[str, torch.Tensor]) -> None:
    parameters = dict(model.named_parameters())
    for name, value in fresh.items():
        _, key, path = name.split(":", 2)
        optimizer.state[parameters[path]][key] = value
