"""Whatever decides which samples are visited becomes one committed table."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import BatchSampler, RandomSampler, SequentialSampler, WeightedRandomSampler

from tests.capture.runs import constant, outcome
from touchstone import capture
from touchstone.capture.order import batch_order


def order_of(samples: int, batch_size: int, steps: int | None = None, epochs: float | None = None, **options) -> np.ndarray:
    return batch_order(samples, batch_size, steps=steps, epochs=epochs, **options)


def test_dropping_the_last_samples_of_an_epoch_leaves_every_epoch_whole_batches() -> None:
    order = order_of(30, 7, epochs=3, drop_last=True)
    assert order.shape == (12, 7)
    for epoch in order.reshape(3, 28):
        assert len(set(epoch)) == 28
    straight = order_of(30, 7, epochs=3, drop_last=True, shuffle=False)
    assert straight.max() == 27


def test_an_explicit_curriculum_is_taken_as_it_is() -> None:
    easy_first = [[0, 1], [2, 3], [0, 4]]
    np.testing.assert_array_equal(order_of(5, 2, steps=3, order=easy_first), easy_first)
    np.testing.assert_array_equal(order_of(5, 2, epochs=2, order=np.array(easy_first)), easy_first * 2)
    np.testing.assert_array_equal(order_of(5, 2, steps=4, order=torch.tensor([4, 3, 2, 1])).ravel(), [4, 3, 2, 1] * 2)


def test_torchs_samplers_are_drawn_with_the_seed_of_the_job() -> None:
    weights = [0.0, 1.0, 3.0, 0.0]
    sampler = WeightedRandomSampler(weights, num_samples=400)
    first = order_of(4, 4, epochs=2, order=sampler, seed=3)
    assert first.shape == (200, 4) and set(first.ravel()) == {1, 2}
    assert 0.68 < (first == 2).mean() < 0.82
    np.testing.assert_array_equal(first, order_of(4, 4, epochs=2, order=sampler, seed=3))
    assert not np.array_equal(first, order_of(4, 4, epochs=2, order=sampler, seed=4))


def test_sampling_with_replacement_and_batches_of_a_batch_sampler_work() -> None:
    again = order_of(10, 5, epochs=4, order=RandomSampler(range(10), replacement=True, num_samples=10))
    assert again.shape == (8, 5) and len(set(again[:2].ravel())) < 10
    batches = order_of(10, 4, epochs=2, order=BatchSampler(SequentialSampler(range(10)), 4, drop_last=True))
    np.testing.assert_array_equal(batches, [[0, 1, 2, 3], [4, 5, 6, 7]] * 2)


def test_a_curriculum_shows_easy_samples_first_and_then_all() -> None:
    difficulty = np.array([3, 0, 2, 1])
    easy = np.argsort(difficulty)[:2]
    order = order_of(4, 2, epochs=1, order=[*np.tile(easy, 2), *np.argsort(difficulty)])
    np.testing.assert_array_equal(order, [[1, 3], [1, 3], [1, 3], [2, 0]])


def test_drawing_an_order_leaves_the_users_generators_alone() -> None:
    before = torch.get_rng_state()
    order_of(10, 5, epochs=1, order=RandomSampler(range(10)))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 2, "order": [0, 1, 5, 2]}, "order holds 5, outside 0..4"),
        ({"steps": 2, "order": [0, 1, -1, 2]}, "order holds -1"),
        ({"steps": 2, "order": [0.5, 1]}, "order holds 0.5"),
        ({"steps": 3, "order": iter([0, 1, 2, 3])}, "order gives 0 indices"),
        ({"epochs": 1, "order": [[0, 1], [2]]}, "a batch of 1 samples"),
        ({"steps": 2, "epochs": 1}, "either steps or epochs"),
        ({"epochs": 0.1}, "0 steps"),
    ],
)
def test_a_wrong_order_is_refused(options, message: str) -> None:
    with pytest.raises(capture.ModelError, match=message):
        order_of(5, 2, **options)


def test_a_captured_job_visits_exactly_the_samples_it_was_told(samples) -> None:
    torch.manual_seed(0)
    model = nn.Linear(6, 6)
    told = [[5, 5, 5, 5], [7, 8, 9, 10]]
    workload = capture(
        model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.0), *samples, batch_size=4, epochs=1, order=told
    )
    np.testing.assert_array_equal(constant(workload, "order"), told)
    data, labels = (torch.from_numpy(array) for array in samples)
    expected = [nn.functional.cross_entropy(model(data[rows]), labels[rows]).item() for rows in told]
    np.testing.assert_allclose(outcome(workload).losses, expected, rtol=1e-5)
