"""Merkle trees over SHA-256, section 4 of docs/specification/machine.md.

A tree of depth d has up to 2**d leaves and is padded on the right with ``ZERO[0]``; an inner node is SHA-256(left || right). Everything
here is plain hashlib over lists of 32-byte leaves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from touchstone.errors import TouchstoneError

HASH_BYTES = 32
MAX_DEPTH = 64


class InvalidProofError(TouchstoneError, ValueError):
    """A Merkle proof has the wrong length, an index outside its tree, or leads to another root."""


def sha256(data: bytes) -> bytes:
    """SHA-256 (FIPS 180-4)."""
    return hashlib.sha256(data).digest()


def _zero_hashes() -> tuple[bytes, ...]:
    hashes = [bytes(HASH_BYTES)]
    for _ in range(MAX_DEPTH):
        hashes.append(sha256(hashes[-1] * 2))
    return tuple(hashes)


ZERO: tuple[bytes, ...] = _zero_hashes()
"""``ZERO[i]`` is the root of an empty tree of depth i."""


def depth(leaves: int) -> int:
    """Depth of the tree for a number of leaves: ceil(log2(leaves)), 0 for none."""
    return max(leaves - 1, 0).bit_length()


class Tree:
    """All levels of one tree, and the roots and paths of its *prefixes*: the same tree with only the first leaves filled.

    Args:
        leaves: 32-byte hashes.
        depth: levels above the leaves; the smallest that fits when omitted.
    """

    def __init__(self, leaves: Sequence[bytes], depth: int | None = None) -> None:
        self.leaves = len(leaves)
        self.depth = _fit(len(leaves), depth)
        self._levels = [list(leaves)]
        for level in range(self.depth):
            self._levels.append(_parents(self._levels[-1], level))

    @property
    def root(self) -> bytes:
        """Root of the whole tree."""
        return self._node(self.depth, 0)

    def path(self, index: int) -> list[bytes]:
        """Siblings of the leaf at ``index``, bottom up."""
        return self.prefix_path(self.leaves, index)

    def prefix_root(self, count: int) -> bytes:
        """Root with only the first ``count`` leaves filled."""
        return self._prefix_node(count, self.depth, 0)

    def prefix_path(self, count: int, index: int) -> list[bytes]:
        """Siblings of the leaf at ``index`` (filled or not) with only the first ``count`` leaves filled, bottom up."""
        _check_index(index, self.depth)
        return [self._prefix_node(count, level, (index >> level) ^ 1) for level in range(self.depth)]

    def range_proof(self, first: int, count: int) -> list[bytes]:
        """Proof of the leaves first … first+count−1, section 4.1."""
        proof: list[bytes] = []
        left, right = first, first + count - 1
        _check_index(right, self.depth)
        for level in range(self.depth):
            if left % 2 == 1:
                proof.append(self._node(level, left - 1))
            if right % 2 == 0:
                proof.append(self._node(level, right + 1))
            left, right = left // 2, right // 2
        return proof

    def _node(self, level: int, position: int) -> bytes:
        nodes = self._levels[level]
        return nodes[position] if position < len(nodes) else ZERO[level]

    def _prefix_node(self, count: int, level: int, position: int) -> bytes:
        """Node of the tree with only the first ``count`` leaves: complete, empty, or on the boundary between the two."""
        if not 0 <= count <= self.leaves:
            raise InvalidProofError(f"a prefix of {count} leaves does not exist in a tree of {self.leaves}; use 0..{self.leaves}")
        first, width = position << level, 1 << level
        if first + width <= count:
            return self._node(level, position)
        if first >= count:
            return ZERO[level]
        boundary = ZERO[0]
        for height in range(level):
            place = count >> height
            boundary = sha256(self._node(height, place - 1) + boundary) if place % 2 else sha256(boundary + ZERO[height])
        return boundary


def root(leaves: Sequence[bytes], depth: int | None = None) -> bytes:
    """Root of the tree over ``leaves``."""
    level = list(leaves)
    height = _fit(len(leaves), depth)
    for below in range(height):
        level = _parents(level, below)
    return level[0] if level else ZERO[height]


def path(leaves: Sequence[bytes], depth: int | None, index: int) -> list[bytes]:
    """Siblings of the leaf at ``index``, bottom up."""
    return Tree(leaves, depth).path(index)


def climb(leaf: bytes, index: int, siblings: Sequence[bytes]) -> bytes:
    """Root that ``leaf`` at ``index`` and its siblings lead to.

    Raises:
        InvalidProofError: the index has bits above the length of the path.
    """
    _check_index(index, len(siblings))
    current = leaf
    for level, sibling in enumerate(siblings):
        current = sha256(sibling + current) if index >> level & 1 else sha256(current + sibling)
    return current


def insert(agreed: bytes, leaf: bytes, index: int, siblings: Sequence[bytes]) -> bytes:
    """Root after putting ``leaf`` at the empty position ``index`` of the tree with root ``agreed``.

    Raises:
        InvalidProofError: the siblings do not lead to ``agreed`` from an empty leaf, or the index does not fit.
    """
    if climb(ZERO[0], index, siblings) != agreed:
        raise InvalidProofError(f"the siblings of position {index} do not show it empty under root 0x{agreed.hex()}; rebuild the proof")
    return climb(leaf, index, siblings)


def range_proof(leaves: Sequence[bytes], depth: int | None, first: int, count: int) -> list[bytes]:
    """Proof of the leaves first … first+count−1, section 4.1."""
    return Tree(leaves, depth).range_proof(first, count)


def climb_range(depth: int, first: int, hashes: Sequence[bytes], proof: Sequence[bytes]) -> bytes:
    """Root that contiguous leaves from ``first`` and a range proof lead to in a tree of ``depth``.

    Raises:
        InvalidProofError: no leaves, leaves outside the tree, or a proof longer or shorter than it must be.
    """
    if not hashes:
        raise InvalidProofError("a range proof needs at least one leaf; give the leaves it shows")
    _check_index(first, depth)
    _check_index(first + len(hashes) - 1, depth)
    remaining = iter(proof)
    known, left = list(hashes), first
    for _ in range(depth):
        if left % 2 == 1:
            known.insert(0, _take(remaining))
            left -= 1
        if (left + len(known) - 1) % 2 == 0:
            known.append(_take(remaining))
        known = [sha256(known[i] + known[i + 1]) for i in range(0, len(known), 2)]
        left //= 2
    if next(remaining, None) is not None:
        raise InvalidProofError(f"a range proof of {len(proof)} words is too long; rebuild the proof")
    return known[0]


def verify_range(root: bytes, depth: int, first: int, hashes: Sequence[bytes], proof: Sequence[bytes]) -> bool:
    """Whether contiguous leaves from ``first`` are in the tree with this root. Raises InvalidProofError for a malformed proof."""
    return climb_range(depth, first, hashes, proof) == root


def _parents(nodes: Sequence[bytes], level: int) -> list[bytes]:
    padded = [*nodes, ZERO[level]] if len(nodes) % 2 else nodes
    return [sha256(padded[i] + padded[i + 1]) for i in range(0, len(padded), 2)]


def _fit(leaves: int, height: int | None) -> int:
    needed = depth(leaves)
    if height is None:
        return needed
    if not needed <= height <= MAX_DEPTH:
        raise InvalidProofError(f"{leaves} leaves do not fit a tree of depth {height}; use a depth in {needed}..{MAX_DEPTH}")
    return height


def _check_index(index: int, height: int) -> None:
    if index < 0 or index >> height:
        raise InvalidProofError(f"position {index} is outside a tree of depth {height}; use 0..{(1 << height) - 1}")


def _take(remaining: Iterator[bytes]) -> bytes:
    word = next(remaining, None)
    if word is None:
        raise InvalidProofError("a range proof ends too early; rebuild the proof")
    return word
