"""Replaying an interval: the same roots as a plain run, few states held, the trace never."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from tests.machine.programs import Case, random_case
from touchstone.commitment.merkle import root
from touchstone.commitment.replay import Replay, StepOutOfRangeError
from touchstone.commitment.roots import state_root, tensor_root
from touchstone.machine.executor import NodeSink
from touchstone.machine.reference import ReferenceMachine
from touchstone.machine.workload import Array

STEPS = 40


class CountingMachine(ReferenceMachine):
    """The reference, counting the steps it runs and how often it is loaded."""

    steps_run = 0
    loads = 0
    traces = 0

    def load(self, state: Sequence[Array]) -> None:
        self.loads += 1
        super().load(state)

    def run(self, steps: int) -> None:
        self.steps_run += steps
        for _ in range(steps):
            super().trace(lambda node, output: None)

    def trace(self, sink: NodeSink) -> None:
        self.traces += 1
        super().trace(sink)


@pytest.fixture(scope="module")
def case() -> Case:
    return random_case(21, nodes=6, max_elements=300)


@pytest.fixture(scope="module")
def states(case: Case) -> list[list[Array]]:
    machine = ReferenceMachine(case.program, case.constants)
    machine.load(case.state)
    found = [machine.state()]
    for _ in range(STEPS):
        machine.run(1)
        found.append(machine.state())
    return found


@pytest.fixture
def machine(case: Case) -> CountingMachine:
    return CountingMachine(case.program, case.constants)


def words(array: Array) -> list[int]:
    return [int(word) for word in array.flatten().view(np.uint32)]


@pytest.mark.parametrize("memory", [0, 10**9])
def test_states_and_roots_are_those_of_a_plain_run_in_any_order(
    case: Case, states: list[list[Array]], machine: CountingMachine, memory: int
) -> None:
    replay = Replay(machine, case.state, STEPS, memory)
    for step in (7, 3, STEPS, 0, 8, 39, 3, 21):
        assert [words(slot) for slot in replay.state(step)] == [words(slot) for slot in states[step]]
        assert replay.state_root(step) == state_root(states[step])
        assert replay.slot_roots(step) == [tensor_root(slot) for slot in states[step]]


def test_node_roots_and_outputs_are_those_of_the_step(case: Case, states: list[list[Array]], machine: CountingMachine) -> None:
    replay = Replay(machine, case.state, STEPS)
    plain = ReferenceMachine(case.program, case.constants)
    plain.load(states[5])
    outputs: list[Array] = []
    plain.trace(lambda node, output: outputs.append(output.copy()))
    assert replay.node_roots(5) == [tensor_root(output) for output in outputs]
    for node, output in enumerate(outputs):
        assert words(replay.node_output(5, node)) == words(output)
    trace = replay.trace_tree(5)
    assert trace.slots.root == state_root(states[6])
    assert trace.nodes.root == root([tensor_root(output) for output in outputs])


def test_outputs_of_several_nodes_take_one_pass_and_are_remembered(case: Case, machine: CountingMachine) -> None:
    replay = Replay(machine, case.state, STEPS)
    replay.node_outputs(4, [0, 2, 5])
    assert machine.traces == 1
    replay.node_output(4, 2)
    assert machine.traces == 1
    replay.node_output(4, 1)
    assert machine.traces == 2


def test_the_next_state_after_a_trace_needs_no_further_run(case: Case, machine: CountingMachine) -> None:
    replay = Replay(machine, case.state, STEPS)
    replay.trace_tree(0)
    assert (machine.traces, machine.steps_run) == (1, 0)


def test_asking_in_ascending_order_runs_each_step_once(case: Case, machine: CountingMachine) -> None:
    replay = Replay(machine, case.state, STEPS, memory=0)
    for step in range(0, STEPS + 1, 5):
        replay.state_root(step)
    assert (machine.steps_run, machine.loads) == (STEPS, 1)


def test_roots_are_remembered(case: Case, machine: CountingMachine) -> None:
    replay = Replay(machine, case.state, STEPS, memory=0)
    for _ in range(3):
        replay.state_root(STEPS)
        replay.node_roots(1)
    assert machine.steps_run == STEPS + 1
    assert machine.traces == 1


def test_a_dissection_costs_little_more_than_one_run(case: Case, machine: CountingMachine) -> None:
    """Cutting in four, then inside one part, and so on, starts from states kept along the way."""
    replay = Replay(machine, case.state, STEPS)
    low, high = 0, STEPS
    while high - low > 1:
        cuts = [low + (high - low) * part // 4 for part in range(1, 5)]
        for cut in cuts:
            replay.state_root(cut)
        low, high = ([low, *cuts][2], cuts[2]) if high - low >= 4 else (low, low + 1)
    replay.node_roots(low)
    assert machine.steps_run <= 1.6 * STEPS


def test_only_as_many_states_as_fit_the_memory_are_kept_and_they_are_spread_out(case: Case, machine: CountingMachine) -> None:
    state_bytes = sum(slot.nbytes for slot in case.state)
    replay = Replay(machine, case.state, STEPS, memory=5 * state_bytes)
    for step in range(STEPS + 1):
        replay.state_root(step)
    kept = sorted(replay._states)
    assert len(kept) == 5
    assert kept[0] == 0
    assert max(later - earlier for earlier, later in pairwise(kept)) <= STEPS // 3
    machine.steps_run = 0
    for step in (kept[1], kept[2], kept[3]):
        replay.state(step)
    assert machine.steps_run == 0


def test_kept_states_cannot_be_changed(case: Case, machine: CountingMachine) -> None:
    given_state = [slot.copy() for slot in case.state]
    replay = Replay(machine, given_state, STEPS)
    given_state[0][...] = 99
    assert words(replay.state(0)[0]) == words(case.state[0])
    with pytest.raises(ValueError, match="read-only"):
        replay.state(0)[0][...] = 1


def test_a_failing_sink_does_not_spoil_later_answers(case: Case, states: list[list[Array]], machine: CountingMachine) -> None:
    replay = Replay(machine, case.state, STEPS)

    def fail(node: int, output: Array) -> None:
        raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        replay._trace(3, fail)
    assert replay.state_root(4) == state_root(states[4])


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda replay: replay.state(STEPS + 1), "step 41 is not in the interval; ask for 0..40"),
        (lambda replay: replay.state_root(-1), "step -1 is not in the interval; ask for 0..40"),
        (lambda replay: replay.node_roots(STEPS), "step 40 is not in the interval; ask for 0..39"),
        (lambda replay: replay.node_output(0, 999), "node 999 is not in the program; ask for 0.."),
    ],
)
def test_what_the_interval_does_not_have_is_refused(case: Case, machine: CountingMachine, ask: object, message: str) -> None:
    with pytest.raises(StepOutOfRangeError) as caught:
        ask(Replay(machine, case.state, STEPS))  # type: ignore[operator]
    assert str(caught.value).startswith(message)
