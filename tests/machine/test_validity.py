"""Every rule of validity refuses a program that breaks it and nothing else: docs/specification/machine.md, sections 2.2 and 3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given, settings

from tests.machine.frozen_programs import programs
from tests.machine.programs import Case, cases
from touchstone.errors import InvalidProgramError
from touchstone.machine import validity
from touchstone.machine.builder import Builder, Source, Strides
from touchstone.machine.program import Axis, DType, Kind, MapFn, Node, Op, Program, ReduceFn, Ref, Slot, TensorType, encode
from touchstone.machine.validity import BrokenRuleError, check

F32, I32 = DType.F32, DType.I32
FIRST_NODE = 8  # header, 4 slots, 3 constants

Breaker = Callable[[Program], Program]

FILL, ADVANCE, ADD, DOT, SUM, MOVE, GATHER, PHILOX, SELECT, SPLIT, ARGMAX, IOTA, SCATTER = range(13)


def good() -> Program:
    """Nodes in the order of the names above; slots: step, matrix (2, 3), vector (6), another matrix (2, 3)."""
    b = Builder()
    step, matrix, vector, _ = b.slot(I32, (1,)), b.slot(F32, (2, 3)), b.slot(F32, (6,)), b.slot(F32, (2, 3))
    table, index = b.constant(F32, (4, 3)), b.constant(I32, (5,))
    b.set_next(step, b.map(MapFn.IADD, step, b.fill(I32, (), 1)))
    total = b.map(MapFn.ADD, matrix, vector.view(2, 3))
    b.set_next(matrix, total)
    b.dot(matrix, table)
    b.reduce(ReduceFn.SUM, table, 2)
    b.move((3, 3), [Source(matrix, (Axis(-1, 1, (1, 0)), Axis(0, 2, (0, 1))))], 7)
    b.gather(table, index)
    b.philox((4,), (1, 2), 3)
    b.map(MapFn.SELECT, index, Strides(table, 11, (-2,)), Strides(table, 0, (1,)), shape=(5,))
    b.dot(table, table, 2)
    b.reduce(ReduceFn.ARGMAX, table)
    b.iota((3,))
    b.scatter_add(table, index, b.constant(F32, (3, 5)))
    return b.build()


def with_node(index: int, **changes: object) -> Breaker:
    def breaker(program: Program) -> Program:
        nodes = list(program.nodes)
        nodes[index] = replace(nodes[index], **cast(Any, changes))
        return replace(program, nodes=tuple(nodes))

    return breaker


def with_operand(index: int, position: int, **changes: object) -> Breaker:
    def breaker(program: Program) -> Program:
        operands = list(program.nodes[index].operands)
        operands[position] = replace(operands[position], **cast(Any, changes))
        return with_node(index, operands=tuple(operands))(program)

    return breaker


def with_slot(index: int, **changes: object) -> Breaker:
    def breaker(program: Program) -> Program:
        slots = list(program.slots)
        slots[index] = replace(slots[index], **cast(Any, changes))
        return replace(program, slots=tuple(slots))

    return breaker


def with_strides(index: int, position: int, **changes: object) -> Breaker:
    def breaker(program: Program) -> Program:
        access = program.nodes[index].operands[position].strided
        assert access is not None
        return with_operand(index, position, strided=replace(access, **cast(Any, changes)))(program)

    return breaker


def with_axis(**changes: object) -> Breaker:
    def breaker(program: Program) -> Program:
        axes = program.nodes[MOVE].operands[0].axes
        assert axes is not None
        return with_operand(MOVE, 0, axes=(replace(axes[0], **cast(Any, changes)), axes[1]))(program)

    return breaker


def more_operands(index: int, copies: int) -> Breaker:
    """Repeat the first operand."""
    return lambda program: with_node(index, operands=program.nodes[index].operands[:1] * copies)(program)


def with_constant(index: int, tensor: TensorType) -> Breaker:
    def breaker(program: Program) -> Program:
        constants = list(program.constants)
        constants[index] = tensor
        return replace(program, constants=tuple(constants))

    return breaker


def overflowing_record(program: Program) -> Program:
    """Six sources under a view of rank eight take 17 + 6 * 44 words."""
    wide = with_operand(MOVE, 0, type=TensorType(F32, (2, 3, 1, 1, 1, 1, 1, 1)), axes=(Axis(0, 1, (0, 0)),) * 8)(program)
    return more_operands(MOVE, 6)(wide)


def node_record(index: int) -> int:
    return FIRST_NODE + index


BAD_DTYPE = cast(DType, 3)
BAD_KIND = cast(Kind, 3)
NODE = Kind.NODE


BROKEN: list[tuple[str, str, int, Breaker]] = [
    ("no slots", "2.2.1", 0, lambda p: replace(p, slots=())),
    ("no nodes", "2.2.1", 0, lambda p: replace(p, nodes=())),
    (
        "an operand with access words of another operator",
        "2.2.1",
        node_record(DOT),
        lambda p: with_operand(DOT, 0, strided=p.nodes[ADD].operands[0].strided)(p),
    ),
    ("a map operand without strides", "2.2.1", node_record(ADD), with_operand(ADD, 0, strided=None)),
    ("a map operand with a stride too few", "2.2.1", node_record(ADD), with_strides(ADD, 0, strides=(3,))),
    ("a move source without axes", "2.2.1", node_record(MOVE), with_operand(MOVE, 0, axes=None)),
    ("a move source with an axis too few", "2.2.1", node_record(MOVE), with_operand(MOVE, 0, axes=(Axis(0, 1, (1, 0)),))),
    ("an axis with a coefficient too few", "2.2.1", node_record(MOVE), with_axis(coefficients=(1,))),
    ("an access word beyond 32 bits", "2.2.1", node_record(MOVE), with_axis(offset=2**31)),
    ("an attribute beyond 32 bits", "2.2.1", node_record(FILL), with_node(FILL, attributes=(2**32, 0, 0))),
    ("operands that overflow the record", "2.2.1", node_record(MOVE), overflowing_record),
    ("a slot with an unknown dtype", "2.2.2", 4, with_slot(3, type=TensorType(BAD_DTYPE, (2, 3)), next=Ref(Kind.SLOT, 3))),
    ("a slot with a dimension of zero", "2.2.2", 4, with_slot(3, type=TensorType(F32, (0, 3)))),
    ("a constant of rank nine", "2.2.2", 6, with_constant(1, TensorType(I32, (5, 1, 1, 1, 1, 1, 1, 1, 1)))),
    ("a constant with too many elements", "2.2.2", 6, with_constant(1, TensorType(I32, (65_536, 32_768)))),
    ("a node output with a dimension too large", "2.2.2", node_record(IOTA), with_node(IOTA, type=TensorType(I32, (2**31,)))),
    ("an operand view of rank nine", "2.2.2", node_record(GATHER), with_operand(GATHER, 1, type=TensorType(I32, (5,) + (1,) * 8))),
    ("a step counter of f32", "2.2.3", 1, with_slot(0, type=TensorType(F32, (1,)))),
    ("a step counter of rank zero", "2.2.3", 1, with_slot(0, type=TensorType(I32, ()))),
    ("a slot that takes a constant", "2.2.3", 2, with_slot(1, next=Ref(Kind.CONSTANT, 0))),
    ("a slot that takes a node that does not exist", "2.2.3", 2, with_slot(1, next=Ref(NODE, 12))),
    ("a slot that takes a slot that does not exist", "2.2.3", 2, with_slot(1, next=Ref(Kind.SLOT, 4))),
    ("a slot that takes another dtype", "2.2.3", 3, with_slot(2, type=TensorType(I32, (6,)), next=Ref(Kind.SLOT, 1))),
    ("a slot that takes another size", "2.2.3", 4, with_slot(3, next=Ref(NODE, GATHER))),
    ("an operand of an unknown kind", "2.2.4", node_record(DOT), with_operand(DOT, 0, ref=Ref(BAD_KIND, 0))),
    ("an operand that does not exist", "2.2.4", node_record(DOT), with_operand(DOT, 1, ref=Ref(Kind.CONSTANT, 2))),
    ("an operand with a negative index", "2.2.4", node_record(DOT), with_operand(DOT, 1, ref=Ref(Kind.CONSTANT, -2))),
    ("a node that reads itself", "2.2.4", node_record(ADD), with_operand(ADD, 0, ref=Ref(NODE, ADD))),
    ("a node that reads a later one", "2.2.4", node_record(ADVANCE), with_operand(ADVANCE, 1, ref=Ref(NODE, ARGMAX))),
    ("an operand read under another dtype", "2.2.4", node_record(ADD), with_operand(ADD, 0, type=TensorType(I32, (2, 3)))),
    ("an operand read under another size", "2.2.4", node_record(ADD), with_operand(ADD, 0, type=TensorType(F32, (2, 4)))),
    ("an operator of a later version", "3", node_record(IOTA), with_node(IOTA, op=cast(Op, 8))),
    ("a map function that does not exist", "3.1", node_record(ADD), with_node(ADD, fn=11)),
    ("a map with an attribute", "3.1", node_record(ADD), with_node(ADD, attributes=(1, 0, 0))),
    ("a map with too few operands", "3.1", node_record(ADD), more_operands(ADD, 1)),
    ("a map with too many operands", "3.1", node_record(ADD), more_operands(ADD, 3)),
    ("a map with operands of another dtype", "3.1", node_record(ADD), with_node(ADD, fn=MapFn.IADD)),
    ("a map with an output of another dtype", "3.1", node_record(SELECT), with_node(SELECT, type=TensorType(I32, (5,)))),
    ("a comparison with an f32 output", "3.1", node_record(ADD), with_node(ADD, fn=MapFn.LT)),
    ("a map that reads before its operand", "3.1", node_record(ADD), with_strides(ADD, 0, offset=-1)),
    ("a map that reads past its operand", "3.1", node_record(ADD), with_strides(ADD, 1, offset=1)),
    ("a map whose negative stride leaves its operand", "3.1", node_record(SELECT), with_strides(SELECT, 1, strides=(-3,))),
    ("a dot with a function", "3.2", node_record(DOT), with_node(DOT, fn=1)),
    ("a dot with a second attribute", "3.2", node_record(DOT), with_node(DOT, attributes=(0, 1, 0))),
    ("a dot with one operand", "3.2", node_record(DOT), more_operands(DOT, 1)),
    (
        "a dot with operands of rank one",
        "3.2",
        node_record(DOT),
        lambda p: with_operand(DOT, 1, type=TensorType(F32, (12,)))(with_operand(DOT, 0, type=TensorType(F32, (6,)))(p)),
    ),
    ("a dot with operands of different rank", "3.2", node_record(DOT), with_operand(DOT, 0, type=TensorType(F32, (1, 2, 3)))),
    ("a dot with rows of different length", "3.2", node_record(DOT), with_operand(DOT, 1, type=TensorType(F32, (3, 4)))),
    ("a dot with another output shape", "3.2", node_record(DOT), with_node(DOT, type=TensorType(F32, (4, 2)))),
    ("a dot with an i32 output", "3.2", node_record(DOT), with_node(DOT, type=TensorType(I32, (2, 4)))),
    ("a split dot without the axis of partial results", "3.2", node_record(SPLIT), with_node(SPLIT, type=TensorType(F32, (4, 4)))),
    ("a split dot with too many partial results", "3.2", node_record(SPLIT), with_node(SPLIT, type=TensorType(F32, (4, 4, 3)))),
    (
        "a dot with too large a split",
        "3.2",
        node_record(SPLIT),
        with_node(SPLIT, attributes=(8_193, 0, 0), type=TensorType(F32, (4, 4, 1))),
    ),
    ("a reduce function that does not exist", "3.3", node_record(SUM), with_node(SUM, fn=5)),
    ("a reduce with a second attribute", "3.3", node_record(SUM), with_node(SUM, attributes=(2, 1, 0))),
    ("a reduce with two operands", "3.3", node_record(SUM), more_operands(SUM, 2)),
    ("a reduce with another output shape", "3.3", node_record(SUM), with_node(SUM, type=TensorType(F32, (4, 1)))),
    ("a reduce with another output dtype", "3.3", node_record(SUM), with_node(SUM, type=TensorType(I32, (4, 2)))),
    ("a reduce with too large a block", "3.3", node_record(SUM), with_node(SUM, attributes=(8_193, 0, 0), type=TensorType(F32, (4, 1)))),
    ("an argmax with an f32 output", "3.3", node_record(ARGMAX), with_node(ARGMAX, type=TensorType(F32, (4,)))),
    ("an argmax with a block", "3.3", node_record(ARGMAX), with_node(ARGMAX, attributes=(3, 0, 0), type=TensorType(I32, (4, 1)))),
    ("a move with a function", "3.4", node_record(MOVE), with_node(MOVE, fn=1)),
    ("a move with a second attribute", "3.4", node_record(MOVE), with_node(MOVE, attributes=(7, 1, 0))),
    ("a move without sources", "3.4", node_record(MOVE), with_node(MOVE, operands=())),
    ("a move to another dtype", "3.4", node_record(MOVE), with_node(MOVE, type=TensorType(I32, (3, 3)))),
    ("a move with a divisor of zero", "3.4", node_record(MOVE), with_axis(divisor=0)),
    ("a move with a negative divisor", "3.4", node_record(MOVE), with_axis(divisor=-1)),
    ("a gather with a function", "3.5", node_record(GATHER), with_node(GATHER, fn=1)),
    ("a gather with an attribute", "3.5", node_record(GATHER), with_node(GATHER, attributes=(1, 0, 0))),
    ("a gather with one operand", "3.5", node_record(GATHER), more_operands(GATHER, 1)),
    (
        "a gather from a view that is not rows and columns",
        "3.5",
        node_record(GATHER),
        with_operand(GATHER, 0, type=TensorType(F32, (4, 3, 1))),
    ),
    ("a gather with an f32 index", "3.5", node_record(GATHER), lambda p: with_node(GATHER, operands=(p.nodes[GATHER].operands[0],) * 2)(p)),
    ("a gather with another output shape", "3.5", node_record(GATHER), with_node(GATHER, type=TensorType(F32, (3, 5)))),
    ("a gather with another output dtype", "3.5", node_record(GATHER), with_node(GATHER, type=TensorType(I32, (5, 3)))),
    ("a scatter_add with a function", "3.5", node_record(SCATTER), with_node(SCATTER, fn=1)),
    ("a scatter_add with an attribute", "3.5", node_record(SCATTER), with_node(SCATTER, attributes=(1, 0, 0))),
    ("a scatter_add with one operand", "3.5", node_record(SCATTER), more_operands(SCATTER, 1)),
    ("a scatter_add to a vector", "3.5", node_record(SCATTER), with_operand(SCATTER, 0, type=TensorType(F32, (12,)))),
    (
        "a scatter_add with an f32 index",
        "3.5",
        node_record(SCATTER),
        with_operand(SCATTER, 1, ref=Ref(Kind.SLOT, 2), type=TensorType(F32, (6,))),
    ),
    ("a scatter_add with an index of rank two", "3.5", node_record(SCATTER), with_operand(SCATTER, 1, type=TensorType(I32, (5, 1)))),
    ("a scatter_add of turned sources", "3.5", node_record(SCATTER), with_operand(SCATTER, 2, type=TensorType(F32, (5, 3)))),
    ("a scatter_add with another output shape", "3.5", node_record(SCATTER), with_node(SCATTER, type=TensorType(F32, (3, 4)))),
    ("a scatter_add with another output dtype", "3.5", node_record(SCATTER), with_node(SCATTER, type=TensorType(I32, (4, 3)))),
    ("a source function that does not exist", "3.6", node_record(IOTA), with_node(IOTA, fn=4)),
    ("a constant with a second attribute", "3.6", node_record(FILL), with_node(FILL, attributes=(1, 1, 0))),
    ("an iota with an attribute", "3.6", node_record(IOTA), with_node(IOTA, attributes=(1, 0, 0))),
    ("an iota with an f32 output", "3.6", node_record(IOTA), with_node(IOTA, type=TensorType(F32, (3,)))),
    ("an iota with an operand", "3.6", node_record(IOTA), lambda p: with_node(IOTA, operands=p.nodes[PHILOX].operands)(p)),
    ("a philox with an f32 output", "3.6", node_record(PHILOX), with_node(PHILOX, type=TensorType(F32, (4,)))),
    ("a philox without operands", "3.6", node_record(PHILOX), with_node(PHILOX, operands=())),
    ("a philox that reads a node instead of the step", "3.6", node_record(PHILOX), with_operand(PHILOX, 0, ref=Ref(NODE, ADVANCE))),
]


def test_the_program_that_the_cases_break_is_valid() -> None:
    check(good())


@pytest.mark.parametrize(("rule", "record", "breaker"), [case[1:] for case in BROKEN], ids=[case[0].replace(" ", "-") for case in BROKEN])
def test_a_program_that_breaks_one_rule_is_refused_by_record_and_rule(rule: str, record: int, breaker: Breaker) -> None:
    with pytest.raises(BrokenRuleError) as caught:
        check(breaker(good()))
    assert (caught.value.rule, caught.value.record) == (rule, record)
    assert f"record {record} breaks rule {rule}: " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("what", ["slots", "constants", "nodes"])
def test_more_records_than_a_count_allows_are_refused(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validity, f"MAX_{what.upper()}", len(getattr(good(), what)))
    check(good())
    monkeypatch.setattr(validity, f"MAX_{what.upper()}", len(getattr(good(), what)) - 1)
    with pytest.raises(BrokenRuleError, match=rf"record 0 breaks rule 2\.2\.1: \d+ {what}"):
        check(good())


def rows_program(length: int, split: int, block: int) -> Program:
    b = Builder()
    b.slot(I32, (1,))
    rows = b.slot(F32, (1, length))
    b.dot(rows, rows, split)
    b.reduce(ReduceFn.SUM, rows, block)
    return b.build()


def test_rows_of_8192_words_need_no_split() -> None:
    check(rows_program(8_192, split=0, block=0))


def test_a_dot_of_longer_rows_needs_a_split() -> None:
    check(rows_program(8_193, split=8_192, block=1))
    with pytest.raises(BrokenRuleError, match=r"rule 3\.2: rows of 8193 words need split"):
        check(rows_program(8_193, split=0, block=1))


def test_a_reduction_of_longer_rows_needs_a_block() -> None:
    with pytest.raises(BrokenRuleError, match=r"rule 3\.3: rows of 8193 words need block"):
        check(rows_program(8_193, split=1, block=0))


def test_a_reduction_needs_an_axis() -> None:
    b = Builder()
    b.slot(I32, (1,))
    scalar = b.slot(F32, ())
    program = b.build()
    broken = replace(b.reduce(ReduceFn.SUM, scalar.view(1)), type=TensorType(F32, ()))
    node = b.build().nodes[broken.ref.index]
    node = replace(node, operands=(replace(node.operands[0], type=TensorType(F32, ())),))
    with pytest.raises(BrokenRuleError, match=r"rule 3\.3: the operand has no axis"):
        check(replace(program, nodes=(node,)))


def test_batch_axes_that_do_not_fit_the_output_are_refused() -> None:
    b = Builder()
    b.slot(I32, (1,))
    x = b.slot(F32, (2, 3, 4))
    b.dot(x, x)
    node = b.build().nodes[0]
    check(b.build())
    with pytest.raises(BrokenRuleError, match=r"rule 3\.2: batch axes \(2,\) do not fit the output's \(4,\)"):
        check(replace(b.build(), nodes=(replace(node, type=TensorType(F32, (4, 3, 3))),)))


def test_a_dot_of_integers_is_refused() -> None:
    b = Builder()
    b.slot(I32, (1,))
    x = b.slot(I32, (2, 3))
    b.dot(x, x)
    with pytest.raises(BrokenRuleError, match=r"rule 3\.2: both operands must be f32"):
        check(b.build())


def test_sixteen_sources_are_refused() -> None:
    b = Builder()
    b.slot(I32, (1,))
    scalar = b.slot(F32, ())
    b.move((), [Source(scalar, ())] * 15)
    check(b.build())
    b.move((), [Source(scalar, ())] * 16)
    with pytest.raises(BrokenRuleError, match=r"rule 3\.4: 16 sources"):
        check(b.build())


def test_the_furthest_access_that_fits_the_record_stays_below_the_reach_of_section_3_4() -> None:
    b = Builder()
    b.slot(I32, (1,))
    scalar = b.slot(F32, (1,))
    b.move((2**31 - 1,), [Source(scalar, (Axis(-(2**31), 1, (-(2**31),)),))])
    check(b.build())


@pytest.mark.parametrize("program", [frozen.program for frozen in programs()], ids=[frozen.name for frozen in programs()])
def test_the_frozen_programs_are_valid(program: Program) -> None:
    check(program)


@settings(deadline=None, max_examples=150)
@given(cases())
def test_every_generated_program_is_valid(case: Case) -> None:
    check(case.program)
    assert len(encode(case.program)) == 1024 * (1 + len(case.program.slots) + len(case.program.constants) + len(case.program.nodes))


def test_the_error_is_an_invalid_program_error() -> None:
    assert issubclass(BrokenRuleError, InvalidProgramError)


def test_a_slot_may_take_another_shape_of_the_same_size() -> None:
    program = good()
    check(replace(program, slots=(*program.slots[:3], Slot(TensorType(F32, (3, 2)), Ref(Kind.SLOT, 2)))))


def test_nodes_of_plain_integers_are_judged_like_enumerations() -> None:
    program = good()
    node = program.nodes[ADD]
    plain = Node(cast(Op, 1), 1, node.type, node.operands)
    check(replace(program, nodes=(*program.nodes[:ADD], plain, *program.nodes[ADD + 1 :])))
