"""The sealed second-score auction, for many jobs at once (docs/specification/market.md, section 4), and who bids in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.economy import PRICE

Amounts = NDArray[np.int64]
NONE = -1
_NEVER = np.iinfo(np.int64).max // 2


@dataclass(frozen=True)
class Offers:
    """Jobs for which bids are made; shape (jobs,). Amounts in base units, times in seconds.

    Attributes:
        budget: most that is paid.
        value_of_time: v, for a second.
        deadline: longest duration that may be promised.
    """

    budget: Amounts
    value_of_time: Amounts
    deadline: Amounts


@dataclass(frozen=True)
class Bids:
    """Prices and durations, shape (jobs, bidders); ``enters`` tells who bids at all."""

    price: Amounts
    duration: Amounts
    enters: NDArray[np.bool_]


@dataclass(frozen=True)
class Awards:
    """Winners (``NONE`` without a bid), what they are paid, and their scores; shape (jobs,)."""

    winner: NDArray[np.int64]
    payment: Amounts
    score: Amounts


def second_score(offers: Offers, bids: Bids) -> Awards:
    """Who wins and what it is paid: max(p₁, min(budget, s₂ − v · d₁)); the reserve stands in for a missing second bid.

    As the contract does, bids above the budget or the deadline are refused, and the earlier bidder wins a tie.
    """
    v, rows = offers.value_of_time[:, None], np.arange(len(offers.budget))
    valid = bids.enters & (bids.price <= offers.budget[:, None]) & (bids.duration <= offers.deadline[:, None]) & (bids.duration > 0)
    scores = np.where(valid, bids.price + v * bids.duration, _NEVER)
    best = scores.argmin(axis=1)
    first = scores[rows, best]
    scores[rows, best] = offers.budget + offers.value_of_time * offers.deadline
    second = scores.min(axis=1)
    price, duration = bids.price[rows, best], bids.duration[rows, best]
    payment = np.maximum(price, np.minimum(offers.budget, second - offers.value_of_time * duration))
    sold = first < _NEVER
    return Awards(np.where(sold, best, NONE), np.where(sold, payment, 0), first)


@dataclass(frozen=True)
class Demand:
    """Jobs and what they would cost every solver.

    Attributes:
        offers: the jobs.
        cost: of computing, shape (jobs, solvers), base units.
        duration: seconds, shape (jobs, solvers).
    """

    offers: Offers
    cost: Amounts
    duration: Amounts

    @property
    def social(self) -> Amounts:
        """Cost of a job on a solver, the submitter's time included, shape (jobs, solvers)."""
        return self.cost + self.offers.value_of_time[:, None] * self.duration

    def truthful(self) -> Bids:
        """What everybody bids when it bids its cost and its duration."""
        return Bids(self.cost, self.duration, np.ones(self.cost.shape, np.bool_))


def draw_demand(rng: np.random.Generator, jobs: int, solvers: int, headroom: float = 1.5) -> Demand:
    """Jobs of different sizes for solvers of different costs and speeds.

    The typical job costs ``PRICE`` to compute on the typical solver and takes it a day. All spread is log-normal: sizes by e^0.5, costs by
    e^0.3, speeds by e^0.4, and every pair by e^0.15 more. A day of waiting is worth a fifth of the typical cost. Budgets are ``headroom``
    times what the job costs the typical solver; a deadline is three times its typical duration.
    """
    size = rng.lognormal(0, 0.5, jobs)
    unit, speed = rng.lognormal(0, 0.3, solvers), rng.lognormal(0, 0.4, solvers)
    fit = rng.lognormal(0, 0.15, (jobs, solvers))
    cost = PRICE * size[:, None] * unit * fit
    duration = 86_400 * size[:, None] / speed
    offers = Offers(
        budget=np.round(headroom * PRICE * size).astype(np.int64),
        value_of_time=np.full(jobs, round(0.2 * PRICE / 86_400), np.int64),
        deadline=np.ceil(3 * 86_400 * size).astype(np.int64),
    )
    return Demand(offers, np.ceil(cost).astype(np.int64), np.ceil(duration).astype(np.int64))
