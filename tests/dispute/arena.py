"""Plays whole disputes in the model: an honest player against a liar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.dispute.liars import Liar
from tests.dispute.worlds import ARBITRABLE, CHALLENGER, SOLVER
from touchstone.dispute.board import Board
from touchstone.dispute.errors import MoveRefusedError, NothingToDenyError
from touchstone.dispute.game import Judge, Rules, open_dispute, play, timeout
from touchstone.dispute.moves import Move
from touchstone.dispute.player import Player
from touchstone.dispute.state import Claim
from touchstone.errors import TouchstoneError

START = 1_800_000_000
Observer = Callable[[Board, Move, Board | MoveRefusedError], None]


@dataclass
class Result:
    """How a game went for the honest side."""

    board: Board
    honest_won: bool
    moves: list[str] = field(default_factory=list)


def nobody(before: Board, move: Move, after: Board | MoveRefusedError) -> None:
    pass


def play_game(
    claim: Claim, player: Player, liar: Liar, liar_solves: bool, judge: Judge, rules: Rules, observe: Observer = nobody
) -> Result:
    """Plays to the verdict. The honest side loses when it has no move or the court refuses it; a liar without a move runs out of time."""
    time = START
    roots = player.opening(claim) if liar_solves else liar.opening(claim)
    board = open_dispute(1, claim, ARBITRABLE, roots, time, rules)
    honest = CHALLENGER if liar_solves else SOLVER
    moves = ["open"]
    while board.verdict is None:
        time += 1
        if board.state.mover == honest:
            try:
                move = player.answer(board)
                after = play(board, move, honest, time, judge, rules)
            except (NothingToDenyError, MoveRefusedError) as problem:
                return Result(board, False, [*moves, str(problem)])
            observe(board, move, after)
        else:
            after = _liars_turn(board, liar, time, judge, rules, observe)
        moves.append(type(move).__name__ if board.state.mover == honest else "liar")
        board = after
    assert board.verdict is not None
    return Result(board, board.verdict.challenger_wins == liar_solves, moves)


def _liars_turn(board: Board, liar: Liar, time: int, judge: Judge, rules: Rules, observe: Observer) -> Board:
    for move in liar.moves(board):
        try:
            after = play(board, move, board.state.mover, time, judge, rules)
        except MoveRefusedError as refusal:
            observe(board, move, refusal)
            continue
        except TouchstoneError:  # a proof too malformed to have an error of its own
            continue
        observe(board, move, after)
        return after
    return timeout(board, board.state.clocks.since + board.state.clocks.left + 1)
