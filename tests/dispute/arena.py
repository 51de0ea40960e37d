"""Plays whole disputes in the model: an honest player against a liar."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.dispute.liars import Liar
from tests.dispute.worlds import ARBITRABLE, CHALLENGER, SOLVER
from touchstone.commitment.merkle import InvalidProofError
from touchstone.dispute.board import Board
from touchstone.dispute.errors import MoveRefusedError, NothingToDenyError
from touchstone.dispute.game import Judge, Rules, open_dispute, play, timeout
from touchstone.dispute.moves import Move
from touchstone.dispute.player import Player
from touchstone.dispute.state import Claim

START = 1_800_000_000


@dataclass
class Result:
    """How a game went for the honest side."""

    board: Board
    honest_won: bool
    moves: list[str] = field(default_factory=list)


class Observer:
    """Sees every event of a game; this one does nothing with it."""

    def opened(self, board: Board, time: int) -> None:
        """A dispute began."""

    def moved(self, before: Board, move: Move, after: Board | MoveRefusedError, time: int) -> None:
        """The side to move tried a move."""

    def timed_out(self, before: Board, after: Board, time: int) -> None:
        """The side to move ran out of time."""


@dataclass
class Arena:
    """The court's model with a clock, and somebody watching."""

    judge: Judge
    rules: Rules
    observer: Observer = field(default_factory=Observer)
    time: int = START

    def play(self, claim: Claim, player: Player, liar: Liar, liar_solves: bool) -> Result:
        """Plays to the verdict. The honest side loses when it has no move or one is refused; a liar without a move runs out of time."""
        roots = player.opening(claim) if liar_solves else liar.opening(claim)
        board = open_dispute(1, claim, ARBITRABLE, roots, self.time, self.rules)
        self.observer.opened(board, self.time)
        honest = CHALLENGER if liar_solves else SOLVER
        moves = ["open"]
        while board.verdict is None:
            self.time += 1
            if board.state.mover == honest:
                try:
                    move = player.answer(board)
                    board = self._try(board, move)
                except (NothingToDenyError, MoveRefusedError) as problem:
                    return Result(board, False, [*moves, str(problem)])
                moves.append(type(move).__name__)
            else:
                board = self._liars_turn(board, liar)
                moves.append("liar")
        return Result(board, board.verdict.challenger_wins == liar_solves, moves)

    def _try(self, board: Board, move: Move) -> Board:
        try:
            after = play(board, move, board.state.mover, self.time, self.judge, self.rules)
        except MoveRefusedError as refusal:
            self.observer.moved(board, move, refusal, self.time)
            raise
        self.observer.moved(board, move, after, self.time)
        return after

    def _liars_turn(self, board: Board, liar: Liar) -> Board:
        for move in liar.moves(board):
            try:
                return self._try(board, move)
            except MoveRefusedError:
                self.time += 1
            except InvalidProofError:  # a range proof too long or short, which has no error of its own in the model
                continue
        self.time = board.state.clocks.since + board.state.clocks.left + 1
        after = timeout(board, self.time)
        self.observer.timed_out(board, after, self.time)
        return after
