"""The reference as an executor: runs whole programs, node after node, exactly as the specification defines them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from touchstone.errors import TouchstoneError
from touchstone.machine.executor import NodeSink, TensorMismatchError
from touchstone.machine.program import DType, Kind, Node, Program, Ref, TensorType
from touchstone.machine.reference.hashing import sha256, tensor_root
from touchstone.machine.reference.reads import Words
from touchstone.machine.reference.vector_floats import add
from touchstone.machine.reference.vector_nodes import evaluate
from touchstone.machine.workload import NUMPY_DTYPE, Array


class FlushToZeroError(TouchstoneError, ArithmeticError):
    """The thread's processor settings replace subnormal numbers by zero, so that numpy would not follow IEEE 754."""


class ReferenceMachine:
    """Runs a valid program slowly; implements ``executor.Executor``.

    Args:
        program: a program that passes ``validity.check``.
        constants: one array per constant, with the declared dtype and shape.

    Raises:
        TensorMismatchError: an array does not match its declaration.
    """

    def __init__(self, program: Program, constants: Sequence[Array]) -> None:
        self.program = program
        self._constants = flatten("constant", constants, program.constants)
        self._state: list[Words] = [np.zeros(slot.type.size, dtype=np.uint32) for slot in program.slots]
        self._last_use = _last_uses(program)

    def load(self, state: Sequence[Array]) -> None:
        """Replace the current state by a copy of ``state`` (one array per slot)."""
        self._state = flatten("slot", state, [slot.type for slot in self.program.slots])

    def state(self, into: Sequence[Array] | None = None) -> list[Array]:
        """Copies of the current slots, in slot order; written to the arrays ``into``, one per slot, when they are given."""
        slots = [shaped(words, slot.type) for words, slot in zip(self._state, self.program.slots, strict=True)]
        if into is None:
            return [slot.copy() for slot in slots]
        for slot, target in zip(slots, into, strict=True):
            np.copyto(target, slot, casting="no")
        return list(into)

    def slot_roots(self) -> list[bytes]:
        """Tensor roots of the current slots, in slot order."""
        return [tensor_root(words.astype("<u4").tobytes()) for words in self._state]

    def hash_blocks(self, buffer: Any, block_bytes: int) -> list[bytes]:
        """SHA-256 of each block of ``block_bytes`` bytes of ``buffer``; the last block may be shorter."""
        data = bytes(buffer)
        return [sha256(data[at : at + block_bytes]) for at in range(0, len(data), block_bytes)]

    def run(self, steps: int) -> None:
        """Advance the state by ``steps`` steps."""
        for _ in range(steps):
            self.trace(lambda index, output: None)

    def trace(self, sink: NodeSink) -> None:
        """Advance by one step, calling ``sink(node index, output)`` for every node in order.

        Raises:
            FlushToZeroError: something in this process switched subnormal numbers off.
        """
        _require_subnormals()
        alive: dict[int, Words] = {}
        for index, node in enumerate(self.program.nodes):
            alive[index] = evaluate(node, [self._read(operand.ref, alive) for operand in node.operands])
            sink(index, shaped(alive[index], node.type))
            self._drop_unused(alive, index, node)
        self._state = [self._read(slot.next, alive).copy() for slot in self.program.slots]

    def _read(self, ref: Ref, alive: dict[int, Words]) -> Words:
        if ref.kind is Kind.NODE:
            return alive[ref.index]
        return self._state[ref.index] if ref.kind is Kind.SLOT else self._constants[ref.index]

    def _drop_unused(self, alive: dict[int, Words], index: int, node: Node) -> None:
        candidates = {operand.ref.index for operand in node.operands if operand.ref.kind is Kind.NODE} | {index}
        for candidate in candidates:
            if self._last_use.get(candidate, candidate) <= index:
                del alive[candidate]


def _require_subnormals() -> None:
    smallest = np.array([1], dtype=np.uint32)
    if add(smallest, np.zeros_like(smallest))[0] != 1:
        raise FlushToZeroError("this thread flushes subnormal numbers to zero; switch that off (torch.set_flush_denormal(False))")


def flatten(what: str, arrays: Sequence[Array], types: Sequence[TensorType]) -> list[Words]:
    """Copies of ``arrays`` as flat words, checked against their declared types."""
    if len(arrays) != len(types):
        raise TensorMismatchError(f"{len(arrays)} arrays for {len(types)} {what}s; give one per {what}")
    words = []
    for index, (array, declared) in enumerate(zip(arrays, types, strict=True)):
        if array.dtype != NUMPY_DTYPE[declared.dtype] or array.shape != declared.shape:
            wanted = f"{NUMPY_DTYPE[declared.dtype]} {declared.shape}"
            raise TensorMismatchError(f"{what} {index} is {array.dtype} {array.shape}, the program declares {wanted}; convert it")
        words.append(array.flatten().view(np.uint32))
    return words


def shaped(words: Words, declared: TensorType) -> Array:
    """Flat words as an array of the declared dtype and shape."""
    if declared.dtype is DType.F32:
        return words.view(np.float32).reshape(declared.shape)
    return words.view(np.int32).reshape(declared.shape)


def _last_uses(program: Program) -> dict[int, int]:
    """For each node, the last node that reads it; the number of nodes when a slot takes its value."""
    last: dict[int, int] = {}
    for index, node in enumerate(program.nodes):
        last.update({operand.ref.index: index for operand in node.operands if operand.ref.kind is Kind.NODE})
    last.update({slot.next.index: len(program.nodes) for slot in program.slots if slot.next.kind is Kind.NODE})
    return last
