"""Small training runs as worlds to dispute: a convolutional net, a transformer block and an optimizer's step as ``capture`` makes them of
ordinary PyTorch modules, and the perceptron written by hand, which scatters.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import nn

from tests.dispute.perceptron import perceptron
from tests.dispute.worlds import World, of_case
from tests.machine.programs import Case
from touchstone.capture.api import capture
from touchstone.machine.workload import Workload

STEPS = 3


class Norm(nn.Module):
    """Layer norm over the last axis."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        centred = x - x.mean(-1, keepdim=True)
        return centred * torch.rsqrt((centred * centred).mean(-1, keepdim=True) + 1e-5) * self.weight + self.bias


class TransformerBlock(nn.Module):
    """Pre-norm causal attention and a GELU layer over one-hot tokens, read out at every position."""

    def __init__(self, tokens: int = 11, width: int = 8, heads: int = 2, context: int = 5) -> None:
        super().__init__()
        self.embed = nn.Parameter(torch.randn(tokens, width) * 0.3)
        self.position = nn.Parameter(torch.randn(context, width) * 0.1)
        self.norm, self.heads = Norm(width), heads
        self.mix, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed = nn.Sequential(Norm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.register_buffer("mask", torch.triu(torch.full((context, context), -1e9), 1))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = tokens @ self.embed + self.position
        batch, length, width = x.shape
        split = self.mix(self.norm(x)).view(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        scores = split[0] @ split[1].transpose(-1, -2) / (width // self.heads) ** 0.5 + self.mask
        attended = torch.softmax(scores, -1) @ split[2]
        x = x + self.out(attended.transpose(1, 2).reshape(batch, length, width))
        x = x + self.feed(x)
        return x @ self.embed.t()


def _convolutional() -> Workload:
    model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    rng = np.random.default_rng(1)
    images, labels = rng.normal(size=(12, 1, 6, 6)).astype(np.float32), rng.integers(0, 3, 12)
    return capture(model, nn.CrossEntropyLoss(), optimizer, images, labels, batch_size=4, steps=STEPS)


def _transformer() -> Workload:
    model = TransformerBlock()
    tokens = np.random.default_rng(2).integers(0, 11, (8, 6))

    def loss(scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(scores.reshape(-1, 11), targets.reshape(-1))

    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    return capture(model, loss, optimizer, np.eye(11, dtype=np.float32)[tokens[:, :-1]], tokens[:, 1:], batch_size=2, steps=STEPS)


def _optimizer() -> Workload:
    model = nn.Sequential(nn.Linear(20, 16), nn.Tanh(), nn.Dropout(0.2), nn.Linear(16, 4))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    rng = np.random.default_rng(4)
    points, labels = rng.normal(size=(40, 20)).astype(np.float32), rng.integers(0, 4, 40)
    return capture(model, nn.CrossEntropyLoss(), optimizer, points, labels, batch_size=8, steps=STEPS, scheduler=schedule, clip_norm=1.0)


def _recorded(workload: Workload) -> World:
    return of_case(Case(workload.program, workload.state, workload.constants), STEPS)


MODELS: dict[str, Callable[[], World]] = {
    "convolutional net": lambda: _recorded(_convolutional()),
    "transformer block": lambda: _recorded(_transformer()),
    "optimizer step": lambda: _recorded(_optimizer()),
    "perceptron by hand": perceptron,
}


@cache
def captured(name: str) -> World:
    """The interval of all steps of a model's training, recorded by the reference."""
    torch.manual_seed(0)
    return MODELS[name]()
