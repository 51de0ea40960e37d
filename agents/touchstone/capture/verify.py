"""Checks a fresh workload before anybody pays for it: traced twice it must be the same, and it must do what eager PyTorch does.

The tolerance of the second check is measured, not guessed: the same steps, each from the state the machine has then, are also run by eager
PyTorch in float64, and the machine may be off by a few times what float32 itself is off. So a step that amplifies rounding (Adam on tiny
gradients) passes, and a wrong constant in a well-conditioned one does not.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch

from touchstone.capture.books import LOSS_HISTORY
from touchstone.capture.eager import EagerRun, Numbers
from touchstone.capture.errors import MismatchError, NondeterministicError
from touchstone.capture.executors import fastest_machine
from touchstone.capture.naming import host_state, kind_of
from touchstone.capture.work import Job
from touchstone.machine.program import encode
from touchstone.machine.workload import Array, Workload

_RELATIVE = 2e-6  # of the greatest number of a tensor: about 16 units in the last place
_RELATIVE_UNMEASURED = 1e-4  # instead, where the model cannot run in float64
_ROUNDING_FACTOR = 16.0  # how many times float32's own error the machine may be off
# Adam divides by the root of a second moment: where a gradient is as small as its own rounding error, the update is as large as the
# learning rate and made of rounding. Moments are still compared tightly, parameters up to this share of how far their tensor has moved.
_ADAPTIVE_SHARE = 1 / 256
# Of the greatest number of a kind, of all first moments for example. Where a gradient should be zero (a bias of attention keys), there is
# only what rounding leaves of it, and a second moment is that squared: no share of the tensor's own numbers bounds it.
_DUST = _RELATIVE**2


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

    In PyTorch each step starts from the state that the machine's step starts from, so that differences do not build up.

    Args:
        workload: what was captured.
        job: the job it was captured for.
        run: the same in eager PyTorch.
        steps: which steps, counted from 0; ascending.

    Raises:
        MismatchError: names the tensor, the step and the difference.
    """
    machine = fastest_machine(workload.program, workload.constants)
    starts, ends = [], []
    state: Sequence[Array] = workload.state
    for step in steps:
        starts.append(_numbers(workload, state, job.first + step, step))
        machine.load([np.full(1, job.first + step, dtype=np.int32), *state[1:]])
        machine.run(1)
        state = machine.state()
        ends.append(_numbers(workload, state, job.first + step + 1, step))
    single, double = run.steps(job, steps, starts, torch.float32), _in_float64(run, job, steps, starts)
    for step, start, end, eager, exact in zip(steps, starts, ends, single, double, strict=False):
        _compare(end, eager, exact, _movements(start, end) if run.is_adaptive else {}, step)


def _in_float64(run: EagerRun, job: Job, steps: Sequence[int], starts: Sequence[Numbers]) -> Iterator[Numbers | None]:
    try:
        yield from run.steps(job, steps, starts, torch.float64)
    except RuntimeError:  # the model mixes in float32 tensors of its own
        yield from itertools.repeat(None)


def _numbers(workload: Workload, state: Sequence[Array], counter: int, step: int) -> Numbers:
    """The state by name when the step counter is ``counter``, and the loss of step number ``step`` of the job."""
    numbers = {name: array.astype(np.float64) for name, array in zip(workload.slot_names, state, strict=True)}
    numbers |= {name: np.asarray(value, dtype=np.float64) for name, value in host_state(workload, counter).items()}
    if LOSS_HISTORY in numbers:
        numbers["loss"] = numbers.pop(LOSS_HISTORY)[step]
    return numbers


def _movements(start: Numbers, numbers: Numbers) -> dict[str, float]:
    """How far the element of each parameter that moved most has moved."""
    return {name: _largest_difference(numbers[name], start[name]) for name in numbers if name.startswith("param:") and name in start}


def _compare(machine: Numbers, eager: Numbers, exact: Numbers | None, moved: dict[str, float], step: int) -> None:
    greatest = _greatest_by_kind(eager)
    for name, expected in eager.items():
        difference = _largest_difference(machine[name], expected)
        own_error = 0.0 if exact is None else _largest_difference(exact[name], expected)
        relative = _RELATIVE_UNMEASURED if exact is None else _RELATIVE
        allowed = relative * _size(expected) + (_ROUNDING_FACTOR * own_error if np.isfinite(own_error) else 0.0)
        allowed += _ADAPTIVE_SHARE * moved.get(name, 0.0) + _DUST * greatest[kind_of(name)]
        if difference > allowed:
            raise MismatchError(
                f"{name} differs from eager PyTorch by {difference:.2e} after step {step + 1} (at most {allowed:.2e} is rounding); "
                "keep everything that changes from step to step in parameters and registered buffers, or report this"
            )


def _greatest_by_kind(numbers: Numbers) -> dict[str, float]:
    greatest: dict[str, float] = {}
    for name, array in numbers.items():
        greatest[kind_of(name)] = max(_size(array), greatest.get(kind_of(name), 0.0))
    return greatest


def _size(array: npt.NDArray[np.float64]) -> float:
    """The greatest finite magnitude."""
    return float(np.max(np.abs(array), where=np.isfinite(array), initial=0.0))


def _largest_difference(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    """Greatest distance of two elements; none between equal infinities or two NaNs, infinite where only one is finite."""
    with np.errstate(invalid="ignore"):
        distance = np.abs(a - b)
    alike = (a == b) | (np.isnan(a) & np.isnan(b))
    return float(np.max(np.where(alike, 0.0, np.where(np.isnan(distance), np.inf, distance)), initial=0.0))
