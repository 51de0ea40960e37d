"""Builds the nodes of a program: shapes are inferred, equal nodes are made once, and arithmetic on literals is done at once.

One method per operator family of docs/specification/machine.md, section 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from touchstone.capture import views
from touchstone.capture.errors import ModelError
from touchstone.capture.views import Shape, Value
from touchstone.machine.program import Axis, DType, Kind, MapFn, Node, Op, Operand, ReduceFn, Ref, SourceFn, Strided, TensorType
from touchstone.machine.signatures import SIGNATURES

MAX_ELEMENT_WORDS = 8192  # longest chain of dot, longest row of reduce (sections 3.2 and 3.3)
REDUCE_BLOCK = 4096
WORTHWHILE_ROW = 8  # words; shorter rows are not worth a reduction of their own
MAX_SOURCES = 15
MAX_SCATTERED = 4096  # sources of one scatter_add (section 3.5)

_I32_RESULT = frozenset({MapFn.LT, MapFn.LE, MapFn.EQ, MapFn.F2I}) | {fn for fn in MapFn if MapFn.IADD <= fn <= MapFn.IEQ}
_FOLDED_F32: dict[MapFn, np.ufunc] = {MapFn.ADD: np.add, MapFn.SUB: np.subtract, MapFn.MUL: np.multiply, MapFn.DIV: np.divide}
_FOLDED_I32: dict[MapFn, np.ufunc] = {MapFn.IADD: np.add, MapFn.ISUB: np.subtract, MapFn.IMUL: np.multiply}


class Graph:
    """A program under construction. Slots and constants keep the index they were declared with until ``assemble`` removes unused ones."""

    def __init__(self) -> None:
        self.slots: list[TensorType] = []
        self.constants: list[TensorType] = []
        self.nodes: list[Node] = []
        self._index: dict[Node, int] = {}

    # Declarations

    def slot(self, dtype: DType, shape: Shape) -> Value:
        """Declare the next slot."""
        self.slots.append(TensorType(dtype, shape))
        return self._whole(Ref(Kind.SLOT, len(self.slots) - 1), self.slots[-1])

    def constant(self, dtype: DType, shape: Shape) -> Value:
        """Declare the next constant."""
        self.constants.append(TensorType(dtype, shape))
        return self._whole(Ref(Kind.CONSTANT, len(self.constants) - 1), self.constants[-1])

    def type_of(self, ref: Ref) -> TensorType:
        """Declared type of what ``ref`` points at."""
        if ref.kind is Kind.NODE:
            return self.nodes[ref.index].type
        return (self.slots if ref.kind is Kind.SLOT else self.constants)[ref.index]

    def value(self, ref: Ref) -> Value:
        """What ``ref`` points at, as it is."""
        return self._whole(ref, self.type_of(ref))

    # Sources

    def f32(self, number: float) -> Value:
        """A literal, rounded to the nearest float32."""
        with np.errstate(over="ignore"):
            return self._literal(DType.F32, int(np.float32(number).view(np.uint32)))

    def i32(self, number: int) -> Value:
        """A literal; it must fit 32 bits."""
        if not -(2**31) <= number < 2**31:
            raise OverflowError(f"integer {number} does not fit 32 bits")
        return self._literal(DType.I32, number & 0xFFFFFFFF)

    def iota(self, length: int) -> Value:
        """The i32 vector 0, 1, …, length − 1."""
        return self._add(Node(Op.SOURCE, SourceFn.IOTA, TensorType(DType.I32, (length,)), ()))

    def philox(self, step: Value, key: tuple[int, int], site: int, shape: Shape) -> Value:
        """Random i32 words of this step; ``site`` tells the random nodes of a program apart."""
        return self._add(Node(Op.SOURCE, SourceFn.PHILOX, TensorType(DType.I32, shape), (self._operand(step),), (*key, site)))

    # Elementwise

    def map(self, fn: MapFn, *operands: Value) -> Value:
        """Elementwise function of one to three values, broadcast against each other. Integers are converted where it takes floats."""
        wanted = SIGNATURES[fn].operands
        operands = tuple(self.as_f32(x) if dtype is DType.F32 else x for x, dtype in zip(operands, wanted, strict=True))
        folded = self._fold(fn, operands)
        if folded is not None:
            return folded
        shape = np.broadcast_shapes(*(operand.shape for operand in operands))
        dtype = self._map_dtype(fn, operands)
        return self._add(Node(Op.MAP, fn, TensorType(dtype, shape), tuple(self._strided(operand, shape) for operand in operands)))

    def as_f32(self, value: Value) -> Value:
        """The value itself, or its integers converted to floats."""
        return value if value.dtype is DType.F32 else self.map(MapFn.I2F, value)

    def select(self, condition: Value, yes: Value, no: Value) -> Value:
        """``yes`` where the i32 condition is not 0, else ``no``."""
        return self.map(MapFn.SELECT, condition, yes, no)

    # Contractions

    def dot(self, a: Value, b: Value) -> Value:
        """``a[…, M, K]`` times ``b[…, N, K]`` over K: ``[…, M, N]``. Batch axes broadcast; long K is cut and summed."""
        rank = max(len(a.shape), len(b.shape))
        a, b = (self.reshape(x, (1,) * (rank - len(x.shape)) + x.shape) for x in (self.as_f32(a), self.as_f32(b)))
        shape = (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-2])
        a = _without_repeats(a, b)
        a, b = self.contiguous(a), self.contiguous(_without_repeats(b, a))
        operands, depth = (self._operand(a), self._operand(b)), a.shape[-1]
        if depth <= MAX_ELEMENT_WORDS:
            return self._add(Node(Op.DOT, 0, TensorType(DType.F32, shape), operands))
        parts = -(-depth // MAX_ELEMENT_WORDS)
        partial = self._add(Node(Op.DOT, 0, TensorType(DType.F32, (*shape, parts)), operands, (MAX_ELEMENT_WORDS, 0, 0)))
        return self.reduce(ReduceFn.SUM, partial, (len(shape),))

    def reduce(self, fn: ReduceFn, value: Value, axes: Sequence[int], keep: bool = False) -> Value:
        """Reduce over ``axes`` (non-negative). ``argmax`` takes rows of at most 8,192 words; the others any length."""
        if not value.shape:
            return self.i32(0) if fn is ReduceFn.ARGMAX else value
        gone = tuple(sorted(set(axes)))
        inner = self._inner_axes(value, gone)
        if inner and fn is not ReduceFn.ARGMAX:  # these need no copy; the copy for the other axes is then small
            return self.reduce(fn, self.reduce(fn, value, inner, keep), gone if keep else gone[: -len(inner)], keep)
        rest = tuple(k for k in range(len(value.shape)) if k not in gone)
        kept = tuple(value.shape[k] for k in rest)
        length = math.prod(value.shape[k] for k in gone)
        row = self.contiguous(self.reshape(views.permute(value, rest + gone), (*kept, length)))
        while length > MAX_ELEMENT_WORDS and fn is not ReduceFn.ARGMAX:
            length = -(-length // REDUCE_BLOCK)
            row = self._add(Node(Op.REDUCE, fn, TensorType(value.dtype, (*kept, length)), (self._operand(row),), (REDUCE_BLOCK, 0, 0)))
        dtype = DType.I32 if fn is ReduceFn.ARGMAX else value.dtype
        result = self._add(Node(Op.REDUCE, fn, TensorType(dtype, kept), (self._operand(row),)))
        return self.reshape(result, tuple(1 if k in gone else dim for k, dim in enumerate(value.shape))) if keep else result

    @staticmethod
    def _inner_axes(value: Value, gone: tuple[int, ...]) -> tuple[int, ...]:
        """Of the axes to reduce, the last ones, if their words lie together but those of all the axes do not."""
        count = next((k for k in range(len(gone)) if gone[-1 - k] != len(value.shape) - 1 - k), len(gone))
        inner = gone[len(gone) - count :]
        length = math.prod(value.shape[k] for k in inner)
        return inner if value.is_whole and count < len(gone) and length >= WORTHWHILE_ROW else ()

    def gather(self, table: Value, index: Value) -> Value:
        """Rows of ``table[R, W]`` chosen by the i32 ``index``: shape of index followed by W."""
        table, index = self.contiguous(table), self.contiguous(index)
        shape = (*index.shape, table.shape[1])
        return self._add(Node(Op.GATHER, 0, TensorType(table.dtype, shape), (self._operand(table), self._operand(index))))

    def scatter_add(self, base: Value, index: Value, source: Value) -> Value:
        """``base[R, W]`` with row s of ``source[N, W]`` added to row ``index[s]``, in the order of s; an index out of range adds nothing.

        The machine takes sources with s innermost, so each block of 4,096 rows is turned by one ``move``.
        """
        result, count = self.contiguous(base), index.shape[0]
        for start in range(0, count, MAX_SCATTERED):
            length = min(MAX_SCATTERED, count - start)
            targets = self.contiguous(views.narrow(index, 0, start, 1, length))
            columns = self.contiguous(views.transpose(views.narrow(source, 0, start, 1, length)))
            operands = (self._operand(result), self._operand(targets), self._operand(columns))
            result = self._add(Node(Op.SCATTER_ADD, 0, TensorType(base.dtype, base.shape), operands))
        return result

    # Movement

    def reshape(self, value: Value, shape: Shape) -> Value:
        """Another shape for the same elements: free where strides can express it, else one ``move``."""
        view = views.reshape(value, shape)
        if view is not None:
            return view
        reshaped = views.reshape(self.contiguous(value), shape)
        assert reshaped is not None  # a contiguous value takes every shape
        return reshaped

    def contiguous(self, value: Value) -> Value:
        """The value as a whole tensor, copied by one ``move`` that reads the flat source through the view's strides unless it is one."""
        return value if value.is_whole else self.copy(value)

    def copy(self, value: Value) -> Value:
        """The view's words in a tensor of their own."""
        flat = Operand(value.ref, TensorType(value.dtype, (value.size,)), axes=(Axis(value.offset, 1, value.strides),))
        return self._add(Node(Op.MOVE, 0, TensorType(value.dtype, value.shape), (flat,)))

    def concatenate(self, parts: Sequence[Value], axis: int) -> Value:
        """Values of one dtype joined along ``axis``; those without elements are left out."""
        parts = [part for part in parts if part.count] or parts[:1]
        if len(parts) == 1:
            return parts[0]
        if len(parts) > MAX_SOURCES:
            groups = [parts[k : k + MAX_SOURCES] for k in range(0, len(parts), MAX_SOURCES)]
            return self.concatenate([self.concatenate(group, axis) for group in groups], axis)
        rank, start, sources = len(parts[0].shape), 0, []
        for part in (self.contiguous(part) for part in parts):
            axes = tuple(Axis(-start if j == axis else 0, 1, tuple(int(k == j) for k in range(rank))) for j in range(rank))
            sources.append(Operand(part.ref, TensorType(part.dtype, part.shape), axes=axes))
            start += part.shape[axis]
        shape = tuple(start if k == axis else dim for k, dim in enumerate(parts[0].shape))
        return self._add(Node(Op.MOVE, 0, TensorType(parts[0].dtype, shape), tuple(sources)))

    def move(self, value: Value, axes: Sequence[Axis], shape: Shape, fill: int = 0) -> Value:
        """Element i is element ``axes(i)`` of ``value``, one access for each of its axes, or the word ``fill`` out of range."""
        part = self.contiguous(value)
        source = Operand(part.ref, TensorType(part.dtype, part.shape), axes=tuple(axes))
        return self._add(Node(Op.MOVE, 0, TensorType(part.dtype, shape), (source,), (fill, 0, 0)))

    def place(self, value: Value, shape: Shape, axis: int, start: int, step: int) -> Value:
        """Zeros of ``shape``, with ``value`` at start, start + step, … of one axis."""
        return self._add(Node(Op.MOVE, 0, TensorType(value.dtype, shape), (self._spread(value, axis, start, step),)))

    def overlay(self, base: Value, value: Value, axis: int, start: int, step: int) -> Value:
        """``base`` with ``value`` at start, start + step, … of one axis."""
        sources = (self._spread(value, axis, start, step), self._spread(base, axis, 0, 1))
        return self._add(Node(Op.MOVE, 0, TensorType(base.dtype, base.shape), sources))

    def overlay_diagonal(self, base: Value, value: Value, offset: int, first: int, second: int) -> Value:
        """``base`` with the elements whose index along ``second`` is that along ``first`` plus ``offset`` taken from ``value[…, d]``."""
        rank, start = len(base.shape), max(-offset, 0)
        unit = [tuple(int(k == j) for k in range(rank)) for j in range(rank)]
        across = tuple(int(k == second) - int(k == first) for k in range(rank))
        part = self.contiguous(self.reshape(value, (*value.shape, 1)))  # the last axis is only in range on the diagonal
        axes = (
            *(Axis(0, 1, unit[k]) for k in range(rank) if k not in (first, second)),
            Axis(-start, 1, unit[first]),
            Axis(-offset, 1, across),
        )
        sources = (Operand(part.ref, TensorType(part.dtype, part.shape), axes=axes), self._spread(base, 0, 0, 1))
        return self._add(Node(Op.MOVE, 0, TensorType(base.dtype, base.shape), sources))

    def _spread(self, value: Value, axis: int, start: int, step: int) -> Operand:
        """A source of ``move`` whose element i of one axis goes to start + i · step."""
        part, rank = self.contiguous(value), len(value.shape)
        unit = [tuple(int(k == j) for k in range(rank)) for j in range(rank)]
        axes = tuple(Axis(-start, step, unit[j]) if j == axis else Axis(0, 1, unit[j]) for j in range(rank))
        return Operand(part.ref, TensorType(part.dtype, part.shape), axes=axes)

    def pad(self, value: Value, shape: Shape, before: Sequence[int], border: Value) -> Value:
        """``shape`` filled with the literal ``border``, with ``value`` starting at index ``before`` of each axis."""
        part, rank, word = self.contiguous(value), len(shape), self._literal_word(border)
        if word is None:
            raise ValueError("the border of pad must be a literal")
        axes = tuple(Axis(-start, 1, tuple(int(k == j) for k in range(rank))) for j, start in enumerate(before))
        source = Operand(part.ref, TensorType(part.dtype, part.shape), axes=axes)
        return self._add(Node(Op.MOVE, 0, TensorType(part.dtype, shape), (source,), (word, 0, 0)))

    # Helpers

    def _add(self, node: Node) -> Value:
        if 0 in node.type.shape:
            raise ModelError(f"the step computes a tensor of shape {node.type.shape}, without elements; leave it out")
        index = self._index.setdefault(node, len(self.nodes))
        if index == len(self.nodes):
            self.nodes.append(node)
        return self._whole(Ref(Kind.NODE, index), node.type)

    @staticmethod
    def _whole(ref: Ref, tensor: TensorType) -> Value:
        return Value(ref, tensor.size, tensor.dtype, tensor.shape, 0, views.row_major(tensor.shape))

    def _literal(self, dtype: DType, word: int) -> Value:
        return self._add(Node(Op.SOURCE, SourceFn.CONSTANT, TensorType(dtype, ()), (), (word, 0, 0)))

    @staticmethod
    def _operand(value: Value) -> Operand:
        return Operand(value.ref, TensorType(value.dtype, value.shape))

    def _strided(self, value: Value, shape: Shape) -> Operand:
        view = views.expand(value, shape)
        strides = tuple(0 if dim == 1 else stride for dim, stride in zip(shape, view.strides, strict=True))
        return Operand(value.ref, self.type_of(value.ref), strided=Strided(view.offset, strides))

    @staticmethod
    def _map_dtype(fn: MapFn, operands: tuple[Value, ...]) -> DType:
        if fn is MapFn.SELECT:
            return operands[1].dtype
        return DType.I32 if fn in _I32_RESULT else DType.F32

    def _literal_word(self, value: Value) -> int | None:
        """The word of a literal, None for every other value."""
        if value.ref.kind is not Kind.NODE or value.shape:
            return None
        node = self.nodes[value.ref.index]
        is_literal = node.op is Op.SOURCE and node.fn == SourceFn.CONSTANT
        return node.attributes[0] if is_literal else None

    def _fold(self, fn: MapFn, operands: tuple[Value, ...]) -> Value | None:
        """Result of arithmetic on two literals. Single IEEE or wrapping operations, so numpy gives the machine's bits."""
        words = [self._literal_word(operand) for operand in operands]
        if None in words or len(words) != 2:
            return None
        a, b = np.array(words, dtype=np.uint32)[:, None]
        with np.errstate(all="ignore"):
            if fn in _FOLDED_F32:
                result = _FOLDED_F32[fn](a.view(np.float32), b.view(np.float32))
                return None if np.isnan(result[0]) else self._literal(DType.F32, int(result.view(np.uint32)[0]))
            if fn in _FOLDED_I32:
                return self._literal(DType.I32, int(_FOLDED_I32[fn](a, b)[0]))
        return None


def _without_repeats(value: Value, other: Value) -> Value:
    """``value`` with batch axes along which it repeats itself, and ``other`` does not need it to, shortened to 1."""
    for axis, (dim, stride) in enumerate(zip(value.shape[:-2], value.strides[:-2], strict=True)):
        if stride == 0 and dim > 1 and other.shape[axis] == dim:
            value = views.narrow(value, axis, 0, 1, 1)
    return value
