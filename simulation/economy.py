"""What a campaign assumes: parameters of the market, costs of money and of the chain, and the standard job."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

from simulation.gas import GasTable, read_gas
from touchstone.roles.records import MILLION, JobSpec, Parameters
from touchstone.roles.terms import stake as stake_of

ROOT = Path(__file__).resolve().parent.parent
YEAR = 365 * 86_400
DAY = 86_400

PRICE = 10**9
"""Budget of the standard job, base units; large enough for a thousandth of an interval's share to be many of them."""


@dataclass(frozen=True)
class Economy:
    """The world around the market.

    Attributes:
        parameters: what the market was built with.
        gas: gas of every kind of call.
        gas_price: base units of the token for a million gas. The standard job costs as much as 1,000 million gas.
        capital: what locked money costs its owner in a year, as a share of it.
        duration: seconds the standard job runs.
        least_stake: what a verifier has staked at least, and loses when what it attested is proven false.
        replay: cost of running an interval again, as a share of what it cost to run it first.
    """

    parameters: Parameters
    gas: GasTable
    least_stake: int
    gas_price: int = PRICE // 1_000
    capital: float = 0.10
    duration: int = DAY
    replay: float = 1.0

    @property
    def challenger_share(self) -> float:
        """β."""
        return self.parameters.challenger_share / MILLION

    def with_shares(self, **shares: float) -> Economy:
        """The same economy with other shares (of 1) among its parameters."""
        return replace(self, parameters=self.parameters._replace(**{name: round(value * MILLION) for name, value in shares.items()}))

    def detection(self, audit_rate: float) -> float:
        """q: the chance that one given false interval is audited by an honest verifier, by the parameters' h and a."""
        p = self.parameters
        return audit_rate * p.honest_share / MILLION * (1 - p.proposer_share / MILLION)

    def stake(self, intervals: int, harm: float, audit_rate: float) -> int:
        """S of the standard job with ``harm`` times its price declared as H."""
        return stake_of(PRICE, intervals, round(harm * PRICE), round(audit_rate * MILLION), self.parameters)

    def lock_cost(self, amount: float) -> float:
        """What it costs to have ``amount`` locked for a job and its last window."""
        return amount * self.capital * (self.duration + self.parameters.window) / YEAR

    def gas_cost(self, gas: float) -> int:
        """Tokens that ``gas`` costs."""
        return round(gas * self.gas_price / 1_000_000)


def standard_economy(gas: GasTable | None = None) -> Economy:
    """The parameters meant for a real chain, ``deployments/parameters/testnet.toml``, with the gas of today's contracts if none is given.

    The file's amounts of tokens are scaled so that `disputeGas` is what a dispute costs at the gas price here.
    """
    file = tomllib.loads((ROOT / "deployments" / "parameters" / "testnet.toml").read_text())
    gas = gas or read_gas()
    named = {_snake(name): value for name, value in file["market"].items()}
    dispute_gas = round(gas.dispute * (PRICE // 1_000) / 1_000_000)
    least_stake = round(file["vault"]["minimum_stake"] / named["dispute_gas"] * dispute_gas)
    return Economy(Parameters(**{**named, "treasury": "", "dispute_gas": dispute_gas}), gas, least_stake)


def standard_spec(intervals: int, audit_rate: float, harm: float = 0.0) -> JobSpec:
    """A job of ``PRICE`` with a number of intervals, an audit rate of 1, and H in prices."""
    return JobSpec(
        *(b"", b"", b""),
        steps=2 * intervals,
        interval_steps=2,
        deadline=DAY,
        audit_rate=round(audit_rate * MILLION),
        budget=PRICE,
        value_of_time=0,
        harm=round(harm * PRICE),
    )


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
