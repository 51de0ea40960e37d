"""What a verifier does: stake, re-run the intervals it is drawn for, attest or challenge, play the dispute.

A whistleblower re-runs every interval inside its window, drawn or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from touchstone.roles.actions import Action, Challenge, Inspect, Send
from touchstone.roles.journal import Finding, RoleJournal
from touchstone.roles.records import Status
from touchstone.roles.rules.playing import play
from touchstone.roles.rules.upkeep import seeds
from touchstone.roles.rules.wallet import approve, stake, withdraw
from touchstone.roles.view import IntervalView, JobView, View

RIGHT, WRONG_ROOT, WRONG_SEAL = "right", "wrong root", "wrong seal"

Missing = Mapping[tuple[int, int, int], int]
"""Chain time since which the state before an interval is nowhere to be had, by job, interval and attempt of its audit."""
NOTHING: Missing = MappingProxyType({})


@dataclass(frozen=True)
class VerifierRules:
    """How a verifier decides.

    Attributes:
        stake: tokens to have staked.
        whistleblower: whether to check intervals it is not drawn for.
        patience: seconds it leaves to others for steps that are more in their interest, and looks for a state before it reports it.
        withdraw: whether to take its balance out of the vault when no job is running.
    """

    stake: int = 0
    whistleblower: bool = False
    patience: int = 60
    withdraw: bool = True


def decide(view: View, journal: RoleJournal, rules: VerifierRules, missing: Missing = NOTHING) -> list[Action]:
    """Everything to be done now, what cannot wait first.

    Args:
        missing: since when states that intervals start from are nowhere to be had.
    """
    actions = [*play(view), *approve(view), *stake(view, rules.stake)]
    for job in view.jobs.values():
        if job.state.status in (Status.RUNNING, Status.ENDING):
            # Solver and submitter want the seed as much; a verifier sees to it last.
            actions += seeds(view, job, 2 * rules.patience)
            actions += _audit(view, job, journal, rules, missing)
    if rules.withdraw and not view.jobs and not any(view.open_disputes()):
        actions += withdraw(view)
    return actions


def _audit(view: View, job: JobView, journal: RoleJournal, rules: VerifierRules, missing: Missing) -> Iterator[Action]:
    """Stops behind the first interval it finds wrong: a conviction there makes the later ones void.

    While it disputes one, it answers for a later one only when summoned: audits of void intervals empty the reserve of the next round.
    """
    disputing = False
    for interval in job.intervals:
        if interval.commitment.solver == view.me:
            return
        disputing = disputing or view.is_disputing(job.number, interval.interval)
        if disputing and not interval.audit.answer_by:
            continue
        must_answer = _must_answer(view, interval)
        may_challenge = view.time < interval.commitment.checkpoint.committed_at + view.parameters.window
        if not must_answer and not (rules.whistleblower and may_challenge):
            continue
        finding = _finding(journal, job, interval)
        if finding is None:
            yield Inspect(job.number, interval.interval)
            since = missing.get((job.number, interval.interval, interval.audit.attempt))
            if must_answer and not interval.audit.withheld and since is not None and view.time >= since + rules.patience:
                yield report(job, interval)
        elif finding.outcome == RIGHT:
            if must_answer:
                yield attest(job, interval, finding)
        else:
            if not view.is_disputing(job.number, interval.interval) and not _has_challenged(view, job, interval):
                yield Challenge(job.number, interval.interval, finding.outcome == WRONG_SEAL)
            return


def attest(job: JobView, interval: IntervalView, finding: Finding) -> Send:
    """The call that shows the state root one step before the interval's end."""
    number = interval.interval
    return Send(
        *("JobMarket", "attest", (job.number, number, interval.commitment.checkpoint, finding.before)),
        key=f"job {job.number} round {job.state.round} interval {number} attest",
        why=f"attest interval {number} of job {job.number}",
    )


def report(job: JobView, interval: IntervalView) -> Send:
    """The call that says that the state before the interval is nowhere to be had."""
    number, attempt = interval.interval, interval.audit.attempt
    return Send(
        *("JobMarket", "reportUnavailable", (job.number, number, interval.commitment.checkpoint)),
        key=f"job {job.number} round {job.state.round} interval {number} unavailable {attempt}",
        why=f"report that the state before interval {number} of job {job.number} is nowhere to be had",
    )


def _must_answer(view: View, interval: IntervalView) -> bool:
    """Whether this account is drawn for the interval and can answer now. Attesting is closed while a dispute runs."""
    draw, audit = interval.draw, interval.audit
    return draw is not None and draw.drawn and draw.verifier == view.me and not audit.attested and not audit.disputes


def _finding(journal: RoleJournal, job: JobView, interval: IntervalView) -> Finding | None:
    checkpoint = interval.commitment.checkpoint
    return journal.finding(job.number, interval.interval, checkpoint.root, checkpoint.seal)


def _has_challenged(view: View, job: JobView, interval: IntervalView) -> bool:
    """Whether this account has denied this very checkpoint before: a lost dispute is not repeated."""
    checkpoint = interval.commitment.checkpoint
    return any(
        dispute.challenger == view.me
        and (dispute.job, dispute.interval) == (job.number, interval.interval)
        and bytes(dispute.claim.target) in (checkpoint.root, checkpoint.seal)
        for dispute in view.ledger.disputes.values()
    )
