"""Whole nodes and whole programs in the reference."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings

from tests.machine.frozen_nodes import FrozenNode, nodes
from tests.machine.frozen_programs import programs
from tests.machine.programs import Case, cases, random_case
from tests.machine.words import Words
from touchstone.machine.builder import Builder
from touchstone.machine.executor import Executor, TensorMismatchError
from touchstone.machine.program import DType, Kind, MapFn, Op, Ref
from touchstone.machine.reference import ReferenceMachine, element, element_from_reads, evaluate, reads
from touchstone.machine.reference.machine import FlushToZeroError
from touchstone.machine.workload import NUMPY_DTYPE, Array

Doubles = npt.NDArray[np.float64]

SAMPLES_PER_NODE = 40


def run_step(case: Case) -> tuple[ReferenceMachine, list[Words]]:
    """The machine after one step, and every node's output words."""
    machine = ReferenceMachine(case.program, case.constants)
    machine.load(case.state)
    outputs: list[Words] = []
    machine.trace(lambda index, output: outputs.append(words(output)))
    return machine, outputs


def words(array: Array) -> Words:
    return array.flatten().view(np.uint32)


def operand_words(case: Case, outputs: list[Words], ref: Ref) -> Words:
    if ref.kind is Kind.NODE:
        return outputs[ref.index]
    return words(case.state[ref.index] if ref.kind is Kind.SLOT else case.constants[ref.index])


@settings(deadline=None, max_examples=60)
@given(cases(max_elements=400, specials=0.1))
def test_every_node_of_a_program_consists_of_the_elements_that_define_it(case: Case) -> None:
    _, outputs = run_step(case)
    for index, node in enumerate(case.program.nodes):
        operands = [operand_words(case, outputs, operand.ref) for operand in node.operands]
        sample = random.Random(index).sample(range(node.type.size), min(SAMPLES_PER_NODE, node.type.size))
        assert [element(node, place, operands) for place in sample] == outputs[index][sample].tolist()


@pytest.mark.parametrize("frozen", nodes(), ids=lambda frozen: frozen.name)
def test_the_array_layer_equals_the_elements_on_hard_words(frozen: FrozenNode) -> None:
    expected = [element(frozen.node, index, frozen.operands) for index in range(frozen.node.type.size)]
    assert evaluate(frozen.node, frozen.operands).tolist() == expected


@pytest.mark.parametrize("frozen", nodes(), ids=lambda frozen: frozen.name)
def test_an_element_depends_on_the_words_it_reads_and_on_nothing_else(frozen: FrozenNode) -> None:
    node, operands = frozen.node, frozen.operands
    for index in random.Random(0).sample(range(node.type.size), min(20, node.type.size)):
        listed = reads(node, index, operands)
        others = [~operand for operand in operands]
        for read in listed:
            span = slice(read.first_word, read.first_word + read.count)
            others[read.operand][span] = operands[read.operand][span]
        given_words = [operands[read.operand][read.first_word : read.first_word + read.count].tolist() for read in listed]
        assert element(node, index, others) == element_from_reads(node, index, given_words) == element(node, index, operands)


def test_the_random_programs_cover_every_operator_and_function() -> None:
    used = {(node.op, int(node.fn)) for seed in range(120) for node in random_case(seed).program.nodes}
    functions = {(Op.MAP, int(fn)) for fn in MapFn} | {(Op.REDUCE, fn) for fn in (1, 2, 3, 4)} | {(Op.SOURCE, fn) for fn in (1, 2, 3)}
    assert used == functions | {(Op.DOT, 0), (Op.MOVE, 0), (Op.GATHER, 0), (Op.SCATTER_ADD, 0)}


def test_the_random_programs_are_the_same_for_the_same_seed() -> None:
    first, again = random_case(7), random_case(7)
    assert first.program == again.program
    assert all(np.array_equal(words(a), words(b)) for a, b in zip(first.state, again.state, strict=True))


def test_slots_take_their_next_values_at_once() -> None:
    """Two slots that take each other's value swap; one that takes a changed slot gets the value before the step."""
    b = Builder()
    step, left, right, copy = b.slot(DType.I32, (1,)), b.slot(DType.I32, (2,)), b.slot(DType.I32, (1, 2)), b.slot(DType.I32, ())
    b.set_next(step, b.map(MapFn.IADD, step, b.fill(DType.I32, (), 1)))
    b.set_next(left, right)
    b.set_next(right, left)
    b.set_next(copy, step)
    machine = ReferenceMachine(b.build(), [])
    machine.load([np.array([5], np.int32), np.array([1, 2], np.int32), np.array([[3, 4]], np.int32), np.array(9, np.int32)])
    machine.run(1)
    assert [slot.tolist() for slot in machine.state()] == [[6], [3, 4], [[1, 2]], 5]


def test_running_and_tracing_advance_alike() -> None:
    case = random_case(3)
    traced, _ = run_step(case)
    run: Executor = ReferenceMachine(case.program, case.constants)
    run.load(case.state)
    run.run(1)
    assert [words(slot).tolist() for slot in run.state()] == [words(slot).tolist() for slot in traced.state()]


def test_the_trace_gives_nodes_in_order_with_declared_shapes_and_dtypes() -> None:
    case = random_case(4)
    machine = ReferenceMachine(case.program, case.constants)
    machine.load(case.state)
    seen = []
    machine.trace(lambda index, output: seen.append((index, output.shape, output.dtype)))
    assert seen == [(index, node.type.shape, NUMPY_DTYPE[node.type.dtype]) for index, node in enumerate(case.program.nodes)]


def test_states_are_copies() -> None:
    case = random_case(5)
    given_state = [slot.copy() for slot in case.state]
    machine = ReferenceMachine(case.program, case.constants)
    machine.load(given_state)
    given_state[0][...] = 77
    machine.state()[0][...] = 78
    assert np.array_equal(machine.state()[0], case.state[0])


def test_only_outputs_still_needed_stay_alive() -> None:
    """A long chain of nodes needs two outputs at a time, however long it is."""
    b = Builder()
    value = b.slot(DType.I32, (1,))
    one = b.fill(DType.I32, (), 1)
    for _ in range(50):
        value = b.map(MapFn.IADD, value, one)
    machine = ReferenceMachine(b.build(), [])
    alive: dict[int, Words] = {}
    most = 0
    for index, node in enumerate(machine.program.nodes):
        alive[index] = evaluate(node, [machine._read(operand.ref, alive) for operand in node.operands])
        most = max(most, len(alive))
        machine._drop_unused(alive, index, node)
    assert most == 3
    assert not alive


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (np.zeros(1, np.int64), "slot 0 is int64"),
        (np.zeros(1, np.float32), "slot 0 is float32"),
        (np.zeros((), np.int32), "slot 0 is int32 ()"),
    ],
)
def test_a_tensor_that_does_not_match_its_declaration_is_refused(changed: Array, message: str) -> None:
    case = random_case(6)
    machine = ReferenceMachine(case.program, case.constants)
    with pytest.raises(TensorMismatchError) as caught:
        machine.load([changed, *case.state[1:]])
    assert message in str(caught.value)


def test_a_missing_constant_is_refused() -> None:
    case = random_case(6)
    with pytest.raises(TensorMismatchError, match="2 arrays for 3 constants"):
        ReferenceMachine(case.program, case.constants[:2])


def test_the_frozen_perceptron_learns_its_batch() -> None:
    """Forty steps on one batch: the loss falls far, so gradients have the right sign everywhere."""
    frozen = next(frozen for frozen in programs() if frozen.name == "perceptron")
    machine = ReferenceMachine(frozen.program, frozen.constants)
    state = [slot.copy() for slot in frozen.state]
    machine.load(state)
    losses = []
    for _ in range(40):
        machine.run(1)
        state = machine.state()
        losses.append(float(state[1][0]))
        machine.load([np.zeros(1, np.int32), *state[1:]])
    assert losses[-1] < 0.25 * losses[0]


def test_the_perceptron_step_follows_a_float64_computation() -> None:
    frozen = next(frozen for frozen in programs() if frozen.name == "perceptron")
    machine = ReferenceMachine(frozen.program, frozen.constants)
    machine.load(frozen.state)
    machine.run(1)
    expected = perceptron_step([slot.astype(np.float64) for slot in frozen.state[2:]], frozen.constants)
    for computed, wanted in zip(machine.state()[2:], expected, strict=True):
        np.testing.assert_allclose(computed, wanted, rtol=1e-5, atol=1e-5)


def perceptron_step(parameters: list[Doubles], constants: tuple[Array, ...]) -> list[Doubles]:
    """The same training step written with plain matrices in float64."""
    w1, b1, w2, b2 = parameters
    data, labels, order = constants
    x, y = data[order[0]].astype(np.float64), labels[order[0]]
    hidden = np.tanh(x @ w1.T + b1)
    logits = hidden @ w2.T + b2
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    gradient = (powers / powers.sum(axis=1, keepdims=True) - (np.arange(7) == y[:, None])) / 8
    back = gradient @ w2 * (1 - hidden**2)
    return [w1 - 0.05 * back.T @ x, b1 - 0.05 * back.sum(0), w2 - 0.05 * gradient.T @ hidden, b2 - 0.05 * gradient.sum(0)]


def test_a_constant_is_not_changed_by_running() -> None:
    case = random_case(8)
    before = [words(constant).tolist() for constant in case.constants]
    machine = ReferenceMachine(case.program, case.constants)
    machine.load(case.state)
    machine.run(3)
    assert [words(constant).tolist() for constant in case.constants] == before


def test_the_step_counter_may_start_anywhere() -> None:
    case = random_case(9)
    state = (np.array([2**31 - 1], np.int32), *case.state[1:])
    machine, _ = run_step(replace(case, state=state))
    assert machine.state()[0].tolist() == [-(2**31)]


def test_a_processor_that_flushes_subnormals_is_refused() -> None:
    torch = pytest.importorskip("torch")
    case = random_case(10)
    machine = ReferenceMachine(case.program, case.constants)
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor cannot flush subnormals")
    try:
        with pytest.raises(FlushToZeroError, match="set_flush_denormal"):
            machine.run(1)
    finally:
        torch.set_flush_denormal(False)
    machine.run(1)
