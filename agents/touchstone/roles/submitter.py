"""The submitter: posts a job, serves its package, collects the checkpoints, downloads and checks the result."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from touchstone.chain.client import ChainClient
from touchstone.chain.errors import ContractRevertError
from touchstone.chain.permit import sign_permit
from touchstone.chain.sender import Receipt
from touchstone.commitment.roots import state_root
from touchstone.machine.executor import Executor
from touchstone.machine.workload import Array
from touchstone.roles.actions import Action, Collect, Work
from touchstone.roles.agent import Agent, LoopSettings, Outcome
from touchstone.roles.errors import InsufficientBalanceError, JobNotFinishedError, ResultMismatchError, UnknownJobError
from touchstone.roles.ledger import JobRecord, Ledger
from touchstone.roles.library import JobLibrary
from touchstone.roles.node import Node
from touchstone.roles.records import JobSpec, Quote, Status, job_state, quote
from touchstone.roles.rules.submitter import SubmitterRules, decide
from touchstone.roles.rules.wallet import announce
from touchstone.roles.view import View
from touchstone.store.errors import BlobNotFoundError
from touchstone.store.local import LocalStore
from touchstone.store.package import Package


@dataclass(frozen=True)
class Offer:
    """What a submitter asks for and pays; see ``IJobMarket.JobSpec``.

    Attributes:
        budget: most it pays for the computation, in base units of the token.
        interval_steps: steps between checkpoints, at least 2.
        deadline: longest duration a bid may promise, seconds.
        audit_rate: chance that an interval is audited, millionths.
        value_of_time: what a second of delay costs it.
        harm: what a false result would cost it beyond the price.
    """

    budget: int
    interval_steps: int
    deadline: int = 3600
    audit_rate: int = 30_000
    value_of_time: int = 0
    harm: int = 0


@dataclass(frozen=True)
class SubmitterSettings:
    """Everything about a submitter but its account.

    Attributes:
        rules: how it decides.
        loop: how it loops.
        endpoint: address of its store, announced on chain and named as a mirror of its jobs; empty for none.
        max_bytes: largest state it fetches.
    """

    rules: SubmitterRules = field(default_factory=SubmitterRules)
    loop: LoopSettings = field(default_factory=LoopSettings)
    endpoint: str = ""
    max_bytes: int = 4 << 30


class Submitter(Agent):
    """A submitter's process, for all jobs of its account."""

    def __init__(self, node: Node, settings: SubmitterSettings) -> None:
        super().__init__(node, settings.loop, "submitter")
        self._settings = settings
        self._library = JobLibrary(node.store, settings.max_bytes)

    def decide(self, view: View) -> list[Action]:
        """What to do now."""
        actions = decide(view, self._has_state, self._settings.rules)
        if self._settings.endpoint:
            actions += announce(view, self._settings.endpoint)
        return actions

    def work(self, action: Work, view: View) -> Outcome:
        """Collect a checkpoint."""
        if isinstance(action, Collect):
            self._collect(action, view)
            return None
        raise TypeError(f"a submitter does not know how to {action}")

    def _has_state(self, root: bytes) -> bool:
        return has_state(self.node.store, root)

    def _collect(self, action: Collect, view: View) -> None:
        job = view.ledger.jobs[action.job]
        commitment = job.commitments.get(action.interval)
        if commitment is not None:
            self._library.state(job, view.ledger, commitment.checkpoint.root)
            self.say("collected a checkpoint", job=job.number, interval=action.interval)


def has_state(store: LocalStore, root: bytes) -> bool:
    """Whether a store holds the state with this root."""
    try:
        return store.has(store.resolve(root))
    except BlobNotFoundError:
        return False


def job_spec_of(package: Package, offer: Offer) -> JobSpec:
    """What is posted for a package under an offer."""
    return JobSpec(
        program_root=package.program_root,
        constants_root=package.constants_root,
        initial_root=package.state_root,
        steps=package.workload.steps,
        interval_steps=offer.interval_steps,
        deadline=offer.deadline,
        audit_rate=offer.audit_rate,
        budget=offer.budget,
        value_of_time=offer.value_of_time,
        harm=offer.harm,
    )


def quote_job(node: Node, spec: JobSpec) -> Quote:
    """What a job would cost and ask for. Raises ContractRevertError when the market refuses the specification."""
    return quote(node.client.read("JobMarket", "quote", spec))


def spec_text(package: Package, offer: Offer) -> str:
    """What is posted for a package under an offer, as the journal keeps it."""
    return json.dumps([value.hex() if isinstance(value, bytes) else value for value in job_spec_of(package, offer)])


def post_job(node: Node, package: Package, offer: Offer, mirrors: Sequence[str], again: bool = False, keep_settled: bool = False) -> int:
    """Publish a package in the own store and post it; returns the job's number.

    The same package under the same offer is the same job until that job is over: called again, also after the process was killed anywhere
    in between, this returns its number and posts nothing. ``again`` posts a further one, unless an earlier one is still on its way; with
    ``keep_settled`` a job that was settled counts like one that runs.

    Raises:
        InsufficientBalanceError: the account has fewer tokens than the escrow; nothing was sent.
        ContractRevertError: the market refuses the job; nothing was sent.
    """
    spec = job_spec_of(package, offer)
    cid = package.publish(node.store)
    written = spec_text(package, offer)
    earlier = None if again else _earlier_job(node, cid, written, keep_settled)
    if earlier is not None:
        return earlier
    submission = node.journal.add_submission(cid, written, json.dumps(list(mirrors)))
    number = int(_post(node, spec, cid, mirrors, f"submission {submission.id}").event("JobPosted").values["job"])
    node.journal.posted(submission.id, number)
    return number


def _earlier_job(node: Node, package: str, spec: str, keep_settled: bool) -> int | None:
    """The job that was posted for this package and specification and is not over, or else settled if such jobs are kept."""
    for submission in node.journal.submissions():
        if submission.job is None or (submission.package, submission.spec) != (package, spec):
            continue
        status = job_state(node.client.read("JobMarket", "jobOf", submission.job)).status
        if not status.is_over or (keep_settled and status is Status.SETTLED):
            return submission.job
    return None


def _post(node: Node, spec: JobSpec, cid: str, mirrors: Sequence[str], key: str) -> Receipt:
    if node.sender.journal.find(key) is not None:
        try:
            return node.sender.wait(key)
        except ContractRevertError:
            pass  # it was mined and failed: post anew
    escrow = quote_job(node, spec).escrow
    check_funds(node.client, node.address, escrow)
    vault = node.client.contract("StakeVault").address
    # Not by the free stake: the account's own agent may withdraw that in the meantime.
    if node.client.read("Token", "allowance", node.address, vault) >= escrow:
        return node.sender.execute(node.client.call("JobMarket", "post", spec, cid, list(mirrors)), key)
    permit = sign_permit(node.client, node.account, "Token", vault, escrow)
    return node.sender.execute(node.client.call("JobMarket", "postWithPermit", spec, cid, list(mirrors), *permit), key)


def check_funds(client: ChainClient, account: str, escrow: int) -> None:
    """Raise InsufficientBalanceError when an account's tokens do not cover an escrow."""
    held = client.read("Token", "balanceOf", account) + client.read("StakeVault", "balanceOf", account)
    if held < escrow:
        raise InsufficientBalanceError(f"{account} has {held} base units of the token, the escrow is {escrow}; fund it or lower the budget")


def find_job(ledger: Ledger, job: int) -> JobRecord:
    """A job of the ledger. Raises UnknownJobError."""
    if job not in ledger.jobs:
        raise UnknownJobError(f"the market has no job {job}; its last one is {max(ledger.jobs, default=0)}")
    return ledger.jobs[job]


def download_result(job: JobRecord, ledger: Ledger, library: JobLibrary) -> tuple[Package, list[Array]]:
    """The job's package and its final state, checked against the root on chain.

    Raises:
        JobNotFinishedError: the job is not settled.
        StoreUnavailableError, BlobNotFoundError, CorruptDataError: nobody who was asked has the state.
    """
    root = job.final_root
    if job.ended is not Status.SETTLED or root is None:
        state = "runs" if job.ended is None else f"ended as {job.ended.name.lower()}"
        raise JobNotFinishedError(f"job {job.number} {state} and has no final state; see `touchstone status {job.number}`")
    return library.package(job, ledger), library.state(job, ledger, root)


def rerun(package: Package, machine: Executor, final: Sequence[Array]) -> None:
    """Run the whole job again and compare with its result. Raises ResultMismatchError."""
    machine.load(package.workload.state)
    machine.run(package.workload.steps)
    check_result(machine.state(), final)


def check_result(own: Sequence[Array], final: Sequence[Array]) -> None:
    """Compare an own final state with a job's. Raises ResultMismatchError."""
    mine, theirs = state_root(own), state_root(final)
    if mine != theirs:
        raise ResultMismatchError(f"the program ends in the state 0x{mine.hex()}, not 0x{theirs.hex()}; challenge the job while you can")
