"""From a step in PyTorch to a checked workload: traced twice, compared, validated, and run against eager PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.fx import GraphModule

from touchstone.capture import verify
from touchstone.capture.eager import EagerRun
from touchstone.capture.lower import lower
from touchstone.capture.seeding import seeded
from touchstone.capture.timetable import tabulate
from touchstone.capture.trace import bits, is_same_record, record, trace
from touchstone.capture.twin import ModelTwin
from touchstone.capture.work import Job
from touchstone.machine import validity
from touchstone.machine.workload import Workload


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
        twin, recorded = _recorded(make_twin, job, 1)
        again, other = _recorded(make_twin, job, 2)
        workload = _lowered(twin, recorded, job, info)
        if not _is_same_start(twin, again) or not is_same_record(recorded, other):  # what differs may be without effect
            verify.check_same(workload, _lowered(again, other, job, info))
        validity.check(workload.program)
        if check:
            verify.check_against_eager(workload, job, run, check)
    return workload


def _recorded(make_twin: Callable[[], ModelTwin], job: Job, seed: int) -> tuple[ModelTwin, GraphModule]:
    """A fresh twin, and its step as it runs under a seed of everything that draws random numbers."""
    twin = make_twin()
    with seeded(seed):
        return twin, record(twin, job.batch(0))


def _is_same_start(first: ModelTwin, second: ModelTwin) -> bool:
    """Whether the leaves are the same, in name and every bit."""
    one, other = ([(leaf.name, bits(leaf.tensor)) for leaf in twin.leaves] for twin in (first, second))
    return one == other


def _lowered(twin: ModelTwin, recorded: GraphModule, job: Job, info: dict[str, object]) -> Workload:
    with seeded(1):
        step = trace(twin, job.batch(0), recorded)
    timetable = tabulate(step, [leaf.tensor for leaf in twin.leaves], job.rates)
    return lower(step, twin.leaves, job, timetable, info)
