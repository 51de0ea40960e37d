"""The programs of the frozen vectors: nodes of every operator by themselves, and small whole programs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.machine.frozen_words import Stream
from touchstone.machine.builder import Builder, Source, Strides, Value
from touchstone.machine.program import Axis, DType, MapFn, Program, ReduceFn, TensorType
from touchstone.machine.workload import Array

F32, I32 = DType.F32, DType.I32
ONE = 0x3F800000


@dataclass(frozen=True)
class FrozenProgram:
    """A program with its data."""

    name: str
    program: Program
    state: tuple[Array, ...]
    constants: tuple[Array, ...]
    steps: int


def programs() -> list[FrozenProgram]:
    """All frozen programs."""
    return [_frozen("counter", counter(), 3), _frozen("operators", operators(), 2), _frozen("perceptron", perceptron(), 2)]


def _frozen(name: str, program: Program, steps: int) -> FrozenProgram:
    stream = Stream(name)
    state = [_tensor(stream, slot.type) for slot in program.slots]
    state[0] = np.zeros(1, dtype=np.int32)
    return FrozenProgram(name, program, tuple(state), tuple(_tensor(stream, constant) for constant in program.constants), steps)


def _tensor(stream: Stream, tensor: TensorType) -> Array:
    """Ordinary floats; integers in 0..7, so that they also serve as row numbers."""
    if tensor.dtype is I32:
        return np.array([stream.below(8) for _ in range(tensor.size)], dtype=np.int32).reshape(tensor.shape)
    words = np.array([stream.calm_float_word() for _ in range(tensor.size)], dtype=np.uint32)
    return (words.view(np.float32) / np.float32(1024)).reshape(tensor.shape)


def counter() -> Program:
    """The smallest useful program: a step counter and a slot passed through."""
    b = Builder()
    step = b.slot(I32, (1,))
    b.slot(F32, (3,))
    b.set_next(step, b.map(MapFn.IADD, step, b.fill(I32, (), 1)))
    return b.build()


def operators() -> Program:
    """Every operator and reduce function once or more, outputs of one to three chunks, slots swapped and passed through."""
    b = Builder()
    step = b.slot(I32, (1,))
    weights, other, rows = b.slot(F32, (6, 50)), b.slot(F32, (6, 50)), b.slot(I32, (5,))
    kept, waves = b.slot(F32, (4,)), b.slot(F32, (6, 50))
    table, long = b.constant(F32, (7, 90)), b.constant(F32, (2, 300))
    b.set_next(step, b.map(MapFn.IADD, step, b.fill(I32, (), 1)))

    picked = b.gather(table, rows)
    shifted = b.map(MapFn.ADD, weights, Strides(picked, 449, (-50, -1)), shape=(6, 50))
    products = b.dot(long, long)
    partials = b.dot(long.view(3, 200), long.view(3, 200), 64)
    total = b.reduce(ReduceFn.SUM, partials)
    largest = b.reduce(ReduceFn.MAX, shifted)
    least = b.reduce(ReduceFn.MIN, shifted, 7)
    where = b.reduce(ReduceFn.ARGMAX, shifted.view(5, 60))
    noise = b.philox((6, 50), (0x12345678, 0x9ABCDEF0), 3)
    uniform = b.map(MapFn.I2F, b.map(MapFn.ISHR, noise, b.fill(I32, (), 8)))
    dilated = b.move((9, 60), [_dilated(shifted), _shifted(picked)], ONE)
    scale = b.map(MapFn.DIV, largest.view(6, 1), b.fill(F32, (), 0x43000000))
    mixed = b.map(MapFn.FMA, uniform, scale, b.transpose(shifted.view(50, 6)))
    even = b.map(MapFn.IEQ, b.map(MapFn.IAND, b.iota((6, 50)), b.fill(I32, (), 1)), b.fill(I32, (), 0))
    chosen = b.map(MapFn.SELECT, even, mixed, Strides(dilated, 3, (60, 1)), shape=(6, 50))
    b.set_next(weights, chosen)
    b.set_next(other, weights)
    b.set_next(rows, b.map(MapFn.IMOD, b.map(MapFn.IADD, rows, where), b.fill(I32, (), 9)))
    angles = b.map(MapFn.SIN, b.map(MapFn.COS, weights))
    turned = b.move((50, 5), [Source(shifted, (Axis(0, 1, (0, 1)), Axis(0, 1, (1, 0))))])
    b.set_next(waves, b.scatter_add(angles, rows, turned))
    summary = b.move((4,), [Source(products, (Axis(0, 2, (1,)), Axis(0, 1, (0,)))), Source(total, (Axis(-1, 1, (1,)), Axis(0, 1, (0,))))])
    b.set_next(kept, b.map(MapFn.MIN, summary, Strides(least, 0, (2,)), shape=(4,)))
    return b.build()


def _dilated(x: Value) -> Source:
    """Every second row, columns from 5 on."""
    return Source(x, (Axis(0, 2, (1, 0)), Axis(-5, 1, (0, 1))))


def _shifted(x: Value) -> Source:
    """Row 2 everywhere, columns reversed."""
    return Source(x, (Axis(2, 1, (0, 0)), Axis(49, 1, (0, -1))))


def perceptron() -> Program:
    """A 20-16-7 perceptron with tanh, batches of 8, softmax cross-entropy and plain gradient descent; the loss goes to a history."""
    b = Builder()
    step, history = b.slot(I32, (1,)), b.slot(F32, (4,))
    w1, b1, w2, b2 = b.slot(F32, (16, 20)), b.slot(F32, (16,)), b.slot(F32, (7, 16)), b.slot(F32, (7,))
    data, labels, order = b.constant(F32, (40, 20)), b.constant(I32, (40,)), b.constant(I32, (4, 8))
    b.set_next(step, b.map(MapFn.IADD, step, b.fill(I32, (), 1)))

    batch = b.gather(order, step).view(8)
    x, y = b.gather(data, batch), b.gather(labels.view(40, 1), batch).view(8)
    hidden = b.map(MapFn.TANH, b.map(MapFn.ADD, b.dot(x, w1), b1))
    logits = b.map(MapFn.ADD, b.dot(hidden, w2), b2)

    centred = b.map(MapFn.SUB, logits, b.reduce(ReduceFn.MAX, logits).view(8, 1))
    powers = b.map(MapFn.EXP, centred)
    sums = b.reduce(ReduceFn.SUM, powers)
    log_probability = b.map(MapFn.SUB, centred, b.map(MapFn.LOG, sums).view(8, 1))
    columns = b.map(MapFn.IMOD, b.iota((8, 7)), b.fill(I32, (), 7))
    hot = b.map(MapFn.IEQ, columns, y.view(8, 1))
    zero, eighth = b.fill(F32, (), 0), b.fill(F32, (), 0x3E000000)
    losses = b.reduce(ReduceFn.SUM, b.map(MapFn.SELECT, hot, b.map(MapFn.NEG, log_probability), zero).view(1, 56))
    loss = b.map(MapFn.MUL, losses, eighth)
    b.set_next(history, b.map(MapFn.SELECT, b.map(MapFn.IEQ, b.iota((4,)), step), loss, history))

    probabilities = b.map(MapFn.DIV, powers, sums.view(8, 1))
    target = b.map(MapFn.SELECT, hot, b.fill(F32, (), ONE), zero)
    grad_logits = b.map(MapFn.MUL, b.map(MapFn.SUB, probabilities, target), eighth)
    grad_hidden = b.dot(grad_logits, b.transpose(w2))
    slope = b.map(MapFn.SUB, b.fill(F32, (), ONE), b.map(MapFn.MUL, hidden, hidden))
    grad_sum = b.map(MapFn.MUL, grad_hidden, slope)
    turned_logits, turned_sum = b.transpose(grad_logits), b.transpose(grad_sum)
    gradients = {
        w1: b.dot(turned_sum, b.transpose(x)),
        b1: b.reduce(ReduceFn.SUM, turned_sum),
        w2: b.dot(turned_logits, b.transpose(hidden)),
        b2: b.reduce(ReduceFn.SUM, turned_logits),
    }
    rate = b.fill(F32, (), 0xBD4CCCCD)  # minus 0.05
    for parameter, gradient in gradients.items():
        b.set_next(parameter, b.map(MapFn.FMA, rate, gradient, parameter))
    return b.build()
