"""Content identifiers: the CIDv1 that an IPFS node (Kubo) computes for a file, without needing one.

A file is cut into leaves of 262,144 bytes. One leaf is its own raw block; several are joined by a balanced tree of dag-pb nodes with at
most 174 links each. The parameters are Kubo's ``cid-version=1, raw-leaves=true, chunker=size-262144``; the formats are those of
https://github.com/multiformats/cid, https://ipld.io/specs/codecs/dag-pb/spec/ and https://specs.ipfs.tech/unixfs/.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NewType

from touchstone.machine.runtime import hash_blocks
from touchstone.store.errors import InvalidCidError

Cid = NewType("Cid", str)
Buffer = bytes | bytearray | memoryview
BlockHasher = Callable[[Buffer, int], list[bytes]]
"""SHA-256 of each block of a length, the last of which may be shorter."""

LEAF_BYTES = 262_144
MAX_LINKS = 174

_RAW = 0x55
_DAG_PB = 0x70
_SHA2_256 = b"\x12\x20"
_RAW_PREFIX = bytes([1, _RAW]) + _SHA2_256
_DAG_PB_PREFIX = bytes([1, _DAG_PB]) + _SHA2_256
_BINARY_LENGTH = 36
_UNIXFS_FILE = 2


@dataclass(frozen=True)
class _Block:
    """A node of the tree: its binary identifier, the file bytes below it, and the block bytes below and including it."""

    identifier: bytes
    file_bytes: int
    total_bytes: int


class CidBuilder:
    """Computes the identifier of bytes that arrive piece by piece; keeps at most one leaf and 36 bytes per finished leaf."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._leaves: list[_Block] = []

    def update(self, data: Buffer) -> None:
        """Append ``data`` to the file."""
        view = memoryview(data).cast("B")
        while len(view):
            if not self._pending and len(view) >= LEAF_BYTES:
                whole = len(view) // LEAF_BYTES * LEAF_BYTES
                self._leaves += _leaves(view[:whole])
                view = view[whole:]
                continue
            taken = LEAF_BYTES - len(self._pending)
            self._pending += view[:taken]
            view = view[taken:]
            if len(self._pending) == LEAF_BYTES:
                self._leaves += _leaves(self._pending)
                self._pending = bytearray()

    def finish(self) -> Cid:
        """The identifier of everything passed to :meth:`update` so far."""
        return _join([*self._leaves, *_leaves(self._pending)])


def cid_of(data: Buffer, hash_with: BlockHasher = hash_blocks) -> Cid:
    """The identifier of ``data`` as a file; ``hash_with`` hashes all its leaves together."""
    return _join(_leaves(data, hash_with))


def cid_of_parts(parts: Iterable[Buffer]) -> Cid:
    """The identifier of the concatenation of ``parts`` as a file."""
    builder = CidBuilder()
    for part in parts:
        builder.update(part)
    return builder.finish()


def parse_cid(text: str) -> Cid:
    """Return ``text`` as an identifier.

    Raises:
        InvalidCidError: it is not a base32 CIDv1 of a raw or dag-pb block hashed with SHA2-256, in canonical spelling.
    """
    reason = _fault(text)
    if reason is not None:
        raise InvalidCidError(f"{text[:80]!r} is not a content identifier ({reason}); expected a base32 CIDv1 such as bafkrei…")
    return Cid(text)


def _fault(text: str) -> str | None:
    if not text.startswith("b"):
        return "it does not start with 'b'"
    body = text[1:].upper()
    try:
        binary = base64.b32decode(body + "=" * (-len(body) % 8))
    except ValueError:
        return "it is not base32"
    if len(binary) != _BINARY_LENGTH:
        return f"it has {len(binary)} bytes instead of {_BINARY_LENGTH}"
    if binary[0] != 1 or binary[1] not in (_RAW, _DAG_PB) or binary[2:4] != _SHA2_256:
        return "version, codec or hash function is another"
    if "b" + base64.b32encode(binary).decode().lower().rstrip("=") != text:
        return "it is not in canonical spelling"
    return None


def _leaves(data: Buffer, hash_with: BlockHasher = hash_blocks) -> list[_Block]:
    """The leaves of ``data``; the last may be shorter than the others."""
    size = memoryview(data).nbytes
    lengths = [min(LEAF_BYTES, size - start) for start in range(0, size, LEAF_BYTES)]
    return [_Block(_RAW_PREFIX + digest, length, length) for digest, length in zip(hash_with(data, LEAF_BYTES), lengths, strict=True)]


def _join(leaves: list[_Block]) -> Cid:
    """The identifier of the tree over ``leaves``; a file without bytes is one leaf."""
    blocks = leaves or [_Block(_RAW_PREFIX + hashlib.sha256().digest(), 0, 0)]
    while len(blocks) > 1:
        blocks = [_parent(blocks[i : i + MAX_LINKS]) for i in range(0, len(blocks), MAX_LINKS)]
    return Cid("b" + base64.b32encode(blocks[0].identifier).decode().lower().rstrip("="))


def _parent(children: list[_Block]) -> _Block:
    """The dag-pb node over ``children``: its links, then its UnixFS description (type, size, sizes of the parts)."""
    links = b"".join(_field(2, _link(child)) for child in children)
    file_bytes = sum(child.file_bytes for child in children)
    unixfs = _number(1, _UNIXFS_FILE) + _number(3, file_bytes) + b"".join(_number(4, child.file_bytes) for child in children)
    block = links + _field(1, unixfs)
    return _Block(_DAG_PB_PREFIX + hashlib.sha256(block).digest(), file_bytes, len(block) + sum(child.total_bytes for child in children))


def _link(child: _Block) -> bytes:
    return _field(1, child.identifier) + _field(2, b"") + _number(3, child.total_bytes)


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited protocol-buffer field."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    """A varint protocol-buffer field."""
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
