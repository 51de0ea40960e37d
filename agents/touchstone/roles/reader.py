"""Reads the chain into a :class:`View`: events through a cursor, and what views of the contracts tell better."""

from __future__ import annotations

from typing import Any

from touchstone.chain.client import BlockId, ChainClient
from touchstone.chain.contracts import Event
from touchstone.chain.cursor import EventCursor
from touchstone.chain.journal import Journal
from touchstone.roles.ledger import JobRecord, Ledger
from touchstone.roles.records import ZERO_ADDRESS, Audit, JobState, Parameters, Status, audit, job_state, parameters
from touchstone.roles.view import Draw, IntervalView, JobView, View

CONTRACTS = ("JobMarket", "StakeVault", "Court", "RandaoBeacon")
HISTORY = 8_191
"""Past blocks whose hash a contract can read (EIP-2935)."""


class MarketReader:
    """Follows the market of a deployment for one account.

    Ledger and cursor live in memory: a new reader reads all events from the deployment's first block on, and after a reorganisation it
    folds those that still hold again.

    Args:
        client: the chain, with a deployment.
        account: address whose balances and stake the view shows; none for a mere spectator.
    """

    def __init__(self, client: ChainClient, account: str = ZERO_ADDRESS) -> None:
        self._client = client
        self._cursor = EventCursor(client, Journal(":memory:"), "market", CONTRACTS)
        self._account = account
        self._events: list[Event] = []
        self._ledger = Ledger()
        self._parameters: Parameters | None = None
        self._minimum_stake = 0
        self._last: tuple[str, View] | None = None
        self._block_times: dict[int, int] = {}
        self._draws: dict[tuple[object, ...], Draw] = {}

    @property
    def ledger(self) -> Ledger:
        """What events have told so far."""
        return self._ledger

    def read(self) -> View:
        """The market at the newest block. Raises ChainUnavailableError and other errors of the chain client."""
        batch = self._cursor.poll()
        if self._last is not None and (batch.head.hash, batch.events, batch.rewound_to) == (self._last[0], (), None):
            return self._last[1]
        while True:
            if batch.rewound_to is not None:
                self._rewind(batch.rewound_to)
            self._events.extend(batch.events)
            for event in batch.events:
                self._ledger.apply(event)
            self._cursor.advance(batch)
            if not batch.behind:
                break
            batch = self._cursor.poll()
        view = self._view(batch.head.number, batch.head.timestamp)
        self._last = (batch.head.hash, view)
        return view

    def job_state(self, job: int, block: BlockId = "latest") -> JobState:
        """A job as the market says it stands. Raises ContractRevertError (UnknownJob)."""
        return job_state(self._client.read("JobMarket", "jobOf", job, block=block))

    def parameters(self) -> Parameters:
        """What the market was built with."""
        if self._parameters is None:
            self._parameters = parameters(self._client.read("JobMarket", "parameters"))
            self._minimum_stake = self._client.read("StakeVault", "minimumStake")
        return self._parameters

    def _rewind(self, block: int) -> None:
        self._events = [event for event in self._events if event.block <= block]
        self._block_times = {number: time for number, time in self._block_times.items() if number <= block}
        self._draws.clear()
        self._ledger = Ledger()
        for event in self._events:
            self._ledger.apply(event)

    def _view(self, block: int, time: int) -> View:
        read = self._client.read
        vault, token = self._client.contract("StakeVault").address, "Token"
        return View(
            chain=self._client.chain_id,
            market=self._client.contract("JobMarket").address,
            vault=vault,
            block=block,
            time=time,
            me=self._account,
            parameters=self.parameters(),
            ledger=self._ledger,
            jobs={job.number: self._job(job, block) for job in self._ledger.jobs.values() if job.ended is None},
            balance=read("StakeVault", "balanceOf", self._account, block=block),
            spendable=read("StakeVault", "available", self._account, block=block),
            allowance=read(token, "allowance", self._account, vault, block=block),
            stake=read("StakeVault", "stakeOf", self._account, block=block),
            minimum_stake=self._minimum_stake,
        )

    def _job(self, record: JobRecord, block: int) -> JobView:
        state = self.job_state(record.number, block)
        if state.status not in (Status.RUNNING, Status.ENDING):
            return JobView(record, state)
        numbers = range(state.finalised, state.committed)
        return JobView(record, state, tuple(self._interval(record, state, number, block) for number in numbers))

    def _interval(self, record: JobRecord, state: JobState, number: int, block: int) -> IntervalView:
        commitment = record.commitments[number]
        seed_block = commitment.checkpoint.beacon_block
        seed_recorded = seed_block in self._ledger.recorded_beacons
        found = audit(self._client.read("JobMarket", "auditOf", record.number, number, block=block))
        seed_since = self._time_of(seed_block) if seed_block <= block else 0
        return IntervalView(
            commitment=commitment,
            audit=found,
            seed_since=seed_since,
            seed_recorded=seed_recorded,
            seat_since=self._time_of(commitment.vacated_in) if commitment.vacated_in else seed_since,
            lapsed=not seed_recorded and block > seed_block + HISTORY,
            draw=self._draw(record, state, number, found, block) if seed_recorded else None,
        )

    def _draw(self, record: JobRecord, state: JobState, number: int, found: Audit, block: int) -> Draw:
        """The draw only changes with the attempt, so it is asked once per attempt."""
        checkpoint = record.commitments[number].checkpoint
        key: tuple[Any, ...] = (record.number, state.round, number, checkpoint, found.attempt, found.answer_by)
        if key not in self._draws:
            drawn, verifier = self._client.read("JobMarket", "drawOf", record.number, number, checkpoint, block=block)
            self._draws[key] = Draw(drawn, verifier)
        return self._draws[key]

    def _time_of(self, block: int) -> int:
        if block not in self._block_times:
            self._block_times[block] = self._client.block(block).timestamp
        return self._block_times[block]
