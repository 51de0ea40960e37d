"""Every map function in Solidity against the reference, on many operands.

``TOUCHSTONE_VECTORS`` sets how many operand triples each function gets (30,000 when unset).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.contracts.machine.calls import refusal_of
from tests.contracts.machine.operands import float_triples, integer_triples
from tests.machine.witnesses import witnesses
from touchstone.machine.program import MapFn
from touchstone.machine.reference.vector_functions import ARRAY_FUNCTIONS
from touchstone.machine.signatures import SIGNATURES

VECTORS = int(os.environ.get("TOUCHSTONE_VECTORS", "30000"))
FROZEN = Path(__file__).resolve().parents[2] / "vectors" / "map"
TRANSCENDENTAL = {MapFn.EXP, MapFn.LOG, MapFn.TANH, MapFn.ERF, MapFn.SIN, MapFn.COS}


@pytest.mark.parametrize("fn", list(MapFn), ids=lambda fn: fn.name)
def test_a_map_function_gives_the_reference_word_for_every_operand(machine: Any, fn: MapFn) -> None:
    count = VECTORS // 4 if fn in TRANSCENDENTAL else VECTORS
    rng = np.random.default_rng(int(fn))
    triples = integer_triples(rng, count) if fn.name.startswith("I") else float_triples(rng, count)
    if fn is MapFn.SELECT:
        triples[::2, 0] = 0

    expected = ARRAY_FUNCTIONS[fn](*triples.T[: len(SIGNATURES[fn].operands)])
    batch = 800 if fn in TRANSCENDENTAL else 4000  # what a call's gas limit allows
    found = np.concatenate([_evaluate(machine, fn, triples[first : first + batch]) for first in range(0, len(triples), batch)])

    different = np.flatnonzero(found != expected)
    assert not len(different), [([hex(w) for w in triples[i]], hex(found[i]), hex(expected[i])) for i in different[:5]]


@pytest.mark.parametrize("name", sorted(path.stem for path in FROZEN.glob("*.json")))
def test_a_map_function_gives_its_frozen_words(machine: Any, name: str) -> None:
    vector = json.loads((FROZEN / f"{name}.json").read_text())
    cases = np.frombuffer(bytes.fromhex(vector["cases"][2:]), dtype=">u4").reshape(vector["count"], vector["arity"] + 1)
    triples = np.zeros((len(cases), 3), dtype=np.uint32)
    triples[:, : vector["arity"]] = cases[:, :-1]
    found = [_evaluate(machine, MapFn(vector["function"]), triples[first : first + 800]) for first in range(0, len(cases), 800)]
    assert np.array_equal(np.concatenate(found), cases[:, -1])


@pytest.mark.parametrize("fn", sorted(TRANSCENDENTAL), ids=lambda fn: fn.name)
def test_a_transcendental_sequence_is_right_where_the_last_bits_of_its_constants_show(machine: Any, fn: MapFn) -> None:
    words = witnesses(fn)
    triples = np.stack([words, words, words], axis=1)
    found = np.concatenate([_evaluate(machine, fn, triples[first : first + 800]) for first in range(0, len(words), 800)])
    assert np.array_equal(found, ARRAY_FUNCTIONS[fn](words))


@pytest.mark.parametrize("code", [0, 11, 15, 19, 23, 30, 31, 45, 47, 51, 2**255])
def test_a_function_code_that_map_does_not_have_is_refused(machine: Any, code: int) -> None:
    assert code not in set(MapFn)
    assert refusal_of(machine, "map", code, bytes(12)) == "NoSuchMapFunction"


def _evaluate(machine: Any, fn: MapFn, triples: np.ndarray) -> np.ndarray:
    return np.frombuffer(machine.map(int(fn), triples.astype("<u4").tobytes()), dtype=">u4").astype(np.uint32)
