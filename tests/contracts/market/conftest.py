"""One market for all tests; the chain goes back to this state after each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ape.api import TestAccountAPI

from .world import World


@pytest.fixture(scope="session")
def deployed(accounts: list[TestAccountAPI]) -> World:
    return World(list(accounts))


@pytest.fixture
def world(deployed: World) -> Iterator[World]:
    """The market, its parties with a million tokens each; money is accounted for after every test."""
    deployed.checkpoints.clear()
    yield deployed
    deployed.check_conservation()


@pytest.fixture(scope="session")
def deployed_scripted(accounts: list[TestAccountAPI]) -> World:
    return World(list(accounts), beacon_name="ScriptedBeacon")


@pytest.fixture
def scripted(deployed_scripted: World) -> Iterator[World]:
    """The same with a beacon that says what a test wants."""
    deployed_scripted.checkpoints.clear()
    yield deployed_scripted
    deployed_scripted.check_conservation()
