"""PyTorch's own attention layers, with the masks and norms that transformers use, train as in eager PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.capture.runs import constant, final_state, slot, train_eagerly
from touchstone import capture

LENGTH, WIDTH, HEADS, CLASSES, STEPS = 6, 16, 4, 4, 20


def causal() -> torch.Tensor:
    return nn.Transformer.generate_square_subsequent_mask(LENGTH)


class Judge(nn.Module):
    """Scores of the mean of what a layer makes of the numbers."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer, self.head = layer, nn.Linear(WIDTH, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.layer(x).mean(1))


class Causal(nn.Module):
    """``nn.MultiheadAttention`` to what came before."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x, x, x, attn_mask=causal(), is_causal=True, need_weights=False)[0]


class Padded(nn.Module):
    """``nn.TransformerEncoder`` that does not look where the first number of a word is negative, but for the first word."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 32, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        missing = (x[:, :, 0] < 0) & (torch.arange(LENGTH) > 0)
        return self.encoder(x, src_key_padding_mask=missing)


class Rotary(nn.Module):
    """Grouped attention with turned queries and keys, RMS norms and a gated perceptron, as Llama has them."""

    def __init__(self) -> None:
        super().__init__()
        size = WIDTH // HEADS
        self.norms = nn.ModuleList([nn.RMSNorm(WIDTH), nn.RMSNorm(WIDTH)])
        self.query, self.key_value = nn.Linear(WIDTH, WIDTH, bias=False), nn.Linear(WIDTH, WIDTH, bias=False)
        self.gate, self.up, self.down = nn.Linear(WIDTH, 32), nn.Linear(WIDTH, 32), nn.Linear(32, WIDTH)
        angles = torch.outer(torch.arange(LENGTH), 0.1 ** torch.arange(0, 1, 2 / size))
        self.register_buffer("cosine", angles.cos())
        self.register_buffer("sine", angles.sin())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        normed = self.norms[0](x)
        query = self._turned(self._heads(self.query(normed), HEADS))
        key, value = self._heads(self.key_value(normed), HEADS).chunk(2, dim=1)
        heard = nn.functional.scaled_dot_product_attention(query, self._turned(key), value, is_causal=True, enable_gqa=True)
        x = x + heard.transpose(1, 2).flatten(2)
        normed = self.norms[1](x)
        return x + self.down(nn.functional.silu(self.gate(normed)) * self.up(normed))

    def _heads(self, x: torch.Tensor, heads: int) -> torch.Tensor:
        return x.unflatten(2, (heads, -1)).transpose(1, 2)

    def _turned(self, x: torch.Tensor) -> torch.Tensor:
        first, second = x.chunk(2, dim=-1)
        return torch.cat([first * self.cosine - second * self.sine, second * self.cosine + first * self.sine], -1)


class Decoder(nn.Module):
    """``nn.TransformerDecoderLayer`` that reads the same numbers backwards as memory."""

    def __init__(self) -> None:
        super().__init__()
        self.decoder = nn.TransformerDecoderLayer(WIDTH, HEADS, 32, dropout=0.0, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.decoder(x, x.flip(1), tgt_mask=causal(), tgt_is_causal=True)


@pytest.mark.parametrize("layer", [Causal, Padded, Rotary, Decoder])
def test_an_attention_layer_trains_as_in_pytorch(layer: type[nn.Module]) -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, CLASSES, 64)
    data = (generator.standard_normal((64, LENGTH, WIDTH)) + np.eye(WIDTH)[labels][:, None]).astype(np.float32)
    torch.manual_seed(0)
    model = Judge(layer())
    workload = capture(
        model, nn.CrossEntropyLoss(), torch.optim.AdamW(model.parameters(), lr=3e-3), data, labels, batch_size=8, steps=STEPS
    )
    losses = slot(workload, final_state(workload), "loss_history")
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    expected = train_eagerly(model, nn.CrossEntropyLoss(), optimizer, data, labels, constant(workload, "order"))
    np.testing.assert_allclose(losses, expected, rtol=1e-3)
    assert losses[-4:].mean() < losses[:4].mean()
