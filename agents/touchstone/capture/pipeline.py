"""From a step in PyTorch to a checked workload: traced twice, compared, validated, and run against eager PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from touchstone.capture import verify
from touchstone.capture.eager import EagerRun
from touchstone.capture.lower import lower
from touchstone.capture.seeding import seeded
from touchstone.capture.timetable import tabulate
from touchstone.capture.trace import trace
from touchstone.capture.twin import ModelTwin
from touchstone.capture.work import Job
from touchstone.machine import validity
from touchstone.machine.workload import Workload

_TRACE_SEEDS = (1, 2)


def captured(make_twin: Callable[[], ModelTwin], job: Job, info: dict[str, object], run: EagerRun, check: Sequence[int]) -> Workload:
    """The workload of a job.

    Args:
        make_twin: makes a fresh copy of what a step consists of.
        job: what the step is repeated with.
        info: facts for people.
        run: the same job in eager PyTorch.
        check: which steps to compare with it.

    Raises:
        CaptureError: one of its subclasses says what cannot be captured, where, and what to use instead.
    """
    with torch.enable_grad():
        first, second = (_trace_and_lower(make_twin(), job, info, trace_seed) for trace_seed in _TRACE_SEEDS)
        verify.check_same(first, second)
        validity.check(first.program)
        if check:
            verify.check_against_eager(first, job, run, check)
    return first


def _trace_and_lower(twin: ModelTwin, job: Job, info: dict[str, object], trace_seed: int) -> Workload:
    with seeded(trace_seed):
        step = trace(twin, job.batch(0))
    timetable = tabulate(step, [leaf.tensor for leaf in twin.leaves], job.rates)
    return lower(step, twin.leaves, job, timetable, info)
