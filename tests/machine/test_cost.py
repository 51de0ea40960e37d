"""The cost model, on programs small enough to count by hand."""

from __future__ import annotations

import pytest

from tests.machine.programs import random_case
from touchstone.machine.builder import Builder
from touchstone.machine.cost import Cost, cost, node_operations
from touchstone.machine.program import DType, Kind, MapFn, ReduceFn
from touchstone.machine.reference import ReferenceMachine

F32, I32 = DType.F32, DType.I32


def test_a_linear_layer_is_counted_by_hand() -> None:
    b = Builder()
    step, weight, bias = b.slot(I32, (1,)), b.slot(F32, (5, 7)), b.slot(F32, (5,))
    x = b.constant(F32, (3, 7))
    b.set_next(weight, b.map(MapFn.ADD, weight, b.reduce(ReduceFn.SUM, b.map(MapFn.ADD, b.dot(x, weight), bias).view(1, 15))))
    products, biases, total, updates = 2 * 3 * 5 * 7, 15, 15, 35
    read_by_dot, read_by_bias, read_by_sum, read_by_update = 3 * 7 + 5 * 7, 2 * 15, 15, 2 * 35
    written = 15 + 15 + 1 + 35
    state = 4 * (1 + 35 + 5)
    expected = Cost(
        operations=products + biases + total + updates,
        bytes_moved=4 * (read_by_dot + read_by_bias + read_by_sum + read_by_update + written),
        peak_memory=4 * 21 + 2 * state + 4 * (35 + 1),
        state_bytes=state,
        constant_bytes=4 * 21,
    )
    assert cost(b.build()) == expected
    assert step.ref.index == 0


def test_splitting_a_dot_does_not_change_its_operations() -> None:
    b = Builder()
    b.slot(I32, (1,))
    x = b.slot(F32, (4, 10))
    b.dot(x, x)
    b.dot(x, x, 3)
    whole, split = b.build().nodes
    assert node_operations(whole) == node_operations(split) == 2 * 4 * 4 * 10


def test_carrying_words_costs_no_operations() -> None:
    b = Builder()
    b.slot(I32, (1,))
    x = b.slot(F32, (4, 10))
    b.transpose(x)
    b.iota((3,))
    b.gather(x, b.slot(I32, (6,)))
    assert cost(b.build()).operations == 0
    assert cost(b.build()).bytes_moved == 4 * (40 + 40 + 3 + (60 + 6) + 60)


def test_a_scatter_is_one_addition_per_source() -> None:
    b = Builder()
    b.slot(I32, (1,))
    b.scatter_add(b.slot(F32, (9, 4)), b.slot(I32, (5,)), b.slot(F32, (4, 5)))
    assert cost(b.build()).operations == 20
    assert cost(b.build()).bytes_moved == 4 * (36 + 5 + 20 + 20 + 36)


@pytest.mark.parametrize("seed", range(8))
def test_peak_memory_covers_what_the_reference_keeps_alive(seed: int) -> None:
    case = random_case(seed)
    machine = ReferenceMachine(case.program, case.constants)
    last = machine._last_use
    alive: dict[int, int] = {}
    most = 0
    for index, node in enumerate(case.program.nodes):
        alive[index] = 4 * node.type.size
        most = max(most, sum(alive.values()))
        read = {operand.ref.index for operand in node.operands if operand.ref.kind is Kind.NODE} | {index}
        for candidate in read:
            if last.get(candidate, candidate) <= index:
                del alive[candidate]
    model = cost(case.program)
    assert model.peak_memory == model.constant_bytes + 2 * model.state_bytes + most
