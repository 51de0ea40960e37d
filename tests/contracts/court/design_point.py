"""A dispute at the size of docs/specification/court.md's design point: 2^20 steps, 2^10 nodes, an output of 2^24 elements, dot of K = 2^10.

The court sees hashes only, so everything that no move opens may be random bytes. What is opened is real: the program's records, the
agreed prefixes with the operands' leaves, and the last proof.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.contracts.court.chain import ChainCourt
from tests.dispute.worlds import CHALLENGER, SOLVER
from touchstone.commitment.merkle import ZERO, climb_range, sha256
from touchstone.commitment.roots import CHUNK_BYTES, CHUNK_WORDS, TraceTree, program_tree, records
from touchstone.dispute import postings
from touchstone.dispute.board import Board
from touchstone.dispute.game import RULES, cuts
from touchstone.dispute.moves import Dissect, Move, OpenNode, OpenStep, Part, PostChunk, ProveWord, Read, Record
from touchstone.dispute.prefixes import filled, insert
from touchstone.dispute.records import trimmed
from touchstone.dispute.state import Claim, Level
from touchstone.machine.builder import Builder, Value
from touchstone.machine.program import DType, Kind, MapFn, Op, Program, Ref

STEPS, NODES, SLOTS, ROWS, DEPTH, CHUNK_LEVELS = 2**20, 2**10, 256, 2**12, 2**10, 16
F32 = DType.F32


def program() -> Program:
    """2^10 nodes, among them one dot of [2^12, 2^10] by [2^12, 2^10]."""
    b = Builder()
    step = b.slot(DType.I32, (1,))
    weights = [b.slot(F32, (ROWS, DEPTH)) for _ in range(SLOTS - 1)]
    b.set_next(step, b.map(MapFn.IADD, step, b.fill(DType.I32, (), 1)))
    x: Value = weights[0]
    while len(b._nodes) < 700:
        x = b.map(MapFn.TANH, x)
    b.dot(x, b.map(MapFn.EXP, x))
    while len(b._nodes) < NODES:
        x = b.map(MapFn.TANH, x)
    return b.build()


Opening = Callable[["DesignPoint", bytes, list[bytes]], Board]
"""``opening(game, program_root, roots)`` opens a dispute about 2^20 steps with these roots."""


def direct(game: DesignPoint, program_root: bytes, roots: list[bytes]) -> Board:
    """By a scripted arbitrable that keeps no books."""
    junk = game.junk
    claim = Claim(program_root, junk(), junk(), junk(), 7, 3, STEPS, False, SOLVER, CHALLENGER, 10_000, 100, junk())
    return game.court.open(claim, roots, game.court.now() + 1)


@dataclass
class DesignPoint:
    """One scripted dispute; ``play`` makes all its moves.

    Args:
        court: where it is played.
        rng: of everything that is junk.
    """

    court: ChainCourt
    rng: random.Random

    def play(self, opening: Opening) -> tuple[Board, list[tuple[str, int]]]:
        """The final board, and the gas of each transaction in order; ``opening`` opens the dispute."""
        self.program = program()
        self.node = next(i for i, node in enumerate(self.program.nodes) if node.op is Op.DOT)
        tree = program_tree(self.program)
        self.header = Record(trimmed(records(self.program)[0]), tuple(tree.path(0)))
        index = self.program.record_index(Ref(Kind.NODE, self.node))
        self.record = Record(trimmed(records(self.program)[index]), tuple(tree.path(index)))
        self.operands = [self._operand() for _ in range(2)]
        self._trace()
        self.court.gas.clear()

        board = opening(self, tree.root, [self.junk() for _ in range(RULES.steps)])
        time = self.court.now()
        while board.verdict is None:
            time += 1
            board = self.court.play(board, self._next(board), board.state.mover, time)
        return board, list(self.court.gas)

    def junk(self) -> bytes:
        return self.rng.randbytes(32)

    def _operand(self) -> tuple[bytes, int, bytes, tuple[bytes, ...]]:
        """Root, first chunk, data and range proof of one row of 2^10 words of a tensor of 2^22."""
        words = self.rng.choices(range(-(2**20), 2**20), k=DEPTH)
        data = (np.array(words, dtype=np.float32) / np.float32(2**19)).tobytes()
        chunks, levels = len(data) // CHUNK_BYTES, 14
        first = self.rng.randrange(ROWS) * chunks
        siblings = tuple(self.junk() for _ in range(levels - 2))  # four aligned chunks need none on the two lowest levels
        hashes = [sha256(data[i : i + CHUNK_BYTES]) for i in range(0, len(data), CHUNK_BYTES)]
        return climb_range(levels, first, hashes, siblings), first, data, siblings

    def _trace(self) -> None:
        """A trace in which the operands of the disputed node are real."""
        leaves = [self.junk() for _ in range(NODES)]
        for operand, (root, _, _, _) in zip(self.program.nodes[self.node].operands, self.operands, strict=True):
            leaves[operand.ref.index] = root
        self.trace = TraceTree(leaves, [self.junk() for _ in range(SLOTS)])
        rows = [first // (DEPTH // CHUNK_WORDS) for _, first, _, _ in self.operands]
        self.element = rows[0] * ROWS + rows[1]
        self.chunk = self.element // CHUNK_WORDS
        self.chunk_siblings = tuple(self.junk() for _ in range(self.chunk.bit_count()))

    def _goal(self, board: Board) -> int:
        """Position of the transition in dispute on the current level."""
        return {Level.STEPS: 777_777, Level.NODES: self.node, Level.CHUNKS: self.chunk}[board.state.place.level]

    def _root(self, level: Level, position: int) -> bytes:
        """Junk, except for the two agreed prefixes that are opened."""
        if (level, position) == (Level.NODES, self.node):
            return self.trace.prefix_root(self.node)
        if (level, position) == (Level.CHUNKS, self.chunk):
            return insert(ZERO[0], self.chunk, self.chunk_siblings, CHUNK_LEVELS)[0]
        return self.junk()

    def _roots(self, level: Level, lo: int, hi: int) -> tuple[bytes, ...]:
        return tuple(self._root(level, position) for position in cuts(lo, hi, RULES.parts(level, hi - lo))[1:])

    def _next(self, board: Board) -> Move:
        place = board.state.place
        if place.level is Level.WORD:
            return self._prove(board)
        positions = cuts(place.lo, place.hi, len(board.points) - 1)
        index = next(i for i, hi in enumerate(positions[1:]) if self._goal(board) < hi)
        part, lo, hi = postings.part(board.points, index), positions[index], positions[index + 1]
        if hi - lo > 1:
            return Dissect(part, self._roots(place.level, lo, hi))
        if place.level is Level.STEPS:
            return self._open_step(board, part)
        if place.level is Level.NODES:
            return self._open_node(board, part)
        return PostChunk(part, self.chunk_siblings, self.rng.randbytes(CHUNK_BYTES))

    def _open_step(self, board: Board, part: Part) -> OpenStep:
        nodes_root, next_root = self.junk(), self.junk()
        roots = self._roots(Level.NODES, 0, NODES + SLOTS)
        return OpenStep(part, board.terms, self.header, nodes_root, next_root, roots[:-1])

    def _open_node(self, board: Board, part: Part) -> OpenNode:
        siblings = filled(self.trace.node_path(self.node, self.node), self.node)
        roots = self._roots(Level.CHUNKS, 0, ROWS * ROWS // CHUNK_WORDS)
        return OpenNode(part, board.terms, self.record, roots[-1], siblings, roots[:-1])

    def _prove(self, board: Board) -> ProveWord:
        reads = []
        for operand, (root, _, data, siblings) in zip(self.program.nodes[self.node].operands, self.operands, strict=True):
            path = tuple(self.trace.node_path(self.node, operand.ref.index))
            reads.append(Read(root, path, data, siblings))
        state = board.state
        word = postings.word(board.chunk, self.element % CHUNK_WORDS)
        return ProveWord(board.terms, state.state_root, state.prefix_root, word, self.record, tuple(reads))
