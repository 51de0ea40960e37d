"""Holds the native runtime against the reference, word by word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.machine.words import Words, float_words, integer_words
from touchstone.machine import validity
from touchstone.machine.builder import Builder, Shape, Value
from touchstone.machine.program import DType, MapFn, Program
from touchstone.machine.reference import ReferenceMachine
from touchstone.machine.runtime import NativeMachine
from touchstone.machine.workload import Array

F32, I32 = DType.F32, DType.I32
THREADS = (1, 2)


class Bench:
    """A program under construction together with its data. Every result that is kept becomes a slot's next value, so `run` computes it."""

    def __init__(self, seed: int = 0, specials: float = 0.1) -> None:
        self.builder = Builder()
        self.rng = np.random.default_rng(seed)
        self.specials = specials
        self.step = self.builder.slot(I32, (1,))
        self.state: list[Array] = [np.array([3], dtype=np.int32)]
        self.constants: list[Array] = []
        self.builder.set_next(self.step, self.builder.map(MapFn.IADD, self.step, self.builder.fill(I32, (1,), 1)))

    def constant(self, dtype: DType, shape: Shape, words: Words | None = None) -> Value:
        """A constant of random words, or of those given."""
        self.constants.append(self._tensor(dtype, shape, words))
        return self.builder.constant(dtype, shape)

    def slot(self, dtype: DType, shape: Shape, words: Words | None = None) -> Value:
        """A slot of random words, or of those given."""
        self.state.append(self._tensor(dtype, shape, words))
        return self.builder.slot(dtype, shape)

    def keep(self, *values: Value) -> None:
        """Give each value a slot that takes it after the step."""
        for value in values:
            slot = self.slot(value.type.dtype, value.shape)
            self.builder.set_next(slot, value)

    def check(self, steps: int = 2, threads: Sequence[int] = THREADS) -> None:
        """`run` and `trace` of the native machine agree with the reference."""
        program = self.builder.build()
        validity.check(program)
        for count in threads:
            assert_same_bits(program, self.state, self.constants, steps, count)

    def _tensor(self, dtype: DType, shape: Shape, words: Words | None) -> Array:
        size = int(np.prod(shape, dtype=np.int64))
        if words is None:
            words = (float_words if dtype is F32 else integer_words)(self.rng, size, self.specials)
        return words.view(np.float32 if dtype is F32 else np.int32).reshape(shape)


def words_of(array: Array) -> Words:
    """The array's words, flat; comparing these tells NaN payloads and signs of zero apart."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint32)


def assert_same_words(actual: Array, expected: Array, what: str) -> None:
    """Fails with the first differing word."""
    a, e = words_of(actual), words_of(expected)
    assert a.shape == e.shape, what
    different = np.flatnonzero(a != e)
    if different.size:
        at = int(different[0])
        raise AssertionError(f"{what}: {different.size} of {a.size} words differ, first at {at}: {a[at]:08x}, expected {e[at]:08x}")


def assert_same_bits(program: Program, state: Sequence[Array], constants: Sequence[Array], steps: int, threads: int) -> None:
    """`run` and `trace` of the native machine agree with the reference on every node's output and every slot, for ``steps`` steps."""
    reference = ReferenceMachine(program, constants)
    running, tracing = (NativeMachine(program, constants, threads=threads) for _ in range(2))
    for machine in (reference, running, tracing):
        machine.load(state)
    for step in range(steps):
        expected: list[Array] = []
        reference.trace(lambda _, output, to=expected: to.append(output.copy()))  # type: ignore[misc]
        seen: list[int] = []

        def compare(index: int, output: Array, outputs: list[Array] = expected, order: list[int] = seen, step: int = step) -> None:
            node = program.nodes[index]
            assert output.shape == node.type.shape
            assert_same_words(output, outputs[index], f"step {step}, node {index} ({node.op.name} {node.fn}) of trace, {threads} threads")
            order.append(index)

        tracing.trace(compare)
        assert seen == list(range(len(program.nodes)))
        running.run(1)
        for name, machine in (("run", running), ("trace", tracing)):
            for slot, (actual, wanted) in enumerate(zip(machine.state(), reference.state(), strict=True)):
                assert_same_words(actual, wanted, f"step {step}, slot {slot} after {name}, {threads} threads")
