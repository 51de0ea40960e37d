"""Draws, attestations, no-shows and lapsed seeds."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest
from ape import chain, reverts
from eth_abi import encode
from eth_utils import keccak

from .world import ALWAYS, MINIMUM_STAKE, NO_CHECKPOINT, ONE, SETTLED, TOKENS, World, last_but_one

FEE = 130 * TOKENS


@pytest.fixture
def audited(world: World) -> int:
    """A running job audited at 100%, one verifier, two checkpoints committed, seeds known."""
    world.stake(world.verifier)
    job = world.running(auditRate=ALWAYS)
    world.commit(job, 2)
    world.open_seeds(job)
    return job


def test_the_draw_is_the_hash_of_the_blocks_randomness(scripted: World) -> None:
    world = scripted
    rate = 400_000
    world.stake(world.verifier)
    job = world.running(auditRate=rate)
    world.commit(job, 10)
    drawn = []
    for i in range(10):
        checkpoint = world.checkpoint(job, i)
        world.beacon.set(checkpoint.beacon_block, keccak(text="some randomness"), sender=world.stranger)
        types = ["bytes32", "address", "uint256", "uint8", "uint256"]
        seed = int.from_bytes(keccak(encode(types, [keccak(text="some randomness"), world.market.address, job, 1, i])), "big")
        expected = seed % ONE < rate
        told = world.market.drawOf(job, i, checkpoint)
        assert told.drawn == expected
        assert told.verifier == (world.verifier.address if expected else "0x" + "00" * 20)
        drawn.append(expected)


def test_intervals_are_drawn_at_the_jobs_rate(scripted: World) -> None:
    world = scripted
    world.stake(world.verifier)
    job = world.running(auditRate=250_000, steps=160)
    world.commit(job, 16)
    hits = 0
    for sample in range(10):
        world.beacon.set(world.checkpoint(job, 0).beacon_block, keccak(sample.to_bytes(4, "big")), sender=world.stranger)
        hits += sum(world.market.drawOf(job, i, world.checkpoint(job, i)).drawn for i in range(16))
    # 160 draws at 1/4: 40 expected, and 15 to 65 is beyond four standard deviations either way.
    assert 15 < hits < 65


def test_verifiers_are_drawn_by_their_stake_when_the_checkpoint_was_committed(scripted: World) -> None:
    world = scripted
    world.stake(world.verifier, amount=3 * MINIMUM_STAKE)
    world.stake(world.second)
    job = world.running(auditRate=ALWAYS, steps=160)
    world.commit(job, 16)
    # Too late for these checkpoints: the randomness might be known.
    world.stake(world.challenger, amount=1_000_000 * MINIMUM_STAKE)
    drawn: Counter[str] = Counter()
    for sample in range(5):
        world.beacon.set(world.checkpoint(job, 0).beacon_block, keccak(sample.to_bytes(4, "big")), sender=world.stranger)
        drawn.update(world.market.drawOf(job, i, world.checkpoint(job, i)).verifier for i in range(16))
    assert set(drawn) == {world.verifier.address, world.second.address}
    assert 40 < drawn[world.verifier.address] < 76


def test_the_solver_never_audits_itself(scripted: World) -> None:
    world = scripted
    world.stake(world.solver, amount=2 * MINIMUM_STAKE)
    world.stake(world.verifier)
    job = world.running(auditRate=ALWAYS, steps=160)
    world.commit(job, 16)
    world.open_seeds(job)
    drawn = {world.market.drawOf(job, i, world.checkpoint(job, i)).verifier for i in range(16)}
    assert world.solver.address not in drawn


def test_without_verifiers_intervals_go_unaudited(world: World) -> None:
    world.stake(world.solver)
    job = world.running(auditRate=ALWAYS)
    world.commit(job, 10)
    world.open_seeds(job)
    told = world.market.drawOf(job, 0, world.checkpoint(job, 0))
    assert (told.drawn, told.verifier) == (True, "0x" + "00" * 20)
    with reverts(world.market.NotDrawn):
        world.market.summon(job, 0, world.checkpoint(job, 0), sender=world.stranger)
    world.close_windows(job)
    world.finalise(job)
    assert world.job(job).status == SETTLED


def test_a_draw_waits_for_the_seed(world: World) -> None:
    world.stake(world.verifier)
    job = world.running(auditRate=ALWAYS)
    world.commit(job, 1)
    checkpoint = world.checkpoint(job, 0)
    missing = {"beaconBlock": checkpoint.beacon_block}
    with reverts(world.market.SeedMissing, error_inputs=missing):
        world.market.drawOf(job, 0, checkpoint)
    with reverts(world.market.SeedMissing, error_inputs=missing):
        world.market.summon(job, 0, checkpoint, sender=world.stranger)
    with reverts(world.market.SeedMissing, error_inputs=missing):
        world.attest(job, 0)


def test_the_drawn_verifier_attests_with_the_state_before_the_end_and_is_paid(world: World, audited: int) -> None:
    reserve = world.job(audited).auditReserve
    receipt = world.attest(audited, 0)
    (event,) = receipt.decode_logs(world.market.Attested)
    assert (event.verifier, event.stateRoot, event.fee) == (world.verifier, last_but_one(0), FEE)
    assert world.balance(world.verifier) == FEE
    assert world.job(audited).auditReserve == reserve - FEE
    assert world.market.auditOf(audited, 0).attested


def test_an_attested_job_settles_and_the_audits_cost_the_submitter_their_fees(world: World) -> None:
    before = {p: world.wealth(p) for p in (world.solver, world.submitter, world.verifier)}
    world.stake(world.verifier)
    job = world.running(auditRate=ALWAYS)
    world.commit(job, 10)
    world.open_seeds(job)
    for i in range(10):
        world.attest(job, i)
    world.close_windows(job)
    world.finalise(job)
    assert world.job(job).status == SETTLED
    assert world.wealth(world.solver) == before[world.solver] + 700 * TOKENS
    assert world.wealth(world.verifier) == before[world.verifier] + 10 * FEE
    assert world.wealth(world.submitter) == before[world.submitter] - 700 * TOKENS - 10 * FEE
    assert world.custody() == 0


def test_a_drawn_interval_is_not_final_before_it_is_attested(world: World, audited: int) -> None:
    world.attest(audited, 0)
    world.close_windows(audited)
    with reverts(world.market.NotAttested, error_inputs={"job": audited, "interval": 1}):
        world.finalise(audited)
    world.finalise(audited, 1)
    world.attest(audited, 1)
    world.finalise(audited)
    assert world.job(audited).finalised == 2


def test_a_wrong_state_does_not_attest(world: World, audited: int) -> None:
    wrong = last_but_one(1)
    computed = hashlib.sha256(audited.to_bytes(32, "big") + bytes(32) + wrong).digest()
    with reverts(world.market.WrongSeal, error_inputs={"seal": world.checkpoint(audited, 0).seal, "computed": computed}):
        world.market.attest(audited, 0, world.checkpoint(audited, 0), wrong, sender=world.verifier)


def test_only_the_drawn_verifier_attests_and_only_once(world: World, audited: int) -> None:
    with reverts(world.market.NotDrawnVerifier, error_inputs={"caller": world.second, "verifier": world.verifier}):
        world.attest(audited, 0, world.second)
    world.attest(audited, 0)
    for call in (world.attest, lambda job, i: world.market.summon(job, i, world.checkpoint(job, i), sender=world.stranger)):
        with reverts(world.market.AlreadyAttested, error_inputs={"job": audited, "interval": 0}):
            call(audited, 0)


def test_an_interval_that_is_not_drawn_cannot_be_attested(world: World) -> None:
    world.stake(world.verifier)
    job = world.running()
    world.commit(job, 1)
    world.open_seeds(job)
    with reverts(world.market.NotDrawn, error_inputs={"job": job, "interval": 0}):
        world.attest(job, 0)


def test_intervals_that_are_not_open_have_no_audit(world: World, audited: int) -> None:
    calls = (world.market.summon, world.market.dismiss, world.market.renew)
    for call in calls:
        with reverts(world.market.WrongInterval, error_inputs={"interval": 2, "firstOpen": 0, "end": 2}):
            call(audited, 2, NO_CHECKPOINT, sender=world.stranger)
        with reverts(world.market.WrongCheckpoint, error_inputs={"job": audited, "interval": 1}):
            call(audited, 1, world.checkpoint(audited, 0), sender=world.stranger)


def test_a_verifier_that_does_not_answer_pays_a_fee_and_another_is_drawn(world: World) -> None:
    world.stake(world.verifier, amount=2 * MINIMUM_STAKE)
    world.stake(world.second, amount=2 * MINIMUM_STAKE)
    job = world.running(auditRate=ALWAYS)
    world.commit(job, 1)
    world.open_seeds(job)
    checkpoint = world.checkpoint(job, 0)
    lazy = world.market.drawOf(job, 0, checkpoint).verifier
    other = world.second if lazy == world.verifier else world.verifier
    with reverts(world.market.NotSummoned, error_inputs={"job": job, "interval": 0}):
        world.market.dismiss(job, 0, checkpoint, sender=world.stranger)
    world.market.summon(job, 0, checkpoint, sender=world.stranger)
    answer_by = world.now() + 80
    assert world.market.auditOf(job, 0).answerBy == answer_by
    with reverts(world.market.AlreadySummoned, error_inputs={"job": job, "interval": 0, "answerBy": answer_by}):
        world.market.summon(job, 0, checkpoint, sender=world.stranger)
    world.at(answer_by - 1)
    with reverts(world.market.TooEarly, error_inputs={"opensAt": answer_by, "time": answer_by - 1}):
        world.market.dismiss(job, 0, checkpoint, sender=world.stranger)
    world.at(answer_by)
    world.market.dismiss(job, 0, checkpoint, sender=world.stranger)
    assert world.vault.stakeOf(lazy) == 2 * MINIMUM_STAKE - FEE
    assert world.vault.weightOf(lazy) == 0
    assert world.balance(world.treasury) == FEE
    assert world.market.drawOf(job, 0, checkpoint).verifier == other
    assert world.market.auditOf(job, 0).attempt == 1
    world.attest(job, 0, other)
    assert world.balance(other) == FEE


def test_a_lone_verifier_is_drawn_again(world: World, audited: int) -> None:
    checkpoint = world.checkpoint(audited, 0)
    world.market.summon(audited, 0, checkpoint, sender=world.stranger)
    world.wait(80)
    world.market.dismiss(audited, 0, checkpoint, sender=world.stranger)
    assert world.vault.stakeOf(world.verifier) == 0
    assert world.market.drawOf(audited, 0, checkpoint).verifier == world.verifier
    world.attest(audited, 0)


def test_a_late_answer_counts_until_the_verifier_is_dismissed(world: World, audited: int) -> None:
    world.market.summon(audited, 0, world.checkpoint(audited, 0), sender=world.stranger)
    world.wait(1_000)
    world.attest(audited, 0)
    with reverts(world.market.AlreadyAttested):
        world.market.dismiss(audited, 0, world.checkpoint(audited, 0), sender=world.stranger)


def test_a_lapsed_seed_is_renewed_and_the_interval_drawn_for_certain(scripted: World) -> None:
    world = scripted
    world.stake(world.verifier)
    job = world.running()
    world.commit(job, 1)
    first = world.checkpoint(job, 0)
    with reverts(world.market.SeedNotLapsed, error_inputs={"beaconBlock": first.beacon_block}):
        world.market.renew(job, 0, first, sender=world.stranger)
    world.beacon.lapse(first.beacon_block, sender=world.stranger)
    receipt = world.market.renew(job, 0, first, sender=world.stranger)
    (event,) = receipt.decode_logs(world.market.CheckpointRenewed)
    renewed = first._replace(beacon_block=chain.blocks.head.number + 3, forced=True)
    assert tuple(event.checkpoint) == tuple(renewed)
    with reverts(world.market.WrongCheckpoint):
        world.market.renew(job, 0, first, sender=world.stranger)
    world.checkpoints[job][0] = renewed
    world.seed(renewed)
    told = world.market.drawOf(job, 0, renewed)
    assert (told.drawn, told.verifier) == (True, world.verifier)
    world.close_windows(job)
    with reverts(world.market.NotAttested):
        world.finalise(job)
    world.attest(job, 0)
    world.finalise(job)
    assert world.job(job).finalised == 1


def test_when_the_reserve_is_used_up_a_clean_check_still_counts(scripted: World) -> None:
    world = scripted
    world.stake(world.verifier)
    job = world.running()
    state = world.job(job)
    # Seven fees are reserved at this rate; make eight audits necessary.
    assert state.auditReserve == 7 * FEE
    world.commit(job, 8)
    for i in range(8):
        world.beacon.lapse(world.checkpoint(job, i).beacon_block, sender=world.stranger)
        receipt = world.market.renew(job, i, world.checkpoint(job, i), sender=world.stranger)
        (event,) = receipt.decode_logs(world.market.CheckpointRenewed)
        world.checkpoints[job][i] = world.checkpoint(job, i)._replace(beacon_block=event.checkpoint[3], forced=True)
    world.open_seeds(job)
    fees = [world.attest(job, i).decode_logs(world.market.Attested)[0].fee for i in range(8)]
    assert fees == [FEE] * 7 + [0]
