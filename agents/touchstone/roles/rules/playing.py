"""Disputes: whose turn it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

from touchstone.dispute.board import Board
from touchstone.roles.actions import Action, Move, Send
from touchstone.roles.boards import board_of
from touchstone.roles.ledger import DisputeRecord
from touchstone.roles.view import View


def play(view: View) -> Iterator[Action]:
    """A move in every dispute in which it is this account's turn; the end of every one whose other side ran out of time."""
    for dispute in view.open_disputes():
        board = board_of(dispute)
        if board.verdict is not None:
            continue
        if board.state.mover == view.me:
            yield Move(dispute.number, len(dispute.events))
        elif is_out_of_time(board, view.time):
            yield end_by_clock(dispute, board)


def is_out_of_time(board: Board, time: int) -> bool:
    """Whether the side to move can move no more."""
    clocks = board.state.clocks
    return clocks.elapsed(time) > clocks.left


def end_by_clock(dispute: DisputeRecord, board: Board) -> Send:
    """The call that ends a dispute whose side to move has no time left."""
    return Send(
        *("Court", "timeout", (dispute.number, board.terms.abi(), board.state.abi())),
        key=f"dispute {dispute.number} timeout {len(dispute.events)}",
        why=f"end dispute {dispute.number}, the time of {board.state.mover} is over",
    )
