"""Challenges, verdicts, and where the stake goes."""

from __future__ import annotations

import pytest
from ape import reverts
from eth_utils import keccak

from .world import (
    ALWAYS,
    CONVICTED,
    ENDING,
    EXPIRED,
    LATE,
    NO_CHECKPOINT,
    OPEN,
    RUNNING,
    SETTLED,
    TOKENS,
    VESTING,
    World,
    root_of,
)

FEE = 130 * TOKENS
BOND = 3 * (2 * TOKENS + FEE + 300 * TOKENS // 10) // 2
DRAWN_FLAG = 17
"""Byte of a dispute's context that says whether the challenger was drawn."""
ROUND_RATE = {"auditRate": ALWAYS}


@pytest.fixture
def committed(world: World) -> int:
    """A running job with four checkpoints, audited at 100% by one verifier, seeds known."""
    world.stake(world.verifier)
    job = world.running(**ROUND_RATE)
    world.commit(job, 4)
    world.open_seeds(job)
    return job


def attest_all(world: World, job: int) -> None:
    state = world.job(job)
    for i in range(state.finalised, state.committed):
        if not world.market.auditOf(job, i).attested:
            world.attest(job, i)


def test_a_challenge_charges_the_bond_and_tells_the_court_the_claim(world: World, committed: int) -> None:
    before = world.wealth(world.challenger)
    dispute = world.challenge(committed, 2, **ROUND_RATE)
    assert world.wealth(world.challenger) == before - BOND
    spec = world.spec()
    claim = world.court.claimOf(dispute)
    assert (claim.programRoot, claim.constantsRoot) == (spec["programRoot"], spec["constantsRoot"])
    assert claim.startRoot == root_of(1, world.solver.address)
    assert claim.target == root_of(2, world.solver.address)
    assert (claim.job, claim.interval, claim.steps, claim.isSeal) == (committed, 2, 10, False)
    assert (claim.solver, claim.challenger, claim.clock, claim.increment) == (world.solver, world.challenger, 300, 5)
    assert world.market.auditOf(committed, 2).disputes == world.job(committed).disputes == 1


def test_a_seal_is_challenged_from_the_initial_state(world: World, committed: int) -> None:
    dispute = world.challenge(committed, 0, is_seal=True, **ROUND_RATE)
    claim = world.court.claimOf(dispute)
    assert claim.startRoot == world.spec()["initialRoot"]
    assert (claim.target, claim.isSeal) == (world.checkpoint(committed, 0).seal, True)


def test_the_last_interval_has_what_steps_remain(world: World) -> None:
    job = world.running(steps=104)
    world.commit(job, 11)
    assert world.court.claimOf(world.challenge(job, 10, steps=104)).steps == 4
    assert world.court.claimOf(world.challenge(job, 9, steps=104)).steps == 10


def test_a_challenge_is_bound_to_the_job_as_it_was_posted(world: World, committed: int) -> None:
    with reverts(world.market.WrongSpec, error_inputs={"job": committed}):
        world.challenge(committed, 1, auditRate=ALWAYS, programRoot=keccak(text="another program"))
    checkpoint = world.checkpoint(committed, 1)
    roots = [keccak(text="other")]
    spec = world.spec(**ROUND_RATE)
    with reverts(world.market.WrongCheckpoint, error_inputs={"job": committed, "interval": 0}):
        world.market.challenge(committed, 1, False, spec, checkpoint, checkpoint, roots, sender=world.challenger)
    with reverts(world.market.WrongCheckpoint, error_inputs={"job": committed, "interval": 1}):
        world.market.challenge(committed, 1, False, spec, NO_CHECKPOINT, NO_CHECKPOINT, roots, sender=world.challenger)
    with reverts(world.market.WrongInterval, error_inputs={"interval": 4, "firstOpen": 0, "end": 4}):
        world.market.challenge(committed, 4, False, spec, checkpoint, checkpoint, roots, sender=world.challenger)


def test_anyone_may_challenge_inside_the_window_and_nobody_else_after_it(world: World, committed: int) -> None:
    closes = world.checkpoint(committed, 0).committed_at + 100
    world.at(closes - 1)
    world.challenge(committed, 0, world.stranger, **ROUND_RATE)
    world.at(closes)
    with reverts(world.market.TooLate, error_inputs={"deadline": closes, "time": closes}):
        world.challenge(committed, 1, world.stranger, **ROUND_RATE)


def test_the_drawn_verifier_may_challenge_later_until_it_attests(world: World, committed: int) -> None:
    world.close_windows(committed)
    dispute = world.challenge(committed, 0, world.verifier, **ROUND_RATE)
    assert world.court.claimOf(dispute).context[DRAWN_FLAG] == 1
    world.attest(committed, 1)
    with reverts(world.market.TooLate):
        world.challenge(committed, 1, world.verifier, **ROUND_RATE)


def test_a_challenge_without_the_bond_fails_and_leaves_nothing(world: World, committed: int) -> None:
    with reverts(world.token.ERC20InsufficientAllowance):
        world.challenge(committed, 0, world.accounts[15], **ROUND_RATE)
    assert world.job(committed).disputes == world.court.disputes() == 0


def test_a_losing_challenger_pays_the_solver_and_the_treasury(world: World, committed: int) -> None:
    before = {p: world.wealth(p) for p in (world.challenger, world.solver, world.treasury)}
    dispute = world.challenge(committed, 1, **ROUND_RATE)
    receipt = world.verdict(dispute, challenger_wins=False)
    (event,) = receipt.decode_logs(world.market.ChallengeFailed)
    assert (event.toSolver, event.toTreasury) == (BOND * 8 // 10, BOND * 2 // 10)
    assert world.wealth(world.challenger) == before[world.challenger] - BOND
    assert world.wealth(world.solver) == before[world.solver] + BOND * 8 // 10
    assert world.wealth(world.treasury) == before[world.treasury] + BOND * 2 // 10
    assert (world.job(committed).status, world.job(committed).disputes) == (RUNNING, 0)


def test_the_job_goes_on_to_settlement_after_a_failed_challenge(world: World, committed: int) -> None:
    dispute = world.challenge(committed, 1, **ROUND_RATE)
    world.verdict(dispute, challenger_wins=False)
    world.commit(committed, 6)
    world.open_seeds(committed)
    attest_all(world, committed)
    world.close_windows(committed)
    world.finalise(committed)
    assert world.job(committed).status == SETTLED
    assert world.custody() == 0


def test_while_a_dispute_runs_its_interval_is_neither_final_nor_attested(world: World, committed: int) -> None:
    dispute = world.challenge(committed, 1, **ROUND_RATE)
    world.attest(committed, 0)
    with reverts(world.market.DisputesOpen, error_inputs={"job": committed, "interval": 1, "disputes": 1}):
        world.attest(committed, 1)
    world.close_windows(committed)
    world.finalise(committed, 1)
    with reverts(world.market.DisputesOpen, error_inputs={"job": committed, "interval": 1, "disputes": 1}):
        world.finalise(committed, 1)
    world.verdict(dispute, challenger_wins=False)
    world.attest(committed, 1)
    world.finalise(committed, 1)
    assert world.job(committed).finalised == 2


def test_deadlines_pause_while_disputes_run(world: World, committed: int) -> None:
    due = world.job(committed).dueAt
    world.at(world.now() + 5)
    first = world.challenge(committed, 1, **ROUND_RATE)
    began = world.now()
    second = world.challenge(committed, 2, **ROUND_RATE)
    assert world.job(committed).dueAt == 0
    world.wait_until(due + 1)
    with reverts(world.market.DisputesOpen):
        world.market.expire(committed, sender=world.stranger)
    world.commit(committed, 1)
    world.verdict(first, challenger_wins=False)
    assert world.job(committed).dueAt == 0
    world.verdict(second, challenger_wins=False)
    assert world.job(committed).dueAt == due + world.now() - began


def test_the_clock_of_a_summoned_verifier_starts_again_after_a_dispute_of_others(world: World, committed: int) -> None:
    checkpoint = world.checkpoint(committed, 0)
    world.market.summon(committed, 0, checkpoint, sender=world.stranger)
    dispute = world.challenge(committed, 0, **ROUND_RATE)
    world.wait(500)
    with reverts(world.market.DisputesOpen):
        world.market.dismiss(committed, 0, checkpoint, sender=world.stranger)
    world.verdict(dispute, challenger_wins=False)
    assert world.market.auditOf(committed, 0).answerBy == world.now() + 80
    with reverts(world.market.TooEarly):
        world.market.dismiss(committed, 0, checkpoint, sender=world.stranger)


def test_a_drawn_verifier_that_challenged_wrongly_is_replaced(world: World) -> None:
    world.stake(world.verifier, world.second)
    job = world.running(**ROUND_RATE)
    world.commit(job, 1)
    world.open_seeds(job)
    checkpoint = world.checkpoint(job, 0)
    liar = world.verifier if world.market.drawOf(job, 0, checkpoint).verifier == world.verifier else world.second
    other = world.second if liar == world.verifier else world.verifier
    dispute = world.challenge(job, 0, liar, **ROUND_RATE)
    world.verdict(dispute, challenger_wins=False)
    assert world.market.auditOf(job, 0).attempt == 1
    with reverts(world.market.NotDrawnVerifier, error_inputs={"caller": liar, "verifier": other}):
        world.attest(job, 0, liar)
    world.attest(job, 0, other)


def test_a_conviction_splits_the_stake_and_the_job_opens_again(world: World, committed: int) -> None:
    people = (world.challenger, world.solver, world.treasury, world.submitter)
    attest_all(world, committed)
    before = {p: world.wealth(p) for p in people}
    stake, reserve = world.job(committed).stake, world.job(committed).auditReserve
    dispute = world.challenge(committed, 2, **ROUND_RATE)
    receipt = world.verdict(dispute, challenger_wins=True)
    (event,) = receipt.decode_logs(world.market.Convicted)
    assert (event.interval, event.challenger, event.solver, event.byProof) == (2, world.challenger, world.solver, True)
    state = world.job(committed)
    assert (state.status, state.end, state.endReason, state.committed) == (ENDING, 2, CONVICTED, 2)
    assert world.wealth(world.challenger) == before[world.challenger]
    world.close_windows(committed)
    receipt = world.finalise(committed)
    (split,) = receipt.decode_logs(world.market.StakeSettled)
    restored = min(2 * FEE, stake * 4 // 10)
    to_challenger = stake * 3 // 10
    assert (split.toChallenger, split.toSubmitter, split.toSolver) == (to_challenger, restored, 0)
    assert split.toTreasury == stake - to_challenger - restored
    assert world.wealth(world.challenger) == before[world.challenger] + to_challenger
    penalty = world.vault.minimumStake()  # of the verifier that had attested the false interval
    assert world.wealth(world.treasury) == before[world.treasury] + split.toTreasury + penalty
    assert world.wealth(world.solver) == before[world.solver] + VESTING * 2 // 10
    state = world.job(committed)
    assert (state.status, state.round, state.first, state.auditReserve) == (OPEN, 2, 2, reserve + restored)
    assert state.roundBudget == 800 * TOKENS


def test_an_honest_solver_takes_over_and_the_job_settles(world: World, committed: int) -> None:
    before = world.wealth(world.submitter)
    world.verdict(world.challenge(committed, 0, world.verifier, **ROUND_RATE), challenger_wins=True)
    assert world.job(committed).status == OPEN
    world.auction(committed, (world.rival, 600 * TOKENS, 500))
    world.commit(committed, 10, world.rival)
    world.open_seeds(committed)
    attest_all(world, committed)
    world.close_windows(committed)
    world.finalise(committed)
    assert world.job(committed).status == SETTLED
    assert world.custody() == 0
    escrow = world.market.quote(world.spec(**ROUND_RATE)).escrow
    assert world.wealth(world.submitter) == before + escrow - 1_000 * TOKENS - 10 * FEE


def test_declared_harm_is_refunded_up_to_the_submitters_share(world: World) -> None:
    for harm, share in ((7 * TOKENS, None), (10_000 * TOKENS, 4)):
        job = world.running(auditRate=ALWAYS, harm=harm)
        world.commit(job, 1)
        stake = world.job(job).stake
        before = world.wealth(world.submitter)
        world.verdict(world.challenge(job, 0, auditRate=ALWAYS, harm=harm), challenger_wins=True)
        expected = harm if share is None else stake * share // 10
        assert world.wealth(world.submitter) == before + expected


def test_convicting_oneself_loses_money(world: World) -> None:
    """One party plays submitter, solver and challenger."""
    people = (world.submitter, world.solver, world.challenger)
    before = sum(world.wealth(p) for p in people)
    job = world.running(auditRate=ALWAYS, harm=10_000 * TOKENS)
    stake = world.job(job).stake
    world.commit(job, 1)
    world.verdict(world.challenge(job, 0, auditRate=ALWAYS, harm=10_000 * TOKENS), challenger_wins=True)
    held = world.job(job).escrow
    assert sum(world.wealth(p) for p in people) + held == before - (stake - stake * 3 // 10 - stake * 4 // 10)


def test_the_lowest_convicted_interval_counts_and_its_challenger_is_paid(world: World, committed: int) -> None:
    attest_all(world, committed)
    high = world.challenge(committed, 3, world.stranger, **ROUND_RATE)
    low = world.challenge(committed, 1, world.challenger, **ROUND_RATE)
    other = world.challenge(committed, 2, world.second, **ROUND_RATE)
    before = {p: world.wealth(p) for p in (world.stranger, world.challenger, world.second)}
    world.verdict(high, challenger_wins=True)
    assert world.job(committed).end == 3
    world.verdict(low, challenger_wins=True)
    assert (world.job(committed).end, world.job(committed).status) == (1, ENDING)
    receipt = world.verdict(other, challenger_wins=False)
    assert len(receipt.decode_logs(world.market.ChallengeMoot)) == 1
    world.close_windows(committed)
    world.finalise(committed)
    stake = world.job(committed).stake
    assert world.wealth(world.stranger) == before[world.stranger] + BOND
    assert world.wealth(world.challenger) == before[world.challenger] + BOND + stake * 3 // 10
    assert world.wealth(world.second) == before[world.second] + BOND


def test_of_two_convictions_of_one_interval_the_first_is_paid(world: World, committed: int) -> None:
    attest_all(world, committed)
    first = world.challenge(committed, 1, world.challenger, **ROUND_RATE)
    second = world.challenge(committed, 1, world.second, **ROUND_RATE)
    world.verdict(second, challenger_wins=True)
    receipt = world.verdict(first, challenger_wins=True)
    assert len(receipt.decode_logs(world.market.ChallengeMoot)) == 1
    world.close_windows(committed)
    receipt = world.finalise(committed)
    (split,) = receipt.decode_logs(world.market.StakeSettled)
    assert split.challenger == world.second


def test_a_verdict_after_the_job_opened_again_returns_the_bond(world: World, committed: int) -> None:
    late = world.challenge(committed, 3, world.second, **ROUND_RATE)
    before = world.wealth(world.second)
    world.verdict(world.challenge(committed, 0, **ROUND_RATE), challenger_wins=True)
    assert (world.job(committed).status, world.job(committed).disputes) == (OPEN, 0)
    world.check_conservation()
    world.auction(committed, (world.rival, 600 * TOKENS, 500))
    world.commit(committed, 4, world.rival)
    again = world.challenge(committed, 3, world.challenger, **ROUND_RATE)
    world.verdict(late, challenger_wins=True)
    assert world.wealth(world.second) == before + BOND
    state = world.job(committed)
    assert (state.status, state.solver, state.disputes) == (RUNNING, world.rival, 1)
    assert world.market.auditOf(committed, 3).disputes == 1
    world.verdict(again, challenger_wins=False)


def test_earlier_intervals_are_challenged_and_paid_after_a_conviction(world: World, committed: int) -> None:
    world.verdict(world.challenge(committed, 3, **ROUND_RATE), challenger_wins=True)
    dispute = world.challenge(committed, 0, world.second, **ROUND_RATE)
    with reverts(world.market.WrongInterval):
        world.challenge(committed, 3, world.second, **ROUND_RATE)
    world.verdict(dispute, challenger_wins=False)
    attest_all(world, committed)
    world.close_windows(committed)
    world.finalise(committed)
    assert (world.job(committed).status, world.job(committed).first) == (OPEN, 3)


def test_a_late_solver_can_still_be_convicted(world: World) -> None:
    job = world.running()
    world.commit(job, 2)
    dispute = world.challenge(job, 1)
    world.wait(10_000)
    with reverts(world.market.DisputesOpen):
        world.market.expire(job, sender=world.stranger)
    world.verdict(dispute, challenger_wins=False)
    world.wait_until(world.job(job).expiresAt - 50)
    world.commit(job, 1)
    world.wait_until(world.job(job).expiresAt + 1)
    world.market.expire(job, sender=world.stranger)
    assert world.job(job).endReason == LATE
    before = world.wealth(world.solver)
    world.verdict(world.challenge(job, 2), challenger_wins=True)
    assert (world.job(job).end, world.job(job).endReason) == (2, CONVICTED)
    world.finish(job)
    assert world.job(job).status == OPEN
    assert world.wealth(world.solver) == before + VESTING * 2 // 10
    assert world.custody() == world.job(job).escrow


def test_convictions_use_up_the_rounds(world: World) -> None:
    job = world.post(**ROUND_RATE)
    for _ in range(8):
        world.auction(job, (world.solver, 600 * TOKENS, 500))
        world.commit(job, 1)
        world.verdict(world.challenge(job, 0, **ROUND_RATE), challenger_wins=True, by_proof=False)
    assert world.job(job).status == EXPIRED
    assert world.custody() == 0


def test_a_stalled_job_with_a_dispute_is_not_abandoned(scripted: World) -> None:
    world = scripted
    world.stake(world.verifier)
    job = world.running(**ROUND_RATE)
    world.commit(job, 2)
    world.open_seeds(job)
    dispute = world.challenge(job, 1, **ROUND_RATE)
    world.wait(1_000)
    with reverts(world.market.DisputesOpen, error_inputs={"job": job, "interval": 0, "disputes": 1}):
        world.market.abandon(job, world.checkpoint(job, 0), sender=world.stranger)
    world.verdict(dispute, challenger_wins=False)
    world.wait(1_500)
    world.market.abandon(job, world.checkpoint(job, 0), sender=world.stranger)
    assert world.job(job).status == EXPIRED


def test_a_conviction_stands_when_an_earlier_audit_stalls(scripted: World) -> None:
    world = scripted
    world.stake(world.verifier)
    job = world.running(**ROUND_RATE)
    world.commit(job, 2)
    world.open_seeds(job)
    stake = world.job(job).stake
    before = {p: world.wealth(p) for p in (world.solver, world.challenger)}
    world.verdict(world.challenge(job, 1, **ROUND_RATE), challenger_wins=True)
    world.wait(1_500)
    world.market.abandon(job, world.checkpoint(job, 0), sender=world.stranger)
    assert world.wealth(world.solver) == before[world.solver]
    assert world.wealth(world.challenger) == before[world.challenger] + stake * 3 // 10
    assert (world.job(job).status, world.job(job).round, world.job(job).first) == (OPEN, 2, 0)


def test_a_failed_challenge_of_an_attested_interval_summons_nobody(world: World, committed: int) -> None:
    world.market.summon(committed, 0, world.checkpoint(committed, 0), sender=world.stranger)
    world.attest(committed, 0)
    receipt = world.verdict(world.challenge(committed, 0, **ROUND_RATE), challenger_wins=False)
    assert not receipt.decode_logs(world.market.VerifierSummoned)
    world.close_windows(committed)
    world.finalise(committed, 1)
    assert world.job(committed).finalised == 1


def test_only_the_court_gives_verdicts_and_only_once(world: World, committed: int) -> None:
    dispute = world.challenge(committed, 1, **ROUND_RATE)
    with reverts(world.market.NotCourt, error_inputs={"caller": world.challenger}):
        world.market.onVerdict(dispute, bytes(32), world.challenger, True, True, sender=world.challenger)
    world.verdict(dispute, challenger_wins=False)
    with reverts(world.court.NotRunning, error_inputs={"dispute": dispute}):
        world.verdict(dispute, challenger_wins=True)


def test_a_slashed_solver_has_nothing_left_to_lose_elsewhere(world: World) -> None:
    """Stakes of different jobs are separate: a conviction takes exactly one of them."""
    first, second = world.running(**ROUND_RATE), world.running(**ROUND_RATE)
    world.commit(first, 1)
    stake = world.job(second).stake
    world.verdict(world.challenge(first, 0, **ROUND_RATE), challenger_wins=True)
    assert (world.job(second).status, world.job(second).stake) == (RUNNING, stake)
    world.check_conservation()
