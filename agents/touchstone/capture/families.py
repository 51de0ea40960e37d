"""Labels and arguments of jobs that belong together: sweeps over hyper-parameters, folds of a cross-validation."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from touchstone.capture.errors import ModelError
from touchstone.capture.sampling import key_of, permutation
from touchstone.machine.workload import Workload

Indices = npt.NDArray[np.int32]


def sweep(build: Callable[..., Workload], **values: Sequence[object]) -> dict[str, Callable[[], Workload]]:
    """A family over a grid: ``build(name=value, …)`` for every combination, labelled like ``lr=0.1 width=32``.

    Args:
        build: makes a workload. Give every call the same data and it is stored and fetched once.
        values: for each argument of ``build``, the values to try.
    """
    if not values or not all(values.values()):
        raise ModelError("a sweep needs values for at least one argument of build, and none may be empty; e.g. lr=[0.1, 0.01]")
    members: dict[str, Callable[[], Workload]] = {}
    for combination in itertools.product(*values.values()):
        arguments = dict(zip(values, combination, strict=True))
        members[" ".join(f"{name}={value}" for name, value in arguments.items())] = partial(build, **arguments)
    return members


def folds(samples: int, count: int, seed: int = 0) -> list[tuple[Indices, Indices]]:
    """The samples to train with and those held out, for each fold of a cross-validation; shuffled, and as equal in size as can be.

    Pass them as ``rows``, the first to train and the second to evaluate, always with the whole data, so that all jobs share it.
    """
    if not 2 <= count <= samples:
        raise ModelError(f"{count} folds of {samples} samples; take 2..{samples}")
    held_out = np.array_split(permutation(key_of(seed), 0, samples), count)
    return [(np.concatenate([part for j, part in enumerate(held_out) if j != k]), held_out[k]) for k in range(count)]
