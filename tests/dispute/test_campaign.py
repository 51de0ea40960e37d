"""A slice of the court campaign (`make campaign`)."""

from __future__ import annotations

import pytest

from tests.dispute.campaign import games, tally
from tests.dispute.captured import MODELS

SLICES = 60


@pytest.mark.parametrize("model", MODELS)
def test_the_honest_side_wins_every_game_of_a_slice(model: str) -> None:
    counts = tally(game for game in games(model) if game.number // 2 % SLICES == 1)
    assert not counts["losses"]
    assert counts["games"]["a lying solver"] > 0 < counts["games"]["a lying challenger"]
