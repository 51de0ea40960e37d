from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.roles.world import World
from touchstone.chain.devnet import Devnet, start_devnet


@pytest.fixture(scope="session")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """A chain with one-second blocks and short phases, shared by all tests of the roles."""
    periods = {"bidPeriod": 8, "revealPeriod": 8, "window": 8, "answerPeriod": 15, "stallPeriod": 60, "clock": 60}
    devnet = start_devnet(tmp_path_factory.mktemp("net"), overrides=periods)
    try:
        yield devnet
    finally:
        devnet.anvil.stop()


@pytest.fixture
def world(net: Devnet, tmp_path: Path) -> Iterator[World]:
    """The chain with agents of this test's own."""
    current = World(net, tmp_path)
    try:
        yield current
    finally:
        current.close()
