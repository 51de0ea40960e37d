"""What one's own replay says about a disputed interval: every root, path and chunk that a move or a proof needs.

Nothing here holds a trace: of one step at a time the node roots are kept, of one node at a time the output.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from touchstone.commitment.merkle import Tree
from touchstone.commitment.roots import CHUNK_BYTES, CHUNK_WORDS, TraceTree, chunk_leaves, program_tree, records, tensor_root
from touchstone.dispute.moves import Record
from touchstone.dispute.records import trimmed
from touchstone.machine.program import Kind, Program, Ref
from touchstone.machine.workload import Array


class Replay(Protocol):
    """Re-runs one interval; step 0 is its start. ``commitment.replay.Replay`` is one."""

    def state_root(self, step: int) -> bytes:
        """Root of the state before step ``step`` (after the last step for the number of steps)."""

    def state(self, step: int) -> list[Array]:
        """That state, in slot order."""

    def node_roots(self, step: int) -> list[bytes]:
        """Output roots of all nodes of step ``step``."""

    def node_output(self, step: int, node: int) -> Array:
        """Output of one node of step ``step``."""


class Tensor:
    """A tensor's words and the tree over its chunks."""

    def __init__(self, array: Array) -> None:
        self.words: npt.NDArray[np.uint32] = np.ascontiguousarray(array).reshape(-1).view(np.uint32)
        self.tree = Tree(chunk_leaves(array))

    def chunks(self, first: int, count: int) -> bytes:
        """Bytes of ``count`` whole chunks from number ``first``, the tensor's last padded with zeros."""
        words = self.words[first * CHUNK_WORDS : (first + count) * CHUNK_WORDS]
        return words.astype("<u4", copy=False).tobytes().ljust(count * CHUNK_BYTES, b"\0")


class Truth:
    """The honest view of an interval.

    Args:
        program: the disputed program.
        constants: its constants, in order.
        replay: of the interval, from the state root both sides accept.
    """

    def __init__(self, program: Program, constants: Sequence[Array], replay: Replay) -> None:
        self.program = program
        self.replay = replay
        self.program_tree = program_tree(program)
        self._records = records(program)
        self._constants = constants
        self.constants_tree = Tree([tensor_root(constant) for constant in constants])
        self.trace = lru_cache(maxsize=1)(self._trace)
        self.slot_tree = lru_cache(maxsize=2)(self._slot_tree)
        self.output = lru_cache(maxsize=1)(self._output)

    def state_root(self, step: int) -> bytes:
        """S(step), from the start of the interval."""
        return self.replay.state_root(step)

    def tensor(self, step: int, ref: Ref) -> Tensor:
        """What ``ref`` points at when step ``step`` runs."""
        if ref.kind is Kind.CONSTANT:
            return Tensor(self._constants[ref.index])
        if ref.kind is Kind.SLOT:
            return Tensor(self.replay.state(step)[ref.index])
        return Tensor(self.replay.node_output(step, ref.index))

    def header(self) -> Record:
        """Record 0 of the program."""
        return self._record(0)

    def record(self, ref: Ref) -> Record:
        """The record that declares ``ref``."""
        return self._record(self.program.record_index(ref))

    def _record(self, index: int) -> Record:
        return Record(trimmed(self._records[index]), tuple(self.program_tree.path(index)))

    def _slot_tree(self, step: int) -> Tree:
        """The tree whose root is S(step)."""
        return Tree([tensor_root(slot) for slot in self.replay.state(step)])

    def _trace(self, step: int) -> TraceTree:
        """The tree over the trace of step ``step``."""
        slot_roots = [tensor_root(slot) for slot in self.replay.state(step + 1)]
        return TraceTree(self.replay.node_roots(step), slot_roots)

    def _output(self, step: int, node: int) -> Tensor:
        """Output of a node of step ``step``."""
        return Tensor(self.replay.node_output(step, node))
