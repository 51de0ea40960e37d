"""A small but complete training program: a 32-48-10 perceptron with dropout, momentum, shuffled batches, loss and accuracy histories.

It has every operator family, outputs of one to six chunks with and without padding, and slots that are copied from nodes and from slots.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from tests.dispute.worlds import World, of_case
from tests.machine.programs import Case
from touchstone.machine.builder import Builder, Value
from touchstone.machine.program import DType, MapFn, Program, ReduceFn
from touchstone.machine.workload import Array

F32, I32 = DType.F32, DType.I32
BATCH, INPUTS, HIDDEN, CLASSES, SAMPLES, STEPS = 16, 32, 48, 10, 64, 6


def _float_word(value: float) -> int:
    return int(np.float32(value).view(np.uint32))


def program() -> Program:
    b = Builder()
    step, losses, hits = b.slot(I32, (1,)), b.slot(F32, (STEPS,)), b.slot(I32, (STEPS,))
    shapes = ((HIDDEN, INPUTS), (HIDDEN,), (CLASSES, HIDDEN), (CLASSES,))
    parameters = [b.slot(F32, shape) for shape in shapes]
    momenta = [b.slot(F32, shape) for shape in shapes]
    initial = b.slot(F32, shapes[0])  # kept as it was
    seen = b.slot(F32, (CLASSES, 1))  # how many samples of each class, weighted by a wave
    previous = b.slot(F32, shapes[0])  # the weights one step ago
    data, labels = b.constant(F32, (SAMPLES, INPUTS)), b.constant(I32, (SAMPLES, 1))
    order, rates = b.constant(I32, (STEPS, BATCH)), b.constant(F32, (STEPS, 1))
    zero, one = b.fill(F32, (), 0), b.fill(F32, (), _float_word(1.0))
    b.set_next(step, b.map(MapFn.IADD, step, b.fill(I32, (), 1)))

    batch = b.gather(order, step).view(BATCH)
    x, y = b.gather(data, batch), b.gather(labels, batch)
    w1, b1, w2, b2 = parameters
    hidden = b.map(MapFn.MAX, b.map(MapFn.ADD, b.dot(x, w1), b1), zero)
    uniform = b.map(MapFn.ISHR, b.philox((BATCH, HIDDEN), (1, 2), 5), b.fill(I32, (), 30))
    keep = b.map(MapFn.ILT, b.fill(I32, (), 0), uniform)
    kept = b.map(MapFn.SELECT, keep, hidden, zero)
    logits = b.map(MapFn.ADD, b.dot(kept, w2), b2)

    powers = b.map(MapFn.EXP, b.map(MapFn.SUB, logits, b.reduce(ReduceFn.MAX, logits).view(BATCH, 1)))
    sums = b.reduce(ReduceFn.SUM, powers).view(BATCH, 1)
    probabilities = b.map(MapFn.DIV, powers, sums)
    columns = b.map(MapFn.IMOD, b.iota((BATCH, CLASSES)), b.fill(I32, (), CLASSES))
    hot = b.map(MapFn.IEQ, columns, y)
    picked = b.map(MapFn.NEG, b.map(MapFn.LOG, b.map(MapFn.SELECT, hot, probabilities, one)))
    loss = b.map(MapFn.MUL, b.reduce(ReduceFn.SUM, picked.view(1, BATCH * CLASSES)), b.fill(F32, (), _float_word(1 / BATCH)))
    right = b.map(MapFn.IEQ, b.reduce(ReduceFn.ARGMAX, logits).view(BATCH, 1), y)
    now = b.map(MapFn.IEQ, b.iota((STEPS,)), step)
    b.set_next(losses, b.map(MapFn.SELECT, now, loss, losses))
    b.set_next(hits, b.map(MapFn.SELECT, now, b.reduce(ReduceFn.SUM, right.view(1, BATCH)), hits))

    target = b.map(MapFn.SELECT, hot, one, zero)
    grad_logits = b.map(MapFn.MUL, b.map(MapFn.SUB, probabilities, target), b.fill(F32, (), _float_word(1 / BATCH)))
    alive = b.map(MapFn.LT, zero, kept)
    grad_hidden = b.map(MapFn.SELECT, alive, b.dot(grad_logits, b.transpose(w2)), zero)
    turned_logits, turned_hidden = b.transpose(grad_logits), b.transpose(grad_hidden)
    gradients = [
        b.dot(turned_hidden, b.transpose(x)),
        b.reduce(ReduceFn.SUM, turned_hidden),
        b.dot(turned_logits, b.transpose(kept)),
        b.reduce(ReduceFn.SUM, turned_logits),
    ]
    rate = b.map(MapFn.NEG, b.gather(rates, step).view(1))
    for parameter, momentum, gradient in zip(parameters, momenta, gradients, strict=True):
        velocity = b.map(MapFn.FMA, b.fill(F32, (), _float_word(0.9)), momentum, gradient)
        b.set_next(momentum, velocity)
        b.set_next(parameter, _updated(b, rate, velocity, parameter))
    angle = b.map(MapFn.I2F, step)
    wave = b.map(MapFn.ADD, b.map(MapFn.SIN, angle), b.map(MapFn.COS, b.map(MapFn.MUL, angle, rate)))
    b.set_next(seen, b.scatter_add(seen, y.view(BATCH), b.map(MapFn.ADD, wave, b.fill(F32, (1, BATCH), 0))))
    b.set_next(initial, initial)
    b.set_next(previous, parameters[0])
    return b.build()


def _updated(b: Builder, rate: Value, velocity: Value, parameter: Value) -> Value:
    return b.map(MapFn.FMA, rate, velocity, parameter)


@cache
def perceptron() -> World:
    """The interval of all its steps, from random weights on random data."""
    rng = np.random.default_rng(5)
    described = program()
    state: list[Array] = [(rng.standard_normal(slot.type.shape) * 0.2).astype(np.float32) for slot in described.slots]
    state[0], state[2] = np.zeros(1, dtype=np.int32), np.zeros(STEPS, dtype=np.int32)
    constants: list[Array] = [
        rng.standard_normal((SAMPLES, INPUTS)).astype(np.float32),
        rng.integers(0, CLASSES, (SAMPLES, 1)).astype(np.int32),
        np.stack([rng.permutation(SAMPLES)[:BATCH] for _ in range(STEPS)]).astype(np.int32),
        np.linspace(0.1, 0.05, STEPS, dtype=np.float32).reshape(STEPS, 1),
    ]
    return of_case(Case(described, tuple(state), tuple(constants)), STEPS)
