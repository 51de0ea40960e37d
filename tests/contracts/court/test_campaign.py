"""A sample of the court campaign on the real court and referee, compared with the model after every move."""

from __future__ import annotations

import random

import pytest

from tests.contracts.court.chain import ChainCourt
from tests.contracts.court.test_games import Mirror
from tests.dispute.campaign import Game, games, play
from tests.dispute.captured import MODELS
from touchstone.dispute.game import Rules

GAMES = 8


def sample(model: str) -> list[Game]:
    """Games about different kinds of places."""
    shuffled = random.Random(model).sample(list(games(model)), 200)
    kinds = {game.kind: game for game in shuffled}
    return list(kinds.values())[:GAMES]


@pytest.mark.parametrize("model", MODELS)
def test_the_contracts_play_games_about_captured_programs_exactly_as_the_model(court: ChainCourt, model: str) -> None:
    for game in sample(model):
        mirror = Mirror(court)
        result = play(game, mirror, court.now() + 1, Rules()).result
        assert result is None or result.honest_won, game
