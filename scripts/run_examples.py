"""Run the examples as jobs on a local chain, with a solver and a verifier, and show what each gave.

    python -m scripts.run_examples [NAME …]

Files of ``scripts/examples`` have a function ``build_workload`` or ``build_family``, as the command line wants them, or ``run``, which is
given the market and returns the numbers of its jobs.
"""

from __future__ import annotations

import runpy
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from scripts.demo.processes import Cast
from touchstone import Market
from touchstone.chain.devnet import PASSWORD
from touchstone.cli.workload import BUILDER, FAMILY_BUILDER, build_family, build_workload
from touchstone.machine.workload import Workload

EXAMPLES = Path(__file__).parent / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))
RUNNER = "run"
FAMILY = "examples"
TIMES = {"bidPeriod": 6, "revealPeriod": 6, "window": 6, "answerPeriod": 12}
BUDGET = 10**19
Arguments = Mapping[str, Any]


@contextmanager
def market_of_examples(directory: Path) -> Iterator[Market]:
    """A chain with a solver and a verifier while the block runs; ``directory`` is for their data and logs."""
    with Cast(directory) as cast:
        chain = cast.start_chain(TIMES)
        cast.start("solver", "dev1", ["solver", "run", "--fixed-price=1", "--jobs=20", "--poll=0.25"])
        cast.start("verifier", "dev2", ["verifier", "run", "--stake=100", "--poll=0.25"])
        keystore, data = chain["keystore"], directory / "submitter"
        with Market.connect(chain["deployment"], "dev3", PASSWORD, keystore=keystore, data=data) as market, market.serve():
            yield market


def run_examples(market: Market, sizes: Mapping[str, Arguments], interval_steps: int | None = None) -> dict[str, int | str]:
    """Have the market do examples, all at once, and wait for the end.

    Args:
        market: where to post the jobs.
        sizes: names of examples, and arguments for their functions.
        interval_steps: steps between checkpoints; a fiftieth of each job by default.

    Returns:
        for each label the number of its job, or why it could not be posted.
    """
    functions = {name: _function_of(name) for name in sizes}
    members = {label: build for name, function in functions.items() for label, build in _members(name, function, sizes[name]).items()}
    posted = market.submit_family(FAMILY, members, budget=BUDGET, interval_steps=interval_steps) if members else []
    jobs: dict[str, int | str] = {member.label: member.job or member.error for member in posted}
    for name in (name for name, function in functions.items() if function == RUNNER):
        found = runpy.run_path(str(EXAMPLES / f"{name}.py"))[RUNNER](market, **sizes[name])
        jobs |= {f"{name}: {number}": job for number, job in enumerate(found)}
    if members:
        market.wait_family(FAMILY)
    return jobs


def _function_of(name: str) -> str:
    """What an example defines."""
    source = (EXAMPLES / f"{name}.py").read_text()
    return next(function for function in (BUILDER, FAMILY_BUILDER, RUNNER) if f"\ndef {function}(" in source)


def _members(name: str, function: str, arguments: Arguments) -> dict[str, Workload | Callable[[], Workload]]:
    """The jobs of an example, by label, that are posted together with those of the others."""
    path = EXAMPLES / f"{name}.py"
    if function == FAMILY_BUILDER:
        return {f"{name}: {label}": build for label, build in build_family(path, arguments).items()}
    return {name: partial(build_workload, path, arguments)} if function == BUILDER else {}


def main(names: list[str]) -> int:
    """Run the named examples, or all, print what each gave, and return the exit code."""
    unknown = set(names) - set(NAMES)
    if unknown:
        raise SystemExit(f"unknown example {sorted(unknown)[0]}; choose from {', '.join(NAMES)}")
    failed = 0
    with tempfile.TemporaryDirectory() as directory, market_of_examples(Path(directory)) as market:
        for label, job in run_examples(market, {name: {} for name in names or NAMES}).items():
            status = market.status(job).status if isinstance(job, int) else job
            failed += status != "settled"
            print(f"{label}: {status}", market.download(job).summary() if status == "settled" and isinstance(job, int) else "", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.path.insert(0, str(EXAMPLES))
    sys.exit(main(sys.argv[1:]))
