"""A market on a test chain with everybody who takes part, and short verbs for what they do."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import rlp
from ape import chain, project
from ape.api import ReceiptAPI, TestAccountAPI
from ape.contracts import ContractInstance
from eth_utils import keccak

TOKENS = 10**18
ONE = 1_000_000
NONE, OPEN, RUNNING, ENDING, SETTLED, CANCELLED, EXPIRED = range(7)
NO_REASON, CONVICTED, LATE, STALLED = range(4)
ALWAYS, NEVER = ONE, 1
"""Audit rates: every interval, and one in a million, which these tests never meet (and for which the stake is enormous)."""

V = TOKENS // 10
"""Value of a second in ``World.spec``."""
RETAINER, VESTING = 140 * TOKENS, 560 * TOKENS
"""Of the 700 tokens that ``World.running`` pays: what is kept until the end, and what vests with finality."""

MINIMUM_STAKE = 100 * TOKENS
UNSTAKE_DELAY = 500

PERIODS = {"bidPeriod": 60, "revealPeriod": 50, "grace": 40, "window": 100, "answerPeriod": 80, "stallPeriod": 400}
SHARES = {"honestShare": 600_000, "proposerShare": 100_000, "challengerShare": 300_000, "submitterShare": 400_000}
OTHERS = {"clock": 300, "increment": 5, "beaconDelay": 3, "auditFactor": 1_300_000, "disputeGas": 2 * TOKENS}

HEADER_BYTES = ("parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom")
HEADER_NUMBERS = ("difficulty", "number", "gasLimit", "gasUsed", "timestamp")
HEADER_REST = ("extraData", "mixHash", "nonce", "baseFeePerGas", "withdrawalsRoot", "blobGasUsed", "excessBlobGas")
HEADER_LAST = ("parentBeaconBlockRoot", "requestsHash")
QUANTITIES = {*HEADER_NUMBERS, "baseFeePerGas", "blobGasUsed", "excessBlobGas"}


class Checkpoint(NamedTuple):
    """``IMarketTypes.Checkpoint``."""

    root: bytes
    seal: bytes
    committed_at: int
    beacon_block: int
    forced: bool


NO_CHECKPOINT = Checkpoint(bytes(32), bytes(32), 0, 0, False)


def root_of(interval: int, who: str = "") -> bytes:
    """The state root a solver commits for an interval."""
    return keccak(text=f"state after interval {interval} {who}")


def last_but_one(interval: int) -> bytes:
    """S(end−1) of an interval."""
    return keccak(text=f"state one step before the end of interval {interval}")


def seal_of(job: int, interval: int) -> bytes:
    """K of docs/specification/machine.md, section 4."""
    return hashlib.sha256(job.to_bytes(32, "big") + interval.to_bytes(32, "big") + last_but_one(interval)).digest()


def header_of(number: int) -> bytes:
    """RLP encoding of a block's header."""
    block = chain.provider.make_request("eth_getBlockByNumber", [hex(number), False])
    fields = []
    for name in (*HEADER_BYTES, *HEADER_NUMBERS, *HEADER_REST, *HEADER_LAST):
        fields.append(_minimal(block[name]) if name in QUANTITIES else bytes.fromhex(block[name][2:]))
    return rlp.encode(fields)


def _minimal(quantity: str) -> bytes:
    value = int(quantity, 16)
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def salt_of(account: TestAccountAPI) -> bytes:
    return keccak(text=f"salt of {account.address}")


@dataclass
class World:
    """The contracts and the parties. Amounts are base units of the token."""

    accounts: list[TestAccountAPI]
    beacon_name: str = "RandaoBeacon"
    real_court: ContractInstance | None = None
    """A scripted court otherwise."""
    checkpoints: dict[int, dict[int, Checkpoint]] = field(default_factory=dict)
    """What each job's intervals were committed as, by job and interval."""

    def __post_init__(self) -> None:
        names = ("deployer", "submitter", "solver", "rival", "verifier", "second", "challenger", "treasury", "stranger")
        for name, account in zip(names, self.accounts, strict=False):
            setattr(self, name, account)
        self.parties = self.accounts[1 : len(names)]
        self.parameters = {"treasury": self.treasury.address, **PERIODS, **OTHERS, **SHARES}
        self.token = self._deploy("TestToken")
        self.court = self.real_court or self._deploy("ScriptedCourt")
        self.vault = self._deploy("StakeVault", self.token, MINIMUM_STAKE, UNSTAKE_DELAY)
        self.beacon = self._deploy(self.beacon_name)
        self.proceedings = self._deploy("Proceedings", self.court, self.vault, self.beacon, self.parameters)
        built_with = (self.token, self.court, self.vault, self.beacon, self.proceedings, self.parameters)
        self.market = self._deploy("JobMarket", *built_with)
        self.vault.connect(self.market, sender=self.deployer)
        for party in self.parties:
            self.token.mint(party, 10**10 * TOKENS, sender=self.deployer)
            self.token.approve(self.vault, 2**256 - 1, sender=party)

    deployer: TestAccountAPI = field(init=False)
    submitter: TestAccountAPI = field(init=False)
    solver: TestAccountAPI = field(init=False)
    rival: TestAccountAPI = field(init=False)
    verifier: TestAccountAPI = field(init=False)
    second: TestAccountAPI = field(init=False)
    challenger: TestAccountAPI = field(init=False)
    treasury: TestAccountAPI = field(init=False)
    stranger: TestAccountAPI = field(init=False)
    token: ContractInstance = field(init=False)
    court: ContractInstance = field(init=False)
    vault: ContractInstance = field(init=False)
    beacon: ContractInstance = field(init=False)
    proceedings: ContractInstance = field(init=False)
    market: ContractInstance = field(init=False)

    def _deploy(self, name: str, *arguments: Any) -> ContractInstance:
        return self.deployer.deploy(project.get_contract(name), *arguments)

    # ------------------------------------------------------------ time

    def now(self) -> int:
        return int(chain.blocks.head.timestamp)

    def wait(self, seconds: int) -> None:
        chain.mine(deltatime=seconds)

    def wait_until(self, time: int) -> None:
        """The next transaction's block has at least this time."""
        if self.now() < time:
            chain.mine(timestamp=time)

    def at(self, time: int) -> None:
        """The next transaction's block has exactly this time."""
        chain.provider.make_request("evm_setNextBlockTimestamp", [time])

    # ------------------------------------------------------------ posting and bidding

    def spec(self, **changes: Any) -> dict[str, Any]:
        values = {
            "programRoot": keccak(text="program"),
            "constantsRoot": keccak(text="constants"),
            "initialRoot": keccak(text="initial state"),
            "steps": 100,
            "intervalSteps": 10,
            "deadline": 1_000,
            "auditRate": NEVER,
            "budget": 1_000 * TOKENS,
            "valueOfTime": TOKENS // 10,
            "harm": 0,
        }
        return {**values, **changes}

    def post(self, **changes: Any) -> int:
        self.market.post(self.spec(**changes), "bafy-package", ["http://127.0.0.1:8000"], sender=self.submitter)
        return int(self.market.jobs())

    def job(self, job: int) -> Any:
        return self.market.jobOf(job)

    def bid(self, job: int, bidder: TestAccountAPI, price: int, duration: int) -> ReceiptAPI:
        commitment = self.market.commitmentOf(job, self.job(job).round, bidder, price, duration, salt_of(bidder))
        return self.market.bid(job, commitment, sender=bidder)

    def reveal(self, job: int, bidder: TestAccountAPI, price: int, duration: int) -> ReceiptAPI:
        return self.market.reveal(job, price, duration, salt_of(bidder), sender=bidder)

    def auction(self, job: int, *bids: tuple[TestAccountAPI, int, int]) -> None:
        """A whole auction: every bid is entered and revealed, and the best one assigned."""
        for bidder, price, duration in bids:
            self.bid(job, bidder, price, duration)
        self.wait_until(self.job(job).bidsUntil)
        for bidder, price, duration in bids:
            self.reveal(job, bidder, price, duration)
        self.market.assign(job, sender=self.stranger)

    def running(self, **changes: Any) -> int:
        """A job assigned to the solver at a price of 600 tokens, the rival having asked for 700."""
        job = self.post(**changes)
        self.auction(job, (self.solver, 600 * TOKENS, 500), (self.rival, 700 * TOKENS, 500))
        return job

    # ------------------------------------------------------------ checkpoints

    def commit(self, job: int, count: int, solver: TestAccountAPI | None = None) -> ReceiptAPI:
        first = self.job(job).committed
        wanted = range(first, first + count)
        who = solver or self.solver
        roots = [root_of(i, who.address) for i in wanted]
        receipt = self.market.commitCheckpoints(job, roots, [seal_of(job, i) for i in wanted], sender=who)
        (event,) = receipt.decode_logs(self.market.CheckpointsCommitted)
        known = self.checkpoints.setdefault(job, {})
        for i, root, seal in zip(wanted, event.roots, event.seals, strict=True):
            known[i] = Checkpoint(root, seal, event.committedAt, event.beaconBlock, False)
        return receipt

    def checkpoint(self, job: int, interval: int) -> Checkpoint:
        return self.checkpoints[job][interval]

    def seed(self, checkpoint: Checkpoint) -> None:
        """Mine up to the beacon block's successor and record its randomness."""
        missing = checkpoint.beacon_block + 1 - chain.blocks.head.number
        if missing > 0:
            chain.mine(missing)
        if self.beacon_name == "ScriptedBeacon":
            self.beacon.set(checkpoint.beacon_block, keccak(text="randomness"), sender=self.stranger)
            return
        self.beacon.record(checkpoint.beacon_block, header_of(checkpoint.beacon_block), sender=self.stranger)

    def open_seeds(self, job: int) -> None:
        state = self.job(job)
        for i in range(state.finalised, state.committed):
            self.seed(self.checkpoint(job, i))

    def close_windows(self, job: int) -> None:
        last = max(self.checkpoint(job, i).committed_at for i in range(self.job(job).finalised, self.job(job).committed))
        self.wait_until(last + self.parameters["window"])

    def finalise(self, job: int, count: int | None = None) -> ReceiptAPI:
        state = self.job(job)
        end = state.committed if count is None else state.finalised + count
        return self.market.finalise(job, [self.checkpoint(job, i) for i in range(state.finalised, end)], sender=self.stranger)

    def finish(self, job: int) -> None:
        """Everything committed becomes final, unaudited."""
        self.open_seeds(job)
        self.close_windows(job)
        self.finalise(job)

    # ------------------------------------------------------------ audits and disputes

    def stake(self, *verifiers: TestAccountAPI, amount: int = MINIMUM_STAKE) -> None:
        for verifier in verifiers:
            self.vault.stake(amount, sender=verifier)

    def attest(self, job: int, interval: int, verifier: TestAccountAPI | None = None) -> ReceiptAPI:
        checkpoint = self.checkpoint(job, interval)
        return self.market.attest(job, interval, checkpoint, last_but_one(interval), sender=verifier or self.verifier)

    def challenge(self, job: int, interval: int, by: TestAccountAPI | None = None, *, is_seal: bool = False, **changes: Any) -> int:
        start = self.checkpoint(job, interval - 1) if interval > 0 else NO_CHECKPOINT
        end = self.checkpoint(job, interval)
        arguments = (job, interval, is_seal, self.spec(**changes), start, end, [keccak(text="other root")])
        receipt = self.market.challenge(*arguments, sender=by or self.challenger)
        (event,) = receipt.decode_logs(self.market.Challenged)
        return int(event.dispute)

    def verdict(self, dispute: int, *, challenger_wins: bool, by_proof: bool = True) -> ReceiptAPI:
        return self.court.pronounce(dispute, challenger_wins, by_proof, sender=self.stranger)

    # ------------------------------------------------------------ money

    def balance(self, account: TestAccountAPI) -> int:
        return int(self.vault.balanceOf(account))

    def wealth(self, account: TestAccountAPI) -> int:
        """Tokens in the wallet and in the vault, stakes included."""
        leaving, _ = self.vault.leavingOf(account)
        return int(self.token.balanceOf(account) + self.vault.balanceOf(account) + self.vault.stakeOf(account) + leaving)

    def withdraw_all(self) -> None:
        for party in self.parties:
            if self.balance(party) > 0:
                self.vault.withdraw(2**256 - 1, sender=party)

    def custody(self) -> int:
        """Tokens of the vault that belong to no account: what the market holds for jobs and disputes."""
        held = sum(self.balance(p) + int(self.vault.stakeOf(p)) + int(self.vault.leavingOf(p)[0]) for p in self.parties)
        return int(self.token.balanceOf(self.vault)) - held

    def check_conservation(self, disputes: tuple[int, ...] = ()) -> None:
        """Tokens in = tokens out + tokens held, and custody is exactly what open jobs and disputes account for."""
        owed = sum(self._owed(job) for job in range(1, int(self.market.jobs()) + 1))
        running = [d for d in range(1, int(self.court.disputes()) + 1) if self.court.isRunning(d)]
        bonds = sum(int.from_bytes(self.court.claimOf(d).context[:16], "big") for d in running)
        assert self.custody() == owed + bonds

    def _owed(self, number: int) -> int:
        job = self.job(number)
        owed = int(job.escrow)
        deposit = int(job.roundBudget) * 50_000 // ONE
        if job.status in (OPEN, RUNNING, ENDING) and int(job.solver, 16) != 0:
            owed += int(job.stake)
        if job.status in (OPEN, CANCELLED):
            owed += sum(deposit for p in self.parties if self.market.bidOf(number, job.round, p) != bytes(32))
        return owed
