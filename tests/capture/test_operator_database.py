from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch

from tests.capture.operator_database import SKIPPED, SLICE, SLICE_SAMPLES, Entry, Function, compare, fallen, operators, sweep
from tests.capture.test_lowering import CASES, ELSEWHERE, UNDEFINED
from touchstone.capture.errors import DataDependentError, DTypeError, UnsupportedOperatorError
from touchstone.capture.executors import fastest_machine
from touchstone.capture.function import capture_function
from touchstone.capture.lowering import RULES

# Random operators that no sample of the sweep leads to. Eager PyTorch draws the machine's numbers in the comparison.
DRAWN: dict[str, Function] = {
    "bernoulli": lambda tensors: [torch.bernoulli(tensors[0])],
    "bernoulli_ of a tensor": lambda tensors: [torch.zeros(4, 5).bernoulli_(tensors[0])],
    "normal, float mean": lambda tensors: [torch.normal(0.5, tensors[0])],
    "normal, float deviation": lambda tensors: [torch.normal(tensors[0], 0.5)],
    "rand": lambda tensors: [tensors[0] * torch.rand(4, 5)],
    "rand_like": lambda tensors: [torch.rand_like(tensors[0])],
    "randint": lambda tensors: [tensors[0] * torch.randint(7, (4, 5)), tensors[0] * torch.randint(-2, 7, (4, 5))],
    "randint_like": lambda tensors: [torch.randint_like(tensors[0], 7), torch.randint_like(tensors[0], -2, 7)],
}
REMEDY = "run: python -m tests.capture.operator_database --slice --refresh"


@dataclass
class Sweep:
    """What came out for each operator, and which ATen operators were lowered on the way."""

    entries: dict[str, Entry]
    drawn: dict[str, tuple[str, str]]
    lowered: set[Any]


@pytest.fixture(scope="module")
def swept() -> Sweep:
    lowered: set[Any] = set()

    def recording(operator: Any, lowering: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            lowered.add(operator)
            return lowering(*arguments, **options)

        return run

    with pytest.MonkeyPatch.context() as patch:
        for operator, rule in list(RULES.items()):
            patch.setitem(RULES, operator, replace(rule, lowering=recording(operator, rule.lowering)))
        shares = torch.linspace(0.1, 0.9, 20).reshape(4, 5)
        drawn = {name: compare(name, function, [shares]) for name, function in DRAWN.items()}
        return Sweep(sweep(SLICE_SAMPLES, operators()), drawn, lowered)


@pytest.fixture
def entries(swept: Sweep) -> dict[str, Entry]:
    return swept.entries


def test_every_supported_operator_is_tried_here_or_in_a_test_of_its_own(swept: Sweep) -> None:
    assert set(RULES) - swept.lowered - set(CASES) - UNDEFINED - ELSEWHERE == set()


def test_random_operators_draw_the_machines_numbers(swept: Sweep) -> None:
    assert swept.drawn == dict.fromkeys(DRAWN, ("passed", ""))


def test_no_sample_of_pytorchs_operator_database_crashes_or_differs_from_eager_pytorch(entries: dict[str, Entry]) -> None:
    assert [line for entry in entries.values() for line in entry.failures] == []


def test_as_many_samples_agree_as_the_snapshot_says(entries: dict[str, Entry]) -> None:
    assert fallen(entries, SLICE) == [], REMEDY


def test_every_refusal_says_what_to_do_instead(entries: dict[str, Entry]) -> None:
    refusals = [words for entry in entries.values() for words in entry.refusals if not words.startswith(SKIPPED)]
    assert refusals
    assert [words for words in refusals if "; " not in words] == []


def test_a_function_whose_shape_depends_on_values_is_refused() -> None:
    with pytest.raises(DataDependentError):
        capture_function(lambda tensors: [torch.nonzero(tensors[0])], [torch.ones(3)])


def test_a_function_in_double_precision_is_refused() -> None:
    with pytest.raises(DTypeError, match="float64"):
        capture_function(lambda tensors: [tensors[0].double()], [torch.ones(3)])


def test_a_function_with_an_operator_that_has_no_lowering_is_refused_by_its_name() -> None:
    with pytest.raises(UnsupportedOperatorError, match="lgamma"):
        capture_function(lambda tensors: [torch.lgamma(tensors[0])], [torch.ones(3)])


def _written(mask: torch.Tensor, values: torch.Tensor) -> list[torch.Tensor]:
    def write(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
        x = tensors[0].clone()
        x[tensors[1]] = tensors[2]
        return [x]

    workload = capture_function(write, [torch.arange(6.0).reshape(3, 2), mask, values])
    machine = fastest_machine(workload.program, workload.constants)
    machine.load(workload.state)
    machine.run(1)
    return [torch.from_numpy(array) for array in machine.state()[1:]]


def test_writing_one_value_to_a_mask_is_a_choice() -> None:
    (found,) = _written(torch.tensor([True, False, True]), torch.tensor(9.0))
    assert found.tolist() == [[9, 9], [2, 3], [9, 9]]


def test_writing_several_values_to_a_mask_is_refused_in_one_line() -> None:
    with pytest.raises(UnsupportedOperatorError) as refusal:
        _written(torch.tensor([True, False, True]), torch.ones(2, 2))
    assert "\n" not in str(refusal.value) and "; use torch.where" in str(refusal.value)
