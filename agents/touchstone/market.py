"""The market for Python programs: quote, submit, follow, cancel and download jobs.

    from touchstone import Market, capture

    market = Market.connect("deployments/devnet.json", account="alice", password="…")
    job = market.submit(capture(model, loss, optimizer, images, labels, batch_size=32, steps=200), budget=10**18, interval_steps=20)
    market.wait(job)
    result = market.download(job)

The submitter's store has to be reachable for solvers while its jobs run: :meth:`Market.serve` does it, or name mirrors.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from eth_account.signers.local import LocalAccount

from touchstone.chain.client import ChainClient
from touchstone.chain.deployment import Deployment
from touchstone.chain.errors import WrongPasswordError
from touchstone.chain.journal import Journal
from touchstone.chain.keystore import KeystoreDirectory
from touchstone.chain.sender import Sender
from touchstone.errors import TouchstoneError
from touchstone.machine.outcome import Outcome
from touchstone.machine.runtime import NativeMachine
from touchstone.machine.workload import Workload
from touchstone.roles.agent import LoopSettings
from touchstone.roles.estimate import expected_price, going_rate
from touchstone.roles.family import Buildable, MemberStatus, family_status, post_family
from touchstone.roles.library import JobLibrary
from touchstone.roles.node import Node, open_node
from touchstone.roles.reader import MarketReader
from touchstone.roles.records import JobSpec, Quote, default_interval
from touchstone.roles.rules.submitter import SubmitterRules
from touchstone.roles.status import JobStatus, job_status
from touchstone.roles.story import StoryLine, story
from touchstone.roles.submitter import (
    Offer,
    Submitter,
    SubmitterSettings,
    download_result,
    find_job,
    job_spec_of,
    post_job,
    quote_job,
    rerun,
)
from touchstone.roles.threads import in_background
from touchstone.store.package import Package
from touchstone.store.server import StoreServer

MAX_BYTES = 4 << 30


@dataclass(frozen=True)
class Result(Outcome):
    """A settled job's outcome: the workload it began with, and the final state, checked against the root on chain."""

    root: bytes


class Market:
    """One account's access to the market.

    Args:
        node: account, chain, journals, store; :meth:`connect` makes it from names.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self.endpoint = ""
        self._reader = MarketReader(node.client, node.address)
        self._library = JobLibrary(node.store, MAX_BYTES)

    @classmethod
    def connect(
        cls,
        deployment: Path | str,
        account: str,
        password: str | None = None,
        *,
        rpc: Sequence[str] = (),
        keystore: Path | str | None = None,
        data: Path | str | None = None,
    ) -> Market:
        """Unlock an account and connect it to a deployment.

        Args:
            deployment: the deployment file.
            account: name or address of a keystore.
            password: of the keystore; the environment variable TOUCHSTONE_PASSWORD by default.
            rpc: endpoints; those of the deployment by default.
            keystore: directory of encrypted accounts; ``keystore`` in the data directory by default.
            data: directory for journals and the store; the user's data directory by default.

        Raises:
            DeploymentError, AccountNotFoundError, WrongPasswordError, ChainUnavailableError: as their names say.
            AgentRunningError: another process submits for the account with this data directory.
        """
        base = Path(data) if data is not None else Path(platformdirs.user_data_dir("touchstone"))
        secret = password if password is not None else os.environ.get("TOUCHSTONE_PASSWORD")
        if not secret:
            raise WrongPasswordError(f"no password was given for {account!r}; pass one or set TOUCHSTONE_PASSWORD")
        unlocked: LocalAccount = KeystoreDirectory(keystore or base / "keystore").unlock(account, secret)
        client = ChainClient(rpc, Deployment.load(deployment))
        journal = Journal(base / "journals" / f"{client.genesis[2:18]}-{unlocked.address}.sqlite")
        return cls(open_node(base, unlocked, Sender(client, unlocked, journal), "submitter"))

    def close(self) -> None:
        """Close the journals."""
        self.node.close()

    def __enter__(self) -> Market:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def quote(self, workload: Workload | Package, offer: Offer) -> Quote:
        """What a job would cost and ask for, in base units of the token. Raises ContractRevertError when the market refuses it."""
        return quote_job(self.node, self._spec(_package(workload), offer))

    def expected_price(self, workload: Workload) -> int | None:
        """What a job will probably cost, in base units: its operations at the median price of the latest settled jobs. None without any."""
        going = going_rate(self._reader.read().ledger, self._library)
        return None if going is None else expected_price(workload, going.per_tera)

    def submit(
        self,
        workload: Workload | Package,
        *,
        budget: int,
        interval_steps: int,
        deadline: int = 3600,
        audit_rate: float = 0.03,
        value_of_time: int = 0,
        harm: int = 0,
        mirrors: Sequence[str] = (),
        again: bool = False,
    ) -> int:
        """Post a job and return its number. Until that job is over, the same arguments give the same job, also after a crash.

        Args:
            workload: what to train.
            budget: most to pay, in base units of the token.
            interval_steps: steps between checkpoints, at least 2.
            deadline: longest duration a bid may promise, in seconds.
            audit_rate: chance that an interval is audited, above 0 and at most 1.
            value_of_time: what a second of delay costs the submitter, in base units.
            harm: what a false result would cost the submitter beyond the price, in base units.
            mirrors: further stores that have the package.
            again: post a further job, though the same one runs already.

        Raises:
            InsufficientBalanceError: the account's tokens do not cover the escrow; nothing was sent.
            ContractRevertError: the market refuses the job; nothing was sent.
        """
        offer = Offer(budget, interval_steps, deadline, round(audit_rate * 1_000_000), value_of_time, harm)
        stores = [*([self.endpoint] if self.endpoint else []), *mirrors]
        return post_job(self.node, _package(workload), offer, stores, again)

    @contextmanager
    def serve(self, host: str = "127.0.0.1", port: int = 0, patience: int = 60) -> Iterator[str]:
        """Serve the store and look after the account's jobs while the block runs.

        Gives the store's address, which becomes a mirror of the jobs submitted in the block.
        """
        with StoreServer(self.node.store, host, port) as server:
            self.endpoint = server.url
            rules = SubmitterRules(patience=patience)
            submitter = Submitter(self.node, SubmitterSettings(rules, LoopSettings(), server.url))
            running = in_background(submitter.run)
            try:
                yield server.url
            finally:
                submitter.stop()
                running.result(timeout=30)
                self.endpoint = ""

    def submit_family(
        self,
        name: str,
        members: Mapping[str, Buildable],
        *,
        budget: int,
        interval_steps: int | None = None,
        deadline: int = 3600,
        audit_rate: float = 0.03,
        value_of_time: int = 0,
        harm: int = 0,
        mirrors: Sequence[str] = (),
    ) -> list[MemberStatus]:
        """Post jobs that belong together, such as those of a sweep, and say where each stands.

        What cannot be posted is reported in its ``error``, and the others are posted. Called again with the same arguments, also after a
        crash, it posts only members without a job, and those whose job was cancelled or expired.

        Args:
            name: what :meth:`family` finds the jobs under.
            members: workloads by label, or functions that make them, called one after the other.
            budget: most to pay for each job, in base units of the token.
            interval_steps: steps between checkpoints; a fiftieth of each job by default.
            deadline, audit_rate, value_of_time, harm, mirrors: of each job, as for :meth:`submit`.
        """

        def offer(package: Package) -> Offer:
            interval = interval_steps or default_interval(package.workload.steps)
            return Offer(budget, interval, deadline, round(audit_rate * 1_000_000), value_of_time, harm)

        stores = [*([self.endpoint] if self.endpoint else []), *mirrors]
        posted = post_family(self.node, name, members, offer, stores)
        found = {member.label: member for member in self.family(name)} if self.node.journal.members(name) else {}
        errors = {label: str(result) for label, result in posted.items() if isinstance(result, TouchstoneError)}
        return [MemberStatus(label, None, None, errors[label]) if label in errors else found[label] for label in members]

    def family(self, name: str) -> list[MemberStatus]:
        """Where the members of a family stand, with the figures of those that are settled. Raises UnknownFamilyError."""
        return family_status(self.node.journal, name, self._reader, self._library)

    def wait_family(self, name: str, poll: float = 1.0) -> list[MemberStatus]:
        """Wait until every job of a family is over, and say where each stands."""
        while not all(member.is_over for member in self.family(name)):
            time.sleep(poll)
        return self.family(name)

    def status(self, job: int) -> JobStatus:
        """Where a job stands. Raises UnknownJobError."""
        ledger = self._reader.read().ledger
        record = find_job(ledger, job)
        return job_status(record, self._reader.job_state(job))

    def jobs(self) -> list[JobStatus]:
        """All jobs of the market, oldest first."""
        ledger = self._reader.read().ledger
        return [job_status(record, self._reader.job_state(record.number)) for record in ledger.jobs.values()]

    def watch(self, job: int, poll: float = 1.0) -> Iterator[JobStatus]:
        """The job's status whenever it changes, until it is over."""
        last = None
        while last is None or not last.is_over:
            current = self.status(job)
            if current != last:
                yield current
                last = current
            else:
                time.sleep(poll)

    def wait(self, job: int, poll: float = 1.0) -> JobStatus:
        """Wait until a job is over, and return its last status."""
        for current in self.watch(job, poll):
            last = current
        return last

    def story(self, job: int) -> list[StoryLine]:
        """What happened to a job, in the order of the chain. Raises UnknownJobError."""
        ledger = self._reader.read().ledger
        return story(find_job(ledger, job), ledger)

    def cancel(self, job: int) -> str:
        """Withdraw an open job before bidding ends; returns the transaction. Raises ContractRevertError when it is too late."""
        return self.node.sender.execute(self.node.client.call("JobMarket", "cancel", job), f"job {job} cancel").transaction

    def download(self, job: int) -> Result:
        """The result of a settled job.

        Raises:
            UnknownJobError, JobNotFinishedError: there is no such job, or no result.
            StoreUnavailableError, BlobNotFoundError, CorruptDataError: nobody who was asked has it.
        """
        ledger = self._reader.read().ledger
        record = find_job(ledger, job)
        package, state = download_result(record, ledger, self._library)
        assert record.final_root is not None
        return Result(package.workload, tuple(state), record.final_root)

    def rerun(self, job: int, threads: int = 0) -> Result:
        """Download a result and run the whole job again to see that it is right. Raises ResultMismatchError and as :meth:`download`."""
        result = self.download(job)
        workload = result.workload
        rerun(Package.from_workload(workload), NativeMachine(workload.program, workload.constants, threads), result.state)
        return result

    @staticmethod
    def _spec(package: Package, offer: Offer) -> JobSpec:
        return job_spec_of(package, offer)


def _package(workload: Workload | Package) -> Package:
    return workload if isinstance(workload, Package) else Package.from_workload(workload)
