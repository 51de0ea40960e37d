"""Puts the next leaf into a prefix, of which only the leaves before it are filled: ``contracts/court/Prefixes.sol`` in Python.

Everything to the right of the next leaf is empty, so only the siblings to its left are sent: one for each bit of its index that is 1.
"""

from __future__ import annotations

from collections.abc import Sequence

from touchstone.commitment.merkle import ZERO, depth, sha256
from touchstone.dispute.errors import MoveRefusedError
from touchstone.dispute.state import Graph


def filled(path: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Of the siblings of the empty leaf ``index`` in a prefix, bottom up, those that are sent."""
    return tuple(sibling for level, sibling in enumerate(path) if index >> level & 1)


def insert(leaf: bytes, index: int, siblings: Sequence[bytes], levels: int) -> tuple[bytes, bytes]:
    """Roots before and after ``leaf`` takes the empty place ``index`` of a tree of ``levels`` levels.

    Raises:
        MoveRefusedError: ``PathLengthWrong``, as the contract reverts.
    """
    before, after, used = _climb(leaf, index, siblings, levels)
    _check_length(siblings, used)
    return before, after


def insert_node(leaf: bytes, node: int, siblings: Sequence[bytes], graph: Graph) -> tuple[bytes, bytes]:
    """The same for a node of a trace, whose other half, the slots, is empty."""
    before, after = insert(leaf, node, siblings, depth(graph.nodes))
    slots = ZERO[depth(graph.slots)]
    return sha256(before + slots), sha256(after + slots)


def insert_slot(leaf: bytes, slot: int, siblings: Sequence[bytes], graph: Graph) -> tuple[bytes, bytes]:
    """The same for a slot of a trace; the last sibling is the root of the nodes, the other half."""
    before, after, used = _climb(leaf, slot, siblings, depth(graph.slots))
    _check_length(siblings, used + 1)
    return sha256(siblings[used] + before), sha256(siblings[used] + after)


def _climb(leaf: bytes, index: int, siblings: Sequence[bytes], levels: int) -> tuple[bytes, bytes, int]:
    """Both roots and the number of siblings they need; with fewer, the roots mean nothing."""
    before, after, used = ZERO[0], leaf, 0
    for level in range(levels):
        if index >> level & 1:
            sibling = siblings[used] if used < len(siblings) else ZERO[0]
            before, after, used = sha256(sibling + before), sha256(sibling + after), used + 1
        else:
            before, after = sha256(before + ZERO[level]), sha256(after + ZERO[level])
    return before, after, used


def _check_length(siblings: Sequence[bytes], expected: int) -> None:
    if len(siblings) != expected:
        raise MoveRefusedError("PathLengthWrong", len(siblings), expected)
