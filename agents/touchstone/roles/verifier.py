"""The verifier: stakes, re-runs the intervals it is drawn for, attests or challenges, plays the dispute."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from touchstone.commitment.roots import seal
from touchstone.machine.runtime import NativeMachine
from touchstone.roles.actions import Action, Challenge, Inspect, Move, Work
from touchstone.roles.agent import Agent, LoopSettings, Outcome
from touchstone.roles.journal import Finding, Timing
from touchstone.roles.library import JobLibrary
from touchstone.roles.moving import interval_of, next_move, opening
from touchstone.roles.node import Node
from touchstone.roles.rules.verifier import RIGHT, WRONG_ROOT, WRONG_SEAL, VerifierRules, decide
from touchstone.roles.rules.wallet import announce
from touchstone.roles.training import ExecutorFactory
from touchstone.roles.truths import Truths
from touchstone.roles.view import View
from touchstone.store.errors import BlobNotFoundError, StoreUnavailableError


@dataclass(frozen=True)
class VerifierSettings:
    """Everything about a verifier but its account.

    Attributes:
        rules: how it decides.
        loop: how it loops.
        endpoint: address of its store, announced on chain; empty for none.
        max_bytes: largest package or state it fetches.
    """

    rules: VerifierRules = field(default_factory=VerifierRules)
    loop: LoopSettings = field(default_factory=LoopSettings)
    endpoint: str = ""
    max_bytes: int = 4 << 30


class Verifier(Agent):
    """A verifier's, or whistleblower's, process.

    Args:
        node: account, chain, store, journals.
        settings: see there.
        make_executor: the machine it replays with.
    """

    def __init__(self, node: Node, settings: VerifierSettings, make_executor: ExecutorFactory = NativeMachine) -> None:
        super().__init__(node, settings.loop, "verifier")
        self._settings = settings
        self._library = JobLibrary(node.store, settings.max_bytes)
        self._truths = Truths(make_executor)
        self._missing: dict[tuple[int, int, int], int] = {}

    def decide(self, view: View) -> list[Action]:
        """What to do now."""
        actions = decide(view, self.node.journal, self._settings.rules, self._missing)
        if self._settings.endpoint:
            actions += announce(view, self._settings.endpoint)
        return actions

    def work(self, action: Work, view: View) -> Outcome:
        """Inspect an interval, open a dispute, or find its next move."""
        if isinstance(action, Inspect):
            self._inspect(action, view)
            return None
        if isinstance(action, Challenge):
            return opening(action, view, self._library, self._truths)
        if isinstance(action, Move):
            return next_move(action, view, self._library, self._truths)
        raise TypeError(f"a verifier does not know how to {action}")

    def _inspect(self, action: Inspect, view: View) -> None:
        job = view.ledger.jobs[action.job]
        commitment = job.commitments.get(action.interval)
        if commitment is None:
            return
        started = time.perf_counter()
        audited = next(each for each in view.jobs[action.job].intervals if each.interval == action.interval).audit
        place = (action.job, action.interval, audited.attempt)
        try:
            interval = interval_of(job, view.ledger, action.interval, self._library, self._truths)
        except (StoreUnavailableError, BlobNotFoundError):
            self._missing.setdefault(place, view.time)
            raise
        self._missing.pop(place, None)
        with interval.lock:
            before, end = interval.roots()
        checkpoint = commitment.checkpoint
        outcome = RIGHT
        if end != checkpoint.root:
            outcome = WRONG_ROOT
        elif seal(job.number, action.interval, before) != checkpoint.seal:
            outcome = WRONG_SEAL
        self.node.journal.add_finding(Finding(job.number, action.interval, checkpoint.root, checkpoint.seal, outcome, before))
        self.node.journal.add_timing(Timing(job.number, "auditing", time.perf_counter() - started, interval.steps))
        self.say("inspected", job=job.number, interval=action.interval, outcome=outcome)
