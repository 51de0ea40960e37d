"""Writes programs by hand: broadcasting, shape inference and one node for equal expressions.

>>> from touchstone.machine.program import DType, MapFn
>>> b = Builder()
>>> step = b.slot(DType.I32, (1,))
>>> b.set_next(step, b.map(MapFn.IADD, step, b.fill(DType.I32, (), 1)))
>>> program = b.build()

The builder only arranges; ``validity.check`` judges. A value is a handle on a slot, a constant or a node; ``Value.view`` reads it under
another shape, which costs nothing (section 1 of docs/specification/machine.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from touchstone.machine.program import (
    Axis,
    DType,
    Kind,
    MapFn,
    Node,
    Op,
    Operand,
    Program,
    ReduceFn,
    Ref,
    Slot,
    SourceFn,
    Strided,
    TensorType,
)
from touchstone.machine.signatures import SIGNATURES

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor of the program being built, read under ``type.shape``."""

    ref: Ref
    type: TensorType

    @property
    def shape(self) -> Shape:
        """The shape it is read under."""
        return self.type.shape

    def view(self, *shape: int) -> Value:
        """The same words under another shape with as many elements."""
        return replace(self, type=TensorType(self.type.dtype, shape))


@dataclass(frozen=True, slots=True)
class Strides:
    """A value read by ``map`` at ``offset + sum(strides[k] * i[k])`` instead of by broadcasting."""

    value: Value
    offset: int
    strides: Shape


@dataclass(frozen=True, slots=True)
class Source:
    """A value read by ``move``; one ``Axis`` per axis of its shape."""

    value: Value
    axes: tuple[Axis, ...]


class Builder:
    """Collects slots, constants and nodes; equal nodes become one."""

    def __init__(self) -> None:
        self._slots: list[TensorType] = []
        self._next: dict[int, Ref] = {}
        self._constants: list[TensorType] = []
        self._nodes: list[Node] = []
        self._known: dict[Node, Value] = {}

    def slot(self, dtype: DType, shape: Shape) -> Value:
        """A new slot. The first must be the step counter, i32 of shape (1,). Keeps its value unless ``set_next`` says otherwise."""
        self._slots.append(TensorType(dtype, shape))
        return Value(Ref(Kind.SLOT, len(self._slots) - 1), self._slots[-1])

    def constant(self, dtype: DType, shape: Shape) -> Value:
        """A new constant."""
        self._constants.append(TensorType(dtype, shape))
        return Value(Ref(Kind.CONSTANT, len(self._constants) - 1), self._constants[-1])

    def set_next(self, slot: Value, value: Value) -> None:
        """``slot`` takes ``value`` (a slot or a node) after the step."""
        self._next[slot.ref.index] = value.ref

    def build(self) -> Program:
        """The program so far."""
        slots = tuple(Slot(tensor, self._next.get(index, Ref(Kind.SLOT, index))) for index, tensor in enumerate(self._slots))
        return Program(slots, tuple(self._constants), tuple(self._nodes))

    def node(self, node: Node) -> Value:
        """Appends a node as it is, or finds the equal one."""
        if node not in self._known:
            self._nodes.append(node)
            self._known[node] = Value(Ref(Kind.NODE, len(self._nodes) - 1), node.type)
        return self._known[node]

    def map(self, fn: MapFn, *operands: Value | Strides, shape: Shape | None = None) -> Value:
        """A map function; values broadcast as in numpy. ``shape`` is needed when an operand is given by strides."""
        if shape is None:
            shape = broadcast([operand.shape for operand in operands if isinstance(operand, Value)])
        result = SIGNATURES[fn].result
        if result is None:  # select: the dtype of what is selected
            result = _value(operands[-1]).type.dtype
        read = tuple(_map_operand(operand, shape) for operand in operands)
        return self.node(Node(Op.MAP, fn, TensorType(result, shape), read))

    def dot(self, a: Value, b: Value, split: int = 0) -> Value:
        """``out[…, m, n]`` from ``a[…, m, k]`` and ``b[…, n, k]``; with ``split``, one more axis of partial results."""
        batch = broadcast([a.shape[:-2], b.shape[:-2]])
        shape = (*batch, a.shape[-2], b.shape[-2])
        if split:
            shape = (*shape, -(-a.shape[-1] // split))
        return self.node(Node(Op.DOT, 0, TensorType(DType.F32, shape), (_plain(a), _plain(b)), (split, 0, 0)))

    def reduce(self, fn: ReduceFn, x: Value, block: int = 0) -> Value:
        """Reduces the last axis; with ``block``, to one result per block."""
        shape = x.shape[:-1]
        if block:
            shape = (*shape, -(-x.shape[-1] // block))
        dtype = DType.I32 if fn is ReduceFn.ARGMAX else x.type.dtype
        return self.node(Node(Op.REDUCE, fn, TensorType(dtype, shape), (_plain(x),), (block, 0, 0)))

    def move(self, shape: Shape, sources: Sequence[Source], fill: int = 0) -> Value:
        """A move node; ``fill`` is a word."""
        operands = tuple(Operand(source.value.ref, source.value.type, axes=source.axes) for source in sources)
        return self.node(Node(Op.MOVE, 0, TensorType(sources[0].value.type.dtype, shape), operands, (fill, 0, 0)))

    def transpose(self, x: Value, order: Sequence[int] | None = None) -> Value:
        """Axes of ``x`` in a new order (reversed when omitted)."""
        order = list(reversed(range(len(x.shape)))) if order is None else list(order)
        shape = tuple(x.shape[axis] for axis in order)
        axes = tuple(_select_axis(order.index(axis), len(order)) for axis in range(len(order)))
        return self.move(shape, [Source(x, axes)])

    def gather(self, x: Value, index: Value) -> Value:
        """Rows of ``x`` (viewed as [R, W]) by an i32 ``index`` of any shape."""
        table = x.view(x.shape[0], x.type.size // x.shape[0])
        shape = (*index.shape, table.shape[1])
        return self.node(Node(Op.GATHER, 0, TensorType(x.type.dtype, shape), (_plain(table), _plain(index))))

    def scatter_add(self, base: Value, index: Value, src: Value) -> Value:
        """``base[R, W]`` with column s of ``src[W, N]`` added to row ``index[s]``, s ascending."""
        return self.node(Node(Op.SCATTER_ADD, 0, base.type, (_plain(base), _plain(index), _plain(src))))

    def fill(self, dtype: DType, shape: Shape, word: int) -> Value:
        """A tensor whose every element is ``word``."""
        return self.node(Node(Op.SOURCE, SourceFn.CONSTANT, TensorType(dtype, shape), (), (word, 0, 0)))

    def iota(self, shape: Shape) -> Value:
        """0, 1, 2, … in row-major order."""
        return self.node(Node(Op.SOURCE, SourceFn.IOTA, TensorType(DType.I32, shape), ()))

    def philox(self, shape: Shape, key: tuple[int, int], site: int) -> Value:
        """Random bits that depend on the key, the site, the step and the element."""
        step = Operand(Ref(Kind.SLOT, 0), self._slots[0])
        return self.node(Node(Op.SOURCE, SourceFn.PHILOX, TensorType(DType.I32, shape), (step,), (*key, site)))


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """The shape that numpy would broadcast these to. Raises ValueError when they do not fit."""
    rank = max((len(shape) for shape in shapes), default=0)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    result = tuple(max(dims) for dims in zip(*padded, strict=True))
    for shape in padded:
        if any(dim not in (1, out) for dim, out in zip(shape, result, strict=True)):
            raise ValueError(f"shapes {list(shapes)} do not broadcast; reshape one of them")
    return result


def row_major_strides(shape: Shape) -> Shape:
    """Distance in words between neighbours along each axis of a contiguous tensor."""
    strides, distance = [], 1
    for dim in reversed(shape):
        strides.append(distance)
        distance *= dim
    return tuple(reversed(strides))


def _value(operand: Value | Strides) -> Value:
    return operand.value if isinstance(operand, Strides) else operand


def _plain(value: Value) -> Operand:
    return Operand(value.ref, value.type)


def _map_operand(operand: Value | Strides, shape: Shape) -> Operand:
    if isinstance(operand, Strides):
        return Operand(operand.value.ref, operand.value.type, strided=Strided(operand.offset, operand.strides))
    own = tuple(0 if dim == 1 else stride for dim, stride in zip(operand.shape, row_major_strides(operand.shape), strict=True))
    strides = (0,) * (len(shape) - len(own)) + own
    return Operand(operand.ref, operand.type, strided=Strided(0, strides))


def _select_axis(axis: int, rank: int) -> Axis:
    """Access that reads one output coordinate as it is."""
    return Axis(0, 1, tuple(int(k == axis) for k in range(rank)))
