"""Agents killed with SIGKILL at every boundary at which something is journaled or sent, and started again: they go on and lose nothing.

In each scenario one agent dies many times, once at each point of its list; a point is described in process.py. "signed" is after a
transaction was journaled and before it is sent, "sent" right after it was handed to the node.
"""

from __future__ import annotations

import pytest

from scripts.demo.faults import effective_fault
from tests.agents.roles.workloads import regression
from tests.agents.roles.world import World
from touchstone.machine.runtime import NativeMachine
from touchstone.roles.records import EndReason
from touchstone.store.package import Package

SUBMITTER, FIRST, SECOND, VERIFIER = 1, 2, 3, 4
CHEAP, DEAR, STAKE = ["--fixed-price", "1"], ["--fixed-price", "2"], ["--stake", "100"]
WEIGHT, BIAS = 1, 2

SOLVER_POINTS = [
    *("sent approve", "signed announce"),
    *("after add_assessment", "before add_bid", "after add_bid", "signed bid", "signed reveal", "signed assign"),
    *("before add_checkpoint", "after add_checkpoint", "signed commitCheckpoints", "signed record", "signed finalise", "signed withdraw"),
]
AUDITOR_POINTS = ["signed approve", "sent stake", "before add_finding", "after add_finding", "sent attest"]
SUBMITTER_POINTS = ["before add_submission", "after add_submission", "signed postWithPermit", "before posted", "after posted"]


def budget(interval: int) -> list[str]:
    return ["--budget", "10", "--interval", str(interval), "--audit-rate", "100", "--value-of-time", "0.001"]


def test_a_submitter_killed_at_every_boundary_of_posting_posts_one_job(world: World) -> None:
    package = Package.from_workload(regression(24, seed=6))
    submitter = world.agent(SUBMITTER, "submit", str(world.package(package, "package")), options=budget(8), die=SUBMITTER_POINTS)
    world.wait_until_dead(submitter)
    job = world.wait_for_job(package)
    world.check_nothing_sent_twice(SUBMITTER)
    assert [other.number for other in world.read().jobs.values() if other.package == package.cid] == [job.number]
    submitter.stop()
    cancelled = world.command("cancel", str(job.number), "--json", *world.arguments(SUBMITTER), check=False)
    assert cancelled.returncode == 0 or "TooLate" in cancelled.stderr


def test_an_honest_job_survives_a_kill_of_solver_and_verifier_at_every_boundary(patient_world: World) -> None:
    world, package = patient_world, Package.from_workload(regression(24, seed=5))
    verifier = world.agent(VERIFIER, "verifier", "run", options=STAKE, die=AUDITOR_POINTS)
    solver = world.agent(FIRST, "solver", "run", options=CHEAP, die=SOLVER_POINTS)
    world.wait_until_dead(solver, remaining=len(SOLVER_POINTS) - 2)
    world.wait_until_dead(verifier, remaining=len(AUDITOR_POINTS) - 2)
    world.agent(SUBMITTER, "submit", str(world.package(package, "package")), options=budget(8))
    job = world.wait_until_settled(package)
    world.wait_until_dead(solver)
    assert (solver.points, verifier.points) == ([], [])
    assert not job.endings
    assert {commitment.attested_by for commitment in job.commitments.values()} == {world.net.accounts[VERIFIER].address}
    world.check_nothing_sent_twice(SUBMITTER, FIRST, VERIFIER)


CHUNKS = (
    8,
    WEIGHT,
    ["sent bid", "sent reveal", "sent openStep", "sent postChunk"],
    ["signed challenge", "signed openNode", "signed proveWord"],
)
DISSECTION = (
    64,
    BIAS,
    ["mined bid", "sent commitCheckpoints", "signed dissect", "signed postOutput"],
    ["sent challenge", "sent openStep", "sent proveWord"],
)


@pytest.mark.parametrize(("interval", "slot", "cheater_points", "verifier_points"), [CHUNKS, DISSECTION], ids=["chunks", "dissection"])
def test_a_dispute_survives_a_kill_of_both_sides_at_every_level(
    world: World, interval: int, slot: int, cheater_points: list[str], verifier_points: list[str]
) -> None:
    steps = 2 * interval
    package = Package.from_workload(regression(steps, seed=interval))
    seed, fault = effective_fault(package.workload, "flip", 3, interval, NativeMachine, [slot])
    cheater = world.agent(FIRST, "solver", "run", options=CHEAP, fault=f"flip:{seed}:{steps}:{slot}", die=cheater_points)
    world.agent(SECOND, "solver", "run", options=DEAR)
    verifier = world.agent(VERIFIER, "verifier", "run", options=STAKE, die=verifier_points)
    world.agent(SUBMITTER, "submit", str(world.package(package, "package")), options=budget(interval))
    job = world.wait_until_settled(package)
    world.wait_until_dead(verifier)
    assert (cheater.points, verifier.points) == ([], [])
    wrong = fault.step // interval
    assert job.endings == [(1, world.net.accounts[FIRST].address, wrong, EndReason.CONVICTED)]
    (dispute,) = [dispute for dispute in world.read().disputes.values() if dispute.job == job.number]
    assert dispute.winner == world.net.accounts[VERIFIER].address and dispute.by_proof
    world.check_nothing_sent_twice(SUBMITTER, FIRST, SECOND, VERIFIER)
