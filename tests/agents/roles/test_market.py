"""The market as a Python object."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.agents.roles.workloads import regression
from tests.agents.roles.world import World
from touchstone import Market
from touchstone.chain.devnet import PASSWORD
from touchstone.chain.errors import ContractRevertError, WrongPasswordError
from touchstone.machine.runtime import NativeMachine
from touchstone.roles.submitter import Offer

SUBMITTER, SOLVER, VERIFIER = 8, 2, 4


def connect(world: World, password: str = PASSWORD) -> Market:
    net = world.net
    return Market.connect(net.deployment_file, f"dev{SUBMITTER}", password, keystore=net.keystore, data=world.directory / "market")


def test_a_job_is_quoted_submitted_followed_and_downloaded(world: World) -> None:
    workload = regression(16, seed=10)
    world.agent(SOLVER, "solver", "run", options=["--fixed-price", "1"])
    world.agent(VERIFIER, "verifier", "run", options=["--stake", "100"])
    with connect(world) as market:
        quote = market.quote(workload, Offer(10**18, 8))
        assert quote.intervals == 2 and quote.escrow > 10**18
        with pytest.raises(ContractRevertError, match="BadIntervals"):
            market.submit(workload, budget=10**18, interval_steps=15)
        with market.serve(patience=3):
            job = market.submit(workload, budget=10**19, interval_steps=8, value_of_time=10**15)
            assert market.submit(workload, budget=10**19, interval_steps=8, value_of_time=10**15) == job
            seen = [status.status for status in market.watch(job, poll=0.2)]
            assert seen[0] == "open" and seen[-1] == "settled"
            result = market.rerun(job)
        assert [status.job for status in market.jobs()].count(job) == 1
        assert market.story(job)[-1].event == "JobEnded"
    machine = NativeMachine(workload.program, workload.constants)
    machine.load(workload.state)
    machine.run(workload.steps)
    assert all(np.array_equal(mine, theirs) for mine, theirs in zip(machine.state(), result.state, strict=True))


def test_a_wrong_password_is_refused(world: World) -> None:
    with pytest.raises(WrongPasswordError):
        connect(world, "wrong")


@pytest.mark.parametrize("blocked", ["torch", "web3"])
def test_importing_the_package_needs_neither_torch_nor_web3(blocked: str) -> None:
    code = f"import sys; sys.modules[{blocked!r}] = None; import touchstone"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


def test_the_roles_do_not_import_torch() -> None:
    code = "import sys; sys.modules['torch'] = None; import touchstone.market, touchstone.roles.solver, touchstone.roles.verifier"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
