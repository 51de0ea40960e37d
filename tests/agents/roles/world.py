"""A local chain with agents as real processes, and questions about what happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from touchstone.chain.client import ChainClient
from touchstone.chain.devnet import Devnet, free_port
from touchstone.chain.journal import Journal
from touchstone.roles.ledger import JobRecord, Ledger
from touchstone.roles.reader import MarketReader
from touchstone.roles.records import Status
from touchstone.store.package import Package

CHECKOUT = Path(__file__).resolve().parents[3]
TIMEOUT = 150.0
ANYBODYS = {"assign", "finalise", "summon", "dismiss", "record", "expire", "timeout"}


@dataclass
class Process:
    """One agent: a command of the command line, restarted at every point at which it is to die."""

    arguments: list[str]
    log: Path
    fault: str | None
    points: list[str]
    running: subprocess.Popen[bytes] | None = None
    deaths: list[str] = field(default_factory=list)

    def start(self) -> None:
        options = ["--fault", self.fault] if self.fault else []
        if self.points:
            options += ["--die", self.points[0]]
        command = [sys.executable, "-m", "tests.agents.roles.process", *options, *self.arguments]
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(command, cwd=CHECKOUT, stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"})

    def look(self) -> None:
        """Restart it if it died at its point. Raises AssertionError if it ended in any other way."""
        if self.running is None or self.running.poll() in (None, 0):
            return
        if self.running.returncode != -signal.SIGKILL or not self.points:
            raise AssertionError(f"{self.arguments} ended with {self.running.returncode}: {self.tail()}")
        self.deaths.append(self.points.pop(0))
        self.start()

    def stop(self) -> None:
        if self.running is not None and self.running.poll() is None:
            self.running.terminate()
            try:
                self.running.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self.running.kill()
                self.running.wait()
        self.running = None

    def tail(self, lines: int = 25) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class World:
    """A devnet, its agents, and a spectator."""

    def __init__(self, net: Devnet, directory: Path) -> None:
        self.net = net
        self.directory = directory
        self.client = ChainClient((), net.deployment)
        self.reader = MarketReader(self.client)
        self.processes: list[Process] = []
        self.first_block = self.client.head() + 1

    def arguments(self, account: int) -> list[str]:
        """Options that make a command use one of the devnet's accounts, with a data directory of its own."""
        return [
            *("--deployment", str(self.net.deployment_file), "--keystore", str(self.net.keystore)),
            *("--password-file", str(self.net.password_file), "--account", f"dev{account}"),
            *("--data", str(self.directory / f"dev{account}")),
        ]

    def agent(self, account: int, *command: str, options: Sequence[str] = (), fault: str | None = None, die: Sequence[str] = ()) -> Process:
        """Start an agent as account number ``account``."""
        common = ["--poll", "0.2", "--patience", "3", "--store-port", str(free_port()), *self.arguments(account)]
        process = Process([*command, *common, *options], self.directory / f"dev{account}-{command[0]}.log", fault, list(die))
        process.start()
        self.processes.append(process)
        return process

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        command = [sys.executable, "-m", "tests.agents.roles.process", *arguments]
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=TIMEOUT)
        assert not check or done.returncode == 0, done.stderr
        return done

    def package(self, package: Package, name: str) -> Path:
        """A package's folder."""
        folder = self.directory / name
        package.save(folder)
        return folder

    def read(self) -> Ledger:
        """Everything that happened so far."""
        return self.reader.read().ledger

    def job_of(self, package: Package) -> JobRecord | None:
        """The job that was posted for a package."""
        return next((job for job in self.read().jobs.values() if job.package == package.cid), None)

    def wait_for_job(self, package: Package, timeout: float = 60.0) -> JobRecord:
        """Wait until the job of a package is posted, keeping the agents alive."""
        limit = time.monotonic() + timeout
        while time.monotonic() < limit:
            for process in self.processes:
                process.look()
            job = self.job_of(package)
            if job is not None:
                return job
            time.sleep(0.2)
        raise AssertionError("the job was not posted:\n" + "\n\n".join(process.tail() for process in self.processes))

    def wait_for_end(self, package: Package, timeout: float = TIMEOUT) -> JobRecord:
        """Wait until the job of a package is over, keeping the agents alive."""
        limit = time.monotonic() + timeout
        while time.monotonic() < limit:
            for process in self.processes:
                process.look()
            job = self.job_of(package)
            if job is not None and job.ended is not None:
                return job
            time.sleep(0.2)
        raise AssertionError("the job did not end:\n" + "\n\n".join(process.tail() for process in self.processes))

    def wait_until_settled(self, package: Package) -> JobRecord:
        """Wait until the job of a package is over, which has to be because it is settled."""
        job = self.wait_for_end(package)
        assert job.ended is Status.SETTLED, job.ended
        return job

    def wait_until_dead(self, process: Process, remaining: int = 0, timeout: float = 90.0) -> None:
        """Wait until a process has died at all its points but the last ``remaining``."""
        limit = time.monotonic() + timeout
        while len(process.points) > remaining and time.monotonic() < limit:
            for each in self.processes:
                each.look()
            time.sleep(0.1)
        assert len(process.points) <= remaining, f"never reached {process.points}: {process.tail()}"

    def transactions(self, account: int) -> dict[str, bool]:
        """Hash and success of every transaction an account has on the chain since this world began."""
        address = self.net.accounts[account].address.lower()
        found = {}
        for number in range(self.first_block, self.client.head() + 1):
            block = self.client.provider.request("eth_getBlockByNumber", hex(number), True)
            for transaction in block["transactions"]:
                if transaction["from"].lower() == address:
                    receipt = self.client.receipt(transaction["hash"])
                    found[transaction["hash"]] = receipt is not None and receipt.success
        return found

    def check_nothing_sent_twice(self, *accounts: int) -> None:
        """What an account has on the chain is what its journal holds, and what succeeded of it stands under a key of its own.

        A key names the purpose of a transaction (this bid, that move), so nothing was done twice. Only a step that anyone may take can
        revert, because somebody else took it while the account's agent was dead.
        """
        for account in accounts:
            (path,) = (self.directory / f"dev{account}" / "journals").glob("*.sqlite")
            journal = Journal(path)
            on_chain = self.transactions(account)
            entries = {attempt.hash: entry for entry in journal.entries() for attempt in journal.attempts(entry.id)}
            journal.close()
            assert set(on_chain) <= set(entries), f"dev{account} sent something that is not in its journal"
            failed = {entries[transaction].function for transaction, success in on_chain.items() if not success}
            assert failed <= ANYBODYS, f"dev{account} sent {failed} in vain"
            keys = [entries[transaction].key for transaction, success in on_chain.items() if success]
            assert len(set(keys)) == len(keys)

    def messages(self, account: int, role: str) -> list[dict[str, object]]:
        """What an agent said."""
        path = self.directory / f"dev{account}" / "logs" / f"{role}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]

    def close(self) -> None:
        """Stop all agents."""
        for process in self.processes:
            process.stop()
