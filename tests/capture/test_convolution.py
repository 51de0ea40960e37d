"""Convolution and its gradients on the machine are PyTorch's, for every way of sliding a window."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.capture.operators import compare, normal

aten = torch.ops.aten

# name: input shape, weight shape, then stride, padding, dilation, transposed, output padding, groups
CASES: dict[str, tuple[tuple[int, ...], tuple[int, ...], list[int], list[int], list[int], bool, list[int], int]] = {
    "3x3": ((2, 3, 6, 5), (4, 3, 3, 3), [1, 1], [1, 1], [1, 1], False, [0, 0], 1),
    "3x3 valid": ((2, 3, 6, 5), (4, 3, 3, 3), [1, 1], [0, 0], [1, 1], False, [0, 0], 1),
    "one number per list": ((2, 3, 6, 5), (4, 3, 3, 3), [2], [1], [1], False, [0], 1),
    "uneven kernel and padding": ((2, 3, 7, 5), (4, 3, 2, 3), [1, 2], [1, 0], [1, 1], False, [0, 0], 1),
    "stride 2": ((2, 3, 8, 8), (4, 3, 3, 3), [2, 2], [1, 1], [1, 1], False, [0, 0], 1),
    "stride 2 leaves a row": ((2, 3, 8, 7), (4, 3, 3, 3), [2, 2], [0, 0], [1, 1], False, [0, 0], 1),
    "stride 3 over kernel 2": ((2, 3, 9, 8), (4, 3, 2, 2), [3, 3], [1, 0], [1, 1], False, [0, 0], 1),
    "stride 4, padding 5": ((1, 2, 13, 13), (2, 2, 11, 11), [4, 4], [5, 5], [1, 1], False, [0, 0], 1),
    "patches": ((2, 3, 8, 8), (5, 3, 4, 4), [4, 4], [0, 0], [1, 1], False, [0, 0], 1),
    "dilation": ((2, 3, 8, 8), (4, 3, 3, 3), [1, 1], [2, 2], [2, 2], False, [0, 0], 1),
    "dilation and stride": ((2, 3, 9, 9), (4, 3, 3, 3), [2, 2], [2, 1], [2, 3], False, [0, 0], 1),
    "1x1": ((2, 3, 4, 5), (4, 3, 1, 1), [1, 1], [0, 0], [1, 1], False, [0, 0], 1),
    "1x1 stride 2": ((2, 3, 5, 6), (4, 3, 1, 1), [2, 2], [0, 0], [1, 1], False, [0, 0], 1),
    "1x1 padded": ((2, 3, 4, 4), (4, 3, 1, 1), [1, 1], [1, 1], [1, 1], False, [0, 0], 1),
    "1x1 grouped": ((2, 4, 4, 4), (6, 2, 1, 1), [1, 1], [0, 0], [1, 1], False, [0, 0], 2),
    "groups": ((2, 4, 6, 6), (6, 2, 3, 3), [1, 1], [1, 1], [1, 1], False, [0, 0], 2),
    "groups stride 2": ((2, 4, 6, 6), (6, 2, 3, 3), [2, 2], [1, 1], [1, 1], False, [0, 0], 2),
    "depthwise": ((2, 4, 6, 6), (4, 1, 3, 3), [1, 1], [1, 1], [1, 1], False, [0, 0], 4),
    "depthwise, two each, stride 2": ((2, 4, 6, 6), (8, 1, 3, 3), [2, 2], [1, 1], [1, 1], False, [0, 0], 4),
    "more than 8192 terms": ((1, 1000, 3, 3), (2, 1000, 3, 3), [1, 1], [0, 0], [1, 1], False, [0, 0], 1),
    "1d": ((2, 3, 9), (4, 3, 3), [1], [1], [1], False, [0], 1),
    "1d stride, dilation": ((2, 3, 12), (4, 3, 3), [2], [2], [2], False, [0], 1),
    "1d groups stride": ((2, 4, 9), (4, 2, 4), [3], [1], [1], False, [0], 2),
    "3d": ((2, 3, 4, 5, 4), (2, 3, 3, 2, 3), [1, 1, 1], [1, 0, 1], [1, 1, 1], False, [0, 0, 0], 1),
    "3d stride 2": ((2, 2, 6, 5, 4), (2, 2, 3, 3, 3), [2, 2, 2], [1, 1, 1], [1, 1, 1], False, [0, 0, 0], 1),
    "3d groups": ((2, 4, 4, 4, 4), (4, 2, 3, 3, 3), [2, 1, 2], [1, 1, 0], [1, 1, 1], False, [0, 0, 0], 2),
    "transposed": ((2, 4, 4, 5), (4, 3, 3, 3), [1, 1], [1, 1], [1, 1], True, [0, 0], 1),
    "transposed 2x2 stride 2": ((2, 4, 4, 5), (4, 3, 2, 2), [2, 2], [0, 0], [1, 1], True, [0, 0], 1),
    "transposed 4x4 stride 2": ((2, 4, 4, 5), (4, 3, 4, 4), [2, 2], [1, 1], [1, 1], True, [0, 0], 1),
    "transposed, output padding": ((2, 4, 4, 5), (4, 3, 3, 3), [2, 2], [1, 1], [1, 1], True, [1, 1], 1),
    "transposed groups, dilation": ((2, 4, 4, 5), (4, 3, 3, 3), [2, 2], [1, 1], [2, 2], True, [0, 1], 2),
    "transposed 1x1 stride 2": ((2, 4, 4, 4), (4, 3, 1, 1), [2, 2], [0, 0], [1, 1], True, [0, 0], 1),
    "transposed 1d": ((2, 4, 5), (4, 3, 3), [2], [1], [1], True, [1], 1),
    "transposed 3d": ((2, 2, 3, 2, 3), (2, 3, 2, 2, 2), [2, 2, 2], [0, 0, 0], [1, 1, 1], True, [0, 0, 0], 1),
    "transposed 3d, overlapping": ((1, 2, 3, 2, 3), (2, 3, 3, 3, 3), [2, 2, 2], [1, 1, 1], [1, 1, 1], True, [1, 1, 1], 1),
}


def outputs(weight: tuple[int, ...], transposed: bool, groups: int) -> int:
    return weight[1] * groups if transposed else weight[0]


@pytest.mark.parametrize("name", CASES)
def test_convolution_gives_what_pytorch_gives(name: str) -> None:
    shape, weight, *options = CASES[name]
    bias = normal(outputs(weight, options[3], options[5]), seed=3)
    compare(aten.convolution.default, [normal(*shape), normal(*weight, seed=1), bias, *options])


@pytest.mark.parametrize("name", CASES)
def test_the_gradients_of_convolution_are_what_pytorch_gives(name: str) -> None:
    shape, weight, *options = CASES[name]
    arguments: list[Any] = [normal(*shape), normal(*weight, seed=1), None, *options]
    gradient = normal(*aten.convolution.default(*arguments).shape, seed=2)
    sizes = [outputs(weight, options[3], options[5])]
    compare(aten.convolution_backward.default, [gradient, *arguments[:2], sizes, *options, [True, True, True]])


@pytest.mark.parametrize("mask", [[False, True, True], [True, False, False]], ids=["parameters", "input"])
def test_only_the_gradients_that_are_wanted_are_computed(mask: list[bool]) -> None:
    shape, weight, *options = CASES["3x3"]
    gradient = normal(2, 4, 6, 5, seed=2)
    compare(aten.convolution_backward.default, [gradient, normal(*shape), normal(*weight, seed=1), [4], *options, mask])
