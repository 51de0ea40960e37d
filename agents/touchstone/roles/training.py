"""Training a job: from a state to its checkpoints, each kept in the store and journaled as soon as it is computed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from touchstone.commitment.roots import seal, state_root
from touchstone.machine.executor import Executor
from touchstone.machine.program import Program
from touchstone.machine.workload import Array
from touchstone.roles.journal import RoleJournal, Timing, TrainedCheckpoint
from touchstone.roles.records import JobSpec
from touchstone.store.local import LocalStore
from touchstone.store.states import put_state

ExecutorFactory = Callable[[Program, Sequence[Array]], Executor]
"""Makes a machine for a program and its constants."""

OnCheckpoint = Callable[[TrainedCheckpoint], None]

_WAITING = 2


class TrainingStoppedError(RuntimeError):
    """Training was asked to stop; what was computed is kept."""


@dataclass(frozen=True)
class Assignment:
    """What is to be trained: intervals ``first`` to the end of ``job``, in auction round ``round``."""

    job: int
    round: int
    spec: JobSpec
    first: int


class Trainer:
    """Runs an assignment and seals its checkpoints.

    The machine computes while another thread hashes and stores the states of the interval before; at most two intervals wait for it, so
    memory stays bounded.

    Args:
        executor: the machine, made for the job's program.
        names: the program's slot names.
        store: where states go.
        journal: where checkpoints are recorded, in order, each after its state is in the store.
        on_checkpoint: called after each.
        should_stop: asked between intervals.
    """

    def __init__(
        self,
        executor: Executor,
        names: Sequence[str],
        store: LocalStore,
        journal: RoleJournal,
        on_checkpoint: OnCheckpoint | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._executor = executor
        self._names = names
        self._store = store
        self._journal = journal
        self._on_checkpoint = on_checkpoint
        self._should_stop = should_stop

    def run(self, assignment: Assignment, state: Sequence[Array]) -> None:
        """Train from ``state``, the state before interval ``assignment.first``, to the end of the job.

        Raises:
            TrainingStoppedError: it was asked to stop.
        """
        self._executor.load(state)
        sealing: list[Future[None]] = []
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="sealing") as pool:
            for interval in range(assignment.first, assignment.spec.intervals):
                if self._should_stop():
                    raise TrainingStoppedError("stopped")
                started = time.perf_counter()
                before, end = self._compute(assignment.spec.length(interval))
                timing = Timing(assignment.job, "training", time.perf_counter() - started, assignment.spec.length(interval))
                sealing.append(pool.submit(self._seal, assignment, interval, before, end, timing))
                while len(sealing) > _WAITING:
                    sealing.pop(0).result()
            for waiting in sealing:
                waiting.result()

    def _compute(self, length: int) -> tuple[list[Array], list[Array]]:
        """The states one step before the end of an interval of ``length`` steps, and at its end."""
        self._executor.run(length - 1)
        before = self._executor.state()
        self._executor.run(1)
        return before, self._executor.state()

    def _seal(self, assignment: Assignment, interval: int, before: list[Array], end: list[Array], trained: Timing) -> None:
        started = time.perf_counter()
        root = state_root(end)
        locked = seal(assignment.job, interval, state_root(before))
        cid = put_state(self._store, self._names, end, root)
        checkpoint = TrainedCheckpoint(assignment.job, assignment.round, interval, root, locked, cid)
        sealed = Timing(assignment.job, "sealing", time.perf_counter() - started)
        self._journal.add_checkpoint(checkpoint, [trained, sealed])
        if self._on_checkpoint is not None:
            self._on_checkpoint(checkpoint)
