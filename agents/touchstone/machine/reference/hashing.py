"""Tensor roots, section 4 of docs/specification/machine.md, chunk by chunk."""

from __future__ import annotations

import hashlib

CHUNK_BYTES = 1024


def tensor_root(data: bytes) -> bytes:
    """Root of the tree over the chunks of a tensor's bytes (at least one)."""
    level = [sha256(data[at : at + CHUNK_BYTES].ljust(CHUNK_BYTES, b"\0")) for at in range(0, len(data), CHUNK_BYTES)]
    zero = bytes(32)
    while len(level) > 1:
        if len(level) % 2:
            level.append(zero)
        level = [sha256(level[at] + level[at + 1]) for at in range(0, len(level), 2)]
        zero = sha256(zero + zero)
    return level[0]


def sha256(data: bytes) -> bytes:
    """SHA-256 (FIPS 180-4)."""
    return hashlib.sha256(data).digest()
