"""Families of jobs: posted together, told apart, gone on with after a crash."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.agents.roles.test_market import SOLVER, SUBMITTER, VERIFIER, connect
from tests.agents.roles.workloads import regression
from tests.agents.roles.world import CHECKOUT, TIMEOUT, World
from touchstone.chain.errors import ChainUnavailableError
from touchstone.machine.workload import Workload
from touchstone.roles import family
from touchstone.roles.errors import UnknownFamilyError
from touchstone.store.errors import InvalidPackageError
from touchstone.store.tensors import unpack

TERMS = {"budget": 10**19, "interval_steps": 8, "value_of_time": 10**15}


def command(*arguments: str) -> list[dict[str, Any]]:
    """Run ``touchstone … --json`` in a process that can import torch, as who captures needs; what it prints but log lines."""
    script = str(Path(sys.executable).with_name("touchstone"))
    done = subprocess.run([script, *arguments, "--json"], capture_output=True, text=True, timeout=2 * TIMEOUT)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if '"msg"' not in line]


def broken() -> Workload:
    raise InvalidPackageError("this member is no workload; correct it")


def test_a_family_survives_a_crash_and_a_broken_member_and_pays_for_nothing_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    members = {"seed=20": regression(16, seed=20), "broken": broken, "seed=21": lambda: regression(16, seed=21)}
    world.agent(SOLVER, "solver", "run", options=["--fixed-price", "1"])
    world.agent(VERIFIER, "verifier", "run", options=["--stake", "100"])
    post_job = family.post_job

    def cut_off(node, package, *arguments, **options):  # type: ignore[no-untyped-def]
        if package.workload.info["seed"] == 21:
            raise ChainUnavailableError("the line is cut; call again")
        return post_job(node, package, *arguments, **options)

    with connect(world) as market, market.serve(patience=3):
        with pytest.raises(UnknownFamilyError, match="no family 'seeds' was posted"):
            market.family("seeds")
        monkeypatch.setattr(family, "post_job", cut_off)
        with pytest.raises(ChainUnavailableError):
            market.submit_family("seeds", members, **TERMS)
        monkeypatch.undo()
        (begun,) = [member for member in market.family("seeds") if member.job is not None]
        first = {member.label: member for member in market.submit_family("seeds", members, **TERMS)}
        assert list(first) == list(members)
        assert first["seed=20"].job == begun.job and "this member is no workload" in first["broken"].error
        done = market.wait_family("seeds", poll=0.2)
        assert {member.label: member.status.status for member in done if member.status} == {"seed=20": "settled", "seed=21": "settled"}, (
            world.messages(SOLVER, "solver")
        )
        again = market.submit_family("seeds", members, **TERMS)
        assert [member.job for member in again] == [first[label].job for label in members]
        changed = market.submit_family("seeds", {"seed=20": regression(24, seed=20)}, **TERMS)
        assert changed[0].job not in {member.job for member in again}
        assert market.cancel(changed[0].job or 0)
        (reposted,) = market.submit_family("seeds", {"seed=20": regression(24, seed=20)}, **TERMS)
        assert reposted.job not in {None, changed[0].job}
        market.cancel(reposted.job or 0)


def test_a_sweep_is_posted_followed_and_downloaded_on_the_command_line(world: World, tmp_path: Path) -> None:
    world.agent(SOLVER, "solver", "run", options=["--fixed-price", "1"])
    world.agent(VERIFIER, "verifier", "run", options=["--stake", "100"])
    sweep = [str(CHECKOUT / "scripts" / "examples" / "sweep.py"), "--budget", "10", "--value-of-time", "0.001", "--interval", "8"]
    sizes = ["--set", "steps=16", "--set", "rates=[0.001, 0.01]", "--set", "widths=[8]", "--poll", "0.2", "--patience", "3"]
    mine = world.arguments(SUBMITTER)
    members = command("family", "submit", *sweep, *sizes, *mine)[-1]["members"]
    assert [(member["member"], member["status"]) for member in members] == [
        ("rate=0.001 hidden=8", "settled"),
        ("rate=0.01 hidden=8", "settled"),
    ]
    assert members == command("family", "status", "sweep", *mine)[0]["members"]
    command("family", "download", "sweep", "--output", str(tmp_path / "sweep"), *mine)
    for member in members:
        names, arrays = unpack((tmp_path / "sweep" / f"{member['member']}.safetensors").read_bytes())
        assert member["loss"] == dict(zip(names, arrays, strict=True))["loss_history"][-1]
    assert members[0]["loss"] != members[1]["loss"] and all(np.isfinite(member["loss"]) for member in members)
    (quoted,) = command("quote", sweep[0].replace("sweep", "digits_mlp"), "--past", *mine[:2], *mine[-2:])
    assert float(quoted["expected_price"]) > 0 and "settled jobs" in quoted["price_from"]
