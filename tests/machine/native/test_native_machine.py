"""What the native machine does with wrong input, interrupted traces and a hostile environment."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.machine.native.compare import F32, I32, Bench, assert_same_words
from touchstone.errors import InvalidProgramError, TouchstoneError
from touchstone.machine.executor import TensorMismatchError
from touchstone.machine.native import build, library
from touchstone.machine.program import Kind, MapFn, Op, Program, ReduceFn, Ref, Strided
from touchstone.machine.runtime import NativeMachine, NativeRuntimeError, instruction_set, instruction_sets
from touchstone.machine.workload import Array


def small() -> Bench:
    bench = Bench(0, 0.0)
    x = bench.slot(F32, (4, 5))
    bench.builder.set_next(x, bench.builder.map(MapFn.ADD, x, bench.constant(F32, (5,))))
    return bench


def machine_of(bench: Bench, threads: int = 0) -> NativeMachine:
    machine = NativeMachine(bench.builder.build(), bench.constants, threads)
    machine.load(bench.state)
    return machine


def test_constants_of_another_dtype_shape_or_number_are_refused() -> None:
    bench = small()
    program, constant = bench.builder.build(), bench.constants[0]
    for wrong in ([], [constant, constant], [constant.astype(np.float64)], [constant.reshape(1, 5)], [constant.view(np.int32)]):
        with pytest.raises(TensorMismatchError):
            NativeMachine(program, wrong)


def test_a_state_of_another_dtype_or_shape_is_refused_and_changes_nothing() -> None:
    bench = small()
    machine = machine_of(bench)
    with pytest.raises(TensorMismatchError, match=r"slot 1 is float64 \[4, 5\], the program declares float32 \[4, 5\]"):
        machine.load([bench.state[0], bench.state[1].astype(np.float64)])  # type: ignore[list-item]
    assert_same_words(machine.state()[1], bench.state[1], "state")


def test_arrays_that_are_not_contiguous_are_read_in_their_order() -> None:
    bench = small()
    machine = machine_of(bench)
    machine.load([bench.state[0], np.asfortranarray(bench.state[1])])
    assert_same_words(machine.state()[1], bench.state[1], "state")


def broken(program: Program, **changes: object) -> Program:
    return replace(program, nodes=(*program.nodes[:-1], replace(program.nodes[-1], **changes)))  # type: ignore[arg-type]


def test_a_program_that_would_read_outside_its_tensors_is_refused() -> None:
    bench = small()
    program = bench.builder.build()
    node = program.nodes[-1]
    outside = replace(node.operands[0], strided=Strided(1, (5, 1)))
    below = replace(node.operands[0], strided=Strided(0, (5, -1)))
    later = replace(node.operands[0], ref=Ref(Kind.NODE, len(program.nodes) - 1))
    missing = replace(node.operands[1], ref=Ref(Kind.CONSTANT, 7))
    wrong = [
        broken(program, operands=(outside, node.operands[1])),
        broken(program, operands=(below, node.operands[1])),
        broken(program, operands=(later, node.operands[1])),
        broken(program, operands=(node.operands[0], missing)),
        broken(program, operands=node.operands[:1]),
        broken(program, fn=63),
        broken(program, op=Op.DOT, fn=0),
    ]
    for bad in wrong:
        with pytest.raises(InvalidProgramError, match="refuses the program"):
            NativeMachine(bad, bench.constants)


def test_a_trace_shows_read_only_outputs() -> None:
    machine = machine_of(small())

    def write(_: int, output: Array) -> None:
        output.reshape(-1)[0] = 1

    with pytest.raises(ValueError, match="read-only"):
        machine.trace(write)


def test_an_exception_ends_the_trace_and_leaves_the_state_as_it_was() -> None:
    bench = small()
    machine = machine_of(bench)
    seen: list[int] = []

    def fail(index: int, _: Array) -> None:
        seen.append(index)
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        machine.trace(fail)
    assert seen == [0]
    for actual, before in zip(machine.state(), bench.state, strict=True):
        assert_same_words(actual, before, "state")


def test_running_no_steps_changes_nothing() -> None:
    bench = small()
    machine = machine_of(bench)
    machine.run(0)
    assert_same_words(machine.state()[1], bench.state[1], "state")


class StoppedError(Exception):
    pass


def test_a_signal_takes_effect_between_two_steps() -> None:
    def interrupt(*_: object) -> None:
        raise StoppedError

    bench = small()
    machine = machine_of(bench)
    before = signal.signal(signal.SIGUSR1, interrupt)
    timer = threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGUSR1))
    timer.start()
    try:
        with pytest.raises(StoppedError):
            machine.run(10**12)
    finally:
        signal.signal(signal.SIGUSR1, before)
    stopped = machine.state()
    steps = int(stopped[0][0]) - int(bench.state[0][0])
    again = machine_of(bench)
    again.run(steps)
    for a, b in zip(stopped, again.state(), strict=True):
        assert_same_words(a, b, "state")


def test_flush_to_zero_switched_on_by_others_changes_no_bit() -> None:
    torch = pytest.importorskip("torch")
    bench = Bench(0, 0.0)
    tiny = bench.constant(F32, (50, 60), np.arange(3000, dtype=np.uint32) + 1)
    one = bench.constant(F32, (50, 60), np.full(3000, 0x3F800000, dtype=np.uint32))
    b = bench.builder
    bench.keep(b.map(MapFn.ADD, tiny, tiny), b.dot(tiny, one), b.reduce(ReduceFn.SUM, tiny))
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor cannot flush subnormals to zero")
    try:
        machines = [machine_of(bench, threads) for threads in (1, 2)]
        for machine in machines:
            machine.run(1)
    finally:
        torch.set_flush_denormal(False)
    bench.check(steps=1)
    expected = machine_of(bench)
    expected.run(1)
    for machine in machines:
        for actual, wanted in zip(machine.state(), expected.state(), strict=True):
            assert_same_words(actual, wanted, "state")


def test_machines_in_several_threads_do_not_disturb_one_another() -> None:
    bench = Bench(0, 0.0)
    x = bench.slot(F32, (70, 70))
    b = bench.builder
    b.set_next(x, b.map(MapFn.MUL, b.dot(x, b.transpose(x)), b.fill(F32, (), 0x3C000000)))
    expected = machine_of(bench, threads=1)
    expected.run(50)
    machines = [machine_of(bench, threads=2) for _ in range(3)]
    workers = [threading.Thread(target=machine.run, args=(50,)) for machine in machines]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for machine in machines:
        assert_same_words(machine.state()[1], expected.state()[1], "state")


def test_a_forked_process_can_go_on_with_a_machine() -> None:
    bench = Bench(0, 0.0)
    x = bench.slot(F32, (300, 300))
    b = bench.builder
    b.set_next(x, b.map(MapFn.MUL, b.dot(x, b.transpose(x)), b.fill(F32, (), 0x3C000000)))
    machine = machine_of(bench, threads=2)
    machine.run(1)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        machine.run(1)
        os.write(writer, machine.state()[1].tobytes()[:64])
        os._exit(0)
    os.waitpid(child, 0)
    machine.run(1)
    assert os.read(reader, 64) == machine.state()[1].tobytes()[:64]
    os.close(reader)
    os.close(writer)


def test_the_named_instruction_set_is_used_and_an_unknown_name_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in instruction_sets():
        monkeypatch.setenv("TOUCHSTONE_ISA", name)
        assert instruction_set() == name
    monkeypatch.setenv("TOUCHSTONE_ISA", "mmx")
    assert instruction_set() == instruction_sets()[0]
    assert instruction_sets()[-1] == "base"


def test_memory_is_the_state_and_what_lies_between() -> None:
    bench = Bench(0, 0.0)
    x = bench.slot(F32, (1000, 10))
    b = bench.builder
    product, total = b.dot(x, x), b.reduce(ReduceFn.SUM, b.dot(b.map(MapFn.NEG, x), x))
    b.set_next(x, b.map(MapFn.ADD, x, x))  # in place
    assert machine_of(bench).memory_bytes == 4 * (1 + 10_000)
    bench.keep(product)  # written straight into its slot
    assert machine_of(bench).memory_bytes == 4 * (1 + 10_000 + 1_000_000)
    bench.keep(total)
    assert machine_of(bench).memory_bytes >= 4 * (1 + 10_000 + 1_000_000 + 1_000_000)


def test_a_missing_library_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(library, "LIBRARY_PATH", tmp_path / "libtouchstone.so")
    library.library.cache_clear()
    try:
        with pytest.raises(NativeRuntimeError, match="make native") as raised:
            instruction_set()
        (tmp_path / "libtouchstone.so").write_bytes(b"not a library")
        with pytest.raises(NativeRuntimeError, match="cannot be loaded"):
            instruction_set()
    finally:
        monkeypatch.undo()
        library.library.cache_clear()
    assert isinstance(raised.value, TouchstoneError)
    assert "\n" not in str(raised.value)


def test_a_missing_or_failing_compiler_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CXX", str(tmp_path / "no-such-compiler"))
    with pytest.raises(build.CompilerError, match="set CXX to a working one"):
        build.build(tmp_path / "out.so")
    monkeypatch.setenv("CXX", "false")
    with pytest.raises(build.CompilerError, match="failed"):
        build.build(tmp_path / "out.so")
    monkeypatch.delenv("CXX")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(build.CompilerError, match="no C\\+\\+ compiler was found"):
        build.build(tmp_path / "out.so")
    assert not (tmp_path / "out.so").exists()


def test_a_library_newer_than_its_sources_is_not_compiled_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    target = tmp_path / "out.so"
    target.write_bytes(b"compiled")
    monkeypatch.setenv("CXX", "false")
    assert build.build(target).read_bytes() == b"compiled"
    os.utime(target, (1, 1))
    with pytest.raises(build.CompilerError):
        build.build(target)


def test_i32_constants_reach_the_machine_unchanged() -> None:
    bench = Bench(0)
    bench.keep(bench.builder.map(MapFn.IADD, bench.constant(I32, (7,)), bench.constant(I32, (7,))))
    bench.check(steps=1)
