"""Contracts by their ABI: calls to them, what they return, the errors they revert with, the events they emit."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from eth_abi import abi as codec
from eth_abi.exceptions import DecodingError, EncodingError
from eth_utils.abi import collapse_if_tuple
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from touchstone.chain.artifacts import Abi
from touchstone.chain.errors import DeploymentError

AbiItem = Mapping[str, Any]

_PANICS = {
    0x01: "a failed assertion",
    0x11: "an arithmetic overflow",
    0x12: "a division by zero",
    0x21: "a value outside its enum",
    0x32: "an index out of bounds",
    0x41: "too much memory",
}


@dataclass(frozen=True)
class Call:
    """A call of a contract's function: whom, with which data, and how to read the answer. No address: it creates the contract."""

    contract: str
    address: str
    function: str
    data: bytes
    value: int = 0
    item: AbiItem = field(default_factory=dict, repr=False)

    def result(self, data: bytes) -> Any:
        """The function's return value: nothing, one value, or a tuple; structs are named tuples. Raises DeploymentError on nonsense."""
        outputs = self.item.get("outputs", [])
        try:
            values = _decode(outputs, data)
        except DecodingError as error:
            raise DeploymentError(
                f"{self.contract}.{self.function} at {self.address} answers with other data than its ABI says; check the deployment file"
            ) from error
        if not outputs:
            return None
        return values[0] if len(values) == 1 else tuple(values)


@dataclass(frozen=True)
class Event:
    """A decoded log. ``values`` has the event's arguments by name; structs are named tuples, bytes are bytes.

    ``block_hash`` and ``transaction`` are 0x-prefixed.
    """

    contract: str
    name: str
    values: Mapping[str, Any]
    address: str
    block: int
    block_hash: str
    transaction: str
    index: int


class Contract:
    """A deployed contract: builds calls and decodes events."""

    def __init__(self, name: str, address: str, abi: Abi) -> None:
        self.name = name
        self.address = to_checksum_address(address)
        self.abi = abi
        self._functions = {item["name"]: item for item in abi if item["type"] == "function"}
        self._events = {_topic(item): item for item in abi if item["type"] == "event"}

    def call(self, function: str, *arguments: object, value: int = 0) -> Call:
        """A call of ``function``. Structs may be given as tuples, named tuples or mappings.

        Raises:
            DeploymentError: the contract has no such function.
            TypeError: the arguments do not fit it.
        """
        item = self._functions.get(function)
        if item is None:
            raise DeploymentError(f"{self.name} has no function {function!r}; use artifacts and agents of the same release")
        selector = keccak(text=signature(item))[:4]
        return Call(self.name, self.address, function, selector + encode_arguments(item, arguments), value, item)

    def topic(self, event: str) -> str:
        """The topic of the event of this name. Raises DeploymentError."""
        for topic, item in self._events.items():
            if item["name"] == event:
                return "0x" + topic.hex()
        raise DeploymentError(f"{self.name} has no event {event!r}; use artifacts and agents of the same release")

    def decode(self, log: Mapping[str, Any]) -> Event | None:
        """The event in a log of this contract as JSON-RPC returns it, or None for one that is not in the ABI."""
        topics = [_bytes(topic) for topic in log["topics"]]
        item = self._events.get(topics[0]) if topics else None
        if item is None:
            return None
        return Event(
            contract=self.name,
            name=item["name"],
            values=_event_values(item, topics[1:], _bytes(log["data"])),
            address=self.address,
            block=int(log["blockNumber"], 16),
            block_hash=log["blockHash"],
            transaction=log["transactionHash"],
            index=int(log["logIndex"], 16),
        )


@dataclass(frozen=True)
class Revert:
    """A decoded revert: the error's name, its values, and both as text for people."""

    error: str
    values: Mapping[str, object]
    text: str


class RevertDecoder:
    """Reads revert data with the errors of all known contracts."""

    def __init__(self, abis: Iterable[Abi]) -> None:
        errors = [item for abi in abis for item in abi if item["type"] == "error"]
        self._errors = {keccak(text=signature(item))[:4]: item for item in errors}

    def decode(self, data: bytes) -> Revert:
        """What ``data`` says; unknown data is shown as it is."""
        selector, body = data[:4], data[4:]
        try:
            if selector == bytes.fromhex("08c379a0"):
                (reason,) = codec.decode(["string"], body)
                return Revert("Error", {"reason": reason}, f"{reason!r}")
            if selector == bytes.fromhex("4e487b71"):
                (code,) = codec.decode(["uint256"], body)
                return Revert("Panic", {"code": code}, _PANICS.get(code, f"panic 0x{code:02x}"))
            item = self._errors.get(selector)
            if item is not None:
                return _named_revert(item, body)
        except DecodingError:
            pass
        return Revert("", {"data": data}, f"an unknown error 0x{data.hex()[:72]}" if data else "no reason given")


def encode_arguments(item: AbiItem, arguments: Sequence[object]) -> bytes:
    """The arguments of a function or constructor. Raises TypeError when they do not fit it."""
    inputs = item.get("inputs", [])
    types = [collapse_if_tuple(dict(part)) for part in inputs]
    try:
        return codec.encode(types, [_ordered(part, part["type"], value) for part, value in zip(inputs, arguments, strict=True)])
    except (EncodingError, ValueError, LookupError) as error:
        raise TypeError(f"the arguments do not fit {item.get('name', 'the constructor')}({', '.join(types)}): {error}") from error


def signature(item: AbiItem) -> str:
    """Canonical signature of a function, event or error, e.g. ``bid(uint256,bytes32)``."""
    return f"{item['name']}({','.join(collapse_if_tuple(dict(part)) for part in item.get('inputs', []))})"


def _topic(item: AbiItem) -> bytes:
    return keccak(text=signature(item))


def _named_revert(item: AbiItem, body: bytes) -> Revert:
    inputs = item.get("inputs", [])
    values = {part["name"] or f"value{i}": value for i, (part, value) in enumerate(zip(inputs, _decode(inputs, body), strict=True))}
    shown = ", ".join(f"{name}={_show(value)}" for name, value in values.items())
    return Revert(item["name"], values, f"{item['name']}({shown})")


def _show(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


def _event_values(item: AbiItem, topics: Sequence[bytes], data: bytes) -> dict[str, Any]:
    inputs = item["inputs"]
    indexed = [part for part in inputs if part["indexed"]]
    plain = [part for part in inputs if not part["indexed"]]
    values = dict(zip([part["name"] for part in plain], _decode(plain, data), strict=True))
    for part, topic in zip(indexed, topics, strict=True):
        values[part["name"]] = _indexed_value(part, topic)
    return {part["name"]: values[part["name"]] for part in inputs}


def _indexed_value(part: AbiItem, topic: bytes) -> Any:
    """An indexed argument; of texts, arrays and structs the log holds only the hash."""
    kind = part["type"]
    if kind in ("string", "bytes") or kind.startswith("tuple") or kind.endswith("]"):
        return topic
    return _decode([part], topic)[0]


def _decode(parts: Sequence[AbiItem], data: bytes) -> list[Any]:
    types = [collapse_if_tuple(dict(part)) for part in parts]
    return [_named(part, part["type"], value) for part, value in zip(parts, codec.decode(types, data), strict=True)]


def _named(part: AbiItem, kind: str, value: Any) -> Any:
    """Turn the plain tuples of decoded structs into named tuples, and addresses into checksummed ones."""
    if kind.endswith("]"):
        inner = kind[: kind.rindex("[")]
        return [_named(part, inner, element) for element in value]
    if kind == "tuple":
        fields = part["components"]
        struct = _struct(tuple(component["name"] for component in fields))
        return struct(*(_named(component, component["type"], element) for component, element in zip(fields, value, strict=True)))
    return to_checksum_address(value) if kind == "address" else value


def _ordered(part: AbiItem, kind: str, value: Any) -> Any:
    """Turn the mappings given for structs into tuples in the order of their fields."""
    if kind.endswith("]"):
        inner = kind[: kind.rindex("[")]
        return [_ordered(part, inner, element) for element in value]
    if kind != "tuple":
        return value
    fields = part["components"]
    if isinstance(value, Mapping):
        value = [value[component["name"]] for component in fields]
    return tuple(_ordered(component, component["type"], element) for component, element in zip(fields, value, strict=True))


@cache
def _struct(names: tuple[str, ...]) -> Any:
    return namedtuple("Struct", names, rename=True)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
