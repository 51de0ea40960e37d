"""Sweeps and folds: labels, and data that is shared."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.capture.runs import constant
from touchstone import capture


def test_a_sweep_has_a_member_for_every_combination() -> None:
    members = capture.sweep(lambda **values: values, lr=[0.1, 0.01], width=[8, 16])
    assert list(members) == ["lr=0.1 width=8", "lr=0.1 width=16", "lr=0.01 width=8", "lr=0.01 width=16"]
    assert members["lr=0.01 width=8"]() == {"lr": 0.01, "width": 8}
    with pytest.raises(capture.ModelError, match="none may be empty"):
        capture.sweep(lambda **values: values, lr=[])


def test_every_sample_is_held_out_once_and_trained_with_in_all_other_folds() -> None:
    folds = capture.folds(23, 4, seed=1)
    assert sorted(np.concatenate([held_out for _, held_out in folds])) == list(range(23))
    assert {len(held_out) for _, held_out in folds} == {5, 6}
    for training, held_out in folds:
        assert sorted([*training, *held_out]) == list(range(23))
    with pytest.raises(capture.ModelError, match="1 folds of 23 samples"):
        capture.folds(23, 1)


def test_a_fold_trains_with_its_rows_alone_over_the_whole_data(samples) -> None:
    torch.manual_seed(0)
    model, data = nn.Linear(6, 6), []
    for training, held_out in capture.folds(40, 4):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        workload = capture(model, nn.CrossEntropyLoss(), optimizer, *samples, batch_size=10, epochs=2, rows=training, check_steps=0)
        order = constant(workload, "order")
        assert order.shape == (6, 10) and not set(order.ravel()) & set(held_out)
        assert [sorted(epoch) for epoch in order.reshape(2, 30)] == [sorted(training)] * 2
        data.append(constant(workload, "data:x").tobytes())
    assert len(set(data)) == 1
    with pytest.raises(capture.ModelError, match="rows and order are both given"):
        capture(model, nn.CrossEntropyLoss(), optimizer, *samples, batch_size=10, steps=2, rows=[1, 2], order=[1, 2])
