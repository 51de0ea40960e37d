"""Single nodes for the frozen vectors: each operator's cases by themselves, on hard words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.machine.frozen_words import Stream
from tests.machine.words import Words
from touchstone.machine.builder import Builder, Shape, Source, Strides, Value
from touchstone.machine.program import Axis, DType, Kind, MapFn, Node, ReduceFn

F32, I32 = DType.F32, DType.I32
NAN_PAYLOAD = 0x7F800001


@dataclass(frozen=True)
class FrozenNode:
    """A node whose operands are constants 0, 1, … (or slot 0, for philox) and their words."""

    name: str
    node: Node
    operands: list[Words]


def nodes() -> list[FrozenNode]:
    """All frozen nodes."""
    return [*_maps(), *_dots(), *_reduces(), *_moves(), *_gathers(), *_scatters(), *_sources()]


class _Bench:
    """Declares constants as they are needed and fills them with words."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.builder = Builder()
        self.step = self.builder.slot(I32, (1,))
        self.stream = Stream(name)
        self.words: list[Words] = []

    def hard(self, shape: Shape) -> Value:
        """Floats of every kind."""
        return self._constant(F32, shape, self.stream.float_word)

    def calm(self, shape: Shape) -> Value:
        """Floats of moderate size."""
        return self._constant(F32, shape, self.stream.calm_float_word)

    def subnormal(self, shape: Shape) -> Value:
        """Floats whose products are subnormal."""
        return self._constant(F32, shape, lambda: (self.stream.word() & 0x807FFFFF) | (50 + self.stream.below(20)) << 23)

    def integers(self, shape: Shape) -> Value:
        """Integers of every kind."""
        return self._constant(I32, shape, self.stream.integer_word)

    def rows(self, shape: Shape, rows: int) -> Value:
        """Row numbers, some of them just out of range."""
        return self._constant(I32, shape, lambda: (self.stream.below(rows + 4) - 2) & 0xFFFFFFFF)

    def _constant(self, dtype: DType, shape: Shape, word: Callable[[], int]) -> Value:
        value = self.builder.constant(dtype, shape)
        self.words.append(np.array([word() for _ in range(value.type.size)], dtype=np.uint32))
        return value

    def done(self, value: Value, step: int = 0) -> FrozenNode:
        node = self.builder.build().nodes[value.ref.index]
        operands = [self.words[o.ref.index] if o.ref.kind is Kind.CONSTANT else np.array([step], dtype=np.uint32) for o in node.operands]
        return FrozenNode(self.name, node, operands)


def _maps() -> list[FrozenNode]:
    plain, strided, scalar = _Bench("map-broadcast"), _Bench("map-strides"), _Bench("map-rank-0")
    reversed_words = Strides(strided.hard((4, 5, 6)), 119, (-30, -6, -1))
    every_second = Strides(strided.hard((300,)), 1, (0, 2, 20))
    return [
        plain.done(plain.builder.map(MapFn.FMA, plain.hard((9, 1)), plain.hard((33,)), plain.hard(()))),
        strided.done(strided.builder.map(MapFn.ADD, reversed_words, every_second, shape=(4, 5, 6))),
        scalar.done(scalar.builder.map(MapFn.MUL, scalar.hard(()), scalar.calm((1,)).view())),
    ]


def _dots() -> list[FrozenNode]:
    shapes: list[tuple[str, Shape, Shape, int]] = [
        ("dot-short", (3, 5), (4, 5), 0),
        ("dot-one-block", (2, 256), (2, 256), 0),
        ("dot-ragged-blocks", (2, 600), (3, 600), 0),
        ("dot-unaligned-rows", (3, 257), (3, 257), 0),
        ("dot-batch", (2, 1, 3, 20), (1, 3, 2, 20), 0),
        ("dot-split", (2, 700), (2, 700), 300),
        ("dot-long", (1, 1024), (1, 1024), 0),
    ]
    found = []
    for name, a, b, split in shapes:
        bench = _Bench(name)
        found.append(bench.done(bench.builder.dot(bench.calm(a), bench.calm(b), split)))
    hard, tiny = _Bench("dot-hard"), _Bench("dot-subnormal")
    found.append(hard.done(hard.builder.dot(hard.hard((12, 6)), hard.hard((12, 6)))))
    found.append(tiny.done(tiny.builder.dot(tiny.subnormal((2, 300)), tiny.subnormal((2, 300)))))
    return found


def _reduces() -> list[FrozenNode]:
    found = []
    for fn in ReduceFn:
        for kind in ("calm", "hard", "integers"):
            bench = _Bench(f"reduce-{fn.name.lower()}-{kind}")
            found.append(bench.done(bench.builder.reduce(fn, getattr(bench, kind)((7, 37)))))
    ragged, long, single = _Bench("reduce-sum-block"), _Bench("reduce-sum-two-levels"), _Bench("reduce-max-one-word")
    found.append(ragged.done(ragged.builder.reduce(ReduceFn.SUM, ragged.calm((3, 100)), 33)))
    found.append(long.done(long.builder.reduce(ReduceFn.SUM, long.calm((1, 4100)))))
    found.append(single.done(single.builder.reduce(ReduceFn.MAX, single.hard((60, 1)))))
    return found


def _moves() -> list[FrozenNode]:
    turn, overlap, dilate, wide = (
        _Bench("move-transpose"),
        _Bench("move-first-in-range"),
        _Bench("move-divisor"),
        _Bench("move-many-sources"),
    )
    first = Source(overlap.hard((3, 4)), (Axis(-1, 1, (1, 0)), Axis(-2, 1, (0, 1))))
    second = Source(overlap.hard((5,)), (Axis(4, 1, (-1, 0)),))
    spread = Source(dilate.hard((4, 3)), (Axis(-3, 3, (2, 0)), Axis(1, 2, (-1, 1))))
    pieces = [Source(wide.hard((2,)), (Axis(-2 * place, 1, (1,)),)) for place in range(15)]
    return [
        turn.done(turn.builder.transpose(turn.hard((3, 5, 7)), (2, 0, 1))),
        overlap.done(overlap.builder.move((6, 8), [first, second], NAN_PAYLOAD)),
        dilate.done(dilate.builder.move((8, 6), [spread], 0x3F800000)),
        wide.done(wide.builder.move((31,), pieces, 0xFFFFFFFF)),
    ]


def _gathers() -> list[FrozenNode]:
    wide, narrow, integers = _Bench("gather-rows"), _Bench("gather-words"), _Bench("gather-integers")
    return [
        wide.done(wide.builder.gather(wide.hard((6, 50)), wide.rows((2, 4), 6))),
        narrow.done(narrow.builder.gather(narrow.hard((9, 1)), narrow.integers((40,)))),
        integers.done(integers.builder.gather(integers.integers((5, 3)), integers.rows((), 5))),
    ]


def _scatters() -> list[FrozenNode]:
    hard, calm, integers, single = (
        _Bench("scatter-add-hard"),
        _Bench("scatter-add-many"),
        _Bench("scatter-add-integers"),
        _Bench("scatter-add-one"),
    )
    return [
        hard.done(hard.builder.scatter_add(hard.hard((7, 6)), hard.rows((50,), 7), hard.hard((6, 50)))),
        calm.done(calm.builder.scatter_add(calm.calm((3, 2)), calm.rows((300,), 3), calm.calm((2, 300)))),
        integers.done(integers.builder.scatter_add(integers.integers((4, 5)), integers.rows((9,), 4), integers.integers((5, 9)))),
        single.done(single.builder.scatter_add(single.hard((1, 1)), single.rows((1,), 1), single.hard((1, 1)))),
    ]


def _sources() -> list[FrozenNode]:
    fill, count, noise = _Bench("source-constant"), _Bench("source-iota"), _Bench("source-philox")
    return [
        fill.done(fill.builder.fill(F32, (3,), NAN_PAYLOAD)),
        count.done(count.builder.iota((3, 100))),
        noise.done(noise.builder.philox((29,), (0xDEADBEEF, 0x01234567), 0x80000001), step=0xFFFFFFFE),
    ]
