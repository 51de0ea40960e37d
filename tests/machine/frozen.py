"""Makes the frozen vectors of tests/vectors/ with the reference. ``scripts/generate_vectors.py`` writes them; a test compares.

All three implementations of the machine are held against these files, so they change only together with the specification.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

import numpy as np

from tests.machine.frozen_nodes import FrozenNode, nodes
from tests.machine.frozen_programs import FrozenProgram, programs
from tests.machine.frozen_words import Stream, operand_tuples
from touchstone.commitment.merkle import ZERO, Tree, root, sha256
from touchstone.commitment.roots import TraceTree, chunks, program_root, seal
from touchstone.machine.program import MapFn, encode, encode_node
from touchstone.machine.reference import ReferenceMachine, element, reads
from touchstone.machine.reference.functions import MAP_FUNCTIONS
from touchstone.machine.workload import Array

MAP_FORMAT = (
    "cases is one byte string: per case the operand words and then the result word, each 4 bytes big-endian; count cases of arity + 1 words"
)
NODE_FORMAT = (
    "record: the node's record, whose operands are constants (slot 0 for philox); operands: tensor bytes (little-endian words, unpadded) "
    "in operand order; output: the output's tensor bytes; samples: some elements, each with its index, its word, and what it reads, in "
    "order, as [operand, first word, count]"
)
PROGRAM_FORMAT = (
    "program: canonical bytes; state, constants: tensor bytes in order; steps: per step the nodes' output roots, the next slots' roots, "
    "the trace root, the next state root, and the trace prefixes P(0) to P(N + M); outputs: tensor bytes of every node of the first step; "
    "seal: of job 7, interval 3, for the state root before the last step"
)
MERKLE_FORMAT = (
    "trees: leaf i is SHA-256 of i as 32 big-endian bytes; paths: one per leaf; ranges: proofs of leaves first to first + count - 1; "
    "prefix_roots: roots with the first 0 to n leaves filled; insertions: siblings of position i that show it empty in prefix i"
)


def vectors() -> Iterator[tuple[PurePosixPath, str]]:
    """Relative path and text of every file of frozen vectors."""
    for fn in MapFn:
        yield PurePosixPath("map", f"{fn.name.lower()}.json"), _text(_map_vector(fn))
    for node in nodes():
        yield PurePosixPath("nodes", f"{node.name}.json"), _text(_node_vector(node))
    for program in programs():
        yield PurePosixPath("programs", f"{program.name}.json"), _text(_program_vector(program))
    yield PurePosixPath("merkle.json"), _text(_merkle_vector())


def _text(vector: dict[str, object]) -> str:
    return json.dumps(vector, indent=1) + "\n"


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _hexes(items: list[bytes]) -> list[str]:
    return [_hex(item) for item in items]


def _tensor_root(tensor: Array) -> bytes:
    """Section 4 with hashlib alone, so that no other implementation takes part."""
    return root([sha256(chunk) for chunk in chunks(tensor)])


def _root_of_all(tensors: Sequence[Array]) -> bytes:
    return root([_tensor_root(tensor) for tensor in tensors])


def _map_vector(fn: MapFn) -> dict[str, object]:
    cases = operand_tuples(fn)
    words = [word for operands in cases for word in (*operands, MAP_FUNCTIONS[fn](*operands))]
    return {
        "format": MAP_FORMAT,
        "name": fn.name.lower(),
        "function": int(fn),
        "arity": len(cases[0]),
        "count": len(cases),
        "cases": _hex(np.array(words, dtype=">u4").tobytes()),
    }


def _node_vector(frozen: FrozenNode) -> dict[str, object]:
    node, operands = frozen.node, frozen.operands
    output = np.array([element(node, index, operands) for index in range(node.type.size)], dtype="<u4")
    stream = Stream(frozen.name)
    indices = sorted({0, node.type.size - 1, *(stream.below(node.type.size) for _ in range(10))})
    return {
        "format": NODE_FORMAT,
        "name": frozen.name,
        "record": _hex(encode_node(node)),
        "operands": [_hex(operand.astype("<u4").tobytes()) for operand in operands],
        "output": _hex(output.tobytes()),
        "samples": [
            {
                "index": index,
                "word": int(output[index]),
                "reads": [[read.operand, read.first_word, read.count] for read in reads(node, index, operands)],
            }
            for index in indices
        ],
    }


def _program_vector(frozen: FrozenProgram) -> dict[str, object]:
    machine = ReferenceMachine(frozen.program, frozen.constants)
    machine.load(frozen.state)
    outputs: list[bytes] = []
    steps: list[dict[str, object]] = []
    before_last = b""
    for step in range(frozen.steps):
        before_last = _root_of_all(machine.state())
        node_roots: list[bytes] = []

        def record(index: int, output: Array, roots: list[bytes] = node_roots, first: bool = step == 0) -> None:
            roots.append(_tensor_root(output))
            if first:
                outputs.append(output.tobytes())

        machine.trace(record)
        steps.append(_step_vector(node_roots, [_tensor_root(slot) for slot in machine.state()]))
    return {
        "format": PROGRAM_FORMAT,
        "name": frozen.name,
        "program": _hex(encode(frozen.program)),
        "program_root": _hex(program_root(frozen.program)),
        "constants": [_hex(constant.tobytes()) for constant in frozen.constants],
        "constants_root": _hex(_root_of_all(frozen.constants)),
        "state": [_hex(slot.tobytes()) for slot in frozen.state],
        "state_root": _hex(_root_of_all(frozen.state)),
        "steps": steps,
        "outputs": _hexes(outputs),
        "final_state": [_hex(slot.tobytes()) for slot in machine.state()],
        "seal": _hex(seal(7, 3, before_last)),
    }


def _step_vector(node_roots: list[bytes], slot_roots: list[bytes]) -> dict[str, object]:
    trace = TraceTree(node_roots, slot_roots)
    return {
        "node_roots": _hexes(node_roots),
        "slot_roots": _hexes(slot_roots),
        "trace_root": _hex(trace.root),
        "state_root": _hex(trace.slots.root),
        "prefixes": [_hex(trace.prefix_root(count)) for count in range(len(node_roots) + len(slot_roots) + 1)],
    }


def _merkle_vector() -> dict[str, object]:
    trees = [_tree_vector(count) for count in (1, 2, 3, 4, 5, 7, 8, 11, 16, 21)]
    return {"format": MERKLE_FORMAT, "zero": _hexes(list(ZERO[:33])), "trees": trees}


def _tree_vector(count: int) -> dict[str, object]:
    tree = Tree([sha256(index.to_bytes(32, "big")) for index in range(count)])
    ranges = [(first, length) for first in range(count) for length in (1, 2, 3, count) if first + length <= count]
    return {
        "leaves": count,
        "depth": tree.depth,
        "root": _hex(tree.root),
        "paths": [_hexes(tree.path(index)) for index in range(count)],
        "ranges": [
            {"first": first, "count": length, "proof": _hexes(tree.range_proof(first, length))} for first, length in dict.fromkeys(ranges)
        ],
        "prefix_roots": [_hex(tree.prefix_root(filled)) for filled in range(count + 1)],
        "insertions": [_hexes(tree.prefix_path(index, index)) for index in range(count)],
    }
