"""Commitments: batches, deadlines, what is stored."""

from __future__ import annotations

import pytest
from ape import chain, reverts
from eth_abi import encode
from eth_utils import keccak

from .world import ENDING, EXPIRED, LATE, OPEN, RETAINER, RUNNING, TOKENS, VESTING, V, World, root_of


def test_a_commitment_stores_one_hash_per_checkpoint_and_emits_the_rest(world: World) -> None:
    job = world.running()
    receipt = world.commit(job, 3)
    (event,) = receipt.decode_logs(world.market.CheckpointsCommitted)
    assert (event.job, event.round, event.solver, event.first) == (job, 1, world.solver, 0)
    assert event.roots == [root_of(i, world.solver.address) for i in range(3)]
    assert event.committedAt == world.now()
    assert event.beaconBlock == chain.blocks.head.number + 3
    for i in range(3):
        told = keccak(encode(["(bytes32,bytes32,uint40,uint40,bool)"], [tuple(world.checkpoint(job, i))]))
        assert world.market.checkpointHashOf(job, i) == told[:-1] + bytes([told[-1] & 0xFE])
    assert world.market.checkpointHashOf(job, 3) == bytes(32)
    assert world.job(job).committed == 3


def test_only_the_solver_commits(world: World) -> None:
    job = world.running()
    with reverts(world.market.NotSolver, error_inputs={"caller": world.rival, "solver": world.solver}):
        world.market.commitCheckpoints(job, [root_of(0)], [root_of(0)], sender=world.rival)


def test_nothing_is_committed_before_the_assignment(world: World) -> None:
    job = world.post()
    with reverts(world.market.WrongStatus, error_inputs={"job": job, "status": OPEN}):
        world.market.commitCheckpoints(job, [root_of(0)], [root_of(0)], sender=world.solver)


@pytest.mark.parametrize(("roots", "seals"), [(0, 0), (17, 17), (2, 1), (1, 2)])
def test_a_batch_has_one_to_sixteen_checkpoints_with_a_seal_each(world: World, roots: int, seals: int) -> None:
    job = world.running(steps=400)
    with reverts(world.market.BadBatch, error_inputs={"roots": roots, "seals": seals, "missing": 40}):
        world.market.commitCheckpoints(job, [root_of(0)] * roots, [root_of(0)] * seals, sender=world.solver)


def test_a_batch_does_not_go_beyond_the_job(world: World) -> None:
    job = world.running(steps=30)
    world.commit(job, 2)
    with reverts(world.market.BadBatch, error_inputs={"roots": 2, "seals": 2, "missing": 1}):
        world.market.commitCheckpoints(job, [root_of(0)] * 2, [root_of(0)] * 2, sender=world.solver)
    world.commit(job, 1)
    with reverts(world.market.BadBatch, error_inputs={"roots": 1, "seals": 1, "missing": 0}):
        world.market.commitCheckpoints(job, [root_of(0)], [root_of(0)], sender=world.solver)


def test_a_zero_root_is_refused(world: World) -> None:
    job = world.running()
    with reverts(world.market.ZeroRoot):
        world.market.commitCheckpoints(job, [bytes(32)], [root_of(0)], sender=world.solver)


def test_each_batch_is_due_with_its_share_of_the_promised_duration(world: World) -> None:
    job = world.running(steps=400)
    state = world.job(job)
    assert state.dueAt == state.assignedAt + 40 + 500 * 16 // 40
    world.commit(job, 16)
    assert world.job(job).dueAt == state.assignedAt + 40 + 500 * 32 // 40
    world.commit(job, 16)
    assert world.job(job).dueAt == state.assignedAt + 40 + 500
    world.commit(job, 8)
    assert world.job(job).dueAt == 0


def test_a_commitment_after_its_deadline_is_refused(world: World) -> None:
    job = world.running()
    expires = world.job(job).expiresAt
    world.at(expires)
    world.commit(job, 1)
    world.at(expires + 1)
    with reverts(world.market.TooLate, error_inputs={"deadline": expires, "time": expires + 1}):
        world.commit(job, 1)


def test_an_assignment_can_be_ended_when_lateness_has_used_up_the_retainer(world: World) -> None:
    job = world.running()
    state = world.job(job)
    assert state.expiresAt == state.dueAt + RETAINER // (4 * V) == state.dueAt + 350
    longer = world.running(valueOfTime=V // 2)
    assert world.job(longer).expiresAt == world.job(longer).dueAt + 500  # at most the promised duration
    timeless = world.running(valueOfTime=0)
    assert world.job(timeless).expiresAt == world.job(timeless).dueAt + 500


@pytest.mark.parametrize("late", [0, 30, 350])
def test_lateness_is_paid_from_the_retainer(world: World, late: int) -> None:
    before = {p: world.wealth(p) for p in (world.solver, world.submitter)}
    job = world.running()
    world.commit(job, 9)
    world.at(world.job(job).dueAt + late)
    world.commit(job, 1)
    cost = 4 * V * late
    assert world.job(job).secondScore == cost
    world.finish(job)
    assert world.wealth(world.solver) == before[world.solver] + 700 * TOKENS - cost
    assert world.wealth(world.submitter) == before[world.submitter] - 700 * TOKENS + cost


def test_only_the_last_batch_counts_as_late(world: World) -> None:
    job = world.running(steps=400)
    world.at(world.job(job).dueAt + 60)
    world.commit(job, 16)
    world.commit(job, 16)
    world.commit(job, 8)
    assert world.job(job).secondScore == 0


def test_nothing_is_late_while_a_dispute_runs(world: World) -> None:
    job = world.running()
    world.commit(job, 9)
    world.challenge(job, 0)
    world.at(world.job(job).assignedAt + 5_000)
    world.commit(job, 1)
    assert world.job(job).secondScore == 0


def test_a_late_assignment_expires_with_a_penalty_and_the_job_opens_again(world: World) -> None:
    before = {p: world.wealth(p) for p in (world.solver, world.submitter)}
    job = world.running()
    escrow = world.job(job).escrow
    due = world.job(job).expiresAt
    world.at(due)
    with reverts(world.market.TooEarly, error_inputs={"opensAt": due + 1, "time": due}):
        world.market.expire(job, sender=world.stranger)
    world.at(due + 1)
    receipt = world.market.expire(job, sender=world.stranger)
    (event,) = receipt.decode_logs(world.market.AssignmentEnded)
    assert (event.solver, event.end, event.reason) == (world.solver, 0, LATE)
    state = world.job(job)
    assert (state.status, state.round, state.solver, state.first) == (OPEN, 2, "0x" + "00" * 20, 0)
    penalty = 50 * TOKENS
    assert world.wealth(world.solver) == before[world.solver] - penalty
    assert world.wealth(world.submitter) == before[world.submitter] - escrow + penalty


def test_expiry_waits_until_everything_committed_is_final_and_pays_for_it(world: World) -> None:
    before = {p: world.wealth(p) for p in (world.solver, world.rival)}
    job = world.running()
    world.commit(job, 4)
    world.wait_until(world.job(job).expiresAt + 1)
    world.market.expire(job, sender=world.stranger)
    state = world.job(job)
    assert (state.status, state.end, state.endReason) == (ENDING, 4, LATE)
    with reverts(world.market.WrongStatus, error_inputs={"job": job, "status": ENDING}):
        world.commit(job, 1)
    assert world.wealth(world.solver) < before[world.solver] - world.job(job).stake + 1
    world.check_conservation()
    world.finish(job)
    state = world.job(job)
    assert (state.status, state.round, state.first, state.committed, state.finalised) == (OPEN, 2, 4, 4, 4)
    assert state.roundBudget == 600 * TOKENS
    assert world.wealth(world.solver) == before[world.solver] + VESTING * 4 // 10 - 50 * TOKENS


def test_the_next_solver_goes_on_from_the_last_final_checkpoint(world: World) -> None:
    job = world.running()
    world.commit(job, 4)
    world.wait_until(world.job(job).expiresAt + 1)
    world.market.expire(job, sender=world.stranger)
    world.finish(job)
    world.auction(job, (world.rival, 300 * TOKENS, 400))
    assert world.job(job).payment == 600 * TOKENS
    world.commit(job, 6, world.rival)
    assert world.checkpoint(job, 4).root == root_of(4, world.rival.address)
    world.finish(job)
    assert world.job(job).finalised == 10
    assert world.custody() == 0


def test_a_job_that_is_never_finished_ends_after_eight_rounds(world: World) -> None:
    before = world.wealth(world.submitter)
    job = world.post(steps=20)
    for _ in range(8):
        assert world.job(job).status == OPEN
        world.auction(job, (world.solver, 600 * TOKENS, 1))
        assert world.job(job).status == RUNNING
        world.wait_until(world.job(job).expiresAt + 1)
        world.market.expire(job, sender=world.stranger)
    assert world.job(job).status == EXPIRED
    assert world.custody() == 0
    assert world.wealth(world.submitter) == before + 8 * 50 * TOKENS


def test_a_complete_job_cannot_expire(world: World) -> None:
    job = world.running()
    world.commit(job, 10)
    world.wait(10_000)
    with reverts(world.market.NotStalled, error_inputs={"job": job, "interval": 0}):
        world.market.expire(job, sender=world.stranger)
