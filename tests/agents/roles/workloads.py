"""A small job that trains for real: linear regression by mini-batch gradient descent, written without torch."""

from __future__ import annotations

import numpy as np

from touchstone.machine.builder import Builder
from touchstone.machine.program import DType, MapFn, ReduceFn
from touchstone.machine.workload import Workload

INPUTS, OUTPUTS, SAMPLES, BATCH = 64, 32, 128, 8


def regression(steps: int = 24, seed: int = 0) -> Workload:
    """Learns a random 64 → 32 map: the weights have 8 chunks, the bias one."""
    rng = np.random.default_rng(seed)
    b = Builder()
    step = b.slot(DType.I32, (1,))
    weight = b.slot(DType.F32, (OUTPUTS, INPUTS))
    bias = b.slot(DType.F32, (OUTPUTS,))
    x, y = b.constant(DType.F32, (SAMPLES, INPUTS)), b.constant(DType.F32, (SAMPLES, OUTPUTS))
    order = b.constant(DType.I32, (steps, BATCH))
    rate = b.fill(DType.F32, (), int(np.float32(-0.01).view(np.uint32)))
    chosen = b.gather(order, step).view(BATCH)
    batch, target = b.gather(x, chosen), b.gather(y, chosen)
    output = b.map(MapFn.ADD, b.dot(batch, weight), bias)
    error = b.map(MapFn.SUB, output, target)
    gradient = b.dot(b.transpose(error), b.transpose(batch))
    b.set_next(step, b.map(MapFn.IADD, step, b.fill(DType.I32, (), 1)))
    b.set_next(weight, b.map(MapFn.FMA, gradient, rate, weight))
    b.set_next(bias, b.map(MapFn.FMA, b.reduce(ReduceFn.SUM, b.transpose(error)), rate, bias))
    inputs = rng.standard_normal((SAMPLES, INPUTS), dtype=np.float32)
    answer = rng.standard_normal((OUTPUTS, INPUTS), dtype=np.float32)
    return Workload(
        program=b.build(),
        slot_names=("step", "param:weight", "param:bias"),
        state=(np.zeros(1, np.int32), np.zeros((OUTPUTS, INPUTS), np.float32), np.zeros(OUTPUTS, np.float32)),
        constant_names=("data:x", "data:y", "order"),
        constants=(inputs, inputs @ answer.T, rng.integers(0, SAMPLES, (steps, BATCH), dtype=np.int32)),
        steps=steps,
        info={"model": "linear regression", "seed": seed},
    )
