from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.roles.world import World
from touchstone.chain.devnet import Devnet, start_devnet

PERIODS = {"bidPeriod": 7, "revealPeriod": 10, "window": 6, "answerPeriod": 15, "stallPeriod": 60, "clock": 60}
BLOCK_SECONDS = 0.4


@pytest.fixture(scope="session")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """A chain with fast blocks and short phases, shared by the tests of the roles."""
    yield from _run(tmp_path_factory.mktemp("net"), PERIODS)


@pytest.fixture
def world(net: Devnet, tmp_path: Path) -> Iterator[World]:
    """The chain with agents of this test's own."""
    yield from _people(net, tmp_path)


@pytest.fixture
def patient_world(tmp_path: Path) -> Iterator[World]:
    """A chain of its own on which bidding takes long enough for many restarts."""
    for net in _run(tmp_path / "net", {**PERIODS, "bidPeriod": 30, "revealPeriod": 30, "window": 10, "answerPeriod": 30}):
        yield from _people(net, tmp_path)


@pytest.fixture
def hasty_world(tmp_path: Path) -> Iterator[World]:
    """A chain of its own on which the clocks of disputes are short."""
    for net in _run(tmp_path / "net", {**PERIODS, "clock": 10}):
        yield from _people(net, tmp_path)


def _run(directory: Path, periods: dict[str, int]) -> Iterator[Devnet]:
    devnet = start_devnet(directory, block_time=BLOCK_SECONDS, overrides=periods)
    try:
        yield devnet
    finally:
        devnet.anvil.stop()


def _people(net: Devnet, directory: Path) -> Iterator[World]:
    current = World(net, directory)
    try:
        yield current
    finally:
        current.close()
