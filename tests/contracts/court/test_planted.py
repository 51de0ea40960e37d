"""Errors planted in a real training program, disputed on the real court and referee: the honest side wins."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from tests.contracts.court.chain import ChainCourt
from tests.contracts.court.test_games import Mirror
from tests.dispute.arena import Arena
from tests.dispute.liars import Cheater
from tests.dispute.perceptron import perceptron
from tests.dispute.planted import Planted, every_function, special_places
from touchstone.commitment.replay import Replay
from touchstone.dispute.game import Rules
from touchstone.dispute.player import Player
from touchstone.dispute.referee import Referee
from touchstone.dispute.truth import Truth
from touchstone.machine.reference import ReferenceMachine


@pytest.fixture(scope="module")
def truth() -> Truth:
    case = perceptron().case
    machine = ReferenceMachine(case.program, case.constants)
    return Truth(case.program, case.constants, Replay(machine, case.state, perceptron().steps))


@cache
def places() -> list[Planted]:
    def found() -> Iterator[Planted]:
        yield from every_function(perceptron())
        yield from special_places(perceptron())

    return list(found())


@pytest.mark.parametrize("liar_solves", [True, False], ids=["a lying solver", "a lying challenger"])
def test_a_planted_error_of_every_kind_loses_on_chain(court: ChainCourt, truth: Truth, liar_solves: bool) -> None:
    world = perceptron()
    for planted in places():
        mirror = Mirror(court)
        arena = Arena(Referee(world.case.program), Rules(), mirror, court.now() + 1)
        claim = planted.claim(world) if liar_solves else world.claim(is_seal=planted.is_seal)
        result = arena.play(claim, Player(truth), Cheater(planted.truth, Rules()), liar_solves)
        assert result.honest_won, planted.name
        assert court.verdicts(mirror.number)[0][0] is liar_solves, planted.name
