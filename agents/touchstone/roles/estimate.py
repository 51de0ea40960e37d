"""What a job will probably cost and how long it takes: from the cost model, a trial run, and what past jobs were paid."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from touchstone.errors import TouchstoneError
from touchstone.machine.cost import cost
from touchstone.machine.executor import Executor
from touchstone.machine.workload import Workload
from touchstone.roles.ledger import JobRecord, Ledger
from touchstone.roles.library import JobLibrary
from touchstone.roles.records import Status

TRIAL_STEPS = 2
TERA = 10**12
_PAST_JOBS = 10


@dataclass(frozen=True)
class GoingRate:
    """The median price of past jobs: base units of the token for 10^12 operations of the cost model, and how many jobs it is of."""

    per_tera: int
    jobs: int


def trial_seconds(machine: Executor, workload: Workload, clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds one step takes on this machine, after one to warm up."""
    machine.load(workload.state)
    machine.run(1)
    started = clock()
    machine.run(TRIAL_STEPS)
    return (clock() - started) / TRIAL_STEPS


def expected_price(workload: Workload, per_tera: int) -> int:
    """Base units for the whole job at a price per 10^12 operations, rounded up."""
    return -(-cost(workload.program).operations * workload.steps * per_tera // TERA)


def going_rate(ledger: Ledger, library: JobLibrary) -> GoingRate | None:
    """What the latest settled jobs, at most ten, were paid; their programs are fetched. None when no program is to be had."""
    settled = [job for job in ledger.jobs.values() if job.ended is Status.SETTLED]
    found = [rate for rate in (_rate(job, ledger, library) for job in settled[-_PAST_JOBS:]) if rate is not None]
    return GoingRate(round(median(found)), len(found)) if found else None


def _rate(job: JobRecord, ledger: Ledger, library: JobLibrary) -> float | None:
    try:
        operations = cost(library.program(job, ledger)).operations * job.spec.steps
    except TouchstoneError:  # nobody serves it any more, or it is not what was posted
        return None
    return sum(job.paid.values()) * TERA / operations if operations else None
