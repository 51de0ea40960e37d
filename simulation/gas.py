"""Gas of every kind of call, from the snapshot files that the tests of the contracts keep."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SNAPSHOTS = Path(__file__).resolve().parent.parent / "tests" / "contracts" / "gas"
LONG_JOB, LONG_CHECKPOINTS = "honest job, 64 checkpoints in batches of 16", 64
FIXED = ("post", "bids", "reveals", "assign", "withdrawals")


@dataclass(frozen=True)
class GasTable:
    """Gas units.

    Attributes:
        fixed: everything that a job needs once, with the bidders of the snapshot.
        checkpoint: commitment and finality of one checkpoint, in full batches.
        attest: one attestation.
        seed: recording one seed; a batch of commitments shares one.
        dispute: all moves of a dispute at the court's design point, both sides.
        batch: checkpoints that share a seed.
    """

    fixed: int
    checkpoint: int
    attest: int
    seed: int
    dispute: int
    batch: int = 16

    def job(self, intervals: int, audit_rate: float) -> float:
        """Gas of a whole honest job, its expected audits included."""
        seeds = -(-intervals // self.batch)
        return self.fixed + intervals * (self.checkpoint + audit_rate * self.attest) + seeds * self.seed


def read_gas() -> GasTable:
    """The figures of this version of the contracts. Raises KeyError when the snapshots no longer have them."""
    market, dispute = _snapshot("market"), _snapshot("dispute")
    job, calls = market[LONG_JOB], market["audits and disputes"]
    return GasTable(
        fixed=sum(job[name] for name in FIXED),
        checkpoint=round((job["commitments"] + job["finality"]) / LONG_CHECKPOINTS),
        attest=calls["attest"],
        seed=calls["record a seed"],
        # The dearest of the ways in which the snapshots measure it.
        dispute=max(figures["total"] for name, figures in dispute.items() if name.startswith("design point")),
    )


def _snapshot(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((SNAPSHOTS / f"{name}.json").read_text())
    return content
