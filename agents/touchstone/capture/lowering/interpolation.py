"""Tensors resized along their spatial axes: nearest, linear and cubic interpolation (PyTorch's ``F.interpolate`` and ``nn.Upsample``).

Each output is a weighted sum of inputs, axis by axis, so a resize is one matrix per axis, and its gradient their transposes. The nearest
inputs need no weights: they are repeated, or picked. Weights are computed in float32 as PyTorch's CPU kernels do, which round the scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from touchstone.capture import views
from touchstone.capture.errors import UnsupportedOperatorError
from touchstone.capture.lowering.indexing import index_
from touchstone.capture.lowering.registry import Context, lowers
from touchstone.capture.lowering.separable import apply_matrices
from touchstone.capture.views import Shape, Value
from touchstone.machine.program import ReduceFn

aten = torch.ops.aten

Array = npt.NDArray[Any]
Matrices = list[Array]
Weights = Callable[[int, int, bool, float | None], Array]


def _scale(length: int, outputs: int, align_corners: bool, factor: float | None) -> np.float32:
    """By how much the place in the input grows per output."""
    if align_corners:
        return np.float32(length - 1) / np.float32(outputs - 1) if outputs > 1 else np.float32(0)
    return np.float32(1 / factor) if factor else np.float32(length) / np.float32(outputs)


def _places(length: int, outputs: int, align_corners: bool, factor: float | None) -> Array:
    """Where in the input the centre of each output lies, as a fractional index."""
    scale, numbers = _scale(length, outputs, align_corners, factor), np.arange(outputs, dtype=np.float32)
    return scale * numbers if align_corners else scale * (numbers + np.float32(0.5)) - np.float32(0.5)


def _check_factors(ctx: Context, lengths: Sequence[int], counts: Sequence[int], factors: Sequence[float | None], times: int) -> None:
    """For some sizes PyTorch overlooks the factor in one of its kernels, and not in another: equal sizes, for the nearest also twice."""
    for length, count, factor in zip(lengths, counts, factors, strict=False):
        if factor is not None and count <= times * length and count % length == 0 and factor != count // length:
            raise UnsupportedOperatorError(
                f"{ctx.operator} from {length} to {count} elements by a factor of {factor:.6g}{ctx.at} is not supported, "
                "PyTorch's kernels do not agree about it; give the size instead of a scale factor"
            )


# Nearest


def _nearest(ctx: Context, length: int, outputs: int, factor: float | None) -> Array:
    """Index of the input nearest to each output; ``exact`` measures from the outputs' centres, the other form from where they start."""
    centre = np.float32(0.5 if "exact" in ctx.operator else 0)
    places = (np.arange(outputs, dtype=np.float32) + centre) * _scale(length, outputs, False, factor)
    index: Array = np.minimum(np.floor(places).astype(np.int32), length - 1)
    return index


def _nearest_of_axes(ctx: Context, lengths: Shape, counts: Sequence[int], factors: Sequence[float | None]) -> list[Array]:
    if "exact" not in ctx.operator:
        _check_factors(ctx, lengths, counts, factors, times=2)
    factors = factors or (None,) * len(lengths)
    return [_nearest(ctx, length, count, factor) for length, count, factor in zip(lengths, counts, factors, strict=True)]


def _repeats(indices: Sequence[Array], lengths: Shape) -> Shape | None:
    """How often each input of an axis is repeated, if all are equally often."""
    times = tuple(len(index) // length for index, length in zip(indices, lengths, strict=True))
    expected = [np.repeat(np.arange(length), count) for length, count in zip(lengths, times, strict=True)]
    return times if all(np.array_equal(a, b) for a, b in zip(indices, expected, strict=True)) else None


@lowers(
    aten.upsample_nearest1d.default,
    aten.upsample_nearest2d.default,
    aten.upsample_nearest3d.default,
    aten._upsample_nearest_exact1d.default,
    aten._upsample_nearest_exact2d.default,
    aten._upsample_nearest_exact3d.default,
    becomes="move where each element is repeated equally often, else gather",
)
def nearest(ctx: Context, x: Value, counts: list[int], *factors: float | None) -> Value:
    """Every output is the input nearest to it."""
    depth, lengths = len(counts), x.shape[2:]
    indices = _nearest_of_axes(ctx, lengths, counts, factors)
    times = _repeats(indices, lengths)
    if times is None:
        apart = [index.reshape(-1, *(1,) * (depth - 1 - k)) for k, index in enumerate(indices)]
        return index_(ctx, x, [None, None, *(ctx.constant(index) for index in apart)])
    cells = ctx.graph.reshape(x, (*x.shape[:2], *(n for length in lengths for n in (length, 1))))
    wide = (*x.shape[:2], *(n for pair in zip(lengths, times, strict=True) for n in pair))
    return ctx.graph.reshape(views.expand(cells, wide), ctx.output.shape)


@lowers(
    aten.upsample_nearest1d_backward.default,
    aten.upsample_nearest2d_backward.default,
    aten.upsample_nearest3d_backward.default,
    aten._upsample_nearest_exact1d_backward.default,
    aten._upsample_nearest_exact2d_backward.default,
    aten._upsample_nearest_exact3d_backward.default,
    becomes="reduce sum where each element was repeated equally often, else dot",
)
def nearest_backward(ctx: Context, gradient: Value, counts: list[int], shape: list[int], *factors: float | None) -> Value:
    """For each input, the sum over the outputs that it is nearest to."""
    lengths = tuple(shape[2:])
    indices = _nearest_of_axes(ctx, lengths, counts, factors)
    times = _repeats(indices, lengths)
    if times is None:
        return apply_matrices(ctx, gradient, [_picked(index, length).T for index, length in zip(indices, lengths, strict=True)])
    planes = math.prod(shape[:2])
    cells = ctx.graph.reshape(gradient, (planes, *(n for pair in zip(lengths, times, strict=True) for n in pair)))
    total = ctx.graph.reduce(ReduceFn.SUM, cells, tuple(range(2, 2 * len(lengths) + 1, 2)))
    return ctx.graph.reshape(total, ctx.output.shape)


def _picked(index: Array, length: int) -> Array:
    """Row o has a one at ``index[o]``."""
    matrix: Array = (index[:, None] == np.arange(length)).astype(np.float32)
    return matrix


# Linear and cubic


def _row_sums(length: int, taps: Sequence[tuple[Array, Array]]) -> Array:
    """Matrix [O, length] from pairs of an input's index and its weight for each output; indices beyond the ends mean the ends."""
    matrix = np.zeros((len(taps[0][0]), length), dtype=np.float32)
    for index, weight in taps:
        np.add.at(matrix, (np.arange(len(matrix)), np.clip(index, 0, length - 1)), weight)
    return matrix


def linear_weights(length: int, outputs: int, align_corners: bool, factor: float | None) -> Array:
    """The two inputs around each output."""
    if length == outputs:
        return np.eye(length, dtype=np.float32)
    places = np.maximum(_places(length, outputs, align_corners, factor), np.float32(0))
    first = np.minimum(np.floor(places).astype(np.int64), length - 1)
    share = np.clip(places - first.astype(np.float32), 0, 1)
    return _row_sums(length, [(first, 1 - share), (first + 1, share)])


def _cubic(distance: Array, sharpness: float) -> Array:
    """R. Keys' convolution kernel, 1981, of distances below 2."""
    a, x = np.float32(sharpness), np.abs(distance)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, np.float32(0)))


def cubic_weights(length: int, outputs: int, align_corners: bool, factor: float | None) -> Array:
    """The four inputs around each output."""
    places = _places(length, outputs, align_corners, factor)
    first = np.floor(places).astype(np.int64)
    share: Array = places - first.astype(np.float32)
    return _row_sums(length, [(first + k, _cubic(share - np.float32(k), -0.75)) for k in (-1, 0, 1, 2)])


def _smoothed(kernel: Callable[[Array], Array], reach: float) -> Weights:
    """A kernel that grows with the scale where the result is smaller than the input, so that every input counts (antialias)."""

    def weights(length: int, outputs: int, align_corners: bool, factor: float | None) -> Array:
        scale = _scale(length, outputs, align_corners, factor)
        stretch = max(scale, np.float32(1))
        centres = (scale * (np.arange(outputs, dtype=np.float32) + np.float32(0.5)))[:, None]
        start = np.maximum((centres - np.float32(reach) * stretch + np.float32(0.5)).astype(np.int64), 0)
        end = np.minimum((centres + np.float32(reach) * stretch + np.float32(0.5)).astype(np.int64), length)
        inputs = np.arange(length)
        found = kernel((inputs.astype(np.float32) - centres + np.float32(0.5)) / stretch)
        found = np.where((inputs >= start) & (inputs < end), found, np.float32(0))
        matrix: Array = (found / found.sum(axis=1, keepdims=True)).astype(np.float32)
        return matrix

    return weights


_WEIGHTS: dict[str, Weights] = {  # by part of the operator's name; the first that fits
    "bilinear2d_aa": _smoothed(lambda x: np.maximum(np.float32(1) - np.abs(x), np.float32(0)), 1),
    "bicubic2d_aa": _smoothed(lambda x: _cubic(x, -0.5), 2),
    "bicubic2d": cubic_weights,
    "linear": linear_weights,
}


def _matrices(
    ctx: Context, lengths: Sequence[int], counts: Sequence[int], align_corners: bool, factors: Sequence[float | None]
) -> Matrices:
    weights = next(function for part, function in _WEIGHTS.items() if part in ctx.operator)
    if weights is not linear_weights and not align_corners:
        _check_factors(ctx, lengths, counts, factors, times=1)
    factors = factors or (None,) * len(lengths)
    return [weights(length, count, align_corners, factor) for length, count, factor in zip(lengths, counts, factors, strict=True)]


@lowers(
    aten.upsample_linear1d.default,
    aten.upsample_bilinear2d.default,
    aten.upsample_trilinear3d.default,
    aten.upsample_bicubic2d.default,
    aten._upsample_bilinear2d_aa.default,
    aten._upsample_bicubic2d_aa.default,
    becomes="dot",
)
def interpolate(ctx: Context, x: Value, counts: list[int], align_corners: bool, *factors: float | None) -> Value:
    """Every output is a weighted sum of the inputs around it."""
    return apply_matrices(ctx, x, _matrices(ctx, x.shape[2:], counts, align_corners, factors))


@lowers(
    aten.upsample_linear1d_backward.default,
    aten.upsample_bilinear2d_backward.default,
    aten.upsample_trilinear3d_backward.default,
    aten.upsample_bicubic2d_backward.default,
    aten._upsample_bilinear2d_aa_backward.default,
    aten._upsample_bicubic2d_aa_backward.default,
    becomes="dot",
)
def interpolate_backward(
    ctx: Context, gradient: Value, counts: list[int], shape: list[int], align_corners: bool, *factors: float | None
) -> Value:
    """Every input gets the outputs' gradients by its weights in them."""
    return apply_matrices(ctx, gradient, [matrix.T for matrix in _matrices(ctx, shape[2:], counts, align_corners, factors)])
