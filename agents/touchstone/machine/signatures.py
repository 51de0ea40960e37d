"""Operand and result dtypes of the map functions, the table of section 3.1 of docs/specification/machine.md."""

from __future__ import annotations

from typing import NamedTuple

from touchstone.machine.program import DType, MapFn


class Signature(NamedTuple):
    """Dtypes of one map function. ``None`` stands for the t of ``select``: f32 or i32, the same wherever it appears."""

    operands: tuple[DType | None, ...]
    result: DType | None


_F, _I, _ANY = DType.F32, DType.I32, None

_UNARY_FLOAT = (MapFn.NEG, MapFn.ABS, MapFn.SQRT, MapFn.EXP, MapFn.LOG, MapFn.TANH, MapFn.ERF, MapFn.SIN, MapFn.COS)
_BINARY_FLOAT = (MapFn.ADD, MapFn.SUB, MapFn.MUL, MapFn.DIV, MapFn.MAX, MapFn.MIN)
_COMPARE_FLOAT = (MapFn.LT, MapFn.LE, MapFn.EQ)
_BINARY_INTEGER = (
    MapFn.IADD,
    MapFn.ISUB,
    MapFn.IMUL,
    MapFn.IDIV,
    MapFn.IMOD,
    MapFn.IAND,
    MapFn.IOR,
    MapFn.IXOR,
    MapFn.ISHL,
    MapFn.ISHR,
    MapFn.ILT,
    MapFn.ILE,
    MapFn.IEQ,
)

SIGNATURES: dict[MapFn, Signature] = {
    **{fn: Signature((_F,), _F) for fn in _UNARY_FLOAT},
    **{fn: Signature((_F, _F), _F) for fn in _BINARY_FLOAT},
    **{fn: Signature((_F, _F), _I) for fn in _COMPARE_FLOAT},
    **{fn: Signature((_I, _I), _I) for fn in _BINARY_INTEGER},
    MapFn.FMA: Signature((_F, _F, _F), _F),
    MapFn.SELECT: Signature((_I, _ANY, _ANY), _ANY),
    MapFn.I2F: Signature((_I,), _F),
    MapFn.F2I: Signature((_F,), _I),
}
