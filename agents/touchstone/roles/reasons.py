"""Why a job's stake is what it is, and what another audit rate or number of intervals would ask and cost.

The derivation is in docs/economics.md, sections 2 and 7. Amounts are base units of the token, rates and shares millionths.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from touchstone.roles.records import MILLION, JobSpec, Parameters
from touchstone.roles.terms import audit_fee, stake, terms_of

OTHER_RATES = (10_000, 30_000, 80_000, 200_000, 500_000, MILLION)
OTHER_INTERVALS = (10, 20, 50, 100, 200)


@dataclass(frozen=True)
class Choice:
    """What a job would ask for with another audit rate or another number of intervals.

    Attributes:
        audit_rate: chance that an interval is audited, millionths.
        intervals: n.
        stake: asked of the solver.
        audits: expected fees of all audits together, which the submitter pays.
    """

    audit_rate: int
    intervals: int
    stake: int
    audits: int


@dataclass(frozen=True)
class StakeReasons:
    """What makes one false interval a loss.

    Attributes:
        asked: the stake and the audits of the job as it is.
        gain: most that a false interval gains its solver: its share of the budget, and the declared harm.
        caught: chance that it is audited by somebody who runs it, millionths of a millionth.
        loss: what a conviction costs at least, if the solver's own accomplice takes the challenger's share.
        by_rate: the same job with other audit rates.
        by_intervals: the same job with other numbers of intervals, those that its steps allow.
    """

    asked: Choice
    gain: int
    caught: int
    loss: int
    by_rate: tuple[Choice, ...]
    by_intervals: tuple[Choice, ...]

    @property
    def expected_gain(self) -> int:
        """What a false interval gains on average when it is not caught, less what it loses when it is; below zero in every job."""
        return (self.gain * (MILLION**2 - self.caught) - self.loss * self.caught) // MILLION**2

    @property
    def chance(self) -> float:
        """q, the chance that one given false interval is caught."""
        return self.caught / MILLION**2


def stake_reasons(spec: JobSpec, parameters: Parameters) -> StakeReasons:
    """Explain a job's stake. Raises InvalidTermsError when the market would refuse the job."""
    terms = terms_of(spec, parameters)
    return StakeReasons(
        asked=_choice(spec, parameters, spec.audit_rate, terms.intervals),
        gain=-(-spec.budget // terms.intervals) + spec.harm,
        caught=spec.audit_rate * parameters.honest_share * (MILLION - parameters.proposer_share) // MILLION,
        loss=terms.stake * (MILLION - parameters.challenger_share) // MILLION,
        by_rate=tuple(_choice(spec, parameters, rate, terms.intervals) for rate in OTHER_RATES),
        by_intervals=tuple(_choice(spec, parameters, spec.audit_rate, count) for count in possible_intervals(spec.steps)),
    )


def possible_intervals(steps: int, wanted: Iterable[int] = OTHER_INTERVALS) -> list[int]:
    """Those of ``wanted`` numbers of intervals that ``steps`` can be divided into, each interval having at least two steps."""
    return [count for count in wanted if _divides(steps, count)]


def _divides(steps: int, count: int) -> bool:
    interval = -(-steps // count)
    return interval >= 2 and -(-steps // interval) == count and steps - (count - 1) * interval >= 2


def _choice(spec: JobSpec, parameters: Parameters, rate: int, count: int) -> Choice:
    fee = audit_fee(spec.budget, count, parameters)
    return Choice(rate, count, stake(spec.budget, count, spec.harm, rate, parameters), rate * count * fee // MILLION)
