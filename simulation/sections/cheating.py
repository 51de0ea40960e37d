"""When cheating pays: the formula and the simulation side by side (docs/economics.md, sections 2 and 7)."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulation import theory
from simulation.agents import Strategy, Verifiers
from simulation.assignment import Estimate, Setting, deviation, strategies
from simulation.economy import PRICE, Economy
from simulation.sections.costs import best_rate, overhead

INTERVALS, HARMS = (10, 50, 200), (0.0, 0.1, 1.0)
RATES, MULTIPLES = (0.01, 0.03, 0.08), (0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 1.0, 1.3)
DEFAULT_RATE, DEFAULT_INTERVALS = 0.03, 50
WORST = Verifiers(honest=0.6, lazy=0.0, colluding=0.4)
"""All that is not honest belongs to the cheat."""


def _binding(false: int = 1) -> Strategy:
    """What the formula supposes: accomplices challenge and verify, and the false intervals come last, so that nothing else is lost."""
    return Strategy("", false, "last", accomplice=True, ring=True)


def curve(economy: Economy, rng: np.random.Generator, jobs: int = 20_000) -> list[dict[str, Any]]:
    """Profit of one false interval against stake and audit rate: n = 50, H = 0, cost = price."""
    points = []
    for rate in RATES:
        for multiple in MULTIPLES:
            setting = Setting(audit_rate=rate, stake=multiple)
            stake = economy.stake(DEFAULT_INTERVALS, 0, rate) * multiple / PRICE
            found = deviation(rng, economy, setting, _binding(), WORST, jobs)
            formula = theory.profit_of_cheating(1, 1 / DEFAULT_INTERVALS, 0, stake, economy.detection(rate), economy.challenger_share)
            points.append({"audit_rate": rate, "multiple": multiple, "stake": stake, "formula": formula, **_fields(found)})
    return points


def numbers(economy: Economy, rng: np.random.Generator, jobs: int = 20_000) -> list[dict[str, Any]]:
    """Profit of k false intervals at half the stake of the formula, where one breaks even, and at the whole: more are never better."""
    rows = []
    for multiple in (0.5, 1.0):
        for false in (1, 2, 5, 10, 25, 50):
            setting = Setting(stake=multiple, harm=0.1)
            stake = economy.stake(DEFAULT_INTERVALS, 0.1, DEFAULT_RATE) * multiple / PRICE
            found = deviation(rng, economy, setting, _binding(false), WORST, jobs)
            formula = theory.profit_of_cheating(
                false, 1 / DEFAULT_INTERVALS, 0.1, stake, economy.detection(DEFAULT_RATE), economy.challenger_share
            )
            rows.append({"stake_multiple": multiple, "false": false, "formula": formula, **_fields(found)})
    return rows


def cells(economy: Economy, rng: np.random.Generator, jobs: int = 20_000) -> list[dict[str, Any]]:
    """Stake, audit rate and overhead for every harm and number of intervals, and the best that a best-responding solver can do."""
    rows = []
    for harm in HARMS:
        for count in INTERVALS:
            for rate in sorted({DEFAULT_RATE, best_rate(economy, count, harm)}):
                best, found = best_response(economy, rng, Setting(count, harm, rate), jobs)
                rows.append(
                    {
                        **{"harm": harm, "intervals": count, "audit_rate": rate, "is_default": rate == DEFAULT_RATE},
                        "stake": economy.stake(count, harm, rate) / PRICE,
                        "overhead": overhead(economy, count, harm, rate),
                        "best_strategy": best.name,
                        **_fields(found),
                    }
                )
    return rows


def best_response(economy: Economy, rng: np.random.Generator, setting: Setting, jobs: int) -> tuple[Strategy, Estimate]:
    """The strategy of the grid that gains most, or loses least, over honest work.

    A first look finds it; what it gains is then measured with fresh random numbers.
    """
    grid = strategies(setting.intervals)
    first = [deviation(rng, economy, setting, strategy, WORST, jobs // 10).mean for strategy in grid]
    best = grid[int(np.argmax(first))]
    return best, deviation(rng, economy, setting, best, WORST, jobs)


def honest_share(economy: Economy, rng: np.random.Generator, jobs: int = 20_000) -> list[dict[str, Any]]:
    """Profit at the default stake when the share of verifiers that run is less than the stake was computed for."""
    rows = []
    for share in (0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.6, 0.8):
        found = deviation(rng, economy, Setting(), _binding(), Verifiers(honest=share, lazy=0, colluding=1 - share), jobs)
        real = economy.with_shares(honest_share=share).detection(DEFAULT_RATE)
        stake = economy.stake(DEFAULT_INTERVALS, 0, DEFAULT_RATE) / PRICE
        formula = theory.profit_of_cheating(1, 1 / DEFAULT_INTERVALS, 0, stake, real, economy.challenger_share)
        rows.append({"honest_share": share, "formula": formula, **_fields(found)})
    return rows


def grinding(economy: Economy) -> list[dict[str, Any]]:
    """How often a false interval is caught when its solver owns a share of proposers: as the stake supposes, and at the solver's best."""
    honest = economy.parameters.honest_share / 1_000_000
    drawn = DEFAULT_RATE * honest
    stake = economy.stake(DEFAULT_INTERVALS, 0, DEFAULT_RATE) / PRICE
    return [
        {
            **{"proposers": share, "supposed": (1 - share) * drawn, "caught": theory.grinding_detection(drawn, share)},
            # A block that would draw the interval: withholding it saves the stake with the chance that the next one does not.
            "worth": (1 - drawn) * ((1 - economy.challenger_share) * stake + 1 / DEFAULT_INTERVALS),
        }
        for share in (0.0, 0.05, 0.1, 0.2, 0.33)
    ]


def withholding(economy: Economy, rng: np.random.Generator, jobs: int = 20_000) -> list[dict[str, Any]]:
    """What a solver gains that shows the states before false intervals to its own verifiers only, at the default stake (section 5).

    Another verifier that is drawn stops the job, unpaid from there, but there is no conviction.
    """
    rows = []
    for share in (0.05, 0.4):
        for false in (1, DEFAULT_INTERVALS):
            strategy = Strategy("", false, "last", accomplice=True, ring=True, withholds=True)
            found = deviation(rng, economy, Setting(), strategy, Verifiers(honest=1 - share, lazy=0, colluding=share), jobs)
            outside = (1 - share) * DEFAULT_RATE * (1 - economy.parameters.proposer_share / 1_000_000)
            formula = theory.profit_of_withholding(false, 1 / DEFAULT_INTERVALS, outside)
            rows.append({"ring": share, "false": false, "formula": formula, **_fields(found)})
    return rows


def _fields(found: Estimate) -> dict[str, float]:
    return {"simulated": found.mean, "error": found.error}
