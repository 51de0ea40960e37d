"""Recomputes what a dispute asks about one interval: state roots, node roots of one step, outputs of single nodes.

Only a few states and the outputs asked for are held; a step's trace is streamed through and never kept.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from touchstone.commitment.merkle import root
from touchstone.commitment.roots import TraceTree, tensor_root
from touchstone.errors import TouchstoneError
from touchstone.machine.executor import Executor, NodeSink
from touchstone.machine.workload import Array

DEFAULT_MEMORY = 512 * 2**20
_KEPT_TRACES = 4


class StepOutOfRangeError(TouchstoneError, IndexError):
    """A step or node was asked for that the interval does not have."""


class Replay:
    """The truth about ``steps`` steps from ``state``, as this executor computes it.

    Args:
        executor: any machine for the program; the replay moves it about freely.
        state: the state before step 0 of the interval, one array per slot.
        steps: number of steps in the interval. States are numbered 0..steps, steps (and their traces) 0..steps−1.
        memory: bytes of states to keep for answering earlier steps without running from the start again. State 0 is always kept.

    Raises:
        StepOutOfRangeError: (all methods) the step or node does not exist.
    """

    def __init__(self, executor: Executor, state: Sequence[Array], steps: int, memory: int = DEFAULT_MEMORY) -> None:
        self.executor = executor
        self.steps = steps
        self._states: dict[int, list[Array]] = {0: _frozen(state)}
        self._kept_states = max(2, memory // max(1, sum(slot.nbytes for slot in state)))
        self._slot_roots: dict[int, list[bytes]] = {}
        self._node_roots: dict[int, list[bytes]] = {}
        self._outputs: tuple[int, dict[int, Array]] = (-1, {})
        self._position: int | None = None  # the state the executor holds

    def state(self, step: int) -> list[Array]:
        """State S(step): read-only arrays, one per slot."""
        if step not in self._states:
            self._advance(step)
            self._states[step] = _frozen(self.executor.state())
            self._evict(step)
        return self._states[step]

    def slot_roots(self, step: int) -> list[bytes]:
        """Tensor roots of the slots of state ``step``."""
        if step not in self._slot_roots:
            self._slot_roots[step] = [tensor_root(slot) for slot in self.state(step)]
        return self._slot_roots[step]

    def state_root(self, step: int) -> bytes:
        """Root of state ``step``."""
        return root(self.slot_roots(step))

    def node_roots(self, step: int) -> list[bytes]:
        """Output roots of all nodes of the step that starts at state ``step``."""
        if step not in self._node_roots:
            roots: list[bytes] = []
            self._trace(step, lambda node, output: roots.append(tensor_root(output)))
            self._node_roots[step] = roots
            if len(self._node_roots) > _KEPT_TRACES:
                self._node_roots.pop(next(iter(self._node_roots)))
        return self._node_roots[step]

    def trace_tree(self, step: int) -> TraceTree:
        """The trace of the step that starts at state ``step``: its root, prefixes and paths."""
        return TraceTree(self.node_roots(step), self.slot_roots(step + 1))

    def node_output(self, step: int, node: int) -> Array:
        """Output of one node in the step that starts at state ``step``."""
        return self.node_outputs(step, [node])[node]

    def node_outputs(self, step: int, nodes: Collection[int]) -> dict[int, Array]:
        """Outputs of some nodes (a node and its operands, say), in one pass over the step. The last answer is kept."""
        self._check_nodes(nodes)
        kept_step, kept = self._outputs
        if kept_step != step or not set(nodes) <= set(kept):
            found: dict[int, Array] = {}
            wanted = set(nodes)

            def keep(node: int, output: Array) -> None:
                if node in wanted:
                    found[node] = output.copy()

            self._trace(step, keep)
            self._outputs = kept_step, kept = step, found
        return {node: kept[node] for node in nodes}

    def _trace(self, step: int, sink: NodeSink) -> None:
        """Stream the trace of the step that starts at state ``step``."""
        self._check_step(step, self.steps - 1)
        self._advance(step)
        self._position = None
        self.executor.trace(sink)
        self._position = step + 1

    def _advance(self, step: int) -> None:
        """Bring the executor to state ``step``, from the nearest state known before it."""
        self._check_step(step, self.steps)
        start = max(known for known in self._states if known <= step)
        if self._position is None or not start <= self._position <= step:
            self._position = None
            self.executor.load(self._states[start])
            self._position = start
        remaining = step - self._position
        self._position = None  # unknown until the run has ended well
        self.executor.run(remaining)
        self._position = step

    def _evict(self, newest: int) -> None:
        """Above the limit, forget the state whose absence leaves the smallest gap; never the first or the newest."""
        while len(self._states) > self._kept_states:
            known = sorted(self._states)
            ends = [*known[1:], self.steps + 1]
            candidates = [index for index in range(1, len(known)) if known[index] != newest]
            victim = min(candidates, key=lambda index: ends[index] - known[index - 1])
            del self._states[known[victim]]

    def _check_step(self, step: int, last: int) -> None:
        if not 0 <= step <= last:
            raise StepOutOfRangeError(f"step {step} is not in the interval; ask for 0..{last}")

    def _check_nodes(self, nodes: Collection[int]) -> None:
        count = len(self.executor.program.nodes)
        for node in nodes:
            if not 0 <= node < count:
                raise StepOutOfRangeError(f"node {node} is not in the program; ask for 0..{count - 1}")


def _frozen(state: Sequence[Array]) -> list[Array]:
    copies = [slot.copy() for slot in state]
    for copy in copies:
        copy.setflags(write=False)
    return copies
