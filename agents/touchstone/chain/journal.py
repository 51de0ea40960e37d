"""The journal of an account's transactions, in SQLite: what makes sure that nothing is sent twice, whenever the process is killed.

A transaction has a *key*, which its sender derives from what the transaction is for (``"job 7 reveal"``). It is signed and written here
before it is sent. Whoever asks to send something under a key that is here gets that transaction again, not another.
An *attempt* is one signed form of a transaction: raising its fee makes another with the same nonce, so at most one can ever be mined.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from touchstone.chain.database import open_database
from touchstone.chain.errors import JournalConflictError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS transactions (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, chain INTEGER NOT NULL, sender TEXT NOT NULL, nonce INTEGER NOT NULL,
    contract TEXT NOT NULL, function TEXT NOT NULL, recipient TEXT NOT NULL, data BLOB NOT NULL, value TEXT NOT NULL, gas INTEGER NOT NULL,
    state TEXT NOT NULL, hash TEXT, block INTEGER, block_hash TEXT, gas_used INTEGER, created REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS attempts (
    hash TEXT PRIMARY KEY, id INTEGER NOT NULL REFERENCES transactions (id), raw BLOB NOT NULL, max_fee TEXT NOT NULL, tip TEXT NOT NULL,
    created REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS cursors (
    name TEXT NOT NULL, block INTEGER NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (name, block)
);
"""
_COLUMNS = "id, key, chain, sender, nonce, contract, function, recipient, data, value, gas, state, hash, block, block_hash, gas_used"


class State(StrEnum):
    """Where a transaction stands. ``SIGNED``: journaled, perhaps sent. ``REPLACED``: another transaction took its nonce, it never ran."""

    SIGNED = "signed"
    MINED = "mined"
    REVERTED = "reverted"
    REPLACED = "replaced"


@dataclass(frozen=True)
class Attempt:
    """One signed form of a transaction; fees in wei per gas."""

    hash: str
    raw: bytes
    max_fee: int
    tip: int
    created: float


@dataclass(frozen=True)
class Entry:
    """A journaled transaction. ``hash``, ``block``, ``block_hash`` and ``gas_used`` are those of the attempt that was mined."""

    id: int
    key: str
    chain: int
    sender: str
    nonce: int
    contract: str
    function: str
    recipient: str
    data: bytes
    value: int
    gas: int
    state: State
    hash: str | None
    block: int | None
    block_hash: str | None
    gas_used: int | None


class Journal:
    """One SQLite file; usable from several threads, and from several processes of one account."""

    def __init__(self, path: Path | str) -> None:
        self._lock = threading.RLock()
        self._database = open_database(path, _SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """A block in which no other process writes; what it wrote is kept only if it ends without an error. May be nested."""
        with self._lock:
            if self._database.in_transaction:
                yield
                return
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    @property
    def in_transaction(self) -> bool:
        """Whether the calling thread is inside a block of :meth:`exclusive`; another thread's block is waited for."""
        with self._lock:
            return self._database.in_transaction

    def bind(self, chain: str) -> None:
        """Tie the journal to a chain, named by the hash of its first block.

        Raises:
            JournalConflictError: it belongs to another chain, for example to a development chain that was restarted.
        """
        with self.exclusive():
            self._database.execute("INSERT OR IGNORE INTO facts (name, value) VALUES ('chain', ?)", (chain,))
            (bound,) = self._database.execute("SELECT value FROM facts WHERE name = 'chain'").fetchone()
        if bound != chain:
            raise JournalConflictError(
                f"the journal belongs to the chain that starts with block {bound[:18]}…, not {chain[:18]}…; use a fresh data directory"
            )

    def find(self, key: str) -> Entry | None:
        """The transaction under a key."""
        rows = self._entries("WHERE key = ?", (key,))
        return rows[0] if rows else None

    def entries(self) -> list[Entry]:
        """All transactions, oldest first."""
        return self._entries("ORDER BY id", ())

    def unfinished(self) -> list[Entry]:
        """Transactions that are not known to be on the chain, lowest nonce first."""
        return self._entries("WHERE state = ? ORDER BY nonce, id", (State.SIGNED,))

    def highest_nonce(self, chain: int, sender: str) -> int | None:
        """Highest nonce used for an account, not counting transactions that were replaced."""
        with self._lock:
            row = self._database.execute(
                "SELECT max(nonce) FROM transactions WHERE chain = ? AND sender = ? AND state != ?", (chain, sender, State.REPLACED)
            ).fetchone()
        return None if row[0] is None else int(row[0])

    def add(self, entry: Entry, attempt: Attempt) -> Entry:
        """Record a transaction that was just signed; returns it with its id. The key must be new."""
        with self.exclusive():
            cursor = self._database.execute(
                "INSERT INTO transactions (key, chain, sender, nonce, contract, function, recipient, data, value, gas, state, created) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(entry.key, entry.chain, entry.sender, entry.nonce, entry.contract, entry.function, entry.recipient),
                    *(entry.data, str(entry.value), entry.gas, State.SIGNED, time.time()),
                ),
            )
            identifier = int(cursor.lastrowid or 0)
            self.add_attempt(identifier, attempt)
        return self._entries("WHERE id = ?", (identifier,))[0]

    def add_attempt(self, identifier: int, attempt: Attempt) -> None:
        """Record another signed form of a transaction."""
        with self.exclusive():
            self._database.execute(
                "INSERT OR IGNORE INTO attempts (hash, id, raw, max_fee, tip, created) VALUES (?, ?, ?, ?, ?, ?)",
                (attempt.hash, identifier, attempt.raw, str(attempt.max_fee), str(attempt.tip), attempt.created),
            )

    def attempts(self, identifier: int) -> list[Attempt]:
        """All signed forms of a transaction, newest first."""
        with self._lock:
            rows = self._database.execute(
                "SELECT hash, raw, max_fee, tip, created FROM attempts WHERE id = ? ORDER BY created DESC, rowid DESC", (identifier,)
            ).fetchall()
        return [Attempt(row[0], row[1], int(row[2]), int(row[3]), row[4]) for row in rows]

    def mark_mined(self, identifier: int, success: bool, transaction: str, block: int, block_hash: str, gas_used: int) -> None:
        """Record where a transaction was mined, and whether it succeeded."""
        state = State.MINED if success else State.REVERTED
        with self.exclusive():
            self._database.execute(
                "UPDATE transactions SET state = ?, hash = ?, block = ?, block_hash = ?, gas_used = ? WHERE id = ?",
                (state, transaction, block, block_hash, gas_used, identifier),
            )

    def mark_unmined(self, identifier: int) -> None:
        """Record that a reorganisation took a transaction off the chain."""
        with self.exclusive():
            self._database.execute(
                "UPDATE transactions SET state = ?, hash = NULL, block = NULL, block_hash = NULL, gas_used = NULL WHERE id = ?",
                (State.SIGNED, identifier),
            )

    def retire(self, entry: Entry, state: State) -> None:
        """Give a transaction that will never take effect its last state and free its key for another."""
        with self.exclusive():
            self._database.execute("UPDATE transactions SET state = ?, key = ? WHERE id = ?", (state, f"{entry.key} #{entry.id}", entry.id))

    def marks(self, cursor: str) -> list[tuple[int, str]]:
        """Blocks (number, hash) an event cursor has passed, newest first."""
        with self._lock:
            return self._database.execute("SELECT block, hash FROM cursors WHERE name = ? ORDER BY block DESC", (cursor,)).fetchall()

    def set_marks(self, cursor: str, marks: list[tuple[int, str]]) -> None:
        """Replace an event cursor's marks."""
        with self.exclusive():
            self._database.execute("DELETE FROM cursors WHERE name = ?", (cursor,))
            self._database.executemany("INSERT INTO cursors VALUES (?, ?, ?)", [(cursor, block, text) for block, text in marks])

    def _entries(self, condition: str, values: tuple[object, ...]) -> list[Entry]:
        with self._lock:
            rows = self._database.execute(f"SELECT {_COLUMNS} FROM transactions {condition}", values).fetchall()
        return [_entry(row) for row in rows]


def _entry(row: tuple[object, ...]) -> Entry:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    values["value"] = int(str(values["value"]))
    values["state"] = State(str(values["state"]))
    return Entry(**values)  # type: ignore[arg-type]
