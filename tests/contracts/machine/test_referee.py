"""The referee's words against the frozen vectors and against the reference on whole random programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.contracts.machine.questions import answer, ask, question, truth_of
from tests.machine.programs import random_case
from touchstone.machine.builder import Builder
from touchstone.machine.program import DType, Kind, MapFn, Program, Ref, Slot, TensorType, decode, encode, encode_node
from touchstone.machine.workload import NUMPY_DTYPE, Array

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
NODES = sorted(path.stem for path in (VECTORS / "nodes").glob("*.json"))
PROGRAMS = sorted(path.stem for path in (VECTORS / "programs").glob("*.json"))
RANDOM_PROGRAMS = 24
ELEMENTS_OF_A_NODE = 3


@pytest.mark.parametrize("name", NODES)
def test_a_frozen_node_gets_its_frozen_words(referee: Any, name: str) -> None:
    vector = json.loads((VECTORS / "nodes" / f"{name}.json").read_text())
    program, state, constants = _program_around(vector)
    truth = truth_of(program, state, constants)
    for sample in vector["samples"]:
        assert ask(referee, question(truth, 0, sample["index"])) == sample["word"], sample["index"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_frozen_program_gets_its_frozen_words(referee: Any, name: str) -> None:
    vector = json.loads((VECTORS / "programs" / f"{name}.json").read_text())
    program = decode(_bytes(vector["program"]))
    state = [_array(data, slot.type) for data, slot in zip(vector["state"], program.slots, strict=True)]
    constants = [_array(data, constant) for data, constant in zip(vector["constants"], program.constants, strict=True)]
    truth = truth_of(program, state, constants)
    rng = np.random.default_rng(0)
    for index, node in enumerate(program.nodes):
        words = np.frombuffer(_bytes(vector["outputs"][index]), dtype="<u4")
        for element in {0, node.type.size - 1, int(rng.integers(node.type.size))}:
            assert ask(referee, question(truth, index, element)) == words[element], (index, element)


@pytest.mark.parametrize("seed", range(RANDOM_PROGRAMS))
def test_random_elements_of_a_random_program_get_the_words_of_the_reference(referee: Any, seed: int) -> None:
    case = random_case(seed, specials=0.02 if seed % 2 else 0.2)
    truth = truth_of(case.program, case.state, case.constants)
    rng = np.random.default_rng(seed)
    for index, node in enumerate(case.program.nodes):
        for element in rng.integers(node.type.size, size=ELEMENTS_OF_A_NODE):
            found = ask(referee, question(truth, index, int(element)))
            assert found == answer(truth, index, int(element)), (node, int(element))


def test_an_operand_is_read_from_the_state_before_the_step_in_every_step(referee: Any) -> None:
    b = Builder()
    step = b.slot(DType.I32, (1,))
    b.set_next(step, b.map(MapFn.IADD, step, b.fill(DType.I32, (), 1)))
    truth = truth_of(b.build(), [np.array([41], dtype=np.int32)], [], steps=3)
    assert [ask(referee, question(truth, 1, 0, at)) for at in range(3)] == [42, 43, 44]


def test_a_gather_reads_only_indices_in_range_and_gives_zero_for_the_others(referee: Any) -> None:
    b = Builder()
    b.slot(DType.I32, (1,))
    b.gather(b.constant(DType.F32, (5, 3)), b.constant(DType.I32, (7,)))
    indices = np.array([-1, 0, 4, 5, 6, -(2**31), 2**31 - 1], dtype=np.int32)
    table = np.arange(1, 16, dtype=np.float32).reshape(5, 3)
    truth = truth_of(b.build(), [np.zeros(1, dtype=np.int32)], [table, indices])
    for element in range(21):
        row, column = int(indices[element // 3]), element % 3
        inside = 0 <= row < 5
        asked = question(truth, 0, element)
        assert len(asked.reads) == (2 if inside else 1)
        assert ask(referee, asked) == (int(table.view(np.uint32)[row, column]) if inside else 0)


def _program_around(vector: dict[str, Any]) -> tuple[Program, list[Array], list[Array]]:
    """A program of one node, with the constants that the vector's record names."""
    record = _bytes(vector["record"])
    step = TensorType(DType.I32, (1,))
    constants: dict[int, tuple[TensorType, str]] = {}
    state = [np.zeros(1, dtype=np.int32)]
    # Decoding needs a whole program; the operands' own types are all that the declarations have to say.
    count = 15
    probe = Program((Slot(step, Ref(Kind.SLOT, 0)),), (step,) * count, ())
    header = bytearray(encode(probe))
    header[19] = 1
    node = decode(bytes(header) + record).nodes[0]
    for operand, data in zip(node.operands, vector["operands"], strict=True):
        if operand.ref.kind is Kind.SLOT:
            state = [_array(data, step)]
        else:
            constants[operand.ref.index] = (operand.type, data)
    assert encode_node(node) == record
    ordered = [constants[index] for index in sorted(constants)]
    program = Program((Slot(step, Ref(Kind.SLOT, 0)),), tuple(tensor for tensor, _ in ordered), (node,))
    return program, state, [_array(data, tensor) for tensor, data in ordered]


def _array(data: str, tensor: TensorType) -> Array:
    array: Array = np.frombuffer(_bytes(data), dtype=NUMPY_DTYPE[tensor.dtype]).reshape(tensor.shape)
    return array


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
