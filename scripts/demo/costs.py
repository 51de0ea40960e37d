"""What the demo's jobs took: transactions and gas by phase, read from the chain, and time, read from the agents' journals."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak

from scripts.demo.stage import Act, Stage
from touchstone.chain.contracts import signature

PHASES = {
    "post": ("post", "postWithPermit", "cancel"),
    "auction": ("bid", "reveal", "assign", "reclaim"),
    "checkpoints": ("commitCheckpoints",),
    "audits": ("record", "summon", "dismiss", "renew", "reportUnavailable", "confirmAvailable", "attest"),
    "challenge": ("challenge",),
    "dispute moves": ("dissect", "openStep", "openNode", "postOutput", "postChunk"),
    "final proof": ("proveWord", "settleCopy", "timeout"),
    "finality and pay": ("finalise", "withdraw", "expire", "abandon"),
    "approvals, stake, announcements": ("approve", "stake", "unstake", "announce", "permit"),
}
ACTIVITIES = {"training": "training", "sealing": "hashing and storing", "auditing": "auditing"}


@dataclass
class Costs:
    """Of one job: transactions and gas by phase, seconds by activity; ``checkpoints`` counts commitments, repeated ones included."""

    transactions: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    gas: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    seconds: dict[str, float] = field(default_factory=dict)
    checkpoints: int = 0


def costs_of(stage: Stage) -> dict[str, Costs]:
    """Costs by act. A transaction belongs to the job that was posted last: the jobs of the demo run one after the other."""
    found = {act.title: Costs() for act in stage.acts}
    names = _selectors(stage)
    for number, transaction in _transactions(stage):
        act = _act_at(stage, number)
        phase = _phase(names.get(bytes(transaction["input"])[:4], "?"))
        found[act.title].transactions[phase] += 1
        found[act.title].gas[phase] += int(stage.client.web3.eth.get_transaction_receipt(transaction["hash"])["gasUsed"])
    for act in stage.acts:
        costs = found[act.title]
        costs.seconds = _seconds(stage, act)
        costs.checkpoints = sum(len(event.values["roots"]) for event in act.record.events if event.name == "CheckpointsCommitted")
    return found


def _selectors(stage: Stage) -> dict[bytes, str]:
    abis = [stage.deployment.contract(name).abi for name in stage.deployment.contracts]
    return {keccak(text=signature(item))[:4]: item["name"] for abi in abis for item in abi if item["type"] == "function"}


def _transactions(stage: Stage) -> Iterator[tuple[int, Any]]:
    """Block number and transaction of everything from the first job's posting on."""
    for number in range(stage.acts[0].record.posted_in, stage.client.head() + 1):
        block = stage.client.web3.eth.get_block(number, full_transactions=True)
        for transaction in block["transactions"]:
            yield number, transaction


def _act_at(stage: Stage, block: int) -> Act:
    return max((act for act in stage.acts if act.record.posted_in <= block), key=lambda act: act.job)


def _phase(function: str) -> str:
    for phase, functions in PHASES.items():
        if function in functions:
            return phase
    return "other"


def _seconds(stage: Stage, act: Act) -> dict[str, float]:
    """Seconds of work by activity, summed over all agents, and the rest of the job's time, in which everybody waited for the chain."""
    totals = dict.fromkeys(ACTIVITIES.values(), 0.0)
    for journal in stage.cast.directory.glob("*/agents/*/facts.sqlite"):
        for activity, seconds in _timings(journal, act.job):
            totals[ACTIVITIES.get(activity, activity)] = totals.get(ACTIVITIES.get(activity, activity), 0.0) + seconds
    totals["waiting for the chain"] = max(0.0, act.seconds - sum(totals.values()))
    return totals


def _timings(journal: Path, job: int) -> list[tuple[str, float]]:
    with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as database:
        return database.execute("SELECT activity, sum(seconds) FROM timings WHERE job = ? GROUP BY activity", (job,)).fetchall()
