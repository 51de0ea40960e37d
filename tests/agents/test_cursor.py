"""Following events on a real chain through restarts and reorganisations."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agents.conftest import Ledger
from touchstone.chain.cursor import Batch, EventCursor
from touchstone.chain.errors import JournalConflictError
from touchstone.chain.journal import Journal
from touchstone.chain.sender import Sender


def cursor(ledger: Ledger, journal: Path, **options: int) -> EventCursor:
    return EventCursor(ledger.client, Journal(journal), "test", ["Token"], **options)


def amounts(batch: Batch) -> list[int]:
    return [event.values["value"] for event in batch.events if event.name == "Transfer"]


@pytest.fixture
def sender(ledger: Ledger, tmp_path: Path) -> Sender:
    return ledger.sender(tmp_path / "sender")


def test_events_come_in_order_and_once_when_they_are_dealt_with(ledger: Ledger, sender: Sender, tmp_path: Path) -> None:
    events = cursor(ledger, tmp_path / "c")
    sender.execute(ledger.mint(1))
    sender.execute(ledger.mint(2))
    first = events.poll()
    assert amounts(first) == [1, 2]
    events.advance(first)
    assert amounts(events.poll()) == []
    sender.execute(ledger.mint(3))
    second = events.poll()
    assert (amounts(second), second.rewound_to, second.behind) == ([3], None, False)


def test_a_process_killed_before_it_dealt_with_events_gets_them_again(ledger: Ledger, sender: Sender, tmp_path: Path) -> None:
    sender.execute(ledger.mint(1))
    assert amounts(cursor(ledger, tmp_path / "c").poll()) == [1]
    restarted = cursor(ledger, tmp_path / "c")
    batch = restarted.poll()
    assert amounts(batch) == [1]
    restarted.advance(batch)
    assert amounts(cursor(ledger, tmp_path / "c").poll()) == []


def test_long_histories_come_in_several_batches(ledger: Ledger, sender: Sender, tmp_path: Path) -> None:
    for value in range(1, 6):
        sender.execute(ledger.mint(value))
    events = cursor(ledger, tmp_path / "c", span=2, start=0)
    seen: list[int] = []
    behind = True
    while behind:
        batch = events.poll()
        seen += amounts(batch)
        behind = batch.behind
        events.advance(batch)
    assert seen == [1, 2, 3, 4, 5]


def test_after_a_reorganisation_the_cursor_goes_back_and_reads_the_new_chain(ledger: Ledger, sender: Sender, tmp_path: Path) -> None:
    events = cursor(ledger, tmp_path / "c")
    for value in (1, 2, 3):
        sender.execute(ledger.mint(value))
        events.advance(events.poll())
    height = ledger.client.head()
    ledger.rpc("anvil_reorg", 2, [])
    batch = events.poll()
    assert batch.rewound_to == height - 2
    assert amounts(batch) == []
    events.advance(batch)
    sender.recover()
    ledger.mine()
    again = cursor(ledger, tmp_path / "c").poll()
    assert again.rewound_to is None
    assert sorted(amounts(again)) == [2, 3]


def test_a_chain_that_became_shorter_is_noticed_at_once(ledger: Ledger, sender: Sender, tmp_path: Path) -> None:
    events = cursor(ledger, tmp_path / "c")
    sender.execute(ledger.mint(1))
    events.advance(events.poll())
    kept = ledger.client.head()
    snapshot = ledger.rpc("evm_snapshot")
    sender.execute(ledger.mint(2))
    events.advance(events.poll())
    sender.execute(ledger.mint(3))
    events.advance(events.poll())
    ledger.rpc("evm_revert", snapshot)
    ledger.mine()
    batch = events.poll()
    assert batch.rewound_to == kept
    assert amounts(batch) == []


def test_a_node_that_lags_behind_is_not_taken_for_a_reorganisation(ledger: Ledger, sender: Sender, tmp_path: Path) -> None:
    events = cursor(ledger, tmp_path / "c")
    snapshot = ledger.rpc("evm_snapshot")
    events.advance(events.poll())
    entry = sender.send(ledger.mint(1))
    sender.wait(entry)
    events.advance(events.poll())
    ledger.rpc("evm_revert", snapshot)  # now the node is one block behind what was seen
    batch = events.poll()
    assert (batch.rewound_to, batch.events) == (None, ())
    events.advance(batch)
    assert cursor(ledger, tmp_path / "c").poll().rewound_to is None


def test_a_reorganisation_deeper_than_remembered_starts_over(ledger: Ledger, sender: Sender, tmp_path: Path) -> None:
    events = cursor(ledger, tmp_path / "c", depth=1, start=1)
    for value in (1, 2, 3):
        sender.execute(ledger.mint(value))
        events.advance(events.poll())
    ledger.rpc("anvil_reorg", 1, [])
    batch = events.poll()
    assert batch.rewound_to == 0
    assert amounts(batch) == [1, 2]


def test_two_cursors_in_one_journal_do_not_disturb_each_other(ledger: Ledger, sender: Sender, tmp_path: Path) -> None:
    sender.execute(ledger.mint(1))
    journal = Journal(tmp_path / "c")
    one, two = (EventCursor(ledger.client, journal, name, ["Token"]) for name in ("one", "two"))
    one.advance(one.poll())
    assert amounts(two.poll()) == [1]


def test_a_journal_of_another_chain_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    Journal(tmp_path / "c").bind("0x" + "12" * 32)
    with pytest.raises(JournalConflictError):
        cursor(ledger, tmp_path / "c").poll()
