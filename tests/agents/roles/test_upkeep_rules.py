"""What brings committed intervals to finality, who does it, and what a submitter does for its job."""

from __future__ import annotations

import pytest

from tests.agents.roles.views import ME, NOW, OTHER, THIRD, interval_of, job_of, opened_dispute, record_of, state_of, view_of
from touchstone.roles.actions import Action, Collect, Move, RecordBeacon, Send
from touchstone.roles.ledger import Ledger
from touchstone.roles.records import Status
from touchstone.roles.rules.playing import play
from touchstone.roles.rules.submitter import SubmitterRules, decide
from touchstone.roles.rules.upkeep import upkeep
from touchstone.roles.view import Draw, IntervalView, View

DRAWN = Draw(True, THIRD)


def job(*intervals: IntervalView, status: Status = Status.RUNNING, **changes: object) -> View:
    committed = changes.pop("committed", len(intervals))
    return view_of(job_of(record_of(), state_of(status, solver=ME, committed=committed, **changes), *intervals))


def actions(view: View, patience: int = 0) -> list[Action]:
    return list(upkeep(view, view.jobs[1], patience))


def functions(view: View, patience: int = 0) -> list[str]:
    return [action.function for action in actions(view, patience) if isinstance(action, Send)]


def test_a_seed_is_recorded_once_its_block_is_there_by_others_only_after_a_while() -> None:
    interval = interval_of(0, committed_at=NOW, seed_since=NOW, recorded=False, draw=None)
    assert actions(job(interval)) == [RecordBeacon(7)]
    assert actions(job(interval), patience=10) == []
    assert actions(job(interval_of(0, seed_since=0, recorded=False, draw=None))) == []


def test_a_seed_that_lapsed_is_renewed() -> None:
    assert functions(job(interval_of(0, recorded=False, lapsed=True, draw=None))) == ["renew"]


def test_an_attested_interval_needs_no_seed_and_no_summons() -> None:
    interval = interval_of(0, committed_at=NOW, recorded=False, draw=None, attested=True)
    assert actions(job(interval)) == []


def test_a_drawn_verifier_is_summoned_after_half_a_window_and_dismissed_when_its_answer_is_overdue() -> None:
    assert functions(job(interval_of(0, seat_since=NOW - 9, draw=DRAWN))) == []
    assert functions(job(interval_of(0, seat_since=NOW - 10, draw=DRAWN))) == ["summon"]
    assert functions(job(interval_of(0, draw=DRAWN, verifier=THIRD, answer_by=NOW + 1))) == []
    assert functions(job(interval_of(0, draw=DRAWN, verifier=THIRD, answer_by=NOW))) == ["dismiss"]


def test_nobody_is_summoned_or_dismissed_while_a_dispute_about_the_interval_runs() -> None:
    assert functions(job(interval_of(0, draw=DRAWN, verifier=THIRD, answer_by=NOW - 5, disputes=1))) == []


def finalised(view: View) -> int:
    calls = [action for action in actions(view) if isinstance(action, Send) and action.function == "finalise"]
    return len(calls[0].arguments[1]) if calls else 0  # type: ignore[arg-type]


def test_intervals_become_final_together_when_no_more_will_be_committed() -> None:
    ready = [interval_of(number) for number in range(3)]
    assert finalised(job(*ready, intervals=10)) == 0
    assert finalised(job(*ready, intervals=3)) == 3
    assert finalised(job(*ready, status=Status.ENDING)) == 3


def test_sixteen_ready_intervals_do_not_wait_for_more() -> None:
    assert finalised(job(*(interval_of(number) for number in range(20)), intervals=40)) == 16


def test_ready_intervals_wait_for_one_inside_its_window_but_not_for_one_held_up() -> None:
    inside = interval_of(1, committed_at=NOW)
    assert finalised(job(interval_of(0), inside, intervals=2)) == 0
    assert finalised(job(interval_of(0), interval_of(1, disputes=1), intervals=2)) == 1
    assert finalised(job(interval_of(0), interval_of(1, draw=DRAWN), intervals=2)) == 1


@pytest.mark.parametrize(
    "interval",
    [interval_of(0, committed_at=NOW - 19), interval_of(0, disputes=1), interval_of(0, draw=DRAWN), interval_of(0, draw=None)],
    ids=["inside its window", "disputed", "not attested", "no seed"],
)
def test_an_interval_that_cannot_become_final_is_left_alone(interval: IntervalView) -> None:
    assert finalised(job(interval, intervals=1)) == 0


def submitter(view: View, held: frozenset[bytes] = frozenset()) -> list[Action]:
    return decide(view, lambda root: root in held, SubmitterRules(patience=10, withdraw=True))


def mine(status: Status, *intervals: IntervalView, time: int = NOW, **changes: object) -> View:
    record = record_of(submitter=ME)
    return view_of(job_of(record, state_of(status, committed=len(intervals), **changes), *intervals), time=time)


def names(found: list[Action]) -> list[str]:
    return [action.function for action in found if isinstance(action, Send)]


def test_the_submitter_ends_an_auction_without_bids_at_once_and_one_with_bids_after_a_while() -> None:
    assert names(submitter(mine(Status.OPEN))) == ["assign"]
    assert names(submitter(mine(Status.OPEN, bids=1, time=NOW + 19))) == []
    assert names(submitter(mine(Status.OPEN, bids=1, time=NOW + 20))) == ["assign"]


def test_the_submitter_ends_the_assignment_of_a_late_solver() -> None:
    assert names(submitter(mine(Status.RUNNING, due_at=NOW - 5, expires_at=NOW))) == []
    assert names(submitter(mine(Status.RUNNING, due_at=NOW - 5, expires_at=NOW - 1))) == ["expire"]
    assert names(submitter(mine(Status.RUNNING, due_at=0, expires_at=0))) == []


def test_the_submitter_ends_a_job_whose_audit_nobody_answers() -> None:
    stalled = interval_of(0, solver=OTHER, draw=DRAWN, verifier=THIRD, answer_by=NOW + 1)
    assert names(submitter(mine(Status.ENDING, stalled))) == ["abandon"]
    assert names(submitter(mine(Status.ENDING, stalled, disputes=1))) == []


def test_the_submitter_confirms_a_state_that_it_holds_when_a_verifier_could_not_get_it() -> None:
    first = interval_of(0, solver=OTHER, draw=DRAWN, withheld=True)
    second = interval_of(1, solver=OTHER, draw=DRAWN, withheld=True)
    view = mine(Status.RUNNING, first, second)
    held = frozenset({first.commitment.checkpoint.root})
    assert names(submitter(view)).count("confirmAvailable") == 1  # the first state is in the package
    assert names(submitter(view, held)).count("confirmAvailable") == 2
    disputed = interval_of(0, solver=OTHER, draw=DRAWN, withheld=True, disputes=1)
    assert "confirmAvailable" not in names(submitter(mine(Status.RUNNING, disputed)))


def test_a_verifier_that_lacks_the_state_is_neither_summoned_nor_dismissed() -> None:
    for answer_by in (0, NOW - 100):
        interval = interval_of(0, solver=OTHER, draw=DRAWN, withheld=True, answer_by=answer_by, seat_since=NOW - 10_000)
        assert functions(job(interval)) == []


def test_the_submitter_collects_the_checkpoints_it_does_not_hold() -> None:
    view = mine(Status.RUNNING, interval_of(0, solver=OTHER), interval_of(1, solver=OTHER))
    roots = [commitment.checkpoint.root for commitment in view.ledger.jobs[1].commitments.values()]
    assert [action for action in submitter(view, frozenset(roots[:1])) if isinstance(action, Collect)] == [Collect(1, 1)]


def test_of_a_settled_job_only_the_result_is_collected() -> None:
    view = mine(Status.SETTLED, *(interval_of(number, solver=OTHER) for number in range(10)))
    view.ledger.jobs[1].ended = Status.SETTLED
    assert [action for action in submitter(view) if isinstance(action, Collect)] == [Collect(1, 9)]


def disputed(solver: str, challenger: str, time: int) -> View:
    ledger = Ledger()
    for event in opened_dispute(solver, challenger):
        ledger.apply(event)
    return view_of(time=time, ledger=ledger)


def test_a_party_moves_on_its_turn_and_ends_the_dispute_when_the_other_side_ran_out_of_time() -> None:
    assert list(play(disputed(ME, OTHER, NOW))) == [Move(1, 1)]
    assert list(play(disputed(OTHER, ME, NOW + 60))) == []
    (action,) = play(disputed(OTHER, ME, NOW + 61))
    assert isinstance(action, Send) and (action.contract, action.function) == ("Court", "timeout")
    assert list(play(disputed(OTHER, THIRD, NOW + 61))) == []
