"""Runs with one planted error each, at every kind of place of a program."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from tests.dispute.worlds import World, flip
from touchstone.commitment.roots import CHUNK_WORDS
from touchstone.dispute.state import Claim
from touchstone.dispute.truth import Truth
from touchstone.machine.program import Kind, Op, Program, Ref

TRIES = 200


@dataclass(frozen=True)
class Planted:
    """A cheater's run and where its error is."""

    name: str
    step: int
    ref: Ref
    index: int
    truth: Truth
    is_seal: bool = False

    def claim(self, world: World) -> Claim:
        """What a solver who ran this commits."""
        end = world.steps - 1 if self.is_seal else world.steps
        root = self.truth.state_root(end)
        return world.claim(world.seal(root) if self.is_seal else root, self.is_seal)


def plant(world: World, name: str, step: int, ref: Ref, padding: bool = False, is_seal: bool = False) -> Planted:
    """Flips bits of some word of ``ref`` in ``step`` such that the committed root changes."""
    rng = random.Random(name)
    size = world.case.program.type_of(ref).size
    end = world.steps - 1 if is_seal else world.steps
    for _ in range(TRIES):
        index = rng.randrange(size, -(-size // CHUNK_WORDS) * CHUNK_WORDS) if padding else rng.randrange(size)
        truth = world.with_fault(flip(step, ref, index, rng.choice((1, 2, 1 << 23, 1 << 30, 0x7FFFFF))))
        if truth.state_root(end) != world.truth.state_root(end):
            return Planted(name, step, ref, index, truth, is_seal)
    raise AssertionError(f"no error planted at {name} changes the committed root")


def function_name(program: Program, node: int) -> str:
    described = program.nodes[node]
    return f"{described.op.name} {described.fn}"


def every_function(world: World) -> Iterator[Planted]:
    """One error in each operator and function of the program, alternately in the first, a middle and the last step."""
    program = world.case.program
    seen: set[str] = set()
    for node in range(len(program.nodes)):
        name = function_name(program, node)
        if name not in seen:
            step = (0, world.steps // 2, world.steps - 1)[len(seen) % 3]
            seen.add(name)
            yield plant(world, f"{name} (node {node}) in step {step}", step, Ref(Kind.NODE, node))


def special_places(world: World) -> Iterator[Planted]:
    """Slot copies, the order of samples, padding, the ends of the interval, and the seal."""
    program, last = world.case.program, world.steps - 1
    copied = next(i for i, slot in enumerate(program.slots) if slot.next.kind is Kind.NODE and slot.type.size > 1)
    kept = next(i for i, slot in enumerate(program.slots) if slot.next == Ref(Kind.SLOT, i))
    moved = next(i for i, slot in enumerate(program.slots) if slot.next.kind is Kind.SLOT and slot.next.index != i)
    yield plant(world, "copy of a node into a slot", 1, Ref(Kind.SLOT, copied))
    yield plant(world, "copy of a slot into itself", last, Ref(Kind.SLOT, kept))
    yield plant(world, "copy of a slot into another", last, Ref(Kind.SLOT, moved))
    order = next(i for i, node in enumerate(program.nodes) if node.op is Op.GATHER)
    yield plant(world, "order of the samples", 2, Ref(Kind.NODE, order))
    padded = [s.next for s in program.slots if s.next.kind is Kind.NODE and s.type.size % CHUNK_WORDS > 1]
    yield plant(world, "padding of an output", last, padded[0], padding=True)
    large = [ref for ref in padded if program.type_of(ref).size > CHUNK_WORDS]
    yield plant(world, "padding of an output of several chunks", last, large[0], padding=True)
    several = next(ref for ref in _nodes_by_size(program) if program.type_of(ref).size > 2 * CHUNK_WORDS)
    yield plant(world, "an output of several chunks in the first step", 0, several)
    yield plant(world, "an output of several chunks in the last step", last, several)
    yield plant(world, "seal over a wrong state", last - 1, several, is_seal=True)
    yield plant(world, "seal over a wrong state from the first step on", 0, Ref(Kind.NODE, order), is_seal=True)


def _nodes_by_size(program: Program) -> list[Ref]:
    refs = [Ref(Kind.NODE, i) for i in range(len(program.nodes))]
    return sorted(refs, key=lambda ref: -program.type_of(ref).size)
