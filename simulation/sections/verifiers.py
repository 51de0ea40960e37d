"""What verifiers earn, and whether being lazy pays (docs/economics.md, section 3)."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulation import theory
from simulation.agents import Party, Strategy, Verifiers
from simulation.assignment import Setting, play
from simulation.economy import PRICE, Economy

CHEAT_RATES = (0.0, 0.01, 0.05)
MIX = Verifiers(honest=0.6, lazy=0.2, colluding=0.2)
SETTING = Setting()


def incomes(economy: Economy, rng: np.random.Generator, jobs: int = 40_000) -> list[dict[str, Any]]:
    """Profit of each kind of verifier for every time it is drawn, in shares of an interval's price; a cheat leaves out one interval."""
    rows = []
    for leaks in (False, True):
        for rate in CHEAT_RATES:
            cheat = Strategy("cheat", 1, "spread", leaks=leaks)
            outcomes = [
                play(rng, economy, SETTING, cheat, MIX, round(jobs * rate)),
                play(rng, economy, SETTING, Strategy(leaks=leaks), MIX, jobs - round(jobs * rate)),
            ]
            row: dict[str, Any] = {"leaks": leaks, "cheating": rate}
            for kind, share in ((Party.HONEST, MIX.honest), (Party.LAZY, MIX.lazy), (Party.COLLUDING, MIX.colluding)):
                profit = sum(float(outcome.profits[:, kind].sum()) for outcome in outcomes)
                row[kind.name.lower()] = profit / _draws(leaks, share, jobs) / (PRICE / SETTING.intervals)
            rows.append(row)
    return rows


def _draws(leaks: bool, share: float, jobs: int) -> float:
    """How often verifiers with a share of the stake are drawn; silent ones are replaced until somebody answers."""
    rounds = 1.0 if leaks else 1 / (1 - MIX.lazy)
    return jobs * SETTING.intervals * SETTING.audit_rate * share * rounds


def inspection(economy: Economy, rounds: int = 200_000) -> list[dict[str, Any]]:
    """Solver and verifiers learn what pays from the other side's past (fictitious play), with and without the seal.

    Without the seal, or when the solver leaks S(end−1), an attestation costs nothing; with it, whoever has not run the interval cannot
    attest and pays a fee. Amounts are shares of an interval's price. The stake is that of the standard job.
    """
    fee = economy.parameters.audit_factor / 1_000_000
    stake = economy.stake(SETTING.intervals, 0, SETTING.audit_rate) / (PRICE / SETTING.intervals)
    reward = economy.challenger_share * stake
    loss = (1 - economy.challenger_share) * stake
    drawn = SETTING.audit_rate * (1 - economy.parameters.proposer_share / 1_000_000)
    cases = (
        ("no seal", fee, reward),
        ("no seal, accomplice first", fee, 0.0),
        ("seal", -fee, reward),
        ("seal, accomplice first", -fee, 0.0),
    )
    rows = []
    for name, lazy, convicting in cases:
        false, runs = _fictitious_play(economy.replay, fee, lazy, convicting, loss, drawn, rounds)
        row = {"case": name, "false": false, "run": runs}
        if lazy > 0 and convicting > fee:
            expected = theory.inspection_equilibrium(economy.replay, convicting - fee, 1.0, loss, drawn)
            row |= {"false_formula": expected[0], "run_formula": expected[1]}
        rows.append(row)
    return rows


def _fictitious_play(cost: float, fee: float, lazy: float, reward: float, loss: float, drawn: float, rounds: int) -> tuple[float, float]:
    """Shares of false intervals and of audits that are run, after both sides answered the other's average for ``rounds`` rounds."""
    false, runs = 0.5, 0.5
    for t in range(1, rounds + 1):
        run_pays = false * reward + (1 - false) * fee - cost > lazy
        caught = drawn * runs
        cheating_pays = (1 - caught) - caught * loss > 0
        false += (cheating_pays - false) / (t + 1)
        runs += (run_pays - runs) / (t + 1)
    return false, runs


def supported_stake(economy: Economy) -> float:
    """Verifier stake that audit fees pay for, as a share of a year's turnover: what is left of the fees over the return on locked money."""
    margin = economy.parameters.audit_factor / 1_000_000 - economy.replay
    return SETTING.audit_rate * margin / economy.capital
