"""What a verifier decides, from views made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.agents.roles.views import (
    ME,
    NOW,
    OTHER,
    THIRD,
    event_of,
    interval_of,
    job_of,
    memory,
    opened_dispute,
    record_of,
    state_of,
    view_of,
)
from touchstone.roles.actions import Action, Challenge, Inspect, Send
from touchstone.roles.journal import Finding, RoleJournal
from touchstone.roles.ledger import Ledger
from touchstone.roles.records import Status
from touchstone.roles.rules.verifier import RIGHT, WRONG_ROOT, WRONG_SEAL, VerifierRules, decide
from touchstone.roles.view import Draw, IntervalView, View

MINE = Draw(True, ME)
BEFORE = b"b" * 32


@pytest.fixture
def journal() -> RoleJournal:
    return memory()


def found(journal: RoleJournal, interval: IntervalView, outcome: str) -> None:
    checkpoint = interval.commitment.checkpoint
    journal.add_finding(Finding(1, interval.interval, checkpoint.root, checkpoint.seal, outcome, BEFORE))


def see(*intervals: IntervalView, ledger: Ledger | None = None) -> View:
    return view_of(job_of(record_of(), state_of(Status.RUNNING, solver=OTHER, committed=len(intervals)), *intervals), ledger=ledger)


def audits(view: View, journal: RoleJournal, whistleblower: bool = False) -> list[Action]:
    rules = VerifierRules(whistleblower=whistleblower, patience=60)
    return [action for action in decide(view, journal, rules) if not isinstance(action, Send) or action.function == "attest"]


def test_a_drawn_interval_is_inspected_then_attested_with_the_root_one_step_before_its_end(journal: RoleJournal) -> None:
    interval = interval_of(0, solver=OTHER, draw=MINE)
    assert audits(see(interval), journal) == [Inspect(1, 0)]
    found(journal, interval, RIGHT)
    (attest,) = audits(see(interval), journal)
    assert isinstance(attest, Send) and attest.arguments[-1] == BEFORE


def test_a_state_that_is_nowhere_to_be_had_is_reported_after_a_while_and_once(journal: RoleJournal) -> None:
    interval, rules = interval_of(3, solver=OTHER, draw=MINE, attempt=2), VerifierRules(patience=60)

    def sent(interval: IntervalView, since: int) -> list[str]:
        missing = {(1, 3, 2): since, (1, 3, 1): 0}
        return [action.function for action in decide(see(interval), journal, rules, missing) if isinstance(action, Send)]

    assert sent(interval, NOW - 60) == ["reportUnavailable"]
    assert sent(interval, NOW - 59) == []
    assert sent(interval_of(3, solver=OTHER, draw=MINE, attempt=2, withheld=True), NOW - 60) == []
    assert sent(interval_of(3, solver=OTHER, draw=Draw(True, THIRD), attempt=2), NOW - 60) == []


@pytest.mark.parametrize(("outcome", "is_seal"), [(WRONG_ROOT, False), (WRONG_SEAL, True)])
def test_a_wrong_root_or_seal_is_challenged_also_after_the_window(journal: RoleJournal, outcome: str, is_seal: bool) -> None:
    interval = interval_of(0, solver=OTHER, draw=MINE)
    found(journal, interval, outcome)
    assert audits(see(interval), journal) == [Challenge(1, 0, is_seal)]


@pytest.mark.parametrize(
    "interval",
    [
        interval_of(0, solver=OTHER, draw=Draw(True, THIRD)),
        interval_of(0, solver=OTHER, draw=Draw(False, THIRD)),
        interval_of(0, solver=OTHER, draw=None),
        interval_of(0, solver=OTHER, draw=MINE, attested=True),
        interval_of(0, solver=OTHER, draw=MINE, disputes=1),
        interval_of(0, solver=ME, draw=MINE),
    ],
    ids=["another's", "not drawn", "not drawn yet", "attested", "disputed", "own work"],
)
def test_a_verifier_leaves_alone_what_it_is_not_drawn_for_or_cannot_answer(journal: RoleJournal, interval: IntervalView) -> None:
    assert audits(see(interval), journal) == []


def test_a_whistleblower_inspects_everything_inside_its_window(journal: RoleJournal) -> None:
    inside, outside = interval_of(0, solver=OTHER, committed_at=NOW - 19), interval_of(1, solver=OTHER, committed_at=NOW - 20)
    assert audits(see(inside, outside), journal, whistleblower=True) == [Inspect(1, 0)]
    found(journal, inside, RIGHT)
    assert audits(see(inside, outside), journal, whistleblower=True) == []


def test_intervals_behind_the_first_wrong_one_are_not_touched(journal: RoleJournal) -> None:
    wrong, behind = interval_of(0, solver=OTHER, draw=MINE), interval_of(1, solver=OTHER, draw=MINE)
    found(journal, wrong, WRONG_ROOT)
    found(journal, behind, RIGHT)
    assert audits(see(wrong, behind), journal) == [Challenge(1, 0, False)]


def test_while_a_dispute_runs_later_intervals_are_answered_for_only_when_summoned(journal: RoleJournal) -> None:
    disputed, behind = interval_of(0, solver=OTHER, draw=MINE, disputes=1), interval_of(1, solver=OTHER, draw=MINE)
    summoned = interval_of(2, solver=OTHER, draw=MINE, answer_by=NOW + 10)
    ledger = Ledger()
    for event in opened_dispute(OTHER, ME):
        ledger.apply(event)
    assert audits(see(disputed, behind, summoned, ledger=ledger), journal) == [Inspect(1, 2)]
    ledger.apply(event_of("DisputeClosed", "Court", dispute=1, winner=OTHER, challengerWins=False, byProof=True))
    assert Inspect(1, 1) in audits(see(disputed, behind, summoned, ledger=ledger), journal)


def test_a_checkpoint_is_not_challenged_twice_neither_while_the_dispute_runs_nor_after_it_was_lost(journal: RoleJournal) -> None:
    interval = interval_of(0, solver=OTHER, draw=MINE)
    found(journal, interval, WRONG_ROOT)
    ledger = Ledger()
    opened, challenged = opened_dispute(OTHER, ME)
    claim = opened.values["claim"]._replace(target=interval.commitment.checkpoint.root)
    ledger.apply(replace(opened, values={**opened.values, "claim": claim}))
    ledger.apply(challenged)
    assert not any(isinstance(action, Challenge) for action in audits(see(interval, ledger=ledger), journal))
    ledger.apply(event_of("DisputeClosed", "Court", dispute=1, winner=OTHER, challengerWins=False, byProof=True))
    assert not any(isinstance(action, Challenge) for action in audits(see(interval, ledger=ledger), journal))


def test_a_finding_about_a_void_checkpoint_says_nothing_about_the_next_one(journal: RoleJournal) -> None:
    interval, other = interval_of(0, solver=OTHER, draw=MINE), interval_of(5, solver=OTHER, draw=MINE)
    found(journal, interval, WRONG_ROOT)
    again = IntervalView(**{**vars(interval), "commitment": other.commitment})
    again.commitment.interval = 0
    assert audits(see(again), journal) == [Inspect(1, 0)]


def test_what_is_missing_from_the_stake_is_staked_when_the_tokens_are_there(journal: RoleJournal) -> None:
    rules = VerifierRules(stake=100)
    staked = [action for action in decide(view_of(stake=40, spendable=60), journal, rules) if isinstance(action, Send)]
    assert [action.arguments for action in staked] == [(60,)]
    assert not [action for action in decide(view_of(stake=40, spendable=59), journal, rules) if isinstance(action, Send)]
