"""A perceptron that reads handwritten digits: ordinary PyTorch, ready for the market."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from sklearn.datasets import load_digits
from torch import nn

from touchstone import capture
from touchstone.machine.workload import Workload

TRAIN_SAMPLES = 1500  # of 1,797; the others measure the accuracy


def digits() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Images as float32 [1797, 64] in 0..1, and their digits as int64 [1797], shuffled by a fixed permutation."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    return (images[order] / 16).astype(np.float32), labels[order].astype(np.int64)


def build_model(hidden: int = 32, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 10))


def build_workload(steps: int = 200, batch_size: int = 32, hidden: int = 32, seed: int = 0, rate: float = 1e-2) -> Workload:
    images, labels = digits()
    model = build_model(hidden, seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    return capture(
        model,
        nn.CrossEntropyLoss(),
        optimizer,
        images[:TRAIN_SAMPLES],
        labels[:TRAIN_SAMPLES],
        batch_size=batch_size,
        steps=steps,
        seed=seed,
    )


def accuracy(model: nn.Module) -> float:
    """Share of the held-out digits that the model reads correctly."""
    images, labels = digits()
    with torch.no_grad():
        predictions = model(torch.from_numpy(images[TRAIN_SAMPLES:])).argmax(dim=1)
    return float((predictions.numpy() == labels[TRAIN_SAMPLES:]).mean())


if __name__ == "__main__":
    print(capture.inspect(build_workload()))
