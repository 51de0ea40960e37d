"""Whether a program is valid: section 2.2 of docs/specification/machine.md and the rules of each operator in section 3.

Each rule is checked from one record and the records it refers to, so that a contract could check the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from touchstone.errors import InvalidProgramError
from touchstone.machine.program import (
    MAX_RANK,
    RECORD_WORDS,
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
    TensorType,
)
from touchstone.machine.signatures import SIGNATURES

MAX_SLOTS = MAX_CONSTANTS = 65_536
MAX_NODES = 1_048_576
MAX_SIZE = 2**31 - 1
MAX_ELEMENT_WORDS = 8_192
"""The longest row one element of ``dot`` or ``reduce`` may read."""
MAX_SCATTERED = 4_096
"""The most sources of a ``scatter_add``: one element reads the index of each of them."""
MAX_SOURCES = 15
MAX_MOVE_REACH = 2**62
_NODE_FIXED_WORDS = 17
_INT_MIN, _INT_MAX = -(2**31), 2**31 - 1


class BrokenRuleError(InvalidProgramError):
    """A record of a program breaks a rule.

    Attributes:
        record: index of the record.
        rule: the rule's place in docs/specification/machine.md: ``2.2.1`` to ``2.2.4``, or the section of the operator.
    """

    def __init__(self, record: int, rule: str, what: str) -> None:
        super().__init__(f"record {record} breaks rule {rule}: {what}; have the program captured anew")
        self.record = record
        self.rule = rule


def check(program: Program) -> None:
    """Accept a valid program.

    Raises:
        BrokenRuleError: (an InvalidProgramError) naming the first record found to break a rule, and the rule.
    """
    _check_counts(program)
    _check_step_counter(program)
    for index, slot in enumerate(program.slots):
        _Record(program, Ref(Kind.SLOT, index)).check_slot(slot)
    for index, constant in enumerate(program.constants):
        _Record(program, Ref(Kind.CONSTANT, index)).check_type(constant, "constant")
    for index, node in enumerate(program.nodes):
        _Record(program, Ref(Kind.NODE, index)).check_node(node)


def _check_counts(program: Program) -> None:
    counts = (
        ("slots", len(program.slots), 1, MAX_SLOTS),
        ("constants", len(program.constants), 0, MAX_CONSTANTS),
        ("nodes", len(program.nodes), 1, MAX_NODES),
    )
    for what, count, least, most in counts:
        if not least <= count <= most:
            raise BrokenRuleError(0, "2.2.1", f"{count} {what} are not in {least}..{most}")


def _check_step_counter(program: Program) -> None:
    wanted = TensorType(DType.I32, (1,))
    if program.slots[0].type != wanted:
        raise BrokenRuleError(1, "2.2.3", f"slot 0 must be i32 of shape (1,), not {program.slots[0].type}")


class _Record:
    """Checks one record of a program."""

    def __init__(self, program: Program, ref: Ref) -> None:
        self.program = program
        self.ref = ref

    def fail(self, rule: str, what: str) -> NoReturn:
        raise BrokenRuleError(self.program.record_index(self.ref), rule, what)

    def require(self, holds: bool, rule: str, what: str) -> None:
        if not holds:
            self.fail(rule, what)

    def check_type(self, tensor: TensorType, what: str) -> None:
        """Section 1."""
        self.require(tensor.dtype in tuple(DType), "2.2.2", f"{what} has dtype {tensor.dtype}")
        self.require(len(tensor.shape) <= MAX_RANK, "2.2.2", f"{what} has rank {len(tensor.shape)}, more than {MAX_RANK}")
        self.require(all(1 <= dim <= MAX_SIZE for dim in tensor.shape), "2.2.2", f"{what} has shape {tensor.shape}")
        self.require(tensor.size <= MAX_SIZE, "2.2.2", f"{what} has {tensor.size} elements, more than {MAX_SIZE}")

    def check_slot(self, slot: Slot) -> None:
        self.check_type(slot.type, "slot")
        self.require(slot.next.kind in (Kind.SLOT, Kind.NODE), "2.2.3", "next is neither a slot nor a node")
        self.require(self.exists(slot.next), "2.2.3", f"next is {_name(slot.next)}, which does not exist")
        source = self.program.type_of(slot.next)
        same = source.dtype == slot.type.dtype and source.size == slot.type.size
        self.require(same, "2.2.3", f"next is {_name(slot.next)}, {source}, but the slot is {slot.type}")

    def check_node(self, node: Node) -> None:
        self.check_layout(node)
        self.check_type(node.type, "output")
        for position, operand in enumerate(node.operands):
            self.check_operand(operand, f"operand {position}")
        self.require(node.op in tuple(Op), "3", f"operator {node.op} does not exist in this version")
        _OPERATOR_CHECKS[node.op](self, node)

    def check_layout(self, node: Node) -> None:
        """Section 2.1: what the record can hold, and the access words that belong to the operator."""
        words = _NODE_FIXED_WORDS
        for position, operand in enumerate(node.operands):
            self.check_access(node, operand, f"operand {position}")
            words += _operand_words(operand)
        self.require(words <= RECORD_WORDS, "2.2.1", f"its operands need {words} words, a record has {RECORD_WORDS}")
        self.require(all(0 <= word < 2**32 for word in node.attributes), "2.2.1", f"attributes {node.attributes} are not 32-bit words")

    def check_access(self, node: Node, operand: Operand, what: str) -> None:
        self.require((operand.strided is not None) == (node.op == Op.MAP), "2.2.1", f"{what}: strides belong to map, and only to map")
        self.require((operand.axes is not None) == (node.op == Op.MOVE), "2.2.1", f"{what}: axes belong to move, and only to move")
        rank, numbers = len(node.type.shape), list[int]()
        if operand.strided is not None:
            self.require(len(operand.strided.strides) == rank, "2.2.1", f"{what} needs one stride per output axis")
            numbers += [operand.strided.offset, *operand.strided.strides]
        if operand.axes is not None:
            self.require(len(operand.axes) == len(operand.type.shape), "2.2.1", f"{what} needs one access per axis")
        for axis in operand.axes or ():
            self.require(len(axis.coefficients) == rank, "2.2.1", f"{what} needs one coefficient per output axis")
            numbers += [axis.offset, axis.divisor, *axis.coefficients]
        self.require(all(_INT_MIN <= number <= _INT_MAX for number in numbers), "2.2.1", f"{what} has an access word beyond 32 bits")

    def check_operand(self, operand: Operand, what: str) -> None:
        self.check_type(operand.type, what)
        ref = operand.ref
        self.require(ref.kind in tuple(Kind) and self.exists(ref), "2.2.4", f"{what} refers to {_name(ref)}, which does not exist")
        earlier = ref.kind != Kind.NODE or ref.index < self.ref.index
        self.require(earlier, "2.2.4", f"{what} refers to {_name(ref)}, which is not before this one")
        declared = self.program.type_of(ref)
        same = declared.dtype == operand.type.dtype and declared.size == operand.type.size
        self.require(same, "2.2.4", f"{what} reads {_name(ref)}, {declared}, as {operand.type}")

    def exists(self, ref: Ref) -> bool:
        counts = {Kind.SLOT: len(self.program.slots), Kind.CONSTANT: len(self.program.constants), Kind.NODE: len(self.program.nodes)}
        return 0 <= ref.index < counts[ref.kind]

    def require_operands(self, node: Node, count: int, rule: str) -> None:
        self.require(len(node.operands) == count, rule, f"{len(node.operands)} operands instead of {count}")

    def require_attributes(self, node: Node, used: int, rule: str) -> None:
        """Attributes beyond the first ``used`` are zero."""
        self.require(not any(node.attributes[used:]), rule, f"attributes {node.attributes}: only the first {used} may be used")

    def require_type(self, node: Node, dtype: DType, shape: tuple[int, ...], rule: str) -> None:
        self.require(node.type == TensorType(dtype, shape), rule, f"the output is {node.type} instead of {TensorType(dtype, shape)}")


def _check_map(record: _Record, node: Node) -> None:
    rule = "3.1"
    record.require(node.fn in tuple(MapFn), rule, f"function {node.fn} does not exist")
    record.require_attributes(node, 0, rule)
    signature = SIGNATURES[MapFn(node.fn)]
    record.require_operands(node, len(signature.operands), rule)
    dtypes = [operand.type.dtype for operand in node.operands]
    selected = node.type.dtype  # the t of select
    wanted = [dtype or selected for dtype in signature.operands]
    record.require(dtypes == wanted, rule, f"operand dtypes are {dtypes} instead of {wanted}")
    record.require(node.type.dtype == (signature.result or selected), rule, f"the output has dtype {node.type.dtype}")
    for position, operand in enumerate(node.operands):
        low, high = _map_bounds(operand, node.type.shape)
        inside = low >= 0 and high < operand.type.size
        record.require(inside, rule, f"operand {position} is read at {low}..{high} of {operand.type.size} words")


def _map_bounds(operand: Operand, shape: tuple[int, ...]) -> tuple[int, int]:
    """Lowest and highest flat index read."""
    assert operand.strided is not None
    reaches = [stride * (dim - 1) for stride, dim in zip(operand.strided.strides, shape, strict=True)]
    low = operand.strided.offset + sum(min(0, reach) for reach in reaches)
    return low, operand.strided.offset + sum(max(0, reach) for reach in reaches)


def _check_dot(record: _Record, node: Node) -> None:
    rule = "3.2"
    record.require(node.fn == 0, rule, f"function {node.fn} does not exist")
    record.require_attributes(node, 1, rule)
    record.require_operands(node, 2, rule)
    a, b = (operand.type for operand in node.operands)
    record.require(a.dtype == b.dtype == DType.F32, rule, "both operands must be f32")
    rank = len(a.shape)
    record.require(rank == len(b.shape) and rank >= 2, rule, f"operands have shapes {a.shape} and {b.shape}")
    length, split = a.shape[-1], node.attributes[0]
    record.require(b.shape[-1] == length, rule, f"the rows have {length} and {b.shape[-1]} words")
    record.require(split <= MAX_ELEMENT_WORDS, rule, f"split {split} exceeds {MAX_ELEMENT_WORDS}")
    record.require(split > 0 or length <= MAX_ELEMENT_WORDS, rule, f"rows of {length} words need split")
    batch = node.type.shape[: rank - 2]
    parts = (-(-length // split),) if split else ()
    record.require_type(node, DType.F32, (*batch, a.shape[-2], b.shape[-2], *parts), rule)
    for shape in (a.shape, b.shape):
        fits = all(dim in (1, out) for dim, out in zip(shape[:-2], batch, strict=True))
        record.require(fits, rule, f"batch axes {shape[:-2]} do not fit the output's {batch}")


def _check_reduce(record: _Record, node: Node) -> None:
    rule = "3.3"
    record.require(node.fn in tuple(ReduceFn), rule, f"function {node.fn} does not exist")
    record.require_attributes(node, 1, rule)
    record.require_operands(node, 1, rule)
    x, block = node.operands[0].type, node.attributes[0]
    record.require(len(x.shape) >= 1, rule, "the operand has no axis to reduce")
    length = x.shape[-1]
    record.require(block <= MAX_ELEMENT_WORDS, rule, f"block {block} exceeds {MAX_ELEMENT_WORDS}")
    record.require(block > 0 or length <= MAX_ELEMENT_WORDS, rule, f"rows of {length} words need block")
    record.require(block == 0 or node.fn != ReduceFn.ARGMAX, rule, "argmax takes no block")
    dtype = DType.I32 if node.fn == ReduceFn.ARGMAX else x.dtype
    parts = (-(-length // block),) if block else ()
    record.require_type(node, dtype, (*x.shape[:-1], *parts), rule)


def _check_move(record: _Record, node: Node) -> None:
    rule = "3.4"
    record.require(node.fn == 0, rule, f"function {node.fn} does not exist")
    record.require_attributes(node, 1, rule)
    record.require(1 <= len(node.operands) <= MAX_SOURCES, rule, f"{len(node.operands)} sources are not in 1..{MAX_SOURCES}")
    for position, operand in enumerate(node.operands):
        record.require(operand.type.dtype == node.type.dtype, rule, f"source {position} has another dtype than the output")
        for axis in operand.axes or ():
            record.require(axis.divisor >= 1, rule, f"source {position} has divisor {axis.divisor}")
            reach = abs(axis.offset) + sum(abs(c) * (dim - 1) for c, dim in zip(axis.coefficients, node.type.shape, strict=True))
            # Cannot fail once offsets, coefficients and the output's size fit 31 bits; the specification states it for its readers.
            record.require(reach < MAX_MOVE_REACH, rule, f"source {position} reaches {reach}")


def _check_gather(record: _Record, node: Node) -> None:
    rule = "3.5"
    record.require(node.fn == 0, rule, f"function {node.fn} does not exist")
    record.require_attributes(node, 0, rule)
    record.require_operands(node, 2, rule)
    x, index = (operand.type for operand in node.operands)
    record.require(len(x.shape) == 2, rule, f"x is viewed as {x.shape}, not as rows and columns")
    record.require(index.dtype == DType.I32, rule, "the index is not i32")
    record.require_type(node, x.dtype, (*index.shape, x.shape[1]), rule)


def _check_scatter_add(record: _Record, node: Node) -> None:
    rule = "3.5"
    record.require(node.fn == 0, rule, f"function {node.fn} does not exist")
    record.require_attributes(node, 0, rule)
    record.require_operands(node, 3, rule)
    base, index, src = (operand.type for operand in node.operands)
    record.require(index.dtype == DType.I32 and len(index.shape) == 1, rule, f"the index is {index}, not a vector of i32")
    count = index.size
    record.require(count <= MAX_SCATTERED, rule, f"{count} sources are more than {MAX_SCATTERED}; add them with several nodes")
    record.require(len(base.shape) == 2, rule, f"the base is viewed as {base.shape}, not as rows and columns")
    record.require(src == TensorType(base.dtype, (base.shape[1], count)), rule, f"the sources are {src}, not one per column and index")
    record.require_type(node, base.dtype, base.shape, rule)


def _check_source(record: _Record, node: Node) -> None:
    rule = "3.6"
    record.require(node.fn in tuple(SourceFn), rule, f"function {node.fn} does not exist")
    used = {SourceFn.CONSTANT: 1, SourceFn.IOTA: 0, SourceFn.PHILOX: 3}[SourceFn(node.fn)]
    record.require_attributes(node, used, rule)
    is_philox = node.fn == SourceFn.PHILOX
    record.require_operands(node, 1 if is_philox else 0, rule)
    record.require(node.fn == SourceFn.CONSTANT or node.type.dtype == DType.I32, rule, "the output is not i32")
    if is_philox:
        record.require(node.operands[0].ref == Ref(Kind.SLOT, 0), rule, f"the operand is {_name(node.operands[0].ref)}, not slot 0")


_OPERATOR_CHECKS: dict[Op, Callable[[_Record, Node], None]] = {
    Op.MAP: _check_map,
    Op.DOT: _check_dot,
    Op.REDUCE: _check_reduce,
    Op.MOVE: _check_move,
    Op.GATHER: _check_gather,
    Op.SCATTER_ADD: _check_scatter_add,
    Op.SOURCE: _check_source,
}


def _operand_words(operand: Operand) -> int:
    """Words an operand takes in a record."""
    words = 4 + len(operand.type.shape)
    if operand.strided is not None:
        words += 1 + len(operand.strided.strides)
    return words + sum(2 + len(axis.coefficients) for axis in operand.axes or ())


def _name(ref: Ref) -> str:
    return f"{ref.kind.name.lower()} {ref.index}" if ref.kind in tuple(Kind) else f"kind {ref.kind}"
