"""Checks the arrays of a data set and converts them to the machine's dtypes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import torch

from touchstone.capture.errors import DataError, DTypeError
from touchstone.machine.workload import Array

ArrayLike = npt.NDArray[np.generic] | torch.Tensor


@dataclass(frozen=True)
class Column:
    """One array of the data set; row i belongs to sample i.

    Attributes:
        name: e.g. ``data:x``.
        array: float32 or int32, [samples, …], C-contiguous: what the program gets.
        tensor: the same numbers as PyTorch gets them: float32 or int64.
    """

    name: str
    array: Array
    tensor: torch.Tensor

    def rows(self, indices: npt.NDArray[np.int32]) -> torch.Tensor:
        """The samples of one mini-batch."""
        return self.tensor[torch.from_numpy(indices.astype(np.int64))]


@dataclass(frozen=True)
class Dataset:
    """The model's inputs and the targets.

    Attributes:
        inputs: passed to the model in this order.
        targets: passed to the loss or the metrics; none where only outputs are wanted.
    """

    inputs: tuple[Column, ...]
    targets: Column | None

    @property
    def columns(self) -> tuple[Column, ...]:
        """All arrays, inputs first."""
        return self.inputs if self.targets is None else (*self.inputs, self.targets)

    @property
    def samples(self) -> int:
        """Number of rows of every array."""
        return len(self.columns[0].array)

    def batch(self, indices: npt.NDArray[np.int32]) -> tuple[torch.Tensor, ...]:
        """The samples ``indices`` of every array."""
        return tuple(column.rows(indices) for column in self.columns)


def prepare(data: ArrayLike | Sequence[ArrayLike], targets: ArrayLike | None = None) -> Dataset:
    """Check and convert.

    Raises:
        DataError: an array is empty, has NaN or infinite numbers, or not one row per sample.
        DTypeError: an array is neither float32 nor integer, or an integer does not fit 32 bits.
    """
    arrays = list(data) if isinstance(data, (list, tuple)) else [cast(ArrayLike, data)]
    if not arrays:
        raise DataError("data is an empty list; pass an array for each argument of the model")
    names = ["data:x"] if len(arrays) == 1 else [f"data:x{k}" for k in range(len(arrays))]
    inputs = tuple(_column(name, array) for name, array in zip(names, arrays, strict=True))
    dataset = Dataset(inputs, None if targets is None else _column("data:y", targets))
    last = dataset.columns[-1]
    for column in dataset.columns:
        if len(column.array) != len(last.array):
            other = "the targets have" if last is dataset.targets else f"{last.name} has"
            remedy = "give one target per sample" if last is dataset.targets else "give one row per sample in each"
            raise DataError(f"{column.name} has {len(column.array)} rows but {other} {len(last.array)}; {remedy}")
    return dataset


def _column(name: str, given: ArrayLike) -> Column:
    raw = given.detach().cpu().numpy() if isinstance(given, torch.Tensor) else given
    if not isinstance(raw, np.ndarray):
        raise DTypeError(f"{name} is a {type(given).__name__}; pass a numpy array or a torch tensor")
    if raw.ndim == 0 or raw.size == 0:
        raise DataError(f"{name} has shape {raw.shape}; pass at least one sample, one per row")
    if raw.dtype.kind in "iub":
        array: Array = _integers(name, raw)
        return Column(name, array, torch.from_numpy(array.astype(np.int64)))
    if raw.dtype != np.float32:
        raise DTypeError(f"{name} has dtype {raw.dtype}; convert it with .astype(numpy.float32) or to an integer dtype")
    floats = np.array(raw, dtype=np.float32, order="C")  # a copy: the caller may change the data later
    _check_finite(name, floats)
    return Column(name, floats, torch.from_numpy(floats))


def _integers(name: str, raw: npt.NDArray[np.generic]) -> npt.NDArray[np.int32]:
    wide = raw.astype(np.uint64 if raw.dtype == np.uint64 else np.int64)
    if wide.max() > 2**31 - 1 or wide.min() < -(2**31):
        worst = wide.max() if wide.max() > 2**31 - 1 else wide.min()
        raise DTypeError(f"{name} holds {worst}, which does not fit a 32-bit integer; renumber the values")
    return np.ascontiguousarray(wide.astype(np.int32))


def _check_finite(name: str, array: npt.NDArray[np.float32]) -> None:
    finite = np.isfinite(array)
    if not finite.all():
        place = tuple(int(k) for k in np.argwhere(~finite)[0])
        raise DataError(f"{name} holds {array[place]} at index {list(place)}; remove or impute such samples")
