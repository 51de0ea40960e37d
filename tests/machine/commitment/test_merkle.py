"""Trees and proofs, section 4 of docs/specification/machine.md."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.commitment.merkle import (
    ZERO,
    InvalidProofError,
    Tree,
    climb,
    climb_range,
    depth,
    insert,
    path,
    range_proof,
    root,
    verify_range,
)

SIZES = st.integers(1, 70)
JUNK = b"J" * 32


def digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def leaves_of(count: int) -> list[bytes]:
    return [digest(bytes([index])) for index in range(count)]


def padded_root(leaves: list[bytes], height: int) -> bytes:
    """The definition: pad to 2**height leaves with zeros and hash pairs."""
    level = leaves + [bytes(32)] * (2**height - len(leaves))
    while len(level) > 1:
        level = [digest(level[i] + level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


@pytest.mark.parametrize(("count", "expected"), [(0, 0), (1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (1024, 10), (1025, 11)])
def test_depth_is_the_rounded_up_logarithm(count: int, expected: int) -> None:
    assert depth(count) == expected


def test_zero_hashes_are_the_roots_of_empty_trees() -> None:
    assert ZERO[0] == bytes(32)
    assert ZERO[5] == padded_root([], 5) == root([], 5)


@settings(deadline=None)
@given(SIZES, st.integers(0, 2))
def test_a_root_is_that_of_the_padded_tree(count: int, extra: int) -> None:
    height = depth(count) + extra
    assert root(leaves_of(count), height) == Tree(leaves_of(count), height).root == padded_root(leaves_of(count), height)


@settings(deadline=None)
@given(SIZES, st.data())
def test_a_path_leads_from_its_leaf_to_the_root_and_from_no_other_leaf(count: int, data: st.DataObject) -> None:
    leaves = leaves_of(count)
    index = data.draw(st.integers(0, count - 1))
    siblings = path(leaves, None, index)
    assert len(siblings) == depth(count)
    assert climb(leaves[index], index, siblings) == root(leaves)
    assert climb(JUNK, index, siblings) != root(leaves)


def test_a_path_leads_elsewhere_from_another_index() -> None:
    leaves = leaves_of(6)
    assert climb(leaves[2], 3, path(leaves, None, 2)) != root(leaves)


@pytest.mark.parametrize("index", [-1, 8, 8 + 2])
def test_an_index_beyond_the_path_is_refused(index: int) -> None:
    siblings = path(leaves_of(8), None, 2)
    with pytest.raises(InvalidProofError, match=f"position {index} is outside a tree of depth 3"):
        climb(JUNK, index, siblings)


@settings(deadline=None)
@given(SIZES, st.data())
def test_prefixes_are_the_trees_of_the_first_leaves_at_full_depth(count: int, data: st.DataObject) -> None:
    leaves = leaves_of(count)
    filled = data.draw(st.integers(0, count))
    index = data.draw(st.integers(0, 2 ** depth(count) - 1))
    tree = Tree(leaves)
    assert tree.prefix_root(filled) == padded_root(leaves[:filled], tree.depth)
    assert tree.prefix_path(filled, index) == Tree(leaves[:filled], tree.depth).path(index)


def test_a_prefix_beyond_the_leaves_does_not_exist() -> None:
    with pytest.raises(InvalidProofError, match="prefix of 4 leaves"):
        Tree(leaves_of(3)).prefix_root(4)


@settings(deadline=None)
@given(SIZES, st.data())
def test_an_insertion_turns_one_prefix_into_the_next(count: int, data: st.DataObject) -> None:
    leaves = leaves_of(count)
    position = data.draw(st.integers(0, count - 1))
    tree = Tree(leaves)
    siblings = tree.prefix_path(position, position)
    assert insert(tree.prefix_root(position), leaves[position], position, siblings) == tree.prefix_root(position + 1)


def test_an_insertion_where_a_leaf_already_is_is_refused() -> None:
    tree = Tree(leaves_of(5))
    with pytest.raises(InvalidProofError, match="do not show it empty"):
        insert(tree.root, JUNK, 2, tree.path(2))


def test_an_insertion_cannot_hide_junk_beside_its_leaf() -> None:
    """Siblings with junk at another empty position do not lead to the agreed root from an empty leaf."""
    leaves = leaves_of(3)
    agreed = root(leaves[:2], 2)
    with_junk = [JUNK, *Tree(leaves[:2], 2).path(2)[1:]]
    with pytest.raises(InvalidProofError):
        insert(agreed, leaves[2], 2, with_junk)


@settings(deadline=None)
@given(SIZES, st.data())
def test_a_range_proof_shows_its_leaves_and_no_others(count: int, data: st.DataObject) -> None:
    leaves = leaves_of(count)
    first = data.draw(st.integers(0, count - 1))
    length = data.draw(st.integers(1, count - first))
    proof = range_proof(leaves, None, first, length)
    shown = leaves[first : first + length]
    assert climb_range(depth(count), first, shown, proof) == root(leaves)
    assert verify_range(root(leaves), depth(count), first, shown, proof)
    assert not verify_range(root(leaves), depth(count), first, [*shown[:-1], JUNK], proof)


@settings(deadline=None, max_examples=60)
@given(SIZES, st.data())
def test_a_range_proof_has_exactly_the_words_it_needs(count: int, data: st.DataObject) -> None:
    leaves = leaves_of(count)
    first = data.draw(st.integers(0, count - 1))
    length = data.draw(st.integers(1, count - first))
    proof = range_proof(leaves, None, first, length)
    assert len(proof) <= 2 * depth(count)
    with pytest.raises(InvalidProofError, match="too long"):
        climb_range(depth(count), first, leaves[first : first + length], [*proof, JUNK])
    if proof:
        with pytest.raises(InvalidProofError, match="ends too early"):
            climb_range(depth(count), first, leaves[first : first + length], proof[:-1])


def test_a_range_of_one_is_a_path() -> None:
    leaves = leaves_of(8)
    assert range_proof(leaves, None, 5, 1) == path(leaves, None, 5)


@pytest.mark.parametrize(("first", "length"), [(7, 2), (8, 1), (-1, 1)])
def test_a_range_that_leaves_the_tree_is_refused(first: int, length: int) -> None:
    with pytest.raises(InvalidProofError, match="outside a tree of depth 3"):
        climb_range(3, first, [JUNK] * length, [])


def test_an_empty_range_is_refused() -> None:
    with pytest.raises(InvalidProofError, match="at least one leaf"):
        climb_range(3, 0, [], [])


def test_leaves_that_do_not_fit_the_depth_are_refused() -> None:
    with pytest.raises(InvalidProofError, match="5 leaves do not fit a tree of depth 2"):
        root(leaves_of(5), 2)
