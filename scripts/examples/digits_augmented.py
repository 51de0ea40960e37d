"""Augmentation written with ordinary operators: every image is mirrored, shifted and made noisy by chance, anew at every step."""

from __future__ import annotations

import torch
from digits_mlp import TRAIN_SAMPLES, digits
from torch import nn
from torch.nn import functional

from touchstone import capture
from touchstone.machine.workload import Workload

LOSS = nn.CrossEntropyLoss()


class Augment(nn.Module):
    """Images [batch, 1, height, width]; does nothing after ``eval()``. The chance comes from the machine, so everybody draws the same."""

    def __init__(self, flip: float = 0.0, shift: int = 1, noise: float = 0.1) -> None:
        super().__init__()
        self.flip, self.shift, self.noise = flip, shift, noise

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return images
        is_mirrored = torch.rand(len(images), 1, 1, 1) < self.flip
        images = torch.where(is_mirrored, images.flip(3), images)
        return self.crop(images) + self.noise * torch.randn_like(images)

    def crop(self, images: torch.Tensor) -> torch.Tensor:
        """A window of the same size, at most ``shift`` pixels away each way, from each image with a border."""
        count, _, height, width = images.shape
        wide = functional.pad(images, [self.shift] * 4)[:, 0]
        down, right = (torch.randint(2 * self.shift + 1, (count, 1)) for _ in range(2))
        rows, columns = down + torch.arange(height), right + torch.arange(width)
        return wide[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]][:, None]


def build_model(flip: float = 0.0, width: int = 8, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    layers = [nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(16 * width, 10)]
    return nn.Sequential(Augment(flip), *layers)


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def build_workload(steps: int = 400, batch_size: int = 32, flip: float = 0.0, seed: int = 0) -> Workload:
    images, labels = digits()
    shaped = images[:TRAIN_SAMPLES].reshape(-1, 1, 8, 8)
    model = build_model(flip)
    return capture(model, LOSS, build_optimizer(model), shaped, labels[:TRAIN_SAMPLES], batch_size=batch_size, steps=steps, seed=seed)


if __name__ == "__main__":
    print(capture.inspect(build_workload()))
