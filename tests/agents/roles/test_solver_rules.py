"""What a solver decides, from views made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.agents.roles.views import ME, NOW, OTHER, PLENTY, interval_of, job_of, memory, record_of, state_of, view_of
from touchstone.roles.actions import Action, Assess, PrepareBid, Remark, Send, Train
from touchstone.roles.journal import Assessment, Bid, RoleJournal, TrainedCheckpoint
from touchstone.roles.ledger import Reveal
from touchstone.roles.records import EndReason, JobState, Status
from touchstone.roles.rules.solver import SolverRules, decide
from touchstone.roles.view import JobView, View

RULES = SolverRules(patience=60, due_margin=5, batch=4)
BID = Bid(1, 1, 10**17, 100, b"s" * 32)


@pytest.fixture
def journal() -> RoleJournal:
    return memory()


def can_do(journal: RoleJournal, job: int = 1, memory_bytes: int = 1000) -> None:
    journal.add_assessment(Assessment(job, True, "", 1.0, memory_bytes))


def sent(view: View, journal: RoleJournal, rules: SolverRules = RULES) -> list[str]:
    return [action.function for action in decide(view, journal, rules) if isinstance(action, Send)]


def of_kind(kind: type[Action], view: View, journal: RoleJournal) -> list[Action]:
    return [action for action in decide(view, journal, RULES) if isinstance(action, kind)]


def open_job(**changes: object) -> JobView:
    return job_of(record_of(), state_of(Status.OPEN, **changes))


def test_an_open_job_is_assessed_then_priced_then_bid_for(journal: RoleJournal) -> None:
    view = view_of(open_job(), time=NOW - 5)
    assert of_kind(Assess, view, journal) == [Assess(1)]
    can_do(journal)
    assert of_kind(PrepareBid, view, journal) == [PrepareBid(1, 1)]
    journal.add_bid(BID)
    (bid,) = of_kind(Send, view, journal)
    assert isinstance(bid, Send) and (bid.function, bid.key) == ("bid", "job 1 round 1 bid")


def test_the_salt_that_was_journaled_first_counts(journal: RoleJournal) -> None:
    journal.add_bid(BID)
    assert journal.add_bid(replace(BID, salt=b"t" * 32)).salt == BID.salt


def test_nothing_is_bid_when_bidding_is_over_or_the_job_was_refused_or_lost_by_conviction(journal: RoleJournal) -> None:
    can_do(journal)
    journal.add_bid(BID)
    assert sent(view_of(open_job(), time=NOW), journal) == []
    convicted = job_of(record_of(endings=[(1, ME, 3, EndReason.CONVICTED)]), state_of(Status.OPEN))
    assert sent(view_of(convicted, time=NOW - 5), journal) == []
    journal.add_assessment(Assessment(1, False, "too large", 0.0, 0))
    assert sent(view_of(open_job(), time=NOW - 5), journal) == []


def test_a_bid_that_the_balance_or_the_budget_does_not_cover_is_not_sent_but_remarked(journal: RoleJournal) -> None:
    can_do(journal)
    journal.add_bid(BID)
    poor = view_of(open_job(), time=NOW - 5, spendable=1)
    assert sent(poor, journal) == [] and "stake" in str(of_kind(Remark, poor, journal))
    dear = memory()
    can_do(dear)
    dear.add_bid(replace(BID, price=PLENTY))
    view = view_of(open_job(), time=NOW - 5)
    assert sent(view, dear) == [] and "budget" in str(of_kind(Remark, view, dear))


@pytest.mark.parametrize("rules", [SolverRules(jobs=1), SolverRules(memory=1500)])
def test_no_further_job_is_bid_for_beyond_the_jobs_or_the_memory_allowed(journal: RoleJournal, rules: SolverRules) -> None:
    can_do(journal)
    can_do(journal, job=2)
    journal.add_bid(BID)
    busy = job_of(replace(record_of(), number=2), state_of(Status.RUNNING, solver=ME, committed=10))
    assert "bid" not in sent(view_of(open_job(), busy, time=NOW - 5), journal, rules)
    assert "bid" in sent(view_of(open_job(), time=NOW - 5), journal, rules)


def with_bid(state: JobState, revealed: bool = False) -> JobView:
    record = record_of()
    record.rounds[1].bids[ME] = b"c" * 32
    if revealed:
        record.rounds[1].reveals[ME] = Reveal(1, 1, 1)
    return job_of(record, state)


def test_a_bid_is_revealed_after_bidding_and_before_the_end_of_revealing(journal: RoleJournal) -> None:
    journal.add_bid(BID)
    job = with_bid(state_of(Status.OPEN, bids=2))
    assert sent(view_of(job, time=NOW - 1), journal) == []
    assert sent(view_of(job, time=NOW), journal) == ["reveal"]
    assert "reveal" not in sent(view_of(job, time=NOW + 10), journal)
    assert sent(view_of(with_bid(state_of(Status.OPEN, bids=2), revealed=True), time=NOW), journal) == []


def test_the_leader_ends_the_auction_as_soon_as_all_are_revealed_and_others_only_after_a_while(journal: RoleJournal) -> None:
    leading = state_of(Status.OPEN, bids=2, reveals=2, solver=ME)
    assert sent(view_of(with_bid(leading, revealed=True)), journal) == ["assign"]
    assert sent(view_of(with_bid(leading._replace(reveals=1), revealed=True)), journal) == []
    assert sent(view_of(with_bid(leading._replace(reveals=1), revealed=True), time=NOW + 10), journal) == ["assign"]
    behind = with_bid(leading._replace(solver=OTHER), revealed=True)
    assert sent(view_of(behind, time=NOW + 10), journal) == []
    assert sent(view_of(behind, time=NOW + 70), journal) == ["assign"]


def trained(journal: RoleJournal, *intervals: int) -> None:
    for number in intervals:
        journal.add_checkpoint(TrainedCheckpoint(1, 1, number, bytes([number]) * 32, b"k" * 32, "cid"))


def running(**changes: object) -> JobView:
    return job_of(record_of(), state_of(Status.RUNNING, solver=ME, due_at=NOW + 100, **changes))


def test_a_won_job_is_trained_until_every_checkpoint_is_computed(journal: RoleJournal) -> None:
    assert of_kind(Train, view_of(running()), journal) == [Train(1, 1)]
    trained(journal, *range(10))
    assert of_kind(Train, view_of(running()), journal) == []


@pytest.mark.parametrize(
    ("ready", "committed", "time", "count"),
    [((0, 1, 2), 0, NOW, 0), ((0, 1, 2, 3, 4), 0, NOW, 5), ((0, 2, 3, 4), 0, NOW, 0), ((0,), 0, NOW + 95, 1), ((8, 9), 8, NOW, 2)],
    ids=["not full", "full", "a gap", "due", "the last ones"],
)
def test_checkpoints_are_committed_in_batches_when_full_due_or_last(
    journal: RoleJournal, ready: tuple[int, ...], committed: int, time: int, count: int
) -> None:
    trained(journal, *ready)
    commits = [action for action in of_kind(Send, view_of(running(committed=committed), time=time), journal) if isinstance(action, Send)]
    assert [len(commit.arguments[1]) for commit in commits] == ([count] if count else [])  # type: ignore[arg-type]


def test_never_more_than_sixteen_checkpoints_go_into_one_transaction(journal: RoleJournal) -> None:
    trained(journal, *range(40))
    (commit,) = of_kind(Send, view_of(running(intervals=40)), journal)
    assert isinstance(commit, Send) and len(commit.arguments[1]) == 16  # type: ignore[arg-type]


def test_the_deposit_of_a_cancelled_round_is_taken_back_once(journal: RoleJournal) -> None:
    job = with_bid(state_of(Status.CANCELLED))
    job.record.ended = Status.CANCELLED
    assert sent(view_of(job), journal) == ["reclaim"]
    job.record.rounds[1].reclaimed.add(ME)
    assert sent(view_of(job), journal) == []


def test_the_balance_is_withdrawn_only_when_no_work_is_left(journal: RoleJournal) -> None:
    assert sent(view_of(balance=5), journal) == ["withdraw"]
    assert sent(view_of(balance=5), journal, SolverRules(withdraw=False)) == []
    waiting = job_of(record_of(), state_of(Status.ENDING, solver=OTHER, committed=1), interval_of(0, committed_at=NOW))
    assert "withdraw" not in sent(view_of(waiting, balance=5), journal)
