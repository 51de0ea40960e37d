"""An agent's own replays of disputed or audited intervals, kept while a dispute goes on."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from touchstone.commitment.replay import Replay
from touchstone.dispute.player import Player
from touchstone.dispute.truth import Truth
from touchstone.machine.workload import Array
from touchstone.roles.training import ExecutorFactory
from touchstone.store.package import Package

_KEPT = 4


class Interval:
    """One interval as this agent computes it. Its methods may be called from one thread at a time: hold ``lock``."""

    def __init__(self, package: Package, state: Sequence[Array], steps: int, make_executor: ExecutorFactory) -> None:
        workload = package.workload
        self.steps = steps
        self.replay = Replay(make_executor(workload.program, workload.constants), state, steps)
        self.player = Player(Truth(workload.program, workload.constants, self.replay))
        self.lock = threading.Lock()

    def roots(self) -> tuple[bytes, bytes]:
        """State roots one step before the end, and at the end."""
        before = self.replay.state_root(self.steps - 1)
        return before, self.replay.state_root(self.steps)


class Truths:
    """The last few intervals that were looked at, by job, start root and length."""

    def __init__(self, make_executor: ExecutorFactory) -> None:
        self._make_executor = make_executor
        self._intervals: OrderedDict[tuple[str, bytes, int], Interval] = OrderedDict()
        self._lock = threading.Lock()

    def interval(self, package: Package, root: bytes, state: Sequence[Array], steps: int) -> Interval:
        """The interval of ``steps`` steps from ``state``, whose root is ``root``."""
        key = (package.cid, root, steps)
        with self._lock:
            if key not in self._intervals:
                self._intervals[key] = Interval(package, state, steps, self._make_executor)
                if len(self._intervals) > _KEPT:
                    self._intervals.popitem(last=False)
            self._intervals.move_to_end(key)
            return self._intervals[key]
