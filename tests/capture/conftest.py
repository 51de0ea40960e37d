from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """PyTorch's threads would spin against the machine's."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Images float32 [1797, 64] in 0..1, labels int64 [1797]."""
    images, labels = load_digits(return_X_y=True)
    return (images / 16).astype(np.float32), labels.astype(np.int64)


@pytest.fixture(scope="session")
def samples() -> tuple[np.ndarray, np.ndarray]:
    """40 samples of 6 features, float32, and labels 0..5."""
    generator = np.random.default_rng(1)
    return generator.normal(size=(40, 6)).astype(np.float32), generator.integers(0, 6, 40)


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    """The names that a file of ``scripts/examples`` defines."""
    folder = Path(__file__).parents[2] / "scripts" / "examples"
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    return lambda name: runpy.run_path(str(folder / f"{name}.py"))
