"""What bad input gets: one line with the remedy, exit code 1, nothing spent, nothing lost."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from tests.agents.roles.views import event_of
from tests.agents.roles.workloads import regression
from tests.agents.roles.world import World
from touchstone.chain.journal import Journal
from touchstone.chain.keystore import KeystoreDirectory
from touchstone.chain.sender import Sender
from touchstone.machine.runtime import NativeMachine
from touchstone.roles.actions import Assess
from touchstone.roles.errors import AgentRunningError
from touchstone.roles.ledger import JobRecord
from touchstone.roles.node import Node, open_node
from touchstone.roles.reader import MarketReader
from touchstone.roles.rules.solver import SolverRules
from touchstone.roles.solver import Solver, SolverSettings
from touchstone.roles.submitter import Offer, job_spec_of
from touchstone.store.package import Package

SUBMITTER, SOLVER = 6, 7
BUDGET = ["--budget", "10", "--interval", "8"]


def refuse(world: World, *arguments: str) -> dict[str, str]:
    """What a command says that has to fail with exit code 1."""
    done = world.command(*arguments, "--json", check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    last: dict[str, str] = json.loads(done.stderr.splitlines()[-1])
    assert "\n" not in last["message"] and (";" in last["message"] or "(nothing was sent)" in last["message"])
    return last


@pytest.fixture
def folder(world: World) -> str:
    return str(world.package(Package.from_workload(regression(24, seed=7)), "package"))


def test_a_job_whose_escrow_the_account_cannot_pay_is_not_posted(world: World, folder: str, tmp_path: Path) -> None:
    poor = KeystoreDirectory(tmp_path / "keystore", scrypt_n=1 << 12).create("poor", "secret")
    (tmp_path / "password").write_text("secret\n")
    own = ["--keystore", str(tmp_path / "keystore"), "--password-file", str(tmp_path / "password"), "--data", str(tmp_path / "data")]
    answer = refuse(world, "submit", folder, *BUDGET, "--deployment", str(world.net.deployment_file), "--account", "poor", *own)
    assert answer["error"] == "InsufficientBalanceError"
    assert world.client.nonce(poor.address) == 0


def test_a_wrong_password_a_dead_endpoint_and_a_taken_port_are_named(world: World, folder: str, tmp_path: Path) -> None:
    arguments = world.arguments(SUBMITTER)
    (tmp_path / "wrong").write_text("wrong\n")
    assert refuse(world, "submit", folder, *BUDGET, *arguments, "--password-file", str(tmp_path / "wrong"))["error"] == "WrongPasswordError"
    assert refuse(world, "solver", "run", *arguments, "--rpc", "http://127.0.0.1:1")["error"] == "ChainUnavailableError"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert refuse(world, "verifier", "run", *arguments, "--store-port", port)["error"] == "PortInUseError"


BUILDER = """
from tests.agents.roles.workloads import regression

def build_workload(steps, seed):
    return regression(steps, seed)
"""


def test_a_python_file_is_submitted_with_its_arguments(world: World, tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text(BUILDER)
    own = [*BUDGET, "--dry-run", "--json", *world.arguments(SUBMITTER)]
    built = world.command("submit", str(tmp_path / "job.py"), "--set", "steps=40", "--set", "seed=1", *own)
    assert json.loads(built.stdout)["intervals"] == 5
    assert world.command("submit", str(tmp_path / "job.py"), "--set", "steps", *own, check=False).returncode == 2
    assert refuse(world, "submit", str(tmp_path / "job.py"), *own[:-1], own[-1])["error"] == "WorkloadFileError"


def test_an_unknown_job_and_a_job_without_a_result_are_refused(world: World) -> None:
    chain = ["--deployment", str(world.net.deployment_file), "--data", str(world.directory / "data")]
    assert refuse(world, "status", "999", *chain)["error"] == "UnknownJobError"
    assert refuse(world, "download", "999", *chain)["error"] == "UnknownJobError"
    assert refuse(world, "logs", "999", *chain)["error"] == "UnknownJobError"


def test_a_posted_job_can_be_cancelled_but_not_by_somebody_else_and_has_no_result(patient_world: World) -> None:
    world = patient_world
    package = Package.from_workload(regression(24, seed=8))
    submitter = world.agent(SUBMITTER, "submit", str(world.package(package, "package")), options=BUDGET)
    job = world.wait_for_job(package)
    chain = ["--deployment", str(world.net.deployment_file), "--data", str(world.directory / "data")]
    assert refuse(world, "download", str(job.number), *chain)["error"] == "JobNotFinishedError"
    assert refuse(world, "cancel", str(job.number), *world.arguments(SOLVER))["error"] == "ContractRevertError"
    submitter.stop()
    world.command("cancel", str(job.number), *world.arguments(SUBMITTER))
    assert world.wait_for_end(package).refund == job.escrow


@pytest.fixture
def node(world: World, tmp_path: Path) -> Node:
    account = world.net.accounts[SOLVER]
    return open_node(tmp_path / "node", account, Sender(world.client, account, Journal(tmp_path / "journal.sqlite")), "solver")


def test_two_processes_of_one_role_and_account_do_not_run_at_once(node: Node, tmp_path: Path) -> None:
    with pytest.raises(AgentRunningError, match="another --data"):
        open_node(tmp_path / "node", node.account, node.sender, "solver")
    open_node(tmp_path / "node", node.account, node.sender, "verifier").close()


def posted(package: Package, **changes: object) -> JobRecord:
    spec = job_spec_of(package, Offer(10**18, 8))._replace(**changes)
    return JobRecord(77, "0x" + "11" * 20, spec, package.cid, (), 0, 1)


@pytest.mark.parametrize(
    ("settings", "changes", "reason"),
    [
        (SolverSettings(rules=SolverRules(memory=1000)), {}, "memory"),
        (SolverSettings(max_bytes=1000), {}, "more than the 1000 allowed"),
        (SolverSettings(), {"deadline": 1}, "deadline"),
        (SolverSettings(), {"initial_root": b"x" * 32}, "initial state"),
        (SolverSettings(), {"steps": 16}, "number of steps"),
    ],
    ids=["too much memory", "too large", "too long", "another state", "another length"],
)
def test_a_solver_skips_a_job_that_is_too_large_too_long_or_not_what_was_posted(
    node: Node, settings: SolverSettings, changes: dict[str, object], reason: str
) -> None:
    package = Package.from_workload(regression(24, seed=9))
    package.publish(node.store)
    solver = Solver(node, settings, NativeMachine)
    view = solver.reader.read()
    view.ledger.jobs[77] = posted(package, **changes)
    solver.work(Assess(77), view)
    assessment = node.journal.assessment(77)
    assert assessment is not None and not assessment.accepted and reason in assessment.reason


def test_after_a_reorganisation_the_ledger_holds_only_what_still_holds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = MarketReader(world.client)
    reader.read()
    cursor = reader._cursor
    real = cursor.poll
    me = "0x" + "ab" * 20
    announced = [event_of("EndpointAnnounced", block=10**6 + place, account=me, endpoint=f"http://store{place}") for place in range(3)]

    def poll_with(events: list[object], rewound_to: int | None) -> None:
        monkeypatch.setattr(cursor, "poll", lambda: replace(real(), events=tuple(events), rewound_to=rewound_to))  # type: ignore[arg-type]
        reader.read()

    poll_with(list(announced[:2]), None)
    assert reader.ledger.endpoints[me] == "http://store1" and reader.ledger.announcements[me] == 2
    poll_with([announced[2]], 10**6)
    assert reader.ledger.endpoints[me] == "http://store2" and reader.ledger.announcements[me] == 2
