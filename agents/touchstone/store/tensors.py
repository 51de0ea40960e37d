"""Tensor files: named float32 and int32 tensors as one safetensors file, written in exactly one way.

The format is safetensors (https://github.com/huggingface/safetensors), so every safetensors reader opens these files. Ours are canonical:
tensors stand in their own order (that of the slots or constants) without gaps, the header lists them in that order as compact ASCII JSON
with the keys dtype, shape, data_offsets, and is padded with spaces to a multiple of 8 bytes. Equal tensors give equal bytes, hence equal
identifiers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np

from touchstone.machine.workload import Array
from touchstone.store.disk import page_aligned
from touchstone.store.errors import InvalidTensorFileError

MAX_HEADER_BYTES = 100_000_000

_DTYPE: dict[str, np.dtype[np.generic]] = {"F32": np.dtype("<f4"), "I32": np.dtype("<i4")}
_CODE = {dtype: code for code, dtype in _DTYPE.items()}
_LENGTH_BYTES = 8


def pack(names: Sequence[str], arrays: Sequence[Array]) -> bytes:
    """The tensor file holding ``arrays`` under ``names``, in this order.

    Raises:
        InvalidTensorFileError: a name is empty, reserved or used twice, or a dtype is neither float32 nor int32.
    """
    return b"".join(pack_parts(names, arrays))


def pack_parts(names: Sequence[str], arrays: Sequence[Array]) -> Iterator[bytes | memoryview]:
    """The bytes of :func:`pack`, piece by piece and without copying the arrays that are already C-contiguous."""
    yield _header(names, [array.dtype for array in arrays], [array.shape for array in arrays])
    for array in arrays:
        yield np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


class TensorFile:
    """The bytes of a tensor file, with its tensors as arrays that can be written in place.

    Args:
        names: the tensors' names.
        types: their dtypes (float32 or int32) and shapes.

    Attributes:
        data: the whole file.
        arrays: the tensors, in order: writable views of ``data``.

    Raises:
        InvalidTensorFileError: as for :func:`pack`.
    """

    def __init__(self, names: Sequence[str], types: Sequence[tuple[np.dtype[Any], tuple[int, ...]]]) -> None:
        header = _header(names, [dtype for dtype, _ in types], [shape for _, shape in types])
        self.data = page_aligned(len(header) + 4 * sum(_count(shape) for _, shape in types))
        self.data[: len(header)] = header
        buffer = np.frombuffer(self.data, dtype=np.uint8)
        self.arrays: list[Array] = []
        position = len(header)
        for dtype, shape in types:
            end = position + 4 * _count(shape)
            self.arrays.append(cast(Array, buffer[position:end].view(dtype).reshape(shape)))
            position = end


def unpack(data: bytes | memoryview) -> tuple[tuple[str, ...], tuple[Array, ...]]:
    """Names and tensors of a file written by :func:`pack`. The arrays are read-only views of ``data``.

    Raises:
        InvalidTensorFileError: ``data`` is not such a file, byte for byte.
    """
    view = memoryview(data).cast("B").toreadonly()
    entries, start = _read_header(view)
    names, dtypes, shapes, arrays = [], [], [], []
    position = start
    for name, entry in entries.items():
        dtype, shape = _read_entry(name, entry)
        count = _count(shape)
        if position + 4 * count > len(view):
            raise InvalidTensorFileError(f"tensor {name!r} runs past the end of the file; fetch the file again")
        array = np.frombuffer(view, dtype=dtype, count=count, offset=position).reshape(shape)
        names.append(name)
        dtypes.append(dtype)
        shapes.append(shape)
        arrays.append(cast(Array, array))
        position += 4 * count
    if position != len(view):
        raise InvalidTensorFileError(f"{len(view) - position} bytes follow the last tensor; fetch the file again")
    if _header(names, dtypes, shapes) != bytes(view[:start]):
        raise InvalidTensorFileError("the header is not in canonical form; write the file with touchstone.store.tensors.pack")
    return tuple(names), tuple(arrays)


def _header(names: Sequence[str], dtypes: Sequence[np.dtype[np.generic]], shapes: Sequence[tuple[int, ...]]) -> bytes:
    _check_names(names, len(shapes))
    entries: dict[str, object] = {}
    position = 0
    for name, dtype, shape in zip(names, dtypes, shapes, strict=True):
        if dtype not in _CODE:
            raise InvalidTensorFileError(f"tensor {name!r} has dtype {dtype}; convert it to float32 or int32")
        end = position + 4 * _count(shape)
        entries[name] = {"dtype": _CODE[dtype], "shape": list(shape), "data_offsets": [position, end]}
        position = end
    text = json.dumps(entries, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(_LENGTH_BYTES, "little") + text


def _check_names(names: Sequence[str], count: int) -> None:
    if len(names) != count:
        raise InvalidTensorFileError(f"{len(names)} names for {count} tensors; give each tensor one name")
    seen: set[str] = set()
    for name in names:
        if not name or name == "__metadata__":
            raise InvalidTensorFileError(f"{name!r} cannot name a tensor; choose another name")
        if name in seen:
            raise InvalidTensorFileError(f"two tensors are named {name!r}; rename one")
        seen.add(name)


def _count(shape: Sequence[int]) -> int:
    count = 1
    for dimension in shape:
        count *= dimension
    return count


def _read_header(view: memoryview) -> tuple[dict[str, object], int]:
    length = int.from_bytes(view[:_LENGTH_BYTES], "little")
    if len(view) < _LENGTH_BYTES or length > MAX_HEADER_BYTES or _LENGTH_BYTES + length > len(view):
        raise InvalidTensorFileError(f"{len(view)} bytes are too few for the header they announce; fetch the file again")
    end = _LENGTH_BYTES + length
    try:
        entries = json.loads(bytes(view[_LENGTH_BYTES:end]))
    except (ValueError, RecursionError) as error:
        raise InvalidTensorFileError(f"the header is not JSON ({error}); fetch the file again") from error
    if not isinstance(entries, dict):
        raise InvalidTensorFileError("the header is not a JSON object; fetch the file again")
    return entries, end


def _read_entry(name: str, entry: object) -> tuple[np.dtype[np.generic], tuple[int, ...]]:
    if not isinstance(entry, dict) or entry.get("dtype") not in _DTYPE:
        raise InvalidTensorFileError(f"tensor {name!r} is neither F32 nor I32; convert it")
    shape = entry.get("shape")
    if not isinstance(shape, list) or not all(type(dimension) is int and dimension > 0 for dimension in shape):
        raise InvalidTensorFileError(f"tensor {name!r} has the shape {shape!r}; every dimension must be a positive integer")
    return _DTYPE[entry["dtype"]], tuple(shape)
