"""Shared by the agents' tests: a small workload, stores, a local chain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from touchstone.chain.devnet import Anvil
from touchstone.machine.builder import Builder
from touchstone.machine.program import DType, MapFn
from touchstone.machine.workload import Workload
from touchstone.store import LocalStore


def small_workload(steps: int = 10, elements: int = 600) -> Workload:
    """Counts its steps and adds a constant to a vector of more than one chunk."""
    builder = Builder()
    step = builder.slot(DType.I32, (1,))
    weights = builder.slot(DType.F32, (elements,))
    rate = builder.constant(DType.F32, (elements,))
    builder.set_next(step, builder.map(MapFn.IADD, step, builder.fill(DType.I32, (1,), 1)))
    builder.set_next(weights, builder.map(MapFn.ADD, weights, rate))
    return Workload(
        program=builder.build(),
        slot_names=("step", "param:weights"),
        state=(np.zeros(1, np.int32), np.linspace(-1, 1, elements, dtype=np.float32)),
        constant_names=("data:rate",),
        constants=(np.full(elements, 0.125, np.float32),),
        steps=steps,
        info={"model": "a vector", "batch_size": 1},
    )


@pytest.fixture
def workload() -> Workload:
    return small_workload()


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anvil]:
    """A chain that mines a block for each transaction, shared by tests that do not mind what is on it."""
    with Anvil(block_time=None, log=tmp_path_factory.mktemp("chain") / "anvil.log") as anvil:
        yield anvil
