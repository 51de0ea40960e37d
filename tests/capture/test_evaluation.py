"""An evaluation measures what PyTorch measures on all samples at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, l1_loss, mse_loss

from tests.capture.runs import outcome
from touchstone import capture
from touchstone.capture import metrics


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 6))


def scores(model: nn.Module, data: np.ndarray) -> torch.Tensor:
    return model.eval()(torch.from_numpy(data)).detach()


def measure(model, given, data, targets, **options):
    return outcome(capture.evaluation(model, given, data, targets, **options)).metrics


@pytest.mark.parametrize("batch_size", [8, 7])
def test_classification_metrics_are_those_of_pytorch(model, samples, batch_size: int) -> None:
    data, labels = samples
    targets, expected = torch.from_numpy(labels), scores(model, data)
    given = {"accuracy": metrics.accuracy(), "top 3": metrics.top_k(3), "confusion": metrics.confusion_matrix(6)}
    found = measure(model, given, data, labels, batch_size=batch_size)
    assert found["accuracy"] == pytest.approx(float((expected.argmax(1) == targets).float().mean()))
    top = expected.topk(3).indices
    assert found["top 3"] == pytest.approx(float((top == targets[:, None]).any(1).float().mean()))
    counts = np.zeros((6, 6), dtype=np.int32)
    np.add.at(counts, (labels, expected.argmax(1).numpy()), 1)
    np.testing.assert_array_equal(found["confusion"], counts)


LOSSES = {
    "plain": nn.CrossEntropyLoss(),
    "ignoring": nn.CrossEntropyLoss(ignore_index=2),
}


@pytest.mark.parametrize("name", LOSSES)
def test_the_mean_loss_is_that_of_one_batch_of_all_samples(model, samples, name: str) -> None:
    data, labels = samples
    found = measure(model, {"loss": LOSSES[name]}, data, labels, batch_size=9)
    assert found["loss"] == pytest.approx(float(LOSSES[name](scores(model, data), torch.from_numpy(labels))), rel=1e-5)


def test_regression_losses_and_own_functions_are_averaged_over_all_numbers(samples) -> None:
    data = samples[0]
    model, targets = nn.Linear(6, 2), data[:, :2].copy()
    given = {"mse": nn.MSELoss(), "mae": lambda outputs, targets: (outputs - targets).abs()}
    found = measure(model, given | {"sums": metrics.total(lambda outputs, targets: outputs)}, data, targets, batch_size=11)
    outputs = scores(model, data)
    assert found["mse"] == pytest.approx(float(mse_loss(outputs, torch.from_numpy(targets))), rel=1e-5)
    assert found["mae"] == pytest.approx(float(l1_loss(outputs, torch.from_numpy(targets))), rel=1e-5)
    np.testing.assert_allclose(found["sums"], outputs.sum(0).numpy(), rtol=1e-4, atol=1e-5)


def test_only_the_rows_asked_for_count(model, samples) -> None:
    data, labels = samples
    rows = np.arange(25, 40)
    found = measure(model, {"accuracy": metrics.accuracy()}, data, labels, batch_size=4, rows=rows)
    hits = scores(model, data[rows]).argmax(1).numpy() == labels[rows]
    assert found["accuracy"] == pytest.approx(hits.mean())


def test_the_summary_has_the_metrics_that_are_one_number(model, samples) -> None:
    given = {"accuracy": metrics.accuracy(), "confusion": metrics.confusion_matrix(6)}
    found = outcome(capture.evaluation(model, given, *samples, batch_size=8))
    assert found.kind == "evaluation" and set(found.summary()) == {"accuracy"}
    with pytest.raises(KeyError, match="no outputs"):
        _ = found.outputs


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "no metrics are given"),
        ({"loss": lambda outputs, targets: cross_entropy(outputs, targets)}, "instead of a number for each of 8 samples"),
        ({"loss": nn.CrossEntropyLoss(reduction="sum")}, "reduction='mean'"),
        ({"loss": nn.KLDivLoss()}, "KLDivLoss"),
    ],
)
def test_metrics_that_are_no_numbers_per_sample_are_refused(model, samples, given, message: str) -> None:
    with pytest.raises(capture.ModelError, match=message):
        capture.evaluation(model, given, *samples, batch_size=8)
