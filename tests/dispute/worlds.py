"""Runs of random programs, honest or with a fault, that record everything: small enough to play thousands of disputes on."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tests.machine.programs import Case, random_case
from touchstone.commitment.roots import CHUNK_WORDS, seal, state_root, tensor_root
from touchstone.dispute.state import Claim
from touchstone.dispute.truth import Truth
from touchstone.machine.program import Kind, Node, Program, Ref
from touchstone.machine.reference import evaluate
from touchstone.machine.workload import Array

SOLVER = "0x" + "11" * 20
CHALLENGER = "0x" + "22" * 20
ARBITRABLE = "0x" + "33" * 20
CLOCK, INCREMENT = 1000, 10
JOB, INTERVAL = 7, 3

Words = npt.NDArray[np.uint32]
Fault = Callable[[int, Ref, Words], Words]
"""``fault(step, ref, words)``: the words that a cheater's node gives in ``step``, or that a slot has after it. May append junk padding."""


def honest(step: int, ref: Ref, words: Words) -> Words:
    return words


@dataclass
class Recording:
    """A ``truth.Replay`` that keeps every state and every output."""

    states: list[list[Words]]
    outputs: list[list[Words]] = field(default_factory=list)
    _roots: dict[int, bytes] = field(default_factory=dict)
    _node_roots: dict[int, list[bytes]] = field(default_factory=dict)

    def state_root(self, step: int) -> bytes:
        if step not in self._roots:
            self._roots[step] = state_root(self.states[step])
        return self._roots[step]

    def state(self, step: int) -> list[Array]:
        return [words.view(np.int32) for words in self.states[step]]

    def node_roots(self, step: int) -> list[bytes]:
        if step not in self._node_roots:
            self._node_roots[step] = [tensor_root(words) for words in self.outputs[step]]
        return self._node_roots[step]

    def node_output(self, step: int, node: int) -> Array:
        return self.outputs[step][node].view(np.int32)


@lru_cache(maxsize=50_000)
def _evaluated(node: Node, operands: tuple[bytes, ...]) -> Words:
    """Most of what a faulty run computes is what the honest run computed."""
    return evaluate(node, [np.frombuffer(operand, dtype=np.uint32) for operand in operands])


def record(
    program: Program, constants: Sequence[Array], start: Sequence[Array], steps: int, fault: Fault = honest, like: Recording | None = None
) -> Recording:
    """Runs ``steps`` steps. What a fault changes, later nodes and steps read; junk padding is recorded but never read.

    Args:
        like: the honest run, whose very arrays are taken where nothing a node reads has changed.
    """
    flat = [np.ascontiguousarray(c).reshape(-1).view(np.uint32) for c in constants]
    state = like.states[0] if like else [np.ascontiguousarray(s).reshape(-1).view(np.uint32) for s in start]
    recording = Recording([state])
    for step in range(steps):
        outputs: list[Words] = []
        read = {Kind.SLOT: state, Kind.CONSTANT: flat, Kind.NODE: outputs}
        known = {Kind.SLOT: like.states[step], Kind.CONSTANT: flat, Kind.NODE: like.outputs[step]} if like else read
        for index, node in enumerate(program.nodes):
            refs = [operand.ref for operand in node.operands]
            if like and all(read[ref.kind][ref.index] is known[ref.kind][ref.index] for ref in refs):
                words = like.outputs[step][index]
            else:
                words = _evaluated(node, tuple(read[ref.kind][ref.index][: program.type_of(ref).size].tobytes() for ref in refs))
                if like and np.array_equal(words, like.outputs[step][index]):  # the fault has no effect on this node
                    words = like.outputs[step][index]
            outputs.append(fault(step, Ref(Kind.NODE, index), words))
        following = []
        for index, slot in enumerate(program.slots):
            source = state if slot.next.kind is Kind.SLOT else outputs
            following.append(fault(step, Ref(Kind.SLOT, index), source[slot.next.index]))
        recording.outputs.append(outputs)
        recording.states.append(following)
        state = following
    return recording


@dataclass(frozen=True)
class World:
    """An interval of a program and its honest recording."""

    case: Case
    steps: int
    truth: Truth

    def claim(self, target: bytes | None = None, is_seal: bool = False) -> Claim:
        """A claim about the interval; right unless ``target`` is given."""
        if target is None:
            target = self.seal(self.truth.state_root(self.steps - 1)) if is_seal else self.truth.state_root(self.steps)
        roots = (self.truth.program_tree.root, self.truth.constants_tree.root, self.truth.state_root(0))
        return Claim(*roots, target, JOB, INTERVAL, self.steps, is_seal, SOLVER, CHALLENGER, CLOCK, INCREMENT)

    def seal(self, root: bytes) -> bytes:
        return seal(JOB, INTERVAL, root)

    def with_fault(self, fault: Fault) -> Truth:
        """The view of a cheater who runs the same interval with a fault."""
        case = self.case
        assert isinstance(self.truth.replay, Recording)
        return _seen_by(self.truth, record(case.program, case.constants, case.state, self.steps, fault, self.truth.replay))


def _seen_by(truth: Truth, replay: Recording) -> Truth:
    """The view of another run of the same program, whose trees are not built again."""
    view = copy.copy(truth)
    view.replay = replay
    view.trace, view.output = lru_cache(maxsize=1)(view._trace), lru_cache(maxsize=1)(view._output)
    view.slot_tree = lru_cache(maxsize=2)(view._slot_tree)
    return view


@lru_cache(maxsize=256)
def world(seed: int, nodes: int = 6, max_elements: int = 1500) -> World:
    """A random world; the same for the same seed."""
    rng = random.Random(seed)
    steps = rng.randint(2, 7)
    return of_case(random_case(seed, nodes=nodes, max_elements=max_elements), steps)


def of_case(case: Case, steps: int) -> World:
    recording = record(case.program, case.constants, case.state, steps)
    return World(case, steps, Truth(case.program, case.constants, recording))


def flipped(words: Words, index: int, mask: int = 1) -> Words:
    """A copy with bits of one word flipped; ``index`` may lie in the padding."""
    if index >= words.size:
        words = np.concatenate([words, np.zeros(-words.size % CHUNK_WORDS, dtype=np.uint32)])
    changed = words.copy()
    changed[index] ^= mask
    return changed


def flip(step: int, ref: Ref, index: int, mask: int = 1) -> Fault:
    """A fault that flips bits of one word of one node output or slot in one step."""

    def fault(at: int, of: Ref, words: Words) -> Words:
        return flipped(words, index, mask) if (at, of) == (step, ref) else words

    return fault
