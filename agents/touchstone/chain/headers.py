"""Block headers in the bytes that hash to the block's hash, for contracts that read them (the beacon)."""

from __future__ import annotations

import rlp  # type: ignore[import-untyped]
from eth_utils.crypto import keccak

from touchstone.chain.client import ChainClient
from touchstone.chain.errors import RpcError

_BYTES = ("parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom")
_NUMBERS = ("difficulty", "number", "gasLimit", "gasUsed", "timestamp")
_ORDER = (
    *_BYTES,
    *_NUMBERS,
    *("extraData", "mixHash", "nonce", "baseFeePerGas", "withdrawalsRoot", "blobGasUsed", "excessBlobGas"),
    *("parentBeaconBlockRoot", "requestsHash"),
)
_QUANTITIES = frozenset({*_NUMBERS, "baseFeePerGas", "blobGasUsed", "excessBlobGas"})


def header_bytes(client: ChainClient, number: int) -> bytes:
    """RLP encoding of a block's header (fields up to Prague's; later forks must be added at the end).

    Raises:
        RpcError: there is no such block, or its header has fields this release does not know.
    """
    raw = client.raw_block(number)
    fields = [_field(name, raw[name]) for name in _ORDER if raw.get(name) is not None]
    encoded: bytes = rlp.encode(fields)
    if "0x" + keccak(encoded).hex() != raw["hash"]:
        raise RpcError("eth_getBlockByNumber", 0, f"the header of block {number} does not hash to its hash")
    return encoded


def _field(name: str, text: str) -> bytes:
    if name in _QUANTITIES:
        value = int(text, 16)
        return value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes.fromhex(text[2:])
