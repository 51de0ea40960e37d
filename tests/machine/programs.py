"""Random valid programs that use every operator, small enough to run anywhere.

``random_case(seed)`` is deterministic; ``cases()`` is the same as a Hypothesis strategy.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from tests.machine.words import float_words, integer_words
from touchstone.machine.builder import Builder, Shape, Source, Strides, Value
from touchstone.machine.program import Axis, DType, Kind, MapFn, Op, Program, ReduceFn, SourceFn, TensorType
from touchstone.machine.signatures import SIGNATURES
from touchstone.machine.validity import MAX_SCATTERED
from touchstone.machine.workload import Array

F32, I32 = DType.F32, DType.I32
MAX_MOVE_SOURCES = 3


@dataclass(frozen=True)
class Case:
    """A valid program with an initial state and constants."""

    program: Program
    state: tuple[Array, ...]
    constants: tuple[Array, ...]


def random_case(seed: int, nodes: int = 12, max_elements: int = 700, specials: float = 0.02) -> Case:
    """A valid program of at least ``nodes`` nodes.

    Args:
        max_elements: largest size of any tensor.
        specials: fraction of special values (infinities, NaN, subnormals, …) in the state and the constants.
    """
    rng = random.Random(seed)
    program = _Generator(rng, max_elements).program(nodes)
    words = np.random.default_rng(seed)
    state = [random_tensor(words, slot.type, specials) for slot in program.slots]
    state[0] = np.array([rng.randrange(100)], dtype=np.int32)
    constants = [random_tensor(words, constant, specials) for constant in program.constants]
    return Case(program, tuple(state), tuple(constants))


def cases(nodes: int = 12, max_elements: int = 700, specials: float = 0.02) -> st.SearchStrategy[Case]:
    """Random cases for Hypothesis."""
    return st.integers(0, 2**32 - 1).map(lambda seed: random_case(seed, nodes, max_elements, specials))


def random_tensor(rng: np.random.Generator, tensor: TensorType, specials: float) -> Array:
    """A tensor of random words of the declared type."""
    if tensor.dtype is F32:
        return float_words(rng, tensor.size, specials).view(np.float32).reshape(tensor.shape)
    return integer_words(rng, tensor.size, specials).view(np.int32).reshape(tensor.shape)


class _Generator:
    """Grows a program from a pool of values that later nodes may read."""

    def __init__(self, rng: random.Random, max_elements: int) -> None:
        self.rng = rng
        self.max_elements = max_elements
        self.builder = Builder()
        self.step = self.builder.slot(I32, (1,))
        self.slots = [self.step]
        self.pool = [self.step]
        self.families = {
            Op.MAP: self.map,
            Op.DOT: self.dot,
            Op.REDUCE: self.reduce,
            Op.MOVE: self.move,
            Op.GATHER: self.gather,
            Op.SCATTER_ADD: self.scatter_add,
            Op.SOURCE: self.source,
        }

    def program(self, nodes: int) -> Program:
        for dtype in (F32, F32, I32):
            self.slots.append(self.builder.slot(dtype, self.shape()))
        for dtype in (F32, I32, F32):
            self.pool.append(self.builder.constant(dtype, self.shape()))
        self.pool += self.slots[1:]
        for _ in range(nodes):
            family = self.rng.choices(list(self.families), weights=(5, 3, 3, 3, 2, 2, 2))[0]
            self.pool.append(self.families[family]())
        self.choose_next()
        return self.builder.build()

    def choose_next(self) -> None:
        """The step counts; another slot takes a node made for it, an earlier node that fits, or a slot that fits."""
        one = self.builder.fill(I32, (), 1)
        self.builder.set_next(self.step, self.builder.map(MapFn.IADD, self.step, one))
        for slot in self.slots[1:]:
            fitting = [v for v in self.pool if v.type.dtype is slot.type.dtype and v.type.size == slot.type.size]
            fitting = [v for v in fitting if v.ref.kind is not Kind.CONSTANT]
            if not fitting or self.rng.random() < 0.6:
                fitting = [self.map(slot.type)]
            self.builder.set_next(slot, self.rng.choice(fitting))

    def shape(self, max_rank: int = 4, limit: int | None = None) -> Shape:
        """A random shape of at most ``limit`` elements, often with axes of 1."""
        left = limit or self.max_elements
        dims = []
        for _ in range(self.rng.randint(0, max_rank)):
            dim = self.rng.choice((1, 2, 3, self.rng.randint(1, max(1, left))))
            dims.append(min(dim, left))
            left //= dims[-1]
        self.rng.shuffle(dims)
        return tuple(dims)

    def pick(self, dtype: DType) -> Value:
        """A value of this dtype, under a random shape."""
        value = self.rng.choice([v for v in self.pool if v.type.dtype is dtype])
        return value.view(*self.factors(value.type.size, self.rng.randint(0 if value.type.size == 1 else 1, 3)))

    def factors(self, size: int, rank: int) -> Shape:
        """A random shape of ``rank`` axes with exactly ``size`` elements."""
        dims = []
        for _ in range(rank - 1):
            divisors = [d for d in range(1, size + 1) if size % d == 0]
            dims.append(self.rng.choice(divisors))
            size //= dims[-1]
        return (*dims, size) if rank else ()

    def fit(self, dtype: DType, shape: Shape) -> Value:
        """A value of this type: one of the pool under this shape, or a new move."""
        size = math.prod(shape)
        fitting = [v for v in self.pool if v.type.dtype is dtype and v.type.size == size]
        if fitting and self.rng.random() < 0.7:
            return self.rng.choice(fitting).view(*shape)
        return self.move(TensorType(dtype, shape))

    def map(self, wanted: TensorType | None = None) -> Value:
        functions = [fn for fn in MapFn if wanted is None or SIGNATURES[fn].result in (wanted.dtype, None)]
        fn = self.rng.choice(functions)
        shape = wanted.shape if wanted else self.shape()
        anything = wanted.dtype if wanted else self.rng.choice((F32, I32))
        operands = [self.strided(self.pick(dtype or anything), shape) for dtype in SIGNATURES[fn].operands]
        return self.builder.map(fn, *operands, shape=shape)

    def strided(self, value: Value, shape: Shape) -> Strides:
        """A random access that stays inside the value for every coordinate of ``shape``."""
        room = value.type.size - 1
        strides = [0] * len(shape)
        low = 0
        for axis in self.rng.sample(range(len(shape)), len(shape)):
            if shape[axis] == 1:
                strides[axis] = self.rng.randint(-5, 5)
                continue
            most = room // (shape[axis] - 1)
            strides[axis] = self.rng.choice((0, 1, most, -1, self.rng.randint(-most, most))) if most else 0
            reach = abs(strides[axis]) * (shape[axis] - 1)
            room -= reach
            low += reach if strides[axis] < 0 else 0
        return Strides(value, low + self.rng.randint(0, room), tuple(strides))

    def dot(self) -> Value:
        length = self.rng.choice((1, 2, 5, self.rng.randint(1, self.max_elements)))
        rows, columns = (self.rng.randint(1, min(6, max(1, self.max_elements // length))) for _ in range(2))
        split = self.rng.choice((0, 0, self.rng.randint(1, length)))
        batch = self.shape(2, limit=max(1, self.max_elements // (length * max(rows, columns))))
        while math.prod(batch) * rows * columns * (-(-length // split) if split else 1) > self.max_elements:
            split, batch = 0, ()
            rows = columns = 1
        a_batch = tuple(self.rng.choice((1, dim)) for dim in batch)
        b_batch = tuple(self.rng.choice((1, dim)) if taken != 1 else dim for dim, taken in zip(batch, a_batch, strict=True))
        return self.builder.dot(self.fit(F32, (*a_batch, rows, length)), self.fit(F32, (*b_batch, columns, length)), split)

    def reduce(self) -> Value:
        value = self.pick(self.rng.choice((F32, F32, I32)))
        if not value.shape:
            value = value.view(1)
        fn = self.rng.choice(list(ReduceFn))
        block = 0 if fn is ReduceFn.ARGMAX else self.rng.choice((0, 0, self.rng.randint(1, 2 * value.shape[-1])))
        return self.builder.reduce(fn, value, block)

    def move(self, wanted: TensorType | None = None) -> Value:
        dtype = wanted.dtype if wanted else self.rng.choice((F32, I32))
        shape = wanted.shape if wanted else self.shape()
        if wanted is None and self.rng.random() < 0.3:
            source = self.pick(dtype)
            return self.builder.transpose(source.view(*self.factors(source.type.size, 3)), self.rng.sample(range(3), 3))
        sources = [self.pick(dtype) for _ in range(self.rng.randint(1, MAX_MOVE_SOURCES))]
        read = [Source(source, tuple(self.axis(len(shape), dim) for dim in source.shape)) for source in sources]
        return self.builder.move(shape, read, self.rng.choice((0, 0x3F800000, 0x7FC00001)))

    def axis(self, rank: int, dim: int) -> Axis:
        """The access of a source's axis of ``dim``: mostly small steps along one output axis."""
        coefficients = [0] * rank
        if rank:
            coefficients[self.rng.randrange(rank)] = self.rng.choice((1, 1, 1, -1, 2, 0))
        if rank > 1 and self.rng.random() < 0.2:
            coefficients[self.rng.randrange(rank)] = self.rng.randint(-2, 2)
        offset = self.rng.choice((0, 0, self.rng.randint(-2, dim), dim - 1))
        return Axis(offset, self.rng.choice((1, 1, 1, 2, 3)), tuple(coefficients))

    def gather(self) -> Value:
        table = self.rng.choice(self.pool)
        rows, width = self.factors(table.type.size, 2)
        if width > self.max_elements // 2:
            rows, width = width, rows
        index = self.fit(I32, self.shape(3, limit=max(1, self.max_elements // width)))
        if self.rng.random() < 0.6:
            index = self.builder.map(MapFn.IMOD, index, self.builder.fill(I32, (), rows))
        return self.builder.gather(table.view(rows, width), index)

    def scatter_add(self) -> Value:
        base = self.pick(self.rng.choice((F32, F32, I32)))
        rows, width = self.factors(base.type.size, 2)
        count = self.rng.randint(1, max(1, min(MAX_SCATTERED, self.max_elements // width)))
        index = self.fit(I32, (count,))
        if self.rng.random() < 0.7:
            index = self.builder.map(MapFn.IMOD, index, self.builder.fill(I32, (), rows))
        return self.builder.scatter_add(base.view(rows, width), index, self.fit(base.type.dtype, (width, count)))

    def source(self) -> Value:
        fn = self.rng.choice(list(SourceFn))
        if fn is SourceFn.IOTA:
            return self.builder.iota(self.shape())
        if fn is SourceFn.PHILOX:
            return self.builder.philox(self.shape(), (self.rng.getrandbits(32), self.rng.getrandbits(32)), self.rng.getrandbits(8))
        dtype = self.rng.choice((F32, I32))
        return self.builder.fill(dtype, self.shape(), self.rng.choice((0, 1, 3, 0x3F800000, 0xBF000000, 0x7F800001, 0xFFFFFFFF)))
