"""Why a stake is what it is, and what other choices would ask."""

from __future__ import annotations

from dataclasses import asdict
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.chain.deploy import devnet_parameters
from touchstone.roles.errors import InvalidTermsError
from touchstone.roles.reasons import possible_intervals, stake_reasons
from touchstone.roles.records import MILLION, ZERO_ADDRESS, JobSpec, Parameters
from touchstone.roles.terms import terms_of

PARAMETERS = Parameters(*asdict(devnet_parameters(ZERO_ADDRESS)).values())
JOB = JobSpec(b"", b"", b"", steps=1_000, interval_steps=20, deadline=100, audit_rate=30_000, budget=10**18, value_of_time=0, harm=10**17)


def test_the_reasons_are_those_of_the_design() -> None:
    reasons = stake_reasons(JOB, PARAMETERS)
    assert reasons.asked.stake == terms_of(JOB, PARAMETERS).stake
    assert reasons.gain == 10**18 // 50 + 10**17
    assert Fraction(reasons.caught, MILLION**2) == Fraction(162, 10_000)
    assert reasons.asked.audits == 39 * 10**15
    assert reasons.chance == 0.0162


@given(st.integers(1, MILLION), st.integers(10**6, 10**24), st.integers(0, 10**24), st.integers(2, 500))
def test_a_false_interval_loses_what_it_would_gain_uncaught(rate: int, budget: int, harm: int, interval: int) -> None:
    spec = JOB._replace(audit_rate=rate, budget=budget, harm=harm, interval_steps=interval, steps=interval * 20)
    reasons = stake_reasons(spec, PARAMETERS)
    caught = Fraction(reasons.caught, MILLION**2)
    # Twice the break-even: what is lost on average is twice what is gained on average.
    assert reasons.expected_gain < 0
    assert caught * (reasons.loss + 1) >= 2 * (1 - caught) * reasons.gain
    assert abs(caught * reasons.loss - 2 * (1 - caught) * reasons.gain) <= 1 + caught


def test_other_choices_are_what_the_market_would_ask_of_such_a_job() -> None:
    reasons = stake_reasons(JOB, PARAMETERS)
    for choice in (*reasons.by_rate, *reasons.by_intervals):
        other = JOB._replace(audit_rate=choice.audit_rate, interval_steps=-(-JOB.steps // choice.intervals))
        assert choice.stake == terms_of(other, PARAMETERS).stake
        assert other.intervals == choice.intervals
    stakes = [choice.stake for choice in reasons.by_rate]
    assert stakes == sorted(stakes, reverse=True)
    assert [choice.intervals for choice in reasons.by_intervals] == [10, 20, 50, 100, 200]


@pytest.mark.parametrize(("steps", "counts"), [(20, [10]), (40, [10, 20]), (41, []), (100, [10, 20, 50]), (3, [])])
def test_only_numbers_of_intervals_that_the_steps_allow_are_offered(steps: int, counts: list[int]) -> None:
    assert possible_intervals(steps) == counts


def test_a_job_that_the_market_refuses_is_not_explained() -> None:
    with pytest.raises(InvalidTermsError, match="audit rate"):
        stake_reasons(JOB._replace(audit_rate=0), PARAMETERS)
