"""What every agent is made of: an account, the chain, a store, and two journals in one directory."""

from __future__ import annotations

import fcntl
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from eth_account.signers.local import LocalAccount

from touchstone.chain.client import ChainClient
from touchstone.chain.journal import Journal
from touchstone.chain.sender import Observer, Sender, SendPolicy
from touchstone.roles.errors import AgentRunningError
from touchstone.roles.journal import RoleJournal
from touchstone.store.local import LocalStore


@dataclass(frozen=True)
class Node:
    """The parts of one agent. ``directory`` holds ``store/``, ``transactions.sqlite`` and ``facts.sqlite``; it belongs to one account."""

    directory: Path
    account: LocalAccount
    client: ChainClient
    sender: Sender
    journal: RoleJournal
    store: LocalStore
    _lock: IO[str]

    @property
    def address(self) -> str:
        """The account's address."""
        return str(self.account.address)

    def close(self) -> None:
        """Close the journals and free the directory for another process."""
        self.journal.close()
        self.sender.journal.close()
        self._lock.close()


def open_node(
    directory: Path | str,
    client: ChainClient,
    account: LocalAccount,
    policy: SendPolicy | None = None,
    observer: Observer | None = None,
) -> Node:
    """Open, or begin, the directory of an agent.

    Args:
        directory: made if it does not exist.
        client: the chain, with a deployment.
        account: whose key signs; a directory is for one account.
        policy: how transactions are sent.
        observer: told of every transaction that is signed, sent and mined.

    Raises:
        AgentRunningError: another process uses the directory.
    """
    base = Path(directory)
    base.mkdir(parents=True, exist_ok=True)
    lock = (base / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise AgentRunningError(f"another process works in {base}; stop it or name another directory with --data-dir") from None
    sender = Sender(client, account, Journal(base / "transactions.sqlite"), policy, observer)
    return Node(base, account, client, sender, RoleJournal(base / "facts.sqlite"), LocalStore(base / "store"), lock)
