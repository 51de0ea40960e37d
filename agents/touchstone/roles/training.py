"""Training a job: from a state to its checkpoints, each kept in the store and journaled as soon as it is computed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue

from touchstone.commitment.merkle import root
from touchstone.commitment.roots import seal
from touchstone.machine.executor import Executor
from touchstone.machine.program import Program
from touchstone.machine.workload import Array
from touchstone.roles.journal import RoleJournal, Timing, TrainedCheckpoint
from touchstone.roles.records import JobSpec
from touchstone.store.cid import Cid, cid_of
from touchstone.store.local import LocalStore
from touchstone.store.states import state_file
from touchstone.store.tensors import TensorFile

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


@dataclass(frozen=True)
class _Sealed:
    """A checkpoint whose state is still only in memory."""

    checkpoint: TrainedCheckpoint
    cid: Cid
    file: TensorFile
    timings: tuple[Timing, Timing]


class _Clock:
    """Seconds since the last lap."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    def lap(self) -> float:
        now = time.perf_counter()
        passed, self._last = now - self._last, now
        return passed


class Trainer:
    """Runs an assignment and seals its checkpoints.

    The machine hashes its slots itself, between two steps, with the threads that compute: more threads than processors would only make
    them wait for each other. Writing a state to the disk is mostly waiting, and another thread does it while the machine goes on; at most
    two states wait for it, in files that are used again, so memory stays bounded.

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
        self._files: SimpleQueue[TensorFile] = SimpleQueue()
        for _ in range(_WAITING + 1):
            self._files.put(state_file(names, executor.program))
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
        storing: list[Future[None]] = []
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="storing") as pool:
            for interval in range(assignment.first, assignment.spec.intervals):
                if self._should_stop():
                    raise TrainingStoppedError("stopped")
                sealed = self._compute(assignment, interval)
                storing.append(pool.submit(self._store_state, sealed))
                while len(storing) > _WAITING:
                    storing.pop(0).result()
            for waiting in storing:
                waiting.result()

    def _compute(self, assignment: Assignment, interval: int) -> _Sealed:
        """Run an interval, with the roots one step before its end and at its end."""
        length = assignment.spec.length(interval)
        clock = _Clock()
        self._executor.run(length - 1)
        computing = clock.lap()
        before = root(self._executor.slot_roots())
        sealing = clock.lap()
        self._executor.run(1)
        computing += clock.lap()
        end = root(self._executor.slot_roots())
        file = self._files.get()
        self._executor.state(file.arrays)
        cid = cid_of(file.data, self._executor.hash_blocks)
        sealing += clock.lap()
        checkpoint = TrainedCheckpoint(assignment.job, assignment.round, interval, end, seal(assignment.job, interval, before), cid)
        timings = (Timing(assignment.job, "training", computing, length), Timing(assignment.job, "sealing", sealing))
        return _Sealed(checkpoint, cid, file, timings)

    def _store_state(self, sealed: _Sealed) -> None:
        checkpoint = sealed.checkpoint
        try:
            self._store.put_hashed(sealed.file.data, sealed.cid)
            self._store.link(checkpoint.root, sealed.cid)
        finally:
            self._files.put(sealed.file)
        self._journal.add_checkpoint(checkpoint, sealed.timings)
        if self._on_checkpoint is not None:
            self._on_checkpoint(checkpoint)
