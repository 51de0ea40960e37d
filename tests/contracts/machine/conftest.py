"""Contracts that the tests of the machine and the referee call."""

from __future__ import annotations

from typing import Any

import pytest
from ape import Project, project
from ape.api import TestAccountAPI


@pytest.fixture(scope="session")
def deployer(accounts: list[TestAccountAPI]) -> TestAccountAPI:
    return accounts[0]


@pytest.fixture(scope="session")
def machine(deployer: TestAccountAPI) -> Any:
    """The arithmetic, many elements a call."""
    return deployer.deploy(_contract("MachineHarness"))


@pytest.fixture(scope="session")
def commitments(deployer: TestAccountAPI) -> Any:
    """Trees and records."""
    return deployer.deploy(_contract("CommitmentHarness"))


@pytest.fixture(scope="session")
def referee(deployer: TestAccountAPI) -> Any:
    """The referee with all its families."""
    families = [deployer.deploy(_contract(name)) for name in ("RefereeMap", "RefereeDot", "RefereeReduce", "RefereeMove")]
    return deployer.deploy(_contract("Referee"), *families)


def _contract(name: str) -> Any:
    checkout: Project = project
    return checkout.get_contract(name)
