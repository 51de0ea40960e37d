"""Plays a dispute for either side: denies the first part it does not agree with, and answers with its own replay's roots.

An honest player always has a move and always wins, whatever the other side posts: docs/specification/court.md, section 7.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from touchstone.commitment.roots import CHUNK_WORDS, seal, tensor_root
from touchstone.dispute import postings
from touchstone.dispute.board import Board
from touchstone.dispute.errors import NothingToDenyError
from touchstone.dispute.game import RULES, Rules, cuts
from touchstone.dispute.moves import (
    Dissect,
    Move,
    OpenNode,
    OpenStep,
    Part,
    PostChunk,
    PostOutput,
    ProveWord,
    SettleCopy,
)
from touchstone.dispute.prefixes import filled
from touchstone.dispute.proof import element_reads
from touchstone.dispute.state import Claim, Level, Place
from touchstone.dispute.truth import Truth
from touchstone.machine.program import Kind, Ref

PointAt = Callable[[int], bytes]


class Player:
    """The honest strategy.

    Args:
        truth: own replay of the disputed interval.
        rules: how many parts the court cuts into.
    """

    def __init__(self, truth: Truth, rules: Rules = RULES) -> None:
        self.truth = truth
        self.rules = rules

    def opening(self, claim: Claim) -> tuple[bytes, ...]:
        """Roots for ``open``: the own dissection of the claim's interval.

        Raises:
            NothingToDenyError: the claim is right, or its start is not the state this replay starts from.
        """
        if self.truth.state_root(0) != claim.start_root:
            raise NothingToDenyError("the claim starts from another state than this replay; fetch the claim's checkpoint first")
        roots = self._roots(self.truth.state_root, Place(Level.STEPS, 0, claim.end))
        mine = seal(claim.job, claim.interval, roots[-1]) if claim.is_seal else roots[-1]
        if mine == claim.target:
            raise NothingToDenyError(f"the claim 0x{claim.target.hex()} is right; do not challenge it")
        return roots

    def answer(self, board: Board) -> Move:
        """The move to make when it is one's turn on ``board``.

        Raises:
            NothingToDenyError: what the other side posted agrees with the own replay.
        """
        place = board.state.place
        if place.level is Level.WORD:
            return self._prove_word(board)
        index = self._first_wrong_part(board)
        part = postings.part(board.points, index)
        positions = cuts(place.lo, place.hi, len(board.points) - 1)
        denied = Place(place.level, positions[index], positions[index + 1], place.step)
        if denied.hi - denied.lo > 1:
            return Dissect(part, self._roots(self.points(board), denied))
        if place.level is Level.STEPS:
            return self._open_step(board, part, denied.lo)
        if place.level is Level.CHUNKS:
            return self._post_chunk(board, part, denied.lo)
        if denied.lo < board.state.graph.nodes:
            return self._open_node(board, part, denied.lo)
        return self.settle_copy(board, part, denied.lo)

    def points(self, board: Board) -> PointAt:
        """The true points of the sequence that is being dissected."""
        place = board.state.place
        if place.level is Level.STEPS:
            return self.truth.state_root
        if place.level is Level.NODES:
            return self.truth.trace(place.step).prefix_root
        return self.truth.output(place.step, board.state.graph.node).tree.prefix_root

    def _first_wrong_part(self, board: Board) -> int:
        place = board.state.place
        points = self.points(board)
        positions = cuts(place.lo, place.hi, len(board.points) - 1)
        for index, position in enumerate(positions[1:]):
            if board.points[index + 1] != points(position):
                return index
        raise NothingToDenyError(f"dispute {board.number}: every root posted agrees with the own replay; check the machine")

    def _roots(self, points: PointAt, place: Place) -> tuple[bytes, ...]:
        parts = self.rules.parts(place.level, place.hi - place.lo)
        return tuple(points(position) for position in cuts(place.lo, place.hi, parts)[1:])

    def _open_step(self, board: Board, part: Part, step: int) -> OpenStep:
        trace = self.truth.trace(step)
        length = trace.nodes.leaves + trace.slots.leaves
        roots = self._roots(trace.prefix_root, Place(Level.NODES, 0, length))
        return OpenStep(part, board.terms, self.truth.header(), trace.nodes.root, trace.slots.root, roots[:-1])

    def _open_node(self, board: Board, part: Part, node: int) -> OpenNode | PostOutput:
        step = board.state.place.step
        record = self.truth.record(Ref(Kind.NODE, node))
        siblings = filled(self.truth.trace(step).node_path(node, node), node)
        output = self.truth.output(step, node)
        if output.tree.leaves == 1:
            return PostOutput(part, board.terms, record, siblings, output.chunks(0, 1))
        roots = self._roots(output.tree.prefix_root, Place(Level.CHUNKS, 0, output.tree.leaves))
        return OpenNode(part, board.terms, record, output.tree.root, siblings, roots[:-1])

    def _post_chunk(self, board: Board, part: Part, number: int) -> PostChunk:
        output = self.truth.output(board.state.place.step, board.state.graph.node)
        siblings = filled(output.tree.prefix_path(number, number), number)
        return PostChunk(part, siblings, output.chunks(number, 1))

    def settle_copy(self, board: Board, part: Part, position: int) -> SettleCopy:
        """The copy of the slot at ``position`` of the trace, with its proof."""
        step = board.state.place.step
        trace = self.truth.trace(step)
        slot = position - trace.nodes.leaves
        source = self.truth.program.slots[slot].next
        if source.kind is Kind.NODE:
            root = self.truth.replay.node_roots(step)[source.index]
            source_path = trace.node_path(position, source.index)
        else:
            root = tensor_root(self.truth.replay.state(step)[source.index])
            source_path = self.truth.slot_tree(step).path(source.index)
        record = self.truth.record(Ref(Kind.SLOT, slot))
        path = trace.slot_path(position, slot)
        siblings = (*filled(path[:-1], slot), path[-1])
        return SettleCopy(part, board.terms, record, root, tuple(source_path), siblings)

    def _prove_word(self, board: Board) -> ProveWord:
        state = board.state
        number, node, step = state.place.lo, state.graph.node, state.place.step
        mine = self.truth.output(step, node).chunks(number, 1)
        index = _first_difference(mine, board.chunk)
        if index is None:
            raise NothingToDenyError(f"dispute {board.number}: the posted chunk agrees with the own replay; check the machine")
        element = number * CHUNK_WORDS + index
        reads = element_reads(self.truth, step, node, element) if element < state.graph.elements else ()
        record = self.truth.record(Ref(Kind.NODE, node))
        return ProveWord(board.terms, state.state_root, state.prefix_root, postings.word(board.chunk, index), record, reads)


def _first_difference(mine: bytes, theirs: bytes) -> int | None:
    """Index of the first 32-bit word in which two chunks differ."""
    words: Sequence[int] = range(CHUNK_WORDS)
    return next((i for i in words if mine[4 * i : 4 * i + 4] != theirs[4 * i : 4 * i + 4]), None)
