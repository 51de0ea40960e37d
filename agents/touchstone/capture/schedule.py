"""Settings of the optimizer that change while training, read off the real scheduler for every step.

Learning rates always count as changing. Other settings (the momentum of a cyclic schedule, Adam's betas, what is special about a first
step) count where they do. A changing setting is a *dial*: a step is traced with a symbol in its place, and what depends on it is
tabulated.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from touchstone.capture.errors import UnsupportedOptimizerError

_SWITCHES = {"params", "initial_lr", "foreach", "fused", "capturable", "differentiable"}

Row = tuple[float, ...]


@dataclass(frozen=True)
class Dial:
    """One changing number of a parameter group.

    Attributes:
        group: number of the group.
        key: of the group's dictionary.
        place: index, where the entry is a tuple like Adam's ``betas``.
    """

    group: int
    key: str
    place: int | None = None

    def read(self, groups: Sequence[dict[str, Any]]) -> float:
        """Its number now."""
        entry = groups[self.group][self.key]
        return float(entry if self.place is None else entry[self.place])

    def turn(self, groups: Sequence[dict[str, Any]], value: Any) -> None:
        """Set it."""
        if self.place is None:
            groups[self.group][self.key] = value
            return
        entries = list(groups[self.group][self.key])
        entries[self.place] = value
        groups[self.group][self.key] = tuple(entries)


@dataclass(frozen=True)
class Schedule:
    """The dials, and their numbers at every step.

    Attributes:
        dials: learning rates first, in the order of the groups.
        rows: for each step one number per dial.
    """

    dials: tuple[Dial, ...]
    rows: list[Row]


def schedule_of(optimizer: Optimizer, scheduler: LRScheduler | None, steps: int) -> Schedule:
    """What changes, with one ``scheduler.step()`` after every training step. Works on copies.

    Raises:
        UnsupportedOptimizerError: the scheduler looks at the loss, belongs to another optimizer, or changes what is not a number.
    """
    if isinstance(scheduler, ReduceLROnPlateau):
        raise UnsupportedOptimizerError("ReduceLROnPlateau looks at the loss while training; use a schedule fixed in advance")
    if scheduler is not None and scheduler.optimizer is not optimizer:
        raise UnsupportedOptimizerError("the scheduler belongs to another optimizer; build it from the optimizer given to capture")
    optimizer, scheduler = copy.deepcopy((optimizer, scheduler))
    groups = optimizer.param_groups
    possible = _numbers(groups)
    other = _others(groups)
    columns: dict[Dial, list[float]] = {dial: [] for dial in possible}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "lr_scheduler.step() before optimizer.step()": here there is no optimizer.step()
        for step in range(steps):
            for dial, column in columns.items():
                column.append(dial.read(groups))
            if scheduler is not None and step + 1 < steps:
                scheduler.step()
            if _others(groups) != other or _numbers(groups) != possible:
                raise UnsupportedOptimizerError(
                    f"scheduler {type(scheduler).__name__} changes settings that are not numbers; use one that changes numbers only"
                )
    _undo_first_dampening(optimizer, columns)
    dials = [dial for dial in possible if dial.key == "lr"]
    dials += [dial for dial in possible if dial.key != "lr" and len(set(columns[dial])) > 1]
    return Schedule(tuple(dials), [tuple(columns[dial][step] for dial in dials) for step in range(steps)])


def _numbers(groups: Sequence[dict[str, Any]]) -> list[Dial]:
    """Every number in the groups' settings."""
    dials = []
    for k, group in enumerate(groups):
        for key, entry in group.items():
            if key in _SWITCHES:
                continue
            if _is_number(entry):
                dials.append(Dial(k, key))
            elif isinstance(entry, (tuple, list)):
                dials += [Dial(k, key, place) for place, number in enumerate(entry) if _is_number(number)]
    return dials


def _is_number(entry: object) -> bool:
    if isinstance(entry, torch.Tensor):
        return entry.dim() == 0
    return isinstance(entry, (int, float)) and not isinstance(entry, bool)


def _others(groups: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The settings that are not numbers."""
    numbers = {(dial.group, dial.key) for dial in _numbers(groups)}
    return [
        {key: entry for key, entry in group.items() if key not in _SWITCHES and (k, key) not in numbers} for k, group in enumerate(groups)
    ]


def _undo_first_dampening(optimizer: Optimizer, columns: dict[Dial, list[float]]) -> None:
    """SGD's first step takes the whole gradient into a new momentum buffer: from a buffer of zeros, that is a step without dampening."""
    if not isinstance(optimizer, SGD):
        return
    for dial, column in columns.items():
        fresh = all("momentum_buffer" not in optimizer.state.get(p, {}) for p in optimizer.param_groups[dial.group]["params"])
        if dial.key == "dampening" and fresh:
            column[0] = 0.0


class Setting:
    """A number of the optimizer that changes from step to step, while a step is traced: a symbol, and all its values.

    Arithmetic gives another such number; PyTorch's functions are given the symbol. A comparison must come out the same at every step.
    """

    def __init__(self, symbol: Any, values: Sequence[float], name: str) -> None:
        self._symbol, self._values, self._name = symbol, tuple(values), name

    def _combined(self, function: Callable[[Any, Any], Any], other: object) -> Any:
        if isinstance(other, Setting):
            values = [function(a, b) for a, b in zip(self._values, other._values, strict=True)]
            return Setting(function(self._symbol, other._symbol), values, self._name)
        if not isinstance(other, (int, float)):  # a symbol or a tensor, which depends on more than this number
            return function(self._symbol, other)
        return Setting(function(self._symbol, other), [function(a, other) for a in self._values], self._name)

    def _compared(self, function: Callable[[float], bool]) -> bool:
        outcomes = {bool(function(value)) for value in self._values}
        if len(outcomes) > 1:
            raise UnsupportedOptimizerError(
                f"the optimizer takes another way when {self._name} changes from {min(self._values)} to {max(self._values)}; "
                "use a schedule that keeps it on one side"
            )
        return outcomes.pop()

    def __add__(self, other: object) -> Any:
        return self._combined(lambda a, b: a + b, other)

    __radd__ = __add__

    def __mul__(self, other: object) -> Any:
        return self._combined(lambda a, b: a * b, other)

    __rmul__ = __mul__

    def __sub__(self, other: object) -> Any:
        return self._combined(lambda a, b: a - b, other)

    def __rsub__(self, other: object) -> Any:
        return self._combined(lambda a, b: b - a, other)

    def __truediv__(self, other: object) -> Any:
        return self._combined(lambda a, b: a / b, other)

    def __rtruediv__(self, other: object) -> Any:
        return self._combined(lambda a, b: b / a, other)

    def __pow__(self, other: object) -> Any:
        return self._combined(lambda a, b: a**b, other)

    def __rpow__(self, other: object) -> Any:
        return self._combined(lambda a, b: b**a, other)

    def __neg__(self) -> Setting:
        return Setting(-self._symbol, [-value for value in self._values], self._name)

    def __bool__(self) -> bool:
        return self._compared(bool)

    def __eq__(self, other: object) -> bool:
        return self._compared(lambda value: value == other)

    def __ne__(self, other: object) -> bool:
        return self._compared(lambda value: value != other)

    def __lt__(self, other: float) -> bool:
        return self._compared(lambda value: value < other)

    def __le__(self, other: float) -> bool:
        return self._compared(lambda value: value <= other)

    def __gt__(self, other: float) -> bool:
        return self._compared(lambda value: value > other)

    def __ge__(self, other: float) -> bool:
        return self._compared(lambda value: value >= other)

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        plain = torch.utils._pytree.tree_map(lambda x: x._symbol if isinstance(x, Setting) else x, (arguments, options or {}))
        return function(*plain[0], **plain[1])
