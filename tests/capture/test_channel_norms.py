"""Batch, instance and group normalisation on the machine are PyTorch's, with their gradients and running statistics."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from tests.capture.operators import compare, normal
from tests.capture.runs import final_state, slot
from touchstone import capture

aten = torch.ops.aten

SHAPES = [(6, 3), (4, 3, 5), (4, 3, 5, 4), (2, 3, 3, 4, 2)]
X = normal(4, 6, 5, 3) * 2 + 3
SCALE, SHIFT, MEAN, VARIANCE = normal(6, seed=1), normal(6, seed=2), normal(6, seed=3), normal(6, seed=4).abs() + 0.5


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("affine", [True, False])
def test_batch_normalisation_by_the_batch(shape: tuple[int, ...], affine: bool) -> None:
    x = normal(*shape) * 2 + 3
    weight, bias = (normal(3, seed=1), normal(3, seed=2)) if affine else (None, None)
    compare(aten._native_batch_norm_legit.no_stats, [x, weight, bias, True, 0.1, 1e-5])
    running = [normal(3, seed=3), normal(3, seed=4).abs()]
    compare(aten._native_batch_norm_legit_functional.default, [x, weight, bias, *running, True, 0.1, 1e-5])
    _, mean, inverse = aten._native_batch_norm_legit.no_stats(x, weight, bias, True, 0.1, 1e-5)
    arguments = [normal(*shape, seed=5), x, weight, *running, mean, inverse, True, 1e-5]
    compare(aten.native_batch_norm_backward.default, [*arguments, [True, affine, affine]], tolerance=1e-5)


def test_batch_normalisation_by_running_statistics() -> None:
    compare(aten._native_batch_norm_legit_no_training.default, [X, SCALE, SHIFT, MEAN, VARIANCE, 0.1, 1e-5])
    arguments = [normal(4, 6, 5, 3, seed=5), X, SCALE, MEAN, VARIANCE, torch.empty(0), torch.empty(0), False, 1e-5]
    compare(aten.native_batch_norm_backward.default, [*arguments, [True, True, True]])


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
@pytest.mark.parametrize("affine", [True, False])
def test_group_normalisation(groups: int, affine: bool) -> None:
    weight, bias = (SCALE, SHIFT) if affine else (None, None)
    compare(aten.native_group_norm.default, [X, weight, bias, 4, 6, 15, groups, 1e-5])
    _, mean, inverse = aten.native_group_norm.default(X, weight, bias, 4, 6, 15, groups, 1e-5)
    gradient = normal(4, 6, 5, 3, seed=5)
    arguments = [gradient, X, mean, inverse, weight, 4, 6, 15, groups, [True, affine, affine]]
    compare(aten.native_group_norm_backward.default, arguments, tolerance=1e-5)


NORMS = {
    "batch": lambda: nn.BatchNorm2d(4),
    "batch, momentum 0.3": lambda: nn.BatchNorm2d(4, momentum=0.3),
    "batch, no statistics": lambda: nn.BatchNorm2d(4, track_running_stats=False),
    "instance": lambda: nn.InstanceNorm2d(4, affine=True),
    "instance, statistics": lambda: nn.InstanceNorm2d(4, affine=True, track_running_stats=True),
    "group": lambda: nn.GroupNorm(2, 4),
}


@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_running_statistics_are_state_and_follow_eager_pytorch(name: str, mode: str) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), NORMS[name](), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))
    model.train(mode == "train")
    images, labels = normal(40, 1, 6, 6).numpy(), np.arange(40) % 3
    workload = capture(
        model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.05), images, labels, batch_size=8, steps=20, shuffle=False
    )
    state = final_state(workload)
    trained = copy.deepcopy(model)
    capture.export(workload, state, trained)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    losses = []
    for step in range(20):
        rows = slice(8 * step % 40, 8 * step % 40 + 8)
        loss = nn.functional.cross_entropy(model(torch.from_numpy(images[rows])), torch.from_numpy(labels[rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    np.testing.assert_allclose(slot(workload, state, "loss_history"), losses, rtol=1e-4)
    for key, found in trained.state_dict().items():
        expected = model.state_dict()[key]
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-3, atol=1e-4, err_msg=key)


def test_one_value_per_channel_is_refused_in_training() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    with pytest.raises(capture.ModelError, match="more than 1 value per channel"):
        capture(
            model,
            nn.CrossEntropyLoss(),
            torch.optim.SGD(model.parameters(), lr=0.1),
            normal(4, 4).numpy(),
            np.arange(4) % 3,
            batch_size=1,
            steps=2,
        )
