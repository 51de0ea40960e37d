"""The formulas of docs/economics.md: by themselves, and reproduced by the simulation within its error."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation import theory
from simulation.agents import Strategy, Verifiers
from simulation.assignment import Setting, deviation
from simulation.economy import PRICE, standard_economy

ECONOMY = standard_economy()
BETA = ECONOMY.challenger_share
RING = Verifiers(honest=0.6, lazy=0.0, colluding=0.4)
CHANCES = st.floats(0.001, 0.9)
AMOUNTS = st.floats(0, 100)


def one_by_one(false: int, gain: float, harm: float, stake: float, caught: float, kept: float) -> float:
    """The expectation, summed over which false interval is the first to be caught."""
    total = (1 - caught) ** false * (false * gain + harm)
    for first in range(1, false + 1):
        chance = (1 - caught) ** (first - 1) * caught
        # Those before it become final and are paid; with the first of them the harm is done.
        total += chance * ((first - 1) * gain + (harm if first > 1 else 0) - (1 - kept) * stake)
    return total


@given(st.integers(1, 60), AMOUNTS, AMOUNTS, AMOUNTS, CHANCES, st.floats(0, 0.9))
def test_the_formula_is_the_sum_over_the_first_interval_caught(
    false: int, gain: float, harm: float, stake: float, caught: float, kept: float
) -> None:
    expected = one_by_one(false, gain, harm, stake, caught, kept)
    scale = 1 + (false * gain + harm + stake)
    assert math.isclose(theory.profit_of_cheating(false, gain, harm, stake, caught, kept), expected, abs_tol=1e-9 * scale / caught)


@given(st.integers(2, 200), AMOUNTS, AMOUNTS, CHANCES, st.floats(0, 0.9), st.floats(1, 10))
def test_one_false_interval_is_the_binding_case(false: int, gain: float, harm: float, caught: float, kept: float, margin: float) -> None:
    stake = margin * theory.break_even_stake(gain, harm, caught, kept)
    one = theory.profit_of_cheating(1, gain, harm, stake, caught, kept)
    many = theory.profit_of_cheating(false, gain, harm, stake, caught, kept)
    assert many <= one + 1e-9 * (1 + stake)
    assert one <= 1e-9 * (1 + stake)


@given(st.integers(1, 60), st.floats(0.01, 100), AMOUNTS, CHANCES)
def test_nothing_is_gained_at_the_reservation_price(false: int, cost: float, stake: float, caught: float) -> None:
    price = theory.reservation_price(false, 60, cost, 0.0, stake, caught, BETA)
    gain = price / 60
    honest_profit = price - cost
    # Leaving an interval out saves its cost and risks its pay: the formula's gain is the pay, the margin of the rest is earned as before.
    profit = theory.profit_of_cheating(false, gain, 0.0, stake, caught, BETA) + honest_profit * (60 - false) / 60
    assert math.isclose(profit, 0, abs_tol=1e-9 * (cost + stake + price) / caught)


def test_the_stake_of_the_market_is_twice_the_break_even() -> None:
    for rate in (0.01, 0.03, 0.3, 1.0):
        for harm in (0.0, 0.1, 1.0):
            half = theory.break_even_stake(1 / 50, harm, ECONOMY.detection(rate), BETA)
            assert math.isclose(ECONOMY.stake(50, harm, rate) / PRICE, 2 * half, rel_tol=1e-6)


def test_the_margin_of_two_lets_half_of_the_honest_verifiers_fail() -> None:
    caught = ECONOMY.detection(0.03)
    least = theory.break_even_detection(caught)
    assert 0.5 < least / caught < 0.51
    assert math.isclose(theory.profit_of_cheating(1, 1 / 50, 0, ECONOMY.stake(50, 0, 0.03) / PRICE, least, BETA), 0, abs_tol=1e-8)


@pytest.mark.parametrize("rate", [0.03, 0.2])
@pytest.mark.parametrize("harm", [0.0, 0.1])
def test_the_simulation_breaks_even_where_the_formula_does(rate: float, harm: float) -> None:
    rng = np.random.default_rng(11)
    for stake, sign in ((0.4, 1), (0.5, 0), (0.6, -1)):
        setting = Setting(20, harm, rate, stake)
        found = deviation(rng, ECONOMY, setting, Strategy("", 1, "last", accomplice=True, ring=True), RING, 60_000)
        amount = ECONOMY.stake(20, harm, rate) * stake / PRICE
        formula = theory.profit_of_cheating(1, 1 / 20, harm, amount, ECONOMY.detection(rate), BETA)
        assert abs(found.mean - formula) < 4 * found.error
        assert sign * formula >= -1e-6
        if sign:
            assert sign * found.mean > 0


@pytest.mark.parametrize("false", [2, 7, 20])
def test_the_simulation_follows_the_formula_for_many_false_intervals(false: int) -> None:
    setting = Setting(20, 0.1, 0.05, 0.5)
    found = deviation(np.random.default_rng(3), ECONOMY, setting, Strategy("", false, "last", accomplice=True, ring=True), RING, 40_000)
    amount = ECONOMY.stake(20, 0.1, 0.05) * 0.5 / PRICE
    formula = theory.profit_of_cheating(false, 1 / 20, 0.1, amount, ECONOMY.detection(0.05), BETA)
    assert abs(found.mean - formula) < 4 * found.error
    assert found.error < 0.05


@given(st.integers(1, 40), st.floats(0.01, 10), st.floats(0, 50), CHANCES)
def test_without_proposers_grinding_is_plain_cheating(false: int, gain: float, stake: float, drawn: float) -> None:
    plain = theory.profit_of_cheating(false, gain, 0, stake, drawn, BETA)
    assert math.isclose(
        theory.profit_of_grinding(false, gain, stake, drawn, 0, BETA), plain, abs_tol=1e-9 * (1 + gain * false + stake) / drawn
    )


@given(st.floats(0, 0.5), CHANCES)
def test_withholding_blocks_never_beats_what_the_stake_supposes(proposers: float, drawn: float) -> None:
    assert (1 - proposers) * drawn <= theory.grinding_detection(drawn, proposers) + 1e-12 <= drawn + 2e-12


@pytest.mark.parametrize("rate", [0.01, 0.03, 0.08, 0.2, 0.5, 1.0])
def test_choosing_one_seed_for_a_whole_batch_makes_one_false_interval_still_the_binding_case(rate: float) -> None:
    stake, drawn = ECONOMY.stake(50, 0, rate) / PRICE, 0.6 * rate
    one = theory.profit_of_grinding(1, 1 / 50, stake, drawn, 0.1, BETA)
    assert one <= theory.profit_of_cheating(1, 1 / 50, 0, stake, ECONOMY.detection(rate), BETA) + 1e-9
    for false in range(2, 17):
        assert theory.profit_of_grinding(false, 1 / 50, stake, drawn, 0.1, BETA) < one


def test_the_formula_of_withheld_blocks_counts_every_way_to_choose() -> None:
    rng = np.random.default_rng(4)
    drawn, proposers, games = 0.3, 0.33, 200_000
    tail = np.minimum(rng.geometric(1 - proposers, games) - 1, 6)
    caught = rng.random(games) < drawn ** (2.0**tail)
    formula = theory.grinding_detection(drawn, proposers)
    assert abs(caught.mean() - formula) < 4 * caught.std() / math.sqrt(games)
