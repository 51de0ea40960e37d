"""Run every test suite of the project, two at a time, and fail if any failed.

    python scripts/run_tests.py [SUITE …]

Suites: ``ape`` (contracts on a local chain), ``python`` (everything else but the following), ``capture`` (PyTorch on the machine), ``e2e``
(the demo), ``forge`` (Solidity fuzzing). Half of their time they wait for blocks, so two share two processors well. Each one's output is
shown when it ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PYTEST = [str(BIN / "pytest"), "-p", "no:ape_test", "--durations=5"]
SUITES = {  # the longest first
    "ape": [str(BIN / "ape"), "test", "tests/contracts", "--durations=5"],
    "python": [*PYTEST, "tests", "--ignore=tests/contracts", "--ignore=tests/capture", "--ignore=tests/e2e"],
    "capture": [*PYTEST, "tests/capture"],
    "e2e": [*PYTEST, "tests/e2e"],
    "forge": [str(ROOT / "node_modules/.bin/forge"), "test"],
}
AT_A_TIME = 2


def run_suite(name: str) -> tuple[str, int, float, str]:
    """Run a suite; return its name, exit code, seconds and output."""
    started = time.monotonic()
    # Nothing in the tests may find a provider, a key or a setting by accident.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("TOUCHSTONE_", "WEB3_"))}
    done = subprocess.run(SUITES[name], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return name, done.returncode, time.monotonic() - started, done.stdout


def main(names: list[str]) -> int:
    """Run the named suites (all of them by default) and return the exit code."""
    unknown = set(names) - set(SUITES)
    if unknown:
        raise SystemExit(f"unknown suite {sorted(unknown)}; choose from {sorted(SUITES)}")
    chosen = names or list(SUITES)
    print(f"running {', '.join(chosen)}; each shows its output when it ends", flush=True)
    failed = []
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for suite in as_completed([pool.submit(run_suite, name) for name in chosen]):
            name, code, seconds, output = suite.result()
            print(f"\n=== {name}\n{output}\n=== {name}: exit code {code} after {seconds:.0f} s", flush=True)
            if code:
                failed.append(name)
    print(f"failed: {', '.join(failed)}" if failed else f"all passed: {', '.join(chosen)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
