"""Trees and records in Solidity against the Python code that builds them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.contracts.machine.calls import refusal_of
from touchstone.commitment.merkle import ZERO, Tree, depth, insert, sha256
from touchstone.commitment.roots import program_tree, records
from touchstone.dispute import prefixes
from touchstone.dispute.prefixes import filled
from touchstone.machine.builder import Builder
from touchstone.machine.program import DType, Kind, MapFn, Program

CHUNK = 1024


@pytest.fixture(scope="module")
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_depths_and_zero_hashes_are_those_of_python(commitments: Any) -> None:
    for leaves in [*range(20), 255, 256, 257, 2**20, 2**23 - 1, 2**23]:
        assert commitments.depth(leaves) == depth(leaves)
    for level in range(25):
        assert commitments.zero(level) == ZERO[level]


def test_a_path_of_every_leaf_of_random_trees_leads_to_the_root(commitments: Any, rng: np.random.Generator) -> None:
    for leaves in [1, 2, 3, 5, 8, 13]:
        tree = Tree([rng.bytes(32) for _ in range(leaves)])
        for index in range(leaves):
            leaf = tree._levels[0][index]
            assert commitments.climb(leaf, index, tree.path(index), tree.depth) == tree.root


def test_a_path_of_another_length_is_refused(commitments: Any, rng: np.random.Generator) -> None:
    tree = Tree([rng.bytes(32) for _ in range(8)])
    path = tree.path(5)
    for wrong in (path[:-1], [*path, ZERO[3]], []):
        assert refusal_of(commitments, "climb", rng.bytes(32), 5, wrong, tree.depth) == "PathLengthWrong"


def test_an_index_with_bits_above_the_depth_is_refused(commitments: Any, rng: np.random.Generator) -> None:
    tree = Tree([rng.bytes(32) for _ in range(8)])
    for index in (8 + 5, 2**255 + 5):
        assert refusal_of(commitments, "climb", rng.bytes(32), index, tree.path(5), tree.depth) == "IndexOutOfTree"


def test_an_insertion_gives_the_roots_before_and_after(commitments: Any, rng: np.random.Generator) -> None:
    for leaves in [1, 2, 6, 9]:
        tree = Tree([rng.bytes(32) for _ in range(leaves)])
        for index in range(leaves):
            path, leaf = tree.prefix_path(index, index), tree._levels[0][index]
            siblings = filled(path, index)
            before, after = commitments.insert(leaf, index, siblings, tree.depth)
            assert (before, after) == prefixes.insert(leaf, index, siblings, tree.depth)
            assert before == tree.prefix_root(index)
            assert after == tree.prefix_root(index + 1) == insert(tree.prefix_root(index), leaf, index, path)
            assert refusal_of(commitments, "insert", leaf, index, [*siblings, ZERO[0]], tree.depth) == "PathLengthWrong"
            assert refusal_of(commitments, "insert", leaf, index + 2**tree.depth, siblings, tree.depth) == "IndexOutOfTree"


def test_every_range_of_random_trees_leads_to_the_root(commitments: Any, rng: np.random.Generator) -> None:
    for leaves in [1, 2, 3, 7, 8, 9]:
        chunks = [rng.bytes(CHUNK) for _ in range(leaves)]
        tree = Tree([sha256(chunk) for chunk in chunks])
        for first in range(leaves):
            for count in range(1, leaves - first + 1):
                data = b"".join(chunks[first : first + count])
                assert commitments.range(data, first, tree.range_proof(first, count), tree.depth) == tree.root


def test_a_range_elsewhere_or_with_a_changed_byte_leads_to_another_root(commitments: Any, rng: np.random.Generator) -> None:
    chunks = [rng.bytes(CHUNK) for _ in range(16)]
    tree = Tree([sha256(chunk) for chunk in chunks])
    data, proof = b"".join(chunks[5:9]), tree.range_proof(5, 4)
    for position in (0, 1023, 1024, 4095):
        changed = bytearray(data)
        changed[position] ^= 1
        assert commitments.range(bytes(changed), 5, proof, tree.depth) != tree.root
    for number in range(len(proof)):
        wrong = [*proof[:number], rng.bytes(32), *proof[number + 1 :]]
        assert commitments.range(data, 5, wrong, tree.depth) != tree.root
    assert commitments.range(data, 7, proof, tree.depth) != tree.root


def test_a_range_proof_that_is_too_long_too_short_or_outside_is_refused(commitments: Any, rng: np.random.Generator) -> None:
    chunks = [rng.bytes(CHUNK) for _ in range(8)]
    tree = Tree([sha256(chunk) for chunk in chunks])
    data, proof = b"".join(chunks[3:6]), tree.range_proof(3, 3)
    for wrong in (proof[:-1], [*proof, ZERO[0]]):
        assert refusal_of(commitments, "range", data, 3, wrong, 3) == "PathLengthWrong"
    assert refusal_of(commitments, "range", data, 6, proof, 3) == "IndexOutOfTree"
    for length in (0, 1023, 1025, 2047):
        assert refusal_of(commitments, "range", bytes(length), 0, proof, 3) == "ChunkBytesWrong"


def test_only_1024_bytes_are_a_leaf(commitments: Any, rng: np.random.Generator) -> None:
    chunk = rng.bytes(CHUNK)
    assert commitments.leaf(chunk) == sha256(chunk)
    for length in (0, 64, 1023, 1025, 2048):
        assert refusal_of(commitments, "leaf", bytes(length)) == "ChunkBytesWrong"


def test_records_of_a_program_are_read_as_they_were_written(commitments: Any) -> None:
    program = _program()
    tree, data = program_tree(program), records(program)
    header = commitments.header(tree.root, data[0], tree.path(0))
    counts = (len(program.slots), len(program.constants), len(program.nodes))
    assert (header.slots, header.constants, header.nodes) == counts
    for index, slot in enumerate(program.slots):
        place = 1 + index
        tensor, kind, following = commitments.slot(tree.root, header, index, data[place], tree.path(place))
        assert (kind, following) == (slot.next.kind, slot.next.index)
        _check_tensor(tensor, slot.type.dtype, slot.type.size)
    for index, node in enumerate(program.nodes):
        place = 1 + counts[0] + counts[1] + index
        tensor = commitments.node(tree.root, header, index, data[place], tree.path(place))
        _check_tensor(tensor, node.type.dtype, node.type.size)


def test_a_record_at_another_place_changed_or_of_another_kind_is_refused(commitments: Any) -> None:
    program = _program()
    tree, data = program_tree(program), records(program)
    header = commitments.header(tree.root, data[0], tree.path(0))
    node_place = 1 + header.slots + header.constants
    changed = data[node_place][:-1] + b"\1"
    for index, record in ((0, data[node_place + 1]), (1, data[node_place]), (0, changed)):
        assert refusal_of(commitments, "node", tree.root, header, index, record, tree.path(node_place + index)) == "RecordNotInProgram"
    for index in (header.nodes, 2**32):
        assert refusal_of(commitments, "node", tree.root, header, index, data[node_place], tree.path(node_place)) == "NoSuchRecord"
    assert refusal_of(commitments, "slot", tree.root, header, header.slots, data[1], tree.path(1)) == "NoSuchRecord"
    # Counts that lie about where the nodes begin lead to a record of another kind.
    shifted = (header.slots - 1, header.constants, header.nodes + 1)
    assert refusal_of(commitments, "node", tree.root, shifted, 0, data[node_place - 1], tree.path(node_place - 1)) == "RecordMalformed"
    wider = (header.slots + 1, header.constants, header.nodes - 1)
    assert (
        refusal_of(commitments, "slot", tree.root, wider, header.slots, data[1 + header.slots], tree.path(1 + header.slots))
        == "RecordMalformed"
    )


def test_a_constant_whose_words_read_like_a_node_is_not_taken_for_one(commitments: Any) -> None:
    b = Builder()
    b.slot(DType.I32, (1,))
    b.constant(DType.F32, (1, 1, 7))  # read as a node: map, mul, f32 of shape [7]
    b.fill(DType.I32, (), 1)
    program = b.build()
    tree, data = program_tree(program), records(program)
    assert refusal_of(commitments, "node", tree.root, (1, 0, 2), 0, data[2], tree.path(2)) == "RecordMalformed"


@pytest.mark.parametrize(
    ("word", "value"),
    [(0, 2), (1, 0), (1, 3), (2, 0), (2, 65_537), (3, 65_537), (4, 0), (4, 1_048_577)],
)
def test_a_header_that_no_valid_program_has_is_refused(commitments: Any, word: int, value: int) -> None:
    data = records(_program())
    data[0] = _with_word(data[0], word, value)
    tree = Tree([sha256(record) for record in data])
    assert refusal_of(commitments, "header", tree.root, data[0], tree.path(0)) == "RecordMalformed"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({3: 0}, "dtype 0"),
        ({3: 3}, "dtype 3"),
        ({4: 9}, "rank 9"),
        ({4: 1, 5: 0}, "a dimension of 0"),
        ({4: 1, 5: 2**31}, "a dimension of 2^31"),
        ({4: 2, 5: 2**16, 6: 2**15}, "2^31 elements"),
        ({4: 8, 5: 2**30, 6: 2**30, 7: 2**30, 8: 2**30, 9: 2**30, 10: 2**30, 11: 2**30, 12: 2**30}, "2^240 elements"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_output_that_is_no_tensor_is_refused(commitments: Any, words: dict[int, int], why: str) -> None:
    program = _program()
    data = records(program)
    place = program.record_index(replace(program.slots[0].next, kind=Kind.NODE, index=0))
    for word, value in words.items():
        data[place] = _with_word(data[place], word, value)
    tree = Tree([sha256(record) for record in data])
    header = (len(program.slots), len(program.constants), len(program.nodes))
    assert refusal_of(commitments, "node", tree.root, header, 0, data[place], tree.path(place)) == "RecordMalformed"


@pytest.mark.parametrize(("word", "value"), [(11, 1), (11, 3), (12, 1000)], ids=["a constant", "kind 3", "no such node"])
def test_a_next_value_that_no_valid_program_has_is_refused(commitments: Any, word: int, value: int) -> None:
    program = _program()
    data = records(program)
    data[1] = _with_word(data[1], word, value)
    tree = Tree([sha256(record) for record in data])
    header = (len(program.slots), len(program.constants), len(program.nodes))
    assert refusal_of(commitments, "slot", tree.root, header, 0, data[1], tree.path(1)) == "RecordMalformed"


def _program() -> Program:
    """Slots that are updated and passed through, two constants, tensors of several chunks and shapes."""
    b = Builder()
    step, weights, kept = b.slot(DType.I32, (1,)), b.slot(DType.F32, (30, 20)), b.slot(DType.F32, (2, 3, 4))
    x, scale = b.constant(DType.F32, (30, 20)), b.constant(DType.F32, ())
    b.set_next(step, b.map(MapFn.IADD, step, b.fill(DType.I32, (), 1)))
    b.set_next(weights, b.map(MapFn.FMA, x, scale, weights))
    b.map(MapFn.NEG, kept)
    return b.build()


def _check_tensor(tensor: Any, dtype: int, elements: int) -> None:
    chunks = -(-elements // 256)
    assert tuple(tensor) == (dtype, elements, chunks, depth(chunks))


def _with_word(record: bytes, word: int, value: int) -> bytes:
    return record[: 4 * word] + value.to_bytes(4, "big") + record[4 * word + 4 :]
