"""The market's arithmetic in Python: what ``contracts/market/Pricing.sol`` computes, to the last base unit.

The contract decides; this is for explaining, planning and simulating without a chain. Formulas: docs/specification/market.md, sections 3
and 4. Amounts are base units of the token, times seconds, rates and shares millionths.
"""

from __future__ import annotations

from touchstone.roles.errors import InvalidTermsError
from touchstone.roles.records import MILLION, JobSpec, Parameters, Quote

DEPOSIT_SHARE = 50_000
"""Share of the budget that a sealed bid deposits, and that the posting bond is."""

SPARE_AUDITS = 6
"""Audits that are reserved for beyond twice the expected number."""


def terms_of(spec: JobSpec, parameters: Parameters) -> Quote:
    """What ``IAuction.quote`` answers for a job.

    Raises:
        InvalidTermsError: the market would refuse the job; what the roots of the spec are is not looked at.
    """
    count = _intervals(spec)
    if not 0 < spec.audit_rate <= MILLION:
        raise InvalidTermsError(f"an audit rate of {spec.audit_rate} millionths is impossible; choose 1 to 1,000,000")
    if spec.deadline <= 0:
        raise InvalidTermsError(f"a deadline of {spec.deadline} s leaves no time; choose at least 1")
    if spec.budget < count:
        raise InvalidTermsError(f"a budget of {spec.budget} for {count} intervals pays nothing for some; choose a larger one")
    fee = audit_fee(spec.budget, count, parameters)
    deposit = share(spec.budget, DEPOSIT_SHARE)
    reserve = reserved_audits(count, spec.audit_rate) * fee
    return Quote(
        intervals=count,
        stake=stake(spec.budget, count, spec.harm, spec.audit_rate, parameters),
        deposit=deposit,
        audit_fee=fee,
        audit_reserve=reserve,
        posting_bond=deposit,
        escrow=spec.budget + reserve + deposit,
        challenge_bond=challenge_bond(fee, spec.value_of_time, parameters),
    )


def stake(budget: int, count: int, harm: int, audit_rate: int, parameters: Parameters) -> int:
    """S = 2 · (⌈budget / n⌉ + H) · (1 − q) / (q · (1 − β)) with q = ρ · h · (1 − a), rounded up."""
    caught = audit_rate * parameters.honest_share * (MILLION - parameters.proposer_share)
    gain = 2 * (-(-budget // count) + harm)
    return -(-gain * (MILLION**3 - caught) * MILLION // (caught * (MILLION - parameters.challenger_share)))


def audit_fee(budget: int, count: int, parameters: Parameters) -> int:
    """Paid for a clean check: `auditFactor` × an interval's share of the budget, rounded up."""
    return -(-budget * parameters.audit_factor // (count * MILLION))


def reserved_audits(count: int, audit_rate: int) -> int:
    """Audit fees set aside: twice the expected number of audits and six more, at most one for each interval."""
    return min(count, -(-2 * count * audit_rate // MILLION) + SPARE_AUDITS)


def challenge_bond(fee: int, value_of_time: int, parameters: Parameters) -> int:
    """1.5 × (`disputeGas` + audit fee + v · `clock`), rounded up."""
    return -(-3 * (parameters.dispute_gas + fee + value_of_time * parameters.clock) // 2)


def share(amount: int, millionths: int) -> int:
    """A share of an amount, rounded down."""
    return amount * millionths // MILLION


def score(price: int, value_of_time: int, duration: int) -> int:
    """s = p + v · d; the lowest wins."""
    return price + value_of_time * duration


def payment(price: int, budget: int, second_score: int, value_of_time: int, duration: int) -> int:
    """What the winner is paid: max(p₁, min(budget, s₂ − v · d₁)). ``budget`` is the round's."""
    return max(price, min(budget, second_score - value_of_time * duration))


def vested(total: int, done: int, count: int) -> int:
    """What of ``total``, paid in equal parts for ``count`` intervals, is due for the first ``done`` of them."""
    return total * done // count


def _intervals(spec: JobSpec) -> int:
    last = spec.length(spec.intervals - 1) if spec.interval_steps >= 2 and spec.steps >= 2 else 0
    if last < 2:
        raise InvalidTermsError(
            f"{spec.steps} steps in intervals of {spec.interval_steps} leave one of fewer than 2 steps; choose another interval"
        )
    return spec.intervals
