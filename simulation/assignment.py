"""One strategy against the market: many assignments of the standard job, all played alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.agents import Party, Placement, Strategy, Verifiers, false_intervals
from simulation.audits import Habits, audit
from simulation.economy import PRICE, Economy, standard_spec
from simulation.settlement import Deal, Outcome, Pots, settle
from touchstone.roles.terms import terms_of

PLACEMENTS: tuple[Placement, ...] = ("last", "first", "spread")


@dataclass(frozen=True)
class Setting:
    """The market a strategy is tried in.

    Attributes:
        intervals: n.
        harm: H in prices; what a false result is worth to a cheat, too.
        audit_rate: ρ of the job, of 1.
        stake: multiple of the stake that the formula asks for.
        margin: share of the payment that is the solver's profit when it is honest.
    """

    intervals: int = 50
    harm: float = 0.0
    audit_rate: float = 0.03
    stake: float = 1.0
    margin: float = 0.0


@dataclass(frozen=True)
class Estimate:
    """A mean and its standard error, in prices."""

    mean: float
    error: float


def play(rng: np.random.Generator, economy: Economy, setting: Setting, strategy: Strategy, verifiers: Verifiers, jobs: int) -> Outcome:
    """Play ``jobs`` assignments of the standard job at the price of its budget. Profits include the harm as the cheat's gain."""
    terms = terms_of(standard_spec(setting.intervals, setting.audit_rate, setting.harm), economy.parameters)
    pots = Pots(
        np.full(jobs, terms.escrow, np.int64),
        np.full(jobs, terms.audit_reserve, np.int64),
        np.full(jobs, round(terms.stake * setting.stake), np.int64),
    )
    cost = PRICE * (1 - setting.margin) / setting.intervals
    deal = Deal(
        payment=np.full(jobs, PRICE, np.int64),
        fee=np.full(jobs, terms.audit_fee, np.int64),
        harm=np.full(jobs, round(setting.harm * PRICE), np.int64),
        cost=np.full(jobs, cost),
        replay=np.full(jobs, cost * economy.replay),
        first=np.zeros(jobs, np.int64),
        pays_itself=np.full(jobs, strategy.accomplice),
    )
    false = false_intervals(rng, strategy, jobs, setting.intervals)
    audits = audit(rng, false, setting.audit_rate, verifiers, Habits.all_alike(strategy, jobs))
    outcome = settle(economy, pots, deal, false, audits)
    _refund(pots, outcome, terms.escrow)
    outcome.costs[:, Party.SOLVER] -= outcome.poisoned * setting.harm * PRICE
    return outcome


def cheats_profit(outcome: Outcome, strategy: Strategy) -> np.ndarray:
    """Profit of everybody who is in it, in prices, one for each job."""
    parties = [Party.SOLVER, Party.ACCOMPLICE, *([Party.COLLUDING] if strategy.ring else [])]
    return np.asarray(outcome.profits[:, parties].sum(axis=1) / PRICE)


def deviation(
    rng: np.random.Generator, economy: Economy, setting: Setting, strategy: Strategy, verifiers: Verifiers, jobs: int
) -> Estimate:
    """How much a strategy gains over honest work, by simulation."""
    honest = Strategy(ring=strategy.ring)
    profits, base = (cheats_profit(play(rng, economy, setting, each, verifiers, jobs), each) for each in (strategy, honest))
    return Estimate(float(profits.mean() - base.mean()), float(np.sqrt((profits.var() + base.var()) / jobs)))


def strategies(count: int) -> list[Strategy]:
    """The grid of strategies that is searched for a profitable one: how many, where, who is told, who challenges, who verifies."""
    numbers = sorted({number for number in (1, 2, 5, count // 2, count) if 0 < number <= count})
    return [
        Strategy(_name(number, placement, leaks=leaks, accomplice=accomplice, ring=ring), number, placement, leaks, accomplice, ring)
        for number in numbers
        for placement in (PLACEMENTS if number < count else PLACEMENTS[:1])
        for leaks in (False, True)
        for accomplice in (False, True)
        for ring in (False, True)
    ]


def _name(number: int, placement: Placement, **also: bool) -> str:
    return " ".join([f"{number} false, {placement}", *(f"+ {name}" for name, does in also.items() if does)])


def _refund(pots: Pots, outcome: Outcome, escrow: int) -> None:
    """The submitter's side: it paid the escrow and gets back what is left of it."""
    outcome.tokens[:, Party.SUBMITTER] += pots.escrow - escrow
    pots.escrow[:] = 0
