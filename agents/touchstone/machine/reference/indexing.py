"""Row-major indices and coordinates."""

from __future__ import annotations

from collections.abc import Sequence


def coordinates(index: int, shape: Sequence[int]) -> tuple[int, ...]:
    """Coordinates of a row-major index in ``shape`` (empty for rank 0)."""
    reversed_coordinates = []
    for dim in reversed(shape):
        index, coordinate = divmod(index, dim)
        reversed_coordinates.append(coordinate)
    return tuple(reversed(reversed_coordinates))


def flat_index(point: Sequence[int], shape: Sequence[int]) -> int:
    """Row-major index of the coordinates ``point`` in ``shape``."""
    index = 0
    for coordinate, dim in zip(point, shape, strict=True):
        index = index * dim + coordinate
    return index


def affine(offset: int, factors: Sequence[int], point: Sequence[int]) -> int:
    """``offset + sum(factors[k] * point[k])``."""
    return offset + sum(factor * coordinate for factor, coordinate in zip(factors, point, strict=True))
