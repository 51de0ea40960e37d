"""A variational autoencoder (Kingma and Welling, 2013) of handwritten digits. Its noise comes from the machine's counter-based generator,
so that everybody who runs a step draws the same.
"""

from __future__ import annotations

import torch
from digits_mlp import digits
from torch import nn
from torch.nn import functional

from touchstone import capture
from touchstone.machine.workload import Workload


class Autoencoder(nn.Module):
    """Gives its own loss: reconstruction and divergence from the standard normal, per image."""

    def __init__(self, hidden: int, latent: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, hidden), nn.Tanh(), nn.Linear(hidden, 2 * latent))
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.Tanh(), nn.Linear(hidden, 64))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        mean, log_variance = self.encoder(images).chunk(2, dim=1)
        code = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        reconstruction = functional.binary_cross_entropy_with_logits(self.decoder(code), images, reduction="sum")
        divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()
        return (reconstruction + divergence) / len(images)


def build_model(hidden: int = 64, latent: int = 4, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return Autoencoder(hidden, latent)


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=2e-3)


def build_workload(steps: int = 400, batch_size: int = 32, hidden: int = 64, seed: int = 0) -> Workload:
    images, _ = digits()
    model = build_model(hidden)
    return capture(model, None, build_optimizer(model), images, batch_size=batch_size, steps=steps, seed=seed)


if __name__ == "__main__":
    print(capture.inspect(build_workload()))
