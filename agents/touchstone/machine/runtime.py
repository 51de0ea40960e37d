"""The native runtime: runs programs at full speed, with the bits docs/specification/machine.md fixes.

The library picks the best instruction set the processor has; the environment variable ``TOUCHSTONE_ISA`` (``base``, ``avx2`` or ``avx512``)
names a lower one. With ``TOUCHSTONE_SHA=lanes`` it hashes without the processor's SHA instructions. Bits depend neither on these nor on
the number of threads.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from touchstone.errors import InvalidProgramError
from touchstone.machine.executor import NodeSink, TensorMismatchError
from touchstone.machine.native.library import NativeRuntimeError, TraceSink, last_error, library
from touchstone.machine.program import DType, Program, TensorType, encode
from touchstone.machine.workload import NUMPY_DTYPE, Array

CHUNK_BYTES = 1024
HASH_BYTES = 32

# How long the library runs before it lets Python handle signals.
_SLICE_SECONDS = 0.1

__all__ = [
    "Instruction",
    "NativeMachine",
    "NativeRuntimeError",
    "TensorMismatchError",
    "hash_blocks",
    "hash_leaves",
    "instruction_set",
    "instruction_sets",
    "tensor_root",
]


@dataclass(frozen=True)
class Instruction:
    """A part of a step: the nodes it computes together, and seconds. Without nodes: the copies of new slots that end a step."""

    nodes: tuple[int, ...]
    seconds: float


class NativeMachine:
    """Runs a program with the native library; an :class:`~touchstone.machine.executor.Executor`.

    Constants are read where they are, without a copy: do not change them while the machine is in use. One thread at a time may use a
    machine; it works with ``threads`` threads of its own.

    Args:
        program: the step; it has to be valid (``touchstone.machine.validity``).
        constants: one array per constant, with its declared shape and dtype.
        threads: how many threads compute; 0 means one per processor this process may use.

    Raises:
        InvalidProgramError: the program cannot be run safely.
        TensorMismatchError: the constants are not as declared.
        NativeRuntimeError: the library is missing or failed.
    """

    def __init__(self, program: Program, constants: Sequence[Array], threads: int = 0) -> None:
        self._handle: int | None = None
        self.program = program
        self._library = library()
        self._constants = _conforming("constant", program.constants, constants)
        data = encode(program)
        self._handle = self._library.ts_machine_create(data, len(data), _pointers(self._constants), threads)
        if not self._handle:
            raise InvalidProgramError(f"the native runtime refuses the program: {last_error()}; check it with touchstone.machine.validity")

    def __del__(self) -> None:
        if self._handle:
            self._library.ts_machine_destroy(self._handle)

    @property
    def memory_bytes(self) -> int:
        """Bytes that state and intermediate results take, without the constants."""
        return int(self._library.ts_machine_memory(self._handle))

    def load(self, state: Sequence[Array]) -> None:
        """Replace the current state (zeros at first) by a copy of ``state``, one array per slot.

        Raises:
            TensorMismatchError: a slot's dtype or shape is not as declared.
        """
        slots = _conforming("slot", [slot.type for slot in self.program.slots], state)
        self._library.ts_machine_load(self._handle, _pointers(slots))

    def run(self, steps: int) -> None:
        """Advance the state by ``steps`` steps. A signal, such as a keyboard interrupt, takes effect between two steps."""
        while steps > 0:
            done = self._library.ts_machine_run(self._handle, steps, _SLICE_SECONDS)
            if done < 0:
                raise NativeRuntimeError(f"the native runtime failed: {last_error()}; free some memory and load the last state again")
            steps -= done

    def state(self, into: Sequence[Array] | None = None) -> list[Array]:
        """Copies of the current slots, in slot order; written to the arrays ``into``, one per slot, when they are given.

        Raises:
            TensorMismatchError: one of ``into`` is not contiguous, or its dtype or shape is not as declared.
        """
        types = [slot.type for slot in self.program.slots]
        slots = [_empty(tensor) for tensor in types] if into is None else _conforming("slot", types, into)
        if into is not None and any(slot is not given for slot, given in zip(slots, into, strict=True)):
            raise TensorMismatchError("a state can only be written to contiguous arrays; make them with numpy.empty")
        self._library.ts_machine_state(self._handle, _pointers(slots))
        return slots

    def slot_roots(self) -> list[bytes]:
        """Tensor roots of the current slots, in slot order, hashed where they are."""
        roots = np.empty((len(self.program.slots), HASH_BYTES), dtype=np.uint8)
        if self._library.ts_machine_slot_roots(self._handle, roots.ctypes.data) != 0:
            raise NativeRuntimeError(f"hashing failed: {last_error()}; free some memory")
        return [root.tobytes() for root in roots]

    def hash_blocks(self, buffer: Any, block_bytes: int) -> list[bytes]:
        """:func:`hash_blocks` with the threads that compute, which may still be awake from the last step."""
        hash_with = partial(self._library.ts_machine_hash_blocks, self._handle)
        return _hash_blocks(buffer, block_bytes, hash_with)

    def profile(self, steps: int) -> list[Instruction]:
        """Advance by ``steps`` steps, one at least, and say how long each part of a step took: the least of all steps."""
        count = self._library.ts_machine_instructions(self._handle)
        seconds = (ctypes.c_double * (count + 1))()
        if self._library.ts_machine_profile(self._handle, max(1, steps), seconds) != 0:
            raise NativeRuntimeError(f"the native runtime failed: {last_error()}; free some memory and load the last state again")
        nodes = (ctypes.c_int64 * max(1, len(self.program.nodes)))()
        profile = []
        for index in range(count):
            computed = self._library.ts_machine_instruction_nodes(self._handle, index, nodes, len(nodes))
            profile.append(Instruction(tuple(nodes[:computed]), seconds[index]))
        return [*profile, Instruction((), seconds[count])]

    def trace(self, sink: NodeSink) -> None:
        """Advance by one step, calling ``sink(node index, output)`` for every node in order.

        The array is read-only and valid during the call only. What ``sink`` raises ends the trace and is raised again here; the state is
        then unchanged.
        """
        failures: list[BaseException] = []
        kept = self.state()

        def show(index: int, address: int) -> None:
            if failures:
                return
            try:
                sink(index, _borrowed(address, self.program.nodes[index].type))
            except BaseException as error:  # ctypes cannot carry an exception through the library
                failures.append(error)

        if self._library.ts_machine_trace(self._handle, TraceSink(show)) != 0:
            raise NativeRuntimeError(f"the native runtime failed: {last_error()}; free some memory and load the last state again")
        if failures:
            self.load(kept)
            raise failures[0]


def instruction_set() -> str:
    """Name of the instruction set in use: ``avx512``, ``avx2`` or ``base``."""
    name: bytes = library().ts_isa()
    return name.decode()


def instruction_sets() -> list[str]:
    """Names of all instruction sets this processor can run, best first."""
    names: list[str] = []
    while (name := library().ts_isa_level(len(names))) is not None:
        names.append(name.decode())
    return names


def hash_leaves(buffer: Any, threads: int = 0) -> bytes:
    """SHA-256 of each 1,024-byte chunk of ``buffer`` (section 4), 32 bytes per chunk, the last chunk padded with zero bytes.

    Args:
        buffer: anything with a contiguous buffer: bytes, a memoryview, a numpy array.
        threads: how many threads hash; 0 means one per processor.
    """
    data = _bytes_of(buffer)
    leaves = np.empty(-(-data.size // CHUNK_BYTES) * HASH_BYTES, dtype=np.uint8)
    if library().ts_hash_leaves(data.ctypes.data, data.size, leaves.ctypes.data, threads) != 0:
        raise NativeRuntimeError(f"hashing failed: {last_error()}; free some memory")
    return leaves.tobytes()


def hash_blocks(buffer: Any, block_bytes: int, threads: int = 0) -> list[bytes]:
    """SHA-256 of each block of ``block_bytes`` bytes (a multiple of 64) of ``buffer``; the last block may be shorter.

    Args:
        buffer: anything with a contiguous buffer.
        block_bytes: length of a block.
        threads: how many threads hash; 0 means one per processor.

    Raises:
        ValueError: the block length is not a multiple of 64.
    """
    return _hash_blocks(buffer, block_bytes, lambda *arguments: library().ts_hash_blocks(*arguments, threads))


def _hash_blocks(buffer: Any, block_bytes: int, hash_with: Callable[[int, int, int, int], int]) -> list[bytes]:
    data = _bytes_of(buffer)
    if block_bytes < 1 or block_bytes % 64:
        raise ValueError(f"blocks of {block_bytes} bytes cannot be hashed; use a multiple of 64")
    hashes = np.empty((-(-data.size // block_bytes), HASH_BYTES), dtype=np.uint8)
    if hash_with(data.ctypes.data, data.size, block_bytes, hashes.ctypes.data) != 0:
        raise NativeRuntimeError(f"hashing failed: {last_error()}; free some memory")
    return [each.tobytes() for each in hashes]


def tensor_root(buffer: Any, threads: int = 0) -> bytes:
    """Tensor root (section 4) of the tensor whose bytes ``buffer`` holds: 32 bytes.

    Args:
        buffer: anything with a contiguous buffer of at least one byte.
        threads: how many threads hash; 0 means one per processor.
    """
    data = _bytes_of(buffer)
    root = np.empty(HASH_BYTES, dtype=np.uint8)
    if library().ts_tensor_root(data.ctypes.data, data.size, root.ctypes.data, threads) != 0:
        raise NativeRuntimeError(f"hashing failed: {last_error()}; free some memory")
    return root.tobytes()


def _bytes_of(buffer: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
    if isinstance(buffer, np.ndarray):
        return np.ascontiguousarray(buffer).reshape(-1).view(np.uint8)
    return np.frombuffer(buffer, dtype=np.uint8)


def _conforming(what: str, types: Sequence[TensorType], arrays: Sequence[Array]) -> list[Array]:
    if len(arrays) != len(types):
        raise TensorMismatchError(f"{len(arrays)} {what}s were given, the program declares {len(types)}; pass one array per {what}")
    return [_conforming_one(f"{what} {i}", tensor, array) for i, (tensor, array) in enumerate(zip(types, arrays, strict=True))]


def _conforming_one(what: str, tensor: TensorType, array: Array) -> Array:
    dtype = NUMPY_DTYPE[tensor.dtype]
    if array.dtype != dtype or array.shape != tensor.shape:
        declared = f"{dtype.name} {list(tensor.shape)}"
        raise TensorMismatchError(f"{what} is {array.dtype.name} {list(array.shape)}, the program declares {declared}; convert it")
    return array if array.flags.c_contiguous else array.copy(order="C")


def _empty(tensor: TensorType) -> Array:
    if tensor.dtype is DType.F32:
        return np.empty(tensor.shape, dtype=np.float32)
    return np.empty(tensor.shape, dtype=np.int32)


def _borrowed(address: int, tensor: TensorType) -> Array:
    words = memoryview((ctypes.c_uint32 * tensor.size).from_address(address)).toreadonly()
    if tensor.dtype is DType.F32:
        return np.frombuffer(words, dtype=np.float32).reshape(tensor.shape)
    return np.frombuffer(words, dtype=np.int32).reshape(tensor.shape)


def _pointers(arrays: Sequence[Array]) -> ctypes.Array[ctypes.c_void_p]:
    return (ctypes.c_void_p * max(1, len(arrays)))(*(array.ctypes.data for array in arrays))
