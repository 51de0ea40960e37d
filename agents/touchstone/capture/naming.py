"""Names of a training run's tensors, as in ``Workload.slot_names``."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from touchstone.machine.workload import Workload

EMA = "ema:"  # then the parameter's name: its average over the steps


def named_tensors(model: nn.Module, optimizer: Optimizer | None = None) -> dict[str, torch.Tensor]:
    """Parameters, buffers and optimizer state by name; weights that are shared appear once."""
    parameters = dict(model.named_parameters())
    tensors: dict[str, torch.Tensor] = {f"param:{name}": parameter for name, parameter in parameters.items()}
    tensors |= {f"buffer:{name}": buffer for name, buffer in model.named_buffers()}
    if optimizer is not None:
        for name, parameter in parameters.items():
            state = optimizer.state.get(parameter, {})
            tensors |= {f"optim:{key}:{name}": value for key, value in state.items() if torch.is_tensor(value)}
    return tensors


def kind_of(name: str) -> str:
    """What the tensor of this name is, whichever parameter it belongs to: ``param``, ``optim:exp_avg``."""
    return name.rpartition(":")[0] or name


def host_state(workload: Workload, step: int) -> dict[str, float]:
    """Values of 0-d tensors that only count steps, when the step counter is ``step``.

    They are not slots: capture tabulates what depends on them.
    """
    columns: Any = workload.info.get("host_state", {})
    return {name: _at(column, step - workload.first_step) for name, column in columns.items()}


def _at(column: dict[str, Any], step: int) -> float:
    if "values" in column:
        return float(column["values"][step])
    return float(column["start"] + column["increment"] * step)
