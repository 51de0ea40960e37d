"""The demo is the product's main job: it must work, tell the truth, and stay within its gas."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHECKPOINTS = 8
MOST_GAS_PER_JOB = 900_000 + 60_000 * CHECKPOINTS
MOST_DISPUTE_MOVES = 12
MOST_DISPUTE_GAS = 1_500_000
OUTSIDE_THE_JOB = ("audits", "approvals, stake, announcements")
DISPUTE_PHASES = ("challenge", "dispute moves", "final proof")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """The story and the report of one run, with a solver that flips a bit."""
    return run_demo(tmp_path_factory.mktemp("flip"), "flip", seed=7)


def run_demo(folder: Path, fault: str, seed: int) -> tuple[str, dict[str, Any]]:
    words = [sys.executable, "-m", "scripts.demo", f"--seed={seed}", f"--fault={fault}", f"--report={folder}"]
    environment = {**os.environ, "COLUMNS": "130"}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=540, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return (folder / "story.txt").read_text(), json.loads((folder / "report.json").read_text())


def gas_of(job: dict[str, Any], phases: tuple[str, ...]) -> int:
    return sum(job["gas"].get(phase, 0) for phase in phases)


def test_an_honest_job_is_paid_and_its_result_recomputed_bit_for_bit(demo: tuple[str, dict[str, Any]]) -> None:
    text, report = demo
    assert "JobEnded" in report["A"]["events"] and "Attested" in report["A"]["events"]
    assert not {"Challenged", "Convicted"} & set(report["A"]["events"])
    assert report["A"]["events"].count("BidRevealed") == 2
    assert "every weight equal, bit for bit" in text


def test_the_market_and_eager_pytorch_reach_the_same_accuracy(demo: tuple[str, dict[str, Any]]) -> None:
    line = next(line for line in demo[0].splitlines() if "test accuracy" in line)
    ours, theirs = (float(word.rstrip("%")) for word in line.split() if word.endswith("%"))
    assert ours > 90 and abs(ours - theirs) < 1.5


def test_the_cheating_solver_is_convicted_by_a_recomputed_word_and_the_job_goes_on(demo: tuple[str, dict[str, Any]]) -> None:
    text, report = demo
    events = report["B"]["events"]
    assert events.count("Convicted") == 1 and events.count("RoundOpened") == 2 and events.count("StakeSettled") == 2
    assert text.count("the referee recomputes element") == 2, "once against the cheating solver, once against the dishonest verifier"
    assert "solver Mallory is convicted by proof" in text


def test_a_false_challenge_costs_its_bond_and_nothing_else(demo: tuple[str, dict[str, Any]]) -> None:
    text, report = demo
    assert "ChallengeFailed" in report["C"]["events"] and "Convicted" not in report["C"]["events"]
    assert "verifier Trudy loses dispute" in text
    assert re.search(r"dispute \d+: solver (Ada|Ben) wins by proof", text[text.index("Job C") :])


def test_all_three_jobs_end_in_the_same_state(demo: tuple[str, dict[str, Any]]) -> None:
    assert len({job["final_root"] for job in demo[1].values()}) == 1


def test_gas_stays_within_what_is_promised(demo: tuple[str, dict[str, Any]]) -> None:
    report = demo[1]
    honest = report["A"]
    assert sum(honest["gas"].values()) - gas_of(honest, OUTSIDE_THE_JOB) <= MOST_GAS_PER_JOB
    for job in (report["B"], report["C"]):
        moves = sum(job["transactions"].get(phase, 0) for phase in DISPUTE_PHASES)
        assert moves <= MOST_DISPUTE_MOVES
        assert gas_of(job, DISPUTE_PHASES) <= MOST_DISPUTE_GAS


def test_a_solver_that_skips_the_work_of_a_step_is_convicted_too(tmp_path: Path) -> None:
    text, report = run_demo(tmp_path, "skip", seed=3)
    assert report["B"]["events"].count("Convicted") == 1
    assert "skips the work of step" in text
