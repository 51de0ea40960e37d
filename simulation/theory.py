"""The formulas of docs/economics.md that the simulation is held against. Amounts are in units of the price unless said otherwise."""

from __future__ import annotations

import math


def profit_of_cheating(false: int, gain: float, harm: float, stake: float, caught: float, kept: float) -> float:
    """Expected profit of ``false`` false intervals over honest work (section 2).

    Args:
        false: how many intervals are false.
        gain: what one false interval saves its solver.
        harm: what a false result is worth to it beyond that.
        stake: S.
        caught: q, the chance that one given false interval is caught.
        kept: share of S that comes back to a convicted solver, β if its own accomplice challenges first.
    """
    found = 1 - (1 - caught) ** false
    return found * (gain * (1 - caught) / caught - (1 - kept) * stake) + (1 - caught) * harm


def reservation_price(false: int, intervals: int, cost: float, harm: float, stake: float, caught: float, kept: float) -> float:
    """The payment for ``intervals`` intervals at which leaving out the last ``false`` of them breaks even (section 2), at least 0.

    Args:
        cost: of computing all intervals; the rest as in :func:`profit_of_cheating`.
    """
    found = 1 - (1 - caught) ** false
    paid = intervals - false + (found * (1 - caught) / caught if false else 0.0)
    spent = cost * (intervals - false) / intervals + found * (1 - kept) * stake - (harm * (1 - caught) if false else 0.0)
    return max(0.0, spent * intervals / paid)


def break_even_stake(gain: float, harm: float, caught: float, kept: float) -> float:
    """The stake at which one false interval neither gains nor loses."""
    return (gain + harm) * (1 - caught) / (caught * (1 - kept))


def break_even_detection(caught: float, factor: float = 2.0) -> float:
    """How far q may fall below what the stake was computed for, until cheating breaks even, when S has ``factor`` as a margin."""
    return caught / (factor * (1 - caught) + caught)


def profit_of_withholding(false: int, gain: float, caught: float) -> float:
    """Expected profit of ``false`` false intervals whose states only the solver's ring can get (section 5): it is paid until one is drawn.

    Args:
        false: how many intervals are false.
        gain: what each saves.
        caught: chance that one given interval is drawn for somebody outside the ring.
    """
    return (1 - (1 - caught) ** false) * gain * (1 - caught) / caught


def grinding_detection(caught: float, proposers: float, most: int = 20) -> float:
    """Chance to be caught when a solver owns a share of proposers and withholds blocks to choose among 2^k seeds (section 6).

    k of its blocks stand in a row before the beacon block with chance (1 − a)·a^k; each may be published or not.
    """
    return math.fsum((1 - proposers) * proposers**k * caught ** (2**k) for k in range(most))


def profit_of_grinding(false: int, gain: float, stake: float, drawn: float, proposers: float, kept: float, most: int = 12) -> float:
    """Expected profit of ``false`` false intervals that one beacon block draws, when the solver takes the best of 2^k seeds (section 6).

    Args:
        false: how many intervals are false, at most those that share a block.
        drawn: p = ρ · h; the rest as in :func:`profit_of_cheating` and :func:`grinding_detection`.
    """
    total = 0.0
    for k in range(most):
        seeds = 2**k
        # The chance that with the best seed at least the first i false intervals pass.
        passes = [1 - (1 - (1 - drawn) ** i) ** seeds for i in range(1, false + 1)]
        loss = (1 - kept) * stake
        total += (1 - proposers) * proposers**k * (gain * math.fsum(passes) - loss * (1 - passes[-1]))
    return total


def inspection_equilibrium(run_cost: float, reward: float, gain: float, loss: float, drawn: float) -> tuple[float, float]:
    """The inspection game between a leaking solver and verifiers that can attest without running (section 3).

    Args:
        run_cost: what running an interval costs a verifier.
        reward: what it gains by convicting, over a lazy attestation.
        gain: what a false interval gains its solver when it passes.
        loss: what a conviction costs the solver.
        drawn: chance that a false interval is drawn.

    Returns:
        How often an interval is false, and how often a drawn verifier runs it, in the mixed equilibrium.
    """
    runs = gain / (drawn * (gain + loss))
    if runs >= 1:
        return 1.0, 1.0
    return run_cost / reward, runs


def promised_quantile(value_of_time: float, penalty: float) -> float:
    """The quantile of its duration that a solver promises when lateness costs ``penalty`` a second (section 8)."""
    return 1 - value_of_time / penalty
