"""Opening, chess clocks and verdicts on the chain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.court.chain import ChainCourt
from tests.dispute.perceptron import perceptron
from tests.dispute.worlds import CHALLENGER, CLOCK, INCREMENT, SOLVER
from touchstone.dispute import postings
from touchstone.dispute.board import Board, Verdict
from touchstone.dispute.errors import MoveRefusedError
from touchstone.dispute.game import open_dispute, play, timeout
from touchstone.dispute.moves import OpenStep
from touchstone.dispute.player import Player
from touchstone.dispute.referee import Referee
from touchstone.dispute.state import EMPTY, Claim

JUNK = b"\x5a" * 32


def opened(court: ChainCourt) -> tuple[Board, int]:
    """A challenge of a right claim with junk, and when it began."""
    time = court.now() + 10
    return court.open(perceptron().claim(), [JUNK] * perceptron().steps, time), time


def answer(board: Board) -> OpenStep:
    """The honest solver's first move."""
    move = Player(perceptron().truth).answer(board)
    assert isinstance(move, OpenStep)
    return move


def refused(name: str, *values: object) -> pytest.RaisesExc[MoveRefusedError]:
    return pytest.RaisesExc(MoveRefusedError, check=lambda error: (error.name, error.values) == (name, values))


@pytest.mark.parametrize(
    ("claim", "roots", "name"),
    [
        (replace(perceptron().claim(), steps=1), [JUNK], "TooFewSteps"),
        (replace(perceptron().claim(), steps=0), [JUNK], "TooFewSteps"),
        (perceptron().claim(), [], "WrongRootCount"),
        (perceptron().claim(), [JUNK] * 5, "WrongRootCount"),
        (perceptron().claim(is_seal=True), [JUNK] * 6, "WrongRootCount"),
        (perceptron().claim(), [JUNK] * 5 + [perceptron().truth.state_root(6)], "SameRoot"),
        (perceptron().claim(is_seal=True), [JUNK] * 4 + [perceptron().truth.state_root(5)], "SameRoot"),
    ],
)
def test_a_malformed_opening_is_refused(court: ChainCourt, claim: Claim, roots: list[bytes], name: str) -> None:
    with pytest.raises(MoveRefusedError) as refusal:
        court.open(claim, roots, court.now() + 1)
    assert refusal.value.name == name
    with pytest.raises(MoveRefusedError) as modelled:
        open_dispute(1, claim, SOLVER, roots, 0)
    assert (modelled.value.name, modelled.value.values) == (name, refusal.value.values)


def test_the_last_second_of_the_clock_still_counts(court: ChainCourt) -> None:
    board, start = opened(court)
    after = court.play(board, answer(board), SOLVER, start + CLOCK)
    assert after.state.clocks.solver_left == INCREMENT


def test_a_move_after_the_clock_ran_out_is_refused(court: ChainCourt) -> None:
    board, start = opened(court)
    with refused("ClockRanOut", CLOCK + 1, CLOCK):
        court.play(board, answer(board), SOLVER, start + CLOCK + 1)


def test_an_increment_never_lifts_the_time_above_the_budget(court: ChainCourt) -> None:
    board, start = opened(court)
    after = court.play(board, answer(board), SOLVER, start + INCREMENT - 1)
    assert after.state.clocks.solver_left == CLOCK


def test_nobody_times_out_a_side_that_still_has_time(court: ChainCourt) -> None:
    board, start = opened(court)
    with refused("ClockRuns", CLOCK, CLOCK):
        court.timeout(board, CHALLENGER, start + CLOCK)


def test_anyone_may_end_a_dispute_whose_solver_is_late(court: ChainCourt) -> None:
    board, start = opened(court)
    ended = court.timeout(board, list(court.web3.eth.accounts)[-1], start + CLOCK + 1)
    assert ended.verdict == Verdict(challenger_wins=True, by_proof=False) == timeout(board, start + CLOCK + 1).verdict
    assert court.verdicts(board.number) == [(True, False)]


def test_a_late_challenger_loses(court: ChainCourt) -> None:
    board, start = opened(court)
    board = court.play(board, answer(board), SOLVER, start + 1)
    ended = court.timeout(board, SOLVER, start + CLOCK + 2)
    assert ended.verdict == Verdict(challenger_wins=False, by_proof=False)


def test_a_dispute_ends_once(court: ChainCourt) -> None:
    board, start = opened(court)
    before = court.state_hash(board.number)
    court.timeout(board, SOLVER, start + CLOCK + 1)
    assert (before, court.state_hash(board.number)) == (board.state.hash(), EMPTY)
    with refused("WrongState", EMPTY, board.state.hash()):
        court.timeout(board, SOLVER, start + CLOCK + 2)
    with refused("ClockRanOut", CLOCK + 3, CLOCK):
        court.play(board, answer(board), SOLVER, start + CLOCK + 3)
    assert len(court.verdicts(board.number)) == 1


def test_a_timeout_needs_the_terms_of_the_dispute(court: ChainCourt) -> None:
    board, start = opened(court)
    forged = replace(board.terms, arbitrable=SOLVER)
    with refused("WrongState", board.state.hash(), replace(board.state, terms=forged.hash()).hash()):
        court.timeout(replace(board, terms=forged), SOLVER, start + CLOCK + 1)


def test_disputes_run_side_by_side(court: ChainCourt) -> None:
    first, start = opened(court)
    second = court.open(perceptron().claim(), [JUNK] * 6, start + 1)
    assert second.number == first.number + 1
    move = answer(first)
    first = court.play(first, move, SOLVER, start + 2)
    with pytest.raises(MoveRefusedError) as refusal:
        court.play(second, replace(move, part=postings.part(first.points, 0)), SOLVER, start + 3)
    assert refusal.value.name in ("WrongState", "PathLengthWrong")
    assert court.state_hash(second.number) == second.state.hash()
    judge = Referee(perceptron().case.program)
    assert play(second, answer(second), SOLVER, start + 4, judge) == court.play(second, answer(second), SOLVER, start + 4)
