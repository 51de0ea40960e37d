"""Moves that break a rule are refused with the error that names it, by the contract as by the model, and change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.contracts.court.chain import ChainCourt
from tests.contracts.court.test_games import Mirror
from tests.dispute.arena import Arena
from tests.dispute.liars import Cheater
from tests.dispute.perceptron import perceptron
from tests.dispute.planted import plant
from tests.dispute.worlds import CHALLENGER, SOLVER, World
from touchstone.dispute import postings
from touchstone.dispute.board import Board
from touchstone.dispute.errors import MoveRefusedError
from touchstone.dispute.game import Rules, cuts, play
from touchstone.dispute.moves import (
    Dissect,
    Move,
    OpenNode,
    OpenStep,
    PostChunk,
    PostOutput,
    ProveWord,
    SettleCopy,
    Word,
    contract_call,
)
from touchstone.dispute.player import Player
from touchstone.dispute.referee import Referee
from touchstone.dispute.truth import Truth
from touchstone.machine.program import Kind, Ref

JUNK = b"\x5a" * 32
Spoiled = tuple[Move, str]
"""A spoiled move and the name of the error it gets."""


def spoiled_parts(move: Any) -> Iterator[Spoiled]:
    """What can be wrong with the part a move denies."""
    part = move.part
    yield replace(move, part=replace(part, index=1000)), "NoSuchPart"
    yield replace(move, part=replace(part, start=JUNK)), "WrongState"
    yield replace(move, part=replace(part, end=JUNK)), "WrongState"
    yield replace(move, part=replace(part, path=(*part.path, JUNK))), "PathLengthWrong"
    if part.index > 0:
        yield replace(move, part=replace(part, index=part.index - 1)), "WrongState"
    if part.path:
        yield replace(move, part=replace(part, path=part.path[:-1])), "PathLengthWrong"


def spoiled_records(move: Any, name: str, other: Any) -> Iterator[Spoiled]:
    """What can be wrong with the record a move sends; ``other`` is another record of the program."""
    record = getattr(move, name)
    yield replace(move, **{name: replace(record, data=record.data[:-1])}), "ChunkBytesWrong"
    yield replace(move, **{name: replace(record, path=record.path[:-1])}), "PathLengthWrong"
    yield replace(move, **{name: replace(record, path=(*record.path[:-1], JUNK))}), "RecordNotInProgram"
    yield replace(move, **{name: other}), "RecordMalformed" if name == "header" else "RecordNotInProgram"


def spoiled_terms(move: Any) -> Iterator[Spoiled]:
    yield replace(move, terms=replace(move.terms, program_root=JUNK)), "WrongState"
    yield replace(move, terms=replace(move.terms, arbitrable=SOLVER)), "WrongState"


def spoiled_roots(move: Any) -> Iterator[Spoiled]:
    """What can be wrong with the roots a move posts."""
    yield replace(move, roots=move.roots[:-1]), "WrongRootCount"
    yield replace(move, roots=(*move.roots, JUNK)), "WrongRootCount"
    yield replace(move, roots=()), "WrongRootCount"


@dataclass
class Spoiler:
    """Spoiled versions of each kind of move in a game; ``honest`` and ``lying`` are the views of both sides."""

    honest: Truth
    lying: Truth

    def versions(self, board: Board, move: Move) -> Iterator[Spoiled]:
        yield from self._wrong_level(board, move)
        if not isinstance(move, ProveWord):
            yield from spoiled_parts(move)
        versions: dict[type[Any], Callable[[Board, Any], Iterator[Spoiled]]] = {
            Dissect: self._dissect,
            OpenStep: self._open_step,
            OpenNode: self._open_node,
            PostOutput: self._post_output,
            PostChunk: self._post_chunk,
            SettleCopy: self._settle_copy,
            ProveWord: self._prove_word,
        }
        yield from versions[type(move)](board, move)

    def _wrong_level(self, board: Board, move: Move) -> Iterator[Spoiled]:
        terms, header = board.terms, self.honest.header()
        part = postings.part(board.points, 0) if board.points else postings.part((JUNK, JUNK), 0)
        if board.state.place.level != 4:
            yield ProveWord(terms, JUNK, JUNK, Word(0, JUNK, (JUNK,) * 5), header, ()), "WrongLevel"
        if board.state.place.level != 3:
            yield PostChunk(part, (), bytes(1024)), "WrongLevel"
        if board.state.place.level != 2:
            yield PostOutput(part, terms, header, (), bytes(1024)), "WrongLevel"
            yield SettleCopy(part, terms, header, JUNK, (), ()), "WrongLevel"
            yield OpenNode(part, terms, header, JUNK, (), (JUNK,)), "WrongLevel"
        if board.state.place.level != 1:
            yield OpenStep(part, terms, header, JUNK, JUNK, (JUNK,)), "WrongLevel"

    def _dissect(self, board: Board, move: Dissect) -> Iterator[Spoiled]:
        yield from spoiled_roots(move)
        yield replace(move, roots=(*move.roots[:-1], move.part.end)), "SameRoot"
        if board.state.place.level == 1:
            yield OpenStep(move.part, board.terms, self.honest.header(), JUNK, JUNK, move.roots), "PartNotSingle"

    def _open_step(self, board: Board, move: OpenStep) -> Iterator[Spoiled]:
        yield Dissect(move.part, (JUNK,)), "PartIsSingle"
        yield from spoiled_terms(move)
        yield from spoiled_records(move, "header", self.honest.record(Ref(Kind.SLOT, 0)))
        yield from spoiled_roots(move)
        yield replace(move, next_root=move.part.end), "SameRoot"

    def _open_node(self, board: Board, move: OpenNode) -> Iterator[Spoiled]:
        yield from spoiled_terms(move)
        yield from spoiled_records(move, "record", self.honest.record(Ref(Kind.NODE, 0)))
        yield from spoiled_roots(move)
        yield replace(move, siblings=(JUNK, *move.siblings[1:])), "WrongInsertion"
        yield replace(move, siblings=move.siblings[1:]), "PathLengthWrong"
        yield PostOutput(move.part, move.terms, move.record, move.siblings, bytes(1024)), "WrongChunkCount"
        yield self._copy(move), "NotASlot"

    def _post_output(self, board: Board, move: PostOutput) -> Iterator[Spoiled]:
        yield from spoiled_terms(move)
        yield from spoiled_records(move, "record", self.honest.record(Ref(Kind.NODE, 0)))
        yield replace(move, siblings=(JUNK, *move.siblings[1:])), "WrongInsertion"
        yield replace(move, siblings=(*move.siblings, JUNK)), "PathLengthWrong"
        yield replace(move, chunk=move.chunk[:-1]), "ChunkBytesWrong"
        yield replace(move, chunk=move.chunk + b"\0"), "ChunkBytesWrong"
        denied = self.lying.output(board.state.place.step, self._position(board, move)).chunks(0, 1)
        yield replace(move, chunk=denied), "SameRoot"
        yield OpenNode(move.part, move.terms, move.record, JUNK, move.siblings, (JUNK,)), "WrongChunkCount"
        yield self._copy(move), "NotASlot"

    def _post_chunk(self, board: Board, move: PostChunk) -> Iterator[Spoiled]:
        yield replace(move, siblings=(JUNK, *move.siblings[1:])), "WrongInsertion"
        yield replace(move, siblings=move.siblings[:-1]), "PathLengthWrong"
        yield replace(move, chunk=b""), "ChunkBytesWrong"
        number = self._position(board, move)
        yield replace(move, chunk=self.lying.output(board.state.place.step, board.state.graph.node).chunks(number, 1)), "SameRoot"
        yield Dissect(move.part, (JUNK,)), "PartIsSingle"

    def _settle_copy(self, board: Board, move: SettleCopy) -> Iterator[Spoiled]:
        yield from spoiled_terms(move)
        yield from spoiled_records(move, "record", self.honest.header())
        yield replace(move, source=JUNK), "WrongSource"
        yield replace(move, source_path=(*move.source_path, JUNK)), "PathLengthWrong"
        yield replace(move, siblings=(*move.siblings[:-1], JUNK)), "WrongInsertion"
        yield replace(move, siblings=move.siblings[:-1]), "PathLengthWrong"
        yield OpenNode(move.part, move.terms, move.record, JUNK, move.siblings, (JUNK,)), "NotANode"

    def _prove_word(self, board: Board, move: ProveWord) -> Iterator[Spoiled]:
        yield from spoiled_terms(move)
        yield replace(move, word=replace(move.word, index=256)), "NoSuchWord"
        yield replace(move, state_root=JUNK), "NotAgreed"
        yield replace(move, prefix_root=JUNK), "NotAgreed"
        yield replace(move, word=replace(move.word, line=JUNK)), "WrongState"
        yield replace(move, word=replace(move.word, path=move.word.path[:-1])), "PathLengthWrong"
        padding = postings.word(board.chunk, 255)
        if board.state.place.lo * 256 + 255 >= board.state.graph.elements:
            yield replace(move, word=padding), "WordIsRight"
        yield from spoiled_records(move, "record", self.honest.record(Ref(Kind.NODE, 0)))
        if not move.reads:
            return
        yield replace(move, reads=move.reads[:-1]), "ReadsWrong"
        yield replace(move, reads=(*move.reads, move.reads[0])), "ReadsWrong"
        first, rest = move.reads[0], move.reads[1:]
        yield replace(move, reads=(replace(first, tensor_root=JUNK), *rest)), "OperandNotAgreed"
        yield replace(move, reads=(replace(first, data=first.data + bytes(1024)), *rest)), "DataLengthWrong"
        yield replace(move, reads=(replace(first, data=bytes(len(first.data))), *rest)), "ChunksNotInTensor"

    def _copy(self, move: Any) -> SettleCopy:
        return SettleCopy(move.part, move.terms, self.honest.record(Ref(Kind.SLOT, 0)), JUNK, (), ())

    def _position(self, board: Board, move: Any) -> int:
        place = board.state.place
        return cuts(place.lo, place.hi, len(board.points) - 1)[int(move.part.index)]


class Refuser(Mirror):
    """Tries every spoiled version of each kind of the honest side's moves before it is made."""

    def __init__(self, court: ChainCourt, spoiler: Spoiler, honest: str, rules: Rules) -> None:
        super().__init__(court)
        self.spoiler, self.honest, self.rules = spoiler, honest, rules
        self.judge = Referee(spoiler.honest.program)
        self.tried: set[str] = set()

    def moved(self, before: Board, move: Move, after: Board | MoveRefusedError, time: int) -> None:
        if before.state.mover == self.honest:
            live = replace(before, number=self.number)
            for spoiled, name in self.spoiler.versions(before, move):
                self._expect(live, spoiled, name, time)
            self._expect_strangers(live, move)
        super().moved(before, move, after, time)

    def _expect(self, board: Board, spoiled: Move, name: str, time: int) -> None:
        function, arguments = contract_call(board.number, board.state, spoiled)
        refusal = self.court.refusal(function, arguments, board.state.mover)
        assert refusal.name == name, f"{function}: {refusal} instead of {name}"
        with pytest.raises(MoveRefusedError) as modelled:
            play(board, spoiled, board.state.mover, time, self.judge, self.rules)
        assert (refusal.name, refusal.values) == (modelled.value.name, modelled.value.values)
        self.tried.add(f"{function} {name}")

    def _expect_strangers(self, board: Board, move: Move) -> None:
        """The right move from the wrong sender, for another dispute, or with another state."""
        function, arguments = contract_call(board.number, board.state, move)
        other = SOLVER if board.state.mover == CHALLENGER else CHALLENGER
        assert self.court.refusal(function, arguments, other).name == "WrongState"
        assert self.court.refusal(function, (board.number + 1, *arguments[1:]), board.state.mover).name == "WrongState"
        forged = replace(board.state, clocks=replace(board.state.clocks, solver_left=10**6, challenger_left=10**6)).position()
        assert self.court.refusal(function, (board.number, arguments[1], forged, *arguments[3:]), board.state.mover).name == "WrongState"


def games(world: World) -> Iterator[tuple[Ref, bool]]:
    """Places and liars whose games together have every move on the honest side."""
    program = world.case.program
    for liar_solves in (True, False):
        for ref in (Ref(Kind.NODE, 58), Ref(Kind.NODE, 61), Ref(Kind.SLOT, 12), Ref(Kind.SLOT, 3)):
            assert program.type_of(ref).size > 1
            yield ref, liar_solves


def test_spoiled_moves_are_refused_with_the_error_that_names_the_rule(narrow_court: ChainCourt, narrow_rules: Rules) -> None:
    world = perceptron()
    tried: set[str] = set()
    for ref, liar_solves in games(world):
        planted = plant(world, f"{ref}", world.steps - 1, ref)
        observer = Refuser(narrow_court, Spoiler(world.truth, planted.truth), CHALLENGER if liar_solves else SOLVER, narrow_rules)
        arena = Arena(Referee(world.case.program), narrow_rules, observer, narrow_court.now() + 1)
        claim = planted.claim(world) if liar_solves else world.claim()
        assert arena.play(claim, Player(world.truth, narrow_rules), Cheater(planted.truth, narrow_rules), liar_solves).honest_won
        tried |= observer.tried
    functions = {name.split()[0] for name in tried}
    assert functions == {"dissect", "openStep", "openNode", "postOutput", "postChunk", "settleCopy", "proveWord"}
