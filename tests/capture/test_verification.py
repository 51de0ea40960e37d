"""The comparison with eager PyTorch neither refuses rounding that Adam amplifies nor misses a wrong update."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from touchstone import capture
from touchstone.capture.eager import TrainingRun


def wide_perceptron() -> tuple[nn.Module, np.ndarray, np.ndarray]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    rng = np.random.default_rng(0)
    return model, rng.standard_normal((1000, 784), dtype=np.float32), rng.integers(0, 10, 1000)


def test_tiny_gradients_under_adam_are_not_mistaken_for_a_mismatch() -> None:
    model, images, labels = wide_perceptron()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    workload = capture(model, nn.CrossEntropyLoss(), optimizer, images, labels, batch_size=256, steps=3)
    assert workload.steps == 3


@pytest.mark.parametrize("optimizer", [torch.optim.AdamW, torch.optim.SGD])
def test_an_update_that_is_one_percent_too_long_is_noticed(optimizer: type[torch.optim.Optimizer], monkeypatch: pytest.MonkeyPatch) -> None:
    model, images, labels = wide_perceptron()
    steps = TrainingRun.steps

    def longer(run, job, *arguments):  # type: ignore[no-untyped-def]
        return steps(run, replace(job, rates=[[rate * 1.01 for rate in row] for row in job.rates]), *arguments)

    monkeypatch.setattr(TrainingRun, "steps", longer)
    with pytest.raises(capture.MismatchError, match="differs from eager PyTorch"):
        capture(model, nn.CrossEntropyLoss(), optimizer(model.parameters(), lr=1e-3), images, labels, batch_size=64, steps=3)
