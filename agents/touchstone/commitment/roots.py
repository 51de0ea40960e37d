"""Roots of tensors, programs, states and traces, section 4 of docs/specification/machine.md.

Tensors are hashed by the native library, on all processors; everything above a tensor's root is small and stays in Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from touchstone.commitment.merkle import HASH_BYTES, ZERO, Tree, depth, root, sha256
from touchstone.machine import runtime
from touchstone.machine.program import RECORD_BYTES, Program, encode

CHUNK_BYTES = 1024
CHUNK_WORDS = CHUNK_BYTES // 4

Tensor = npt.NDArray[np.float32] | npt.NDArray[np.int32] | npt.NDArray[np.uint32]


def chunks(tensor: Tensor) -> list[bytes]:
    """The tensor's bytes, little-endian and row-major, in pieces of 1,024, the last padded with zeros."""
    data = _little_endian(tensor).tobytes()
    return [data[first : first + CHUNK_BYTES].ljust(CHUNK_BYTES, b"\0") for first in range(0, len(data), CHUNK_BYTES)]


def chunk_count(elements: int) -> int:
    """Number of chunks of a tensor with this many elements."""
    return -(-elements // CHUNK_WORDS)


def chunk_leaves(tensor: Tensor) -> list[bytes]:
    """SHA-256 of each chunk of a tensor."""
    leaves = runtime.hash_leaves(_little_endian(tensor))
    return [leaves[first : first + HASH_BYTES] for first in range(0, len(leaves), HASH_BYTES)]


def tensor_root(tensor: Tensor) -> bytes:
    """Root of the tree over a tensor's chunks."""
    return runtime.tensor_root(_little_endian(tensor))


def output_prefix(leaves: Sequence[bytes], count: int) -> bytes:
    """Output prefix Q(count): the tree over a node's chunk leaves with only the first ``count`` filled."""
    return root(leaves[:count], depth(len(leaves)))


def state_root(state: Sequence[Tensor]) -> bytes:
    """State root S: the tree over the slots' tensor roots, in slot order."""
    return root([tensor_root(slot) for slot in state])


def constants_root(constants: Sequence[Tensor]) -> bytes:
    """The tree over the constants' tensor roots; Z0 when there are none."""
    return root([tensor_root(constant) for constant in constants])


def records(program: Program) -> list[bytes]:
    """The program's records, ``RECORD_BYTES`` each; ``Program.record_index`` says where each declaration is."""
    data = encode(program)
    return [data[first : first + RECORD_BYTES] for first in range(0, len(data), RECORD_BYTES)]


def program_tree(program: Program) -> Tree:
    """The tree over the program's records."""
    return Tree([sha256(record) for record in records(program)])


def program_root(program: Program) -> bytes:
    """Root of the tree over the program's records."""
    return program_tree(program).root


def seal(job: int, interval: int, root: bytes) -> bytes:
    """Seal K of an interval whose last step starts at state root ``root``: SHA-256(job || interval || root)."""
    return sha256(job.to_bytes(32, "big") + interval.to_bytes(32, "big") + root)


class TraceTree:
    """The tree of one step's trace: node output roots on the left, the next state's slot roots on the right.

    Args:
        node_roots: the nodes' output roots, in order (N of them).
        slot_roots: the next state's tensor roots, in slot order (M of them).
    """

    def __init__(self, node_roots: Sequence[bytes], slot_roots: Sequence[bytes]) -> None:
        self.nodes = Tree(node_roots)
        self.slots = Tree(slot_roots)

    @property
    def root(self) -> bytes:
        """Trace root, SHA-256(T || S(t+1))."""
        return sha256(self.nodes.root + self.slots.root)

    def prefix_root(self, count: int) -> bytes:
        """Trace prefix P(count): only the first ``count`` of the N node leaves and then the M slot leaves filled."""
        left, right = self._halves(count)
        return sha256(self.nodes.prefix_root(left) + self.slots.prefix_root(right))

    def node_path(self, count: int, node: int) -> list[bytes]:
        """Siblings of node ``node`` in P(count), depth(N) + 1 of them."""
        left, right = self._halves(count)
        return [*self.nodes.prefix_path(left, node), self.slots.prefix_root(right)]

    def slot_path(self, count: int, slot: int) -> list[bytes]:
        """Siblings of slot ``slot`` of the right half in P(count), depth(M) + 1 of them."""
        left, right = self._halves(count)
        return [*self.slots.prefix_path(right, slot), self.nodes.prefix_root(left)]

    def slot_index(self, slot: int) -> int:
        """Position of a slot for climbing: its top bit says that the right half is on the right."""
        return slot | 1 << self.slots.depth

    def _halves(self, count: int) -> tuple[int, int]:
        left = min(count, self.nodes.leaves)
        return left, count - left


def trace_prefix(node_roots: Sequence[bytes], slot_roots: Sequence[bytes], count: int) -> bytes:
    """Trace prefix P(count); use :class:`TraceTree` for more than one."""
    return TraceTree(node_roots, slot_roots).prefix_root(count)


def empty_trace(nodes: int, slots: int) -> bytes:
    """P(0) for N nodes and M slots."""
    return sha256(ZERO[depth(nodes)] + ZERO[depth(slots)])


def _little_endian(tensor: Tensor) -> Tensor:
    """The tensor in the byte order of section 1: the tensor itself on the usual machines."""
    return cast(Tensor, tensor.astype(tensor.dtype.newbyteorder("<"), copy=False))
