"""The native runtime against the frozen vectors of every map function and every operator."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.machine.frozen_nodes import FrozenNode, nodes
from tests.machine.native.compare import words_of
from touchstone.machine.builder import Builder
from touchstone.machine.program import DType, Kind, MapFn, Program, Ref, Slot, TensorType
from touchstone.machine.runtime import NativeMachine
from touchstone.machine.signatures import SIGNATURES
from touchstone.machine.workload import NUMPY_DTYPE, Array

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
STEP = TensorType(DType.I32, (1,))


def outputs(program: Program, constants: list[Array], step: int = 0) -> list[Array]:
    machine = NativeMachine(program, constants, threads=2)
    machine.load([np.array([step], dtype=np.uint32).view(np.int32)])
    found: list[Array] = []
    machine.trace(lambda _node, output: found.append(output.copy()))
    return found


@pytest.mark.parametrize("fn", list(MapFn), ids=lambda fn: fn.name.lower())
def test_a_map_function_gives_its_frozen_words(fn: MapFn, level: str) -> None:
    frozen = json.loads((VECTORS / "map" / f"{fn.name.lower()}.json").read_text())
    rows = np.frombuffer(bytes.fromhex(frozen["cases"][2:]), dtype=">u4").reshape(frozen["count"], frozen["arity"] + 1)
    dtypes = [dtype or DType.F32 for dtype in SIGNATURES[fn].operands]
    builder = Builder()
    values = [builder.constant(dtype, (len(rows),)) for dtype in dtypes]
    builder.map(fn, *values)
    columns = [rows[:, place].astype("<u4").view(NUMPY_DTYPE[dtype]) for place, dtype in enumerate(dtypes)]
    built = builder.build()
    program = Program((Slot(STEP, Ref(Kind.SLOT, 0)),), built.constants, built.nodes)
    assert np.array_equal(words_of(outputs(program, columns)[-1]), rows[:, -1].astype(np.uint32))


@pytest.mark.parametrize("frozen", nodes(), ids=lambda frozen: frozen.name)
def test_a_node_has_its_frozen_output(frozen: FrozenNode, level: str) -> None:
    constants: dict[int, tuple[TensorType, Array]] = {}
    step = 0
    for operand, words in zip(frozen.node.operands, frozen.operands, strict=True):
        if operand.ref.kind is Kind.SLOT:
            step = int(words[0])
            continue
        shape = TensorType(operand.type.dtype, operand.type.shape)
        constants[operand.ref.index] = (shape, words.astype("<u4").view(NUMPY_DTYPE[shape.dtype]).reshape(shape.shape))
    declared = [constants[index] for index in sorted(constants)]
    program = Program((Slot(STEP, Ref(Kind.SLOT, 0)),), tuple(shape for shape, _ in declared), (frozen.node,))
    expected = json.loads((VECTORS / "nodes" / f"{frozen.name}.json").read_text())["output"]
    assert outputs(program, [array for _, array in declared], step)[0].tobytes() == bytes.fromhex(expected[2:])
