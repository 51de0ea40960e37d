"""Roots of tensors, states, programs and traces, section 4 of docs/specification/machine.md, with hashlib as the oracle."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.machine.programs import random_case
from touchstone.commitment.merkle import ZERO, InvalidProofError, Tree, climb, depth, insert, root
from touchstone.commitment.roots import (
    CHUNK_BYTES,
    TraceTree,
    chunk_count,
    chunk_leaves,
    chunks,
    constants_root,
    empty_trace,
    output_prefix,
    program_root,
    program_tree,
    records,
    seal,
    state_root,
    tensor_root,
    trace_prefix,
)
from touchstone.machine.program import Kind, Ref, encode


def digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def leaf(number: int) -> bytes:
    return digest(number.to_bytes(2, "big"))


def plain_tensor_root(data: bytes) -> bytes:
    padded = data + bytes(-len(data) % CHUNK_BYTES)
    return root([digest(padded[first : first + CHUNK_BYTES]) for first in range(0, len(padded), CHUNK_BYTES)])


@settings(deadline=None)
@given(st.integers(1, 3000), st.booleans())
def test_a_tensor_root_is_the_tree_over_its_padded_chunks(size: int, as_float: bool) -> None:
    words = np.random.default_rng(size).integers(0, 2**32, size, dtype=np.uint32)
    tensor = words.view(np.float32) if as_float else words.view(np.int32)
    data = words.astype("<u4").tobytes()
    assert tensor_root(tensor) == plain_tensor_root(data)
    assert chunk_leaves(tensor) == [digest(chunk) for chunk in chunks(tensor)]
    assert len(chunks(tensor)) == chunk_count(size)
    assert b"".join(chunks(tensor)) == data + bytes(-len(data) % CHUNK_BYTES)


def test_a_tensor_root_does_not_depend_on_shape_layout_or_nan_payloads_being_lost() -> None:
    words = np.arange(600, dtype=np.uint32)
    words[7] = 0x7F800001
    matrix = words.view(np.float32).reshape(20, 30)
    assert tensor_root(matrix) == tensor_root(matrix.reshape(-1)) == plain_tensor_root(words.tobytes())
    assert tensor_root(matrix.T) == plain_tensor_root(words.reshape(20, 30).T.tobytes())
    assert tensor_root(matrix[::2, ::3]) == plain_tensor_root(words.reshape(20, 30)[::2, ::3].tobytes())


def test_a_scalar_is_one_padded_chunk() -> None:
    assert tensor_root(np.array(7, dtype=np.int32)) == digest((7).to_bytes(4, "little") + bytes(1020))


def test_a_tensor_in_the_other_byte_order_has_the_same_root() -> None:
    tensor = np.arange(300, dtype=np.int32)
    assert tensor_root(tensor.astype(">i4")) == tensor_root(tensor)


def test_state_and_constants_roots_are_trees_over_tensor_roots_in_order() -> None:
    case = random_case(11)
    assert state_root(case.state) == root([tensor_root(slot) for slot in case.state])
    assert constants_root(case.constants) == root([tensor_root(constant) for constant in case.constants])
    assert constants_root([]) == ZERO[0]


def test_a_program_root_is_the_tree_over_its_records() -> None:
    program = random_case(11).program
    data = encode(program)
    expected = root([digest(data[first : first + 1024]) for first in range(0, len(data), 1024)])
    assert program_root(program) == program_tree(program).root == expected
    place = program.record_index(Ref(Kind.NODE, 0))
    assert climb(digest(records(program)[place]), place, program_tree(program).path(place)) == expected


def test_output_prefixes_fill_the_tree_chunk_by_chunk() -> None:
    leaves = [leaf(number) for number in range(5)]
    assert output_prefix(leaves, 0) == ZERO[3]
    assert output_prefix(leaves, 5) == root(leaves)
    assert output_prefix(leaves, 2) == root([*leaves[:2], *[ZERO[0]] * 3])


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 20), st.integers(1, 9), st.data())
def test_trace_prefixes_fill_nodes_and_then_slots(nodes: int, slots: int, data: st.DataObject) -> None:
    node_roots = [leaf(number) for number in range(nodes)]
    slot_roots = [leaf(1000 + number) for number in range(slots)]
    count = data.draw(st.integers(0, nodes + slots))
    left = root(node_roots[: min(count, nodes)], depth(nodes))
    right = root(slot_roots[: max(0, count - nodes)], depth(slots))
    tree = TraceTree(node_roots, slot_roots)
    assert tree.prefix_root(count) == trace_prefix(node_roots, slot_roots, count) == digest(left + right)
    assert tree.prefix_root(0) == empty_trace(nodes, slots)
    assert tree.prefix_root(nodes + slots) == tree.root == digest(root(node_roots) + root(slot_roots))


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 20), st.integers(1, 9), st.data())
def test_trace_paths_open_and_insert_nodes_and_slots(nodes: int, slots: int, data: st.DataObject) -> None:
    node_roots = [leaf(number) for number in range(nodes)]
    slot_roots = [leaf(1000 + number) for number in range(slots)]
    tree = TraceTree(node_roots, slot_roots)
    count = data.draw(st.integers(1, nodes + slots))
    node, slot = data.draw(st.integers(0, min(count, nodes) - 1)), data.draw(st.integers(0, slots - 1))
    assert climb(node_roots[node], node, tree.node_path(count, node)) == tree.prefix_root(count)
    filled = slot_roots[slot] if nodes + slot < count else ZERO[0]
    assert climb(filled, tree.slot_index(slot), tree.slot_path(count, slot)) == tree.prefix_root(count)
    assert len(tree.node_path(count, node)) == depth(nodes) + 1
    assert len(tree.slot_path(count, slot)) == depth(slots) + 1
    position = count - 1
    if position < nodes:
        inserted = insert(tree.prefix_root(position), node_roots[position], position, tree.node_path(position, position))
    else:
        place = position - nodes
        inserted = insert(tree.prefix_root(position), slot_roots[place], tree.slot_index(place), tree.slot_path(position, place))
    assert inserted == tree.prefix_root(count)


def test_a_trace_prefix_beyond_the_last_slot_does_not_exist() -> None:
    with pytest.raises(InvalidProofError, match="prefix of 3 leaves"):
        trace_prefix([leaf(1)], [leaf(2), leaf(3)], 4)


def test_the_next_state_root_is_the_right_child_of_the_trace_root() -> None:
    slot_roots = [leaf(number) for number in range(3)]
    trace = TraceTree([leaf(9)], slot_roots)
    assert trace.root == digest(leaf(9) + root(slot_roots))
    assert isinstance(trace.slots, Tree)


def test_a_seal_hashes_job_interval_and_root() -> None:
    assert seal(2**255 + 1, 3, leaf(4)) == digest((2**255 + 1).to_bytes(32, "big") + (3).to_bytes(32, "big") + leaf(4))
