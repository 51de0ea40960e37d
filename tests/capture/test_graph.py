"""The graph builder: strided views, shared nodes, folded literals, and programs without anything unused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.capture import views
from touchstone.capture.assemble import assemble
from touchstone.capture.graph import Graph
from touchstone.capture.views import Value
from touchstone.machine import validity
from touchstone.machine.program import DType, Kind, MapFn, Op, ReduceFn, Ref
from touchstone.machine.reference import ReferenceMachine
from touchstone.machine.workload import Array


def slots(graph: Graph, *shapes: tuple[int, ...]) -> list[Value]:
    return [graph.slot(DType.I32, (1,)), *(graph.slot(DType.F32, shape) for shape in shapes)]


def evaluate(graph: Graph, arrays: list[Array], result: Value) -> Array:
    """The value of ``result`` when the graph's slots hold ``arrays``."""
    declared = [Value(Ref(Kind.SLOT, k), t.size, t.dtype, t.shape, 0, views.row_major(t.shape)) for k, t in enumerate(graph.slots)]
    declared[0] = graph.map(MapFn.IADD, declared[0], graph.i32(1))
    graph.slot(result.dtype, result.shape)
    program = assemble(graph, [*declared, result], pinned=len(declared) + 1).program
    validity.check(program)
    machine = ReferenceMachine(program, [])
    machine.load([*arrays, np.zeros(result.shape, dtype=np.float32 if result.dtype is DType.F32 else np.int32)])
    machine.run(1)
    return machine.state()[-1]


def counter() -> Array:
    return np.zeros(1, dtype=np.int32)


@st.composite
def view_chains(draw: st.DrawFn) -> tuple[tuple[int, ...], list[tuple]]:
    """A shape and a chain of view operations that fit it."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    current, chain = np.empty(shape), []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["permute", "narrow", "expand", "reshape"]))
        if kind == "permute":
            order = tuple(draw(st.permutations(range(current.ndim))))
            chain.append((kind, order))
            current = current.transpose(order)
        elif kind == "narrow" and current.ndim:
            axis = draw(st.integers(0, current.ndim - 1))
            start = draw(st.integers(0, current.shape[axis] - 1))
            step = draw(st.integers(1, 3))
            length = draw(st.integers(1, -(-(current.shape[axis] - start) // step)))
            chain.append((kind, (axis, start, step, length)))
            current = current[(slice(None),) * axis + (slice(start, start + step * (length - 1) + 1, step),)]
        elif kind == "expand" and current.ndim < 5:
            target = (draw(st.integers(1, 3)), *(draw(st.integers(1, 3)) if dim == 1 else dim for dim in current.shape))
            chain.append((kind, target))
            current = np.broadcast_to(current, target)
        elif kind == "reshape":
            size, target = current.size, []
            while size > 1 and len(target) < 5:
                dim = draw(st.sampled_from([d for d in range(2, size + 1) if size % d == 0]))
                target.append(dim)
                size //= dim
            chain.append((kind, (*target, *([size] if size > 1 else []))))
            current = current.reshape(chain[-1][1])
    return shape, chain


@settings(deadline=None, max_examples=150)
@given(view_chains())
def test_chains_of_views_read_what_numpy_reads_with_at_most_one_copy_per_reshape(case) -> None:
    shape, chain = case
    graph = Graph()
    value = slots(graph, shape)[1]
    array = np.arange(value.size, dtype=np.float32).reshape(shape)
    expected = array
    for kind, argument in chain:
        if kind == "permute":
            value, expected = views.permute(value, argument), expected.transpose(argument)
        elif kind == "narrow":
            axis, start, step, length = argument
            value = views.narrow(value, axis, start, step, length)
            expected = expected[(slice(None),) * axis + (slice(start, start + step * (length - 1) + 1, step),)]
        elif kind == "expand":
            value, expected = views.expand(value, argument), np.broadcast_to(expected, argument)
        else:
            value, expected = graph.reshape(value, argument), expected.reshape(argument)
    assert len(graph.nodes) <= sum(kind == "reshape" for kind, _ in chain)
    through_strides, copied = graph.map(MapFn.ABS, value), graph.contiguous(value)
    np.testing.assert_array_equal(evaluate(graph, [counter(), array], through_strides), expected)
    np.testing.assert_array_equal(evaluate(graph, [counter(), array, np.zeros(expected.shape, np.float32)], copied), expected)


def test_views_cost_no_node_for_elementwise_consumers() -> None:
    graph = Graph()
    _, a, b = slots(graph, (3, 4), (4, 3))
    graph.map(MapFn.ADD, views.transpose(a), views.narrow(b, 1, 0, 1, 3))
    assert [node.op for node in graph.nodes] == [Op.MAP]


def test_two_transposes_before_a_product_are_no_move() -> None:
    graph = Graph()
    _, a, b = slots(graph, (3, 4), (5, 4))
    graph.dot(a, views.transpose(views.transpose(b)))
    assert [node.op for node in graph.nodes] == [Op.DOT]


def test_a_transposed_factor_is_moved_once_however_often_it_is_used() -> None:
    graph = Graph()
    _, a, b = slots(graph, (3, 4), (4, 5))
    graph.dot(a, views.transpose(b))
    graph.reduce(ReduceFn.SUM, views.transpose(b), (1,))
    assert [node.op for node in graph.nodes] == [Op.MOVE, Op.DOT, Op.REDUCE]


def test_equal_nodes_are_made_once() -> None:
    graph = Graph()
    _, a = slots(graph, (3,))
    first, second = (graph.map(MapFn.MUL, graph.map(MapFn.EXP, a), graph.f32(2.0)) for _ in range(2))
    assert first == second and len(graph.nodes) == 3


def test_arithmetic_on_literals_is_done_at_once() -> None:
    graph = Graph()
    assert graph.map(MapFn.DIV, graph.f32(1.0), graph.f32(3.0)) == graph.f32(float(np.float32(1) / np.float32(3)))
    assert graph.map(MapFn.IMUL, graph.i32(2**30), graph.i32(6)) == graph.i32(-(2**31))
    zero_by_zero = graph.map(MapFn.DIV, graph.f32(0.0), graph.f32(0.0))
    assert graph.nodes[zero_by_zero.ref.index].op is Op.MAP


@pytest.mark.parametrize("length", [8192, 8193, 20000])
def test_long_products_and_sums_are_cut_and_added(length: int) -> None:
    rng = np.random.default_rng(0)
    graph = Graph()
    _, a, b = slots(graph, (2, length), (3, length))
    arrays = [rng.integers(-3, 4, (2, length)).astype(np.float32), rng.integers(-3, 4, (3, length)).astype(np.float32)]
    product = graph.dot(a, b)
    np.testing.assert_array_equal(evaluate(graph, [counter(), *arrays], product), arrays[0] @ arrays[1].T)
    graph = Graph()
    _, a, b = slots(graph, (2, length), (3, length))
    total = graph.reduce(ReduceFn.SUM, a, (1,), keep=True)
    np.testing.assert_array_equal(evaluate(graph, [counter(), *arrays], total), arrays[0].sum(axis=1, keepdims=True))


def test_sums_over_any_axes_equal_numpy() -> None:
    array = np.random.default_rng(0).integers(-9, 9, (2, 3, 4, 5)).astype(np.float32)
    for axes in [(0,), (1,), (3,), (0, 2), (1, 3), (0, 1, 2, 3)]:
        graph = Graph()
        _, a = slots(graph, array.shape)
        np.testing.assert_array_equal(evaluate(graph, [counter(), array], graph.reduce(ReduceFn.SUM, a, axes)), array.sum(axis=axes))


def test_unused_nodes_slots_and_constants_are_dropped_and_unchanging_slots_become_constants() -> None:
    graph = Graph()
    step, used, unused, changing = slots(graph, (3,), (4,), (3,))
    data, spare = graph.constant(DType.F32, (3,)), graph.constant(DType.F32, (9,))
    graph.map(MapFn.EXP, spare)
    summed = graph.map(MapFn.ADD, graph.map(MapFn.ADD, changing, used), data)
    built = assemble(graph, [step, used, unused, summed], pinned=1)
    assert built.slots == (0, 3)
    assert built.constants == (Ref(Kind.CONSTANT, 0), Ref(Kind.SLOT, 1))
    assert [node.fn for node in built.program.nodes] == [MapFn.ADD, MapFn.ADD]
    validity.check(built.program)


def test_a_slot_that_takes_a_constant_or_a_frozen_slots_value_takes_a_copy() -> None:
    graph = Graph()
    step, frozen, first, second = slots(graph, (3,), (3,), (3,))
    data = graph.constant(DType.F32, (3,))
    built = assemble(graph, [step, frozen, frozen, data], pinned=1)
    assert [slot.next.kind for slot in built.program.slots] == [Kind.SLOT, Kind.NODE, Kind.NODE]
    validity.check(built.program)
    machine = ReferenceMachine(built.program, [np.full(3, 5, np.float32), np.full(3, 7, np.float32)])
    machine.load([counter(), np.zeros(3, np.float32), np.zeros(3, np.float32)])
    machine.run(1)
    assert [array[0] for array in machine.state()] == [0, 7, 5]
    assert first != second


def test_integers_beyond_32_bits_are_refused() -> None:
    with pytest.raises(OverflowError, match="32 bits"):
        Graph().i32(2**31)


@pytest.mark.parametrize("count", [1, 5, 4096, 4097, 9000])
def test_scatter_add_of_any_number_of_rows_adds_them_in_order(count: int) -> None:
    graph = Graph()
    _, base, source = slots(graph, (6, 3), (count, 3))
    index = graph.slot(DType.I32, (count,))
    rng = np.random.default_rng(count)
    arrays = [counter(), *(rng.normal(size=shape).astype(np.float32) for shape in ((6, 3), (count, 3)))]
    rows = rng.integers(-1, 7, count).astype(np.int32)
    expected = arrays[1].copy()
    for row, words in zip(rows, arrays[2], strict=True):
        if 0 <= row < 6:
            expected[row] += words
    found = evaluate(graph, [*arrays, rows], graph.scatter_add(base, index, source))
    assert np.array_equal(found, expected)
    assert sum(node.op is Op.SCATTER_ADD for node in graph.nodes) == -(-count // 4096)


def test_scatter_add_of_one_column_needs_no_move() -> None:
    graph = Graph()
    _, base, source = slots(graph, (6, 1), (5, 1))
    graph.scatter_add(base, graph.slot(DType.I32, (5,)), source)
    assert [node.op for node in graph.nodes] == [Op.SCATTER_ADD]
