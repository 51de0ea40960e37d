"""Plays a liar's dispute in the court's model before the demo, to see who would have to give the last proof.

Both outcomes convict the liar, but only one shows the referee: where the honest side posts the last chunk, the liar has no word to prove
wrong and can only let its clock run out.
"""

from __future__ import annotations

from scripts.demo.faults import Fault, FaultyMachine
from touchstone.commitment.replay import Replay
from touchstone.commitment.roots import constants_root, program_root, state_root
from touchstone.dispute.errors import MoveRefusedError, NothingToDenyError
from touchstone.dispute.game import open_dispute, play
from touchstone.dispute.player import Player
from touchstone.dispute.referee import Referee
from touchstone.dispute.state import Claim
from touchstone.dispute.truth import Truth
from touchstone.machine.executor import Executor
from touchstone.machine.runtime import NativeMachine
from touchstone.machine.workload import Array, Workload

_SOLVER, _CHALLENGER, _MARKET = ("0x" + digit * 40 for digit in "123")
_TIME, _CLOCK = 1_000, 10**6


def ends_with_a_proof(workload: Workload, fault: Fault, interval_steps: int, liar_solves: bool) -> bool:
    """Whether the dispute about the fault's interval ends with a word that the referee recomputes, rather than with the liar's silence.

    Args:
        workload: of the job.
        fault: the liar's.
        interval_steps: steps between checkpoints.
        liar_solves: whether the liar is the solver, and the honest side the challenger; else the other way round.
    """
    interval = fault.step // interval_steps
    start = interval * interval_steps
    steps = min(interval_steps, workload.steps - start)
    state = _state_at(workload, start)
    honest = _player(workload, _machine(workload), state, steps)
    liar = _player(workload, FaultyMachine(_machine(workload), fault), state, steps)
    solver, challenger = (liar, honest) if liar_solves else (honest, liar)
    claim = Claim(
        program_root=program_root(workload.program),
        constants_root=constants_root(workload.constants),
        start_root=state_root(state),
        target=solver.truth.state_root(steps),
        job=1,
        interval=interval,
        steps=steps,
        is_seal=False,
        solver=_SOLVER,
        challenger=_CHALLENGER,
        clock=_CLOCK,
        increment=0,
    )
    return _is_proven(workload, claim, {_SOLVER: solver, _CHALLENGER: challenger})


def _is_proven(workload: Workload, claim: Claim, players: dict[str, Player]) -> bool:
    judge = Referee(workload.program)
    board = open_dispute(1, claim, _MARKET, players[_CHALLENGER].opening(claim), _TIME)
    while board.verdict is None:
        mover = board.state.mover
        try:
            board = play(board, players[mover].answer(board), mover, _TIME, judge)
        except (NothingToDenyError, MoveRefusedError):
            return False
    return True


def _player(workload: Workload, machine: Executor, state: list[Array], steps: int) -> Player:
    return Player(Truth(workload.program, workload.constants, Replay(machine, state, steps)))


def _machine(workload: Workload) -> NativeMachine:
    return NativeMachine(workload.program, workload.constants)


def _state_at(workload: Workload, step: int) -> list[Array]:
    machine = _machine(workload)
    machine.load(workload.state)
    machine.run(step)
    return machine.state()
