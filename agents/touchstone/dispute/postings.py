"""What the court remembers of a posting, and how a mover opens it: docs/specification/court.md, section 5.

These trees use Keccak-256: they bind what was sent to the court, and are no part of the machine's commitments.
"""

from __future__ import annotations

from collections.abc import Sequence

from eth_utils.crypto import keccak

from touchstone.dispute.moves import WORDS_PER_LINE, Part, Word
from touchstone.dispute.state import EMPTY

LINE_BYTES = 32
CHUNK_LEVELS = 5


def of_points(points: Sequence[bytes]) -> bytes:
    """Commitment to a dissection: the agreed start and the roots posted."""
    return _root(_part_leaves(points))


def of_chunk(chunk: bytes) -> bytes:
    """Commitment to a posted chunk of 1,024 bytes."""
    return _root(_lines(chunk))


def part(points: Sequence[bytes], index: int) -> Part:
    """Part ``index`` of a dissection, with its proof."""
    return Part(index, points[index], points[index + 1], _path(_part_leaves(points), index))


def word(chunk: bytes, index: int) -> Word:
    """Word ``index`` (0..255) of a posted chunk, with its proof."""
    lines = _lines(chunk)
    line = index // WORDS_PER_LINE
    return Word(index, lines[line], _path(lines, line))


def climb_part(opened: Part) -> bytes:
    """The commitment that an opened part leads to."""
    return climb(keccak(opened.start + opened.end), opened.index, opened.path)


def climb(leaf: bytes, index: int, path: Sequence[bytes]) -> bytes:
    """Root of the Keccak tree with ``leaf`` at ``index`` and ``path`` as its siblings."""
    for level, sibling in enumerate(path):
        leaf = keccak(sibling + leaf) if index >> level & 1 else keccak(leaf + sibling)
    return leaf


def _part_leaves(points: Sequence[bytes]) -> list[bytes]:
    return [keccak(points[i] + points[i + 1]) for i in range(len(points) - 1)]


def _lines(chunk: bytes) -> list[bytes]:
    return [chunk[i : i + LINE_BYTES] for i in range(0, len(chunk), LINE_BYTES)]


def _levels(leaves: list[bytes]) -> list[list[bytes]]:
    """All levels of the tree, the root last; a level of odd length, but the root, has got a zero word at its end."""
    levels = [leaves]
    while len(levels[-1]) > 1:
        below = levels[-1]
        if len(below) % 2:
            below.append(EMPTY)
        levels.append([keccak(below[i] + below[i + 1]) for i in range(0, len(below), 2)])
    return levels


def _root(leaves: list[bytes]) -> bytes:
    return _levels(leaves)[-1][0]


def _path(leaves: list[bytes], index: int) -> tuple[bytes, ...]:
    return tuple(level[(index >> height) ^ 1] for height, level in enumerate(_levels(leaves)[:-1]))
