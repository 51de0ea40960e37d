"""What every agent is made of: an account, the chain, a store, and what it must remember."""

from __future__ import annotations

import fcntl
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from eth_account.signers.local import LocalAccount

from touchstone.chain.client import ChainClient
from touchstone.chain.sender import Sender
from touchstone.roles.errors import AgentRunningError
from touchstone.roles.journal import RoleJournal
from touchstone.store.local import LocalStore


@dataclass(frozen=True)
class Node:
    """The parts of one agent.

    Attributes:
        account: whose key signs.
        sender: sends its transactions; its journal is the account's.
        journal: what the agent must remember beside its transactions.
        store: where packages and states are.
    """

    account: LocalAccount
    sender: Sender
    journal: RoleJournal
    store: LocalStore
    lock: IO[str]

    @property
    def address(self) -> str:
        """The account's address."""
        return str(self.account.address)

    @property
    def client(self) -> ChainClient:
        """The chain."""
        return self.sender.client

    def close(self) -> None:
        """Close the journals and let another process take over."""
        self.journal.close()
        self.sender.journal.close()
        self.lock.close()


def open_node(data: Path | str, account: LocalAccount, sender: Sender, role: str) -> Node:
    """Open, or begin, what an account's agent keeps on this machine.

    Facts are kept per chain and account in ``data/agents``, so that a development chain that was restarted begins anew; the store in
    ``data/store`` is shared by all, because content addresses mean the same everywhere.

    Args:
        data: directory for everything, made if it does not exist.
        account: whose key signs.
        sender: of that account, on a chain with a deployment.
        role: ``solver``, ``verifier`` or ``submitter``; one process per role, chain and account at a time.

    Raises:
        AgentRunningError: another process of the same role runs for the account.
    """
    base = Path(data)
    facts = facts_path(base, sender.client, account.address)
    agents = facts.parent
    agents.mkdir(parents=True, exist_ok=True)
    lock = (agents / f"{role}.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise AgentRunningError(f"a {role} of {account.address} runs with {base} already; stop it or name another --data") from None
    return Node(account, sender, RoleJournal(facts), LocalStore(base / "store"), lock)


def facts_path(data: Path, client: ChainClient, address: str) -> Path:
    """Where the facts of an account on a chain are kept; they can be read while its agent runs."""
    return data / "agents" / f"{client.genesis[2:18]}-{address}" / "facts.sqlite"
