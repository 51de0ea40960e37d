"""Sliding windows: how convolution and pooling read their input, and how their gradients go back to it.

``windows`` copies every window of a tensor into a row of its own (im2col); ``fold`` is its transpose, adding up where windows overlap
(col2im). Both are one ``move`` whose source is the tensor under its own axes, in one of the few forms of docs/decisions/0011, so that a
runtime can recognise them and read the tensor without making the copy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from touchstone.capture import views
from touchstone.capture.graph import Graph
from touchstone.capture.views import Shape, Value
from touchstone.machine.program import Axis, ReduceFn


@dataclass(frozen=True)
class Span:
    """Windows along one spatial axis: window o holds elements ``o·stride − padding + tap·dilation`` for tap = 0 … kernel − 1."""

    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    @property
    def is_point(self) -> bool:
        """Whether window o is element o."""
        return self == Span(1)

    def tiles(self, length: int, count: int) -> bool:
        """Whether ``count`` windows cut an axis of ``length`` into equal pieces."""
        return self == Span(self.kernel, self.kernel) and length == self.kernel * count


def spans(depth: int, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int]) -> tuple[Span, ...]:
    """One span for each of ``depth`` axes, from ATen's lists: one of a single number holds for every axis, no stride means the kernel's."""
    columns = [list(numbers) * depth if len(numbers) == 1 else list(numbers) for numbers in (kernel, stride or kernel, padding, dilation)]
    return tuple(Span(*row) for row in zip(*columns, strict=True))


def windows(
    graph: Graph, x: Value, spans: Sequence[Span], counts: Shape, taps_last: bool = True, transposed: bool = False, fill: int = 0
) -> Value:
    """Every window of ``x[A, B, *spatial]``.

    Args:
        graph: where the node is made.
        x: two leading axes, then one axis per span.
        spans: the windows of each spatial axis.
        counts: how many windows each spatial axis has.
        taps_last: the result is ``[A, *counts, B, *kernel]``; otherwise ``[B, *kernel, A, *counts]``.
        transposed: read as the gradient does: for position h of the input, tap y belongs to window (h + padding − y·dilation) / stride;
            ``x`` then holds the windows' values and ``counts`` the input's shape.
        fill: word of the elements outside of ``x``.
    """
    depth = len(spans)
    kernel = tuple(span.kernel for span in spans)
    if taps_last:
        shape, a, b = (x.shape[0], *counts, x.shape[1], *kernel), 0, 1 + depth
        place, tap = range(1, 1 + depth), range(2 + depth, 2 + 2 * depth)
    else:
        shape, b, a = (x.shape[1], *kernel, x.shape[0], *counts), 0, 1 + depth
        tap, place = range(1, 1 + depth), range(2 + depth, 2 + 2 * depth)
    reads: list[_Read] = [_Read({a: 1}), _Read({b: 1})]
    for span, h, y in zip(spans, place, tap, strict=True):
        if transposed:
            reads.append(_Read({h: 1, y: -span.dilation}, span.padding, span.stride))
        else:
            reads.append(_Read({h: span.stride, y: span.dilation}, -span.padding))
    return _move(graph, x, reads, shape, fill)


def fold(graph: Graph, columns: Value, spans: Sequence[Span], lengths: Shape, spread: bool = False) -> Value:
    """Put the elements of windows back where they came from, adding up those that fall together.

    Args:
        graph: where the nodes are made.
        columns: ``[A, *kernel, *counts]``, or with ``spread`` ``[A, *counts]``, the same number for every tap of a window.
        spans: the windows of each spatial axis.
        lengths: shape of the result's spatial axes.
        spread: see ``columns``.

    Returns:
        ``[A, *lengths]``.
    """
    depth, lead = len(spans), columns.shape[0]
    if depth < 3:
        return _fold(graph, columns, spans, lengths, spread, (lead, 1, 1))
    # Three axes at once would need more axes than a tensor has: the first goes alone.
    counts = columns.shape[-depth:]
    rest = 1 if spread else math.prod(span.kernel for span in spans[1:])
    first = _fold(graph, columns, spans[:1], lengths[:1], spread, (lead, rest, math.prod(counts[1:])))
    kernel = () if spread else tuple(span.kernel for span in spans[1:])
    swapped = graph.reshape(first, (lead, math.prod(kernel), lengths[0], *counts[1:]))
    swapped = views.permute(swapped, (0, 2, 1, *range(3, 2 + depth)))
    columns = graph.reshape(swapped, (lead * lengths[0], *kernel, *counts[1:]))
    return graph.reshape(fold(graph, columns, spans[1:], lengths[1:], spread), (lead, *lengths))


def _fold(graph: Graph, columns: Value, spans: Sequence[Span], lengths: Shape, spread: bool, around: tuple[int, int, int]) -> Value:
    """``columns`` seen as ``[A, *kernel, B, *counts, C]``, ``around`` = (A, B, C); the result is ``[A, B, *lengths, C]``.

    With stride s and dilation 1, input position h + padding = q·s + r is touched only by taps y = r + t·s, of window q − t. So q, r and t
    are axes of the move, t is summed, and no multiplication by zero is spent on the taps between.
    """
    before, between, after = around
    depth = len(spans)
    counts = columns.shape[-depth:] if depth > 1 else (columns.count // (before * between * after * (1 if spread else spans[0].kernel)),)
    phases = [_phase(span, length, spread) for span, length in zip(spans, lengths, strict=True)]
    shape = (before, between, *(n for phase in phases for n in (phase.positions, phase.residues)), after, *(p.taps for p in phases))
    q = [2 + 2 * k for k in range(depth)]
    t = [3 + 2 * depth + k for k in range(depth)]
    reads = [_Read({0: 1})]
    if not spread:
        reads += [_Read({q[k] + 1: 1, t[k]: phases[k].tap_step}) for k in range(depth)]
    reads.append(_Read({1: 1}))
    reads += [_Read({q[k]: 1, t[k]: -phases[k].window_step}, phases[k].start, phases[k].divisor) for k in range(depth)]
    reads.append(_Read({2 + 2 * depth: 1}))
    kernel = () if spread else tuple(span.kernel for span in spans)
    source = graph.reshape(columns, (before, *kernel, between, *counts, after))
    moved = _move(graph, source, reads, shape, 0)
    if any(phase.taps > 1 for phase in phases):
        moved = graph.reduce(ReduceFn.SUM, moved, tuple(t))
    covered = tuple(phase.positions * phase.residues for phase in phases)
    result = graph.reshape(moved, (before, between, *covered, after))
    for k, (phase, length) in enumerate(zip(phases, lengths, strict=True)):
        result = views.narrow(result, 2 + k, phase.skipped, 1, length)
    return graph.reshape(result, (before, between, *lengths, after))


@dataclass(frozen=True)
class _Phase:
    """How one axis of ``fold`` is read: positions × residues of the input, times the taps that can touch each.

    Attributes:
        positions, residues, taps: lengths of the axes q, r, t.
        tap_step: by how much the tap grows with t.
        start, window_step, divisor: the window is (start + q − t·window_step) / divisor.
        skipped: the first element of the result.
    """

    positions: int
    residues: int
    taps: int
    tap_step: int
    start: int
    window_step: int
    divisor: int
    skipped: int


def _phase(span: Span, length: int, spread: bool) -> _Phase:
    ragged = spread and span.kernel % span.stride != 0  # without the taps' axis, nothing tells where a window ends
    if span.stride == 1 or span.dilation > 1 or ragged:
        return _Phase(length, 1, span.kernel, 1, span.padding, span.dilation, span.stride, 0)
    first = span.padding // span.stride
    positions = -(-(length + span.padding) // span.stride) - first
    taps = -(-span.kernel // span.stride)
    return _Phase(positions, span.stride, taps, span.stride, first, 1, 1, span.padding - first * span.stride)


@dataclass(frozen=True)
class _Read:
    """How one axis of the source follows from the output's axes: the coefficient of each, an offset and a divisor."""

    coefficients: dict[int, int]
    offset: int = 0
    divisor: int = 1


def _move(graph: Graph, source: Value, reads: Sequence[_Read], shape: Shape, fill: int) -> Value:
    """The move, with the output's axes of length 1 and the source's idle ones left out: a tensor has at most eight."""
    kept = [k for k, dim in enumerate(shape) if dim != 1]
    idle = [j for j, read in enumerate(reads) if source.shape[j] == 1 and _is_zero(read, shape)]
    axes = [
        Axis(read.offset, read.divisor, tuple(read.coefficients.get(k, 0) for k in kept)) for k, read in enumerate(reads) if k not in idle
    ]
    dims = tuple(dim for j, dim in enumerate(source.shape) if j not in idle)
    moved = graph.move(graph.reshape(source, dims), axes, tuple(shape[k] for k in kept), fill)
    return graph.reshape(moved, tuple(shape))


def _is_zero(read: _Read, shape: Shape) -> bool:
    return read.offset == 0 and all(shape[k] == 1 for k in read.coefficients)
