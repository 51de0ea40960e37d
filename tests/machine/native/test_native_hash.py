"""The library's SHA-256 and tensor roots against hashlib."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.machine.builder import Builder
from touchstone.machine.program import DType, MapFn
from touchstone.machine.reference import ReferenceMachine
from touchstone.machine.reference.hashing import tensor_root as reference_root
from touchstone.machine.runtime import NativeMachine, hash_blocks, hash_leaves, instruction_sets, tensor_root

SIZES = [1, 4, 63, 64, 1023, 1024, 1025, 2048, 3000, 4096, 5 * 1024, 64 * 1024, 129 * 1024 + 4, 1_000_000]


def expected_leaves(data: bytes) -> list[bytes]:
    return [hashlib.sha256(data[at : at + 1024].ljust(1024, b"\0")).digest() for at in range(0, len(data), 1024)]


def expected_root(data: bytes) -> bytes:
    level, zero = expected_leaves(data), bytes(32)
    while len(level) > 1:
        level += [zero] * (len(level) % 2)
        level = [hashlib.sha256(level[i] + level[i + 1]).digest() for i in range(0, len(level), 2)]
        zero = hashlib.sha256(zero + zero).digest()
    return level[0]


@pytest.fixture(params=[*instruction_sets(), "lanes"])
def level(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each way to hash that this processor has; lanes are those of its best instruction set."""
    name: str = request.param
    monkeypatch.setenv(*(("TOUCHSTONE_SHA", name) if name == "lanes" else ("TOUCHSTONE_ISA", name)))
    return name


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("threads", [0, 1, 2, 3])
def test_leaves_and_roots_are_those_of_hashlib(size: int, threads: int, level: str) -> None:
    data = np.random.default_rng(size).bytes(size)
    assert hash_leaves(data, threads) == b"".join(expected_leaves(data))
    assert tensor_root(data, threads) == expected_root(data)


@pytest.mark.parametrize("chunks", [1, 2, 3, 31, 63, 64, 65, 127, 128, 129, 191, 257, 4097])
def test_trees_are_padded_with_zero_subtrees_at_every_level(chunks: int, level: str) -> None:
    data = np.random.default_rng(chunks).bytes(1024 * chunks - 5)
    assert tensor_root(data) == reference_root(data) == expected_root(data)


@pytest.mark.parametrize("count", [0, 1, 2, 15, 16, 17, 40])
@pytest.mark.parametrize("block", [64, 192, 4096])
def test_blocks_are_hashed_one_by_one(count: int, block: int, level: str) -> None:
    data = np.random.default_rng(count).bytes(count * block)
    for threads in (1, 2):
        assert hash_blocks(data, block, threads) == [hashlib.sha256(data[at : at + block]).digest() for at in range(0, len(data), block)]


@pytest.mark.parametrize("left", [1, 54, 55, 56, 63, 65, 119, 120, 4095])
@pytest.mark.parametrize("count", [0, 1, 4, 16, 21])
def test_the_last_block_may_be_shorter(count: int, left: int, level: str) -> None:
    data = np.random.default_rng(left).bytes(count * 4096 + left)
    for threads in (1, 2):
        assert hash_blocks(data, 4096, threads) == [hashlib.sha256(data[at : at + 4096]).digest() for at in range(0, len(data), 4096)]


def test_machines_hash_blocks_with_their_own_threads(level: str) -> None:
    builder = Builder()
    step = builder.slot(DType.I32, (1,))
    builder.set_next(step, builder.map(MapFn.IADD, step, builder.fill(DType.I32, (1,), 1)))
    program = builder.build()
    data = np.random.default_rng(0).bytes(300_000)
    for machine in (NativeMachine(program, [], threads=2), ReferenceMachine(program, [])):
        machine.run(3)
        assert machine.hash_blocks(data, 4096) == hash_blocks(data, 4096)


@pytest.mark.parametrize("block", [0, 33, 96, -64])
def test_a_block_length_that_is_not_a_multiple_of_64_is_refused(block: int) -> None:
    with pytest.raises(ValueError, match="use a multiple of 64"):
        hash_blocks(bytes(192), block)


@given(st.binary(min_size=1, max_size=9000))
@settings(max_examples=100, deadline=None)
def test_any_bytes_hash_like_hashlib(data: bytes) -> None:
    assert hash_leaves(data) == b"".join(expected_leaves(data))
    assert tensor_root(data) == expected_root(data)


def test_arrays_are_hashed_as_their_words_in_order() -> None:
    array = np.arange(3000, dtype=np.float32).reshape(60, 50)
    assert tensor_root(array) == expected_root(array.tobytes())
    assert tensor_root(array.T) == expected_root(array.T.tobytes())
    assert hash_leaves(memoryview(array.tobytes())) == hash_leaves(array)


def test_a_buffer_that_does_not_begin_at_a_vector_boundary_hashes_alike() -> None:
    data = np.random.default_rng(0).bytes(5001)
    assert tensor_root(memoryview(data)[1:]) == expected_root(data[1:])
