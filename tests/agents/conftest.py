"""Shared by the agents' tests: a small workload, stores, a local chain."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from eth_account.signers.local import LocalAccount

from tests.agents.shell import Shell
from touchstone.chain.client import ChainClient
from touchstone.chain.contracts import Call
from touchstone.chain.deploy import Deployer
from touchstone.chain.deployment import Deployment
from touchstone.chain.devnet import CHAIN_ID, Anvil, Devnet, development_accounts, start_devnet
from touchstone.chain.journal import Journal
from touchstone.chain.sender import Observer, Sender, SendPolicy
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


@dataclass(frozen=True)
class Ledger:
    """A chain of its own with a token and a vault, and the account that deployed them."""

    anvil: Anvil
    deployment: Deployment
    account: LocalAccount

    @property
    def client(self) -> ChainClient:
        return ChainClient([self.anvil.url], self.deployment)

    def sender(self, journal: Path, policy: SendPolicy | None = None, observer: Observer | None = None) -> Sender:
        return Sender(self.client, self.account, Journal(journal), policy or SendPolicy(poll=0.02, resend_after=0.2), observer)

    def mint(self, amount: int) -> Call:
        """Mints to an address nobody else uses, so that its balance counts what was really executed."""
        return self.client.call("Token", "mint", RECIPIENT, amount)

    @property
    def minted(self) -> int:
        return int(self.client.read("Token", "balanceOf", RECIPIENT))

    def rpc(self, method: str, *params: object) -> object:
        return self.client.provider.request(method, *params)

    def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            self.rpc("evm_mine")


RECIPIENT = "0x00000000000000000000000000000000000000AA"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A chain that mines a block for each transaction, until told otherwise with evm_setAutomine."""
    with Anvil(block_time=None, log=tmp_path / "anvil.log") as anvil:
        account = development_accounts(1)[0]
        sender = Sender(ChainClient([anvil.url]), account, Journal(tmp_path / "deployer.sqlite"), SendPolicy(poll=0.02))
        deployer = Deployer(sender)
        token = deployer.deploy("TestToken", name="Token")
        deployer.deploy("StakeVault", token, 10, 5)
        deployment = Deployment(
            network="test", chain_id=CHAIN_ID, commit="test", deployer=account.address, rpc=(anvil.url,), contracts=deployer.finish()
        )
        yield Ledger(anvil, deployment, account)


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    for name in [name for name in os.environ if name.startswith("TOUCHSTONE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TOUCHSTONE_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return Shell(capsys)


@pytest.fixture(scope="module")
def devnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    net = start_devnet(tmp_path_factory.mktemp("devnet"), block_time=0.2)
    yield net
    net.anvil.stop()


@pytest.fixture
def on_devnet(shell: Shell, devnet: Devnet, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("TOUCHSTONE_DEPLOYMENT", str(devnet.deployment_file))
    monkeypatch.setenv("TOUCHSTONE_KEYSTORE", str(devnet.keystore))
    monkeypatch.setenv("TOUCHSTONE_PASSWORD_FILE", str(devnet.password_file))
    return shell
