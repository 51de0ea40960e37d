"""Sealed bids: commit, reveal, assign."""

from __future__ import annotations

import pytest
from ape import reverts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .world import ALWAYS, EXPIRED, OPEN, RUNNING, TOKENS, V, World, salt_of

DEPOSIT = 50 * TOKENS


def test_a_bid_shows_only_its_commitment_and_charges_the_deposit(world: World) -> None:
    job, before = world.post(), world.wealth(world.solver)
    receipt = world.bid(job, world.solver, 600 * TOKENS, 500)
    (event,) = receipt.decode_logs(world.market.BidCommitted)
    assert event.commitment == world.market.bidOf(job, 1, world.solver)
    assert world.wealth(world.solver) == before - DEPOSIT
    assert (world.job(job).bids, world.job(job).reveals) == (1, 0)


def test_a_commitment_binds_chain_market_job_round_bidder_price_duration_and_salt(world: World) -> None:
    salt = salt_of(world.solver)
    base = (1, 1, world.solver, 5, 6, salt)
    others = [(2, 1, world.solver, 5, 6, salt), (1, 2, world.solver, 5, 6, salt), (1, 1, world.rival, 5, 6, salt)]
    others += [(1, 1, world.solver, 6, 6, salt), (1, 1, world.solver, 5, 7, salt), (1, 1, world.solver, 5, 6, bytes(32))]
    commitments = {bytes(world.market.commitmentOf(*each)) for each in [base, *others]}
    assert len(commitments) == 7


def test_the_better_score_wins_and_is_paid_the_second_price(world: World) -> None:
    job = world.post()
    world.auction(job, (world.rival, 500 * TOKENS, 900), (world.solver, 520 * TOKENS, 300))
    state = world.job(job)
    assert (state.status, state.solver, state.duration) == (RUNNING, world.solver, 300)
    assert state.payment == 500 * TOKENS + 900 * V - 300 * V
    assert state.first == 0


def test_the_order_of_reveals_does_not_matter(world: World) -> None:
    job = world.post()
    world.auction(job, (world.solver, 520 * TOKENS, 300), (world.rival, 500 * TOKENS, 900), (world.second, 700 * TOKENS, 900))
    assert (world.job(job).solver, world.job(job).payment) == (world.solver, 560 * TOKENS)


def test_the_payment_is_capped_by_the_budget(world: World) -> None:
    job = world.post()
    world.auction(job, (world.solver, 900 * TOKENS, 10), (world.rival, 1_000 * TOKENS, 1_000))
    assert world.job(job).payment == 1_000 * TOKENS


def test_a_single_bidder_is_paid_by_the_reserve(world: World) -> None:
    job = world.post()
    world.auction(job, (world.solver, 100 * TOKENS, 1_000))
    assert world.job(job).payment == 1_000 * TOKENS


def test_on_a_tie_the_first_reveal_wins_at_its_own_price(world: World) -> None:
    job = world.post()
    world.auction(job, (world.solver, 600 * TOKENS, 500), (world.rival, 600 * TOKENS, 500))
    assert (world.job(job).solver, world.job(job).payment) == (world.solver, 600 * TOKENS)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bids=st.lists(st.tuples(st.integers(0, 1_000 * TOKENS), st.integers(1, 1_000)), min_size=1, max_size=4))
def test_any_auction_follows_the_rule(world: World, bids: list[tuple[int, int]]) -> None:
    bidders = [world.solver, world.rival, world.second, world.challenger][: len(bids)]
    job = world.post(auditRate=ALWAYS)
    world.auction(job, *((who, price, duration) for who, (price, duration) in zip(bidders, bids, strict=True)))
    scores = [price + V * duration for price, duration in bids]
    best = scores.index(min(scores))
    price, duration = bids[best]
    second = min([s for i, s in enumerate(scores) if i != best], default=1_000 * TOKENS + V * 1_000)
    state = world.job(job)
    assert state.solver == bidders[best]
    assert state.payment == max(price, min(1_000 * TOKENS, second - V * duration))
    world.check_conservation()


def test_exactly_the_winner_has_its_stake_locked(world: World) -> None:
    before = {p: world.wealth(p) for p in (world.solver, world.rival)}
    job = world.post()
    stake = world.job(job).stake
    world.bid(job, world.rival, 700 * TOKENS, 500)
    world.bid(job, world.solver, 600 * TOKENS, 500)
    world.wait_until(world.job(job).bidsUntil)
    world.reveal(job, world.rival, 700 * TOKENS, 500)
    assert world.wealth(world.rival) == before[world.rival] - stake
    world.check_conservation()
    world.reveal(job, world.solver, 600 * TOKENS, 500)
    assert world.wealth(world.rival) == before[world.rival]
    assert world.wealth(world.solver) == before[world.solver] - stake
    world.check_conservation()


def test_a_stake_below_the_deposit_gives_the_difference_back(world: World) -> None:
    before = world.wealth(world.solver)
    job = world.post(auditRate=ALWAYS, steps=1_000)
    stake = world.job(job).stake
    assert stake < DEPOSIT
    world.auction(job, (world.solver, 600 * TOKENS, 500))
    assert world.wealth(world.solver) == before - stake


def test_a_bidder_who_cannot_cover_the_stake_is_refused(world: World) -> None:
    poor = world.accounts[15]
    job = world.post(auditRate=ALWAYS)
    stake = world.job(job).stake
    world.token.mint(poor, stake - 1, sender=poor)
    world.token.approve(world.vault, 2**256 - 1, sender=poor)
    with reverts(world.market.StakeNotCovered, error_inputs={"bidder": poor, "balance": stake - 1, "needed": stake}):
        world.bid(job, poor, 1, 1)


@pytest.mark.parametrize("leads", [True, False])
def test_a_bidder_who_is_short_at_the_reveal_is_refused_and_forfeits(world: World, leads: bool) -> None:
    poor = world.rival
    job = world.post(auditRate=ALWAYS)
    stake = world.job(job).stake
    world.bid(job, poor, 100 * TOKENS if leads else 800 * TOKENS, 500)
    world.bid(job, world.solver, 600 * TOKENS, 500)
    world.token.approve(world.vault, stake - DEPOSIT - 1, sender=poor)
    world.wait_until(world.job(job).bidsUntil)
    world.reveal(job, world.solver, 600 * TOKENS, 500)
    with reverts(world.market.StakeNotCovered):
        world.reveal(job, poor, 100 * TOKENS if leads else 800 * TOKENS, 500)
    world.wait_until(world.job(job).revealsUntil)
    receipt = world.market.assign(job, sender=world.stranger)
    (event,) = receipt.decode_logs(world.market.Assigned)
    assert (event.solver, event.forfeits) == (world.solver, DEPOSIT)


def test_an_unrevealed_bid_forfeits_its_deposit_to_the_winner(world: World) -> None:
    job = world.post()
    world.bid(job, world.solver, 600 * TOKENS, 500)
    world.bid(job, world.rival, 100 * TOKENS, 500)
    world.wait_until(world.job(job).bidsUntil)
    world.reveal(job, world.solver, 600 * TOKENS, 500)
    until = world.job(job).revealsUntil
    with reverts(world.market.TooEarly):
        world.market.assign(job, sender=world.stranger)
    world.wait_until(until)
    world.market.assign(job, sender=world.stranger)
    assert world.balance(world.solver) == DEPOSIT


def test_a_job_without_bids_opens_again_once_and_then_expires(world: World) -> None:
    before = world.wealth(world.submitter)
    job = world.post()
    world.wait_until(world.job(job).bidsUntil)
    world.market.assign(job, sender=world.stranger)
    assert (world.job(job).status, world.job(job).round) == (OPEN, 2)
    world.wait_until(world.job(job).bidsUntil)
    world.market.assign(job, sender=world.stranger)
    assert world.job(job).status == EXPIRED
    assert world.wealth(world.submitter) == before
    assert world.custody() == 0


def test_deposits_of_a_round_where_nobody_reveals_go_to_the_submitter(world: World) -> None:
    job = world.post()
    world.bid(job, world.solver, 600 * TOKENS, 500)
    world.wait_until(world.job(job).revealsUntil)
    world.market.assign(job, sender=world.stranger)
    assert (world.job(job).status, world.job(job).bids) == (OPEN, 0)
    assert world.balance(world.submitter) == DEPOSIT


def test_a_bid_of_one_round_cannot_be_revealed_in_the_next(world: World) -> None:
    job = world.post()
    world.bid(job, world.solver, 600 * TOKENS, 500)
    world.wait_until(world.job(job).revealsUntil)
    world.market.assign(job, sender=world.stranger)
    world.wait_until(world.job(job).bidsUntil)
    with reverts(world.market.WrongReveal):
        world.reveal(job, world.solver, 600 * TOKENS, 500)


def test_bids_are_taken_until_the_deadline_and_revealed_after_it(world: World) -> None:
    job = world.post()
    world.bid(job, world.solver, 600 * TOKENS, 500)
    until, reveals_until = world.job(job).bidsUntil, world.job(job).revealsUntil
    commitment = world.market.bidOf(job, 1, world.solver)
    world.at(until - 1)
    with reverts(world.market.TooEarly, error_inputs={"opensAt": until, "time": until - 1}):
        world.reveal(job, world.solver, 600 * TOKENS, 500)
    world.at(until)
    with reverts(world.market.TooLate, error_inputs={"deadline": until, "time": until}):
        world.market.bid(job, commitment, sender=world.rival)
    with reverts(world.market.TooEarly):
        world.market.assign(job, sender=world.stranger)
    world.at(reveals_until)
    with reverts(world.market.TooLate, error_inputs={"deadline": reveals_until, "time": reveals_until}):
        world.reveal(job, world.solver, 600 * TOKENS, 500)


def test_one_bid_per_bidder_and_round(world: World) -> None:
    job = world.post()
    world.bid(job, world.solver, 600 * TOKENS, 500)
    with reverts(world.market.AlreadyBid, error_inputs={"job": job, "round": 1, "bidder": world.solver}):
        world.bid(job, world.solver, 500 * TOKENS, 500)
    with reverts(world.market.ZeroCommitment):
        world.market.bid(job, bytes(32), sender=world.rival)


def test_a_reveal_must_match_and_happens_once(world: World) -> None:
    job = world.post()
    world.bid(job, world.solver, 600 * TOKENS, 500)
    world.bid(job, world.rival, 600 * TOKENS, 500)
    world.wait_until(world.job(job).bidsUntil)
    with reverts(world.market.WrongReveal):
        world.reveal(job, world.solver, 599 * TOKENS, 500)
    world.reveal(job, world.solver, 600 * TOKENS, 500)
    with reverts(world.market.WrongReveal):
        world.reveal(job, world.solver, 600 * TOKENS, 500)
    with reverts(world.market.WrongReveal):
        world.market.reveal(job, 600 * TOKENS, 500, salt_of(world.solver), sender=world.rival)


@pytest.mark.parametrize(
    ("price", "duration", "error", "values"),
    [
        (1_000 * TOKENS + 1, 500, "PriceAboveBudget", {"price": 1_000 * TOKENS + 1, "budget": 1_000 * TOKENS}),
        (1, 0, "BadDuration", {"duration": 0, "deadline": 1_000}),
        (1, 1_001, "BadDuration", {"duration": 1_001, "deadline": 1_000}),
    ],
)
def test_bids_outside_the_terms_are_refused(world: World, price: int, duration: int, error: str, values: dict[str, int]) -> None:
    job = world.post()
    world.bid(job, world.solver, price, duration)
    world.wait_until(world.job(job).bidsUntil)
    with reverts(getattr(world.market, error), error_inputs=values):
        world.reveal(job, world.solver, price, duration)


def test_a_running_job_takes_no_bids(world: World) -> None:
    job = world.running()
    wrong = {"job": job, "status": RUNNING}
    with reverts(world.market.WrongStatus, error_inputs=wrong):
        world.market.bid(job, salt_of(world.rival), sender=world.rival)
    with reverts(world.market.WrongStatus, error_inputs=wrong):
        world.market.reveal(job, 1, 1, bytes(32), sender=world.rival)
    with reverts(world.market.WrongStatus, error_inputs=wrong):
        world.market.assign(job, sender=world.stranger)
    with reverts(world.market.WrongStatus, error_inputs=wrong):
        world.market.cancel(job, sender=world.submitter)
