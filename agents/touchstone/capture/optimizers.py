"""The optimizers that can be captured, and the state each starts from.

Any optimizer made of PyTorch operators can: the state before a first step is found by letting a copy take one on zero gradients, while a
mode remembers what each tensor held before it was first written to.
"""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from torch.optim import ASGD, LBFGS, SGD, Optimizer, RAdam, Rprop, SparseAdam
from torch.utils._python_dispatch import TorchDispatchMode

from touchstone.capture.errors import UnsupportedOptimizerError

State = dict[str, Any]

_REFUSED: dict[type[Optimizer], str] = {
    LBFGS: "it calls the model several times per step; use Adam or SGD",
    SparseAdam: "its gradients are sparse; use Adam",
}
# Their plain forms decide in Python, by the step number or by a mask; the capturable ones compute every case and choose.
_CAPTURABLE = (RAdam, ASGD, Rprop)


def check_supported(optimizer: Optimizer) -> None:
    """Refuse what cannot be captured.

    Raises:
        UnsupportedOptimizerError: names the optimizer or its option, and what to use instead.
    """
    for kind, reason in _REFUSED.items():
        if isinstance(optimizer, kind):
            raise UnsupportedOptimizerError(f"optimizer {type(optimizer).__name__} is not supported, {reason}")
    for group in optimizer.param_groups:
        for option in ("capturable", "differentiable"):
            if group.get(option):
                raise UnsupportedOptimizerError(f"optimizer option {option}=True is not supported; leave it out")


def is_adaptive(optimizer: Optimizer) -> bool:
    """Whether updates are divided by a running size of the gradients, which amplifies rounding where gradients are tiny."""
    return not isinstance(optimizer, (SGD, ASGD))


def prepare(optimizer: Optimizer) -> None:
    """Choose the plain form of the optimizer: one tensor at a time, unfused, without decisions in Python."""
    for group in optimizer.param_groups:
        for option in ("foreach", "fused"):
            if option in group:
                group[option] = False
        if isinstance(optimizer, _CAPTURABLE):
            group["capturable"] = True


@contextmanager
def as_if_compiling() -> Iterator[None]:
    """PyTorch keeps capturable optimizers to GPUs, except while it says that it is compiling."""
    with mock.patch("torch.compiler.is_compiling", lambda: True):
        yield


def take_step(optimizer: Optimizer) -> None:
    """``optimizer.step()`` without the hooks and profilers around it."""
    with torch.no_grad():
        inspect.unwrap(type(optimizer).step)(optimizer)


def initialise(optimizer: Optimizer, trained: set[torch.Tensor]) -> None:
    """Give every trained parameter without optimizer state the state it would have before its first step."""
    prepare(optimizer)
    for parameter, state in initial_states(optimizer, trained).items():
        optimizer.state[parameter] = state


def initial_states(optimizer: Optimizer, trained: set[torch.Tensor]) -> dict[torch.Tensor, State]:
    """For each trained parameter without optimizer state, the state it would have before its first step.

    Raises:
        UnsupportedOptimizerError: the optimizer counts in Python numbers, which one program for all steps cannot.
    """
    fresh = [
        (group, place)
        for group, settings in enumerate(optimizer.param_groups)
        for place, parameter in enumerate(settings["params"])
        if parameter in trained and not optimizer.state.get(parameter)
    ]
    if not fresh:
        return {}
    if isinstance(optimizer, SGD):
        return {p: _sgd_state(p, optimizer.param_groups[k]) for k, p in ((k, optimizer.param_groups[k]["params"][i]) for k, i in fresh)}
    twin = copy.deepcopy(optimizer)
    prepare(twin)
    parameters = {(k, i): twin.param_groups[k]["params"][i] for k, i in fresh}
    for parameter in (p for group in twin.param_groups for p in group["params"]):
        parameter.grad = None
    for parameter in parameters.values():
        parameter.grad = torch.zeros_like(parameter)
    with warnings.catch_warnings(), as_if_compiling():
        warnings.simplefilter("ignore")
        with _FirstValues() as first:
            take_step(twin)
        states = {key: {name: first.of(value) for name, value in twin.state[p].items()} for key, p in parameters.items()}
        before = _python_numbers(twin)
        take_step(twin)
    _refuse_counting(twin, before, _python_numbers(twin))
    return {optimizer.param_groups[k]["params"][i]: states[k, i] for k, i in fresh}


def _sgd_state(parameter: torch.Tensor, group: dict[str, Any]) -> State:
    # PyTorch makes the buffer at the first step, as a copy of the gradient: from zeros, the same (for dampening, see schedule.py).
    return {"momentum_buffer": torch.zeros_like(parameter.detach())} if group["momentum"] else {}


class _FirstValues(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Remembers what each tensor held before it was first written to."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._values: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def of(self, value: Any) -> Any:
        """The first value of a tensor, as a tensor of its own; anything else as it is."""
        if not isinstance(value, torch.Tensor):
            return value
        return self._values[id(value)][1] if id(value) in self._values else value.detach().clone()

    def __torch_dispatch__(self, function, types, arguments=(), options=None):  # type: ignore[no-untyped-def]
        for place, argument in enumerate(function._schema.arguments[: len(arguments)]):
            tensor = arguments[place]
            written = argument.alias_info is not None and argument.alias_info.is_write
            if written and isinstance(tensor, torch.Tensor) and id(tensor) not in self._values:
                self._values[id(tensor)] = (tensor, tensor.detach().clone())  # keeping the tensor keeps its id its own
        return function(*arguments, **(options or {}))


def _python_numbers(optimizer: Optimizer) -> dict[str, object]:
    """What the optimizer keeps outside of tensors."""
    numbers: dict[str, object] = {}
    for k, group in enumerate(optimizer.param_groups):
        numbers |= {key: value for key, value in group.items() if key != "params" and isinstance(value, (int, float, str))}
        for i, parameter in enumerate(group["params"]):
            state = optimizer.state.get(parameter, {})
            numbers |= {f"{key} of parameter {i} in group {k}": v for key, v in state.items() if isinstance(v, (int, float, str))}
    return numbers


def _refuse_counting(optimizer: Optimizer, before: dict[str, object], after: dict[str, object]) -> None:
    changed = next((name for name in after if before.get(name) != after[name]), None)
    if changed is not None:
        raise UnsupportedOptimizerError(
            f"optimizer {type(optimizer).__name__} changes the Python number {changed} at every step; keep it as a 0-d tensor"
        )
