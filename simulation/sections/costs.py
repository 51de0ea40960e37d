"""What verification costs: overhead over plain compute, and gas as a share of the price (docs/economics.md, section 7)."""

from __future__ import annotations

from typing import Any

from simulation.economy import PRICE, Economy, standard_spec
from touchstone.roles.terms import terms_of

RATE_GRID = tuple(percent / 100 for percent in (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 75, 100))
GAS_PRICES = {"0.03": 0.03, "0.3": 0.3, "3": 3.0}
"""Dollars for a million gas: 0.01, 0.1 and 1 gwei at 3,000 dollars for an ether."""
JOB_PRICES = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000)


def overhead(economy: Economy, count: int, harm: float, rate: float) -> dict[str, float]:
    """What is spent beyond computing, in prices: on audits, on locked money, and on gas, at a price equal to the budget."""
    terms = terms_of(standard_spec(count, rate, harm), economy.parameters)
    audits = rate * count * terms.audit_fee / PRICE
    # The audit reserve and the posting bond are the submitter's; the budget would be paid in advance elsewhere, too.
    locked = economy.lock_cost(terms.stake + terms.escrow - PRICE) / PRICE
    gas = economy.gas_cost(economy.gas.job(count, rate) - rate * count * economy.gas.attest) / PRICE
    return {"audits": audits, "locked": locked, "gas": gas, "total": audits + locked + gas}


def best_rate(economy: Economy, count: int, harm: float) -> float:
    """The audit rate of the grid with the least overhead."""
    return min(RATE_GRID, key=lambda rate: overhead(economy, count, harm, rate)["total"])


def rates(economy: Economy) -> list[dict[str, Any]]:
    """Stake and overhead against the audit rate, without harm."""
    return [
        {"intervals": count, "audit_rate": rate, "stake": economy.stake(count, 0, rate) / PRICE, **overhead(economy, count, 0, rate)}
        for count in (10, 20, 50, 200)
        for rate in RATE_GRID[:9]
    ]


def gas_shares(economy: Economy) -> list[dict[str, Any]]:
    """Gas of a job as a share of its price, for prices in dollars and gas prices in dollars a million."""
    rows = []
    for count in (10, 50, 200):
        gas = economy.gas.job(count, 0.03) / 1_000_000
        for label, million in GAS_PRICES.items():
            row = {"intervals": count, "million_gas": gas, "dollars_a_million": label, "price_at_1_percent": 100 * gas * million}
            rows.append({**row, "shares": {str(price): gas * million / price for price in JOB_PRICES}})
    return rows


def smallest_interval(economy: Economy) -> float:
    """Price of one interval, in million gas, below which a verifier that runs it loses money: the fee's margin pays for the attestation."""
    margin = economy.parameters.audit_factor / 1_000_000 - economy.replay
    return economy.gas.attest / 1_000_000 / margin
