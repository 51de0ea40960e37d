"""Operand words for the frozen vectors. They come from Philox alone, so that every version of Python and numpy draws the same."""

from __future__ import annotations

import itertools
import math

from tests.machine.words import SPECIAL_FLOATS, SPECIAL_INTEGERS
from touchstone.machine.program import DType, MapFn
from touchstone.machine.reference.philox import philox4x32
from touchstone.machine.signatures import SIGNATURES

CASES = {1: 1200, 2: 1200, 3: 3000}
CROSSED_SPECIALS = {1: 64, 2: 26, 3: 11}  # how many special words are combined with each other, by number of operands


class Stream:
    """Words from Philox under a key; ``name`` keeps the streams of different vectors apart."""

    def __init__(self, name: str) -> None:
        self._key = (sum(byte << (8 * (place % 4)) for place, byte in enumerate(name.encode())) & 0xFFFFFFFF, len(name))
        self._counter = 0
        self._pending: list[int] = []

    def word(self) -> int:
        """The next 32 random bits."""
        if not self._pending:
            self._pending = list(philox4x32((self._counter, 0, 0, 1), self._key))
            self._counter += 1
        return self._pending.pop()

    def below(self, limit: int) -> int:
        """A number in 0..limit−1."""
        return self.word() % limit

    def float_word(self) -> int:
        """A float: mostly between 2**-12 and 2**12, sometimes any bits, sometimes special."""
        kind = self.below(8)
        if kind == 0:
            return SPECIAL_FLOATS[self.below(len(SPECIAL_FLOATS))]
        if kind == 1:
            return self.word()
        return self.calm_float_word()

    def calm_float_word(self) -> int:
        """A float whose magnitude lies between 2**-12 and 2**12."""
        return (self.word() & 0x807FFFFF) | (115 + self.below(24)) << 23

    def integer_word(self) -> int:
        """An integer: small of either sign, any bits, or special."""
        kind = self.below(4)
        if kind == 0:
            return SPECIAL_INTEGERS[self.below(len(SPECIAL_INTEGERS))]
        return self.word() if kind == 1 else (self.below(81) - 40) & 0xFFFFFFFF

    def near(self, exponent: int) -> int:
        """A float with few significant bits and an exponent near a biased one: sums and products with it often lie halfway."""
        biased = min(max(exponent + self.below(53) - 26, 0), 254)
        fraction = (1 << self.below(24)) ^ (1 << self.below(24))
        return (self.word() & 0x80000000) | biased << 23 | fraction & 0x7FFFFF


def operand_tuples(fn: MapFn) -> list[tuple[int, ...]]:
    """Operands for the frozen vectors of one map function: special words crossed with each other, then random ones."""
    dtypes = SIGNATURES[fn].operands
    stream = Stream(fn.name)
    crossed = list(itertools.product(*(_specials(dtype, CROSSED_SPECIALS[len(dtypes)]) for dtype in dtypes)))
    drawn = [_draw(stream, dtypes, case) for case in range(CASES[len(dtypes)] - len(crossed))]
    return crossed + drawn


def _specials(dtype: DType | None, count: int) -> tuple[int, ...]:
    """Special words, evenly chosen so that every kind is represented."""
    words = SPECIAL_INTEGERS if dtype is DType.I32 else SPECIAL_FLOATS
    step = max(1, math.ceil(len(words) / count))
    return words[::step] if len(words) > count else words


def _draw(stream: Stream, dtypes: tuple[DType | None, ...], case: int) -> tuple[int, ...]:
    words = [stream.integer_word() if dtype is DType.I32 else stream.float_word() for dtype in dtypes]
    if dtypes == (DType.F32, DType.F32) and case % 3 == 0:
        words[1] = stream.near(words[0] >> 23 & 0xFF)
    if dtypes == (DType.F32, DType.F32, DType.F32) and case % 2 == 0:
        words[2] = stream.near((words[0] >> 23 & 0xFF) + (words[1] >> 23 & 0xFF) - 127)
    return tuple(words)
