"""Gas of the last proof, for every operator, under the limits of a transaction.

The recorded figures are in ``tests/contracts/gas/final_proof.json``. After a change that explains itself, refresh them with

    GAS_SNAPSHOT=write .venv/bin/ape test tests/contracts/machine/test_gas.py
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ape import project
from web3 import HTTPProvider, Web3

from tests.contracts.machine.gas_cases import GasCase, gas_cases

SNAPSHOT = Path(__file__).resolve().parents[1] / "gas" / "final_proof.json"
ANVIL = Path(__file__).resolve().parents[3] / "node_modules" / ".bin" / "anvil"
WRITE = os.environ.get("GAS_SNAPSHOT") == "write"

TRANSACTION_GAS_CAP = 2**24  # EIP-7825, Osaka
CALLDATA_CAP = 128 * 1024
CODE_CAP = 24_576  # EIP-170
GROWTH = 1.005  # beyond this a change needs an explanation

Figures = dict[str, dict[str, int]]


@pytest.fixture(scope="module")
def capped_chain() -> Iterator[Web3]:
    """A chain of its own that enforces the gas cap of a transaction."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(ANVIL), "--port", str(port), "--silent", "--hardfork", "osaka", "--enable-tx-gas-limit"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        chain = Web3(HTTPProvider(f"http://127.0.0.1:{port}"))
        for _ in range(200):
            if chain.is_connected():
                break
            time.sleep(0.1)
        yield chain
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture(scope="module")
def deployed(capped_chain: Web3) -> Any:
    """The referee on that chain."""
    families = [_deploy(capped_chain, name).address for name in ("RefereeMap", "RefereeDot", "RefereeReduce", "RefereeMove")]
    return _deploy(capped_chain, "Referee", *families)


@pytest.fixture(scope="module")
def figures(capped_chain: Web3, deployed: Any) -> Figures:
    """Gas and calldata of one transaction for every case, each answered right."""
    found = {case.name: _measure(capped_chain, deployed, case) for case in gas_cases()}
    if WRITE:
        SNAPSHOT.write_text(json.dumps(found, indent=1) + "\n")
    return found


@pytest.fixture(scope="module")
def recorded() -> Figures:
    figures: Figures = json.loads(SNAPSHOT.read_text())
    return figures


def test_every_last_proof_fits_a_transaction(figures: Figures) -> None:
    for name, figure in figures.items():
        assert figure["gas"] < TRANSACTION_GAS_CAP, name
        assert figure["calldata"] < CALLDATA_CAP, name


def test_a_dot_product_of_1024_typical_terms_costs_at_most_600k(figures: Figures) -> None:
    assert figures["dot K=1024, typical"]["gas"] <= 600_000


def test_no_last_proof_costs_more_than_recorded(figures: Figures, recorded: Figures) -> None:
    assert set(figures) == set(recorded), "cases changed: refresh the snapshot"
    grown = {name: (recorded[name], figure) for name, figure in figures.items() if figure["gas"] > GROWTH * recorded[name]["gas"]}
    assert not grown


def test_every_referee_fits_the_size_of_a_contract() -> None:
    for name in ("Referee", "RefereeMap", "RefereeDot", "RefereeReduce", "RefereeMove"):
        code = bytes(project.get_contract(name).contract_type.get_runtime_bytecode() or b"")
        assert 0 < len(code) <= CODE_CAP, name


def _measure(chain: Web3, referee: Any, case: GasCase) -> dict[str, int]:
    call = referee.functions.recompute(*case.arguments())
    sender = {"from": chain.eth.accounts[0], "gas": TRANSACTION_GAS_CAP}
    assert call.call(sender) == case.answer(), case.name
    receipt = chain.eth.wait_for_transaction_receipt(call.transact(sender))
    assert receipt["status"] == 1, case.name
    return {"gas": receipt["gasUsed"], "calldata": len(bytes.fromhex(call._encode_transaction_data()[2:]))}


def _deploy(chain: Web3, name: str, *arguments: Any) -> Any:
    kind = project.get_contract(name).contract_type
    abi = [entry.model_dump(by_alias=True, mode="json", exclude_none=True) for entry in kind.abi]
    contract = chain.eth.contract(abi=abi, bytecode=str(kind.deployment_bytecode.bytecode))
    receipt = chain.eth.wait_for_transaction_receipt(contract.constructor(*arguments).transact({"from": chain.eth.accounts[0]}))
    return chain.eth.contract(address=receipt["contractAddress"], abi=abi)
