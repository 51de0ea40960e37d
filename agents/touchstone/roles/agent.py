"""The loop every role runs: look at the chain, decide, send, work; never twice, and never in a hurry to give up."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass

from touchstone.chain.contracts import Call
from touchstone.chain.errors import ContractRevertError, JournalConflictError, TransactionPendingError
from touchstone.chain.headers import header_bytes
from touchstone.chain.journal import Entry, State
from touchstone.chain.sender import Receipt
from touchstone.errors import TouchstoneError
from touchstone.roles.actions import Action, Challenge, Move, RecordBeacon, Remark, Send, Train, Work
from touchstone.roles.errors import RepeatedFailureError
from touchstone.roles.node import Node
from touchstone.roles.reader import MarketReader
from touchstone.roles.threads import in_background
from touchstone.roles.view import View

_LAST_SECONDS = 5.0
_URGENT_PAUSES = 4


@dataclass(frozen=True)
class LoopSettings:
    """How an agent loops.

    Attributes:
        poll: seconds between looks at the chain.
        failures: looks at the chain that may fail in a row before the agent stops.
        pause: seconds before an action that failed is tried again; doubled with each further failure.
        longest_pause: where the doubling ends.
        workers: things worked on at a time; trainings, challenges and moves are not counted.
        trainings: trainings at a time.
    """

    poll: float = 1.0
    failures: int = 60
    pause: float = 1.0
    longest_pause: float = 60.0
    workers: int = 4
    trainings: int = 1


Outcome = Send | None
"""What work leads to: a transaction, or nothing but what it journaled."""


class Agent:
    """A role's process. A subclass says what to do (:meth:`decide`) and how to do what is more than a transaction (:meth:`work`).

    Args:
        node: account, chain, store, journals.
        settings: of the loop.
        name: of the role, for messages.
    """

    def __init__(self, node: Node, settings: LoopSettings, name: str) -> None:
        self.node = node
        self.settings = settings
        self.reader = MarketReader(node.client, node.address)
        self.stopping = threading.Event()
        self._logger = logging.getLogger(f"touchstone.{name}")
        self._wake = threading.Event()
        self._work_gate = threading.Semaphore(settings.workers)
        self._training_gate = threading.Semaphore(settings.trainings)
        self._working: dict[Work, Future[Outcome]] = {}
        self._waiting: dict[str, Future[Receipt]] = {}
        self._results: list[Send] = []
        self._remarks: set[Remark] = set()
        self._failures: dict[object, tuple[int, float]] = {}

    def decide(self, view: View) -> list[Action]:
        """What to do now; called after every look at the chain."""
        raise NotImplementedError

    def work(self, action: Work, view: View) -> Outcome:
        """Do something that takes long, in a thread of its own. ``view`` is the one it was decided on."""
        raise NotImplementedError

    def say(self, message: str, **fields: object) -> None:
        """Tell people what happens."""
        self._logger.info({"msg": message, **fields})

    def warn(self, message: str, **fields: object) -> None:
        """Tell people that something went wrong."""
        self._logger.warning({"msg": message, **fields})

    def run(self, until: Callable[[View], bool] | None = None) -> None:
        """Loop until ``until`` holds for a view and nothing is under way, or :meth:`stop` is called.

        Raises:
            RepeatedFailureError: the chain could not be read too many times in a row.
        """
        self._finish_earlier_transactions()
        failures = 0
        try:
            while not self.stopping.is_set():
                try:
                    view = self.step()
                    failures = 0
                except TouchstoneError as error:
                    failures += 1
                    self.warn("cannot look at the chain", error=str(error), attempt=failures)
                    if failures >= self.settings.failures:
                        raise RepeatedFailureError(f"the chain could not be read {failures} times in a row ({error})") from error
                    view = None
                if view is not None and until is not None and until(view) and not self.is_busy:
                    return
                self._wake.wait(self.settings.poll)
                self._wake.clear()
        finally:
            self._shut_down()

    def stop(self) -> None:
        """End the loop after what it is doing now."""
        self.stopping.set()
        self._wake.set()

    @property
    def is_busy(self) -> bool:
        """Whether work, or a transaction, is under way."""
        return bool(self._working or self._waiting or self._results)

    def step(self) -> View:
        """One look at the chain and what follows from it."""
        self._take_results()
        view = self.reader.read()
        results, self._results = self._results, []
        for result in results:
            self._send(result)
        for action in self.decide(view):
            if self.stopping.is_set():
                break
            self._do(action, view)
        return view

    def _do(self, action: Action, view: View) -> None:
        if isinstance(action, Send):
            self._send(action)
        elif isinstance(action, RecordBeacon):
            self._record_beacon(action)
        elif isinstance(action, Remark):
            self._remark(action)
        elif action not in self._working and not self._must_pause(action):
            future = in_background(lambda: self.work(action, view), self._gate(action))
            self._working[action] = future
            future.add_done_callback(lambda _: self._wake.set())

    def _gate(self, action: Work) -> threading.Semaphore | None:
        """What limits how many such works run at a time. Where a clock runs, nothing does: a store that hangs must not cost a dispute."""
        if isinstance(action, Move | Challenge):
            return None
        return self._training_gate if isinstance(action, Train) else self._work_gate

    def _remark(self, remark: Remark) -> None:
        if remark not in self._remarks:
            self._remarks.add(remark)
            self.warn(remark.text)

    def _record_beacon(self, action: RecordBeacon) -> None:
        key = f"beacon {action.block}"
        if key in self._waiting or self._must_pause(key):
            return
        header = header_bytes(self.node.client, action.block)
        why = f"record the randomness of block {action.block}"
        self._send(Send("RandaoBeacon", "record", (action.block, header), key, why))

    def _send(self, action: Send) -> None:
        """Hand a transaction over, unless the same is on its way or was refused a moment ago."""
        if action.key in self._waiting or self._must_pause(action.key):
            return
        call = self.node.client.call(action.contract, action.function, *action.arguments)
        try:
            entry = self._journaled(call, action.key)
        except TouchstoneError as error:
            self._failed(action.key, action.why, error, action.urgent)
            return
        if entry.state is State.MINED:
            return
        self.say(action.why, transaction=action.function, key=action.key)
        self._await(entry)

    def _journaled(self, call: Call, key: str) -> Entry:
        try:
            return self.node.sender.send(call, key)
        except JournalConflictError:
            # An earlier life of this process sent the same with other arguments (a smaller batch, say). That one counts.
            earlier = self.node.sender.journal.find(key)
            if earlier is None:
                raise
            return earlier

    def _await(self, entry: Entry) -> None:
        future = in_background(lambda: self._receipt(entry))
        self._waiting[entry.key] = future
        future.add_done_callback(lambda _: self._wake.set())

    def _receipt(self, entry: Entry) -> Receipt:
        while True:
            try:
                return self.node.sender.wait(entry, timeout=self.node.sender.policy.timeout)
            except TransactionPendingError:
                if self.stopping.is_set():
                    raise

    def _take_results(self) -> None:
        """Note which transactions and works have ended."""
        for key, receipt in [(key, future) for key, future in self._waiting.items() if future.done()]:
            del self._waiting[key]
            error = receipt.exception()
            if error is None:
                self._failures.pop(key, None)
                self.say("mined", key=key, block=receipt.result().block, gas=receipt.result().gas_used)
            else:
                self._failed(key, key, error)
        for action, outcome in [(action, future) for action, future in self._working.items() if future.done()]:
            del self._working[action]
            error = outcome.exception()
            if error is not None:
                self._failed(action, str(action), error)
                continue
            self._failures.pop(action, None)
            result = outcome.result()
            if result is not None:
                self._results.append(result)

    def _failed(self, key: object, what: str, error: BaseException, urgent: bool = False) -> None:
        """Note a failure: the action is tried again after a pause, if it is still decided on then."""
        if not isinstance(error, Exception):
            raise error
        count = self._failures.get(key, (0, 0.0))[0] + 1
        longest = _URGENT_PAUSES * self.settings.pause if urgent or isinstance(key, Move) else self.settings.longest_pause
        pause = max(min(longest, self.settings.pause * 2 ** (count - 1)), _too_early(error))
        self._failures[key] = (count, time.monotonic() + pause)
        name = error.error if isinstance(error, ContractRevertError) else type(error).__name__
        self.warn(f"failed: {what}", error=str(error), kind=name, attempt=count, again_in=pause)
        if not isinstance(error, TouchstoneError):
            self._logger.debug("traceback", exc_info=error)

    def _must_pause(self, key: object) -> bool:
        return time.monotonic() < self._failures.get(key, (0, 0.0))[1]

    def _finish_earlier_transactions(self) -> None:
        """What an earlier life of this process had signed is brought onto the chain before anything new is decided."""
        waiting = self.node.sender.recover()
        for entry in waiting:
            self.say("takes up a transaction of an earlier run", key=entry.key)
            with contextlib.suppress(ContractRevertError, TransactionPendingError):
                self.node.sender.wait(entry)

    def _shut_down(self) -> None:
        """Give trainings a moment to reach the end of an interval; whatever goes on after it may be cut off anywhere."""
        self.stopping.set()
        wait(self._working.values(), timeout=_LAST_SECONDS)


def _too_early(error: Exception) -> float:
    """Seconds until a call becomes possible that the market refused as too early."""
    if not isinstance(error, ContractRevertError) or error.error != "TooEarly":
        return 0.0
    opens_at, now = error.values.get("opensAt"), error.values.get("time")
    return float(opens_at - now) if isinstance(opens_at, int) and isinstance(now, int) else 0.0
