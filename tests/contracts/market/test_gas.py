"""Gas of the market: honest jobs from post to last withdrawal, and the single calls of audits and disputes.

The recorded figures are in ``tests/contracts/gas/market.json``. After a change that explains itself, refresh them with

    GAS_SNAPSHOT=write .venv/bin/ape test tests/contracts/market/test_gas.py
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from ape import project

from .world import ALWAYS, NEVER, TOKENS, World, header_of

SNAPSHOT = Path(__file__).resolve().parents[1] / "gas" / "market.json"
WRITE = os.environ.get("GAS_SNAPSHOT") == "write"
GROWTH = 1.005  # beyond this a change needs an explanation
FIXED, PER_CHECKPOINT, CODE_CAP = 900_000, 60_000, 24_576
CID = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"

Figures = dict[str, dict[str, int]]


def honest_job(world: World, checkpoints: int, batch: int) -> dict[str, int]:
    """Gas by phase of a job with two bidders and no audits; their balances (the first stake) are in the vault already."""
    for bidder in (world.solver, world.rival):
        world.vault.deposit(10**9 * TOKENS, sender=bidder)
    gas: dict[str, int] = {}
    spec = world.spec(auditRate=NEVER, steps=10 * checkpoints)
    gas["post"] = world.market.post(spec, CID, ["http://127.0.0.1:8000"], sender=world.submitter).gas_used
    job = int(world.market.jobs())
    bids = [(world.solver, 600 * TOKENS, 500), (world.rival, 700 * TOKENS, 500)]
    gas["bids"] = sum(world.bid(job, *bid).gas_used for bid in bids)
    world.wait_until(world.job(job).bidsUntil)
    gas["reveals"] = sum(world.reveal(job, *bid).gas_used for bid in bids)
    gas["assign"] = world.market.assign(job, sender=world.solver).gas_used
    sizes = [min(batch, checkpoints - first) for first in range(0, checkpoints, batch)]
    gas["commitments"] = sum(world.commit(job, size).gas_used for size in sizes)
    world.open_seeds(job)
    world.close_windows(job)
    gas["finality"] = sum(world.finalise(job, size).gas_used for size in _sixteens(checkpoints))
    gas["withdrawals"] = sum(world.vault.withdraw(2**256 - 1, sender=p).gas_used for p in (world.solver, world.rival, world.submitter))
    gas["total"] = sum(gas.values())
    return gas


def _sixteens(count: int) -> list[int]:
    return [min(16, count - first) for first in range(0, count, 16)]


def audits_and_disputes(world: World) -> dict[str, int]:
    """Gas of each call that only audits and disputes need, with one verifier; the court's own work is not in it."""
    gas: dict[str, int] = {}
    gas["first stake of a verifier"] = world.vault.stake(1_000 * TOKENS, sender=world.verifier).gas_used
    job = world.running(auditRate=ALWAYS)
    world.commit(job, 4)
    first, last = world.checkpoint(job, 0), world.checkpoint(job, 3)
    for _ in range(3):
        world.wait(1)
    gas["record a seed"] = world.beacon.record(first.beacon_block, header_of(first.beacon_block), sender=world.stranger).gas_used
    gas["attest, first of a job"] = world.attest(job, 0).gas_used
    gas["attest"] = world.attest(job, 1).gas_used
    gas["summon"] = world.market.summon(job, 3, last, sender=world.stranger).gas_used
    lost = world.challenge(job, 2, auditRate=ALWAYS)
    gas["verdict for the solver"] = world.verdict(lost, challenger_wins=False).gas_used
    won = world.challenge(job, 2, auditRate=ALWAYS)
    world.wait(world.parameters["answerPeriod"])
    gas["dismiss"] = world.market.dismiss(job, 3, last, sender=world.stranger).gas_used
    gas["verdict for the challenger"] = world.verdict(won, challenger_wins=True).gas_used
    world.close_windows(job)
    gas["finality with a conviction"] = world.finalise(job).gas_used
    gas["stake of a second verifier"] = world.vault.stake(1_000 * TOKENS, sender=world.second).gas_used
    return gas


CASES = {
    "honest job, 10 checkpoints in one batch": lambda world: honest_job(world, 10, 10),
    "honest job, 64 checkpoints in batches of 16": lambda world: honest_job(world, 64, 16),
    "honest job, 10 checkpoints in batches of 2": lambda world: honest_job(world, 10, 2),
    "honest job, 10 checkpoints one by one": lambda world: honest_job(world, 10, 1),
    "audits and disputes": audits_and_disputes,
}


@pytest.mark.parametrize("name", list(CASES))
def test_no_call_costs_more_than_recorded(world: World, name: str) -> None:
    figures = CASES[name](world)
    recorded: Figures = json.loads(SNAPSHOT.read_text()) if SNAPSHOT.exists() else {}
    if WRITE:
        SNAPSHOT.write_text(json.dumps({**recorded, name: figures}, indent=1, sort_keys=True) + "\n")
        return
    assert set(figures) == set(recorded[name]), "calls changed: refresh the snapshot"
    for call, gas in figures.items():
        assert gas <= GROWTH * recorded[name][call], call


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("honest")])
def test_an_honest_job_costs_at_most_900k_and_60k_per_checkpoint(name: str) -> None:
    checkpoints = int(name.split()[2])
    assert json.loads(SNAPSHOT.read_text())[name]["total"] <= FIXED + PER_CHECKPOINT * checkpoints


@pytest.mark.parametrize("name", ["JobMarket", "Proceedings", "StakeVault", "RandaoBeacon"])
def test_the_contracts_fit_the_size_of_a_contract(name: str) -> None:
    code = bytes(project.get_contract(name).contract_type.get_runtime_bytecode() or b"")
    assert 0 < len(code) <= CODE_CAP
