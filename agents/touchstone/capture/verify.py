"""Checks a fresh workload before anybody pays for it: traced twice it must be the same, and it must do what eager PyTorch does.

The tolerance of the second check is measured, not guessed: the same steps are also run by eager PyTorch in float64, and the machine may be
off by a few times what float32 itself is off. So a step that amplifies rounding (Adam on tiny gradients) passes, and a wrong constant in a
well-conditioned one does not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from touchstone.capture.books import LOSS_HISTORY
from touchstone.capture.eager import EagerRun, Numbers
from touchstone.capture.errors import MismatchError, NondeterministicError
from touchstone.capture.executors import fastest_machine
from touchstone.capture.naming import host_state
from touchstone.capture.work import Job
from touchstone.machine.program import encode
from touchstone.machine.workload import Array, Workload

_RELATIVE = 2e-6  # of the greatest number of a tensor: about 16 units in the last place
_RELATIVE_UNMEASURED = 1e-4  # instead, where the model cannot run in float64
_ROUNDING_FACTOR = 16.0  # how many times float32's own error the machine may be off
# Adam divides by the root of a second moment: where a gradient is as small as its own rounding error, the update is as large as the
# learning rate and made of rounding. Moments are still compared tightly, parameters up to this share of how far their tensor has moved.
_ADAPTIVE_SHARE = 1 / 256


def check_same(first: Workload, second: Workload) -> None:
    """Refuse a step that differs when traced again under other random seeds.

    Raises:
        NondeterministicError: names what differs.
    """
    remedy = "draw random numbers with nn.Dropout or before capture, and keep no counters on modules"
    if encode(first.program) != encode(second.program):
        raise NondeterministicError(f"tracing the step twice gave two programs; {remedy}")
    for name, a, b in zip(first.constant_names, first.constants, second.constants, strict=True):
        if a.tobytes() != b.tobytes():
            raise NondeterministicError(f"tracing the step twice gave two values of {name}; {remedy}")
    for name, a, b in zip(first.slot_names, first.state, second.state, strict=True):
        if a.tobytes() != b.tobytes():
            raise NondeterministicError(f"tracing the step twice gave two initial values of {name}; {remedy}")


def check_against_eager(workload: Workload, job: Job, run: EagerRun, steps: Sequence[int]) -> None:
    """Run some steps on the machine and in eager PyTorch, and compare what they report and every tensor of the state.

    Args:
        workload: what was captured.
        job: the job it was captured for.
        run: the same in eager PyTorch.
        steps: which steps, counted from 0; ascending.

    Raises:
        MismatchError: names the tensor, the step and the difference.
    """
    machine = fastest_machine(workload.program, workload.constants)
    single = list(run.steps(job, steps, torch.float32))
    try:
        double: list[Numbers] | None = list(run.steps(job, steps, torch.float64))
    except RuntimeError:  # the model mixes in float32 tensors of its own
        double = None
    start = {name: array.astype(np.float64) for name, array in zip(workload.slot_names, workload.state, strict=True)}
    state: Sequence[Array] = workload.state
    for k, step in enumerate(steps):
        machine.load([np.full(1, job.first + step, dtype=np.int32), *state[1:]])
        machine.run(1)
        state = machine.state()
        numbers = _machine_numbers(workload, state, step)
        moved = _movements(start, numbers) if run.is_adaptive else {}
        _compare(numbers, single[k], double[k] if double is not None else None, moved, step)


def _machine_numbers(workload: Workload, state: Sequence[Array], step: int) -> Numbers:
    numbers = {name: array.astype(np.float64) for name, array in zip(workload.slot_names, state, strict=True)}
    counter = int(numbers.pop("step")[0])
    numbers |= {name: np.asarray(value, dtype=np.float64) for name, value in host_state(workload, counter).items()}
    if LOSS_HISTORY in numbers:
        numbers["loss"] = numbers.pop(LOSS_HISTORY)[step]
    return numbers


def _movements(start: Numbers, numbers: Numbers) -> dict[str, float]:
    """How far the element of each parameter that moved most has moved."""
    return {name: _largest_difference(numbers[name], start[name]) for name in numbers if name.startswith("param:") and name in start}


def _compare(machine: Numbers, eager: Numbers, exact: Numbers | None, moved: dict[str, float], step: int) -> None:
    for name, expected in eager.items():
        found = machine.get(name)
        if found is None:  # a tensor that no step changes is a constant of the program, not state
            continue
        difference = _largest_difference(found, expected)
        own_error = 0.0 if exact is None else _largest_difference(exact[name], expected)
        relative = _RELATIVE_UNMEASURED if exact is None else _RELATIVE
        size = float(np.max(np.abs(expected), where=np.isfinite(expected), initial=0.0))
        allowed = relative * size + (_ROUNDING_FACTOR * own_error if np.isfinite(own_error) else 0.0)
        allowed += _ADAPTIVE_SHARE * moved.get(name, 0.0)
        if difference > allowed:
            raise MismatchError(
                f"{name} differs from eager PyTorch by {difference:.2e} after step {step + 1} (at most {allowed:.2e} is rounding); "
                "keep everything that changes from step to step in parameters and registered buffers, or report this"
            )


def _largest_difference(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    """Greatest distance of two elements; none between equal infinities or two NaNs, infinite where only one is finite."""
    with np.errstate(invalid="ignore"):
        distance = np.abs(a - b)
    alike = (a == b) | (np.isnan(a) & np.isnan(b))
    return float(np.max(np.where(alike, 0.0, np.where(np.isnan(distance), np.inf, distance)), initial=0.0))
