"""What the referee refuses: proofs that do not hold, and nodes that no valid program has. It never answers those with a word."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from ape import project

from tests.contracts.machine.questions import Question, ask, question, refusal, truth_of
from tests.machine.programs import random_tensor
from touchstone.dispute.moves import Read
from touchstone.dispute.truth import Truth
from touchstone.machine.builder import Builder, Source, Strides
from touchstone.machine.program import Axis, DType, MapFn, ReduceFn

F32, I32 = DType.F32, DType.I32

# Words of a node's record. FIRST is where its first operand starts: kind · index · dtype · rank · dims · access words.
OPERATOR, FUNCTION, DTYPE, RANK, DIMS, COUNT, ATTRIBUTE, FIRST = 1, 2, 3, 4, 5, 13, 14, 17

NAMES = [
    "add",
    "select",
    "dot",
    "batched",
    "split",
    "sum",
    "blocked",
    "argmax",
    "move",
    "gather",
    "scatter",
    "fill",
    "iota",
    "philox",
    "late",
]
READS = {"add": 2, "select": 3, "dot": 2, "batched": 2, "split": 2, "sum": 1, "blocked": 1, "argmax": 1, "move": 1, "gather": 2}
READS |= {"scatter": 3, "fill": 0, "iota": 0, "philox": 1, "late": 1}
READING = [name for name in NAMES if READS[name]]


@cache
def _truth() -> Truth:
    """One node of each name, in the order of NAMES. Tensors have several chunks, so that proofs have siblings."""
    b = Builder()
    b.slot(I32, (1,))
    weights, rows = b.slot(F32, (40, 30)), b.slot(I32, (5, 60))
    table, long = b.constant(F32, (50, 20)), b.constant(F32, (4, 700))
    left, right = b.constant(F32, (3, 2, 150)), b.constant(F32, (1, 4, 150))
    index = b.constant(I32, (300,))
    first = b.map(MapFn.ADD, weights, Strides(table, 7, (20, 1)), shape=(40, 20))
    b.map(MapFn.SELECT, rows, rows, index.view(5, 60))
    b.dot(long, long)
    b.dot(left, right)
    b.dot(long, long, 300)
    b.reduce(ReduceFn.SUM, long)
    b.reduce(ReduceFn.MAX, long, 300)
    b.reduce(ReduceFn.ARGMAX, rows)
    halved = Source(table, (Axis(-1, 1, (1, 0)), Axis(0, 2, (0, 1))))
    whole = Source(weights, (Axis(0, 1, (1, 0)), Axis(0, 1, (0, 1))))
    b.move((40, 30), [halved, whole], 0x7F800001)
    b.gather(table, index)
    b.scatter_add(table, index, b.constant(F32, (20, 300)))
    b.fill(F32, (7,), 0x7F800001)
    b.iota((7,))
    b.philox((7,), (1, 2), 3)
    b.map(MapFn.NEG, first)
    program = b.build()
    rng = np.random.default_rng(0)
    state = [random_tensor(rng, slot.type, 0.1) for slot in program.slots]
    constants = [random_tensor(rng, constant, 0.1) for constant in program.constants]
    constants[4] = rng.integers(0, 50, 300).astype(np.int32)
    return truth_of(program, state, constants)


def _asked(name: str, element: int = 1) -> Question:
    return question(_truth(), NAMES.index(name), element)


def test_every_node_of_these_tests_is_answered_when_nothing_is_wrong(referee: Any) -> None:
    for name in NAMES:
        assert len(_asked(name).reads) == READS[name]
        ask(referee, _asked(name))


@pytest.mark.parametrize("name", NAMES)
def test_an_element_beyond_the_output_is_refused(referee: Any, name: str) -> None:
    size = _truth().program.nodes[NAMES.index(name)].type.size
    for element in (size, size + 1, 2**31, 2**255):
        assert refusal(referee, replace(_asked(name), element=element)) == "ElementBeyondOutput"


@pytest.mark.parametrize("name", NAMES)
def test_a_record_that_is_not_the_nodes_is_refused(referee: Any, name: str) -> None:
    asked = _asked(name)
    record = asked.records[asked.place]
    other = asked.records[asked.place - 1]
    path = asked.arguments()[3]
    assert refusal(referee, replace(asked, record=record[:-1] + b"\1")) == "RecordNotInProgram"
    assert refusal(referee, replace(asked, record=record[:4] + other[4:])) in ("RecordNotInProgram", "OperatorNotJudged")
    assert refusal(referee, replace(asked, record_path=tuple(path[:-1]))) == "PathLengthWrong"
    assert refusal(referee, replace(asked, record_path=(*path, bytes(32)))) == "PathLengthWrong"
    assert refusal(referee, replace(asked, record=record + bytes(4))) == "ChunkBytesWrong"
    assert refusal(referee, replace(asked, record=record[:-3])) == "ChunkBytesWrong"


def test_a_node_the_program_does_not_have_is_refused(referee: Any) -> None:
    asked = _asked("late")
    assert refusal(referee, replace(asked, node=asked.counts[2], record=asked.records[-1], record_path=())) == "NoSuchRecord"


def test_a_record_of_another_kind_is_refused(referee: Any) -> None:
    asked = _asked("add")
    constant = replace(asked, node=0, counts=(asked.counts[0], asked.counts[1] - 1, asked.counts[2] + 1))
    # Its words name an operator by chance: dtype 1 is read as map.
    assert refusal(referee, constant) == "RecordMalformed"


@pytest.mark.parametrize("name", NAMES)
def test_too_many_or_too_few_reads_are_refused(referee: Any, name: str) -> None:
    asked = _asked(name)
    extra = Read(bytes(32), (), b"", ()) if not asked.reads else asked.reads[-1]
    assert refusal(referee, replace(asked, reads=(*asked.reads, extra))) == "ReadsWrong"
    if asked.reads:
        assert refusal(referee, replace(asked, reads=asked.reads[:-1])) == "ReadsWrong"
        assert refusal(referee, replace(asked, reads=())) == "ReadsWrong"


@pytest.mark.parametrize("name", READING)
def test_a_tensor_root_that_was_not_agreed_is_refused(referee: Any, name: str) -> None:
    asked = _asked(name)
    for number, read in enumerate(asked.reads):
        other_root = bytes([read.tensor_root[0] ^ 1]) + read.tensor_root[1:]
        assert refusal(referee, asked.with_read(number, tensor_root=other_root)) == "OperandNotAgreed"
        other_path = (bytes(31) + b"\1", *read.path[1:])
        assert refusal(referee, asked.with_read(number, path=other_path)) == "OperandNotAgreed"
        assert refusal(referee, asked.with_read(number, path=read.path[:-1])) == "PathLengthWrong"
        assert refusal(referee, asked.with_read(number, path=(*read.path, bytes(32)))) == "PathLengthWrong"
    for position in range(3):
        roots = tuple(bytes(32) if position == number else root for number, root in enumerate(asked.roots))
        used = {operand.ref.kind for operand in _truth().program.nodes[asked.node].operands}
        kinds = {0: 1, 1: 0, 2: 2}  # roots are of constants, state, trace
        if used == {kinds[position]}:
            assert refusal(referee, replace(asked, roots=roots)) == "OperandNotAgreed"  # type: ignore[arg-type]


@pytest.mark.parametrize("name", READING)
def test_data_that_is_not_exactly_the_chunks_of_the_range_is_refused(referee: Any, name: str) -> None:
    asked = _asked(name)
    for number, read in enumerate(asked.reads):
        for data in (read.data + bytes(1024), read.data[:-1024], read.data[:-1], read.data + bytes(1), b""):
            assert refusal(referee, asked.with_read(number, data=data)) == "DataLengthWrong", len(data)


@pytest.mark.parametrize("name", READING)
def test_chunks_that_are_not_the_tensors_are_refused(referee: Any, name: str) -> None:
    asked = _asked(name)
    for number, read in enumerate(asked.reads):
        changed = bytes([read.data[0] ^ 1]) + read.data[1:]
        assert refusal(referee, asked.with_read(number, data=changed)) == "ChunksNotInTensor"
        changed = read.data[:-1] + bytes([read.data[-1] ^ 1])
        assert refusal(referee, asked.with_read(number, data=changed)) == "ChunksNotInTensor"
        siblings = (*read.siblings, bytes(32))
        assert refusal(referee, asked.with_read(number, siblings=siblings)) == "PathLengthWrong"
        if read.siblings:
            assert refusal(referee, asked.with_read(number, siblings=read.siblings[:-1])) == "PathLengthWrong"
            spoilt = (bytes(31) + b"\1", *read.siblings[1:])
            assert refusal(referee, asked.with_read(number, siblings=spoilt)) == "ChunksNotInTensor"


def test_the_right_words_of_another_place_of_the_tensor_are_refused(referee: Any) -> None:
    asked, elsewhere = _asked("sum", 0), _asked("sum", 3)
    moved = replace(asked, reads=elsewhere.reads)
    assert refusal(referee, moved) in ("ChunksNotInTensor", "DataLengthWrong", "PathLengthWrong")


def test_a_node_that_reads_itself_or_a_later_one_is_refused(referee: Any) -> None:
    asked = _asked("late")
    for index in (asked.node, asked.node + 1, 2**32 - 1):
        assert refusal(referee, asked.with_words({FIRST + 1: index})) == "LaterNode"


@pytest.mark.parametrize(("name", "count"), [("add", 0), ("dot", 1)], ids=["slot", "constant"])
def test_a_slot_or_constant_that_the_program_does_not_have_is_refused(referee: Any, name: str, count: int) -> None:
    asked = _asked(name)
    for index in (asked.counts[count], 2**32 - 1):
        assert refusal(referee, asked.with_words({FIRST + 1: index})) == "NoSuchRecord"


@pytest.mark.parametrize("operator", [0, 8, 9, 2**32 - 1])
def test_an_operator_that_the_machine_does_not_have_is_refused(referee: Any, operator: int) -> None:
    assert refusal(referee, _asked("add").with_words({OPERATOR: operator})) == "OperatorNotJudged"


def test_a_family_refuses_the_operators_of_the_others(referee: Any) -> None:
    families = {
        "mapReferee": {"add", "select", "late"},
        "dotReferee": {"dot", "batched", "split"},
        "reduceReferee": {"sum", "blocked", "argmax", "scatter"},
        "moveReferee": {"move", "gather", "fill", "iota", "philox"},
    }
    for getter, own in families.items():
        family = _at(referee, getter)
        for name in NAMES:
            if name in own:
                assert ask(family, _asked(name)) == ask(referee, _asked(name))
            else:
                assert refusal(family, _asked(name)) == "OperatorNotJudged"


def _operands(start: int, *operands: tuple[int, ...]) -> dict[int, int]:
    """Words of operands one after the other: kind · index · dtype · rank · dims."""
    words = [word for operand in operands for word in operand]
    return {start + place: word for place, word in enumerate(words)}


MALFORMED: list[tuple[str, dict[int, int], str]] = [
    # map: the function's signature, then where the operands are read
    ("add", {FUNCTION: 11}, "NoSuchMapFunction"),
    ("add", {FUNCTION: 32}, "NodeMalformed"),  # iadd gives i32
    ("add", {FUNCTION: 16}, "NodeMalformed"),  # lt gives i32
    ("add", {FUNCTION: 5}, "NodeMalformed"),  # fma takes three
    ("add", {DTYPE: 2}, "NodeMalformed"),
    ("add", {DTYPE: 3}, "RecordMalformed"),
    ("add", {COUNT: 1}, "NodeMalformed"),
    ("add", {COUNT: 3}, "NodeMalformed"),
    ("add", {FIRST: 3}, "OperandMalformed"),
    ("add", {FIRST + 2: 2}, "NodeMalformed"),
    ("add", {FIRST + 3: 9}, "RecordMalformed"),
    ("add", {FIRST + 4: 0}, "RecordMalformed"),
    ("add", {FIRST + 6: 1200}, "OperandMalformed"),  # offset beyond the tensor
    ("add", {FIRST + 6: -6}, "OperandMalformed"),  # one word before it
    ("add", {FIRST + 8: 1200}, "OperandMalformed"),  # a stride that leads beyond it
    ("add", {FIRST + 8: -1}, "OperandMalformed"),
    ("add", {DIMS: 0}, "RecordMalformed"),
    ("add", {DIMS: 2**31 - 1}, "RecordMalformed"),
    ("add", {RANK: 9}, "RecordMalformed"),
    ("select", {FIRST + 2: 1}, "NodeMalformed"),  # the mask must be i32
    ("select", {DTYPE: 1}, "NodeMalformed"),  # the values are i32
    # dot
    ("dot", {FUNCTION: 1}, "NodeMalformed"),
    ("dot", {DTYPE: 2}, "NodeMalformed"),
    ("dot", {COUNT: 1}, "NodeMalformed"),
    ("dot", {FIRST + 2: 2}, "NodeMalformed"),
    ("dot", {FIRST + 8: 2}, "NodeMalformed"),
    ("dot", {FIRST + 5: 699}, "NodeMalformed"),  # rows of different length
    ("dot", {FIRST + 4: 3}, "NodeMalformed"),  # A has not the output's rows
    ("dot", {FIRST + 10: 3}, "NodeMalformed"),  # B has not the output's columns
    ("dot", {FIRST + 5: 8193, FIRST + 11: 8193}, "NodeMalformed"),
    ("dot", {ATTRIBUTE: 300}, "NodeMalformed"),  # a split without the axis for it
    ("dot", {RANK: 3, DIMS + 2: 1}, "NodeMalformed"),
    ("dot", _operands(FIRST, (1, 1, 1, 1, 2800), (1, 1, 1, 1, 2800)), "NodeMalformed"),  # of rank 1
    ("dot", _operands(FIRST, (1, 1, 1, 2, 4, 700), (1, 1, 1, 3, 1, 4, 700)), "NodeMalformed"),  # of different ranks
    ("batched", {FIRST + 4: 2}, "NodeMalformed"),  # a batch axis of neither 1 nor the output's
    ("split", {ATTRIBUTE: 8193}, "NodeMalformed"),
    ("split", {ATTRIBUTE: 200}, "NodeMalformed"),  # gives four parts, not three
    ("split", {ATTRIBUTE: 0}, "NodeMalformed"),
    # reduce
    ("sum", {FUNCTION: 0}, "NodeMalformed"),
    ("sum", {FUNCTION: 5}, "NodeMalformed"),
    ("sum", {FUNCTION: 4}, "NodeMalformed"),  # argmax gives i32
    ("sum", {DTYPE: 2}, "NodeMalformed"),
    ("sum", {COUNT: 2}, "NodeMalformed"),
    ("sum", {FIRST + 3: 0}, "NodeMalformed"),  # an operand of rank 0
    ("sum", {FIRST + 4: 5}, "NodeMalformed"),  # other rows than the output
    ("sum", {FIRST + 5: 8193}, "NodeMalformed"),
    ("sum", {ATTRIBUTE: 700}, "NodeMalformed"),
    ("sum", {RANK: 2, DIMS + 1: 1}, "NodeMalformed"),
    ("blocked", {ATTRIBUTE: 200}, "NodeMalformed"),
    ("blocked", {ATTRIBUTE: 8193}, "NodeMalformed"),
    ("blocked", {FUNCTION: 4, DTYPE: 2}, "NodeMalformed"),  # argmax has no blocks
    ("argmax", {DTYPE: 1}, "NodeMalformed"),
    ("argmax", {FUNCTION: 5}, "NodeMalformed"),
    # move: the first source is at FIRST, with access words from FIRST + 6 on: offset · divisor · coefficients
    ("move", {FUNCTION: 1}, "NodeMalformed"),
    ("move", {COUNT: 0}, "NodeMalformed"),
    ("move", {COUNT: 16}, "NodeMalformed"),
    ("move", {DTYPE: 2}, "NodeMalformed"),
    ("move", {FIRST + 2: 2}, "NodeMalformed"),
    ("move", {FIRST + 7: 0}, "OperandMalformed"),
    ("move", {FIRST + 7: -1}, "OperandMalformed"),
    # gather
    ("gather", {FUNCTION: 1}, "NodeMalformed"),
    ("gather", {COUNT: 1}, "NodeMalformed"),
    ("gather", {DTYPE: 2}, "NodeMalformed"),
    ("gather", _operands(FIRST, (1, 0, 1, 1, 1000), (1, 4, 2, 1, 300)), "NodeMalformed"),  # a table of rank 1
    ("gather", {FIRST + 8: 1}, "NodeMalformed"),  # indices that are f32
    ("gather", {FIRST + 5: 19}, "NodeMalformed"),  # the output's rows are wider
    ("gather", {DIMS: 299}, "NodeMalformed"),
    ("gather", {RANK: 1}, "NodeMalformed"),
    # scatter_add: base at FIRST, index at FIRST + 6, sources at FIRST + 11
    ("scatter", {FUNCTION: 1}, "NodeMalformed"),
    ("scatter", {COUNT: 2}, "NodeMalformed"),
    ("scatter", {DTYPE: 2}, "NodeMalformed"),
    ("scatter", {DIMS: 49}, "NodeMalformed"),
    ("scatter", {DIMS: 20, DIMS + 1: 50}, "NodeMalformed"),
    ("scatter", {RANK: 3, DIMS + 2: 1}, "NodeMalformed"),
    ("scatter", _operands(FIRST, (1, 0, 1, 1, 1000), (1, 4, 2, 1, 300), (1, 5, 1, 2, 20, 300)), "NodeMalformed"),  # a base of rank 1
    ("scatter", {FIRST + 8: 1}, "NodeMalformed"),  # indices that are f32
    ("scatter", _operands(FIRST + 6, (1, 4, 2, 2, 300, 1), (1, 5, 1, 2, 20, 300)), "NodeMalformed"),  # indices of rank 2
    ("scatter", {FIRST + 10: 4097, FIRST + 16: 4097}, "NodeMalformed"),  # too many sources
    ("scatter", {FIRST + 13: 2}, "NodeMalformed"),  # sources that are i32
    ("scatter", _operands(FIRST + 11, (1, 5, 1, 1, 6000)), "NodeMalformed"),  # sources of rank 1
    ("scatter", {FIRST + 15: 21}, "NodeMalformed"),
    ("scatter", {FIRST + 16: 299}, "NodeMalformed"),
    # source
    ("fill", {FUNCTION: 0}, "NodeMalformed"),
    ("fill", {FUNCTION: 4}, "NodeMalformed"),
    ("fill", {COUNT: 1}, "NodeMalformed"),
    ("iota", {DTYPE: 1}, "NodeMalformed"),
    ("iota", {COUNT: 1}, "NodeMalformed"),
    ("philox", {DTYPE: 1}, "NodeMalformed"),
    ("philox", {COUNT: 0}, "NodeMalformed"),
    ("philox", {FIRST: 1}, "NodeMalformed"),  # a constant
    ("philox", {FIRST + 1: 1}, "NodeMalformed"),  # another slot
    ("philox", {FIRST + 2: 1}, "NodeMalformed"),
    ("philox", {FIRST + 4: 2}, "NodeMalformed"),
]


@pytest.mark.parametrize(("name", "words", "error"), MALFORMED, ids=lambda value: str(value))
def test_a_node_that_no_valid_program_has_is_refused(referee: Any, name: str, words: dict[int, int], error: str) -> None:
    assert refusal(referee, _asked(name).with_words(words)) == error


def test_operands_that_run_past_the_end_of_the_record_are_refused(referee: Any) -> None:
    # Fifteen sources that are never in range push the last one's words beyond word 255.
    asked = _asked("move", element=0)
    words = {COUNT: 15, RANK: 8} | {DIMS + axis: 1 for axis in range(8)}
    for number in range(15):
        start = FIRST + number * (4 + 2 * 1 + 2 * 10)
        if start + 8 < 256:
            words |= {start: 1, start + 1: 0, start + 2: 1, start + 3: 2, start + 4: 1, start + 5: 1, start + 6: 5, start + 7: 1}
    assert refusal(referee, replace(asked, reads=()).with_words(words)) == "RecordMalformed"


def test_a_nan_with_a_payload_is_carried_by_moves_and_selects_and_made_canonical_by_arithmetic(referee: Any) -> None:
    b = Builder()
    b.slot(I32, (1,))
    x, mask = b.constant(F32, (3,)), b.constant(I32, (3,))
    b.map(MapFn.SELECT, mask, x, x)
    b.transpose(x)
    b.gather(x.view(3, 1), mask)
    b.map(MapFn.NEG, x)
    b.map(MapFn.MAX, x, x)
    b.dot(x.view(1, 3), x.view(1, 3))
    words = np.array([0x7F800001, 0xFFFFFFFF, 0xFFC00000], dtype=np.uint32)
    constants = [words.view(np.float32), np.zeros(3, dtype=np.int32)]
    truth = truth_of(b.build(), [np.zeros(1, dtype=np.int32)], constants)
    assert [ask(referee, question(truth, 0, e)) for e in range(3)] == words.tolist()
    assert [ask(referee, question(truth, 1, e)) for e in range(3)] == words.tolist()
    assert [ask(referee, question(truth, 2, e)) for e in range(3)] == [words[0]] * 3
    for node, elements in ((3, 3), (4, 3), (5, 1)):
        assert [ask(referee, question(truth, node, e)) for e in range(elements)] == [0x7FC00000] * elements


def _at(referee: Any, getter: str) -> Any:
    """The family's referee behind one of the dispatcher's getters."""
    name = "Referee" + getter.removesuffix("Referee").capitalize()
    return project.get_contract(name).at(getattr(referee, getter)())
