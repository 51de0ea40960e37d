"""A program with its data: what capture produces, a package stores, and a solver runs. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from touchstone.machine.program import DType, Program

Array = npt.NDArray[np.float32] | npt.NDArray[np.int32]

NUMPY_DTYPE = {DType.F32: np.dtype("<f4"), DType.I32: np.dtype("<i4")}


@dataclass(frozen=True)
class Workload:
    """A program, its initial state and its constants.

    Attributes:
        program: the step.
        slot_names: one unique name per slot, e.g. ``step``, ``loss_history``, ``param:0.weight``, ``optim:exp_avg:0.weight``,
            ``buffer:1.running_mean``.
        state: initial value of each slot, in slot order, with the slot's shape; float32 or int32, C-contiguous.
        constant_names: one unique name per constant, e.g. ``data:x``, ``order``, ``table:lr``.
        constants: value of each constant, in order.
        steps: how many steps the job runs.
        info: facts for people (model class, optimizer, batch size, …); JSON values only; not part of any commitment.
    """

    program: Program
    slot_names: tuple[str, ...]
    state: tuple[Array, ...]
    constant_names: tuple[str, ...]
    constants: tuple[Array, ...]
    steps: int
    info: dict[str, object] = field(default_factory=dict)

    @property
    def first_step(self) -> int:
        """The step counter at the start: 0, or where the job goes on from."""
        return int(self.state[0][0])
