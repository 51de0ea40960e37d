"""Sending transactions: simulated first, journaled before they leave, never sent twice, followed through reorganisations."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from eth_account.signers.local import LocalAccount

from touchstone.chain.client import ChainClient, RawReceipt, decode_logs
from touchstone.chain.contracts import Call, Event
from touchstone.chain.errors import (
    ContractRevertError,
    InsufficientFundsError,
    JournalConflictError,
    RpcError,
    TransactionPendingError,
)
from touchstone.chain.journal import Attempt, Entry, Journal, State

MAX_GAS = 1 << 24
"""Most gas of one transaction since Osaka (EIP-7825)."""

_KNOWN = ("already known", "already imported", "known transaction", "already in the mempool")
_OUTDATED = ("nonce too low", "underpriced", "nonce is too low", "old nonce")
_SETTLED_BLOCKS = 3

Observer = Callable[[str, Entry], None]
"""Called with ``"signed"`` (journaled, not sent yet), ``"sent"`` and ``"mined"``, and the transaction."""


@dataclass(frozen=True)
class SendPolicy:
    """How transactions are sent.

    Attributes:
        confirmations: blocks, the transaction's own included, after which it counts.
        timeout: seconds :meth:`Sender.wait` waits.
        poll: seconds between looks at the chain.
        bump_after: seconds after which the fee of a waiting transaction is raised.
        resend_after: seconds after which a waiting transaction is handed to the node again.
        gas_margin: gas limit over the estimate.
        max_fee: most wei per gas to pay; None for no limit.
    """

    confirmations: int = 1
    timeout: float = 180.0
    poll: float = 0.25
    bump_after: float = 45.0
    resend_after: float = 5.0
    gas_margin: float = 1.25
    max_fee: int | None = None


@dataclass(frozen=True)
class Receipt:
    """A transaction that succeeded. ``events`` are those of the deployment's contracts; ``gas_price`` is in wei."""

    key: str
    transaction: str
    block: int
    block_hash: str
    gas_used: int
    gas_price: int
    events: tuple[Event, ...]

    def event(self, name: str) -> Event:
        """The first event of this name. Raises LookupError."""
        for event in self.events:
            if event.name == name:
                return event
        raise LookupError(f"transaction {self.transaction} has no event {name}")


@dataclass(frozen=True)
class Preview:
    """What sending a call would do: its return value, the gas it takes, and the most it may cost in wei."""

    result: Any
    gas: int
    cost: int


class Sender:
    """Sends transactions of one account. Nonces, fees and the journal are handled here and nowhere else."""

    def __init__(
        self,
        client: ChainClient,
        account: LocalAccount,
        journal: Journal,
        policy: SendPolicy | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.client = client
        self.address = str(account.address)
        self.journal = journal
        self.policy = policy or SendPolicy()
        self._account = account
        self._observer = observer
        self._bound = False

    def preview(self, call: Call) -> Preview:
        """Simulate without sending. Raises ContractRevertError, InsufficientFundsError."""
        result = self.client.simulate(call, self.address, "pending")
        gas = self._gas_limit(call)
        max_fee, _ = self._fees()
        self._check_funds(call, gas, max_fee)
        return Preview(result, gas, gas * max_fee + call.value)

    def send(self, call: Call, key: str | None = None) -> Entry:
        """Simulate, sign, journal and send a transaction; returns at once.

        With the same ``key`` as an earlier transaction, that one is returned (and handed to the node again if it is not on the chain), also
        after a restart; one that reverted or never ran is given up, and the call is sent anew. Without a key, the transaction is a new one.

        Raises:
            ContractRevertError: the contract refuses it; nothing was spent.
            InsufficientFundsError: the account cannot pay for it; nothing was spent.
            JournalConflictError: the key belongs to a different call.
        """
        if self.journal.in_transaction:
            raise RuntimeError("send must not run inside Journal.exclusive: the journal has to be on disk before anything is sent")
        self._bind()
        entry = self._existing(call, key) if key is not None else None
        if entry is not None and entry.state is State.MINED:
            return entry
        if entry is None:
            entry = self._sign(call, key or f"{call.contract}.{call.function} {uuid.uuid4().hex}")
            self._notify("signed", entry)
        self._broadcast(entry)
        self._notify("sent", entry)
        return entry

    def wait(self, entry: Entry | str, timeout: float | None = None, confirmations: int | None = None) -> Receipt:
        """Wait until a transaction (or that of a key) is on the chain. Fees are raised and reorganisations followed meanwhile.

        Raises:
            ContractRevertError: it was mined and reverted.
            TransactionPendingError: it is still waiting; it stays journaled, and a later call goes on.
        """
        current = self._lookup(entry)
        depth = confirmations or self.policy.confirmations
        started = time.monotonic()
        resend_at, bump_at = started + self.policy.resend_after, started + self.policy.bump_after
        limit = started + (self.policy.timeout if timeout is None else timeout)
        while True:
            current, raw = self._reconcile(current)
            if raw is not None and self.client.head() - raw.block + 1 >= depth:
                return self._finish(current, raw)
            if current.state is State.REPLACED:
                current = self._again(current)
            now = time.monotonic()
            if now > limit:
                raise TransactionPendingError(
                    f"{current.contract}.{current.function} is not on the chain yet; it is journaled, run the command again to go on"
                )
            if raw is None and now > bump_at:
                self._bump(current)
                bump_at = now + self.policy.bump_after
            elif raw is None and now > resend_at:
                self._resend_up_to(current)
                resend_at = now + self.policy.resend_after
            time.sleep(self.policy.poll)

    def execute(self, call: Call, key: str | None = None) -> Receipt:
        """:meth:`send`, then :meth:`wait`."""
        return self.wait(self.send(call, key))

    def recover(self) -> list[Entry]:
        """After a start: hand everything journaled but not on the chain to the node again. Returns what is still waiting."""
        self._bind()
        for entry in self.journal.entries()[-64:]:
            if entry.state in (State.MINED, State.REVERTED):
                self._reconcile(entry)
        waiting = [self._reconcile(entry)[0] for entry in self.journal.unfinished()]
        waiting = [entry for entry in waiting if entry.state is State.SIGNED]
        for entry in waiting:
            self._broadcast(entry)
        return waiting

    def _bind(self) -> None:
        if not self._bound:
            self.journal.bind(self.client.genesis)
            self._bound = True

    def _notify(self, what: str, entry: Entry) -> None:
        if self._observer is not None:
            self._observer(what, entry)

    def _lookup(self, entry: Entry | str) -> Entry:
        if isinstance(entry, Entry):
            return entry
        found = self.journal.find(entry)
        if found is None:
            raise JournalConflictError(f"no transaction is journaled under {entry!r}; send it first")
        return found

    def _existing(self, call: Call, key: str) -> Entry | None:
        """The journaled transaction of a key, brought up to date; None if there is none or it is given up."""
        entry = self.journal.find(key)
        if entry is None:
            return None
        entry, _ = self._reconcile(entry)
        if entry.state is State.REVERTED:
            self.journal.retire(entry, State.REVERTED)
        if entry.state in (State.REVERTED, State.REPLACED):
            return None
        if (entry.recipient, entry.data, entry.value) != (call.address, call.data, call.value):
            raise JournalConflictError(f"{key!r} already stands for another {entry.function} transaction; use another key")
        return entry

    def _sign(self, call: Call, key: str) -> Entry:
        self.client.simulate(call, self.address, "pending")
        gas = self._gas_limit(call)
        max_fee, tip = self._fees()
        self._check_funds(call, gas, max_fee)
        with self.journal.exclusive():
            rival = self.journal.find(key)
            if rival is not None:  # another thread or process was faster
                return rival
            nonce = self._next_nonce()
            entry = Entry(
                *(
                    0,
                    key,
                    self.client.chain_id,
                    self.address,
                    nonce,
                    call.contract,
                    call.function,
                    call.address,
                    call.data,
                    call.value,
                    gas,
                ),
                *(State.SIGNED, None, None, None, None),
            )
            return self.journal.add(entry, self._attempt(entry, max_fee, tip))

    def _next_nonce(self) -> int:
        pending = self.client.nonce(self.address, "pending")
        highest = self.journal.highest_nonce(self.client.chain_id, self.address)
        return pending if highest is None else max(pending, highest + 1)

    def _attempt(self, entry: Entry, max_fee: int, tip: int) -> Attempt:
        signed = self._account.sign_transaction(_fields(entry, max_fee, tip))
        return Attempt("0x" + signed.hash.hex().removeprefix("0x"), bytes(signed.raw_transaction), max_fee, tip, time.time())

    def _broadcast(self, entry: Entry) -> None:
        """Hand the newest signed form to the node. Whether it was accepted is seen on the chain, not here."""
        newest = self.journal.attempts(entry.id)[0]
        try:
            self.client.provider.request("eth_sendRawTransaction", "0x" + newest.raw.hex())
        except RpcError as error:
            text = error.message.lower()
            if "insufficient funds" in text:
                raise InsufficientFundsError(
                    f"{self.address} cannot pay for {entry.contract}.{entry.function}; fund it, the transaction is journaled and goes on"
                ) from error
            if not any(known in text for known in (*_KNOWN, *_OUTDATED)):
                raise

    def _resend_up_to(self, entry: Entry) -> None:
        """Send what waits, lowest nonce first: a gap before a transaction would hold it back for ever."""
        for waiting in self.journal.unfinished():
            if waiting.nonce <= entry.nonce:
                self._broadcast(waiting)

    def _bump(self, entry: Entry) -> None:
        """Sign the same transaction with a higher fee (nodes ask for an eighth more) and send it."""
        newest = self.journal.attempts(entry.id)[0]
        max_fee, tip = self._fees()
        raised, raised_tip = max(max_fee, newest.max_fee * 9 // 8 + 1), max(tip, newest.tip * 9 // 8 + 1)
        if self.policy.max_fee is None or raised <= self.policy.max_fee:
            self.journal.add_attempt(entry.id, self._attempt(entry, raised, raised_tip))
        self._resend_up_to(entry)

    def _reconcile(self, entry: Entry) -> tuple[Entry, RawReceipt | None]:
        """Compare a journaled transaction with the chain and record what changed."""
        for attempt in self.journal.attempts(entry.id):
            raw = self.client.receipt(attempt.hash)
            if raw is not None:
                return self._record(entry, raw), raw
        if entry.state in (State.MINED, State.REVERTED):
            self.journal.mark_unmined(entry.id)
            entry = replace(entry, state=State.SIGNED, hash=None, block=None, block_hash=None, gas_used=None)
            self._broadcast(entry)
        if entry.state is State.SIGNED and self._nonce_is_taken(entry):
            self.journal.retire(entry, State.REPLACED)
            return replace(entry, state=State.REPLACED), None
        return entry, None

    def _record(self, entry: Entry, raw: RawReceipt) -> Entry:
        if entry.block_hash == raw.block_hash and entry.hash == raw.transaction:
            return entry
        self.journal.mark_mined(entry.id, raw.success, raw.transaction, raw.block, raw.block_hash, raw.gas_used)
        state = State.MINED if raw.success else State.REVERTED
        mined = replace(entry, state=state, hash=raw.transaction, block=raw.block, block_hash=raw.block_hash, gas_used=raw.gas_used)
        self._notify("mined", mined)
        return mined

    def _nonce_is_taken(self, entry: Entry) -> bool:
        """Whether another transaction was mined with the nonce, deep enough to rely on it."""
        settled = max(0, self.client.head() - _SETTLED_BLOCKS)
        if self.client.nonce(self.address, settled) <= entry.nonce:
            return False
        return not any(self.client.knows_transaction(attempt.hash) for attempt in self.journal.attempts(entry.id))

    def _again(self, entry: Entry) -> Entry:
        """Send a transaction whose nonce was taken under a fresh one."""
        fresh = self._sign(_call(entry), entry.key)
        self._notify("signed", fresh)
        self._broadcast(fresh)
        self._notify("sent", fresh)
        return fresh

    def _finish(self, entry: Entry, raw: RawReceipt) -> Receipt:
        if not raw.success:
            raise self._mined_revert(entry, raw)
        deployment = self.client.deployment
        contracts = [self.client.contract(name) for name in deployment.contracts] if deployment is not None else []
        events = tuple(decode_logs(raw.logs, contracts))
        return Receipt(entry.key, raw.transaction, raw.block, raw.block_hash, raw.gas_used, raw.gas_price, events)

    def _mined_revert(self, entry: Entry, raw: RawReceipt) -> ContractRevertError:
        """The reason of a revert on chain, found by running the call again on the state before its block, then on that after it."""
        for block in (raw.block - 1, raw.block):
            try:
                self.client.simulate(_call(entry), self.address, block)
            except ContractRevertError as error:
                return ContractRevertError(entry.contract, entry.function, error.error, error.values, error.text, raw.transaction)
            except (RpcError, InsufficientFundsError):
                continue
        text = "its gas used up" if raw.gas_used >= entry.gas else "a reason that does not show when it is run again"
        return ContractRevertError(entry.contract, entry.function, "", {}, text, raw.transaction)

    def _gas_limit(self, call: Call) -> int:
        estimate = self.client.estimate_gas(call, self.address)
        return max(estimate, min(int(estimate * self.policy.gas_margin) + 5_000, MAX_GAS))

    def _fees(self) -> tuple[int, int]:
        """Fee limit and tip, wei per gas: room for the base fee to double."""
        try:
            tip = int(self.client.provider.request("eth_maxPriorityFeePerGas"), 16)
        except RpcError:
            tip = 10**9
        max_fee = 2 * self.client.block("latest").base_fee + tip
        if self.policy.max_fee is not None:
            max_fee = min(max_fee, self.policy.max_fee)
        return max_fee, min(tip, max_fee)

    def _check_funds(self, call: Call, gas: int, max_fee: int) -> None:
        needed = gas * max_fee + call.value
        balance = self.client.balance(self.address)
        if balance < needed:
            have, want = f"{balance / 1e18:.6f}", f"{needed / 1e18:.6f}"
            raise InsufficientFundsError(
                f"{self.address} has {have} of the chain's currency, {call.contract}.{call.function} may cost {want}; fund it"
            )


def _fields(entry: Entry, max_fee: int, tip: int) -> dict[str, Any]:
    return {
        "type": 2,
        "chainId": entry.chain,
        "nonce": entry.nonce,
        "to": entry.recipient or b"",
        "data": entry.data,
        "value": entry.value,
        "gas": entry.gas,
        "maxFeePerGas": max_fee,
        "maxPriorityFeePerGas": tip,
    }


def _call(entry: Entry) -> Call:
    return Call(entry.contract, entry.recipient, entry.function, entry.data, entry.value)
