"""Matrix factorisation: each wine and each property is a vector, a measurement their product. A fifth of the table is never shown."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from sklearn.datasets import load_wine
from torch import nn

from touchstone import capture
from touchstone.machine.workload import Workload

LOSS = nn.MSELoss()
Numbers = npt.NDArray[np.float32]


def measurements() -> tuple[npt.NDArray[np.int64], Numbers]:
    """Wine and property as int64 [2314, 2], and the standardised measurement as float32 [2314], shuffled by a fixed permutation."""
    table = load_wine().data
    standard = ((table - table.mean(axis=0)) / table.std(axis=0)).astype(np.float32)
    places = np.argwhere(np.ones_like(standard, dtype=bool))[np.random.default_rng(0).permutation(standard.size)]
    return places, standard[places[:, 0], places[:, 1]]


class Factors(nn.Module):
    def __init__(self, rank: int) -> None:
        super().__init__()
        self.wines, self.properties, self.bias = nn.Embedding(178, rank), nn.Embedding(13, rank), nn.Embedding(13, 1)

    def forward(self, places: torch.Tensor) -> torch.Tensor:
        wine, column = places.unbind(dim=1)
        return (self.wines(wine) * self.properties(column)).sum(dim=1) + self.bias(column).squeeze(1)


def build_model(rank: int = 3, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return Factors(rank)


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=2.0, momentum=0.5, weight_decay=1e-4)


def shown() -> range:
    """The measurements that training sees."""
    return range(len(measurements()[1]) * 4 // 5)


def build_workload(steps: int = 1000, batch_size: int = 128, rank: int = 3) -> Workload:
    model = build_model(rank)
    return capture(model, LOSS, build_optimizer(model), *measurements(), batch_size=batch_size, steps=steps, rows=shown())


if __name__ == "__main__":
    print(capture.inspect(build_workload()))
