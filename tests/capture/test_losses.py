"""Losses of torch.nn follow eager PyTorch on the machine, whatever their options."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.capture.runs import constant, final_state, slot, train_eagerly
from touchstone import capture

WEIGHTS = torch.linspace(0.5, 2.0, 6)
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def logs(outputs: torch.Tensor) -> torch.Tensor:
    return torch.log_softmax(outputs, -1)


# name: the loss, and what its targets are: class labels, numbers in 0..1, or signs
LOSSES: dict[str, tuple[Loss, str]] = {
    "cross-entropy, weights": (nn.CrossEntropyLoss(weight=WEIGHTS), "labels"),
    "cross-entropy, weights, ignored": (nn.CrossEntropyLoss(weight=WEIGHTS, ignore_index=2), "labels"),
    "cross-entropy, sum": (nn.CrossEntropyLoss(reduction="sum"), "labels"),
    "cross-entropy, none": (lambda o, t: (nn.CrossEntropyLoss(reduction="none")(o, t) ** 2).mean(), "labels"),
    "cross-entropy, smoothed": (nn.CrossEntropyLoss(label_smoothing=0.1), "labels"),
    "cross-entropy, probabilities": (
        lambda o, t: functional.cross_entropy(o, t.softmax(-1), weight=WEIGHTS, label_smoothing=0.1),
        "numbers",
    ),
    "cross-entropy, spatial": (
        lambda o, t: functional.cross_entropy(o.reshape(-1, 3, 2, 1), (t.reshape(-1, 1, 1).repeat(1, 2, 1) > 2).long()),
        "labels",
    ),
    "nll, weights": (lambda o, t: functional.nll_loss(logs(o), t, weight=WEIGHTS), "labels"),
    "bce": (lambda o, t: functional.binary_cross_entropy(o.sigmoid(), t, weight=WEIGHTS), "numbers"),
    "bce with logits": (nn.BCEWithLogitsLoss(pos_weight=WEIGHTS), "numbers"),
    "mse, sum": (nn.MSELoss(reduction="sum"), "numbers"),
    "l1": (nn.L1Loss(), "numbers"),
    "huber": (nn.HuberLoss(delta=0.3), "numbers"),
    "smooth l1": (nn.SmoothL1Loss(beta=0.5), "numbers"),
    "kl": (lambda o, t: functional.kl_div(logs(o), t.log_softmax(-1), reduction="batchmean", log_target=True), "numbers"),
    "cosine": (lambda o, t: functional.cosine_embedding_loss(o, o.detach() * 0.5 + 1, t, margin=0.1), "signs"),
    "triplet": (lambda o, t: functional.triplet_margin_loss(o, t, o.detach() + 0.1), "numbers"),
    "ranking": (lambda o, t: functional.margin_ranking_loss(o[:, 0], o[:, 1], t, margin=0.1), "signs"),
    "hinge": (lambda o, t: functional.hinge_embedding_loss(o[:, 0], t), "signs"),
}


@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_follows_eager_pytorch(samples, name: str) -> None:
    data, labels = samples
    generator = np.random.default_rng(4)
    kinds = {
        "labels": labels,
        "numbers": generator.random((40, 6), dtype=np.float32),
        "signs": generator.choice([-1.0, 1.0], 40).astype(np.float32),
    }
    loss, kind = LOSSES[name]
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 6))
    workload = capture(model, loss, torch.optim.SGD(model.parameters(), lr=0.02), data, kinds[kind], batch_size=8, steps=20)
    losses = slot(workload, final_state(workload), "loss_history")
    eager = train_eagerly(model, loss, torch.optim.SGD(model.parameters(), lr=0.02), data, kinds[kind], constant(workload, "order"))
    np.testing.assert_allclose(losses, eager, rtol=1e-4, atol=1e-6)
    assert len(set(losses.tolist())) > 10


def test_ctc_is_refused() -> None:
    model = nn.Linear(6, 12)

    def loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return functional.ctc_loss(outputs.reshape(3, 8, 4).log_softmax(-1), targets, [3] * 8, [2] * 8)

    data, targets = np.ones((16, 6), dtype=np.float32), np.ones((16, 2), dtype=np.int64)
    with pytest.raises(capture.CaptureError):
        capture(model, loss, torch.optim.SGD(model.parameters(), lr=0.1), data, targets, batch_size=8, steps=2)
