"""The standard campaign: every figure of docs/economics.md, as one file that diffs."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from simulation.economy import ROOT, Economy, standard_economy
from simulation.sections import auctions, cheating, costs, markets, matching, verifiers

FILE = ROOT / "docs" / "economics" / "results.json"
SEED = 20_260_101
DIGITS = 5

SECTIONS: dict[str, Callable[[Economy, np.random.Generator], Any]] = {
    "assumptions": lambda economy, _: assumptions(economy),
    "curve": cheating.curve,
    "numbers": cheating.numbers,
    "honest_share": cheating.honest_share,
    "grinding": lambda economy, _: cheating.grinding(economy),
    "withholding": cheating.withholding,
    "cells": cheating.cells,
    "rates": lambda economy, _: costs.rates(economy),
    "gas_shares": lambda economy, _: costs.gas_shares(economy),
    "incomes": verifiers.incomes,
    "inspection": lambda economy, _: verifiers.inspection(economy),
    "bidders": lambda _, rng: auctions.by_bidders(rng),
    "deviations": lambda _, rng: auctions.deviations(rng),
    "fake_bids": lambda _, rng: auctions.fake_bids(rng),
    "matching_loss": lambda _, rng: auctions.matching_loss(rng),
    "promises": lambda _, rng: auctions.promises(rng),
    "waiting": matching.waiting,
    "markets": markets.by_stake,
}


def assumptions(economy: Economy) -> dict[str, Any]:
    """What the campaign supposes, and the figures that follow from it without simulation."""
    parameters = {name: value for name, value in economy.parameters._asdict().items() if name not in ("treasury", "dispute_gas")}
    return {
        **{"seed": SEED, "parameters": parameters, "gas": asdict(economy.gas)},
        **{"capital": economy.capital, "duration": economy.duration, "replay": economy.replay, "price_in_million_gas": 1_000},
        **{"default_rate": cheating.DEFAULT_RATE, "default_intervals": cheating.DEFAULT_INTERVALS},
        "smallest_interval_million_gas": costs.smallest_interval(economy),
        "supported_verifier_stake": verifiers.supported_stake(economy),
    }


def section(name: str, economy: Economy | None = None) -> Any:
    """One section's figures. Its random numbers depend on the seed and its name alone."""
    rng = np.random.default_rng([SEED, zlib.crc32(name.encode())])
    return rounded(SECTIONS[name](economy or standard_economy(), rng))


def write(results: dict[str, Any], file: Path = FILE) -> None:
    """Write the figures, a line for each row."""
    file.parent.mkdir(parents=True, exist_ok=True)
    parts = []
    for name, content in results.items():
        rows = ",\n  ".join(json.dumps(row) for row in content) if isinstance(content, list) else None
        parts.append(f' "{name}": ' + (f"[\n  {rows}\n ]" if rows is not None else json.dumps(content, indent=2).replace("\n", "\n ")))
    file.write_text("{\n" + ",\n".join(parts) + "\n}\n")


def read(file: Path = FILE) -> dict[str, Any]:
    """The figures of the last campaign."""
    content: dict[str, Any] = json.loads(file.read_text())
    return content


def rounded(value: Any) -> Any:
    """The same with numbers of ``DIGITS`` digits."""
    if isinstance(value, dict):
        return {name: rounded(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(part) for part in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
