"""Where the money of assignments goes (docs/specification/market.md, sections 7 and 8), for many jobs at once.

Tokens only move between a job's escrow, its solver's stake and the parties, in whole base units; what computing and gas cost is kept apart.
Every interval is committed and audited before a verdict comes: the worst case for the submitter, whose void audits are paid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.agents import Flags, Party
from simulation.audits import NOBODY, Audits
from simulation.economy import Economy
from touchstone.roles.records import MILLION

Amounts = NDArray[np.int64]
KINDS = (Party.HONEST, Party.LAZY, Party.COLLUDING)


@dataclass
class Pots:
    """What a job holds: its escrow with the audit reserve in it, and the stake of its solver; shape (jobs,)."""

    escrow: Amounts
    reserve: Amounts
    stake: Amounts


@dataclass(frozen=True)
class Deal:
    """Terms of the assignments; shape (jobs,), or one number for all.

    Attributes:
        payment: for all intervals of the assignment.
        fee: of an audit.
        harm: H as declared.
        cost: what computing one interval costs the solver.
        replay: what running one interval costs a verifier.
        first: the assignment's first interval; those before it are final already.
        pays_itself: solvers whose accomplice challenges first when they are found out.
    """

    payment: Amounts
    fee: Amounts
    harm: Amounts
    cost: NDArray[np.float64]
    replay: NDArray[np.float64]
    first: Amounts
    pays_itself: Flags


@dataclass(frozen=True)
class Outcome:
    """What came of the assignments.

    Attributes:
        tokens: what each party received less what it paid, shape (jobs, parties).
        costs: what computing and gas cost each party, shape (jobs, parties).
        final: intervals of the job that are final now, shape (jobs,).
        convicted: shape (jobs,).
        poisoned: whether a false interval became final, shape (jobs,).
    """

    tokens: Amounts
    costs: NDArray[np.float64]
    final: NDArray[np.int64]
    convicted: Flags
    poisoned: Flags

    @property
    def profits(self) -> NDArray[np.float64]:
        """Tokens less costs, shape (jobs, parties)."""
        return self.tokens - self.costs


def settle(economy: Economy, pots: Pots, deal: Deal, false: Flags, audits: Audits) -> Outcome:
    """Play the assignments to their end. Takes what is paid out of ``pots``; a stake that is not lost goes back to the solver.

    An interval whose state is unavailable ends the job before it, without a fault.
    """
    jobs, count = false.shape
    tokens, costs = np.zeros((jobs, len(Party)), np.int64), np.zeros((jobs, len(Party)))
    convicted = audits.caught.any(axis=1)
    ends = audits.caught | audits.stopped
    final = np.where(ends.any(axis=1), ends.argmax(axis=1), count)
    is_final = np.arange(count) < final[:, None]
    _pay_audits(economy, pots, deal, audits, tokens, costs)
    void = (audits.answered != NOBODY) & ~audits.caught & ~is_final
    _split_stake(economy, pots, deal, convicted, void.sum(axis=1) * deal.fee, _finders(audits, deal), tokens, costs)
    _punish_attesters(economy, convicted, audits, tokens)
    vested = deal.payment * (final - deal.first) // (count - deal.first)
    tokens[:, Party.SOLVER] += vested
    pots.escrow -= vested
    costs[:, Party.SOLVER] += (count - deal.first - false.sum(axis=1)) * deal.cost
    return Outcome(tokens, costs, final, convicted, (false & is_final).any(axis=1))


def _pay_audits(economy: Economy, pots: Pots, deal: Deal, audits: Audits, tokens: Amounts, costs: NDArray[np.float64]) -> None:
    """Fees to those who attest, in the order of the intervals, as long as the reserve lasts; penalties of those who were silent."""
    attested = (audits.answered != NOBODY) & ~(audits.caught & audits.ran)
    before = np.cumsum(attested, axis=1) - attested
    fees = np.clip(pots.reserve[:, None] - before * deal.fee[:, None], 0, deal.fee[:, None]) * attested
    for kind in KINDS:
        mine = audits.answered == kind
        tokens[:, kind] += (fees * mine).sum(axis=1)
        costs[:, kind] += (audits.ran & mine).sum(axis=1) * deal.replay + mine.sum(axis=1) * economy.gas_cost(economy.gas.attest)
    paid = fees.sum(axis=1)
    pots.escrow -= paid
    pots.reserve -= paid
    penalties = audits.silent.sum(axis=1) * deal.fee
    tokens[:, Party.LAZY] -= penalties
    tokens[:, Party.TREASURY] += penalties


def _punish_attesters(economy: Economy, convicted: Flags, audits: Audits, tokens: Amounts) -> None:
    """Whoever attested an interval that a whistleblower proves false loses the least stake to the treasury."""
    at = audits.caught.argmax(axis=1)
    rows = np.nonzero(convicted & audits.watched[np.arange(at.size), at])[0]
    kinds = audits.answered[rows, at[rows]]
    guilty, kinds = rows[kinds != NOBODY], kinds[kinds != NOBODY]
    tokens[guilty, kinds] -= economy.least_stake
    tokens[guilty, Party.TREASURY] += economy.least_stake


def _finders(audits: Audits, deal: Deal) -> NDArray[np.int64]:
    """Who collects the challenger's share in each job, if anybody does: of the lowest interval that is convicted."""
    at = audits.caught.argmax(axis=1)
    rows = np.arange(at.size)
    finders = np.where(audits.watched[rows, at], int(Party.WATCHER), audits.answered[rows, at])
    return np.where(deal.pays_itself, int(Party.ACCOMPLICE), finders)


def _split_stake(
    economy: Economy,
    pots: Pots,
    deal: Deal,
    convicted: Flags,
    void_fees: Amounts,
    finders: NDArray[np.int64],
    tokens: Amounts,
    costs: NDArray[np.float64],
) -> None:
    """The challenger's share, the submitter's, and the treasury's rest. Each side of the dispute pays half of its gas."""
    p = economy.parameters
    rows = np.nonzero(convicted)[0]
    stake, lost = pots.stake[rows], void_fees[rows]
    to_challenger = stake * p.challenger_share // MILLION
    to_submitter = np.minimum(stake * p.submitter_share // MILLION, deal.harm[rows] + lost)
    restored = np.minimum(lost, to_submitter)
    tokens[rows, finders[rows]] += to_challenger
    tokens[rows, Party.SUBMITTER] += to_submitter - restored
    tokens[rows, Party.TREASURY] += stake - to_challenger - to_submitter
    tokens[rows, Party.SOLVER] -= stake
    pots.escrow[rows] += restored
    pots.reserve[rows] += restored
    half = economy.gas_cost(economy.gas.dispute / 2)
    costs[rows, finders[rows]] += half
    costs[rows, Party.SOLVER] += half
    pots.stake[:] = 0
