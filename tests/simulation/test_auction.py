"""The simulated auction against the market's arithmetic, and what truth is worth in it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulation.auction import NONE, Bids, Offers, second_score
from simulation.sections import auctions
from touchstone.roles.terms import payment, score

BID = st.tuples(st.integers(0, 120), st.integers(0, 12), st.booleans())


def by_hand(budget: int, value: int, deadline: int, bids: list[tuple[int, int, bool]]) -> tuple[int, int]:
    """Winner and payment, one bid after another as the contract takes them."""
    leader, second = NONE, budget + value * deadline
    best = None
    for i, (price, duration, enters) in enumerate(bids):
        if not enters or price > budget or not 0 < duration <= deadline:
            continue
        mine = score(price, value, duration)
        if best is None or mine < best:
            second = second if best is None else best
            leader, best = i, mine
        else:
            second = min(second, mine)
    if leader == NONE:
        return NONE, 0
    price, duration, _ = bids[leader]
    return leader, payment(price, budget, second, value, duration)


@given(st.integers(1, 100), st.integers(0, 5), st.integers(1, 10), st.lists(BID, min_size=1, max_size=6))
def test_the_auction_is_the_contracts(budget: int, value: int, deadline: int, bids: list[tuple[int, int, bool]]) -> None:
    price, duration, enters = (np.array([column]) for column in zip(*bids, strict=True))
    offers = Offers(*(np.array([amount]) for amount in (budget, value, deadline)))
    awards = second_score(offers, Bids(price, duration, enters.astype(bool)))
    assert (awards.winner[0], awards.payment[0]) == by_hand(budget, value, deadline, bids)


def test_no_bid_gains_over_the_truth() -> None:
    rows = auctions.deviations(np.random.default_rng(2), jobs=5_000)
    assert len(rows) == 13
    assert all(row["gain"] <= 0 for row in rows)
    assert any(row["gain"] < -0.01 for row in rows)


def test_a_further_bidder_earns_at_most_what_it_adds() -> None:
    rows = auctions.by_bidders(np.random.default_rng(6), jobs=4_000, economies=10)
    for row in rows:
        assert 0 < row["entrants_profit"] <= row["entrants_contribution"] * (1 + 1e-9)
    assert rows[-1]["entrants_profit"] > 0.999 * rows[-1]["entrants_contribution"]


def test_the_best_promise_is_the_quantile_of_the_formula() -> None:
    for row in auctions.promises(np.random.default_rng(8), draws=50_000):
        assert abs(row["quantile"] - row["formula"]) < 0.02


def test_auctions_match_better_than_chance_and_never_better_than_the_best() -> None:
    for row in auctions.matching_loss(np.random.default_rng(9), solvers=20, batches=10):
        assert 0 <= row["loss"] < row["random"]
