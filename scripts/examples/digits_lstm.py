"""A recurrent net that reads handwritten digits two rows at a time. ``nn.GRU`` and ``nn.RNN`` work alike, in layers and both ways."""

from __future__ import annotations

import torch
from digits_mlp import TRAIN_SAMPLES, digits
from torch import nn

from touchstone import capture
from touchstone.machine.workload import Workload

LOSS = nn.CrossEntropyLoss()


class Reader(nn.Module):
    """An LSTM over four parts of an image, and a linear layer over its last output."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(16, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        outputs, _ = self.lstm(images.unflatten(1, (4, 16)))
        scores: torch.Tensor = self.head(outputs[:, -1])
        return scores


def build_model(hidden: int = 24, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return Reader(hidden)


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=1e-2)


def build_workload(steps: int = 400, batch_size: int = 32, hidden: int = 24) -> Workload:
    images, labels = digits()
    model = build_model(hidden)
    return capture(
        model,
        LOSS,
        build_optimizer(model),
        images[:TRAIN_SAMPLES],
        labels[:TRAIN_SAMPLES],
        batch_size=batch_size,
        steps=steps,
        clip_norm=1.0,
    )


if __name__ == "__main__":
    print(capture.inspect(build_workload()))
