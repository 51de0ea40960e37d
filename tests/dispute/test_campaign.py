"""A slice of the court campaign, and what the whole of it has recorded (`make campaign`)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.dispute.campaign import FILE, games, kind_of, tally
from tests.dispute.captured import MODELS, captured
from touchstone.machine.program import Kind, Op, Ref

SLICES = 60
REMEDY = "programs of the campaign changed: run make campaign"


@pytest.fixture(scope="module")
def recorded() -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = json.loads(FILE.read_text())
    return counts


@pytest.mark.parametrize("model", MODELS)
def test_the_honest_side_wins_every_game_of_a_slice(model: str) -> None:
    counts = tally(game for game in games(model) if game.number // 2 % SLICES == 1)
    assert not counts["losses"]
    assert counts["games"]["a lying solver"] > 0 < counts["games"]["a lying challenger"]


def test_the_campaign_has_been_won_by_the_honest_side_in_more_than_ten_thousand_games(recorded: dict[str, Any]) -> None:
    assert not recorded["losses"]
    assert recorded["games"]["played"] == sum(recorded["models"].values()) > 10_000
    assert set(recorded["models"]) == set(MODELS), REMEDY


def test_every_kind_of_place_of_every_program_was_disputed(recorded: dict[str, Any]) -> None:
    families = set()
    for model in MODELS:
        program = captured(model).case.program
        families |= {node.op for node in program.nodes}
        for index in range(len(program.nodes)):
            assert kind_of(program, Ref(Kind.NODE, index)) in recorded["places"], REMEDY
    assert families == set(Op)
    assert {"padding", "slot copied from a node", "slot copied from itself", "gather by the step", "source philox"} <= set(
        recorded["places"]
    )
