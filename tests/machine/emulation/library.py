"""The runtime's C interface, carried out by a process on an emulated processor (host.cpp): what ``native.library.library()`` gives."""

from __future__ import annotations

import ctypes
import struct
import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from touchstone.errors import InvalidProgramError
from touchstone.machine.program import Program, TensorType, decode

FUNCTIONS = (
    *("error", "isa", "isa_level", "create", "destroy", "load", "state", "slot_roots", "run"),
    *("instructions", "instruction_nodes", "profile", "trace", "memory"),
    *("hash_leaves", "hash_blocks", "tensor_root", "machine_hash_blocks"),
)
TEXT_BYTES, HASH_BYTES, WORD_BYTES = 4096, 32, 4


class EmulatedLibrary:
    """Functions by the names and with the arguments of ``src/api.cpp``. Pointers are of this process; what they point to is sent."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._lock = threading.Lock()
        self._programs: dict[int, Program] = {}
        self._finished: list[int] = []

    def ts_error(self) -> bytes:
        return self._text("error") or b""

    def ts_isa(self) -> bytes:
        return self._text("isa") or b""

    def ts_isa_level(self, index: int) -> bytes | None:
        return self._text("isa_level", index)

    def ts_machine_create(self, program: bytes, length: int, constants: Any, threads: int) -> int:
        try:
            decoded = decode(program[:length])
            inputs = _memory(constants, decoded.constants)
        except InvalidProgramError:  # the library has to find out by itself
            decoded, inputs = Program((), (), ()), []
        handle, _ = self._call("create", (0, 0, 0, threads), inputs=[program[:length], *inputs])
        self._programs[handle] = decoded
        return handle

    def ts_machine_destroy(self, machine: int) -> None:
        self._finished.append(machine)  # carried out before the next call: the garbage collector may ask for it in the middle of one

    def ts_machine_load(self, machine: int, slots: Any) -> None:
        self._call("load", (machine,), inputs=_memory(slots, self._slots(machine)))

    def ts_machine_state(self, machine: int, slots: Any) -> None:
        _, outputs = self._call("state", (machine,), outputs=[_bytes(slot) for slot in self._slots(machine)])
        for address, data in zip(slots, outputs, strict=False):
            ctypes.memmove(address, data, len(data))

    def ts_machine_slot_roots(self, machine: int, roots: int) -> int:
        return self._filling(roots, HASH_BYTES * len(self._slots(machine)), "slot_roots", (machine,))

    def ts_machine_run(self, machine: int, steps: int, seconds: float) -> int:
        return self._call("run", (machine, steps), seconds=seconds)[0]

    def ts_machine_instructions(self, machine: int) -> int:
        return self._call("instructions", (machine,))[0]

    def ts_machine_instruction_nodes(self, machine: int, index: int, nodes: Any, most: int) -> int:
        return self._filling(ctypes.addressof(nodes), 8 * most, "instruction_nodes", (machine, index, most))

    def ts_machine_profile(self, machine: int, steps: int, seconds: Any) -> int:
        return self._filling(ctypes.addressof(seconds), ctypes.sizeof(seconds), "profile", (machine, steps))

    def ts_machine_trace(self, machine: int, sink: Callable[[int, int], None]) -> int:
        sizes = [_bytes(node.type) for node in self._programs[machine].nodes]
        shown: list[bytes] = []
        result, _ = self._call("trace", (machine,), inputs=[np.array(sizes, dtype=np.int64).tobytes()], nodes=(sizes, shown))
        for node, data in enumerate(shown):
            words = ctypes.create_string_buffer(data, len(data))
            sink(node, ctypes.addressof(words))
        return result

    def ts_machine_memory(self, machine: int) -> int:
        return self._call("memory", (machine,))[0]

    def ts_hash_leaves(self, data: int, size: int, leaves: int, threads: int) -> int:
        return self._filling(leaves, -(-size // 1024) * HASH_BYTES, "hash_leaves", (0, 0, 0, threads), [ctypes.string_at(data, size)])

    def ts_hash_blocks(self, data: int, size: int, block: int, hashes: int, threads: int) -> int:
        return self._filling(hashes, -(-size // block) * HASH_BYTES, "hash_blocks", (0, block, 0, threads), [ctypes.string_at(data, size)])

    def ts_machine_hash_blocks(self, machine: int, data: int, size: int, block: int, hashes: int) -> int:
        return self._filling(
            hashes, -(-size // block) * HASH_BYTES, "machine_hash_blocks", (machine, block), [ctypes.string_at(data, size)]
        )

    def ts_tensor_root(self, data: int, size: int, root: int, threads: int) -> int:
        return self._filling(root, HASH_BYTES, "tensor_root", (0, 0, 0, threads), [ctypes.string_at(data, size)])

    def _slots(self, machine: int) -> list[TensorType]:
        return [slot.type for slot in self._programs[machine].slots]

    def _text(self, function: str, *numbers: int) -> bytes | None:
        result, (text,) = self._call(function, numbers, outputs=[TEXT_BYTES])
        return None if result < 0 else text.rstrip(b"\0")

    def _filling(self, address: int, size: int, function: str, numbers: Sequence[int], inputs: Sequence[bytes] = ()) -> int:
        result, (data,) = self._call(function, numbers, inputs=inputs, outputs=[size])
        ctypes.memmove(address, data, size)
        return result

    def _call(self, function: str, numbers: Sequence[int] = (), **rest: Any) -> tuple[int, list[bytes]]:
        with self._lock:
            while self._finished:
                machine = self._finished.pop()
                del self._programs[machine]
                self._exchange("destroy", (machine,))
            return self._exchange(function, numbers, **rest)

    def _exchange(
        self,
        function: str,
        numbers: Sequence[int] = (),
        seconds: float = 0.0,
        inputs: Sequence[bytes] = (),
        outputs: Sequence[int] = (),
        nodes: tuple[Sequence[int], list[bytes]] = ((), []),
    ) -> tuple[int, list[bytes]]:
        padded = [*numbers, 0, 0, 0, 0][:4]
        sizes, shown = nodes
        parts = [struct.pack("<q4qdq", FUNCTIONS.index(function), *padded, seconds, len(inputs))]
        for data in inputs:
            parts += [struct.pack("<q", len(data)), data]
        parts.append(struct.pack(f"<{1 + len(outputs)}q", len(outputs), *outputs))
        assert self._process.stdin is not None
        self._process.stdin.write(b"".join(parts))
        self._process.stdin.flush()
        while self._word():
            node = self._word()
            assert node == len(shown), f"node {node} was traced after node {len(shown) - 1}"
            shown.append(self._read(sizes[node]))
        return self._word(), [self._read(size) for size in outputs]

    def _word(self) -> int:
        word: int = struct.unpack("<q", self._read(8))[0]
        return word

    def _read(self, size: int) -> bytes:
        assert self._process.stdout is not None
        data = self._process.stdout.read(size)
        if len(data) < size:
            raise RuntimeError(f"the emulated runtime died: exit code {self._process.wait()}")
        return data


def _bytes(tensor: TensorType) -> int:
    return WORD_BYTES * tensor.size


def _memory(pointers: Any, types: Sequence[TensorType]) -> list[bytes]:
    return [ctypes.string_at(address, _bytes(tensor)) for address, tensor in zip(pointers, types, strict=False)]
