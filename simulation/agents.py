"""Who takes part: how solvers cheat, and who verifies."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Placement = Literal["first", "last", "spread"]


class Party(IntEnum):
    """Columns of a table of money."""

    SUBMITTER = 0
    SOLVER = 1
    ACCOMPLICE = 2
    HONEST = 3
    LAZY = 4
    COLLUDING = 5
    WATCHER = 6
    GRIEFER = 7
    TREASURY = 8


@dataclass(frozen=True)
class Strategy:
    """What a solver does with the intervals of a job it has won.

    Attributes:
        false: intervals it does not compute.
        placement: which; ``spread`` draws them at random.
        leaks: tells everybody S(end−1) of every interval, so that verifiers can attest without running it.
        accomplice: when it is about to be convicted, another account of its own challenges first and collects β of the stake.
        ring: the colluding verifiers are its own.
        withholds: gives the states before its false intervals only to its ring, so that nobody else can run them.
    """

    name: str = "honest"
    false: int = 0
    placement: Placement = "last"
    leaks: bool = False
    accomplice: bool = False
    ring: bool = False
    withholds: bool = False


@dataclass(frozen=True)
class Verifiers:
    """Shares of the verifiers' stake by what their owners do.

    Attributes:
        honest: they run every interval they are drawn for.
        lazy: they never run one; they attest when S(end−1) is leaked, and else do not answer.
        colluding: they attest whatever a solver of their ring committed, and are honest to all others.
        watched: chance that a whistleblower runs an interval that nobody is drawn for.
        withheld: chance that a solver's friend proposes the block that draws an interval, and the draw passes a false one over.
    """

    honest: float = 0.6
    lazy: float = 0.2
    colluding: float = 0.2
    watched: float = 0.0
    withheld: float = 0.1

    @property
    def shares(self) -> tuple[float, float, float]:
        """In the order of :class:`Party`."""
        return self.honest, self.lazy, self.colluding


def false_intervals(rng: np.random.Generator, strategy: Strategy, jobs: int, count: int) -> Flags:
    """Which intervals a strategy leaves out, shape (jobs, count)."""
    false = np.zeros((jobs, count), bool)
    number = min(strategy.false, count)
    if strategy.placement == "first":
        false[:, :number] = True
    elif strategy.placement == "last":
        false[:, count - number :] = True
    elif number > 0:
        chosen = rng.random((jobs, count)).argpartition(number - 1, axis=1)[:, :number]
        np.put_along_axis(false, chosen, True, axis=1)
    return false
