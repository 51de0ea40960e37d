"""Functions that lowerings build from the machine's operators are as accurate as their docstrings say."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from touchstone.capture.executors import fastest_machine
from touchstone.capture.function import capture_function

COUNT = 40_000
# Name, largest error in units in the last place of float32, and the arguments tried: spread over a range, evenly or by magnitude.
BOUNDS: list[tuple[str, float, torch.Tensor]] = [
    ("expm1", 6, torch.linspace(-20, 80, COUNT)),
    ("exp2", 4, torch.linspace(-120, 120, COUNT)),
    ("log1p", 4, torch.linspace(-0.999, 50, COUNT)),
    ("log2", 3, torch.logspace(-30, 30, COUNT)),
    ("log10", 3, torch.logspace(-30, 30, COUNT)),
    ("sinh", 8, torch.linspace(-80, 80, COUNT)),
    ("cosh", 8, torch.linspace(-80, 80, COUNT)),
    ("asinh", 8, torch.logspace(-6, 20, COUNT)),
    ("acosh", 8, 1 + torch.logspace(-6, 20, COUNT)),
    ("atanh", 8, torch.linspace(-0.9999, 0.9999, COUNT)),
    ("erfc", 16, torch.linspace(-5, 9, COUNT)),
    ("erfinv", 16, torch.linspace(-0.9999, 0.9999, COUNT)),
    ("asin", 4, torch.linspace(-1, 1, COUNT)),
    ("acos", 4, torch.linspace(-1, 0.9999, COUNT)),
    ("atan", 4, torch.linspace(-50, 50, COUNT)),
    ("tan", 4, torch.linspace(-1.5, 1.5, COUNT)),
    ("pow", 1.7 * 5 * math.log(10) + 4, torch.logspace(-5, 5, COUNT)),  # |exponent · log base| + 4
]


def _on_the_machine(function: Callable[[torch.Tensor], torch.Tensor], argument: torch.Tensor) -> np.ndarray[Any, Any]:
    workload = capture_function(lambda tensors: [function(tensors[0])], [argument])
    machine = fastest_machine(workload.program, workload.constants, threads=1)
    machine.load(workload.state)
    machine.run(1)
    return machine.state()[1]


@pytest.mark.parametrize(("name", "bound", "argument"), BOUNDS, ids=[name for name, _, _ in BOUNDS])
def test_a_function_is_within_its_stated_error_of_float64(name: str, bound: float, argument: torch.Tensor) -> None:
    def function(x: torch.Tensor) -> torch.Tensor:
        return x**1.7 if name == "pow" else getattr(torch, name)(x)  # type: ignore[no-any-return]

    exact = function(argument.double()).numpy()
    errors = np.abs(_on_the_machine(function, argument) - exact) / np.spacing(np.abs(exact.astype(np.float32)))
    assert errors.max() <= bound
