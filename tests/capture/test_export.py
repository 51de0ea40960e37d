"""A state of the machine goes back into PyTorch, and training goes on from there."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from tests.capture.runs import constant, final_state, slot, train_eagerly
from touchstone import capture
from touchstone.machine.program import encode

LOSS = nn.CrossEntropyLoss()


def build(seed: int = 0) -> tuple[nn.Sequential, torch.optim.AdamW]:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 6))
    return model, torch.optim.AdamW(model.parameters(), lr=0.01)


def test_the_exported_model_holds_exactly_the_trained_weights(samples) -> None:
    model, optimizer = build()
    workload = capture(model, LOSS, optimizer, *samples, batch_size=8, steps=20)
    state = final_state(workload)
    fresh, _ = build(seed=1)
    capture.export(workload, state, fresh)
    for name, parameter in fresh.named_parameters():
        np.testing.assert_array_equal(parameter.detach().numpy(), slot(workload, state, f"param:{name}"))


def test_exporting_the_initial_state_changes_nothing(samples) -> None:
    model, optimizer = build()
    workload = capture(model, LOSS, optimizer, *samples, batch_size=8, steps=20)
    before = copy.deepcopy(model.state_dict())
    capture.export(workload, workload.state, model, optimizer)
    assert str(before) == str(model.state_dict())
    assert all(float(state["step"]) == 0.0 for state in optimizer.state.values())


@pytest.mark.parametrize("used_before", [False, True])
def test_training_goes_on_in_pytorch_from_an_exported_state(samples, used_before: bool) -> None:
    model, optimizer = build()
    workload = capture(model, LOSS, optimizer, *samples, batch_size=8, steps=20)
    order = constant(workload, "order")
    resumed, resumed_optimizer = build(seed=1)
    if used_before:
        train_eagerly(resumed, LOSS, resumed_optimizer, *samples, order[:3])
    capture.export(workload, final_state(workload), resumed, resumed_optimizer)
    assert {float(state["step"]) for state in resumed_optimizer.state.values()} == {20.0}
    train_eagerly(model, LOSS, optimizer, *samples, order)
    straight_on = train_eagerly(model, LOSS, optimizer, *samples, order)
    np.testing.assert_allclose(train_eagerly(resumed, LOSS, resumed_optimizer, *samples, order), straight_on, rtol=1e-4)


def test_capture_continues_an_optimizer_that_has_already_trained(samples) -> None:
    model, optimizer = build()
    order = np.arange(40, dtype=np.int32).reshape(5, 8)
    train_eagerly(model, LOSS, optimizer, *samples, order)
    workload = capture(model, LOSS, optimizer, *samples, batch_size=8, steps=20)
    losses = slot(workload, final_state(workload), "loss_history")
    np.testing.assert_allclose(losses, train_eagerly(model, LOSS, optimizer, *samples, constant(workload, "order")), rtol=1e-4)


def test_a_job_captured_in_two_halves_ends_as_in_pytorch(samples) -> None:
    model, optimizer = build()
    eager_model, eager_optimizer = build()
    programs = set()
    for _ in range(2):
        workload = capture(model, LOSS, optimizer, *samples, batch_size=8, steps=10)
        capture.export(workload, final_state(workload), model, optimizer)
        train_eagerly(eager_model, LOSS, eager_optimizer, *samples, constant(workload, "order"))
        programs.add(encode(workload.program))
    assert len(programs) == 1
    for ours, theirs in zip(model.parameters(), eager_model.parameters(), strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-3, atol=1e-5)


def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(samples) -> None:
    model, optimizer = build()
    workload = capture(model, LOSS, optimizer, *samples, batch_size=8, steps=5)
    other = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 7))
    before = copy.deepcopy(other.state_dict())
    with pytest.raises(capture.ModelError, match=r"param:2.weight has shape \(7, 8\), the state \(6, 8\); "):
        capture.export(workload, workload.state, other)
    with pytest.raises(capture.ModelError, match=r"no param:0\.weight; "):
        capture.export(workload, workload.state, nn.Linear(6, 6))
    with pytest.raises(capture.ModelError, match="13 tensors, the workload 14 slots; "):
        capture.export(workload, workload.state[:-1], other)
    with pytest.raises(capture.ModelError, match="no optim:exp_avg"):
        capture.export(workload, workload.state, model, torch.optim.SGD(model.parameters(), lr=0.1))
    assert str(before) == str(other.state_dict())


def test_the_profile_counts_every_node_and_byte(samples) -> None:
    model, optimizer = build()
    workload = capture(model, LOSS, optimizer, *samples, batch_size=8, steps=5)
    profile = capture.inspect(workload)
    assert profile.node_count == len(workload.program.nodes)
    assert profile.nodes["dot"] == 5  # two forward, two for the weights' gradients, one for the hidden layer's
    assert profile.cost.state_bytes == sum(array.nbytes for array in workload.state)
    assert profile.cost.constant_bytes == sum(array.nbytes for array in workload.constants)
    assert "5 steps" in str(profile) and "dot" in str(profile)
