"""Checks the arrays of a data set and converts them to the machine's dtypes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from touchstone.capture.errors import DataError, DTypeError
from touchstone.machine.workload import Array

_TARGETS = "y"

ArrayLike = npt.NDArray[np.generic] | torch.Tensor
Data = ArrayLike | Sequence[ArrayLike] | Mapping[str, ArrayLike]
"""One array, several in the order of the model's arguments, or several by the names of its arguments; row i belongs to sample i."""


@dataclass(frozen=True)
class Column:
    """One array of the data set; row i belongs to sample i.

    Attributes:
        name: e.g. ``data:x``.
        array: float32 or int32, [samples, …], C-contiguous: what the program gets.
        tensor: the same numbers as PyTorch gets them: float32, int64, or bool.
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
        inputs: the model's arguments.
        targets: passed to the loss or the metrics; None where only outputs are wanted, or the model judges them itself.
        keywords: the names by which the inputs are passed; empty when they are passed in order.
    """

    inputs: tuple[Column, ...]
    targets: Column | None
    keywords: tuple[str, ...] = ()

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

    def run(self, model: nn.Module, batch: Sequence[torch.Tensor]) -> Any:
        """What the model gives for the rows of a batch."""
        rows = batch[: len(self.inputs)]
        return model(**dict(zip(self.keywords, rows, strict=True))) if self.keywords else model(*rows)

    def beside_inputs(self, batch: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        """What a batch holds after the model's arguments: the targets, if there are any, and what the job adds."""
        return batch[len(self.inputs) :]


def prepare(data: Data, targets: ArrayLike | None = None) -> Dataset:
    """Check and convert.

    Raises:
        DataError: an array is empty, has NaN or infinite numbers, or not one row per sample.
        DTypeError: an array is neither float32 nor integer, or an integer does not fit 32 bits.
    """
    keywords = _keywords(data) if isinstance(data, Mapping) else ()
    arrays = _arrays(data)
    names = keywords or (["x"] if len(arrays) == 1 else [f"x{k}" for k in range(len(arrays))])
    if targets is not None and _TARGETS in names:
        raise DataError(f"data and targets both have an array {_TARGETS!r}; pass data as a list, in the order of the model's arguments")
    inputs = tuple(_column(f"data:{name}", array) for name, array in zip(names, arrays, strict=True))
    dataset = Dataset(inputs, None if targets is None else _column(f"data:{_TARGETS}", targets), keywords)
    last = dataset.columns[-1]
    for column in dataset.columns:
        if len(column.array) != len(last.array):
            other = "the targets have" if last is dataset.targets else f"{last.name} has"
            remedy = "give one target per sample" if last is dataset.targets else "give one row per sample in each"
            raise DataError(f"{column.name} has {len(column.array)} rows but {other} {len(last.array)}; {remedy}")
    return dataset


def _keywords(data: Mapping[str, ArrayLike]) -> tuple[str, ...]:
    odd = next((name for name in data if not isinstance(name, str) or not name.isidentifier()), None)
    if odd is not None:
        raise DataError(f"data has the name {odd!r}; name the arrays as the arguments of the model's forward")
    return tuple(data)


def _arrays(data: Data) -> list[ArrayLike]:
    if isinstance(data, Mapping):
        arrays = list(data.values())
    else:
        arrays = list(data) if isinstance(data, (list, tuple)) else [cast(ArrayLike, data)]
    if not arrays:
        raise DataError("data is empty; pass an array for each argument of the model")
    return arrays


def _column(name: str, given: ArrayLike) -> Column:
    raw = given.detach().cpu().numpy() if isinstance(given, torch.Tensor) else given
    if not isinstance(raw, np.ndarray):
        raise DTypeError(f"{name} is a {type(given).__name__}; pass a numpy array or a torch tensor")
    if raw.ndim == 0 or raw.size == 0:
        raise DataError(f"{name} has shape {raw.shape}; pass at least one sample, one per row")
    if raw.dtype.kind in "iub":
        array: Array = _integers(name, raw)
        return Column(name, array, torch.from_numpy(array.astype(np.bool_ if raw.dtype.kind == "b" else np.int64)))
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
