"""What commitments cost: 1,000 training steps with a checkpoint every 50, against the same steps with none.

With: each checkpoint's state and the state one step before are hashed, the seal is made, the state is written to the store, and the
commitment is simulated, journaled, signed and sent to a real market on a local chain, by the solver's own code. Without: only the steps.
Both sides run the 784-512-512-10 perceptron of the training-step benchmark. Target: at most 1.05 times the wall time. Waiting for the last
block is not counted: nothing of the machine is busy then.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.measure import compare, machine_facts, write_results
from benchmarks.training_step import our_workload
from touchstone.chain.client import ChainClient
from touchstone.chain.devnet import Devnet, start_devnet
from touchstone.chain.journal import Journal
from touchstone.chain.sender import Sender
from touchstone.machine.runtime import NativeMachine
from touchstone.machine.workload import Workload
from touchstone.roles.journal import Bid, RoleJournal, TrainedCheckpoint
from touchstone.roles.reader import MarketReader
from touchstone.roles.records import MAX_BATCH
from touchstone.roles.rules.solver import commitment_of
from touchstone.roles.submitter import Offer, job_spec_of
from touchstone.roles.training import Assignment, Trainer
from touchstone.store.local import LocalStore
from touchstone.store.package import Package

STEPS, INTERVAL, ROUNDS, TARGET = 1_000, 50, 7, 1.05
PERIODS = {"bidPeriod": 3, "revealPeriod": 3}


class Times(NamedTuple):
    """Seconds on the clock, and seconds that this process kept processors busy: the second says more where other work is going on."""

    wall: float
    processor: float


class Bench:
    """A market on a local chain with one submitter and one solver, who take turns with plain training."""

    def __init__(self, net: Devnet, workload: Workload, directory: Path) -> None:
        self.client = ChainClient([], net.deployment)
        self.submitter, self.solver = (self._sender(net, index, directory) for index in (1, 2))
        self.workload = workload
        self.package = Package.from_workload(workload)
        self.machine = NativeMachine(workload.program, workload.constants)
        self.store = LocalStore(directory / "store")
        self.journal = RoleJournal(directory / "facts.sqlite")

    def assigned_job(self, name: str) -> Assignment:
        """Post a job, win its auction, and return what is to be trained."""
        spec = job_spec_of(self.package, Offer(budget=10**18, interval_steps=INTERVAL, audit_rate=30_000))
        self._call(self.submitter, name, "post", spec, self.package.cid, [])
        job = int(self.client.read("JobMarket", "jobs"))
        bid = Bid(job, 1, 10**17, 600, name.encode().ljust(32, b"\0"))
        market = self.client.contract("JobMarket").address
        self._call(self.solver, name, "bid", job, commitment_of(self.client.chain_id, market, self.solver.address, bid))
        reader = MarketReader(self.client)
        while self.client.block().timestamp < reader.job_state(job).bids_until:
            time.sleep(0.2)
        self._call(self.solver, name, "reveal", job, bid.price, bid.duration, bid.salt)
        self._call(self.solver, name, "assign", job)
        return Assignment(job, 1, spec, 0)

    def plain(self) -> Times:
        """The steps alone."""
        return self._timed(lambda: self.machine.run(STEPS))

    def committed(self, assignment: Assignment) -> Times:
        """The steps with their commitments."""
        ready: list[TrainedCheckpoint] = []

        def send(checkpoint: TrainedCheckpoint) -> None:
            ready.append(checkpoint)
            if len(ready) < MAX_BATCH and checkpoint.interval + 1 < assignment.spec.intervals:
                return
            roots, seals = [each.root for each in ready], [each.seal for each in ready]
            call = self.client.call("JobMarket", "commitCheckpoints", assignment.job, roots, seals)
            self.solver.send(call, f"job {assignment.job} commit {checkpoint.interval}")
            ready.clear()

        trainer = Trainer(self.machine, self.workload.slot_names, self.store, self.journal, send)
        return self._timed(lambda: trainer.run(assignment, self.workload.state))

    def _timed(self, work: Callable[[], None]) -> Times:
        self.machine.load(self.workload.state)
        wall, processor = time.perf_counter(), time.process_time()
        work()
        return Times(time.perf_counter() - wall, time.process_time() - processor)

    def _call(self, sender: Sender, key: str, function: str, *arguments: object) -> None:
        sender.execute(self.client.call("JobMarket", function, *arguments), f"{key} {function}")

    def _sender(self, net: Devnet, index: int, directory: Path) -> Sender:
        sender = Sender(self.client, net.accounts[index], Journal(directory / f"{index}.sqlite"))
        vault = self.client.contract("StakeVault").address
        sender.execute(self.client.call("Token", "approve", vault, 10**30), "approve")
        return sender


def measure() -> dict[str, Any]:
    """Interleaved rounds of both sides."""
    workload = _thousand_steps(our_workload())
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        net = start_devnet(directory / "net", overrides=PERIODS)
        stack.callback(net.anvil.stop)
        bench = Bench(net, workload, directory)
        plain: list[Times] = []
        committed: list[Times] = []
        bench.plain()
        for number in range(ROUNDS):
            assignment = bench.assigned_job(f"round {number}")
            plain.append(bench.plain())
            committed.append(bench.committed(assignment))
            print(f"round {number}: {committed[-1].wall / plain[-1].wall:.3f}", flush=True)
    return {
        **compare([times.wall for times in committed], [times.wall for times in plain]),
        "processor_time": compare([times.processor for times in committed], [times.processor for times in plain]),
        "plain_s": round(statistics.median(times.wall for times in plain), 2),
        "committed_s": round(statistics.median(times.wall for times in committed), 2),
    }


def _thousand_steps(workload: Workload) -> Workload:
    return Workload(
        workload.program, workload.slot_names, workload.state, workload.constant_names, workload.constants, STEPS, workload.info
    )


def main() -> None:
    results = {
        "workload": f"784-512-512-10 perceptron, batch 256, AdamW: {STEPS} steps, a checkpoint every {INTERVAL}",
        "against": "the same steps without checkpoints",
        "target": TARGET,
        "machine": machine_facts(),
        **measure(),
    }
    print(f"{results['ratio']} of the time without checkpoints, target {TARGET}; wrote {write_results('checkpoints', results)}")


if __name__ == "__main__":
    main()
