"""LeNet-5's heir on Fashion-MNIST: convolutions, max-pooling and a schedule. ``python -m scripts.examples.fashion_lenet``"""

from __future__ import annotations

import torch
from torch import nn

from scripts.fashion_mnist import load
from touchstone import capture
from touchstone.machine.workload import Workload


def build_model(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 5 * 5, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=1e-4)


def build_workload(steps: int = 400, batch_size: int = 32, samples: int = 12_800, seed: int = 0) -> Workload:
    images, labels = load("train")
    model = build_model(seed)
    optimizer = build_optimizer(model)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    return capture(
        model,
        nn.CrossEntropyLoss(),
        optimizer,
        images[:samples],
        labels[:samples],
        batch_size=batch_size,
        steps=steps,
        seed=seed,
        scheduler=schedule,
    )


def accuracy(model: nn.Module, samples: int = 10_000) -> float:
    """Share of the first test images that the model recognises."""
    images, labels = load("test")
    model.eval()
    with torch.no_grad():
        predictions = [model(part).argmax(dim=1) for part in torch.from_numpy(images[:samples]).split(500)]
    return float((torch.cat(predictions).numpy() == labels[:samples]).mean())


if __name__ == "__main__":
    print(capture.inspect(build_workload()))
