"""The solver: finds jobs, bids, trains, commits, defends its checkpoints, collects its pay."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from touchstone.errors import InvalidProgramError
from touchstone.machine.cost import cost
from touchstone.machine.runtime import NativeMachine
from touchstone.roles.actions import Action, Assess, Move, PrepareBid, Train, Work
from touchstone.roles.agent import Agent, LoopSettings, Outcome
from touchstone.roles.errors import PackageMismatchError
from touchstone.roles.estimate import trial_seconds
from touchstone.roles.journal import Assessment, Bid, TrainedCheckpoint
from touchstone.roles.ledger import JobRecord
from touchstone.roles.library import JobLibrary
from touchstone.roles.moving import next_move
from touchstone.roles.node import Node
from touchstone.roles.records import Status
from touchstone.roles.rules.solver import SolverRules, decide
from touchstone.roles.rules.wallet import announce
from touchstone.roles.training import Assignment, ExecutorFactory, Trainer, TrainingStoppedError
from touchstone.roles.truths import Truths
from touchstone.roles.view import View
from touchstone.store.errors import BlobTooLargeError, InvalidPackageError
from touchstone.store.package import Package

_REFUSALS = (InvalidProgramError, InvalidPackageError, PackageMismatchError, BlobTooLargeError)


@dataclass(frozen=True)
class Pricing:
    """How a solver prices a job. In a second-price auction the truth is the best bid: what the work costs, and how long it takes.

    Attributes:
        per_second: what a second of this machine costs, in base units of the token.
        fixed: what a job costs on top (transactions).
        margin: promised duration over the estimate.
        overhead: seconds added to it (start, chain).
    """

    per_second: int = 10**15
    fixed: int = 0
    margin: float = 2.0
    overhead: int = 10

    def price(self, seconds: float) -> int:
        """Price of ``seconds`` of training."""
        return self.fixed + math.ceil(seconds * self.per_second)

    def duration(self, seconds: float) -> int:
        """Duration to promise for ``seconds`` of training."""
        return math.ceil(seconds * self.margin) + self.overhead


@dataclass(frozen=True)
class SolverSettings:
    """Everything about a solver but its account.

    Attributes:
        rules: how it decides.
        pricing: what it asks for.
        loop: how it loops.
        endpoint: address of its store, announced on chain; empty for none.
        max_bytes: largest package or state it fetches.
    """

    rules: SolverRules = field(default_factory=SolverRules)
    pricing: Pricing = field(default_factory=Pricing)
    loop: LoopSettings = field(default_factory=LoopSettings)
    endpoint: str = ""
    max_bytes: int = 4 << 30


class Solver(Agent):
    """A solver's process.

    Args:
        node: account, chain, store, journals.
        settings: see there.
        make_executor: the machine it trains and replays with.
        clock: measures the trial run, in seconds.
    """

    def __init__(
        self,
        node: Node,
        settings: SolverSettings,
        make_executor: ExecutorFactory = NativeMachine,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        super().__init__(node, settings.loop, "solver")
        self._settings = settings
        self._make_executor = make_executor
        self._clock = clock
        self._library = JobLibrary(node.store, settings.max_bytes)
        self._truths = Truths(make_executor)
        self._assigned: set[tuple[int, int]] = set()

    def decide(self, view: View) -> list[Action]:
        """What to do now."""
        self._assigned = {
            (job.number, job.state.round)
            for job in view.jobs.values()
            if job.state.status is Status.RUNNING and job.state.solver == view.me
        }
        actions = decide(view, self.node.journal, self._settings.rules)
        if self._settings.endpoint:
            actions += announce(view, self._settings.endpoint)
        return actions

    def work(self, action: Work, view: View) -> Outcome:
        """Assess a job, prepare a bid, train, or find the next move of a dispute."""
        if isinstance(action, Move):
            return next_move(action, view, self._library, self._truths)
        if isinstance(action, Assess):
            self._assess(view.ledger.jobs[action.job], view)
        elif isinstance(action, PrepareBid):
            self._prepare_bid(action, view)
        elif isinstance(action, Train):
            self._train(action, view)
        else:
            raise TypeError(f"a solver does not know how to {action}")
        return None

    def _assess(self, job: JobRecord, view: View) -> None:
        try:
            package = self._library.package(job, view.ledger)
        except _REFUSALS as error:
            self._refuse(job, str(error))
            return
        memory = cost(package.workload.program).peak_memory
        if memory > self._settings.rules.memory:
            self._refuse(job, f"it needs {memory} bytes of memory, more than the {self._settings.rules.memory} allowed")
            return
        seconds = self._trial(package) * job.spec.steps
        if self._settings.pricing.duration(seconds) > job.spec.deadline:
            self._refuse(job, f"it takes {seconds:.0f} s here, which does not fit its deadline of {job.spec.deadline} s")
            return
        self.node.journal.add_assessment(Assessment(job.number, True, "", seconds, memory))
        self.say("can do the job", job=job.number, seconds=round(seconds, 3), memory=memory)

    def _refuse(self, job: JobRecord, reason: str) -> None:
        self.node.journal.add_assessment(Assessment(job.number, False, reason, 0.0, 0))
        self.say("skips the job", job=job.number, reason=reason)

    def _trial(self, package: Package) -> float:
        """Seconds one step takes on this machine."""
        workload = package.workload
        return trial_seconds(self._make_executor(workload.program, workload.constants), workload, self._clock)

    def _prepare_bid(self, action: PrepareBid, view: View) -> None:
        """Journals price, duration and salt. A job that was begun by another is bid for only with the state it goes on from in hand."""
        job = view.ledger.jobs[action.job]
        first = job.rounds[action.round].first
        root = job.root_before(first)
        assert root is not None
        self._library.state(job, view.ledger, root)
        assessment = self.node.journal.assessment(action.job)
        assert assessment is not None
        share = (job.spec.steps - job.spec.start(first)) / job.spec.steps
        seconds = assessment.seconds * share
        price, duration = self._settings.pricing.price(seconds), self._settings.pricing.duration(seconds)
        self.node.journal.add_bid(Bid(action.job, action.round, price, duration, secrets.token_bytes(32)))

    def _train(self, action: Train, view: View) -> None:
        job = view.ledger.jobs[action.job]
        package = self._library.package(job, view.ledger)
        first, root = self._resume_point(job, action.round)
        state = self._library.state(job, view.ledger, root)
        self.say("trains", job=job.number, from_interval=first, intervals=job.spec.intervals)
        trainer = Trainer(
            self._make_executor(package.workload.program, package.workload.constants),
            package.workload.slot_names,
            self.node.store,
            self.node.journal,
            self._tell,
            lambda: self.stopping.is_set() or (action.job, action.round) not in self._assigned,
        )
        try:
            trainer.run(Assignment(job.number, action.round, job.spec, first), state)
        except TrainingStoppedError:
            return

    def _resume_point(self, job: JobRecord, round_number: int) -> tuple[int, bytes]:
        """The next interval to compute, and the state root before it."""
        first = job.rounds[round_number].first
        root = job.root_before(first)
        assert root is not None
        trained = self.node.journal.checkpoints(job.number, round_number)
        while first in trained:
            first, root = first + 1, trained[first].root
        return first, root

    def _tell(self, checkpoint: TrainedCheckpoint) -> None:
        self.say("checkpoint", job=checkpoint.job, interval=checkpoint.interval, root=checkpoint.root)
        self._wake.set()
