"""Courts on the local chain: the real one, and one that cuts into few parts so that small programs give long games."""

from __future__ import annotations

from typing import Any

import pytest
from ape import chain, project
from ape.api import TestAccountAPI

from tests.contracts.court.chain import ChainCourt
from touchstone.dispute.game import Rules

NARROW = 3
REFEREES = ("RefereeMap", "RefereeDot", "RefereeReduce", "RefereeMove")


@pytest.fixture(scope="session")
def referee(accounts: list[TestAccountAPI]) -> Any:
    families = [accounts[0].deploy(project.get_contract(name)) for name in REFEREES]
    return accounts[0].deploy(project.get_contract("Referee"), *families)


@pytest.fixture(scope="session")
def court(accounts: list[TestAccountAPI], referee: Any) -> ChainCourt:
    """The real court and referee."""
    return _chain_court(accounts[0], accounts[0].deploy(project.get_contract("Court"), referee))


@pytest.fixture(scope="session")
def narrow_court(accounts: list[TestAccountAPI], referee: Any) -> ChainCourt:
    """The same with dissections into ``NARROW`` parts."""
    return _chain_court(accounts[0], accounts[0].deploy(project.get_contract("NarrowCourt"), referee, NARROW))


@pytest.fixture(scope="session")
def narrow_rules() -> Rules:
    return Rules(NARROW, NARROW, NARROW)


def _chain_court(deployer: TestAccountAPI, court: Any) -> ChainCourt:
    web3 = chain.provider.web3
    scripted = deployer.deploy(project.get_contract("ScriptedArbitrable"), court)
    contracts = [_bound(web3, contract) for contract in (court, scripted)]
    names = (*REFEREES, "Referee", "Court", "ScriptedArbitrable")
    abis = [[entry.model_dump(by_alias=True) for entry in project.get_contract(name).contract_type.abi] for name in names]
    return ChainCourt.create(web3, contracts[0], contracts[1], abis)


def _bound(web3: Any, contract: Any) -> Any:
    abi = [entry.model_dump(by_alias=True, exclude_none=True) for entry in contract.contract_type.abi]
    return web3.eth.contract(address=contract.address, abi=abi)
