"""Resizing, padding and rearranging of images and signals give on the machine what PyTorch gives, forward and backward."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.capture.operators import compare, normal
from touchstone import capture

aten = torch.ops.aten

NEAREST = {1: "upsample_nearest1d", 2: "upsample_nearest2d", 3: "upsample_nearest3d"}
LINEAR = {1: "upsample_linear1d", 2: "upsample_bilinear2d", 3: "upsample_trilinear3d"}
SIZES = {  # by depth: from, to
    1: [([5], [10]), ([5], [8]), ([7], [3]), ([4], [4]), ([3], [1])],
    2: [([3, 4], [6, 12]), ([3, 5], [7, 4]), ([4, 2], [4, 5])],
    3: [([2, 3, 2], [4, 6, 4]), ([2, 3, 4], [3, 2, 4])],
}
RESIZES = [(depth, start, end) for depth, pairs in SIZES.items() for start, end in pairs]


def check_resize(name: str, start: list[int], end: list[int], *options: Any) -> None:
    """An operator of that name and its gradient."""
    compare(getattr(aten, name).default, [normal(2, 3, *start), end, *options])
    compare(getattr(aten, f"{name}_backward").default, [normal(2, 3, *end), end, [2, 3, *start], *options])


@pytest.mark.parametrize(("depth", "start", "end"), RESIZES)
@pytest.mark.parametrize("prefix", ["", "_exact"])
def test_the_nearest_element_is_pytorchs(depth: int, start: list[int], end: list[int], prefix: str) -> None:
    name = NEAREST[depth] if not prefix else f"_{NEAREST[depth].replace('nearest', 'nearest_exact')}"
    check_resize(name, start, end)


@pytest.mark.parametrize(("depth", "start", "end"), RESIZES)
@pytest.mark.parametrize("align_corners", [False, True])
def test_linear_interpolation_is_pytorchs(depth: int, start: list[int], end: list[int], align_corners: bool) -> None:
    check_resize(LINEAR[depth], start, end, align_corners)


@pytest.mark.parametrize("name", ["upsample_bicubic2d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa"])
@pytest.mark.parametrize(("start", "end"), SIZES[2])
@pytest.mark.parametrize("align_corners", [False, True])
def test_cubic_and_smoothed_interpolation_are_pytorchs(name: str, start: list[int], end: list[int], align_corners: bool) -> None:
    check_resize(name, start, end, align_corners)


@pytest.mark.parametrize("factor", [1.7, 2.5])
def test_a_scale_factor_that_does_not_give_whole_sizes_is_used_as_it_is(factor: float) -> None:
    end = [int(3 * factor), int(5 * factor)]
    check_resize("upsample_nearest2d", [3, 5], end, factor, factor)
    for name in ("upsample_bilinear2d", "upsample_bicubic2d"):
        check_resize(name, [3, 5], end, False, factor, factor)


@pytest.mark.parametrize(("mode", "factor"), [("nearest", 2.2), ("bicubic", 1.1)])
def test_a_scale_factor_about_which_pytorchs_kernels_disagree_is_refused(mode: str, factor: float) -> None:
    class Resized(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return functional.interpolate(x * self.scale, scale_factor=factor, mode=mode).square().mean()

    model, optimizer = Resized(), torch.optim.SGD
    with pytest.raises(capture.UnsupportedOperatorError, match=r"upsample_.*from 3 to .*; give the size instead of a scale factor"):
        data = normal(4, 2, 3, 3).numpy()
        capture(model, lambda loss: loss, optimizer(model.parameters(), lr=0.1), data, batch_size=2, steps=2)


PADS = {  # by depth: shape, widths
    1: [([2, 3, 5], [2, 3]), ([3, 5], [0, 1]), ([2, 3, 5], [-1, 2]), ([2, 3, 5], [-2, -1]), ([2, 3, 4], [-4, 3]), ([2, 3, 4], [2, -4])],
    2: [([2, 3, 4, 5], [1, 2, 3, 0]), ([3, 4, 5], [2, -1, -2, 1])],
    3: [([1, 2, 3, 4, 3], [1, 2, 0, 3, 2, 1])],
}


@pytest.mark.parametrize(("depth", "shape", "widths"), [(depth, *case) for depth, cases in PADS.items() for case in cases])
@pytest.mark.parametrize("kind", ["reflection", "replication"])
def test_borders_that_mirror_or_repeat_are_pytorchs(kind: str, depth: int, shape: list[int], widths: list[int]) -> None:
    x = normal(*shape)
    forward = getattr(aten, f"{kind}_pad{depth}d").default
    compare(forward, [x, widths])
    compare(getattr(aten, f"{kind}_pad{depth}d_backward").default, [normal(*forward(x, widths).shape, seed=1), x, widths])


class Rearranged(nn.Module):
    """What a super-resolution net does with its channels, with circular borders."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(8, 8, 3, padding=1, padding_mode="circular")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mixed = self.convolution(functional.pixel_unshuffle(x, 2))
        return functional.pixel_shuffle(functional.channel_shuffle(mixed, 2), 2)


def test_pixel_and_channel_shuffles_and_circular_borders_follow_eager_pytorch() -> None:
    # Capture compares the loss and the parameters with eager PyTorch itself, here at every step.
    torch.manual_seed(0)
    model, images = Rearranged(), normal(8, 2, 4, 6).numpy()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    capture(model, nn.MSELoss(), optimizer, images, images[::-1].copy(), batch_size=4, steps=3, check_steps=3)
