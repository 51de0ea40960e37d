"""Verifiers that can get the state before an interval nowhere."""

from __future__ import annotations

from typing import Any

import pytest
from ape import reverts
from ape.api import TestAccountAPI

from .world import ALWAYS, EXPIRED, RETAINER, TOKENS, World

ZERO = "0x" + "00" * 20


@pytest.fixture
def audited(world: World) -> int:
    """A running job audited at 100%, two verifiers, two checkpoints committed, seeds known."""
    world.stake(world.verifier, world.second)
    job = world.running(auditRate=ALWAYS)
    world.commit(job, 2)
    world.open_seeds(job)
    return job


def drawn(world: World, job: int, interval: int) -> TestAccountAPI:
    """The account that is to answer."""
    verifier = world.market.drawOf(job, interval, world.checkpoint(job, interval)).verifier
    return next(party for party in world.parties if party.address == verifier)


def call(world: World, name: str, job: int, interval: int, sender: TestAccountAPI) -> Any:
    return getattr(world.market, name)(job, interval, world.checkpoint(job, interval), sender=sender)


def test_a_verifier_without_the_state_pays_and_earns_nothing_and_stays_the_one_to_answer(world: World, audited: int) -> None:
    verifier = drawn(world, audited, 1)
    before = world.wealth(verifier)
    call(world, "summon", audited, 1, world.stranger)
    call(world, "reportUnavailable", audited, 1, verifier)
    audit = world.market.auditOf(audited, 1)
    assert (audit.withheld, audit.verifier, audit.attempt, audit.answerBy) == (True, verifier.address, 0, 0)
    assert drawn(world, audited, 1) == verifier
    world.wait(world.parameters["answerPeriod"])
    with reverts(world.market.StateWithheld, error_inputs={"job": audited, "interval": 1}):
        call(world, "summon", audited, 1, world.stranger)
    with reverts(world.market.NotSummoned):
        call(world, "dismiss", audited, 1, world.stranger)
    assert world.wealth(verifier) == before


def test_nothing_vests_until_a_withheld_state_is_attested_after_all(world: World, audited: int) -> None:
    first = drawn(world, audited, 0)
    world.attest(audited, 0, first)
    verifier = drawn(world, audited, 1)
    call(world, "reportUnavailable", audited, 1, verifier)
    world.close_windows(audited)
    world.finalise(audited, 1)
    with reverts(world.market.NotAttested, error_inputs={"job": audited, "interval": 1}):
        world.finalise(audited)
    world.attest(audited, 1, verifier)
    assert not world.market.auditOf(audited, 1).withheld
    world.finalise(audited)
    assert world.job(audited).finalised == 2


def test_when_the_submitter_has_the_state_another_verifier_is_drawn(world: World, audited: int) -> None:
    verifier = drawn(world, audited, 0)
    other = world.second if verifier == world.verifier else world.verifier
    call(world, "reportUnavailable", audited, 0, verifier)
    call(world, "confirmAvailable", audited, 0, world.submitter)
    audit = world.market.auditOf(audited, 0)
    assert (audit.withheld, audit.attempt) == (False, 1)
    assert drawn(world, audited, 0) == other
    world.attest(audited, 0, other)


def test_only_the_drawn_verifier_reports_and_only_the_submitter_confirms(world: World, audited: int) -> None:
    verifier = drawn(world, audited, 0)
    other = world.second if verifier == world.verifier else world.verifier
    with reverts(world.market.NotWithheld, error_inputs={"job": audited, "interval": 0}):
        call(world, "confirmAvailable", audited, 0, world.submitter)
    with reverts(world.market.NotDrawnVerifier, error_inputs={"caller": other.address, "verifier": verifier.address}):
        call(world, "reportUnavailable", audited, 0, other)
    call(world, "reportUnavailable", audited, 0, verifier)
    with reverts(world.market.StateWithheld, error_inputs={"job": audited, "interval": 0}):
        call(world, "reportUnavailable", audited, 0, verifier)
    with reverts(world.market.NotSubmitter, error_inputs={"caller": world.solver.address, "submitter": world.submitter.address}):
        call(world, "confirmAvailable", audited, 0, world.solver)


def test_a_state_that_stays_unavailable_ends_the_job_at_the_last_final_checkpoint(world: World, audited: int) -> None:
    world.attest(audited, 0, drawn(world, audited, 0))
    call(world, "reportUnavailable", audited, 1, drawn(world, audited, 1))
    world.close_windows(audited)
    world.finalise(audited, 1)
    checkpoint, before = world.checkpoint(audited, 1), world.wealth(world.solver)
    stake = world.job(audited).stake
    world.wait_until(checkpoint.committed_at + world.parameters["stallPeriod"])
    world.market.abandon(audited, checkpoint, sender=world.stranger)
    assert (world.job(audited).status, world.job(audited).finalised) == (EXPIRED, 1)
    assert world.wealth(world.solver) == before + stake + RETAINER // 10


def test_a_verifier_that_challenges_wrongly_leaves_a_withheld_interval_to_another(world: World, audited: int) -> None:
    verifier = drawn(world, audited, 0)
    call(world, "reportUnavailable", audited, 0, verifier)
    dispute = world.challenge(audited, 0, verifier, auditRate=ALWAYS)
    world.verdict(dispute, challenger_wins=False)
    audit = world.market.auditOf(audited, 0)
    assert (audit.withheld, audit.attempt) == (False, 1)
    assert drawn(world, audited, 0) != verifier


def test_an_undrawn_interval_has_nobody_who_could_report(world: World) -> None:
    world.stake(world.verifier)
    job = world.running()
    world.commit(job, 1)
    world.open_seeds(job)
    with reverts(world.market.NotDrawn, error_inputs={"job": job, "interval": 0}):
        call(world, "reportUnavailable", job, 0, world.verifier)
    assert world.market.drawOf(job, 0, world.checkpoint(job, 0)).verifier == ZERO


@pytest.mark.parametrize("by_proof", [True, False])
def test_who_attested_what_is_proven_wrong_loses_the_least_stake(world: World, audited: int, by_proof: bool) -> None:
    attester = drawn(world, audited, 1)
    world.vault.stake(5 * TOKENS, sender=attester)
    staked, treasury = int(world.vault.stakeOf(attester)), world.balance(world.treasury)
    world.attest(audited, 1, attester)
    dispute = world.challenge(audited, 1, auditRate=ALWAYS)
    receipt = world.verdict(dispute, challenger_wins=True, by_proof=by_proof)
    penalties = receipt.decode_logs(world.proceedings.AttesterPenalised)
    if not by_proof:
        assert (int(world.vault.stakeOf(attester)), penalties) == (staked, [])
        return
    minimum = int(world.vault.minimumStake())
    assert int(world.vault.stakeOf(attester)) == staked - minimum
    assert world.balance(world.treasury) == treasury + minimum
    assert [(event.verifier, event.penalty) for event in penalties] == [(attester.address, minimum)]


def test_the_challenger_is_paid_although_somebody_had_attested(world: World, audited: int) -> None:
    world.attest(audited, 0, drawn(world, audited, 0))
    stake, before = int(world.job(audited).stake), world.wealth(world.challenger)
    world.verdict(world.challenge(audited, 0, auditRate=ALWAYS), challenger_wins=True)
    assert world.wealth(world.challenger) == before + stake * 300_000 // 1_000_000


def test_who_attested_in_place_of_another_is_remembered_through_every_dispute(world: World, audited: int) -> None:
    world.market.summon(audited, 0, world.checkpoint(audited, 0), sender=world.stranger)
    failed = drawn(world, audited, 0)
    world.wait(world.parameters["answerPeriod"])
    world.market.dismiss(audited, 0, world.checkpoint(audited, 0), sender=world.stranger)
    attester = drawn(world, audited, 0)
    assert attester != failed
    world.attest(audited, 0, attester)
    world.verdict(world.challenge(audited, 0, auditRate=ALWAYS), challenger_wins=False)
    assert (drawn(world, audited, 0), world.market.auditOf(audited, 0).attested) == (attester, True)
    receipt = world.verdict(world.challenge(audited, 0, auditRate=ALWAYS), challenger_wins=True)
    assert [event.verifier for event in receipt.decode_logs(world.proceedings.AttesterPenalised)] == [attester.address]


def test_the_attestation_of_a_void_interval_does_not_count_for_the_next_solver(world: World, audited: int) -> None:
    world.attest(audited, 1, drawn(world, audited, 1))
    assert world.market.auditOf(audited, 1).attested
    world.verdict(world.challenge(audited, 0, auditRate=ALWAYS), challenger_wins=True)
    assert not world.market.auditOf(audited, 1).attested
    world.auction(audited, (world.rival, 600 * TOKENS, 500))
    world.commit(audited, 2, world.rival)
    world.open_seeds(audited)
    assert not world.market.auditOf(audited, 1).attested
    world.attest(audited, 1, drawn(world, audited, 1))
