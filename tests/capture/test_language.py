"""A GPT on real text, and adapters of a real sentence embedder on real labels, follow eager PyTorch for 200 steps."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn

from scripts.examples import char_gpt, lora_minilm
from tests.capture.runs import constant, final_state, slot, train_eagerly
from touchstone import capture

STEPS = 200
LOSS = nn.CrossEntropyLoss()


def test_a_gpt_follows_eager_pytorch_for_200_steps() -> None:
    length = 16
    workload = char_gpt.build_workload(steps=STEPS, batch_size=8, length=length, width=32, layers=2)
    text, letters = char_gpt.passages(length)
    model = char_gpt.build_model(letters, length, width=32)
    optimizer = char_gpt.build_optimizer(model)
    found = slot(workload, final_state(workload), "loss_history")
    expected = train_eagerly(model, LOSS, optimizer, text[:, :-1], text[:, 1:], constant(workload, "order"), clip_norm=1.0)
    np.testing.assert_allclose(found[-1], expected[-1], rtol=1e-3)
    assert found[-20:].mean() < 0.8 * found[:5].mean()


def test_adapters_of_minilm_follow_eager_pytorch_for_200_steps_and_read_as_well() -> None:
    length = 16
    workload = lora_minilm.build_workload(steps=STEPS, batch_size=8, length=length, layers=1)
    words, labels = lora_minilm.sentences(length)
    model = lora_minilm.build_model(layers=1)
    untrained = copy.deepcopy(model)
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert {name.removeprefix("param:") for name in workload.slot_names if name.startswith("param:")} == trained
    state = final_state(workload)
    optimizer, expected = lora_minilm.build_optimizer(model), []
    for batch in constant(workload, "order"):
        optimizer.zero_grad()
        loss = LOSS(model(**{name: torch.from_numpy(array[batch]) for name, array in words.items()}), torch.from_numpy(labels[batch]))
        loss.backward()
        optimizer.step()
        expected.append(float(loss.detach()))
    np.testing.assert_allclose(slot(workload, state, "loss_history")[-1], expected[-1], rtol=1e-3)
    capture.export(workload, state, untrained)
    accuracies = [lora_minilm.accuracy(each, length) for each in (untrained, model)]
    assert accuracies[0] > 0.6 and abs(accuracies[0] - accuracies[1]) <= 0.02
