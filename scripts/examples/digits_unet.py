"""A small U-Net (Ronneberger et al., 2015) that removes the noise it puts on images of digits itself, other noise at every step."""

from __future__ import annotations

import torch
from digits_mlp import digits
from torch import nn

from touchstone import capture
from touchstone.machine.workload import Workload

LOSS = nn.MSELoss()


def convolution(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.GroupNorm(2, outputs), nn.SiLU())


class UNet(nn.Module):
    """Two scales: 8×8 and 4×4 pixels, with what the first one saw beside what comes back from the second."""

    def __init__(self, width: int, noise: float) -> None:
        super().__init__()
        self.noise = noise
        self.down, self.bottom = convolution(1, width), convolution(width, 2 * width)
        self.shrink, self.enlarge = nn.MaxPool2d(2), nn.Upsample(scale_factor=2, mode="bilinear")
        self.up, self.head = convolution(3 * width, width), nn.Conv2d(width, 1, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        noisy = images + self.noise * torch.randn_like(images) if self.training else images
        seen = self.down(noisy)
        context = self.enlarge(self.bottom(self.shrink(seen)))
        clean: torch.Tensor = self.head(self.up(torch.cat([seen, context], dim=1)))
        return clean


def build_model(width: int = 8, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return UNet(width, noise=0.3)


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), lr=1e-3)


def build_workload(steps: int = 400, batch_size: int = 16, width: int = 8, seed: int = 0) -> Workload:
    images = digits()[0].reshape(-1, 1, 8, 8)
    model = build_model(width)
    return capture(model, LOSS, build_optimizer(model), images, images, batch_size=batch_size, steps=steps, seed=seed)


if __name__ == "__main__":
    print(capture.inspect(build_workload()))
