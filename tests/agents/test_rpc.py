"""RPC endpoints that die, lie or serve another chain."""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler

import pytest
import requests

from tests.agents.conftest import Ledger
from tests.agents.test_store_http import dead_url
from tests.agents.web import Answer, send, served
from touchstone.chain.client import ChainClient
from touchstone.chain.errors import ChainUnavailableError, DeploymentError, RpcError, WrongChainError
from touchstone.chain.rpc import FailoverProvider
from touchstone.chain.sender import SendPolicy


def forward(url: str) -> Answer:
    """Passes requests on to a real node."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        send(handler, requests.post(url, data=body, headers={"Content-Type": "application/json"}, timeout=60).content)
        handler.close_connection = True

    return answer


def test_a_dying_endpoint_is_replaced_by_the_next_in_the_middle_of_work(ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> None:
    with served(forward(ledger.anvil.url)) as first:
        client = ChainClient([first, ledger.anvil.url], ledger.deployment)
        sender = ledger.sender(tmp_path_factory.mktemp("j") / "j", SendPolicy(poll=0.02))
        sender.client = client
        sender.execute(ledger.mint(7), "before")
        assert client.provider.current_url == first
    sender.execute(ledger.mint(8), "after")
    assert client.provider.current_url == ledger.anvil.url
    assert ledger.minted == 15


def test_an_endpoint_that_closes_idle_connections_is_not_taken_for_dead(ledger: Ledger) -> None:
    with served(forward(ledger.anvil.url)) as closing:  # closes after each answer without announcing it
        client = ChainClient([closing, ledger.anvil.url], ledger.deployment)
        for _ in range(20):
            client.head()
            assert client.provider.current_url == closing


def test_an_endpoint_that_failed_rests_while_another_serves(ledger: Ledger) -> None:
    asked: list[float] = []

    def broken(handler: BaseHTTPRequestHandler) -> None:
        handler.rfile.read(int(handler.headers["Content-Length"]))
        asked.append(time.monotonic())
        send(handler, b"busy", 503)

    with served(broken) as url:
        client = ChainClient([url, ledger.anvil.url], ledger.deployment)
        for _ in range(5):
            client.head()
    assert len(asked) == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b"null"])
def test_an_endpoint_that_answers_nonsense_is_passed_over(ledger: Ledger, body: bytes) -> None:
    def nonsense(handler: BaseHTTPRequestHandler) -> None:
        handler.rfile.read(int(handler.headers["Content-Length"]))
        send(handler, body)

    with served(nonsense) as url:
        assert ChainClient([url, ledger.anvil.url], ledger.deployment).head() >= 2
        with pytest.raises(ChainUnavailableError):
            ChainClient([url], ledger.deployment).head()


def test_when_no_endpoint_answers_all_are_named_in_one_line() -> None:
    first, second = dead_url(), dead_url()
    with pytest.raises(ChainUnavailableError) as caught:
        FailoverProvider([first, second], pause=0.01).request("eth_blockNumber")
    assert first in str(caught.value)
    assert second in str(caught.value)
    assert str(caught.value).endswith("start the node or name another with --rpc")


def test_an_endpoint_that_comes_back_is_used_again(ledger: Ledger) -> None:
    provider = FailoverProvider([dead_url(), ledger.anvil.url], rest=0.0)
    assert provider.request("eth_chainId") == "0x7a69"
    with served(forward(ledger.anvil.url)) as url:
        port = int(url.rpartition(":")[2])
    late = FailoverProvider([f"http://127.0.0.1:{port}"], pause=0.01)
    with pytest.raises(ChainUnavailableError):
        late.request("eth_chainId")
    assert not late.is_connected()


def test_another_chain_than_the_deployments_is_refused(ledger: Ledger) -> None:
    other = ledger.deployment.model_copy(update={"chain_id": 1})
    with pytest.raises(WrongChainError, match="chain 31337 instead of 1"):
        ChainClient([ledger.anvil.url], other).head()


def test_a_nodes_own_error_is_not_a_failure_of_the_endpoint(ledger: Ledger) -> None:
    with pytest.raises(RpcError, match="refuses eth_nonsense"):
        ledger.client.provider.request("eth_nonsense")


def test_an_address_without_a_contract_is_reported_as_a_wrong_deployment(ledger: Ledger) -> None:
    token = ledger.deployment.contracts["Token"].model_copy(update={"address": "0x" + "11" * 20})
    moved = ledger.deployment.model_copy(update={"contracts": {"Token": token}})
    with pytest.raises(DeploymentError, match="check the deployment file"):
        ChainClient([ledger.anvil.url], moved).read("Token", "decimals")


def test_contracts_of_another_release_are_refused(ledger: Ledger) -> None:
    token = ledger.deployment.contracts["Token"].model_copy(update={"abi_sha256": "0" * 64})
    other = ledger.deployment.model_copy(update={"contracts": {"Token": token}})
    with pytest.raises(DeploymentError, match="deployed with another ABI"):
        ChainClient([ledger.anvil.url], other).contract("Token")


@pytest.mark.parametrize("url", ["", "localhost:8545", "ws://127.0.0.1:1", "http://"])
def test_what_is_not_an_endpoint_is_refused(url: str) -> None:
    with pytest.raises(ChainUnavailableError, match="not the address of an RPC endpoint"):
        ChainClient([url])


def test_web3_works_over_the_same_endpoints(ledger: Ledger) -> None:
    client = ChainClient([dead_url(), ledger.anvil.url], ledger.deployment)
    assert client.web3.eth.block_number == client.head()
