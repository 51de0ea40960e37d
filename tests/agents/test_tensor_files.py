"""Tensor files: canonical, readable by safetensors, and nothing else accepted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.numpy import load_file, save

from touchstone.store.errors import InvalidTensorFileError
from touchstone.store.tensors import TensorFile, pack, pack_parts, unpack

SHAPES = arrays.array_shapes(min_dims=0, max_dims=4, min_side=1, max_side=5)
WORDS = st.one_of(arrays.arrays(np.uint32, SHAPES).map(lambda words: words.view(np.float32)), arrays.arrays(np.int32, SHAPES))
NAMES = st.text(min_size=1, max_size=12, alphabet=st.characters(exclude_categories=["Cs"])).filter(lambda name: name != "__metadata__")


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(NAMES, WORDS, max_size=6))
def test_every_bit_name_and_position_comes_back(tensors: dict[str, np.ndarray]) -> None:
    names, values = unpack(pack(list(tensors), list(tensors.values())))
    assert list(names) == list(tensors)
    for value, expected in zip(values, tensors.values(), strict=True):
        assert value.dtype == expected.dtype
        assert value.shape == expected.shape
        assert value.tobytes() == expected.tobytes()


def test_the_safetensors_library_reads_our_files(tmp_path: Path) -> None:
    weights, step = np.arange(6, dtype=np.float32).reshape(2, 3), np.array([7], np.int32)
    (tmp_path / "x.safetensors").write_bytes(pack(["param:0.weight", "step"], [weights, step]))
    found = load_file(tmp_path / "x.safetensors")
    assert np.array_equal(found["param:0.weight"], weights)
    assert np.array_equal(found["step"], step)


def test_pieces_join_to_the_same_bytes_also_for_arrays_that_are_not_contiguous() -> None:
    transposed = np.arange(6, dtype=np.float32).reshape(2, 3).T
    assert b"".join(pack_parts(["x"], [transposed])) == pack(["x"], [np.ascontiguousarray(transposed)])


def test_arrays_read_from_a_file_cannot_be_changed_by_accident() -> None:
    _, (value,) = unpack(pack(["x"], [np.zeros(3, np.float32)]))
    with pytest.raises(ValueError, match="read-only"):
        value[0] = 1


@pytest.mark.parametrize(
    ("names", "tensors", "message"),
    [
        (["x"], [np.zeros(2)], "has dtype float64; convert it"),
        (["x"], [np.zeros(2, ">f4")], "convert it"),
        (["x", "x"], [np.zeros(1, np.int32)] * 2, "two tensors are named 'x'"),
        ([""], [np.zeros(1, np.int32)], "cannot name a tensor"),
        (["__metadata__"], [np.zeros(1, np.int32)], "cannot name a tensor"),
        (["x"], [], "1 names for 0 tensors"),
    ],
)
def test_what_cannot_be_written_is_refused(names: list[str], tensors: list[np.ndarray], message: str) -> None:
    with pytest.raises(InvalidTensorFileError, match=message):
        pack(names, tensors)


def header(entries: object, body: bytes) -> bytes:
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + body


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 16,
        (1 << 40).to_bytes(8, "little"),
        header([], b""),
        header({"x": ENTRY}, b"1234567"),
        header({"x": ENTRY}, b"123456789"),
        header({"x": {**ENTRY, "dtype": "F64"}}, b"12345678"),
        header({"x": {**ENTRY, "shape": [-2]}}, b"12345678"),
        header({"x": {**ENTRY, "shape": [True, 2]}}, b"12345678"),
        header({"x": {**ENTRY, "data_offsets": [8, 16]}}, b"12345678"),
        header({"x": {**ENTRY, "extra": 1}}, b"12345678"),
        header({"x": ENTRY, "__metadata__": {"a": "b"}}, b"12345678"),
        header({"x": {"shape": [2], "dtype": "F32", "data_offsets": [0, 8]}}, b"12345678"),
        b"\x10" + bytes(7) + b"{" * 16,
        save({"b": np.zeros(1, np.float32), "a": np.zeros(1, np.float32)}) + b"x",
    ],
)
def test_bytes_that_pack_never_writes_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidTensorFileError):
        unpack(data)


def test_a_file_whose_arrays_are_written_in_place_is_the_packed_file() -> None:
    arrays = [np.arange(6, dtype=np.float32).reshape(2, 3), np.array(7, dtype=np.int32), np.ones((1, 5), dtype=np.float32)]
    file = TensorFile(["a", "b", "c"], [(array.dtype, array.shape) for array in arrays])
    for target, array in zip(file.arrays, arrays, strict=True):
        np.copyto(target, array)
    assert bytes(file.data) == pack(["a", "b", "c"], arrays)
