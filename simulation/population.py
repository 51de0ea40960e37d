"""A whole market: jobs come, solvers of every kind bid, the winners compute or cheat, verifiers audit, stakes are split, jobs go on.

Tokens only move: what all accounts, escrows and stakes hold together never changes (:meth:`Market.tokens`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulation.agents import Flags, Party, Strategy, Verifiers, false_intervals
from simulation.auction import NONE, Bids, Offers, second_score
from simulation.audits import Habits, audit
from simulation.economy import PRICE, Economy, standard_spec
from simulation.settlement import Deal, Outcome, Pots, settle
from simulation.theory import reservation_price
from touchstone.roles.records import Quote
from touchstone.roles.terms import share, terms_of

MAX_ROUNDS = 8
BIDDERS = 6
FUNDS = 40 * PRICE
KINDS = {"honest": 12, "strategic": 4, "lazy": 2, "random": 2, "colluding": 2, "sybil": 2}
"""How many solvers of each kind there are."""
COST, SPREAD = 0.6 * PRICE, 0.2
"""What a job costs a solver to compute: log-normal around a typical cost, anew for every job and solver."""
GRIEFED = 0.02
"""Chance that somebody challenges an honest interval of an assignment."""


@dataclass(frozen=True)
class World:
    """What a market is run with; ``stake`` multiplies what the formula asks for, and cheats know it."""

    economy: Economy
    intervals: int = 50
    audit_rate: float = 0.03
    harm: float = 0.0
    stake: float = 1.0
    verifiers: Verifiers = field(default_factory=lambda: Verifiers(honest=0.6, lazy=0.15, colluding=0.25, watched=0.02))

    @property
    def terms(self) -> Quote:
        """Of every job."""
        quote = terms_of(standard_spec(self.intervals, self.audit_rate, self.harm), self.economy.parameters)
        return quote._replace(stake=round(quote.stake * self.stake))


@dataclass(frozen=True)
class Plan:
    """What a bidder would do with a job, and the price at which it breaks even, in base units."""

    strategy: Strategy
    price: float


def plan_of(kind: str, world: World, rng: np.random.Generator, cost: float, count: int) -> Plan:
    """What a solver of a kind does with the last ``count`` intervals of a job, whose computation costs it ``cost``."""
    if kind == "honest":
        return Plan(Strategy(), cost)
    if kind == "lazy":
        # It does not think of being caught.
        return Plan(Strategy("lazy", int(rng.binomial(count, 0.1)), "spread"), 0.9 * cost)
    if kind == "random":
        false = int(rng.integers(1, count + 1)) if rng.random() < 0.3 else 0
        return Plan(Strategy("random", false, "spread", leaks=rng.random() < 0.5), cost)
    # A Sybil cheats once whatever it costs, and gets back what it can by convicting itself.
    choices = [1] if kind == "sybil" else sorted({0, 1, min(2, count), min(5, count), count // 2, count})
    plans = (Strategy(kind, false, "last", accomplice=kind != "strategic", ring=kind == "colluding") for false in choices)
    return min((Plan(plan, _price(world, plan, cost, count)) for plan in plans), key=lambda plan: plan.price)


def _price(world: World, plan: Strategy, cost: float, count: int) -> float:
    """The least payment for which a plan pays, knowing who verifies."""
    v = world.verifiers
    runs = v.honest / (v.honest + v.colluding) if plan.ring else 1.0
    audited = world.audit_rate * (1 - v.withheld) * runs
    caught = audited + (1 - audited) * v.watched
    kept = world.economy.challenger_share if plan.accomplice else 0.0
    return reservation_price(plan.false, count, cost, world.harm * PRICE, world.terms.stake, caught, kept)


@dataclass(frozen=True)
class Award:
    """Who won an auction, what it is paid, what an interval costs it, and what it is going to do."""

    winner: int
    payment: int
    cost: float
    strategy: Strategy


class Market:
    """The state of a market between epochs. ``holdings`` are the solvers' free tokens, ``parties`` those of everybody else."""

    def __init__(self, world: World, rng: np.random.Generator) -> None:
        self.world, self.rng = world, rng
        self.kinds = [kind for kind, number in KINDS.items() for _ in range(number)]
        self.holdings = np.full(len(self.kinds), FUNDS, np.int64)
        self.parties = np.full(len(Party), 10**6 * PRICE, np.int64)
        self.pots = Pots(*(np.zeros(0, np.int64) for _ in range(3)))
        self.costs = np.zeros(len(self.kinds))
        self.worth = self.holdings.astype(float)
        self.counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
        self.jobs: Counter[str] = Counter()

    def tokens(self) -> int:
        """All tokens there are."""
        return int(self.holdings.sum() + self.parties.sum() + self.pots.escrow.sum() + self.pots.stake.sum())

    def run(self, jobs: int) -> None:
        """Post ``jobs`` jobs together and play each to its end."""
        terms, count = self.world.terms, self.world.intervals
        self.pots = Pots(np.full(jobs, terms.escrow, np.int64), np.full(jobs, terms.audit_reserve, np.int64), np.zeros(jobs, np.int64))
        self.parties[Party.SUBMITTER] -= jobs * terms.escrow
        self.worth = self.holdings - self.costs
        final, poisoned = np.zeros(jobs, np.int64), np.zeros(jobs, np.bool_)
        for _ in range(MAX_ROUNDS):
            open_jobs = np.nonzero(final < count)[0]
            if open_jobs.size == 0:
                break
            self.jobs["rounds"] += open_jobs.size
            self.jobs["convictions"] += self._round(open_jobs, final, poisoned)
        self.parties[Party.SUBMITTER] += self.pots.escrow.sum()
        self.pots.escrow[:] = 0
        self.jobs += Counter(jobs=jobs, finished=int((final == count).sum()), poisoned=int((poisoned & (final == count)).sum()))

    def _round(self, jobs: NDArray[np.int64], final: NDArray[np.int64], poisoned: Flags) -> int:
        """One auction and assignment of each of ``jobs``. Returns the number of convictions."""
        placed = [self._auction(job, int(final[job])) for job in jobs]
        kept = np.array([award is not None for award in placed])
        jobs, awards = jobs[kept], [award for award in placed if award is not None]
        if not awards:
            return 0
        outcome = self._play(jobs, awards, final[jobs])
        final[jobs] = outcome.final
        poisoned[jobs] |= outcome.poisoned
        return int(outcome.convicted.sum())

    def _auction(self, job: int, first: int) -> Award | None:
        """Bidders ask for what their plan costs them. Locks the winner's stake."""
        terms, count = self.world.terms, self.world.intervals
        chosen = self.rng.permutation(len(self.kinds))[:BIDDERS]
        budget = PRICE * (count - first) // count
        costs = COST * self.rng.lognormal(0, SPREAD, BIDDERS) / count
        left = count - first
        plans = [plan_of(self.kinds[solver], self.world, self.rng, cost * left, left) for solver, cost in zip(chosen, costs, strict=True)]
        # Who has lost half of what it began with has learned its lesson.
        enters = (self.holdings[chosen] >= terms.stake) & (self.worth[chosen] > FUNDS / 2)
        asked = np.maximum(np.ceil([plan.price for plan in plans]), 1).astype(np.int64)[None]
        offers = Offers(*(np.array([value], np.int64) for value in (budget, 0, 1)))
        awards = second_score(offers, Bids(asked, np.ones((1, BIDDERS), np.int64), enters[None]))
        best = int(awards.winner[0])
        if best == NONE:
            return None
        winner = int(chosen[best])
        self.holdings[winner] -= terms.stake
        self.pots.stake[job] = terms.stake
        return Award(winner, int(awards.payment[0]), float(costs[best]), plans[best].strategy)

    def _play(self, jobs: NDArray[np.int64], awards: list[Award], first: NDArray[np.int64]) -> Outcome:
        world, terms, count = self.world, self.world.terms, self.world.intervals
        winners, payments, costs = (np.array([getattr(award, name) for award in awards]) for name in ("winner", "payment", "cost"))
        plans = [award.strategy for award in awards]
        live = np.arange(count) >= first[:, None]
        false = np.concatenate([false_intervals(self.rng, plan, 1, count) for plan in plans]) & live
        accomplices = np.array([plan.accomplice for plan in plans])
        audits = audit(self.rng, false, world.audit_rate, world.verifiers, Habits.of(plans), live)
        size = len(jobs)
        deal = Deal(
            *(payments, np.full(size, terms.audit_fee, np.int64), np.full(size, round(world.harm * PRICE), np.int64)),
            *(costs, np.full(size, COST * world.economy.replay / count), first, accomplices),
        )
        pots = Pots(self.pots.escrow[jobs], self.pots.reserve[jobs], self.pots.stake[jobs])
        outcome = settle(world.economy, pots, deal, false, audits)
        self._book(jobs, winners, pots, outcome, terms.stake)
        self._grief(winners[~outcome.convicted])
        self._count(winners, false, outcome)
        return outcome

    def _book(self, jobs: NDArray[np.int64], winners: NDArray[np.int64], pots: Pots, outcome: Outcome, stake: int) -> None:
        """Enter an epoch's money: the stake comes back with what was won or lost, an accomplice is its solver."""
        self.pots.escrow[jobs], self.pots.reserve[jobs], self.pots.stake[jobs] = pots.escrow, pots.reserve, pots.stake
        own = (Party.SOLVER, Party.ACCOMPLICE)
        np.add.at(self.holdings, winners, stake + outcome.tokens[:, own].sum(axis=1))
        np.add.at(self.costs, winners, outcome.costs[:, own].sum(axis=1))
        others = outcome.tokens.sum(axis=0)
        others[list(own)] = 0
        self.parties += others

    def _grief(self, solvers: NDArray[np.int64]) -> None:
        """Challenges of honest intervals fail: most of the bond goes to the solver, which pays its half of the gas."""
        bond = self.world.terms.challenge_bond
        hit = solvers[self.rng.random(solvers.size) < GRIEFED]
        np.add.at(self.holdings, hit, share(bond, 800_000))
        np.add.at(self.costs, hit, self.world.economy.gas_cost(self.world.economy.gas.dispute / 2))
        self.parties[Party.GRIEFER] -= hit.size * bond
        self.parties[Party.TREASURY] += hit.size * (bond - share(bond, 800_000))

    def _count(self, winners: NDArray[np.int64], false: Flags, outcome: Outcome) -> None:
        for winner, cheated, convicted in zip(winners, false.any(axis=1), outcome.convicted, strict=True):
            self.counts[self.kinds[winner]] += Counter(jobs=1, cheated=int(cheated), convicted=int(convicted))


def run_market(world: World, rng: np.random.Generator, epochs: int, jobs: int) -> Market:
    """A market of ``epochs`` times ``jobs`` jobs. Raises AssertionError if tokens appear or vanish, or a job keeps some."""
    market = Market(world, rng)
    total = market.tokens()
    for _ in range(epochs):
        market.run(jobs)
        assert market.tokens() == total, f"{market.tokens() - total} tokens appeared"
        assert not market.pots.stake.any(), "a stake was never released"
        assert (market.pots.reserve >= 0).all(), "more was paid for audits than was reserved"
    return market
