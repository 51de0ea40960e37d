"""Values: strided views of tensors of a program.

Transposing, slicing and broadcasting only change how words are found, so they make a new :class:`Value` and no node. An elementwise
consumer reads through the strides; a consumer that needs contiguous words asks the graph for a ``move`` node.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from touchstone.machine.program import DType, Ref

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """Words of the tensor ``ref`` (of ``size`` elements) seen as an array: element i is word ``offset + sum(strides[k] * i[k])``."""

    ref: Ref
    size: int
    dtype: DType
    shape: Shape
    offset: int
    strides: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of elements of the view."""
        return math.prod(self.shape)

    @property
    def is_whole(self) -> bool:
        """Whether the view reads all words of its tensor in order, that is, is a reshape of it."""
        return self.offset == 0 and self.count == self.size and _compact(self) == _compact_strides(self.shape)


def row_major(shape: Shape) -> tuple[int, ...]:
    """Strides, in words, of a contiguous array."""
    strides, step = [], 1
    for dim in reversed(shape):
        strides.append(step)
        step *= dim
    return tuple(reversed(strides))


def _compact(value: Value) -> tuple[int, ...]:
    return tuple(stride for stride, dim in zip(value.strides, value.shape, strict=True) if dim != 1)


def _compact_strides(shape: Shape) -> tuple[int, ...]:
    return row_major(tuple(dim for dim in shape if dim != 1))


def permute(value: Value, order: tuple[int, ...]) -> Value:
    """Axis k of the result is axis ``order[k]`` of ``value``."""
    return replace(value, shape=tuple(value.shape[k] for k in order), strides=tuple(value.strides[k] for k in order))


def transpose(value: Value) -> Value:
    """Swap the last two axes."""
    rank = len(value.shape)
    return permute(value, (*range(rank - 2), rank - 1, rank - 2))


def expand(value: Value, shape: Shape) -> Value:
    """Broadcast to ``shape`` by numpy's rule: repeated axes have stride 0."""
    lead = len(shape) - len(value.shape)
    strides = [0] * lead
    for have, want, stride in zip(value.shape, shape[lead:], value.strides, strict=True):
        if have not in (want, 1):
            raise ValueError(f"shape {value.shape} does not broadcast to {shape}")
        strides.append(stride if have == want else 0)
    return replace(value, shape=tuple(shape), strides=tuple(strides))


def narrow(value: Value, axis: int, start: int, step: int, length: int) -> Value:
    """Elements start, start + step, … (``length`` of them) of one axis."""
    shape, strides = list(value.shape), list(value.strides)
    offset = value.offset + start * strides[axis]
    shape[axis], strides[axis] = length, strides[axis] * step
    return replace(value, shape=tuple(shape), offset=offset, strides=tuple(strides))


def flip(value: Value, axis: int) -> Value:
    """The elements of one axis in reverse order."""
    strides = list(value.strides)
    offset = value.offset + strides[axis] * (value.shape[axis] - 1)
    strides[axis] = -strides[axis]
    return replace(value, offset=offset, strides=tuple(strides))


def drop_axis(value: Value, axis: int) -> Value:
    """Remove an axis of length 1."""
    return replace(value, shape=value.shape[:axis] + value.shape[axis + 1 :], strides=value.strides[:axis] + value.strides[axis + 1 :])


def reshape(value: Value, shape: Shape) -> Value | None:
    """The same elements in row-major order under another shape, or None where strides cannot express it."""
    if math.prod(shape) != value.count:
        raise ValueError(f"{value.shape} has {value.count} elements, {shape} needs {math.prod(shape)}")
    blocks = _merged_axes(value)
    strides: list[int] = []
    for dim in reversed(shape):
        if dim == 1:
            strides.append(0)
            continue
        while blocks and blocks[-1][0] == 1:
            blocks.pop()
        length, stride = blocks.pop()
        if length % dim:
            return None
        strides.append(stride)
        blocks.append((length // dim, stride * dim))
    return replace(value, shape=tuple(shape), strides=tuple(reversed(strides)))


def _merged_axes(value: Value) -> list[tuple[int, int]]:
    """(length, stride) of the axes, neighbours merged where together they step evenly."""
    blocks: list[tuple[int, int]] = []
    for dim, stride in zip(value.shape, value.strides, strict=True):
        if dim == 1:
            continue
        if blocks and blocks[-1][1] == stride * dim:
            blocks[-1] = (blocks[-1][0] * dim, stride)
        else:
            blocks.append((dim, stride))
    return blocks
