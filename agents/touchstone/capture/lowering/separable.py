"""Linear maps that act on each spatial axis alone: interpolation, and averages of windows that differ in size."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from touchstone.capture.lowering.registry import Context
from touchstone.capture.views import Value
from touchstone.machine.workload import Array


def apply_matrices(ctx: Context, x: Value, matrices: Sequence[Array]) -> Value:
    """Matrix k[O, L] applied along the k-th of the last ``len(matrices)`` axes of ``x``; the result has the output's shape.

    ``dot`` sums over the last axis and puts the new one before the others, so that after one product per axis all are in place again and
    nothing is copied.
    """
    lengths = x.shape[-len(matrices) :]
    planes, rest = x.count // math.prod(lengths), math.prod(lengths)
    for matrix in reversed(matrices):
        outputs, length = matrix.shape
        rest //= length
        rows = ctx.graph.reshape(x, (planes, rest, length))
        x = ctx.graph.dot(ctx.constant(np.ascontiguousarray(matrix[None])), rows)
        rest *= outputs
    return ctx.graph.reshape(x, ctx.output.shape)
