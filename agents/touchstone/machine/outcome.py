"""What the state of a job means to people: weights by name, losses, outputs, metrics. Free of torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from touchstone.machine.workload import Array, Workload

OUTPUTS = "outputs"
METRIC, WEIGHT = "metric:", "weight:"


@dataclass(frozen=True)
class Outcome:
    """A workload and a state of it: the final one, or any checkpoint.

    Attributes:
        workload: what was run.
        state: one array per slot, in slot order.
    """

    workload: Workload
    state: tuple[Array, ...]

    @property
    def kind(self) -> str:
        """``training``, ``inference`` or ``evaluation``; as the workload says, which nothing depends on."""
        return str(self.workload.info.get("kind", "training"))

    @property
    def tensors(self) -> dict[str, Array]:
        """All slots by name."""
        return dict(zip(self.workload.slot_names, self.state, strict=True))

    @property
    def step(self) -> int:
        """The step counter."""
        return int(self.state[0][0])

    @property
    def weights(self) -> dict[str, Array]:
        """The model's parameters and buffers under PyTorch's names; also those that the job left as they were."""
        constants = dict(zip(self.workload.constant_names, self.workload.constants, strict=True))
        named = constants | self.tensors
        return {name.split(":", 1)[1]: array for name, array in named.items() if name.startswith(("param:", "buffer:"))}

    @property
    def losses(self) -> npt.NDArray[np.float32]:
        """The loss of each step so far, float32 [steps done]; empty where the job records none."""
        history = cast(npt.NDArray[np.float32], self.tensors.get("loss_history", np.zeros(0, dtype=np.float32)))
        return history[: self.step - self.workload.first_step]

    @property
    def outputs(self) -> Array | dict[str, Array]:
        """What an inference computed, a row per sample: an array, or arrays by name for a model with several outputs.

        Raises KeyError for other kinds of jobs.
        """
        named = self.tensors
        if OUTPUTS in named:
            return named[OUTPUTS]
        several = {name.split(":", 1)[1]: array for name, array in named.items() if name.startswith(OUTPUTS + ":")}
        if not several:
            raise KeyError(f"a job of kind {self.kind} has no outputs; see its weights, losses or metrics")
        return several

    @property
    def metrics(self) -> dict[str, float | Array]:
        """What an evaluation measured, by name: means as numbers (NaN before the first step), totals as arrays.

        Raises KeyError for other kinds of jobs.
        """
        named = self.tensors
        found = {name.removeprefix(METRIC): array for name, array in named.items() if name.startswith(METRIC)}
        if not found:
            raise KeyError(f"a job of kind {self.kind} has no metrics; see its weights, losses or outputs")
        return {name: _metric(array, named.get(WEIGHT + name)) for name, array in found.items()}

    def summary(self) -> dict[str, object]:
        """The figures people compare jobs by, as JSON values: the last loss, or metrics that are one number, or the outputs' shape."""
        if self.kind == "evaluation":
            return {name: value for name, value in self.metrics.items() if isinstance(value, float)}
        if self.kind == "inference":
            outputs = self.outputs
            several: Mapping[str, Any] = outputs if isinstance(outputs, dict) else {OUTPUTS: outputs}
            return {name: list(array.shape) for name, array in several.items()}
        return {"loss": float(self.losses[-1])} if len(self.losses) else {}


def _metric(total: Array, weight: Array | None) -> float | Array:
    if weight is None:
        return total
    return float(total[0]) / float(weight[0]) if weight[0] else math.nan
