"""The canonical bytes of programs: docs/specification/machine.md, section 2.1."""

from __future__ import annotations

import struct

import pytest

from touchstone.errors import InvalidProgramError
from touchstone.machine.program import (
    RECORD_BYTES,
    Axis,
    DType,
    Kind,
    MapFn,
    Node,
    Op,
    Operand,
    Program,
    Ref,
    Slot,
    SourceFn,
    Strided,
    TensorType,
    decode,
    encode,
    encode_node,
)

STEP = TensorType(DType.I32, (1,))
MATRIX = TensorType(DType.F32, (2, 3))
SCALAR = TensorType(DType.I32, ())


def small_program() -> Program:
    one = Node(Op.SOURCE, SourceFn.CONSTANT, SCALAR, (), (1, 0, 0))
    advance = Node(
        Op.MAP,
        MapFn.IADD,
        STEP,
        (Operand(Ref(Kind.SLOT, 0), STEP, strided=Strided(0, (1,))), Operand(Ref(Kind.NODE, 0), SCALAR, strided=Strided(0, (0,)))),
    )
    dilate = Node(
        Op.MOVE, 0, MATRIX, (Operand(Ref(Kind.SLOT, 1), MATRIX, axes=(Axis(-1, 2, (1, 0)), Axis(0, 1, (0, 1)))),), (0x7FC00000, 0, 0)
    )
    return Program((Slot(STEP, Ref(Kind.NODE, 1)), Slot(MATRIX, Ref(Kind.NODE, 2))), (MATRIX,), (one, advance, dilate))


def word(data: bytes, record: int, index: int) -> int:
    return int(struct.unpack_from(">I", data, record * RECORD_BYTES + 4 * index)[0])


def replace_word(data: bytes, record: int, index: int, value: int) -> bytes:
    at = record * RECORD_BYTES + 4 * index
    return data[:at] + struct.pack(">I", value) + data[at + 4 :]


def test_decoding_inverts_encoding() -> None:
    assert decode(encode(small_program())) == small_program()


def test_records_stand_in_the_specified_order_and_layout() -> None:
    program = small_program()
    data = encode(program)
    assert len(data) == 7 * RECORD_BYTES
    assert [word(data, 0, i) for i in range(5)] == [1, 2, 2, 1, 3]
    assert [word(data, 2, i) for i in (0, 1, 2, 3, 4, 11, 12)] == [2, 1, 2, 2, 3, Kind.NODE, 2]
    assert [word(data, 3, i) for i in (0, 1, 2, 3, 4)] == [3, 1, 2, 2, 3]
    node = program.record_index(Ref(Kind.NODE, 2))
    assert [word(data, node, i) for i in (0, 1, 2, 3, 4, 5, 6, 13, 14)] == [4, Op.MOVE, 0, 1, 2, 2, 3, 1, 0x7FC00000]
    assert word(data, node, 17 + 6) == 0xFFFFFFFF, "the first axis' offset of -1 is two's complement"
    assert data[node * RECORD_BYTES :] == encode_node(program.nodes[2])


def test_every_reference_finds_its_record() -> None:
    program = small_program()
    assert [program.record_index(Ref(kind, 0)) for kind in (Kind.SLOT, Kind.CONSTANT, Kind.NODE)] == [1, 3, 4]
    assert program.type_of(Ref(Kind.SLOT, 1)) == program.type_of(Ref(Kind.CONSTANT, 0)) == program.type_of(Ref(Kind.NODE, 2)) == MATRIX


@pytest.mark.parametrize("record", range(7))
def test_a_word_outside_the_layout_is_refused(record: int) -> None:
    with pytest.raises(InvalidProgramError, match="canonical"):
        decode(replace_word(encode(small_program()), record, 255, 1))


@pytest.mark.parametrize(
    ("record", "index", "value"),
    [
        (0, 0, 2),
        (0, 1, 1),
        (0, 2, 3),
        (0, 4, 0xFFFFFFFF),
        (1, 0, 3),
        (1, 1, 9),
        (1, 2, 9),
        (3, 0, 2),
        (4, 0, 1),
        (4, 1, 8),
        (5, 13, 16),
        (5, 20, 200),
        (6, 17, 3),
    ],
)
def test_an_unreadable_word_is_refused(record: int, index: int, value: int) -> None:
    with pytest.raises(InvalidProgramError):
        decode(replace_word(encode(small_program()), record, index, value))


@pytest.mark.parametrize("size", [0, 1, RECORD_BYTES - 1, RECORD_BYTES, 6 * RECORD_BYTES])
def test_truncated_bytes_are_refused(size: int) -> None:
    with pytest.raises(InvalidProgramError):
        decode(encode(small_program())[:size])


def test_what_does_not_fit_a_record_is_refused() -> None:
    too_high = TensorType(DType.F32, (1,) * 9)
    with pytest.raises(InvalidProgramError, match="rank"):
        encode_node(Node(Op.SOURCE, SourceFn.CONSTANT, too_high, ()))
    with pytest.raises(InvalidProgramError, match="32 bits"):
        encode_node(Node(Op.SOURCE, SourceFn.CONSTANT, SCALAR, (), (2**32, 0, 0)))
    source = Operand(Ref(Kind.SLOT, 1), TensorType(DType.F32, (1,) * 8), axes=(Axis(0, 1, (0,) * 8),) * 8)
    with pytest.raises(InvalidProgramError, match="record"):
        encode_node(Node(Op.MOVE, 0, TensorType(DType.F32, (1,) * 8), (source,) * 3))
