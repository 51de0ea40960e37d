"""The map functions of section 3.1 of docs/specification/machine.md: words in, word out."""

from __future__ import annotations

from collections.abc import Callable

from touchstone.machine.program import MapFn
from touchstone.machine.reference import integers as i32
from touchstone.machine.reference import softfloat as f32
from touchstone.machine.reference import transcendental

WordFunction = Callable[..., int]


def select(a: int, b: int, c: int) -> int:
    """b if a is not zero, else c, verbatim."""
    return b if a != 0 else c


def integer_to_float(a: int) -> int:
    """The float nearest to an i32."""
    return f32.from_integer(i32.signed(a))


def float_to_integer(a: int) -> int:
    """The i32 toward zero, saturating; 0 for NaN."""
    return i32.wrap(f32.to_integer(a))


def _truth(predicate: Callable[[int, int], bool]) -> WordFunction:
    def word(a: int, b: int) -> int:
        return int(predicate(a, b))

    return word


MAP_FUNCTIONS: dict[MapFn, WordFunction] = {
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
    MapFn.IADD: i32.add,
    MapFn.ISUB: i32.sub,
    MapFn.IMUL: i32.mul,
    MapFn.IDIV: i32.div,
    MapFn.IMOD: i32.mod,
    MapFn.IAND: i32.bit_and,
    MapFn.IOR: i32.bit_or,
    MapFn.IXOR: i32.bit_xor,
    MapFn.ISHL: i32.shift_left,
    MapFn.ISHR: i32.shift_right,
    MapFn.ILT: _truth(i32.less),
    MapFn.ILE: _truth(i32.less_or_equal),
    MapFn.IEQ: _truth(i32.equal),
    MapFn.SELECT: select,
    MapFn.I2F: integer_to_float,
    MapFn.F2I: float_to_integer,
}
