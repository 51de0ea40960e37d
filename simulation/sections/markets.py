"""Whole markets with solvers of every kind, at the stake of the formula and at less (docs/economics.md, section 9)."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulation.economy import PRICE, Economy
from simulation.population import FUNDS, KINDS, Market, World, run_market

STAKES = (1.0, 0.5, 0.25, 0.1)
EPOCHS, JOBS = 100, 40


def by_stake(economy: Economy, rng: np.random.Generator) -> list[dict[str, Any]]:
    """What became of 4,000 jobs and of everybody's money, for multiples of the formula's stake."""
    children = rng.spawn(len(STAKES))
    return [
        {"stake": stake, **summary(run_market(World(economy, stake=stake), child, EPOCHS, JOBS))}
        for stake, child in zip(STAKES, children, strict=True)
    ]


def summary(market: Market) -> dict[str, Any]:
    """Counts of jobs, and of each kind of solver: jobs won, jobs cheated in, convictions, profit for each solver in prices."""
    kinds = {}
    for kind in KINDS:
        members = np.array([name == kind for name in market.kinds])
        profit = (market.holdings - market.costs)[members].mean() - FUNDS
        counts = market.counts[kind]
        kinds[kind] = {**{name: counts[name] for name in ("jobs", "cheated", "convicted")}, "profit": float(profit / PRICE)}
    return {**{name: market.jobs[name] for name in ("jobs", "finished", "poisoned", "convictions", "rounds")}, "solvers": kinds}
