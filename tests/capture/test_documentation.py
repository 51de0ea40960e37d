"""The pages say what is true."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

from scripts.write_operators_page import PAGE as OPERATORS
from scripts.write_operators_page import SNAPSHOT, page
from tests.capture.runs import constant, final_state, slot, train_eagerly
from touchstone import capture

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "train-a-model.md"


def test_the_page_of_operators_is_up_to_date() -> None:
    snapshot = json.loads(SNAPSHOT.read_text())
    assert OPERATORS.read_text() == page(snapshot), "run: python scripts/write_operators_page.py"


def test_every_error_of_capture_is_on_the_page() -> None:
    page = PAGE.read_text()
    for name in capture.__all__:
        if name.endswith("Error") and name != "MissingTorchError":
            assert f"`{name}`" in page or f"`capture.{name}`" in page


@pytest.mark.filterwarnings("ignore")
def test_the_example_on_the_page_runs() -> None:
    code = PAGE.read_text().split("```python\n")[1].split("```")[0]
    generator = np.random.default_rng(0)
    scope = {"images": generator.random((64, 64), dtype=np.float32), "labels": generator.integers(0, 10, 64)}
    exec(code, scope)
    assert scope["workload"].steps == 10


def test_the_digits_example_learns_to_read_digits_as_well_as_eager_pytorch() -> None:
    example = runpy.run_path(str(ROOT / "scripts" / "examples" / "digits_mlp.py"))
    workload = example["build_workload"](steps=150)
    state = final_state(workload)
    model = example["build_model"](seed=1)
    capture.export(workload, state, model)
    accuracy = example["accuracy"](model)
    eager = example["build_model"]()
    optimizer = torch.optim.AdamW(eager.parameters(), lr=1e-2, weight_decay=0.01)
    losses = train_eagerly(eager, torch.nn.CrossEntropyLoss(), optimizer, *example["digits"](), constant(workload, "order"))
    assert accuracy > 0.9
    assert abs(accuracy - example["accuracy"](eager)) < 0.02
    np.testing.assert_allclose(slot(workload, state, "loss_history")[:50], losses[:50], rtol=1e-3)
