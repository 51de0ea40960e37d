"""The map functions on whole arrays of words; ``functions.py`` defines them, tests prove these equal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from touchstone.machine.program import MapFn
from touchstone.machine.reference import vector_floats as f32
from touchstone.machine.reference import vector_transcendental as transcendental
from touchstone.machine.reference.reads import Words

ArrayFunction = Callable[..., Words]


def _signed(words: Words) -> npt.NDArray[np.int64]:
    return words.view(np.int32).astype(np.int64)


def _wrap(values: npt.NDArray[np.int64]) -> Words:
    return (values & 0xFFFFFFFF).astype(np.uint32)


def divide(a: Words, b: Words) -> Words:
    """a / b toward zero; x / 0 = 0."""
    dividend, divisor = _signed(a), _signed(b)
    magnitude = np.abs(dividend) // np.maximum(np.abs(divisor), 1)
    quotient = np.where((dividend < 0) == (divisor < 0), magnitude, -magnitude)
    return _wrap(np.where(divisor == 0, 0, quotient))


def modulo(a: Words, b: Words) -> Words:
    """a - b * (a / b); x mod 0 = 0."""
    return np.where(b == 0, np.uint32(0), a - b * divide(a, b))


def shift_left(a: Words, b: Words) -> Words:
    """a << (b & 31)."""
    return a << (b & np.uint32(31))


def shift_right(a: Words, b: Words) -> Words:
    """Unsigned a >> (b & 31)."""
    return a >> (b & np.uint32(31))


def select(a: Words, b: Words, c: Words) -> Words:
    """b where a is not zero, else c, verbatim."""
    return np.where(a != 0, b, c)


def _less(a: Words, b: Words) -> npt.NDArray[np.bool_]:
    return np.less(_signed(a), _signed(b))


def _less_or_equal(a: Words, b: Words) -> npt.NDArray[np.bool_]:
    return np.less_equal(_signed(a), _signed(b))


def _truth(predicate: Callable[[Words, Words], npt.NDArray[np.bool_]]) -> ArrayFunction:
    def words(a: Words, b: Words) -> Words:
        return np.asarray(predicate(a, b)).astype(np.uint32)

    return words


ARRAY_FUNCTIONS: dict[MapFn, ArrayFunction] = {
    MapFn.ADD: f32.add,
    MapFn.SUB: f32.sub,
    MapFn.MUL: f32.mul,
    MapFn.DIV: f32.div,
    MapFn.FMA: f32.fma,
    MapFn.NEG: f32.neg,
    MapFn.ABS: f32.absolute,
    MapFn.SQRT: f32.sqrt,
    MapFn.MAX: f32.maximum,
    MapFn.MIN: f32.minimum,
    MapFn.LT: _truth(f32.less),
    MapFn.LE: _truth(f32.less_or_equal),
    MapFn.EQ: _truth(f32.equal),
    MapFn.EXP: transcendental.exp,
    MapFn.LOG: transcendental.log,
    MapFn.TANH: transcendental.tanh,
    MapFn.ERF: transcendental.erf,
    MapFn.SIN: transcendental.sin,
    MapFn.COS: transcendental.cos,
    MapFn.IADD: np.add,
    MapFn.ISUB: np.subtract,
    MapFn.IMUL: np.multiply,
    MapFn.IDIV: divide,
    MapFn.IMOD: modulo,
    MapFn.IAND: np.bitwise_and,
    MapFn.IOR: np.bitwise_or,
    MapFn.IXOR: np.bitwise_xor,
    MapFn.ISHL: shift_left,
    MapFn.ISHR: shift_right,
    MapFn.ILT: _truth(_less),
    MapFn.ILE: _truth(_less_or_equal),
    MapFn.IEQ: _truth(np.equal),
    MapFn.SELECT: select,
    MapFn.I2F: f32.from_integer,
    MapFn.F2I: f32.to_integer,
}
