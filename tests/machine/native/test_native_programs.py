"""Whole programs: what is fused, folded, left out or computed in place must not change a bit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.machine.native.compare import F32, I32, THREADS, Bench, assert_same_bits, assert_same_words
from tests.machine.programs import random_case
from touchstone.commitment.roots import state_root, tensor_root
from touchstone.machine.builder import Strides
from touchstone.machine.executor import TensorMismatchError
from touchstone.machine.program import MapFn, ReduceFn, decode
from touchstone.machine.reference import ReferenceMachine
from touchstone.machine.runtime import NativeMachine
from touchstone.machine.workload import NUMPY_DTYPE, Array

VECTORS = Path(__file__).resolve().parents[2] / "vectors"


@pytest.mark.parametrize("seed", range(40))
def test_random_programs_run_and_trace_like_the_reference(seed: int) -> None:
    case = random_case(seed, nodes=30)
    for threads in THREADS:
        assert_same_bits(case.program, case.state, case.constants, 2, threads)


@pytest.mark.parametrize("seed", range(100, 115))
def test_random_programs_have_the_same_bits_on_every_instruction_set(seed: int, level: str) -> None:
    case = random_case(seed, nodes=30)
    assert_same_bits(case.program, case.state, case.constants, 2, 2)


@pytest.mark.parametrize("name", [path.stem for path in sorted((VECTORS / "programs").glob("*.json"))])
def test_the_frozen_programs_have_their_frozen_outputs_and_states(name: str, level: str) -> None:
    frozen = json.loads((VECTORS / "programs" / f"{name}.json").read_text())
    program = decode(frozen_bytes(frozen["program"]))
    constants = [array(data, tensor) for data, tensor in zip(frozen["constants"], program.constants, strict=True)]
    machine = NativeMachine(program, constants)
    machine.load([array(data, slot.type) for data, slot in zip(frozen["state"], program.slots, strict=True)])
    outputs: list[bytes] = []
    machine.trace(lambda _, output: outputs.append(output.tobytes()))
    assert outputs == [frozen_bytes(data) for data in frozen["outputs"]]
    machine.run(len(frozen["steps"]) - 1)
    assert [slot.tobytes() for slot in machine.state()] == [frozen_bytes(data) for data in frozen["final_state"]]


def frozen_bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def array(text: str, tensor) -> Array:  # type: ignore[no-untyped-def]
    return np.frombuffer(frozen_bytes(text), dtype=NUMPY_DTYPE[tensor.dtype]).reshape(tensor.shape)


def test_slots_may_trade_places_and_follow_one_another() -> None:
    bench = Bench()
    b = bench.builder
    x, y, z = (bench.slot(F32, (50,)) for _ in range(3))
    b.set_next(x, y)
    b.set_next(y, z)
    b.set_next(z, b.map(MapFn.ADD, x, y))
    bench.check(steps=4)


def test_a_slot_read_after_its_new_value_is_known_is_not_overwritten_too_early() -> None:
    bench = Bench()
    b = bench.builder
    x = bench.slot(F32, (6, 8))
    new = b.map(MapFn.MUL, x, b.fill(F32, (), 0x3F000000))
    b.set_next(x, new)
    bench.keep(b.reduce(ReduceFn.SUM, new), b.reduce(ReduceFn.SUM, x), b.map(MapFn.SUB, x, new))
    bench.check(steps=3)


def test_a_slot_read_across_its_rows_while_it_is_updated_keeps_its_old_words() -> None:
    bench = Bench()
    b = bench.builder
    x = bench.slot(F32, (40, 40))
    b.set_next(x, b.map(MapFn.ADD, x, Strides(x, 0, (1, 40)), shape=(40, 40)))
    y = bench.slot(F32, (2000,))
    b.set_next(y, b.map(MapFn.ADD, Strides(y, 1999, (-1,)), b.map(MapFn.MUL, y, y), shape=(2000,)))
    bench.check(steps=3)


def test_a_new_value_stored_in_place_can_still_be_followed_by_reads_of_the_old_one_in_the_same_chain() -> None:
    bench = Bench()
    b = bench.builder
    p, m = bench.slot(F32, (3000,)), bench.slot(F32, (3000,))
    gradient = bench.constant(F32, (3000,))
    new_m = b.map(MapFn.FMA, m, b.fill(F32, (), 0x3F666666), gradient)
    b.set_next(m, new_m)
    b.set_next(p, b.map(MapFn.SUB, p, b.map(MapFn.ADD, new_m, m)))
    bench.keep(b.map(MapFn.MUL, m, p))
    bench.check(steps=3)


def test_two_slots_may_take_the_same_node() -> None:
    bench = Bench()
    b = bench.builder
    x, y = bench.slot(F32, (100,)), bench.slot(F32, (100,))
    node = b.map(MapFn.ADD, x, y)
    b.set_next(x, node)
    b.set_next(y, node)
    bench.check(steps=3)


def test_slots_of_another_shape_take_a_nodes_words_in_order() -> None:
    bench = Bench()
    x = bench.slot(F32, (4, 6))
    bench.builder.set_next(x, bench.builder.transpose(x).view(4, 6))
    bench.check(steps=3)


def test_nodes_that_nothing_needs_are_still_traced() -> None:
    bench = Bench()
    b = bench.builder
    x = bench.constant(F32, (9, 3))
    b.reduce(ReduceFn.MAX, b.transpose(b.map(MapFn.EXP, x)))
    b.philox((10,), (1, 2), 3)
    bench.check()


def test_a_move_read_in_several_ways_is_the_same_for_all_its_readers() -> None:
    bench = Bench()
    b = bench.builder
    x = bench.slot(F32, (5, 7))
    moved = b.transpose(b.map(MapFn.ADD, x, x))
    bench.keep(
        b.dot(moved, moved), b.reduce(ReduceFn.SUM, moved), b.map(MapFn.ABS, moved), b.transpose(moved), b.reduce(ReduceFn.ARGMAX, moved)
    )
    bench.keep(b.map(MapFn.ADD, moved.view(5, 7), x), b.dot(moved.view(5, 7), x))
    bench.check()


def test_updating_one_entry_by_select_leaves_the_others() -> None:
    bench = Bench()
    b = bench.builder
    history = bench.slot(F32, (100,))
    here = b.map(MapFn.IEQ, b.iota((100,)), bench.step)
    b.set_next(history, b.map(MapFn.SELECT, here, b.fill(F32, (1,), 0x3F800000), history))
    bench.check(steps=5)


def test_a_training_step_has_the_same_state_root_on_every_instruction_set_and_thread_count(monkeypatch: pytest.MonkeyPatch) -> None:
    from touchstone.machine.runtime import instruction_sets

    bench = perceptron()
    program = bench.builder.build()
    roots = set()
    for level in instruction_sets():
        monkeypatch.setenv("TOUCHSTONE_ISA", level)
        for threads in (1, 2, 3):
            machine = NativeMachine(program, bench.constants, threads=threads)
            machine.load(bench.state)
            machine.run(5)
            roots.add(state_root(machine.state()))
    assert len(roots) == 1


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_roots_of_the_slots_are_those_of_their_copies(threads: int, level: str) -> None:
    bench = perceptron()
    machine, reference = (
        NativeMachine(bench.builder.build(), bench.constants, threads),
        ReferenceMachine(bench.builder.build(), bench.constants),
    )
    for each in (machine, reference):
        each.load(bench.state)
    assert machine.slot_roots() == reference.slot_roots() == [tensor_root(slot) for slot in bench.state]
    machine.run(1)
    assert machine.slot_roots() == [tensor_root(slot) for slot in machine.state()]


def test_a_state_can_be_written_to_given_arrays_of_the_declared_types() -> None:
    bench = perceptron(batch=9, hidden=20)
    program = bench.builder.build()
    for machine in (NativeMachine(program, bench.constants), ReferenceMachine(program, bench.constants)):
        machine.load(bench.state)
        arrays = [np.empty_like(slot) for slot in bench.state]
        given = machine.state(arrays)
        for array, same, slot in zip(arrays, given, bench.state, strict=True):
            assert same is array
            assert_same_words(array, slot, "slot")


def test_a_state_is_not_written_to_arrays_of_another_layout() -> None:
    bench = perceptron(batch=9, hidden=20)
    machine = NativeMachine(bench.builder.build(), bench.constants)
    arrays = [np.asfortranarray(slot) for slot in bench.state]
    with pytest.raises(TensorMismatchError, match="contiguous"):
        machine.state(arrays)


def test_a_training_step_follows_the_reference() -> None:
    bench = perceptron(batch=9, hidden=20)
    bench.check(steps=3)


def perceptron(batch: int = 64, hidden: int = 150) -> Bench:
    """Two linear layers, a squared error and its gradients, momentum: the shapes of real work."""
    bench = Bench(1, 0.0)
    b = bench.builder
    data, order = bench.constant(F32, (100, 30)), bench.constant(I32, (20, batch), (np.arange(20 * batch) % 100).astype(np.uint32))
    x = b.gather(data, b.gather(order, bench.step).view(batch))
    w1, b1 = bench.slot(F32, (hidden, 30)), bench.slot(F32, (hidden,))
    w2 = bench.slot(F32, (30, hidden))
    m1, mb, m2 = bench.slot(F32, (hidden, 30)), bench.slot(F32, (hidden,)), bench.slot(F32, (30, hidden))
    zero, scale, rate = b.fill(F32, (), 0), b.fill(F32, (), 0x3A83126F), b.fill(F32, (), 0xBA83126F)
    h = b.map(MapFn.MAX, b.map(MapFn.ADD, b.dot(x, w1), b1), zero)
    error = b.map(MapFn.MUL, b.map(MapFn.SUB, b.dot(h, w2), x), scale)
    g2 = b.dot(b.transpose(error), b.transpose(h))
    gh = b.map(MapFn.SELECT, b.map(MapFn.LT, zero, h), b.dot(error, b.transpose(w2)), zero)
    g1 = b.dot(b.transpose(gh), b.transpose(x))
    gb = b.reduce(ReduceFn.SUM, b.transpose(gh))
    for parameter, moment, gradient in ((w1, m1, g1), (b1, mb, gb), (w2, m2, g2)):
        moved = b.map(MapFn.FMA, moment, b.fill(F32, (), 0x3F666666), gradient)
        b.set_next(moment, moved)
        b.set_next(parameter, b.map(MapFn.FMA, moved, rate, parameter))
    return bench


def test_loading_a_state_starts_again_from_it() -> None:
    bench = perceptron(batch=9, hidden=20)
    machine = NativeMachine(bench.builder.build(), bench.constants)
    machine.load(bench.state)
    machine.run(2)
    middle = machine.state()
    machine.run(2)
    end = machine.state()
    machine.load(middle)
    machine.run(2)
    for again, once in zip(machine.state(), end, strict=True):
        assert_same_words(again, once, "state after loading")
