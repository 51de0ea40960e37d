"""Dishonest machines for the demo and the tests: they change what one step computes, and stand by it in every dispute.

A fault never touches the honest code: it wraps the machine that a role is given. The wrapped machine lies consistently, in its states
and in its traces, so that its liar plays the best game there is.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from touchstone.commitment.roots import state_root
from touchstone.machine.executor import Executor, NodeSink
from touchstone.machine.program import DType, Kind, Program
from touchstone.machine.workload import Array, Workload
from touchstone.roles.training import ExecutorFactory

Change = Callable[[Array, Array], Array]
"""From an honest new value of a slot, and its old value, to a false new value of the same shape."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong: at ``step``, the new values of the slots that nodes ``nodes`` feed are changed."""

    step: int
    nodes: frozenset[int]
    change: Change
    description: str


class FaultyMachine:
    """An executor that is honest but for one step."""

    def __init__(self, machine: Executor, fault: Fault) -> None:
        self.machine = machine
        self.program = machine.program
        self.fault = fault
        self._step = 0

    def load(self, state: Sequence[Array]) -> None:
        """As the machine below; the step is read off slot 0."""
        self.machine.load(state)
        self._step = int(state[0].reshape(-1)[0])

    def run(self, steps: int) -> None:
        """Run, with the fault where it falls."""
        before = self.fault.step - self._step
        if not 0 <= before < steps:
            self._run(steps)
            return
        self._run(before)
        self._fall()
        self._run(steps - before - 1)

    def state(self, into: Sequence[Array] | None = None) -> list[Array]:
        """As the machine below."""
        return self.machine.state(into)

    def slot_roots(self) -> list[bytes]:
        """As the machine below."""
        return self.machine.slot_roots()

    def hash_blocks(self, buffer: Any, block_bytes: int) -> list[bytes]:
        """As the machine below."""
        return self.machine.hash_blocks(buffer, block_bytes)

    def trace(self, sink: NodeSink) -> None:
        """Trace one step; at the faulty one, the changed outputs are shown."""
        if self._step != self.fault.step:
            self.machine.trace(sink)
            self._step += 1
            return
        old = self.machine.state()

        def lie(node: int, output: Array) -> None:
            sink(node, self._changed(node, output, old) if node in self.fault.nodes else output)

        self.machine.trace(lie)
        self._falsify(old)

    def _run(self, steps: int) -> None:
        self.machine.run(steps)
        self._step += steps

    def _fall(self) -> None:
        old = self.machine.state()
        self.machine.run(1)
        self._falsify(old)

    def _falsify(self, old: Sequence[Array]) -> None:
        """Change the state after the faulty step as the trace shows it."""
        state = self.machine.state()
        for index, slot in enumerate(self.program.slots):
            if slot.next.kind is Kind.NODE and slot.next.index in self.fault.nodes:
                state[index] = self._changed(slot.next.index, state[index], old).reshape(slot.type.shape)
        self.machine.load(state)
        self._step += 1

    def _changed(self, node: int, output: Array, old: Sequence[Array]) -> Array:
        slot = next(i for i, each in enumerate(self.program.slots) if each.next.kind is Kind.NODE and each.next.index == node)
        return self.fault.change(output.copy(), old[slot].reshape(output.shape))


def bit_flip(program: Program, steps: int, seed: int, slots: Sequence[int] = ()) -> Fault:
    """Flips one random bit of one random element of one of ``slots`` (by default, of the largest f32 slots) at one random step."""
    choice = random.Random(seed)
    slot = program.slots[choice.choice(list(slots) or _largest(program))]
    step, word, bit = choice.randrange(steps), choice.randrange(slot.type.size), choice.randrange(32)

    def change(new: Array, _old: Array) -> Array:
        new.reshape(-1).view(np.uint32)[word] ^= np.uint32(1 << bit)
        return new

    return Fault(step, frozenset({slot.next.index}), change, f"flips bit {bit} of word {word} of a weight at step {step} (seed {seed})")


def skipped_step(program: Program, steps: int, seed: int, _slots: Sequence[int] = ()) -> Fault:
    """Leaves out the work of one random step: every slot but the counter keeps its value."""
    step = random.Random(seed).randrange(steps)
    counter = program.slots[0].next
    nodes = {slot.next.index for slot in program.slots if slot.next.kind is Kind.NODE and slot.next != counter}
    return Fault(step, frozenset(nodes), lambda _new, old: old.copy(), f"skips the work of step {step} (seed {seed})")


def _largest(program: Program) -> list[int]:
    sizes = {i: slot.type.size for i, slot in enumerate(program.slots) if slot.next.kind is Kind.NODE and slot.type.dtype is DType.F32}
    return [index for index, size in sizes.items() if size == max(sizes.values())]


FAULTS = {"flip": bit_flip, "skip": skipped_step}


def weights(workload: Workload) -> tuple[int, ...]:
    """Numbers of the slots that hold the model's parameters."""
    return tuple(index for index, name in enumerate(workload.slot_names) if name.startswith("param:"))


def effective_fault(
    workload: Workload, kind: str, seed: int, interval_steps: int, make_executor: ExecutorFactory, slots: Sequence[int] = ()
) -> tuple[int, Fault]:
    """The first seed from ``seed`` on whose fault (in ``slots``; the weights by default) changes the committed root of its interval.

    A fault may change nothing: a low bit that the next update rounds away, or a step that would not have moved the weights.
    """
    for candidate in count(seed):
        fault = FAULTS[kind](workload.program, workload.steps, candidate, slots or weights(workload))
        end = min(workload.steps, (fault.step // interval_steps + 1) * interval_steps)
        honest = make_executor(workload.program, workload.constants)
        false = FaultyMachine(make_executor(workload.program, workload.constants), fault)
        for machine in (honest, false):
            machine.load(workload.state)
            machine.run(end)
        if state_root(honest.state()) != state_root(false.state()):
            return candidate, fault
    raise AssertionError("there is always another seed")
