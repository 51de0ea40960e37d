"""Pooling and its gradients on the machine are PyTorch's."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional

from tests.capture.operators import compare, normal
from touchstone.capture.errors import UnsupportedOperatorError

aten = torch.ops.aten

PLANE, VOLUME = (2, 3, 7, 8), (2, 2, 5, 6, 4)
# name: input shape, kernel, stride, padding, dilation, ceil mode
MAXIMA: dict[str, tuple[tuple[int, ...], list[int], list[int], list[int], list[int], bool]] = {
    "2x2": ((2, 3, 6, 8), [2, 2], [], [0], [1], False),
    "2x2 leaves a row": (PLANE, [2, 2], [2, 2], [0, 0], [1, 1], False),
    "2x2 leaves a row, ceiling": (PLANE, [2, 2], [2, 2], [0, 0], [1, 1], True),
    "3x3 stride 2": ((2, 3, 8, 8), [3, 3], [2, 2], [1, 1], [1, 1], False),
    "3x3 stride 1": (PLANE, [3, 3], [1, 1], [1, 1], [1, 1], False),
    "one number": (PLANE, [3], [2], [1], [1], False),
    "2x3 stride 3x1": (PLANE, [2, 3], [3, 1], [1, 0], [1, 1], False),
    "dilation": (PLANE, [2, 2], [2, 1], [1, 1], [2, 2], False),
    "without batch": (PLANE[1:], [2, 2], [2, 2], [0, 0], [1, 1], False),
    "volume": ((2, 2, 4, 6, 4), [2, 2, 2], [2, 2, 2], [0, 0, 0], [1, 1, 1], False),
    "volume, overlapping": (VOLUME, [3, 3, 3], [2, 2, 2], [1, 1, 1], [1, 1, 1], False),
    "volume, uneven": (VOLUME, [3, 2, 3], [1, 2, 2], [1, 0, 1], [1, 1, 1], False),
}


def ties(*shape: int) -> torch.Tensor:
    """Few different numbers, so that the greatest is often there twice."""
    return normal(*shape).mul(2).round() + 0.0  # no −0, which the machine orders below +0


@pytest.mark.parametrize("name", MAXIMA)
@pytest.mark.parametrize("numbers", [normal, ties])
def test_maximum_pooling_gives_pytorchs_maxima_places_and_gradients(name: str, numbers: Any) -> None:
    shape, *options = MAXIMA[name]
    is_volume = name.startswith("volume")
    forward = aten.max_pool3d_with_indices.default if is_volume else aten.max_pool2d_with_indices.default
    backward = aten.max_pool3d_with_indices_backward.default if is_volume else aten.max_pool2d_with_indices_backward.default
    x = numbers(*shape)
    compare(forward, [x, *options])
    values, indices = forward(x, *options)
    compare(backward, [normal(*values.shape, seed=2), x, *options, indices])


# name: input shape, kernel, stride, padding, ceil mode, count padding, divisor
AVERAGES: dict[str, tuple[tuple[int, ...], list[int], list[int], list[int], bool, bool, int | None]] = {
    "2x2": ((2, 3, 6, 8), [2, 2], [], [0], False, True, None),
    "2x2 leaves a row": (PLANE, [2, 2], [2, 2], [0, 0], False, True, None),
    "2x2, ceiling": (PLANE, [2, 2], [2, 2], [0, 0], True, True, None),
    "3x3 padded": (PLANE, [3, 3], [2, 2], [1, 1], False, True, None),
    "3x3 padding not counted": (PLANE, [3, 3], [2, 2], [1, 1], False, False, None),
    "3x3 stride 1, ceiling, not counted": (PLANE, [3, 3], [1, 1], [1, 1], True, False, None),
    "4x2 stride 2x1": (PLANE, [4, 2], [2, 1], [1, 0], False, True, None),
    "divisor": (PLANE, [2, 2], [2, 2], [0, 0], False, True, 3),
    "without batch": (PLANE[1:], [2, 2], [2, 2], [0, 0], False, True, None),
    "volume": (VOLUME, [2, 2, 2], [2, 2, 2], [0, 0, 0], False, True, None),
    "volume, overlapping": (VOLUME, [3, 3, 2], [2, 2, 1], [1, 1, 1], False, False, None),
}


@pytest.mark.parametrize("name", AVERAGES)
def test_average_pooling_gives_pytorchs_means_and_gradients(name: str) -> None:
    shape, *options = AVERAGES[name]
    is_volume = name.startswith("volume")
    forward = aten.avg_pool3d.default if is_volume else aten.avg_pool2d.default
    backward = aten.avg_pool3d_backward.default if is_volume else aten.avg_pool2d_backward.default
    x = normal(*shape)
    compare(forward, [x, *options])
    compare(backward, [normal(*forward(x, *options).shape, seed=2), x, *options])


@pytest.mark.parametrize("counts", [[2, 3], [1, 1], [7, 8], [3, 3], [4, 5], [9, 2]], ids=str)
def test_adaptive_average_pooling_takes_every_output_size(counts: list[int]) -> None:
    x = normal(2, 3, 6, 9)
    compare(aten._adaptive_avg_pool2d.default, [x, counts])
    compare(aten._adaptive_avg_pool2d_backward.default, [normal(2, 3, *counts, seed=2), x])


@pytest.mark.parametrize("counts", [[2, 2, 3], [3, 4, 2]], ids=str)
def test_adaptive_average_pooling_of_volumes(counts: list[int]) -> None:
    x = normal(2, 2, 4, 6, 3)
    compare(aten._adaptive_avg_pool3d.default, [x, counts])
    compare(aten._adaptive_avg_pool3d_backward.default, [normal(2, 2, *counts, seed=2), x])


def test_adaptive_maximum_pooling_takes_equal_windows_and_refuses_others() -> None:
    x = normal(2, 3, 6, 9)
    compare(aten.adaptive_max_pool2d.default, [x, [2, 3]])
    _, indices = functional.adaptive_max_pool2d(x, [2, 3], return_indices=True)
    compare(aten.adaptive_max_pool2d_backward.default, [normal(2, 3, 2, 3, seed=2), x, indices])
    volume = normal(2, 2, 4, 6, 2)
    compare(aten.adaptive_max_pool3d.default, [volume, [2, 3, 1]])
    _, indices = functional.adaptive_max_pool3d(volume, [2, 3, 1], return_indices=True)
    compare(aten.adaptive_max_pool3d_backward.default, [normal(2, 2, 2, 3, 1, seed=2), volume, indices])
    with pytest.raises(UnsupportedOperatorError, match=r"adaptive_max_pool2d.*\[6, 9\] into \[4, 3\].*; choose"):
        compare(aten.adaptive_max_pool2d.default, [x, [4, 3]])
