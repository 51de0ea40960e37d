"""Errors planted in a real training program, at every kind of place and by either side: the honest side proves them."""

from __future__ import annotations

from functools import cache

import pytest

from tests.dispute.arena import Arena, Result
from tests.dispute.liars import Cheater
from tests.dispute.perceptron import perceptron
from tests.dispute.planted import Planted, every_function, plant, special_places
from touchstone.commitment.replay import Replay
from touchstone.dispute.errors import NothingToDenyError
from touchstone.dispute.game import Rules
from touchstone.dispute.player import Player
from touchstone.dispute.referee import Referee
from touchstone.dispute.truth import Truth
from touchstone.machine.program import Kind, Ref
from touchstone.machine.reference import ReferenceMachine

NARROW = Rules(2, 4, 3)


@pytest.fixture(scope="module")
def truth() -> Truth:
    """The honest view, recomputed on demand as an agent does."""
    case = perceptron().case
    machine = ReferenceMachine(case.program, case.constants)
    return Truth(case.program, case.constants, Replay(machine, case.state, perceptron().steps))


def play(planted: Planted, truth: Truth, liar_solves: bool, rules: Rules) -> Result:
    world = perceptron()
    claim = planted.claim(world) if liar_solves else world.claim(is_seal=planted.is_seal)
    arena = Arena(Referee(world.case.program), rules)
    return arena.play(claim, Player(truth, rules), Cheater(planted.truth, rules), liar_solves)


@cache
def places() -> list[Planted]:
    """One error in every node and in every slot copy, and the special places. A slot's error shows at the latest in the last step."""
    world = perceptron()
    program, last = world.case.program, world.steps - 1
    nodes = [plant(world, f"node {i}", i % world.steps, Ref(Kind.NODE, i)) for i in range(len(program.nodes))]
    slots = [plant(world, f"slot {i}", last, Ref(Kind.SLOT, i)) for i in range(len(program.slots))]
    return [*nodes, *slots, *special_places(world)]


@pytest.mark.parametrize("rules", [Rules(), NARROW], ids=["real arities", "narrow"])
@pytest.mark.parametrize("liar_solves", [True, False], ids=["a lying solver", "a lying challenger"])
def test_an_error_anywhere_loses(truth: Truth, liar_solves: bool, rules: Rules) -> None:
    for planted in places():
        assert play(planted, truth, liar_solves, rules).honest_won, planted.name


def test_the_game_ends_at_the_planted_place(truth: Truth) -> None:
    for planted in every_function(perceptron()):
        final = play(planted, truth, True, NARROW).board.state
        assert (final.place.step, final.graph.node) == (planted.step, planted.ref.index), planted.name


def test_a_right_claim_cannot_be_challenged_honestly(truth: Truth) -> None:
    for is_seal in (False, True):
        with pytest.raises(NothingToDenyError, match="is right; do not challenge it"):
            Player(truth).opening(perceptron().claim(is_seal=is_seal))
