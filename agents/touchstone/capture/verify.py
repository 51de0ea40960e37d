"""Checks a fresh workload before anybody pays for it: traced twice it must be the same, and it must do what eager PyTorch does.

The tolerance of the second check is measured, not guessed: the same steps are also run by eager PyTorch in float64, and the machine may be
off by a few times what float32 itself is off. So a step that amplifies rounding (Adam on tiny gradients) passes, and a wrong constant in a
well-conditioned one does not.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.optim import Optimizer
from torch.utils._python_dispatch import TorchDispatchMode

from touchstone.capture import optimizers
from touchstone.capture.errors import MismatchError, NondeterministicError
from touchstone.capture.executors import fastest_machine
from touchstone.capture.lower import Job
from touchstone.capture.lowering.randomness import RANDOM_BITS, threshold
from touchstone.capture.naming import host_state, named_tensors
from touchstone.capture.sampling import program_words
from touchstone.capture.twin import Loss, copy_together, plain_kernels
from touchstone.machine.program import encode
from touchstone.machine.workload import Array, Workload

aten = torch.ops.aten

_RELATIVE = 2e-6  # of the greatest number of a tensor: about 16 units in the last place
_RELATIVE_UNMEASURED = 1e-4  # instead, where the model cannot run in float64
_ROUNDING_FACTOR = 16.0  # how many times float32's own error the machine may be off
# Adam divides by the root of a second moment: where a gradient is as small as its own rounding error, the update is as large as the
# learning rate and made of rounding. Moments are still compared tightly, parameters up to this share of how far their tensor has moved.
_ADAPTIVE_SHARE = 1 / 256

Numbers = dict[str, npt.NDArray[np.float64]]


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


def check_against_eager(
    workload: Workload, job: Job, model: nn.Module, loss: Loss, optimizer: Optimizer, clip_norm: float | None, steps: int
) -> None:
    """Run the first steps on the machine and in eager PyTorch, and compare the loss and every tensor of the state.

    Raises:
        MismatchError: names the tensor, the step and the difference.
    """
    machine = fastest_machine(workload.program, workload.constants)
    machine.load(workload.state)
    single = list(islice(_eager_steps(job, model, loss, optimizer, clip_norm, torch.float32), steps))
    try:
        double: list[Numbers] | None = list(islice(_eager_steps(job, model, loss, optimizer, clip_norm, torch.float64), steps))
    except RuntimeError:  # the model mixes in float32 tensors of its own
        double = None
    start = {name: array.astype(np.float64) for name, array in zip(workload.slot_names, workload.state, strict=True)}
    for step in range(steps):
        machine.run(1)
        numbers = _machine_numbers(workload, machine.state(), step)
        moved = _movements(start, numbers) if optimizers.is_adaptive(optimizer) else {}
        _compare(numbers, single[step], double[step] if double is not None else None, moved, step)


def _machine_numbers(workload: Workload, state: list[Array], step: int) -> Numbers:
    numbers = {name: array.astype(np.float64) for name, array in zip(workload.slot_names, state, strict=True)}
    history = numbers.pop("loss_history")
    counter = int(numbers.pop("step")[0])
    numbers |= {name: np.asarray(value, dtype=np.float64) for name, value in host_state(workload, counter).items()}
    return numbers | {"loss": history[step]}


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


def _eager_steps(
    job: Job, model: nn.Module, loss: Loss, optimizer: Optimizer, clip_norm: float | None, dtype: torch.dtype
) -> Iterator[Numbers]:
    """The loss and the state of ordinary training after each step, in float32 or float64."""
    model, optimizer = copy_together(model, optimizer)
    if dtype is torch.float64:
        _widen(model, optimizer)
    trained = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    draws = _MachineDraws(job.key)
    for step, (indices, rates) in enumerate(zip(job.order, job.rates, strict=True)):
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        batch = [tensor.to(dtype) if tensor.is_floating_point() else tensor for tensor in job.dataset.batch(indices)]
        draws.start(step)
        for parameter in model.parameters():
            parameter.grad = None
        with plain_kernels(), draws:
            value = loss(model(*batch[:-1]), batch[-1])
            value.backward()  # type: ignore[no-untyped-call]
        if clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(trained, clip_norm)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            type(optimizer).step(optimizer)
        numbers = {name: tensor.detach().double().numpy().copy() for name, tensor in named_tensors(model, optimizer).items()}
        yield numbers | {"loss": value.detach().double().numpy()}


def _widen(model: nn.Module, optimizer: Optimizer) -> None:
    model.double()
    for state in optimizer.state.values():
        for key, value in state.items():
            if torch.is_tensor(value) and value.is_floating_point():
                state[key] = value.double()


class _MachineDraws(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Lets eager PyTorch draw the machine's random numbers instead of its own."""

    def __init__(self, key: tuple[int, int]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._key, self._step, self._site = key, 0, 0

    def start(self, step: int) -> None:
        self._step, self._site = step, 0

    def __torch_dispatch__(self, function, types, arguments=(), options=None):  # type: ignore[no-untyped-def]
        if function not in (aten.bernoulli_.float, aten.bernoulli.p):
            return function(*arguments, **(options or {}))
        tensor, probability = arguments[0], arguments[1] if len(arguments) > 1 else 0.5
        words = program_words(self._key, self._site, self._step, tensor.numel()) >> np.uint32(32 - RANDOM_BITS)
        self._site += 1
        hits = torch.from_numpy((words < threshold(probability)).astype(np.float32)).reshape(tensor.shape)
        return tensor.copy_(hits) if function is aten.bernoulli_.float else hits.to(tensor.dtype)
