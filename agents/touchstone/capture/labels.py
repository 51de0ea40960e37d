"""What capture knows about integer data of the data set, wherever the program reads it."""

from __future__ import annotations

import math

import numpy as np

from touchstone.capture.errors import LabelError
from touchstone.capture.views import Value
from touchstone.machine.program import Ref
from touchstone.machine.workload import Array


class LabelFacts:
    """Remembers which value of the program is a mini-batch of which array, so that labels are checked over the whole data set."""

    def __init__(self) -> None:
        self._arrays: dict[Ref, Array] = {}

    def remember(self, batch: Value, array: Array) -> None:
        """``batch`` holds rows of ``array``."""
        self._arrays[batch.ref] = array

    def check(self, labels: Value, classes: int, ignored: int, where: str) -> bool:
        """Refuse labels outside 0 … classes − 1 (``ignored`` may occur too).

        Returns:
            whether it is certain that no label is ``ignored``; False for labels that the program computes.

        Raises:
            LabelError: names the first bad label and its row.
        """
        array = self._read_by(labels)
        if array is None:
            return False
        is_ignored = array == ignored
        bad = ((array < 0) | (array >= classes)) & ~is_ignored
        if bad.any():
            row = int(np.argwhere(bad)[0][0])
            value = array[bad][0]
            at = f" at {where}" if where else ""
            remedy = "renumber the labels from 0" if value < 0 else f"give the model at least {int(array.max()) + 1} outputs"
            raise LabelError(f"label {value} in row {row} of the targets is outside 0..{classes - 1}{at}; {remedy}")
        return not is_ignored.any()

    def check_rows(self, index: Value, rows: int, where: str) -> None:
        """Refuse integers of the data set that choose a row outside 0 … rows − 1. Integers that the program computes are not known.

        Raises:
            LabelError: names the first bad integer and its sample.
        """
        array = self._read_by(index)
        if array is None:
            return
        bad = (array < 0) | (array >= rows)
        if bad.any():
            sample = int(np.argwhere(bad)[0][0])
            at = f" at {where}" if where else ""
            raise LabelError(
                f"category {array[bad][0]} in row {sample} of the data is outside 0..{rows - 1}{at}; "
                f"renumber from 0, or give the embedding at least {int(array.max()) + 1} rows"
            )

    def _read_by(self, view: Value) -> Array | None:
        """Of every row of the array that ``view`` holds rows of, the numbers the view reads, such as one column; [samples, numbers]."""
        array = self._arrays.get(view.ref)
        if array is None:
            return None
        words = np.array(view.offset)
        for dim, stride in zip(view.shape, view.strides, strict=True):
            words = np.add.outer(words, np.arange(dim) * stride)
        width = math.prod(array.shape[1:])
        return array.reshape(len(array), width)[:, np.unique(words % width)]
