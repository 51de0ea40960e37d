"""Deploying everything: token (on development chains), referee, court, vault, beacon, market."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eth_utils.address import to_checksum_address

from touchstone.chain.artifacts import Artifact, load_artifact
from touchstone.chain.client import ChainClient
from touchstone.chain.contracts import Call, Contract, encode_arguments
from touchstone.chain.deployment import DeployedContract, Deployment
from touchstone.chain.errors import DeploymentError
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
    """Deploys contracts one by one and keeps the record.

    Each deployment is journaled under the contract's name, so that running again after a crash goes on where it stopped.
    """

    def __init__(self, sender: Sender, progress: DeployProgress | None = None) -> None:
        self._sender = sender
        self._progress = progress
        self.contracts: dict[str, DeployedContract] = {}
        self._libraries: dict[str, str] = {}

    def deploy(self, artifact_name: str, *arguments: object, name: str | None = None) -> str:
        """Deploy a contract, and the libraries it needs before it, and return its address.

        Raises:
            DeploymentError: an artifact is missing.
            ContractRevertError: the constructor refuses the arguments.
        """
        known_as = name or artifact_name
        artifact = load_artifact(artifact_name)
        for link in artifact.links:
            if link.library not in self._libraries:
                self._libraries[link.library] = self.deploy(link.library)
        code = _creation_code(artifact, self._libraries, arguments)
        receipt = self._sender.execute(Call(known_as, "", "constructor", code), f"deploy {known_as}")
        raw = self._sender.client.receipt(receipt.transaction)
        if raw is None or raw.created is None:
            raise DeploymentError(f"transaction {receipt.transaction} created no contract; deploy again")
        address = to_checksum_address(raw.created)
        self.contracts[known_as] = DeployedContract(
            address=address,
            artifact=artifact_name,
            abi_sha256=artifact.abi_hash,
            transaction=receipt.transaction,
            block=receipt.block,
            arguments=_described(artifact, arguments),
        )
        if self._progress is not None:
            self._progress(known_as)
        return address

    def call(self, name: str, function: str, *arguments: object) -> None:
        """Call a function of a deployed contract, once."""
        entry = self.contracts[name]
        contract = Contract(name, entry.address, load_artifact(entry.artifact).abi)
        self._sender.execute(contract.call(function, *arguments), f"deploy {name}.{function}")


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
    if token is not None:
        deployer.contracts[TOKEN] = _existing_token(sender.client, token)
    return Deployment(
        network=network, chain_id=sender.client.chain_id, commit=source_commit(), deployer=sender.address, contracts=deployer.contracts
    )


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


def _creation_code(artifact: Artifact, libraries: Mapping[str, str], arguments: Sequence[object]) -> bytes:
    return artifact.linked(libraries) + encode_arguments(artifact.constructor, arguments)


def _described(artifact: Artifact, arguments: Sequence[object]) -> dict[str, object]:
    names = [part["name"].rstrip("_") or f"argument{i}" for i, part in enumerate(artifact.constructor["inputs"])]
    return {name: value if isinstance(value, dict) else str(value) for name, value in zip(names, arguments, strict=True)}
