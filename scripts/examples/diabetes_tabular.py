"""Tabular data: embeddings of categories beside measured numbers, on scikit-learn's 442 diabetes patients (Efron et al., 2004)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from sklearn.datasets import load_diabetes
from torch import nn

from touchstone import capture
from touchstone.machine.workload import Workload

LOSS = nn.SmoothL1Loss()
CATEGORIES = (2, 7)  # sexes, decades of life


def patients() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Sex and decade as int64 [442, 2], eight standardised measurements as float32 [442, 8], progression after a year, [442, 1]."""
    table, progression = load_diabetes(return_X_y=True, scaled=False)
    categories = np.stack([table[:, 1] - 1, table[:, 0] // 10 - 1], axis=1).astype(np.int64)
    measured = table[:, 2:]
    numbers = ((measured - measured.mean(axis=0)) / measured.std(axis=0)).astype(np.float32)
    return categories, numbers, (progression[:, None] / 100).astype(np.float32)


class Predictor(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(count, 3) for count in CATEGORIES)
        self.layers = nn.Sequential(nn.Linear(3 * len(CATEGORIES) + 8, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, categories: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        embedded = [embedding(categories[:, k]) for k, embedding in enumerate(self.embeddings)]
        prediction: torch.Tensor = self.layers(torch.cat([*embedded, numbers], dim=1))
        return prediction


def build_model(width: int = 32, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return Predictor(width)


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adagrad(model.parameters(), lr=0.05)


def build_workload(steps: int = 400, batch_size: int = 32, width: int = 32) -> Workload:
    categories, numbers, progression = patients()
    model = build_model(width)
    return capture(model, LOSS, build_optimizer(model), [categories, numbers], progression, batch_size=batch_size, steps=steps)


if __name__ == "__main__":
    print(capture.inspect(build_workload()))
