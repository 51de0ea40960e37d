"""The audit draw and its answers, for many jobs at once (docs/specification/market.md, section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.agents import Flags, Party, Strategy, Verifiers

NOBODY = -1
_KINDS = (Party.HONEST, Party.LAZY, Party.COLLUDING)


@dataclass(frozen=True)
class Audits:
    """What came of the audits; all arrays have shape (jobs, intervals).

    Attributes:
        answered: the kind of verifier that attested or challenged, ``NOBODY`` where none was drawn.
        ran: whether that verifier ran the interval.
        caught: whether somebody challenges the interval.
        watched: whether the first to challenge is a whistleblower, because no verifier found it.
        silent: drawn verifiers that were dismissed for not answering.
        stopped: whether the drawn verifier could not get the state before the interval, which stops the job there.
    """

    answered: NDArray[np.int8]
    ran: Flags
    caught: Flags
    watched: Flags
    silent: NDArray[np.int64]
    stopped: Flags


@dataclass(frozen=True)
class Habits:
    """What :class:`simulation.agents.Strategy` says, one for each job; shape (jobs,)."""

    leaks: Flags
    ring: Flags
    withholds: Flags

    @classmethod
    def of(cls, strategies: Sequence[Strategy]) -> Habits:
        """Of one strategy for each job."""
        return cls(*(np.array([getattr(strategy, name) for strategy in strategies]) for name in ("leaks", "ring", "withholds")))

    @classmethod
    def all_alike(cls, strategy: Strategy, jobs: int) -> Habits:
        """Of the same strategy in all jobs."""
        return cls(*(np.full(jobs, getattr(strategy, name)) for name in ("leaks", "ring", "withholds")))


def audit(rng: np.random.Generator, false: Flags, rate: float, verifiers: Verifiers, habits: Habits, live: Flags | None = None) -> Audits:
    """Draw every interval with chance ``rate``, and let verifiers answer until one does.

    Args:
        rng: random numbers.
        false: false intervals, shape (jobs, intervals).
        rate: ρ.
        verifiers: shares by kind.
        habits: of the solvers.
        live: intervals that are committed, all by default.

    Raises:
        ValueError: some audit would never end, because nobody answers.
    """
    _check_answered(verifiers, habits)
    drawn = rng.random(false.shape) < rate
    if live is not None:
        drawn &= live
    drawn &= ~(false & (rng.random(false.shape) < verifiers.withheld))
    rows, columns = np.nonzero(drawn)
    kinds, silent, stopped = _answer(rng, verifiers, habits.leaks[rows], habits.withholds[rows] & false[rows, columns])
    answered = np.full(false.shape, NOBODY, np.int8)
    answered[rows, columns] = kinds
    dismissed = np.zeros(false.shape, np.int64)
    dismissed[rows, columns] = silent
    unavailable = np.zeros(false.shape, np.bool_)
    unavailable[rows, columns] = stopped
    of_ring = (answered == Party.COLLUDING) & habits.ring[:, None]
    ran = (answered != NOBODY) & (answered != Party.LAZY) & ~of_ring
    found = false & ran
    watched = false & ~found & ~habits.withholds[:, None] & (rng.random(false.shape) < verifiers.watched)
    return Audits(answered, ran, found | watched, watched, dismissed, unavailable)


def _check_answered(verifiers: Verifiers, habits: Habits) -> None:
    if (habits.withholds & ~(habits.ring & (verifiers.colluding > 0))).any():
        raise ValueError("a solver without a ring cannot withhold its checkpoints; set ring, and give colluding verifiers a share")
    if verifiers.honest + verifiers.colluding <= 0 and not habits.leaks.all():
        raise ValueError("all verifiers are lazy, so an audit would never end; give honest or colluding ones a share")


def _answer(
    rng: np.random.Generator, verifiers: Verifiers, leaked: Flags, withheld: Flags
) -> tuple[NDArray[np.int8], NDArray[np.int64], Flags]:
    """The kind that answers each audit, how many verifiers were silent before it, and whether it stops there instead.

    A lazy one answers only what was leaked. Where the checkpoint before is withheld only the ring can attest; whoever else is drawn first
    says that the state is unavailable.
    """
    bounds = np.cumsum(verifiers.shares) / sum(verifiers.shares)
    kinds = np.full(leaked.shape, NOBODY, np.int8)
    silent = np.zeros(leaked.shape, np.int64)
    stopped = np.zeros(leaked.shape, np.bool_)
    waiting = np.arange(leaked.size)
    while waiting.size:
        drawn = np.asarray(_KINDS, np.int8)[np.searchsorted(bounds, rng.random(waiting.size), side="right")]
        stops = withheld[waiting] & (drawn != Party.COLLUDING)
        answers = ~stops & ((drawn != Party.LAZY) | leaked[waiting])
        kinds[waiting[answers]] = drawn[answers]
        stopped[waiting[stops]] = True
        waiting = waiting[~answers & ~stops]
        silent[waiting] += 1
    return kinds, silent, stopped
