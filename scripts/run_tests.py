"""Run every test suite of the project, one after the other, and fail if any failed.

    python scripts/run_tests.py [SUITE …]

Suites: ``forge`` (Solidity fuzzing), ``ape`` (contracts on a local chain), ``python`` (everything else).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
SUITES = {
    "forge": [str(ROOT / "node_modules/.bin/forge"), "test"],
    "python": [str(BIN / "pytest"), "-p", "no:ape_test", "tests", "--ignore=tests/contracts", "--ignore=tests/e2e"],
    "ape": [str(BIN / "ape"), "test", "tests/contracts"],
    "e2e": [str(BIN / "pytest"), "-p", "no:ape_test", "tests/e2e"],
}


def main(names: list[str]) -> int:
    """Run the named suites (all of them by default) and return the exit code."""
    unknown = set(names) - set(SUITES)
    if unknown:
        raise SystemExit(f"unknown suite {sorted(unknown)}; choose from {sorted(SUITES)}")
    failed = []
    for name in names or SUITES:
        print(f"\n=== {name}: {' '.join(SUITES[name])}", flush=True)
        started = time.monotonic()
        # Nothing in the tests may find a provider, a key or a proxy by accident.
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("TOUCHSTONE_", "WEB3_"))}
        code = subprocess.run(SUITES[name], cwd=ROOT, env=environment, check=False).returncode
        print(f"=== {name}: exit code {code} after {time.monotonic() - started:.0f} s", flush=True)
        if code:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
