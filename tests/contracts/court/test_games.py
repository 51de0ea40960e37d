"""Generated games on the real contracts, compared with the model after every move, accepted or refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.court.chain import ChainCourt
from tests.dispute.arena import Observer
from tests.dispute.test_games import random_game
from touchstone.dispute.board import Board
from touchstone.dispute.errors import MoveRefusedError
from touchstone.dispute.game import Rules
from touchstone.dispute.moves import Move
from touchstone.dispute.state import EMPTY


class Mirror(Observer):
    """Repeats on the chain what happens in the model, and compares."""

    def __init__(self, court: ChainCourt) -> None:
        self.court = court
        self.number = 0
        self.moves: set[str] = set()
        self.refusals: set[str] = set()

    def opened(self, board: Board, time: int) -> None:
        mirrored = self.court.open(board.claim, board.points[1:], time)
        self.number = mirrored.number
        self._compare(mirrored, board)

    def moved(self, before: Board, move: Move, after: Board | MoveRefusedError, time: int) -> None:
        before = replace(before, number=self.number)
        if isinstance(after, Board):
            self._compare(self.court.play(before, move, before.state.mover, time), after)
            self.moves.add(type(move).__name__)
            return
        with pytest.raises(MoveRefusedError) as refusal:
            self.court.play(before, move, before.state.mover, time)
        assert (refusal.value.name, refusal.value.values) == (after.name, after.values)
        self.refusals.add(after.name)

    def timed_out(self, before: Board, after: Board, time: int) -> None:
        before = replace(before, number=self.number)
        anyone = before.state.solver
        self._compare(self.court.timeout(before, anyone, time), after)
        self.moves.add("timeout")

    def _compare(self, mirrored: Board, expected: Board) -> None:
        assert mirrored == replace(expected, number=self.number)
        running = expected.verdict is None
        assert self.court.state_hash(self.number) == (expected.state.hash() if running else EMPTY)
        verdicts = [(expected.verdict.challenger_wins, expected.verdict.by_proof)] if expected.verdict else []
        assert self.court.verdicts(self.number) == verdicts


def test_the_contract_plays_generated_games_exactly_as_the_model(narrow_court: ChainCourt, narrow_rules: Rules) -> None:
    mirror = Mirror(narrow_court)
    for seed in range(40):
        result = random_game(seed, narrow_rules, mirror, narrow_court.now() + 1)
        assert result is None or result.honest_won, f"seed {seed}"
    assert mirror.moves == {"Dissect", "OpenStep", "OpenNode", "PostOutput", "PostChunk", "SettleCopy", "ProveWord", "timeout"}
    assert {"SameRoot", "WrongInsertion", "CopyIsRight", "WordIsRight", "WrongSource"} <= mirror.refusals


def test_the_contract_with_the_real_arities_plays_generated_games_exactly_as_the_model(court: ChainCourt) -> None:
    mirror = Mirror(court)
    for seed in range(100, 120):
        result = random_game(seed, Rules(), mirror, court.now() + 1)
        assert result is None or result.honest_won, f"seed {seed}"
