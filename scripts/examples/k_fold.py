"""Cross-validation: the perceptron on digits trained once per fold, as one family of jobs over shared data.

    touchstone family submit scripts/examples/k_fold.py --budget 10

Afterwards, ``capture.evaluation(model, …, rows=held_out)`` measures each result on the samples its fold held out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
from digits_mlp import build_model, digits
from torch import nn

from touchstone import capture
from touchstone.machine.workload import Workload


def build_family(count: int = 5, epochs: float = 5) -> Mapping[str, Callable[[], Workload]]:
    folds = capture.folds(len(digits()[0]), count)
    return {f"fold {k}": partial(_train, rows=training, epochs=epochs) for k, (training, _held_out) in enumerate(folds)}


def _train(rows: list[int], epochs: float) -> Workload:
    model = build_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    return capture(model, nn.CrossEntropyLoss(), optimizer, *digits(), batch_size=32, epochs=epochs, rows=rows)


if __name__ == "__main__":
    print(*build_family(), sep="\n")
