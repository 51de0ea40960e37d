"""What a machine can do, whether it is the reference or the native runtime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from touchstone.errors import TouchstoneError
from touchstone.machine.program import Program
from touchstone.machine.workload import Array

NodeSink = Callable[[int, Array], None]


class TensorMismatchError(TouchstoneError, ValueError):
    """A tensor given to a machine has another dtype, shape or count than the program declares."""


class Executor(Protocol):
    """Runs a program step by step. Arrays have the declared shape, dtype float32 or int32, and are C-contiguous."""

    program: Program

    def load(self, state: Sequence[Array]) -> None:
        """Replace the current state by a copy of ``state`` (one array per slot)."""

    def run(self, steps: int) -> None:
        """Advance the state by ``steps`` steps."""

    def state(self, into: Sequence[Array] | None = None) -> list[Array]:
        """Copies of the current slots, in slot order; written to the arrays ``into``, one per slot, when they are given."""

    def slot_roots(self) -> list[bytes]:
        """Tensor roots (section 4 of docs/specification/machine.md) of the current slots, in slot order."""

    def hash_blocks(self, buffer: Any, block_bytes: int) -> list[bytes]:
        """SHA-256 of each block of ``block_bytes`` bytes (a multiple of 64) of ``buffer``; the last block may be shorter.

        For what is hashed between two steps: other threads than the machine's own would have to wait until these have gone to sleep.
        """

    def trace(self, sink: NodeSink) -> None:
        """Advance by one step, calling ``sink(node index, output)`` for every node in order.

        Every node's output is produced exactly as the specification defines it, also where a plain ``run`` would never materialise it. The
        array is only valid during the call; at most a few outputs are alive at any time.
        """
