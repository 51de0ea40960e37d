"""Deploying everything: token (on development chains), referee, court, vault, beacon, market."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import rlp  # type: ignore[import-untyped]
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from touchstone.chain.artifacts import Artifact, load_artifact
from touchstone.chain.client import ChainClient
from touchstone.chain.contracts import Call, Contract, encode_arguments
from touchstone.chain.deployment import DeployedContract, Deployment
from touchstone.chain.errors import DeploymentError
from touchstone.chain.journal import Entry
from touchstone.chain.sender import Sender

TOKEN = "Token"
REFEREES = ("RefereeMap", "RefereeDot", "RefereeReduce", "RefereeMove")

DeployProgress = Callable[[str], None]
"""Called with the name of each contract once it is deployed."""


@dataclass(frozen=True)
class MarketParameters:
    """What JobMarket is built with, see ``IJobMarket.Parameters``: seconds, millionths, base units of the token; plus the vault's two."""

    treasury: str
    bidPeriod: int  # noqa: N815 - the names are those of the contract's struct
    revealPeriod: int  # noqa: N815
    grace: int
    window: int
    answerPeriod: int  # noqa: N815
    stallPeriod: int  # noqa: N815
    clock: int
    increment: int
    beaconDelay: int  # noqa: N815
    honestShare: int  # noqa: N815
    proposerShare: int  # noqa: N815
    challengerShare: int  # noqa: N815
    submitterShare: int  # noqa: N815
    auditFactor: int  # noqa: N815
    disputeGas: int  # noqa: N815


@dataclass(frozen=True)
class VaultParameters:
    """What StakeVault is built with: base units of the token, seconds."""

    minimum_stake: int
    unstake_delay: int


def devnet_parameters(treasury: str, **overrides: int) -> MarketParameters:
    """Seconds instead of days, for a chain with one-second blocks. Raises DeploymentError for an unknown name in ``overrides``."""
    values: dict[str, Any] = {
        **{"bidPeriod": 6, "revealPeriod": 6, "grace": 30, "window": 12, "answerPeriod": 30, "stallPeriod": 120},
        **{"clock": 60, "increment": 5, "beaconDelay": 2},
        **{"honestShare": 600_000, "proposerShare": 100_000, "challengerShare": 300_000, "submitterShare": 400_000},
        **{"auditFactor": 1_300_000, "disputeGas": 10**18},
    }
    unknown = sorted(set(overrides) - set(values))
    if unknown:
        raise DeploymentError(f"{unknown[0]!r} is not a parameter of the market; known are {', '.join(sorted(values))}")
    return MarketParameters(treasury=treasury, **{**values, **overrides})


def devnet_vault() -> VaultParameters:
    """A small stake, held for as long as a window and both clocks of :func:`devnet_parameters`."""
    return VaultParameters(minimum_stake=10 * 10**18, unstake_delay=132)


class Deployer:
    """Deploys contracts and keeps the record.

    Transactions are sent one after another without waiting for blocks: a contract's address follows from the deployer's nonce.
    :meth:`finish` waits for all. Each is journaled under the contract's name, so that running again after a crash goes on where it stopped.
    """

    def __init__(self, sender: Sender, progress: DeployProgress | None = None) -> None:
        self._sender = sender
        self._progress = progress
        self._planned: dict[str, _Planned] = {}
        self._calls: list[Entry] = []

    def deploy(self, artifact_name: str, *arguments: object, name: str | None = None) -> str:
        """Send the deployment of a contract and return its address.

        Raises:
            DeploymentError: the artifact is missing.
            ContractRevertError: the constructor refuses the arguments.
        """
        known_as = name or artifact_name
        artifact = load_artifact(artifact_name)
        code = artifact.bytecode + encode_arguments(artifact.constructor, arguments)
        entry = self._sender.send(Call(known_as, "", "constructor", code), f"deploy {known_as}")
        address = contract_address(entry.sender, entry.nonce)
        self._planned[known_as] = _Planned(entry, address, artifact, _described(artifact, arguments))
        return address

    def call(self, name: str, function: str, *arguments: object) -> None:
        """Send a call of a deployed contract, once."""
        planned = self._planned[name]
        call = Contract(name, planned.address, planned.artifact.abi).call(function, *arguments)
        self._calls.append(self._sender.send(call, f"deploy {name}.{function}"))

    def finish(self) -> dict[str, DeployedContract]:
        """Wait until everything is on the chain, and return the record.

        Raises:
            DeploymentError: another transaction of the deployer came between; deploy again.
        """
        contracts = {}
        for name, planned in self._planned.items():
            receipt = self._sender.wait(planned.entry)
            if not self._sender.client.has_code(planned.address):
                raise DeploymentError(f"{name} is not at {planned.address}: the deployer sent something else meanwhile; deploy again")
            contracts[name] = DeployedContract(
                address=planned.address,
                artifact=planned.artifact.name,
                abi_sha256=planned.artifact.abi_hash,
                transaction=receipt.transaction,
                block=receipt.block,
                arguments=planned.arguments,
            )
            if self._progress is not None:
                self._progress(name)
        for entry in self._calls:
            self._sender.wait(entry)
        return contracts


@dataclass(frozen=True)
class _Planned:
    """A deployment that was sent."""

    entry: Entry
    address: str
    artifact: Artifact
    arguments: dict[str, object]


def deploy_market(
    sender: Sender,
    network: str,
    parameters: MarketParameters,
    vault: VaultParameters,
    token: str | None = None,
    progress: DeployProgress | None = None,
) -> Deployment:
    """Deploy the whole market and return its record.

    Args:
        sender: the deployer; it keeps no rights over the contracts.
        network: name for the record.
        parameters: the market's.
        vault: the vault's.
        token: address of the ERC-20 everything is paid in; None deploys a token that anybody can mint, for development chains.
        progress: called with each contract's name.
    """
    deployer = Deployer(sender, progress)
    paid_in = token or deployer.deploy("TestToken", name=TOKEN)
    referee = deployer.deploy("Referee", *(deployer.deploy(family) for family in REFEREES))
    court = deployer.deploy("Court", referee)
    stakes = deployer.deploy("StakeVault", paid_in, vault.minimum_stake, vault.unstake_delay)
    beacon = deployer.deploy("RandaoBeacon")
    proceedings = deployer.deploy("Proceedings", court, stakes, beacon, asdict(parameters))
    market = deployer.deploy("JobMarket", paid_in, court, stakes, beacon, proceedings, asdict(parameters))
    deployer.call("StakeVault", "connect", market)
    contracts = deployer.finish()
    if token is not None:
        contracts[TOKEN] = _existing_token(sender.client, token)
    return Deployment(
        network=network, chain_id=sender.client.chain_id, commit=source_commit(), deployer=sender.address, contracts=contracts
    )


def contract_address(deployer: str, nonce: int) -> str:
    """Address of the contract that a transaction with this nonce creates: the last 20 bytes of keccak256(rlp([deployer, nonce]))."""
    encoded: bytes = rlp.encode([bytes.fromhex(deployer[2:]), nonce])
    return to_checksum_address(keccak(encoded)[12:])


def source_commit() -> str:
    """The commit this package was run from, or ``unknown`` outside a checkout."""
    here = Path(__file__).resolve().parent
    try:
        return subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=here, text=True, stderr=subprocess.DEVNULL).strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _existing_token(client: ChainClient, address: str) -> DeployedContract:
    """A record for a token that was there before: its ABI is the test token's, of which only the ERC-20 and permit part is used."""
    if not client.has_code(address):
        raise DeploymentError(f"there is no contract at {address}; give the address of an ERC-20 token")
    artifact = load_artifact("TestToken")
    return DeployedContract(
        address=address, artifact="TestToken", abi_sha256=artifact.abi_hash, transaction="0x" + "00" * 32, block=client.head()
    )


def _described(artifact: Artifact, arguments: Sequence[object]) -> dict[str, object]:
    names = [part["name"].rstrip("_") or f"argument{i}" for i, part in enumerate(artifact.constructor["inputs"])]
    return {name: value if isinstance(value, dict) else str(value) for name, value in zip(names, arguments, strict=True)}
