"""How close the machine has to come to eager PyTorch on one operator.

Where every result element is computed by itself, each is judged by itself; where a program adds up many numbers, rounding is relative to
the greatest of them, so each element is judged by the greatest of the result and by the last place of the greatest argument. Both bounds
grow with the error that PyTorch's float32 itself has against float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from touchstone.machine.program import Op, Program, ReduceFn, SourceFn

RELATIVE = 4e-6  # 34 units in the last place: exp, log, tanh and erf are 1 or 2 each, and a composite chains a few
OWN_ERROR = 4.0  # times float32's own error against float64
LAST_PLACE = 2.0**-24
MOST_RELATIVE = 2e-3  # of the worst element that speaks for the others
SMALLEST = 1e-37  # below float32's normal numbers, precision is lost on the way

Array = np.ndarray[Any, Any]


def explain_difference(found: Array, single: Array, double: Array | None, program: Program, largest: float = 0.0) -> str:
    """What is wrong with ``found``, or nothing.

    Args:
        found: the machine's result.
        single, double: PyTorch's in float32 and float64.
        program: what computed it.
        largest: magnitude of the greatest finite argument.
    """
    if single.dtype.kind in "iub":
        wrong = found.astype(np.int64) != single.astype(np.int64)
        return _report(found, single, wrong) if wrong.any() else ""
    expected = single.astype(np.float64)
    exact = expected if double is None else double.astype(np.float64)
    with np.errstate(all="ignore"):
        own = np.where(np.isfinite(expected) & np.isfinite(exact), np.abs(expected - exact), 0.0)
        size = np.where(np.isfinite(exact), np.abs(exact), 0.0)
        if _adds_up(program):
            own, size = np.full_like(own, own.max(initial=LAST_PLACE * largest / OWN_ERROR)), np.full_like(size, size.max(initial=0.0))
        else:  # one element may be exact by luck: the relative error of the worst counts for all
            worst = np.max(own / size, where=size > 0, initial=0.0)
            own = np.maximum(own, min(worst, MOST_RELATIVE) * size)
        allowed = RELATIVE * size + OWN_ERROR * own + SMALLEST
        wrong = ~(_near(found, expected, allowed) | _near(found, exact, allowed))
    return _report(found, single, wrong) if wrong.any() else ""


def _adds_up(program: Program) -> bool:
    """Whether a sum, or a random number whose transform passes through zero, makes an element of small numbers out of large ones."""
    return any(
        node.op in (Op.DOT, Op.SCATTER_ADD) or (node.op, node.fn) in ((Op.REDUCE, ReduceFn.SUM), (Op.SOURCE, SourceFn.PHILOX))
        for node in program.nodes
    )


def _near(found: Array, wanted: Array, allowed: Array) -> Array:
    """Close, equally infinite, or NaN together; a float64 beyond float32 counts as infinite."""
    wanted = wanted.astype(np.float32).astype(np.float64)
    return (found == wanted) | (np.isnan(found) & np.isnan(wanted)) | (np.abs(found - wanted) <= allowed)


def _report(found: Array, wanted: Array, wrong: Array) -> str:
    place = tuple(int(k) for k in np.argwhere(wrong)[0])
    return f"{int(wrong.sum())} of {wrong.size} differ, first at {place}: {found[place]} instead of {wanted[place]}"
