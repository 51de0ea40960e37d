"""Reading a chain: calls, simulations, blocks, logs, receipts. Sending is in :mod:`touchstone.chain.sender`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eth_utils.address import to_checksum_address
from web3 import Web3

from touchstone.chain.artifacts import artifact_names, load_artifact
from touchstone.chain.contracts import Call, Contract, Event, RevertDecoder
from touchstone.chain.deployment import Deployment
from touchstone.chain.errors import ChainUnavailableError, ContractRevertError, InsufficientFundsError, RpcError
from touchstone.chain.rpc import FailoverProvider

BlockId = int | str
"""A block number, or ``"latest"``, ``"pending"``, ``"earliest"``."""


@dataclass(frozen=True)
class Block:
    """A block's header, in parts; ``hash`` is 0x-prefixed, ``timestamp`` in seconds, ``base_fee`` in wei per gas."""

    number: int
    hash: str
    timestamp: int
    base_fee: int
    prev_randao: bytes


@dataclass(frozen=True)
class RawReceipt:
    """A transaction's receipt as the node reports it now; ``created`` is the address of the contract it created, if any."""

    transaction: str
    success: bool
    block: int
    block_hash: str
    gas_used: int
    gas_price: int
    logs: tuple[Mapping[str, Any], ...]
    created: str | None = None


class ChainClient:
    """Read access to one chain through one or more RPC endpoints, with the contracts of a deployment.

    Args:
        rpc: endpoint addresses; those of the deployment when empty.
        deployment: where the contracts are. Without one, any chain is accepted and no contract is known by name.
        timeout: seconds an endpoint may take to answer.
    """

    def __init__(self, rpc: Sequence[str] = (), deployment: Deployment | None = None, timeout: float = 20.0) -> None:
        self.deployment = deployment
        expected = deployment.chain_id if deployment is not None else None
        urls = tuple(rpc) or (deployment.rpc if deployment is not None else ())
        self.provider = FailoverProvider(urls, expected, timeout)
        self._contracts: dict[str, Contract] = {}

    @cached_property
    def web3(self) -> Web3:
        """A web3.py object over the same endpoints, for what this class does not cover."""
        return Web3(self.provider)

    @cached_property
    def chain_id(self) -> int:
        """The chain's number."""
        return int(self.provider.request("eth_chainId"), 16)

    @cached_property
    def genesis(self) -> str:
        """Hash of the chain's first block: its identity."""
        return self.block(0).hash

    @cached_property
    def reverts(self) -> RevertDecoder:
        """Decoder of the errors of all contracts of this release."""
        return RevertDecoder(load_artifact(name).abi for name in artifact_names())

    def contract(self, name: str) -> Contract:
        """A contract of the deployment. Raises DeploymentError when there is none of this name."""
        if name not in self._contracts:
            if self.deployment is None:
                raise ChainUnavailableError("no deployment file was given; name one with --deployment")
            self._contracts[name] = self.deployment.contract(name)
        return self._contracts[name]

    def call(self, contract: str, function: str, *arguments: object, value: int = 0) -> Call:
        """A call to a contract of the deployment, to be passed to :meth:`simulate` or to a sender. Raises as :meth:`Contract.call`."""
        return self.contract(contract).call(function, *arguments, value=value)

    def read(self, contract: str, function: str, *arguments: object, block: BlockId = "latest") -> Any:
        """What a view function returns. Raises ContractRevertError with the contract's own error, and as :meth:`Contract.call`."""
        return self.simulate(self.call(contract, function, *arguments), block=block)

    def simulate(self, call: Call, sender: str | None = None, block: BlockId = "latest") -> Any:
        """Run a call without sending anything, and return its value.

        Raises:
            ContractRevertError: the contract refuses it.
            InsufficientFundsError: the sender cannot pay for it.
        """
        data = self._run("eth_call", call, sender, block)
        return call.result(bytes.fromhex(data[2:]))

    def estimate_gas(self, call: Call, sender: str, block: BlockId = "pending") -> int:
        """Gas a call needs. Raises as :meth:`simulate`."""
        return int(self._run("eth_estimateGas", call, sender, block), 16)

    def block(self, number: BlockId = "latest") -> Block:
        """A block. Raises RpcError when the chain has none of this number."""
        raw = self.raw_block(number)
        return Block(
            number=int(raw["number"], 16),
            hash=raw["hash"],
            timestamp=int(raw["timestamp"], 16),
            base_fee=int(raw.get("baseFeePerGas") or "0x0", 16),
            prev_randao=bytes.fromhex((raw.get("mixHash") or "0x" + "00" * 32)[2:]),
        )

    def raw_block(self, number: BlockId) -> Mapping[str, Any]:
        """A block's header as the node reports it. Raises RpcError when the chain has none of this number."""
        raw = self.provider.request("eth_getBlockByNumber", _tag(number), False)
        if raw is None:
            raise RpcError("eth_getBlockByNumber", 0, f"there is no block {number}")
        found: Mapping[str, Any] = raw
        return found

    def head(self) -> int:
        """Number of the newest block."""
        return int(self.provider.request("eth_blockNumber"), 16)

    def balance(self, address: str) -> int:
        """An account's wei."""
        return int(self.provider.request("eth_getBalance", address, "latest"), 16)

    def nonce(self, address: str, block: BlockId = "latest") -> int:
        """Number of transactions an account had sent at a block (``"pending"``: those waiting included)."""
        return int(self.provider.request("eth_getTransactionCount", address, _tag(block)), 16)

    def has_code(self, address: str) -> bool:
        """Whether a contract is at this address."""
        return bool(self.provider.request("eth_getCode", address, "latest") not in ("0x", "0x0"))

    def knows_transaction(self, transaction: str) -> bool:
        """Whether the node has a transaction, mined or waiting."""
        return self.provider.request("eth_getTransactionByHash", transaction) is not None

    def receipt(self, transaction: str) -> RawReceipt | None:
        """A transaction's receipt, or None while it is not on the chain."""
        raw = self.provider.request("eth_getTransactionReceipt", transaction)
        if raw is None or raw.get("blockNumber") is None:
            return None
        return RawReceipt(
            transaction=raw["transactionHash"],
            success=int(raw["status"], 16) == 1,
            block=int(raw["blockNumber"], 16),
            block_hash=raw["blockHash"],
            gas_used=int(raw["gasUsed"], 16),
            gas_price=int(raw.get("effectiveGasPrice") or "0x0", 16),
            logs=tuple(raw["logs"]),
            created=raw.get("contractAddress"),
        )

    def logs(self, contracts: Sequence[Contract], first: int, last: int, topics: Sequence[object] = ()) -> list[Event]:
        """Decoded events of contracts in the blocks first … last, in order. ``topics`` filters as in JSON-RPC."""
        query = {
            "address": [contract.address for contract in contracts],
            "fromBlock": hex(first),
            "toBlock": hex(last),
            "topics": list(topics),
        }
        return decode_logs(self.provider.request("eth_getLogs", query), contracts)

    def revert_error(self, call: Call, data: bytes, transaction: str | None = None) -> ContractRevertError:
        """The error for a revert of ``call`` with ``data``."""
        revert = self.reverts.decode(data)
        return ContractRevertError(call.contract, call.function, revert.error, revert.values, revert.text, transaction)

    def _run(self, method: str, call: Call, sender: str | None, block: BlockId) -> str:
        request = {"data": "0x" + call.data.hex()}
        if call.address:
            request["to"] = call.address
        if call.value:
            request["value"] = hex(call.value)
        if sender is not None:
            request["from"] = sender
        try:
            return str(self.provider.request(method, request, _tag(block)))
        except RpcError as error:
            raise self._explain(error, call, sender) from error

    def _explain(self, error: RpcError, call: Call, sender: str | None) -> Exception:
        data = _revert_data(error.data)
        if data is not None or "revert" in error.message.lower():
            return self.revert_error(call, data or b"")
        if "insufficient funds" in error.message.lower():
            return InsufficientFundsError(f"{sender} cannot pay for {call.contract}.{call.function}; send it some of the chain's currency")
        return error


def decode_logs(logs: Sequence[Mapping[str, Any]], contracts: Sequence[Contract]) -> list[Event]:
    """Events of ``contracts`` among raw logs, in order; other logs are left out."""
    by_address = {contract.address: contract for contract in contracts}
    events = []
    for log in logs:
        contract = by_address.get(to_checksum_address(log["address"]))
        event = contract.decode(log) if contract is not None else None
        if event is not None:
            events.append(event)
    return events


def _revert_data(data: object) -> bytes | None:
    """Revert data in the places where nodes put it, or None."""
    if isinstance(data, dict):
        data = data.get("data") or data.get("result")
    if not isinstance(data, str) or "0x" not in data:
        return None
    try:
        return bytes.fromhex(data[data.index("0x") + 2 :])
    except ValueError:
        return None


def _tag(block: BlockId) -> str:
    return hex(block) if isinstance(block, int) else block
