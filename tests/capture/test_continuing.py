"""A job goes on from another job's result exactly where that one ended."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.capture.runs import final_state, outcome, slot, train_eagerly
from touchstone import capture
from touchstone.commitment.roots import state_root
from touchstone.machine.outcome import Outcome

LOSS = nn.CrossEntropyLoss()
ORDER = np.random.default_rng(0).permutation(40 * 4).astype(np.int64) % 40


def build(seed: int = 0, dropout: float = 0.0) -> tuple[nn.Sequential, torch.optim.AdamW]:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 6))
    return model, torch.optim.AdamW(model.parameters(), lr=0.01)


def part(samples, first: int, last: int, steps: int | None = None, continues: Outcome | None = None, dropout: float = 0.0):
    model, optimizer = build(seed=0 if continues is None else 7, dropout=dropout)
    order = ORDER[8 * first : 8 * last]
    return capture(model, LOSS, optimizer, *samples, batch_size=8, steps=steps or last - first, order=order, continues=continues)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_two_jobs_end_bit_for_bit_where_one_ends(samples, dropout: float) -> None:
    whole = outcome(part(samples, 0, 20, dropout=dropout))
    first = outcome(part(samples, 0, 10, dropout=dropout))
    second = outcome(part(samples, 10, 20, continues=first, dropout=dropout))
    assert second.step == 20 and second.workload.first_step == 10
    for name, array in second.weights.items():
        np.testing.assert_array_equal(array, whole.weights[name])
    np.testing.assert_array_equal(np.concatenate([first.losses, second.losses]), whole.losses)


def test_the_initial_root_is_the_final_root_of_the_job_before(samples) -> None:
    first = outcome(part(samples, 0, 10))
    second = part(samples, 10, 20, continues=first)
    assert state_root(second.state) == state_root(first.state)
    assert second.slot_names == first.workload.slot_names
    assert [slot.type for slot in second.program.slots] == [slot.type for slot in first.workload.program.slots]


def test_a_shorter_job_with_other_data_and_rates_goes_on_and_is_exported(samples) -> None:
    first = outcome(part(samples, 0, 10))
    data, labels = samples
    model, optimizer = build(seed=3)
    for group in optimizer.param_groups:
        group["lr"] = 0.002
    second = outcome(capture(model, LOSS, optimizer, data[::-1].copy(), labels[::-1].copy(), batch_size=4, steps=6, continues=first))
    assert second.step == 16 and len(second.losses) == 6
    resumed, resumed_optimizer = build(seed=5)
    capture.export(second.workload, second.state, resumed, resumed_optimizer)
    assert {float(state["step"]) for state in resumed_optimizer.state.values()} == {16.0}
    eager, eager_optimizer = build()
    train_eagerly(eager, LOSS, eager_optimizer, *samples, ORDER[:80].reshape(10, 8))
    eager_optimizer.param_groups[0]["lr"] = 0.002
    order = slot_constant(second, "order")
    losses = train_eagerly(eager, LOSS, eager_optimizer, data[::-1].copy(), labels[::-1].copy(), order)
    np.testing.assert_allclose(second.losses, losses, rtol=1e-4)


def slot_constant(result: Outcome, name: str):
    return result.workload.constants[result.workload.constant_names.index(name)]


def test_the_users_model_and_optimizer_stay_untouched(samples) -> None:
    first = outcome(part(samples, 0, 10))
    model, optimizer = build(seed=3)
    before = str(model.state_dict())
    capture(model, LOSS, optimizer, *samples, batch_size=8, steps=5, continues=first)
    assert str(model.state_dict()) == before and not optimizer.state


def test_a_job_that_cannot_go_on_is_refused(samples) -> None:
    first = outcome(part(samples, 0, 10))
    with pytest.raises(capture.ModelError, match="11 steps do not fit the 10 places for losses"):
        part(samples, 0, 11, continues=first)
    model, _ = build()
    with pytest.raises(capture.ModelError, match="no optim:exp_avg"):
        capture(model, LOSS, torch.optim.SGD(model.parameters(), lr=0.1), *samples, batch_size=8, steps=5, continues=first)
    frozen, optimizer = build()
    frozen[0].requires_grad_(False)
    with pytest.raises(capture.ModelError, match=r"no optim:exp_avg:0|with the same parts frozen"):
        capture(frozen, LOSS, optimizer, *samples, batch_size=8, steps=5, continues=first)


def test_fine_tuning_starts_from_given_weights_and_keeps_frozen_parts_as_constants(samples) -> None:
    trained = outcome(part(samples, 0, 10))
    model, _ = build(seed=9)
    model.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in trained.weights.items()})
    model[0].requires_grad_(False)
    optimizer = torch.optim.AdamW(model[3].parameters(), lr=0.01)
    workload = capture(model, LOSS, optimizer, *samples, batch_size=8, steps=10)
    assert {"param:0.weight", "param:0.bias"} <= set(workload.constant_names)
    tuned = Outcome(workload, tuple(final_state(workload)))
    np.testing.assert_array_equal(tuned.weights["0.weight"], trained.weights["0.weight"])
    assert not np.array_equal(slot(workload, list(tuned.state), "param:3.weight"), trained.weights["3.weight"])
    assert set(tuned.weights) == set(model.state_dict())
