"""Words on which the last bit of each constant of the transcendental sequences shows.

Most operands give the same result with a slightly wrong constant, so random vectors prove little about the constants.
``python -m tests.machine.witnesses`` searches for operands that tell, and writes them to witnesses.json; whoever implements the sequences
is held against the reference on them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tests.machine.words import Words
from touchstone.machine.program import MapFn
from touchstone.machine.reference import transcendental
from touchstone.machine.reference.vector_functions import ARRAY_FUNCTIONS

FILE = Path(__file__).with_name("witnesses.json")
BATCH = 400_000
BATCHES = 8
KEPT = 3
BITS = (1, 1 << 4, 1 << 8, 1 << 12, 1 << 16, 1 << 40)
"""Flipped in turn until an operand shows it: some constants' last bits never reach a result."""

RANGES = {MapFn.EXP: (-20.0, 20.0), MapFn.LOG: (0.5, 2.0), MapFn.TANH: (-1.0, 1.0), MapFn.ERF: (-4.2, 4.2)}
RANGES |= dict.fromkeys((MapFn.SIN, MapFn.COS), (-1e5, 1e5))
"""Where a sequence's polynomials matter."""

ANYWHERE = (MapFn.SIN, MapFn.COS)
"""Functions with a branch for all larger numbers: one in a hundred of their operands is any word."""

CONSTANTS = {
    MapFn.EXP: ("L2E", "LN2_HI", "LN2_LO", "EXPQ"),
    MapFn.LOG: ("LN2_HI", "LN2_LO", "LOGQ"),
    MapFn.TANH: ("TANHQ",),
    MapFn.ERF: ("ERFQ", "ERFL"),
    MapFn.SIN: ("TWO_OVER_PI", "PIO2", "SINQ", "COSQ", "TWO_OVER_PI_192", "PIO2_62"),
    MapFn.COS: ("TWO_OVER_PI", "PIO2", "SINQ", "COSQ", "TWO_OVER_PI_192", "PIO2_62"),
}

THRESHOLDS = {
    MapFn.EXP: (0xC2D00000, 0x42B20000),
    MapFn.LOG: (0x00800000, 0x3F3504F3, 0x3F800000, 0x3FB504F3, 0x7F800000),
    MapFn.TANH: (0x3F200000, 0xBF200000),
    MapFn.ERF: (0x3F6B851F, 0x40800000, 0xBF6B851F, 0xC0800000),
    MapFn.SIN: (0x3F490FDB, 0x48000000, 0xC8000000, 0x7F800000),
    MapFn.COS: (0x3F490FDB, 0x48000000, 0xC8000000, 0x7F800000),
}
"""Operands at which a sequence takes another branch; their neighbours are witnesses of the comparison."""

Change = tuple[str, int, int]
"""A constant's name, which of its coefficients, and the bit to flip."""


@contextmanager
def changed(change: Change) -> Iterator[None]:
    """The reference with one constant changed."""
    name, place, bits = change
    value = getattr(transcendental, name)
    wrong = value ^ bits if isinstance(value, int) else tuple(word ^ bits if i == place else word for i, word in enumerate(value))
    setattr(transcendental, name, wrong)
    try:
        yield
    finally:
        setattr(transcendental, name, value)


def shows(fn: MapFn, change: Change, words: Words) -> Words:
    """Those of ``words`` for which the change of a constant changes the result."""
    right = ARRAY_FUNCTIONS[fn](words)
    with changed(change):
        wrong = ARRAY_FUNCTIONS[fn](words)
    return words[right != wrong]


def witnesses(fn: MapFn) -> Words:
    """The frozen witnesses of a function, and the neighbours of its thresholds."""
    frozen = [int(word, 16) for word in _frozen(fn)["words"]]
    near = [(threshold + step) & 0xFFFFFFFF for threshold in THRESHOLDS[fn] for step in range(-8, 9)]
    return np.array(frozen + near, dtype=np.uint32)


def witnessed(fn: MapFn) -> list[Change]:
    """The changes that the frozen witnesses show: one for each of the function's constants."""
    return [(name, place, bit) for name, place, bit in _frozen(fn)["changes"]]


def coefficients(fn: MapFn) -> list[tuple[str, int]]:
    """All constants of a function, each coefficient by itself."""
    found = []
    for name in CONSTANTS[fn]:
        value = getattr(transcendental, name)
        found += [(name, place) for place in range(1 if isinstance(value, int) else len(value))]
    return found


def search(fn: MapFn) -> tuple[list[int], list[Change]]:
    """Witnesses for every constant, and the change of it that they show."""
    rng = np.random.default_rng(int(fn))
    low, high = RANGES[fn]
    words, shown = set[int](), list[Change]()
    missing = coefficients(fn)
    for bit in BITS:
        for _ in range(BATCHES):
            operands = rng.uniform(low, high, BATCH).astype(np.float32).view(np.uint32)
            if fn in ANYWHERE:
                operands[: BATCH // 100] = rng.integers(0, 2**32, BATCH // 100, dtype=np.uint32)
            for name, place in list(missing):
                telling = shows(fn, (name, place, bit), operands)
                if len(telling):
                    words.update(int(word) for word in telling[:KEPT])
                    shown.append((name, place, bit))
                    missing.remove((name, place))
            if not missing:
                return sorted(words), shown
    raise SystemExit(f"no operand shows {missing} of {fn.name.lower()}; search more")


def main() -> None:
    """Search and write the file."""
    result = {}
    for fn in CONSTANTS:
        words, shown = search(fn)
        result[fn.name.lower()] = {"changes": shown, "words": [f"0x{word:08x}" for word in words]}
        print(
            f"{fn.name.lower()}: {len(words)} witnesses; {[change for change in shown if change[2] > 1]} by more than the last bit",
            flush=True,
        )
    FILE.write_text(json.dumps(result) + "\n")


def _frozen(fn: MapFn) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = json.loads(FILE.read_text())[fn.name.lower()]
    return found


if __name__ == "__main__":
    main()
