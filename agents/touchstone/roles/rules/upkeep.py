"""Steps of a job that anyone may take: recording seeds, summoning and dismissing verifiers, making intervals final.

Several agents want each of them done. Every role waits another ``patience`` (seconds of the chain's time) after a step became possible, so
that normally one of them pays for it, and all of them see to it when that one is gone.
"""

from __future__ import annotations

from collections.abc import Iterator

from touchstone.roles.actions import Action, RecordBeacon, Send
from touchstone.roles.records import MAX_BATCH, Status
from touchstone.roles.view import IntervalView, JobView, View


def upkeep(view: View, job: JobView, patience: int) -> Iterator[Action]:
    """Everything that brings the job's committed intervals nearer to finality."""
    for interval in job.intervals:
        if interval.audit.attested:
            continue
        yield from _seed(view, job, interval, patience)
        yield from _seat(view, job, interval, patience)
    yield from _finality(view, job, patience)


def seeds(view: View, job: JobView, patience: int) -> Iterator[Action]:
    """Only the recording of seeds, which a verifier needs to know whether it is drawn."""
    for interval in job.intervals:
        if not interval.audit.attested:
            yield from _seed(view, job, interval, patience)


def is_ready(view: View, interval: IntervalView) -> bool:
    """Whether an interval can become final once those before it are."""
    closes_at = interval.commitment.checkpoint.committed_at + view.parameters.window
    if view.time < closes_at or interval.audit.disputes:
        return False
    return interval.audit.attested or (interval.draw is not None and not interval.draw.needs_answer)


def _seed(view: View, job: JobView, interval: IntervalView, patience: int) -> Iterator[Action]:
    if interval.seed_recorded or not interval.seed_since or view.time < interval.seed_since + patience:
        return
    checkpoint = interval.commitment.checkpoint
    if not interval.lapsed:
        yield RecordBeacon(checkpoint.beacon_block)
        return
    yield Send(
        *("JobMarket", "renew", (job.number, interval.interval, checkpoint)),
        key=f"job {job.number} interval {interval.interval} renew {checkpoint.beacon_block}",
        why=f"give interval {interval.interval} of job {job.number} a fresh draw, its seed lapsed",
    )


def _seat(view: View, job: JobView, interval: IntervalView, patience: int) -> Iterator[Action]:
    audit = interval.audit
    if interval.draw is None or not interval.draw.needs_answer or audit.disputes or audit.withheld:
        return
    arguments = (job.number, interval.interval, interval.commitment.checkpoint)
    name = f"job {job.number} round {job.state.round} interval {interval.interval}"
    # A willing verifier answers unasked; half a window is left to it before its clock is started.
    asked_at = interval.seat_since + view.parameters.window // 2 + patience
    if not audit.answer_by and view.time >= asked_at:
        yield Send("JobMarket", "summon", arguments, f"{name} summon {audit.attempt}", f"summon {interval.draw.verifier} to audit {name}")
    if audit.answer_by and view.time >= audit.answer_by + patience:
        yield Send(
            "JobMarket", "dismiss", arguments, f"{name} dismiss {audit.attempt}", f"dismiss {audit.verifier}, who did not audit {name}"
        )


def _finality(view: View, job: JobView, patience: int) -> Iterator[Action]:
    """Makes intervals final as many at a time as come together, which saves gas, but does not wait for one that is held up."""
    ready: list[IntervalView] = []
    for interval in job.intervals[:MAX_BATCH]:
        if not is_ready(view, interval):
            break
        ready.append(interval)
    if not ready or view.time < _closes_at(view, ready[-1]) + patience:
        return
    following = job.intervals[len(ready)] if len(job.intervals) > len(ready) else None
    if len(ready) < MAX_BATCH and following is not None and view.time < _closes_at(view, following):
        return
    if len(ready) < MAX_BATCH and following is None and not _is_complete(job):
        return
    first = job.state.finalised
    yield Send(
        *("JobMarket", "finalise", (job.number, [interval.commitment.checkpoint for interval in ready])),
        key=f"job {job.number} round {job.state.round} finalise {first}",
        why=f"make intervals {first} to {first + len(ready) - 1} of job {job.number} final",
    )


def _closes_at(view: View, interval: IntervalView) -> int:
    return interval.commitment.checkpoint.committed_at + view.parameters.window


def _is_complete(job: JobView) -> bool:
    """Whether no further checkpoint will be committed in this round."""
    return job.state.status is Status.ENDING or job.state.committed == job.state.intervals
