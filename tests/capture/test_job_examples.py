"""The examples of other jobs than training do what they say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from tests.capture.runs import constant, outcome

Example = Callable[[str], dict[str, Any]]


def test_the_inference_example_gives_the_scores_of_every_digit(example: Example) -> None:
    names = example("digits_inference")
    outputs = outcome(names["build_workload"]()).outputs
    images, _ = names["digits"]()
    np.testing.assert_allclose(outputs, names["build_model"]()(torch.from_numpy(images)).detach(), rtol=1e-4, atol=1e-5)


def test_the_evaluation_example_measures_the_held_out_digits(example: Example) -> None:
    names = example("digits_evaluation")
    metrics = outcome(names["build_workload"]()).metrics
    held_out = names["digits"]()[0][names["TRAIN_SAMPLES"] :]
    assert metrics["confusion"].sum() == len(held_out)
    assert metrics["accuracy"] == pytest.approx(np.trace(metrics["confusion"]) / len(held_out))


def test_the_folds_of_the_example_share_the_data_and_leave_out_different_samples(example: Example) -> None:
    family = example("k_fold")["build_family"](count=3, epochs=1)
    workloads = [build() for build in family.values()]
    assert list(family) == ["fold 0", "fold 1", "fold 2"]
    assert len({constant(workload, "data:x").tobytes() for workload in workloads}) == 1
    assert len({frozenset(constant(workload, "order").ravel()) for workload in workloads}) == 3
