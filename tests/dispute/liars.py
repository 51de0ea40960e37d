"""Players who do not tell the truth. Each offers moves in order of preference; the first that the court accepts is played."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Protocol

import numpy as np
from eth_utils.address import to_checksum_address

from tests.dispute.worlds import Words, flipped
from touchstone.commitment.merkle import ZERO, Tree, root
from touchstone.commitment.roots import CHUNK_WORDS, chunk_leaves, seal
from touchstone.dispute import postings
from touchstone.dispute.board import Board
from touchstone.dispute.errors import NothingToDenyError
from touchstone.dispute.game import Rules, cuts
from touchstone.dispute.moves import Dissect, Move, OpenNode, OpenStep, Part, PostChunk, PostOutput, ProveWord, SettleCopy
from touchstone.dispute.player import Player, PointAt
from touchstone.dispute.prefixes import filled
from touchstone.dispute.proof import element_reads
from touchstone.dispute.state import Claim, Level, Place
from touchstone.dispute.truth import Truth
from touchstone.machine.program import Kind, Ref

GARBLED = 3
"""Malformed moves tried before each move."""


class Liar(Protocol):
    """Someone who opens disputes on right claims, or answers challenges of wrong ones."""

    def opening(self, claim: Claim) -> tuple[bytes, ...]: ...

    def moves(self, board: Board) -> Iterator[Move]: ...


@dataclass
class Silent:
    """Opens with junk, or claims it, and never moves."""

    rng: random.Random
    rules: Rules

    def opening(self, claim: Claim) -> tuple[bytes, ...]:
        return tuple(self.rng.randbytes(32) for _ in range(self.rules.parts(Level.STEPS, claim.end)))

    def moves(self, board: Board) -> Iterator[Move]:
        yield from ()


@dataclass
class Cheater:
    """Ran the interval with a fault and plays as if that run were the truth; when it has no case left, sends what it has."""

    truth: Truth
    rules: Rules

    def opening(self, claim: Claim) -> tuple[bytes, ...]:
        return Player(self.truth, self.rules).opening(claim)

    def moves(self, board: Board) -> Iterator[Move]:
        try:
            yield Player(self.truth, self.rules).answer(board)
        except (NothingToDenyError, IndexError):  # its own run has caught up with the honest one
            return


@dataclass
class Garbler:
    """Follows a faulty run, and before each move tries malformed ones: bits flipped, words dropped or added, numbers off."""

    truth: Truth
    rules: Rules
    rng: random.Random

    def opening(self, claim: Claim) -> tuple[bytes, ...]:
        return Player(self.truth, self.rules).opening(claim)

    def moves(self, board: Board) -> Iterator[Move]:
        for move in Cheater(self.truth, self.rules).moves(board):
            for _ in range(GARBLED):
                yield garbled(move, self.rng)
            yield move


def garbled(value: Any, rng: random.Random) -> Any:
    """The same move, or part of one, with one thing changed that still can be sent."""
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value) if getattr(value, field.name) != () or field.name != "reads"]
        name = rng.choice(names)
        return replace(value, **{name: garbled(getattr(value, name), rng)})
    if isinstance(value, tuple):
        return _garbled_list(value, rng)
    if isinstance(value, int):
        return value ^ 1 << rng.randrange(4)
    if isinstance(value, str):
        return str(to_checksum_address(rng.randbytes(20)))
    if len(value) == 32 or rng.random() < 0.6:
        place = rng.randrange(len(value))
        return value[:place] + bytes([value[place] ^ 1 << rng.randrange(8)]) + value[place + 1 :]
    return value[:-4] if rng.random() < 0.5 else value + bytes(4)


def _garbled_list(value: tuple[Any, ...], rng: random.Random) -> tuple[Any, ...]:
    if not value:
        return (rng.randbytes(32),)
    choice = rng.random()
    if choice < 0.25:
        return value[:-1]
    if choice < 0.5:
        return (*value, value[-1])
    place = rng.randrange(len(value))
    return (*value[:place], garbled(value[place], rng), *value[place + 1 :])


@dataclass
class Trickster:
    """Knows the truth and mixes it with junk: random bytes, stale points, prefixes with junk in an empty place, forged outputs.

    It also tries the moves that the rules on differing roots, insertion and padding forbid.
    """

    truth: Truth
    rules: Rules
    rng: random.Random

    def opening(self, claim: Claim) -> tuple[bytes, ...]:
        roots = self._roots(self.truth.state_root, Place(Level.STEPS, 0, claim.end))
        denied = seal(claim.job, claim.interval, roots[-1]) if claim.is_seal else roots[-1]
        return (*roots[:-1], self.rng.randbytes(32)) if denied == claim.target else roots

    def moves(self, board: Board) -> Iterator[Move]:
        place = board.state.place
        if place.level is Level.WORD:
            yield from self._words(board)
            return
        index = self.rng.randrange(len(board.points) - 1)
        part = postings.part(board.points, index)
        positions = cuts(place.lo, place.hi, len(board.points) - 1)
        denied = Place(place.level, positions[index], positions[index + 1], place.step)
        if denied.hi - denied.lo > 1:
            roots = self._roots(Player(self.truth, self.rules).points(board), denied)
            if self.rng.random() < 0.5:
                yield Dissect(part, (*roots[:-1], part.end))
            yield Dissect(part, roots)
            yield Dissect(part, (*roots[:-1], self.rng.randbytes(32)))
        elif place.level is Level.STEPS:
            yield from self._steps(board, part, denied.lo)
        elif place.level is Level.CHUNKS:
            yield from self._chunks(part, board, denied.lo)
        elif denied.lo < board.state.graph.nodes:
            yield from self._nodes(board, part, denied.lo)
        else:
            yield from self._copies(board, part, denied.lo)

    def _roots(self, points: PointAt, place: Place) -> tuple[bytes, ...]:
        parts = self.rules.parts(place.level, place.hi - place.lo)
        return tuple(self._point_or_junk(points, position) for position in cuts(place.lo, place.hi, parts)[1:])

    def _point_or_junk(self, points: PointAt, position: int) -> bytes:
        choice = self.rng.random()
        if choice < 0.5:
            return points(position)
        if choice < 0.7:
            return points(max(0, position - 1))  # stale
        return self.rng.randbytes(32)

    def _steps(self, board: Board, part: Part, step: int) -> Iterator[Move]:
        trace = self.truth.trace(step)
        length = trace.nodes.leaves + trace.slots.leaves
        roots = self._roots(trace.prefix_root, Place(Level.NODES, 0, length))
        header = self.truth.header()
        next_roots = [self.rng.randbytes(32), self.truth.state_root(step)]
        if self.rng.random() < 0.5:
            next_roots.insert(0, part.end)
        nodes_root = trace.nodes.root if self.rng.random() < 0.5 else self.rng.randbytes(32)
        for next_root in next_roots:
            yield OpenStep(part, board.terms, header, nodes_root, next_root, roots[:-1])

    def _nodes(self, board: Board, part: Part, node: int) -> Iterator[Move]:
        step = board.state.place.step
        record = self.truth.record(Ref(Kind.NODE, node))
        siblings = filled(self.truth.trace(step).node_path(node, node), node)
        honest = self.truth.output(step, node)
        if honest.tree.leaves == 1:
            for leaf_siblings, chunk in self._lying_chunks(honest.chunks(0, 1), len(honest.words), siblings):
                yield PostOutput(part, board.terms, record, leaf_siblings, chunk)
            return
        if self.rng.random() < 0.5:
            roots = tuple(honest.tree.prefix_root(c) for c in self._cuts(honest.tree))
            yield OpenNode(part, board.terms, record, honest.tree.root, self._junk(siblings), roots[:-1])
        leaves = self._forged_leaves(honest.words)
        forged = Tree(leaves)
        points = _prefixes_with_junk(forged, leaves) if self.rng.random() < 0.3 else forged.prefix_root
        roots = tuple(points(c) if self.rng.random() < 0.7 else self.rng.randbytes(32) for c in self._cuts(forged))
        roots = (*roots[:-1], points(forged.leaves))
        yield OpenNode(part, board.terms, record, roots[-1], siblings, roots[:-1])

    def _cuts(self, tree: Tree) -> list[int]:
        return cuts(0, tree.leaves, self.rules.parts(Level.CHUNKS, tree.leaves))[1:]

    def _forged_leaves(self, words: Words) -> list[bytes]:
        index = self.rng.randrange(-(-len(words) // CHUNK_WORDS) * CHUNK_WORDS)
        return chunk_leaves(flipped(words, index, 1 << self.rng.randrange(32)))

    def _chunks(self, part: Part, board: Board, number: int) -> Iterator[Move]:
        output = self.truth.output(board.state.place.step, board.state.graph.node)
        siblings = filled(output.tree.prefix_path(number, number), number)
        used = len(output.words) - number * CHUNK_WORDS
        for leaf_siblings, chunk in self._lying_chunks(output.chunks(number, 1), used, siblings):
            yield PostChunk(part, leaf_siblings, chunk)

    def _lying_chunks(self, true: bytes, used: int, siblings: tuple[bytes, ...]) -> Iterator[tuple[tuple[bytes, ...], bytes]]:
        choice = self.rng.random()
        if choice < 0.3 and siblings:
            yield self._junk(siblings), true
        words = np.frombuffer(true, dtype="<u4")
        padding = used < CHUNK_WORDS and choice > 0.6
        index = self.rng.randrange(used, CHUNK_WORDS) if padding else self.rng.randrange(min(used, CHUNK_WORDS))
        yield siblings, flipped(words, index, 1 << self.rng.randrange(32)).tobytes()

    def _junk(self, siblings: tuple[bytes, ...]) -> tuple[bytes, ...]:
        return (*siblings[:-1], self.rng.randbytes(32)) if siblings else ()

    def _copies(self, board: Board, part: Part, position: int) -> Iterator[Move]:
        move = Player(self.truth, self.rules).settle_copy(board, part, position)
        yield move
        yield SettleCopy(part, board.terms, move.record, self.rng.randbytes(32), move.source_path, move.siblings)
        yield SettleCopy(part, board.terms, move.record, move.source, move.source_path, self._junk(move.siblings))

    def _words(self, board: Board) -> Iterator[Move]:
        """The honest chunk has no wrong word: try one, with the true operands and with another element's."""
        state = board.state
        index = self.rng.randrange(CHUNK_WORDS)
        element = state.place.lo * CHUNK_WORDS + index
        word, agreed = postings.word(board.chunk, index), (state.state_root, state.prefix_root)
        record = self.truth.record(Ref(Kind.NODE, state.graph.node))
        if element >= state.graph.elements:
            yield ProveWord(board.terms, *agreed, word, record, ())
            return
        yield ProveWord(board.terms, *agreed, word, record, element_reads(self.truth, state.place.step, state.graph.node, element))
        other = self.rng.randrange(state.graph.elements)
        yield ProveWord(board.terms, *agreed, word, record, element_reads(self.truth, state.place.step, state.graph.node, other))


def _prefixes_with_junk(tree: Tree, leaves: list[bytes]) -> PointAt:
    """Prefix roots of a tree that also has a junk leaf in its last, empty place (if there is one)."""
    width = 1 << tree.depth

    def point(count: int) -> bytes:
        filled = leaves[:count]
        if len(leaves) < width:
            filled = filled + [ZERO[0]] * (width - 1 - count) + [b"J" * 32]
        return root(filled, tree.depth)

    return point
