"""Eager PyTorch with the machine's random numbers: the counterpart of ``lowering.randomness`` in numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from touchstone.capture.lowering import randomness
from touchstone.capture.lowering.randomness import RANDOM_BITS, threshold
from touchstone.capture.sampling import program_words

aten = torch.ops.aten

_Numbers = npt.NDArray[Any]


class MachineDraws(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Lets eager PyTorch draw the machine's random numbers instead of its own."""

    def __init__(self, key: tuple[int, int]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._key, self._step, self._site = key, 0, 0

    def start(self, step: int) -> None:
        """The step that the next numbers are drawn for."""
        self._step, self._site = step, 0

    def __torch_dispatch__(self, function, types, arguments=(), options=None):  # type: ignore[no-untyped-def]
        options = options or {}
        if function not in randomness.DRAWS:
            return function(*arguments, **options)
        named = _named(function, arguments, options)
        result = function(*arguments, **options)  # has the shape and dtype; its numbers are replaced
        numbers = torch.from_numpy(np.array(self._numbers(function, named, result.numel(), tuple(result.shape))))
        self._site += 1
        return result.copy_(numbers.reshape(result.shape))

    def _draws(self, count: int) -> npt.NDArray[np.uint32]:
        return program_words(self._key, self._site, self._step, count)

    def _uniform(self, count: int) -> _Numbers:
        draws: _Numbers = self._draws(count) >> np.uint32(32 - RANDOM_BITS)
        return draws.astype(np.float64) * 2.0**-RANDOM_BITS

    def _normal(self, count: int) -> _Numbers:
        first, second = self._uniform(2 * count).reshape(2, count)
        numbers: _Numbers = np.sqrt(-2 * np.log(first + 2.0**-RANDOM_BITS)) * np.cos(2 * np.pi * second)
        return numbers

    def _numbers(self, function: Any, named: dict[str, Any], count: int, shape: tuple[int, ...]) -> Any:
        if function in randomness.COINS:
            return (self._uniform(count) * 2**RANDOM_BITS < threshold(named["p"])).astype(np.float32)
        if function in randomness.COINS_OF_TENSOR:
            probability = named["p"] if "p" in named else named["self"]
            return self._uniform(count).reshape(shape) < _array(probability, shape)
        if function in randomness.UNIFORM:
            low, high = named.get("from", 0.0), named.get("to", 1.0)
            return low + (high - low) * self._uniform(count)
        if function in randomness.INTEGERS:
            low = named.get("low", 0)
            return low + (self._draws(count) >> np.uint32(1)).astype(np.int64) % (named["high"] - low)
        if function in randomness.EXPONENTIAL:
            return -np.log1p(-self._uniform(count)) / named["lambd"]
        mean, deviation = (_array(named.get(name, default), shape) for name, default in (("mean", 0.0), ("std", 1.0)))
        return self._normal(count).reshape(shape) * deviation + mean


def _named(function: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
    """The arguments by the names of the operator's schema, defaults included; tensors as they are before the call."""
    names = {}
    for place, argument in enumerate(function._schema.arguments):
        if place < len(arguments):
            names[argument.name] = arguments[place]
        elif argument.name in options:
            names[argument.name] = options[argument.name]
        elif argument.has_default_value():
            names[argument.name] = argument.default_value
    return {name: value.clone() if isinstance(value, torch.Tensor) else value for name, value in names.items()}


def _array(number: Any, shape: tuple[int, ...]) -> _Numbers:
    if isinstance(number, torch.Tensor):
        number = number.detach().double().numpy()
    return np.broadcast_to(np.asarray(number, dtype=np.float64), shape)
