"""Following events: a position in the chain that survives restarts and notices reorganisations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from touchstone.chain.client import Block, ChainClient
from touchstone.chain.contracts import Event
from touchstone.chain.errors import ChainUnavailableError, RpcError
from touchstone.chain.journal import Journal

_TRIES = 5


@dataclass(frozen=True)
class Batch:
    """What happened since the last :meth:`EventCursor.advance`.

    Attributes:
        events: in the order of the chain.
        head: the block the batch reaches; its timestamp is the chain's time.
        rewound_to: after a reorganisation, the last block still valid: what was seen after it must be forgotten, and comes again as far as
            it still holds. None otherwise.
        behind: whether more blocks are waiting.
    """

    events: tuple[Event, ...]
    head: Block
    rewound_to: int | None = None
    behind: bool = False
    marks: tuple[tuple[int, str], ...] = field(default=(), repr=False)


class EventCursor:
    """Reads the events of contracts of the deployment in order, each at least once.

    ``poll`` returns what is new and ``advance`` records that it was dealt with; a process killed between the two gets the same again.

    Args:
        client: the chain.
        journal: where the position is kept.
        name: tells apart cursors that share a journal.
        contracts: names of contracts; all of the deployment when empty.
        start: first block to read; the deployment's own by default.
        span: most blocks in one batch.
        depth: how many passed blocks are remembered; a deeper reorganisation starts over at ``start``.
    """

    def __init__(
        self,
        client: ChainClient,
        journal: Journal,
        name: str,
        contracts: Sequence[str] = (),
        start: int | None = None,
        span: int = 2_000,
        depth: int = 256,
    ) -> None:
        deployment = client.deployment
        names = tuple(contracts) or (tuple(deployment.contracts) if deployment is not None else ())
        self._client = client
        self._journal = journal
        self._name = name
        self._contracts = [client.contract(each) for each in names]
        self._start = start if start is not None else (deployment.block if deployment is not None else 0)
        self._span = span
        self._depth = depth
        self._bound = False

    def poll(self) -> Batch:
        """New events. Raises ChainUnavailableError when the chain changes faster than it can be read, and RPC errors."""
        if not self._bound:
            self._journal.bind(self._client.genesis)
            self._bound = True
        for _ in range(_TRIES):
            batch = self._read()
            if batch is not None:
                return batch
        raise ChainUnavailableError("the chain is reorganising faster than its events can be read; try again")

    def advance(self, batch: Batch) -> None:
        """Record that everything up to and including ``batch`` was dealt with."""
        self._journal.set_marks(self._name, list(batch.marks))

    def _read(self) -> Batch | None:
        """One attempt; None when the chain changed meanwhile."""
        head = self._client.block("latest")
        marks = self._journal.marks(self._name)
        valid, contradicted = self._valid_marks(marks, head)
        position = valid[0][0] if valid else self._start - 1
        rewound = position if contradicted else None
        ahead = bool(marks) and not contradicted and marks[0][0] >= head.number
        if ahead or head.number <= position:
            return Batch((), head, rewound, marks=tuple(valid if contradicted else marks))
        end = head if head.number <= position + self._span else self._client.block(position + self._span)
        events = self._client.logs(self._contracts, position + 1, end.number)
        if not self._is_canonical(end.number, end.hash):
            return None
        kept = ((end.number, end.hash), *valid)[: self._depth]
        return Batch(tuple(events), end, rewound, end.number < head.number, kept)

    def _valid_marks(self, marks: list[tuple[int, str]], head: Block) -> tuple[list[tuple[int, str]], bool]:
        """The marks still on the chain, and whether one no longer is. Marks above the head say nothing: the node may lag behind."""
        contradicted = False
        for index, (number, text) in enumerate(marks):
            if number > head.number:
                continue
            if self._is_canonical(number, text):
                return marks[index:], contradicted
            contradicted = True
        return [], contradicted

    def _is_canonical(self, number: int, text: str) -> bool:
        try:
            return self._client.block(number).hash == text
        except RpcError:
            return False
