"""When intervals become final, what is paid, and how a job settles."""

from __future__ import annotations

from ape import reverts

from .world import EXPIRED, NO_CHECKPOINT, RUNNING, SETTLED, STALLED, TOKENS, VESTING, World


def test_an_honest_job_settles_and_everything_can_be_withdrawn(world: World) -> None:
    before = {p: world.token.balanceOf(p) for p in world.parties}
    job = world.running()
    world.commit(job, 10)
    world.finish(job)
    assert world.job(job).status == SETTLED
    world.check_conservation()
    world.withdraw_all()
    change = {p.address: world.token.balanceOf(p) - before[p] for p in world.parties}
    expected = {world.solver.address: 700 * TOKENS, world.submitter.address: -700 * TOKENS}
    assert change == {p.address: expected.get(p.address, 0) for p in world.parties}
    assert world.token.balanceOf(world.vault) == 0


def test_pay_vests_with_finality(world: World) -> None:
    job = world.running(steps=70)
    world.commit(job, 7)
    world.open_seeds(job)
    world.close_windows(job)
    receipt = world.finalise(job, 3)
    (event,) = receipt.decode_logs(world.market.Finalised)
    assert (event.first, event.count, event.paid) == (0, 3, VESTING * 3 // 7)
    assert world.balance(world.solver) == VESTING * 3 // 7
    receipt = world.finalise(job, 3)
    (event,) = receipt.decode_logs(world.market.Finalised)
    assert event.paid == VESTING * 6 // 7 - VESTING * 3 // 7
    world.finalise(job)
    assert world.balance(world.solver) == 700 * TOKENS + world.job(job).stake


def test_nothing_is_final_inside_its_window(world: World) -> None:
    job = world.running()
    world.commit(job, 1)
    world.open_seeds(job)
    closes = world.checkpoint(job, 0).committed_at + 100
    world.at(closes - 1)
    with reverts(world.market.TooEarly, error_inputs={"opensAt": closes, "time": closes - 1}):
        world.finalise(job)
    world.at(closes)
    world.finalise(job)
    assert world.job(job).finalised == 1


def test_nothing_is_final_before_its_seed_is_known(world: World) -> None:
    job = world.running()
    world.commit(job, 1)
    world.close_windows(job)
    with reverts(world.market.SeedMissing, error_inputs={"beaconBlock": world.checkpoint(job, 0).beacon_block}):
        world.finalise(job)


def test_intervals_become_final_in_order(world: World) -> None:
    job = world.running()
    world.commit(job, 3)
    world.open_seeds(job)
    world.close_windows(job)
    with reverts(world.market.WrongCheckpoint, error_inputs={"job": job, "interval": 0}):
        world.market.finalise(job, [world.checkpoint(job, 1)], sender=world.stranger)
    with reverts(world.market.WrongCheckpoint, error_inputs={"job": job, "interval": 1}):
        world.market.finalise(job, [world.checkpoint(job, 0), world.checkpoint(job, 2)], sender=world.stranger)


def test_nothing_more_than_is_committed_becomes_final(world: World) -> None:
    job = world.running()
    world.commit(job, 1)
    with reverts(world.market.WrongInterval, error_inputs={"interval": 2, "firstOpen": 0, "end": 1}):
        world.market.finalise(job, [world.checkpoint(job, 0), NO_CHECKPOINT], sender=world.stranger)
    with reverts(world.market.WrongInterval, error_inputs={"interval": 0, "firstOpen": 0, "end": 1}):
        world.market.finalise(job, [], sender=world.stranger)


def test_a_checkpoint_with_any_field_changed_is_refused(world: World) -> None:
    job = world.running()
    world.commit(job, 1)
    world.open_seeds(job)
    world.close_windows(job)
    true = world.checkpoint(job, 0)
    forged = [
        true._replace(root=bytes(31) + b"\1"),
        true._replace(seal=bytes(31) + b"\1"),
        true._replace(committed_at=true.committed_at - 1),
        true._replace(beacon_block=true.beacon_block - 1),
        true._replace(forced=True),
    ]
    for checkpoint in forged:
        with reverts(world.market.WrongCheckpoint):
            world.market.finalise(job, [checkpoint], sender=world.stranger)


def test_only_the_last_final_checkpoint_is_kept(world: World) -> None:
    job = world.running()
    world.commit(job, 4)
    world.open_seeds(job)
    world.close_windows(job)
    world.finalise(job, 3)
    kept = [world.market.checkpointHashOf(job, i) != bytes(32) for i in range(5)]
    assert kept == [False, False, True, True, False]


def test_an_unanswered_audit_ends_the_job_after_the_stall_period(scripted: World) -> None:
    world = scripted
    before = {p: world.wealth(p) for p in (world.solver, world.submitter)}
    world.stake(world.verifier)
    job = world.running(auditRate=1_000_000)
    world.commit(job, 2)
    world.open_seeds(job)
    first = world.checkpoint(job, 0)
    opens = first.committed_at + 400
    world.at(opens - 1)
    with reverts(world.market.TooEarly, error_inputs={"opensAt": opens, "time": opens - 1}):
        world.market.abandon(job, first, sender=world.stranger)
    world.at(opens)
    receipt = world.market.abandon(job, first, sender=world.stranger)
    (event,) = receipt.decode_logs(world.market.AssignmentEnded)
    assert (event.end, event.reason) == (0, STALLED)
    assert world.job(job).status == EXPIRED
    assert world.wealth(world.solver) == before[world.solver]
    assert world.wealth(world.submitter) == before[world.submitter]


def test_the_stake_stays_until_the_last_window_has_closed(scripted: World) -> None:
    world = scripted
    world.stake(world.verifier)
    job = world.running(auditRate=1_000_000)
    world.commit(job, 1)
    world.open_seeds(job)
    world.wait_until(world.checkpoint(job, 0).committed_at + 380)
    world.commit(job, 1)
    closes = world.checkpoint(job, 1).committed_at + 100
    world.at(closes - 1)
    with reverts(world.market.TooEarly, error_inputs={"opensAt": closes, "time": closes - 1}):
        world.market.abandon(job, world.checkpoint(job, 0), sender=world.stranger)
    world.at(closes)
    world.market.abandon(job, world.checkpoint(job, 0), sender=world.stranger)
    assert world.job(job).status == EXPIRED


def test_a_job_that_can_go_on_is_not_abandoned(scripted: World) -> None:
    world = scripted
    job = world.running()
    world.commit(job, 1)
    world.wait(1_000)
    first = world.checkpoint(job, 0)
    with reverts(world.market.NotStalled, error_inputs={"job": job, "interval": 0}):
        world.market.abandon(job, first, sender=world.stranger)
    world.open_seeds(job)
    with reverts(world.market.NotStalled, error_inputs={"job": job, "interval": 0}):
        world.market.abandon(job, first, sender=world.stranger)
    assert world.job(job).status == RUNNING


def test_an_attested_interval_does_not_stall_a_job(scripted: World) -> None:
    world = scripted
    world.stake(world.verifier)
    job = world.running(auditRate=1_000_000)
    world.commit(job, 1)
    world.open_seeds(job)
    world.attest(job, 0)
    world.wait(1_000)
    with reverts(world.market.NotStalled):
        world.market.abandon(job, world.checkpoint(job, 0), sender=world.stranger)


def test_a_lapsed_seed_that_nobody_renews_ends_the_job(scripted: World) -> None:
    world = scripted
    job = world.running()
    world.commit(job, 1)
    first = world.checkpoint(job, 0)
    world.beacon.lapse(first.beacon_block, sender=world.stranger)
    world.wait(1_000)
    world.market.abandon(job, first, sender=world.stranger)
    assert world.job(job).status == EXPIRED
