"""Deploying everything, and the record of it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.agents.conftest import Ledger
from touchstone.chain.client import ChainClient
from touchstone.chain.deploy import Deployer, contract_address, deploy_market, devnet_parameters, devnet_vault
from touchstone.chain.deployment import Deployment
from touchstone.chain.devnet import PASSWORD, TOKENS, start_devnet
from touchstone.chain.errors import ContractRevertError, DeploymentError, DevnetError, JournalConflictError
from touchstone.chain.journal import Journal
from touchstone.chain.keystore import KeystoreDirectory
from touchstone.chain.sender import Sender, SendPolicy


def test_a_devnet_is_complete_and_its_files_are_all_an_agent_needs(tmp_path: Path) -> None:
    net = start_devnet(tmp_path, block_time=0.2, accounts=3, overrides={"window": 20})
    try:
        deployment = Deployment.load(net.deployment_file)
        assert deployment == net.deployment
        client = ChainClient(deployment=deployment)
        assert client.read("JobMarket", "court") == deployment.contracts["Court"].address
        assert client.read("JobMarket", "vault") == deployment.contracts["StakeVault"].address
        assert client.read("StakeVault", "market") == deployment.contracts["JobMarket"].address
        assert client.read("Court", "referee") == deployment.contracts["Referee"].address
        assert client.read("JobMarket", "parameters").window == 20
        for index, account in enumerate(net.accounts):
            unlocked = KeystoreDirectory(net.keystore).unlock(f"dev{index}", PASSWORD)
            assert unlocked.address == account.address
            assert client.read("Token", "balanceOf", account.address) == TOKENS
            assert client.balance(account.address) > 10**18
        assert deployment.contracts["StakeVault"].arguments["minimumStake"] == str(10 * 10**18)
        assert len(deployment.commit) == 40
        every = deployment.contracts.values()
        assert all(client.receipt(entry.transaction).block == entry.block for entry in every)  # type: ignore[union-attr]
    finally:
        net.anvil.stop()
    assert not net.anvil.running()


def test_an_interrupted_deployment_goes_on_where_it_stopped(ledger: Ledger, tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    seen: list[str] = []

    def stop_at_the_court(what: str, entry: object) -> None:
        if what == "signed":
            seen.append(str(getattr(entry, "key", "")))
            if seen[-1] == "deploy Court":
                raise StoppedError

    parameters = devnet_parameters(ledger.account.address)
    with pytest.raises(StoppedError):
        deploy_market(ledger.sender(tmp_path / "j", observer=stop_at_the_court), "test", parameters, devnet_vault())
    again = ledger.sender(tmp_path / "j", observer=lambda what, entry: seen.append(entry.key) if what == "signed" else None)
    deployment = deploy_market(again, "test", parameters, devnet_vault())
    assert len(deployment.contracts) == 11
    assert len(seen) == len(set(seen)) == 12
    assert ChainClient([ledger.anvil.url], deployment).read("JobMarket", "jobs") == 0


def test_the_market_can_use_a_token_that_is_there_already(ledger: Ledger, tmp_path: Path) -> None:
    token = ledger.deployment.contracts["Token"].address
    parameters = devnet_parameters(ledger.account.address)
    deployment = deploy_market(ledger.sender(tmp_path / "j"), "test", parameters, devnet_vault(), token=token)
    assert ChainClient([ledger.anvil.url], deployment).read("StakeVault", "token") == token
    assert "TestToken" not in deployment.contracts
    with pytest.raises((DeploymentError, ContractRevertError)):
        deploy_market(ledger.sender(tmp_path / "k"), "test", parameters, devnet_vault(), token="0x" + "11" * 20)


def test_an_address_follows_from_the_deployers_nonce() -> None:
    # The first contracts of the account 0xf39F… on every development chain.
    assert contract_address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", 0) == "0x5FbDB2315678afecb367f032d93F642f64180aa3"
    assert contract_address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", 200) == contract_address(
        "0xF39FD6E51AAD88F6F4CE6AB8827279CFFFB92266", 200
    )


def test_a_constructor_that_refuses_its_arguments_is_reported_by_name(ledger: Ledger, tmp_path: Path) -> None:
    deployer = Deployer(ledger.sender(tmp_path / "j"))
    with pytest.raises(ContractRevertError, match=r"StakeVault.constructor reverts with ZeroAmount\(\) \(nothing was sent\)"):
        deployer.deploy("StakeVault", ledger.deployment.contracts["Token"].address, 0, 5)


def test_a_missing_artifact_is_reported_with_the_remedy(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match=r"artifact of Nothing is missing .* run `make contracts`"):
        Deployer(ledger.sender(tmp_path / "j")).deploy("Nothing")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "touchstone-deployment-2"}'])
def test_a_file_that_is_no_deployment_record_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(DeploymentError, match="is not a deployment file") as caught:
        Deployment.load(tmp_path / "x.json")
    assert "\n" not in str(caught.value)


def test_without_anvil_the_error_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DevnetError, match="anvil is not installed; run `make setup`"):
        start_devnet(tmp_path)


def test_the_journal_of_a_chain_that_was_restarted_is_not_used_again(tmp_path: Path) -> None:
    for attempt in range(2):
        net = start_devnet(tmp_path / "net", block_time=0.2, accounts=1)
        try:
            sender = Sender(ChainClient(deployment=net.deployment), net.accounts[0], Journal(tmp_path / "j"), SendPolicy(poll=0.05))
            call = sender.client.call("Token", "mint", net.accounts[0].address, 1)
            if attempt == 0:
                sender.execute(call, "mint")
                time.sleep(1.1)  # a genesis block is told from another by its second
            else:
                with pytest.raises(JournalConflictError, match="use a fresh data directory"):
                    sender.execute(call, "mint")
        finally:
            net.anvil.stop()
