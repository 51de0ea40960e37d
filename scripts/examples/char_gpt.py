"""A small GPT that learns Python's own documentation letter by letter: ordinary PyTorch, with causal attention and tied weights."""

from __future__ import annotations

from pydoc_data.topics import topics

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from touchstone import capture
from touchstone.machine.workload import Workload


class Block(nn.Module):
    """Attention to what came before, then a perceptron, each added to its normalised input."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.norms = heads, nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.attention, self.merge = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.perceptron = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        parts = self.attention(self.norms[0](x)).view(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        heard = nn.functional.scaled_dot_product_attention(*parts.unbind(0), is_causal=True)
        x = x + self.merge(heard.transpose(1, 2).reshape(batch, length, width))
        return x + self.perceptron(self.norms[1](x))


class GPT(nn.Module):
    """Scores of the next letter, [batch, letters, length] for ``nn.CrossEntropyLoss``, after each of [batch, length] letters."""

    def __init__(self, letters: int, length: int, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.letters, self.places = nn.Embedding(letters, width), nn.Embedding(length, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)), nn.LayerNorm(width))
        nn.init.normal_(self.letters.weight, std=0.05)

    def forward(self, text: torch.Tensor) -> torch.Tensor:
        x = self.letters(text) + self.places(torch.arange(text.shape[1]))
        return (self.blocks(x) @ self.letters.weight.T).transpose(1, 2)  # the same weights read and write


def passages(length: int) -> tuple[npt.NDArray[np.int64], int]:
    """The documentation cut into [n, length + 1] numbers of letters, and how many letters there are."""
    text = "".join(topics[name] for name in sorted(topics))
    letters, numbers = np.unique(np.array(list(text)), return_inverse=True)
    count = len(numbers) // (length + 1)
    return numbers[: count * (length + 1)].reshape(count, length + 1).astype(np.int64), len(letters)


def build_model(letters: int, length: int = 32, width: int = 64, heads: int = 4, layers: int = 2, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return GPT(letters, length, width, heads, layers)


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.95), weight_decay=0.1)


def build_workload(steps: int = 200, batch_size: int = 16, length: int = 32, width: int = 64, layers: int = 2) -> Workload:
    text, letters = passages(length)
    model = build_model(letters, length, width, layers=layers)
    optimizer = build_optimizer(model)
    return capture(model, nn.CrossEntropyLoss(), optimizer, text[:, :-1], text[:, 1:], batch_size=batch_size, steps=steps, clip_norm=1.0)


if __name__ == "__main__":
    print(capture.inspect(build_workload()))
