"""The builder writes the program one would write by hand."""

from __future__ import annotations

import numpy as np
import pytest

from touchstone.machine.builder import Builder, Strides, broadcast, row_major_strides
from touchstone.machine.program import DType, Kind, MapFn, Operand, ReduceFn, Ref, Slot, Strided, TensorType
from touchstone.machine.reference import ReferenceMachine
from touchstone.machine.validity import check

F32, I32 = DType.F32, DType.I32


def test_equal_expressions_become_one_node() -> None:
    b = Builder()
    step = b.slot(I32, (1,))
    first = b.map(MapFn.IADD, step, b.fill(I32, (), 1))
    again = b.map(MapFn.IADD, step, b.fill(I32, (), 1))
    other = b.map(MapFn.IADD, step, b.fill(I32, (), 2))
    assert first == again
    assert first != other
    assert len(b.build().nodes) == 4


def test_values_broadcast_with_strides_of_zero() -> None:
    b = Builder()
    b.slot(I32, (1,))
    column, row = b.slot(F32, (3, 1)), b.slot(F32, (4,))
    assert b.map(MapFn.MUL, column, row).shape == (3, 4)
    left, right = b.build().nodes[0].operands
    assert left == Operand(Ref(Kind.SLOT, 1), TensorType(F32, (3, 1)), strided=Strided(0, (1, 0)))
    assert right == Operand(Ref(Kind.SLOT, 2), TensorType(F32, (4,)), strided=Strided(0, (0, 1)))


def test_slots_keep_their_value_unless_told_otherwise() -> None:
    b = Builder()
    step, kept = b.slot(I32, (1,)), b.slot(F32, (2,))
    b.set_next(step, b.map(MapFn.IADD, step, b.fill(I32, (), 1)))
    program = b.build()
    assert program.slots == (Slot(step.type, Ref(Kind.NODE, 1)), Slot(kept.type, Ref(Kind.SLOT, 1)))
    check(program)


def test_select_takes_the_dtype_of_what_it_selects() -> None:
    b = Builder()
    mask = b.slot(I32, (1,))
    assert b.map(MapFn.SELECT, mask, b.fill(F32, (), 0), b.fill(F32, (), 1)).type.dtype is F32
    assert b.map(MapFn.SELECT, mask, mask, mask).type.dtype is I32


def test_explicit_strides_need_no_broadcasting() -> None:
    b = Builder()
    b.slot(I32, (1,))
    x = b.slot(F32, (6,))
    reversed_x = Strides(x, 5, (-1,))
    b.set_next(x, b.map(MapFn.SUB, x, reversed_x, shape=(6,)))
    program = b.build()
    check(program)
    machine = ReferenceMachine(program, [])
    machine.load([np.zeros(1, np.int32), np.arange(6, dtype=np.float32)])
    machine.run(1)
    assert machine.state()[1].tolist() == [-5, -3, -1, 1, 3, 5]


@pytest.mark.parametrize("order", [(2, 0, 1), (1, 0, 2), None])
def test_transposing_equals_numpy(order: tuple[int, ...] | None) -> None:
    b = Builder()
    b.slot(I32, (1,))
    x = b.slot(F32, (2, 3, 4))
    y = b.transpose(x, order)
    b.set_next(x, y)
    check(b.build())
    data = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    machine = ReferenceMachine(b.build(), [])
    machine.load([np.zeros(1, np.int32), data])
    machine.run(1)
    assert y.shape == data.transpose(order).shape
    assert machine.state()[1].reshape(-1).tolist() == data.transpose(order).reshape(-1).tolist()


def test_shapes_of_dot_reduce_and_gather_follow_from_their_operands() -> None:
    b = Builder()
    b.slot(I32, (1,))
    x, y, index = b.slot(F32, (5, 1, 2, 9)), b.slot(F32, (3, 4, 9)), b.slot(I32, (6, 2))
    assert b.dot(x, y.view(1, 3, 4, 9)).shape == (5, 3, 2, 4)
    assert b.dot(x, y.view(1, 3, 4, 9), 4).shape == (5, 3, 2, 4, 3)
    assert b.reduce(ReduceFn.SUM, x).shape == (5, 1, 2)
    assert b.reduce(ReduceFn.SUM, x, 2).shape == (5, 1, 2, 5)
    assert b.gather(y, index).shape == (6, 2, 36)
    check(b.build())


def test_shapes_that_do_not_broadcast_are_refused() -> None:
    with pytest.raises(ValueError, match="do not broadcast"):
        broadcast([(3,), (4,)])


def test_row_major_strides_count_words() -> None:
    assert row_major_strides((2, 3, 4)) == (12, 4, 1)
    assert row_major_strides(()) == ()
