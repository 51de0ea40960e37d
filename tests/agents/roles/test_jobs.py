"""Whole jobs with every role its own process, none of which can import torch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from scripts.demo.faults import effective_fault
from tests.agents.roles.workloads import regression
from tests.agents.roles.world import World
from touchstone.machine.runtime import NativeMachine
from touchstone.roles.records import EndReason, Status
from touchstone.store.package import Package
from touchstone.store.tensors import unpack

STEPS, INTERVAL = 24, 8
BUDGET = ["--budget", "10", "--interval", str(INTERVAL), "--audit-rate", "100", "--value-of-time", "0.001"]
SUBMITTER, FIRST, SECOND, VERIFIER, WHISTLEBLOWER = 1, 2, 3, 4, 5
CHEAP, DEAR = ["--fixed-price", "1"], ["--fixed-price", "2"]
STAKE = ["--stake", "100"]
WEIGHT, BIAS = 1, 2


def post(world: World, package: Package) -> None:
    world.agent(SUBMITTER, "submit", str(world.package(package, "package")), options=[*BUDGET])


def test_the_better_of_two_bids_wins_trains_is_audited_and_paid_and_the_result_is_bit_for_bit_right(world: World, tmp_path: Path) -> None:
    package = Package.from_workload(regression(STEPS, seed=1))
    submitter = world.arguments(SUBMITTER)
    posting = ["submit", str(world.package(package, "package")), *BUDGET, "--poll", "0.2", "--patience", "3"]
    assert json.loads(world.command(*posting, *submitter, "--dry-run", "--json").stdout)["intervals"] == 3
    world.agent(FIRST, "solver", "run", options=CHEAP)
    world.agent(SECOND, "solver", "run", options=DEAR)
    world.agent(VERIFIER, "verifier", "run", options=STAKE)
    followed = world.command(*posting, *submitter, "--json")
    job = world.wait_for_end(package)

    reported = [json.loads(line) for line in followed.stdout.splitlines() if '"msg"' not in line]
    assert reported[0]["job"] == job.number and reported[-1]["status"] == "settled"
    assert job.ended is Status.SETTLED
    assignment = job.rounds[1].assignment
    assert assignment is not None and assignment.solver == world.net.accounts[FIRST].address
    second = job.rounds[1].reveals[world.net.accounts[SECOND].address]
    assert assignment.payment == second.score - job.spec.value_of_time * assignment.duration
    assert {commitment.attested_by for commitment in job.commitments.values()} == {world.net.accounts[VERIFIER].address}
    assert job.paid == {world.net.accounts[FIRST].address: assignment.payment}

    target = tmp_path / "result.safetensors"
    download = ["download", str(job.number), "--output", str(target), "--rerun", "--json", *submitter[:2], *submitter[-2:]]
    answer = json.loads(world.command(*download).stdout)
    assert answer["rerun"] and job.final_root is not None and answer["root"] == "0x" + job.final_root.hex()
    machine = NativeMachine(package.workload.program, package.workload.constants)
    machine.load(package.workload.state)
    machine.run(STEPS)
    names, arrays = unpack(target.read_bytes())
    assert names == package.workload.slot_names
    assert all(np.array_equal(mine.view(np.uint32), theirs.view(np.uint32)) for mine, theirs in zip(machine.state(), arrays, strict=True))

    chain = [*submitter[:2], "--json"]
    assert json.loads(world.command("status", str(job.number), *chain).stdout)["status"] == "settled"
    assert world.command("status", *chain).stdout.count("settled") >= 1
    lines = [json.loads(line)["event"] for line in world.command("logs", str(job.number), *chain).stdout.splitlines()]
    assert lines[0] == "JobPosted" and lines[-1] == "JobEnded" and lines.count("Attested") == 3
    world.check_nothing_sent_twice(SUBMITTER, FIRST, SECOND, VERIFIER)


def test_a_solver_that_skips_work_is_convicted_and_an_honest_one_finishes_the_job(world: World) -> None:
    package = Package.from_workload(regression(STEPS, seed=3))
    seed, fault = effective_fault(package.workload, "skip", 11, INTERVAL, NativeMachine)
    world.agent(FIRST, "solver", "run", options=CHEAP, fault=f"skip:{seed}:{STEPS}:{WEIGHT}")
    world.agent(SECOND, "solver", "run", options=DEAR)
    world.agent(VERIFIER, "verifier", "run", options=STAKE)
    post(world, package)
    cheater, honest = world.net.accounts[FIRST].address, world.net.accounts[SECOND].address
    wrong = fault.step // INTERVAL
    job = world.wait_until_settled(package)
    assert job.endings == [(1, cheater, wrong, EndReason.CONVICTED)]
    assert job.rounds[2].first == wrong
    assert {number: commitment.solver for number, commitment in job.commitments.items()} == {
        number: cheater if number < wrong else honest for number in range(3)
    }
    disputes = [dispute for dispute in world.read().disputes.values() if dispute.job == job.number]
    assert [(dispute.winner, dispute.interval) for dispute in disputes] == [(world.net.accounts[VERIFIER].address, wrong)]
    assert any(event.name == "StakeSettled" and event.values["toTreasury"] > 0 for event in job.events)


def test_a_verifier_that_denies_honest_work_loses_its_bond(world: World) -> None:
    package = Package.from_workload(regression(STEPS, seed=4))
    seed, fault = effective_fault(package.workload, "flip", 5, INTERVAL, NativeMachine, [BIAS])
    world.agent(FIRST, "solver", "run", options=CHEAP)
    world.agent(VERIFIER, "verifier", "run", options=STAKE)
    world.agent(WHISTLEBLOWER, "verifier", "run", options=["--whistleblower"], fault=f"flip:{seed}:{STEPS}:{BIAS}")
    post(world, package)
    job = world.wait_until_settled(package)
    (dispute,) = [dispute for dispute in world.read().disputes.values() if dispute.job == job.number]
    assert dispute.winner == world.net.accounts[FIRST].address and dispute.interval == fault.step // INTERVAL
    (failed,) = [event for event in job.events if event.name == "ChallengeFailed"]
    assert failed.values["toSolver"] > 0 and failed.values["toTreasury"] > 0
    assert not job.endings


def test_a_liar_that_has_no_move_left_loses_by_the_clock(hasty_world: World) -> None:
    world, package = hasty_world, Package.from_workload(regression(STEPS, seed=4))
    seed, _ = effective_fault(package.workload, "flip", 5, INTERVAL, NativeMachine, [WEIGHT])
    world.agent(FIRST, "solver", "run", options=CHEAP)
    world.agent(WHISTLEBLOWER, "verifier", "run", options=["--whistleblower"], fault=f"flip:{seed}:{STEPS}:{WEIGHT}")
    post(world, package)
    job = world.wait_until_settled(package)
    (dispute,) = [dispute for dispute in world.read().disputes.values() if dispute.job == job.number]
    assert dispute.winner == world.net.accounts[FIRST].address and not dispute.by_proof
    assert [event.name for event in dispute.events] == ["DisputeOpened", "StepOpened", "NodeOpened", "ChunkPosted", "DisputeClosed"]
