"""Quotes, posting and cancelling."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from ape import chain, project, reverts
from eth_abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils import keccak

from .world import ALWAYS, CANCELLED, ONE, OPEN, TOKENS, World


def stake_by_the_formula(spec: dict[str, Any], intervals: int) -> int:
    """S = 2·(budget/n + H)·(1 − q)/(q·(1 − β)) with q = ρ·h·(1 − a), exactly, rounded up."""
    caught = Fraction(spec["auditRate"], ONE) * Fraction(6, 10) * Fraction(9, 10)
    gain = 2 * (-(-spec["budget"] // intervals) + spec["harm"])
    return ceil(gain * (1 - caught) / (caught * Fraction(7, 10)))


@pytest.mark.parametrize("rate", [30_000, 80_000, 250_000, ALWAYS])
@pytest.mark.parametrize("harm", [0, 123 * TOKENS + 7])
@pytest.mark.parametrize("interval_steps", [2, 7, 50])
def test_a_quote_follows_the_formulas(world: World, rate: int, harm: int, interval_steps: int) -> None:
    spec = world.spec(auditRate=rate, harm=harm, steps=100, intervalSteps=interval_steps, budget=999 * TOKENS + 1)
    quote = world.market.quote(spec)
    intervals = -(-100 // interval_steps)
    assert quote.intervals == intervals
    assert quote.stake == stake_by_the_formula(spec, intervals)
    assert quote.deposit == quote.postingBond == spec["budget"] * 5 // 100
    assert quote.auditFee == ceil(Fraction(spec["budget"] * 13, 10 * intervals))
    reserved = min(intervals, ceil(Fraction(2 * intervals * rate, ONE)) + 6)
    assert quote.auditReserve == reserved * quote.auditFee
    assert quote.escrow == spec["budget"] + quote.auditReserve + quote.postingBond
    assert quote.challengeBond == ceil(Fraction(3 * (2 * TOKENS + quote.auditFee + 300 * spec["valueOfTime"]), 2))


def test_the_designs_example_has_the_designs_stake(world: World) -> None:
    quote = world.market.quote(world.spec(auditRate=30_000, steps=100, intervalSteps=2))
    assert quote.intervals == 50
    assert round(quote.stake * 50 / (1_000 * TOKENS)) == 174


def test_posting_charges_the_escrow_and_opens_a_round(world: World) -> None:
    spec = world.spec(auditRate=ALWAYS)
    quote = world.market.quote(spec)
    before = world.wealth(world.submitter)
    receipt = world.market.post(spec, "bafy", ["http://one", "http://two"], sender=world.submitter)
    assert world.wealth(world.submitter) == before - quote.escrow
    (posted,) = receipt.decode_logs(world.market.JobPosted)
    assert (posted.job, posted.submitter, posted.intervals, posted.escrow) == (1, world.submitter, 10, quote.escrow)
    assert (posted.package, posted.mirrors) == ("bafy", ["http://one", "http://two"])
    (opened,) = receipt.decode_logs(world.market.RoundOpened)
    assert (opened.round, opened.first, opened.roundBudget, opened.stake) == (1, 0, spec["budget"], quote.stake)
    assert opened.bidsUntil == world.now() + 60
    job = world.job(1)
    assert (job.status, job.round, job.submitter, job.escrow) == (OPEN, 1, world.submitter, quote.escrow)
    assert (job.bidsUntil, job.revealsUntil) == (opened.bidsUntil, opened.bidsUntil + 50)
    assert job.secondScore == spec["budget"] + spec["valueOfTime"] * spec["deadline"]


def test_the_specification_is_kept_as_its_hash(world: World) -> None:
    job = world.post()
    spec = world.spec()
    types = "(bytes32,bytes32,bytes32,uint64,uint32,uint32,uint32,uint96,uint96,uint96)"
    assert world.market.specHashOf(job) == keccak(encode([types], [tuple(spec.values())]))


def test_posting_with_a_permit_needs_no_approval(world: World) -> None:
    holder = world.accounts[15]
    spec = world.spec(auditRate=ALWAYS)
    escrow = world.market.quote(spec).escrow
    world.token.mint(holder, escrow, sender=holder)
    deadline = world.now() + 1_000
    fields = [(name, "uint256") for name in ("value", "nonce", "deadline")]
    permit = {"owner": holder.address, "spender": world.vault.address, "value": escrow, "nonce": 0, "deadline": deadline}
    domain = {"name": "Touchstone Test Token", "version": "1", "chainId": chain.chain_id, "verifyingContract": world.token.address}
    types = {"Permit": [{"name": n, "type": t} for n, t in [("owner", "address"), ("spender", "address"), *fields]]}
    signed = Account.sign_message(encode_typed_data(domain, types, permit), holder.private_key)
    proof = (deadline, signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big"))
    world.market.postWithPermit(spec, "bafy", [], *proof, sender=holder)
    assert world.token.balanceOf(holder) == 0
    assert world.job(1).submitter == holder


@pytest.mark.parametrize(
    ("changes", "error", "values"),
    [
        ({"programRoot": bytes(32)}, "ZeroRoot", {}),
        ({"initialRoot": bytes(32)}, "ZeroRoot", {}),
        ({"auditRate": 0}, "BadAuditRate", {"auditRate": 0}),
        ({"auditRate": ONE + 1}, "BadAuditRate", {"auditRate": ONE + 1}),
        ({"deadline": 0}, "BadDeadline", {"deadline": 0}),
        ({"budget": 9}, "BudgetTooSmall", {"budget": 9, "intervals": 10}),
        ({"intervalSteps": 1}, "BadIntervals", {"steps": 100, "intervalSteps": 1, "lastSteps": 100}),
        ({"intervalSteps": 0}, "BadIntervals", {"steps": 100, "intervalSteps": 0, "lastSteps": 100}),
        ({"steps": 1}, "BadIntervals", {"steps": 1, "intervalSteps": 10, "lastSteps": 1}),
        ({"steps": 101}, "BadIntervals", {"steps": 101, "intervalSteps": 10, "lastSteps": 1}),
        ({"steps": 2**40, "intervalSteps": 2}, "BadIntervals", {"steps": 2**40, "intervalSteps": 2, "lastSteps": 2}),
    ],
)
def test_a_specification_that_cannot_work_is_refused(world: World, changes: dict[str, Any], error: str, values: dict[str, Any]) -> None:
    with reverts(getattr(world.market, error), error_inputs=values):
        world.market.post(world.spec(**changes), "bafy", [], sender=world.submitter)
    assert world.market.jobs() == 0


def test_a_shorter_last_interval_is_allowed(world: World) -> None:
    assert world.market.quote(world.spec(steps=102)).intervals == 11


def test_posting_without_the_tokens_fails_and_leaves_nothing(world: World) -> None:
    holder = world.accounts[15]
    with reverts(world.token.ERC20InsufficientAllowance):
        world.market.post(world.spec(), "bafy", [], sender=holder)
    assert world.market.jobs() == 0


def test_an_unknown_job_is_refused(world: World) -> None:
    with reverts(world.market.UnknownJob, error_inputs={"job": 7}):
        world.market.jobOf(7)
    with reverts(world.market.UnknownJob, error_inputs={"job": 7}):
        world.market.assign(7, sender=world.stranger)


def test_cancelling_before_any_bid_gives_everything_back(world: World) -> None:
    before = world.wealth(world.submitter)
    job = world.post()
    world.market.cancel(job, sender=world.submitter)
    assert world.job(job).status == CANCELLED
    assert world.wealth(world.submitter) == before
    world.check_conservation()


def test_cancelling_after_bids_leaves_the_posting_bond_to_the_bidders(world: World) -> None:
    before = {p: world.wealth(p) for p in (world.submitter, world.solver, world.rival)}
    job = world.post()
    world.bid(job, world.solver, 1, 1)
    world.bid(job, world.rival, 1, 1)
    world.market.cancel(job, sender=world.submitter)
    world.check_conservation()
    world.market.reclaim(job, 1, sender=world.solver)
    world.check_conservation()
    world.market.reclaim(job, 1, sender=world.rival)
    bond = 50 * TOKENS
    assert world.wealth(world.submitter) == before[world.submitter] - bond
    assert world.wealth(world.solver) == before[world.solver] + bond // 2
    assert world.wealth(world.rival) == before[world.rival] + bond // 2
    assert world.custody() == 0


def test_a_deposit_is_reclaimed_once_and_only_by_its_bidder(world: World) -> None:
    job = world.post()
    world.bid(job, world.solver, 1, 1)
    with reverts(world.market.WrongStatus, error_inputs={"job": job, "status": OPEN}):
        world.market.reclaim(job, 1, sender=world.solver)
    world.market.cancel(job, sender=world.submitter)
    for who, round_ in ((world.rival, 1), (world.solver, 2)):
        with reverts(world.market.NothingToReclaim, error_inputs={"job": job, "round": round_, "bidder": who}):
            world.market.reclaim(job, round_, sender=who)
    world.market.reclaim(job, 1, sender=world.solver)
    with reverts(world.market.NothingToReclaim):
        world.market.reclaim(job, 1, sender=world.solver)


def test_only_the_submitter_cancels_and_only_while_bids_are_taken(world: World) -> None:
    job = world.post()
    with reverts(world.market.NotSubmitter, error_inputs={"caller": world.rival, "submitter": world.submitter}):
        world.market.cancel(job, sender=world.rival)
    until = world.job(job).bidsUntil
    world.at(until)
    with reverts(world.market.TooLate, error_inputs={"deadline": until, "time": until}):
        world.market.cancel(job, sender=world.submitter)


def test_an_endpoint_is_announced_as_an_event(world: World) -> None:
    receipt = world.market.announce("http://127.0.0.1:9000", sender=world.solver)
    (event,) = receipt.decode_logs(world.market.EndpointAnnounced)
    assert (event.account, event.endpoint) == (world.solver, "http://127.0.0.1:9000")


@pytest.mark.parametrize(
    ("name", "value", "reported"),
    [
        ("treasury", "0x" + "00" * 20, 0),
        ("bidPeriod", 0, 0),
        ("revealPeriod", 0, 0),
        ("window", 0, 0),
        ("answerPeriod", 0, 0),
        ("stallPeriod", 179, 179),
        ("clock", 0, 0),
        ("beaconDelay", 1, 1),
        ("honestShare", ONE, ONE),
        ("honestShare", 0, 0),
        ("proposerShare", ONE, ONE),
        ("challengerShare", 600_000, ONE),
        ("challengerShare", 0, 400_000),
        ("auditFactor", 0, 0),
    ],
)
def test_parameters_that_cannot_work_are_refused(world: World, name: str, value: Any, reported: int) -> None:
    container = project.get_contract("Proceedings")
    parameters = {**world.parameters, name: value}
    with reverts(world.proceedings.BadParameter, error_inputs={"which": name, "value": reported}):
        world.deployer.deploy(container, world.court, world.vault, world.beacon, parameters)


def test_a_market_is_not_built_on_parts_that_do_not_fit(world: World) -> None:
    container = project.get_contract("JobMarket")
    parts = [world.token, world.court, world.vault, world.beacon, world.proceedings, world.parameters]
    wrong_token = world.deployer.deploy(project.get_contract("TestToken"))
    with reverts(world.market.BadParameter, error_inputs={"which": "token", "value": int(wrong_token.address, 16)}):
        world.deployer.deploy(container, wrong_token, *parts[1:])
    with reverts(world.market.BadParameter, error_inputs={"which": "proceedings", "value": int(world.proceedings.address, 16)}):
        world.deployer.deploy(container, *parts[:5], {**world.parameters, "window": 101})
    hasty = world.deployer.deploy(project.get_contract("StakeVault"), world.token, 1, 180)
    proceedings = world.deployer.deploy(project.get_contract("Proceedings"), world.court, hasty, world.beacon, world.parameters)
    with reverts(world.market.BadParameter, error_inputs={"which": "unstakeDelay", "value": 180}):
        world.deployer.deploy(container, world.token, world.court, hasty, world.beacon, proceedings, world.parameters)


def test_the_market_tells_what_it_was_built_with(world: World) -> None:
    told = world.market.parameters()
    assert {name: getattr(told, name) for name in world.parameters} == world.parameters
    assert (world.market.court(), world.market.vault(), world.market.beacon()) == (world.court, world.vault, world.beacon)


def test_the_code_of_proceedings_does_nothing_when_called_directly(world: World) -> None:
    with reverts(world.proceedings.UnknownJob, error_inputs={"job": 1}):
        world.proceedings.expire(1, sender=world.stranger)
