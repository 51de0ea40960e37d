"""The order in which training visits the samples, as one table: shuffled epochs, or what a sequence or sampler of the user gives."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from touchstone.capture.errors import ModelError
from touchstone.capture.sampling import key_of, permutation
from touchstone.capture.seeding import seeded

Indices = npt.NDArray[np.int32]


def batch_order(
    samples: int,
    batch_size: int,
    *,
    steps: int | None,
    epochs: float | None,
    seed: int = 0,
    shuffle: bool = True,
    rows: Iterable[Any] | None = None,
    order: Iterable[Any] | None = None,
    drop_last: bool = False,
) -> Indices:
    """Indices of the samples of every mini-batch.

    Every batch is full. Epochs follow one another without a gap, so a batch may hold the end of one and the start of the next, and every
    sample is seen equally often; with ``drop_last`` an epoch's last samples are left out instead when they do not fill a batch.

    Args:
        samples: number of samples.
        batch_size: samples per step.
        steps: number of steps; either this or ``epochs`` is given.
        epochs: number of passes; the steps are as many as are full.
        seed: of the shuffling; also torch's, numpy's and Python's seed while ``order`` is read.
        shuffle: visit the samples of every epoch in a new random order; otherwise in their own.
        rows: which samples to visit; all by default.
        order: in place of that, indices of samples, or batches of them: a sequence, an array [visits] or [batches, batch_size], or a
            sampler. Each iteration of it is an epoch.
        drop_last: see above.

    Returns:
        int32 of shape [steps, batch_size].

    Raises:
        ModelError: a number is out of range, or ``order`` gives something else than indices, or too few.
    """
    if rows is not None and order is not None:
        raise ModelError("rows and order are both given; let order leave out the samples that are not to be visited")
    visited = np.arange(samples, dtype=np.int32) if rows is None else next(_given(rows, samples, 1, None))
    if not 1 <= batch_size <= len(visited):
        raise ModelError(f"batch_size={batch_size} is not in 1..{len(visited)}, the number of samples; choose another")
    if (steps is None) == (epochs is None):
        raise ModelError(f"steps={steps}, epochs={epochs}; give either steps or epochs")
    with seeded(seed):
        limit = None if steps is None else steps * batch_size
        visits = _shuffled(seed, visited, shuffle) if order is None else _given(order, samples, batch_size, limit)
        first = _whole_batches(next(visits), batch_size) if drop_last else next(visits)
        count = steps if steps is not None else int((epochs or 0) * len(first) // batch_size)
        if not 1 <= count < 2**31:
            raise ModelError(f"{count} steps are not in 1..2^31-1; give another number of steps or epochs")
        parts, found = [first], len(first)
        while found < count * batch_size:
            parts.append(_whole_batches(next(visits), batch_size) if drop_last else next(visits))
            found += len(parts[-1])
    return np.ascontiguousarray(np.concatenate(parts)[: count * batch_size].reshape(count, batch_size))


def _shuffled(seed: int, rows: Indices, shuffle: bool) -> Iterator[Indices]:
    """Our own order of the samples ``rows``, epoch by epoch."""
    epoch = 0
    while True:
        yield rows[permutation(key_of(seed), epoch, len(rows))] if shuffle else rows
        epoch += 1


def _given(order: Iterable[Any], samples: int, batch_size: int, limit: int | None) -> Iterator[Indices]:
    """The user's order, epoch by epoch, at most ``limit`` indices of each."""
    while True:
        epoch = _flat(islice(order, limit), batch_size)
        if len(epoch) < batch_size:
            raise ModelError(f"order gives {len(epoch)} indices in a pass, less than a batch of {batch_size}; pass a sequence or a sampler")
        low, high = int(epoch.min()), int(epoch.max())
        if low < 0 or high >= samples:
            raise ModelError(f"order holds {low if low < 0 else high}, outside 0..{samples - 1}, the samples; correct it")
        yield epoch.astype(np.int32)


def _flat(items: Iterator[Any], batch_size: int) -> npt.NDArray[np.int64]:
    indices: list[int] = []
    for item in items:
        batch = _batch_of(item)
        if batch is None:
            indices.append(_index_of(item))
        elif len(batch) == batch_size:
            indices += [_index_of(each) for each in batch]
        else:
            raise ModelError(f"order holds a batch of {len(batch)} samples, batch_size is {batch_size}; drop ragged batches")
    return np.array(indices, dtype=np.int64)


def _batch_of(item: Any) -> list[Any] | None:
    """The elements of a batch; None for a single index, which may be a 0-d array or tensor."""
    if getattr(item, "ndim", None) == 0 or not isinstance(item, Iterable):
        return None
    return list(item)


def _index_of(item: Any) -> int:
    try:
        return operator.index(item)
    except TypeError as error:
        raise ModelError(f"order holds {item!r}, which is no index of a sample; pass integers") from error


def _whole_batches(epoch: Indices, batch_size: int) -> Indices:
    return epoch[: len(epoch) // batch_size * batch_size]
