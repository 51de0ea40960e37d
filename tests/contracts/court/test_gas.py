"""Gas of whole disputes: all transactions of both sides, with what the market does in ``challenge`` and ``onVerdict``.

``the market's part`` is the difference between the design point's game through the market and the same game opened by a contract that
keeps no books.

The recorded figures are in ``tests/contracts/gas/dispute.json``. After a change that explains itself, refresh them with

    GAS_SNAPSHOT=write .venv/bin/ape test tests/contracts/court/test_gas.py
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest
from ape import project
from ape.api import TestAccountAPI

from tests.contracts.court.chain import ChainCourt
from tests.contracts.court.design_point import DesignPoint, direct
from tests.contracts.court.test_games import Mirror
from tests.contracts.court.test_planted import places
from tests.contracts.court.through_market import ThroughMarket
from tests.contracts.market.world import World
from tests.dispute.arena import Arena
from tests.dispute.liars import Cheater
from tests.dispute.perceptron import perceptron
from touchstone.dispute.game import Rules
from touchstone.dispute.player import Player
from touchstone.dispute.referee import Referee

SNAPSHOT = Path(__file__).resolve().parents[1] / "gas" / "dispute.json"
WRITE = os.environ.get("GAS_SNAPSHOT") == "write"
GROWTH = 1.005  # beyond this a change needs an explanation
MOST_GAS, MOST_MOVES, CODE_CAP = 1_500_000, 12, 24_576
COURT_ALONE, WHOLE = "design point, the court alone", "design point, through the market"

Game = list[tuple[str, int]]
Figures = dict[str, dict[str, object]]


@pytest.fixture(scope="module")
def games(court: ChainCourt, accounts: list[TestAccountAPI]) -> dict[str, Game]:
    """Gas of each transaction: the design point, and the dearest dispute over the small perceptron."""
    warm_up = perceptron_game(court, 0)  # the first dispute of a court also writes its counter for the first time
    assert warm_up
    world = World(list(accounts), real_court=project.get_contract("Court").at(court.court.address))
    design_point = {}
    for name, opening in {COURT_ALONE: direct, WHOLE: ThroughMarket(world)}.items():
        board, design_point[name] = DesignPoint(court, random.Random(1)).play(opening)
        assert board.verdict is not None
        assert board.verdict.by_proof
    perceptron_games = [perceptron_game(court, index) for index in range(len(places()))]
    return {**design_point, "perceptron, worst, the court alone": max(perceptron_games, key=total)}


@pytest.fixture(scope="module")
def figures(games: dict[str, Game]) -> Figures:
    found: Figures = {
        name: {"total": total(game), "moves": len(game), "transactions": [list(t) for t in game]} for name, game in games.items()
    }
    found[WHOLE]["the market's part"] = total(games[WHOLE]) - total(games[COURT_ALONE])
    if WRITE:
        SNAPSHOT.write_text(json.dumps(found, indent=1) + "\n")
    return found


def perceptron_game(court: ChainCourt, index: int) -> Game:
    world, planted = perceptron(), places()[index]
    court.gas.clear()
    arena = Arena(Referee(world.case.program), Rules(), Mirror(court), court.now() + 1)
    assert arena.play(planted.claim(world), Player(world.truth), Cheater(planted.truth, Rules()), True).honest_won
    return list(court.gas)


def total(game: Game) -> int:
    return sum(gas for _, gas in game)


def test_a_whole_dispute_costs_at_most_a_million_and_a_half_in_twelve_moves(games: dict[str, Game]) -> None:
    for name, game in games.items():
        assert total(game) <= MOST_GAS, name
        assert len(game) <= MOST_MOVES, name


def test_no_dispute_costs_more_than_recorded(figures: Figures) -> None:
    recorded = json.loads(SNAPSHOT.read_text())
    assert set(figures) == set(recorded), "games changed: refresh the snapshot"
    for name, figure in figures.items():
        assert figure["moves"] == recorded[name]["moves"], name
        assert isinstance(figure["total"], int)
        assert figure["total"] <= GROWTH * recorded[name]["total"], name


def test_the_court_fits_the_size_of_a_contract() -> None:
    code = bytes(project.get_contract("Court").contract_type.get_runtime_bytecode() or b"")
    assert 0 < len(code) <= CODE_CAP
