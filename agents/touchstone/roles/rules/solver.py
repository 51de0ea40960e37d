"""What a solver does: bid for what it can do, train, commit, defend, see to finality, collect its pay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from touchstone.roles.actions import Action, Assess, PrepareBid, Remark, Send, Train
from touchstone.roles.journal import Bid, RoleJournal, TrainedCheckpoint
from touchstone.roles.ledger import Round
from touchstone.roles.records import MAX_BATCH, EndReason, Status
from touchstone.roles.rules.playing import play
from touchstone.roles.rules.upkeep import upkeep
from touchstone.roles.rules.wallet import approve, withdraw
from touchstone.roles.view import JobView, View


@dataclass(frozen=True)
class SolverRules:
    """How a solver decides.

    Attributes:
        jobs: most jobs to bid for or work on at a time.
        memory: bytes of memory all of them together may take.
        batch: checkpoints per transaction, at most 16.
        bid_margin: seconds before the end of bidding in which no bid is sent any more.
        due_margin: seconds before a batch is due at which it is sent though it is not full.
        patience: seconds it leaves to others for steps that are more in their interest.
        withdraw: whether to take its balance out of the vault when no work is left.
    """

    jobs: int = 4
    memory: int = 4 << 30
    batch: int = MAX_BATCH
    bid_margin: int = 1
    due_margin: int = 30
    patience: int = 60
    withdraw: bool = True


def decide(view: View, journal: RoleJournal, rules: SolverRules) -> list[Action]:
    """Everything to be done now, what cannot wait first."""
    actions = [*play(view), *approve(view)]
    for job in view.jobs.values():
        if job.state.status is Status.OPEN:
            actions += _auction(view, job, journal, rules)
        elif job.state.solver == view.me:
            actions += _work(view, job, journal, rules)
    actions += _reclaim(view)
    if rules.withdraw and not view.has_work():
        actions += withdraw(view)
    return actions


def commitment_of(chain: int, market: str, bidder: str, bid: Bid) -> bytes:
    """The commitment of a bid, as ``IJobMarket.commitmentOf`` defines it."""
    types = ["uint256", "address", "uint256", "uint8", "address", "uint96", "uint32", "bytes32"]
    return keccak(encode(types, [chain, market, bid.job, bid.round, bidder, bid.price, bid.duration, bid.salt]))


def _auction(view: View, job: JobView, journal: RoleJournal, rules: SolverRules) -> Iterator[Action]:
    current = job.record.rounds[job.state.round]
    if view.me in current.bids:
        yield from _reveal(view, job, current, journal)
        yield from _assign(view, job, rules)
    elif view.time < current.bids_until - rules.bid_margin and not _was_convicted(view, job):
        yield from _bid(view, job, current, journal, rules)


def _bid(view: View, job: JobView, current: Round, journal: RoleJournal, rules: SolverRules) -> Iterator[Action]:
    assessment = journal.assessment(job.number)
    if assessment is None:
        yield Assess(job.number)
        return
    if not assessment.accepted or not _has_room(view, job, journal, rules):
        return
    bid = journal.bid(job.number, current.number)
    if bid is None:
        yield PrepareBid(job.number, current.number)
        return
    if bid.price > current.budget:
        yield Remark(f"does not bid for job {job.number}: the work costs {bid.price} here, the budget is {current.budget}")
        return
    needed = max(current.stake, current.deposit)
    if view.spendable < needed:
        yield Remark(f"cannot bid for job {job.number}: it takes a stake of {needed}, this account can spend {view.spendable}; fund it")
        return
    yield Send(
        *("JobMarket", "bid", (job.number, commitment_of(view.chain, view.market, view.me, bid))),
        key=f"job {job.number} round {current.number} bid",
        why=f"bid for job {job.number}",
    )


def _reveal(view: View, job: JobView, current: Round, journal: RoleJournal) -> Iterator[Action]:
    if view.me in current.reveals or not current.bids_until <= view.time < current.reveals_until:
        return
    bid = journal.bid(job.number, current.number)
    if bid is None:
        yield Remark(f"cannot reveal the bid for job {job.number}: its salt is not in this data directory; use the one that made the bid")
        return
    yield Send(
        *("JobMarket", "reveal", (job.number, bid.price, bid.duration, bid.salt)),
        key=f"job {job.number} round {current.number} reveal",
        why=f"reveal the bid for job {job.number}: price {bid.price}, {bid.duration} s",
    )


def _assign(view: View, job: JobView, rules: SolverRules) -> Iterator[Action]:
    """The leader ends the auction; others only after a while."""
    state = job.state
    all_revealed = state.reveals == state.bids and view.time >= state.bids_until
    leads = state.solver == view.me
    if (leads and all_revealed) or view.time >= state.reveals_until + (0 if leads else rules.patience):
        yield assign(job)


def assign(job: JobView) -> Send:
    """The call that ends an auction round."""
    return Send(
        *("JobMarket", "assign", (job.number,)),
        key=f"job {job.number} round {job.state.round} assign",
        why=f"end the auction of job {job.number}",
    )


def _work(view: View, job: JobView, journal: RoleJournal, rules: SolverRules) -> Iterator[Action]:
    if job.state.status is Status.RUNNING and job.state.committed < job.state.intervals:
        trained = journal.checkpoints(job.number, job.state.round)
        if any(interval not in trained for interval in range(job.state.committed, job.state.intervals)):
            yield Train(job.number, job.state.round)
        yield from _commit(view, job, trained, rules)
    yield from upkeep(view, job, patience=0)


def _commit(view: View, job: JobView, trained: dict[int, TrainedCheckpoint], rules: SolverRules) -> Iterator[Action]:
    first, missing = job.state.committed, job.state.intervals - job.state.committed
    ready: list[TrainedCheckpoint] = []
    while len(ready) < min(MAX_BATCH, missing) and first + len(ready) in trained:
        ready.append(trained[first + len(ready)])
    is_due = job.state.due_at != 0 and view.time >= job.state.due_at - rules.due_margin
    if not ready or not (is_due or len(ready) >= min(rules.batch, missing)):
        return
    yield Send(
        *("JobMarket", "commitCheckpoints", (job.number, [each.root for each in ready], [each.seal for each in ready])),
        key=f"job {job.number} round {job.state.round} commit {first}",
        why=f"commit checkpoints {first} to {first + len(ready) - 1} of job {job.number}",
    )


def _reclaim(view: View) -> Iterator[Action]:
    """Deposits of bids in rounds that the submitter cancelled."""
    for record in view.ledger.jobs.values():
        if record.ended is not Status.CANCELLED:
            continue
        current = record.rounds[max(record.rounds)]
        if view.me in current.bids and view.me not in current.reveals and view.me not in current.reclaimed:
            yield Send(
                *("JobMarket", "reclaim", (record.number, current.number)),
                key=f"job {record.number} round {current.number} reclaim",
                why=f"take back the deposit for job {record.number}, which was cancelled",
            )


def _was_convicted(view: View, job: JobView) -> bool:
    return any(solver == view.me and reason is EndReason.CONVICTED for _, solver, _, reason in job.record.endings)


def _has_room(view: View, job: JobView, journal: RoleJournal, rules: SolverRules) -> bool:
    """Whether the job fits beside those this account bids for or works on."""
    taken, engaged = 0, 0
    for other in view.jobs.values():
        assessment = journal.assessment(other.number)
        if other.number == job.number or assessment is None or not _is_engaged(view, other):
            continue
        taken, engaged = taken + assessment.memory, engaged + 1
    mine = journal.assessment(job.number)
    return engaged < rules.jobs and mine is not None and taken + mine.memory <= rules.memory


def _is_engaged(view: View, job: JobView) -> bool:
    if job.state.status is Status.OPEN:
        return job.is_bidder(view.me)
    return job.state.status is Status.RUNNING and job.state.solver == view.me
