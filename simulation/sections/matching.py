"""How long a job waits for a solver, and what idle solvers would have to be paid for (docs/economics.md, sections 8 and 10)."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np

from simulation.economy import Economy

LOADS = (0.3, 0.5, 0.7, 0.8, 0.9, 1.0)
ROUNDS_OF_A_JOB = 2
"""After two rounds in a row without a bid a job expires, and its submitter posts it again."""


def waiting(economy: Economy, rng: np.random.Generator, jobs: int = 6_000, solvers: int = 20) -> list[dict[str, Any]]:
    """Time from posting to assignment, in auctions (bidding and revealing), against the share of solvers that are busy."""
    auction = economy.parameters.bid_period + economy.parameters.reveal_period
    rows = []
    for load in LOADS:
        arrivals = np.cumsum(rng.exponential(economy.duration / (load * solvers), jobs))
        durations = economy.duration * rng.lognormal(-0.125, 0.5, jobs)
        auctions = rounds_until_matched(arrivals, durations, auction, solvers)
        kept = auctions[jobs // 5 :]
        rows.append(
            {
                **{"load": load, "mean": float(kept.mean()), "p95": float(np.quantile(kept, 0.95))},
                **{"first_auction": float((kept == 1).mean()), "posted_again": float((kept > ROUNDS_OF_A_JOB).mean())},
                "hours": float(kept.mean()) * auction / 3_600,
            }
        )
    return rows


def rounds_until_matched(arrivals: np.ndarray, durations: np.ndarray, auction: float, solvers: int) -> np.ndarray:
    """Auctions that each job took. A solver bids when it is idle; a job without a bid is auctioned again at once.

    Args:
        arrivals: times of posting, ascending, seconds.
        durations: how long each job takes, seconds.
        auction: seconds from opening to assignment.
        solvers: how many there are, one job at a time each.
    """
    auctions = np.zeros(len(arrivals), np.int64)
    closing = [(time + auction, job) for job, time in enumerate(arrivals)]
    heapq.heapify(closing)
    busy: list[float] = []
    while closing:
        time, job = heapq.heappop(closing)
        while busy and busy[0] <= time:
            heapq.heappop(busy)
        auctions[job] += 1
        if len(busy) < solvers:
            heapq.heappush(busy, time + durations[job])
        else:
            heapq.heappush(closing, (time + auction, job))
    return auctions
