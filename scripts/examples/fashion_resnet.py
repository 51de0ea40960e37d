"""A narrow ResNet-18 (He et al., 2015) on Fashion-MNIST: batch normalisation, shortcuts. ``python -m scripts.examples.fashion_resnet``"""

from __future__ import annotations

import torch
from torch import nn

from scripts.fashion_mnist import load
from touchstone import capture
from touchstone.machine.workload import Workload


def norm_after(convolution: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(convolution, nn.BatchNorm2d(convolution.out_channels))


class Block(nn.Module):
    """Two 3×3 convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = norm_after(nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False))
        self.second = norm_after(nn.Conv2d(outputs, outputs, 3, padding=1, bias=False))
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else norm_after(nn.Conv2d(inputs, outputs, 1, stride, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(x))


def build_model(seed: int = 0, width: int = 8, blocks: int = 2) -> nn.Module:
    """Four stages of ``blocks`` blocks, each twice as wide and half as high as the one before."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = [norm_after(nn.Conv2d(1, width, 3, padding=1, bias=False)), nn.ReLU()]
    for stage in range(4):
        outputs = width << stage
        inputs = width if stage == 0 else outputs // 2
        layers += [Block(inputs, outputs, stride=1 if stage == 0 else 2)]
        layers += [Block(outputs, outputs, stride=1) for _ in range(blocks - 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width << 3, 10))


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)


def build_workload(steps: int = 400, batch_size: int = 64, samples: int = 25_600, width: int = 8, blocks: int = 2) -> Workload:
    images, labels = load("train")
    model = build_model(width=width, blocks=blocks)
    return capture(
        model, nn.CrossEntropyLoss(), build_optimizer(model), images[:samples], labels[:samples], batch_size=batch_size, steps=steps
    )


if __name__ == "__main__":
    print(capture.inspect(build_workload()))
