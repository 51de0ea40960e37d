"""What the auction does: truth, rents, welfare, fake bids, promises (docs/economics.md, section 8)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from simulation import theory
from simulation.auction import NONE, Awards, Bids, Demand, Offers, draw_demand, second_score

BIDDERS = (1, 2, 3, 5, 8, 12)
LOADS = (0.1, 0.25, 0.5, 0.75, 1.0)


def by_bidders(rng: np.random.Generator, jobs: int = 40_000, economies: int = 400) -> list[dict[str, Any]]:
    """What the winner is paid over its cost, and what one bidder more is worth to everybody and to itself.

    The last bidder's own profit is its contribution to welfare, but for jobs whose payment the budget caps: entry pays for itself.
    """
    rows = []
    for bidders in BIDDERS:
        shares = [_market(rng, jobs // economies, bidders) for _ in range(economies)]
        rows.append({"bidders": bidders, **{name: float(np.mean([row[name] for row in shares])) for name in shares[0]}})
    return rows


def _market(rng: np.random.Generator, jobs: int, bidders: int) -> dict[str, float]:
    demand = draw_demand(rng, jobs, bidders + 1)
    base = demand.cost.mean()
    few, more = demand.truthful(), demand.truthful()
    few.enters[:, -1] = False
    before, after = second_score(demand.offers, few), second_score(demand.offers, more)
    sold = before.winner != NONE
    cost = np.take_along_axis(demand.cost, np.maximum(before.winner, 0)[:, None], 1)[:, 0]
    entrant = after.winner == bidders
    newcomer = np.where(entrant, after.payment - demand.cost[:, -1], 0)
    # Only jobs that both markets place can be compared; a job nobody takes has no cost.
    gain = np.where(entrant & sold, before.score - after.score, 0)
    return {
        "sold": float(sold.mean()),
        "payment_over_cost": float(before.payment[sold].sum() / max(cost[sold].sum(), 1)),
        "at_the_budget": float((before.payment == demand.offers.budget)[sold].mean()) if sold.any() else 0.0,
        "entrants_profit": float((newcomer * sold).mean() / base),
        "entrants_contribution": float(gain.mean() / base),
    }


def deviations(rng: np.random.Generator, jobs: int = 40_000, bidders: int = 5) -> list[dict[str, Any]]:
    """What a bidder gains over the truth by asking for another price or promising a longer duration."""
    demand = draw_demand(rng, jobs, bidders)
    truth = _profit(demand, second_score(demand.offers, demand.truthful()))
    rows = []
    for price in (0.7, 0.85, 0.95, 1.0, 1.05, 1.15, 1.3):
        for duration in (1.0, 1.2):
            if (price, duration) == (1.0, 1.0):
                continue
            bids = demand.truthful()
            asked, promised = demand.cost.copy(), demand.duration.copy()
            asked[:, 0] = np.round(asked[:, 0] * price)
            promised[:, 0] = np.ceil(promised[:, 0] * duration)
            change = _profit(demand, second_score(demand.offers, Bids(asked, promised, bids.enters))) - truth
            scale = demand.cost.mean()
            error = float(change.std() / np.sqrt(jobs) / scale)
            rows.append({"price_factor": price, "duration_factor": duration, "gain": float(change.mean() / scale), "error": error})
    return rows


def _profit(demand: Demand, awards: Awards) -> np.ndarray:
    return np.where(awards.winner == 0, awards.payment - demand.cost[:, 0], 0).astype(float)


def fake_bids(rng: np.random.Generator, jobs: int = 1_000, economies: int = 40) -> list[dict[str, Any]]:
    """A submitter's own sealed bid, revealed only when it is second: what it saves, by the share of the budget that a bid deposits.

    It is worth revealing between the two lowest scores. Below the lowest it would win, so it stays sealed and the winner gets its deposit.
    The submitter knows the solvers and puts its bid where it saves most on average.
    """
    rows = []
    for bidders in (2, 3, 5, 8):
        markets = [_relative_scores(draw_demand(rng, jobs, bidders)) for _ in range(economies)]
        for deposit in (0.0, 0.05, 0.1, 0.2):
            saved = [max(_saved(scores, level, deposit) for level in np.linspace(0.2, 1.2, 51)) for scores in markets]
            error = float(np.std(saved) / np.sqrt(economies))
            rows.append({"bidders": bidders, "deposit": deposit, "saving": float(np.mean(saved)), "error": error})
    return rows


def _relative_scores(demand: Demand) -> np.ndarray:
    """Scores in budgets, ascending, shape (jobs, bidders); none above the reserve."""
    reserve = demand.offers.budget + demand.offers.value_of_time * demand.offers.deadline
    return np.asarray(np.sort(np.minimum(demand.social, reserve[:, None]), axis=1) / demand.offers.budget[:, None])


def _saved(scores: np.ndarray, level: float, deposit: float) -> float:
    """Mean saving in budgets."""
    first, second = scores[:, 0], scores[:, 1]
    revealed, sealed = (first < level) & (level < second), level <= first
    return float(np.where(revealed, second - level, np.where(sealed, -deposit, 0)).mean())


def matching_loss(rng: np.random.Generator, solvers: int = 40, batches: int = 40) -> list[dict[str, Any]]:
    """Social cost when jobs that come together are auctioned one after another, against the best assignment of all of them."""
    rows = []
    for load in LOADS:
        losses = np.array([_batch_loss(rng, round(load * solvers), solvers) for _ in range(batches)])
        mean, error = losses.mean(axis=0), losses.std(axis=0) / np.sqrt(batches)
        rows.append({"load": load, "loss": float(mean[0]), "error": float(error[0]), "random": float(mean[1])})
    return rows


def _batch_loss(rng: np.random.Generator, jobs: int, solvers: int) -> tuple[float, float]:
    """Losses over the best assignment: of the auctions, and of any idle solver for each job."""
    demand = draw_demand(rng, jobs, solvers, headroom=100.0)
    free, total = np.ones(solvers, np.bool_), 0
    for job in range(jobs):
        offer = Offers(*(values[job : job + 1] for values in vars(demand.offers).values()))
        enters = (free & (demand.duration[job] <= demand.offers.deadline[job]))[None]
        enters = enters if enters.any() else free[None]
        winner = int(second_score(_patient(offer), Bids(demand.cost[job : job + 1], demand.duration[job : job + 1], enters)).winner[0])
        free[winner] = False
        total += int(demand.social[job, winner])
    best = demand.social[linear_sum_assignment(demand.social)].sum()
    drawn = demand.social[np.arange(jobs), rng.permutation(solvers)[:jobs]].sum()
    return float(total / best - 1), float(drawn / best - 1)


def _patient(offer: Offers) -> Offers:
    """The same job without a deadline: here every job finds a solver."""
    return Offers(offer.budget, offer.value_of_time, np.full_like(offer.deadline, 2**40))


def promises(rng: np.random.Generator, draws: int = 200_000) -> list[dict[str, Any]]:
    """The duration that pays best to promise when the real one is uncertain, as a quantile of it, by the penalty of lateness in v.

    Every second promised less raises the payment by v; every second late costs the penalty.
    """
    real = np.sort(rng.lognormal(0, 0.3, draws))
    rows = []
    for penalty in (1.5, 2.0, 4.0, 8.0):
        promised = real[:: draws // 1_000]
        late = np.array([np.maximum(real - each, 0).mean() for each in promised])
        best = int(np.argmin(promised + penalty * late))
        formula = theory.promised_quantile(1.0, penalty)
        rows.append({"penalty": penalty, "quantile": best / promised.size, "formula": formula})
    return rows
