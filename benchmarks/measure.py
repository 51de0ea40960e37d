"""What the benchmarks share: fair timing, facts about the machine, and results files that diff."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
_SETTLE_SECONDS = 0.05


def interleave(sides: Sequence[Callable[[], None]], rounds: int, repeat: int) -> list[list[float]]:
    """Seconds per call of each side, one entry per round.

    The sides take turns, so that a machine that gets slower or busier touches all alike. Each turn begins with one call that does not
    count, after a pause that lets the other side's threads go to sleep.
    """
    times: list[list[float]] = [[] for _ in sides]
    for _ in range(rounds):
        for side, mine in zip(sides, times, strict=True):
            time.sleep(_SETTLE_SECONDS)
            side()
            start = time.perf_counter()
            for _ in range(repeat):
                side()
            mine.append((time.perf_counter() - start) / repeat)
    return times


def compare(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, Any]:
    """Ratio of the medians (below 1: ours is faster), and the range of the ratios of single rounds."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return {
        "ratio": round(statistics.median(ours) / statistics.median(theirs), 3),
        "range": [round(min(ratios), 3), round(max(ratios), 3)],
        "rounds": len(ratios),
    }


def machine_facts() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "system": platform.system(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }


def write_results(name: str, results: dict[str, Any]) -> Path:
    """Write ``benchmarks/results/<name>.json`` and return its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(results, indent=2) + "\n")
    return path


def _processor() -> str:
    """Name, family and model: processors of several generations share a name, and differ twofold in speed."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor()
    facts: dict[str, str] = {}
    for line in info.read_text().splitlines():
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    if "model name" not in facts:
        return platform.machine()
    return f"{facts['model name']} (family {facts.get('cpu family')}, model {facts.get('model')})"
