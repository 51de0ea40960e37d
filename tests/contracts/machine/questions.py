"""Questions to the referee, with their proofs, and ways to spoil them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.contracts.machine.calls import call, refusal_of
from touchstone.commitment.merkle import Tree, sha256
from touchstone.commitment.replay import Replay
from touchstone.dispute.moves import Read
from touchstone.dispute.proof import element_reads
from touchstone.dispute.truth import Truth
from touchstone.machine.program import Kind, Program, Ref
from touchstone.machine.reference import ReferenceMachine
from touchstone.machine.workload import Array


@dataclass(frozen=True)
class Question:
    """Arguments of ``IReferee.recompute``, and the program's records, to change them."""

    records: tuple[bytes, ...]
    counts: tuple[int, int, int]
    roots: tuple[bytes, bytes, bytes]
    node: int
    element: int
    reads: tuple[Read, ...]
    record: bytes | None = None
    record_path: tuple[bytes, ...] | None = None

    @property
    def place(self) -> int:
        """Leaf of the node's record in the program tree."""
        return 1 + self.counts[0] + self.counts[1] + self.node

    def arguments(self) -> tuple[Any, ...]:
        """As the contract's binding takes them."""
        tree = Tree([sha256(record) for record in self.records])
        context = (tree.root, *self.roots, *self.counts, self.node)
        record = self.records[self.place] if self.record is None else self.record
        path = tree.path(self.place) if self.record_path is None else self.record_path
        reads = [(read.tensor_root, read.path, read.data, read.siblings) for read in self.reads]
        return context, self.element, record, path, reads

    def with_words(self, words: dict[int, int]) -> Question:
        """The same about a program whose record of this node has other words."""
        record = self.records[self.place]
        for word, value in words.items():
            record = record[: 4 * word] + (value & 0xFFFFFFFF).to_bytes(4, "big") + record[4 * word + 4 :]
        return replace(self, records=(*self.records[: self.place], record, *self.records[self.place + 1 :]))

    def with_read(self, number: int, **changes: Any) -> Question:
        """The same with some fields of one read changed."""
        changed = replace(self.reads[number], **changes)
        return replace(self, reads=(*self.reads[:number], changed, *self.reads[number + 1 :]))


def truth_of(program: Program, state: Sequence[Array], constants: Sequence[Array], steps: int = 1) -> Truth:
    """The reference's view of a few steps."""
    return Truth(program, constants, Replay(ReferenceMachine(program, constants), state, steps))


def question(truth: Truth, node: int, element: int, step: int = 0) -> Question:
    """An honest question about one element."""
    program = truth.program
    places = range(1 + len(program.slots) + len(program.constants) + len(program.nodes))
    return Question(
        records=tuple(truth._records[place] for place in places),
        counts=(len(program.slots), len(program.constants), len(program.nodes)),
        roots=(truth.constants_tree.root, truth.state_root(step), truth.trace(step).prefix_root(node)),
        node=node,
        element=element,
        reads=element_reads(truth, step, node, element),
    )


def answer(truth: Truth, node: int, element: int, step: int = 0) -> int:
    """What the reference computed for it."""
    return int(truth.tensor(step, Ref(Kind.NODE, node)).words[element])


def ask(referee: Any, asked: Question) -> int:
    """The referee's word."""
    return int.from_bytes(call(referee, "recompute", *asked.arguments()), "big")


def refusal(referee: Any, asked: Question) -> str:
    """Name of the error by which the referee refuses to answer."""
    return refusal_of(referee, "recompute", *asked.arguments())
