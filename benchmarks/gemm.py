"""Matrix products with a fixed order of every sum against ``torch.matmul``: the shapes of real layers, 1 and 2 threads.

The machine multiplies A[M, K] by B[N, K], both with k innermost, as a linear layer does; PyTorch multiplies the same A by the transpose of
the same B, into an output that exists already. Ratios are of speeds: above 1, the machine is faster.
"""

from __future__ import annotations

import math
import statistics
from typing import Any

import numpy as np
import torch

from benchmarks.measure import interleave, machine_facts, write_results
from touchstone.machine.builder import Builder
from touchstone.machine.program import DType, MapFn, Program
from touchstone.machine.runtime import NativeMachine, instruction_set

SHAPES = (  # M, K, N
    *((size, size, size) for size in (256, 512, 1024, 2048)),
    (256, 784, 512),
    (8192, 256, 1024),
    (8192, 1024, 256),
    (256, 512, 10),
    (1, 512, 512),
)
THREADS = (1, 2)
ROUNDS = 9
SECONDS_PER_TURN = 0.05
ASSUMED_SPEED = 1e11  # multiplications and additions per second, to choose how often to repeat


def product(m: int, k: int, n: int) -> Program:
    """A step that multiplies two constants into a slot."""
    builder = Builder()
    step = builder.slot(DType.I32, (1,))
    builder.set_next(step, builder.map(MapFn.IADD, step, builder.fill(DType.I32, (1,), 1)))
    out = builder.slot(DType.F32, (m, n))
    builder.set_next(out, builder.dot(builder.constant(DType.F32, (m, k)), builder.constant(DType.F32, (n, k))))
    return builder.build()


def measure(m: int, k: int, n: int, threads: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(shape, dtype=np.float32) for shape in ((m, k), (n, k)))
    machine = NativeMachine(product(m, k, n), [a, b], threads=threads)
    left, right, out = torch.from_numpy(a), torch.from_numpy(b).t(), torch.empty(m, n)
    operations = 2 * m * k * n
    repeat = max(1, math.ceil(SECONDS_PER_TURN * ASSUMED_SPEED / operations))
    torch.set_num_threads(threads)

    def theirs() -> None:
        for _ in range(repeat):
            torch.matmul(left, right, out=out)

    ours_seconds, theirs_seconds = interleave([lambda: machine.run(repeat), theirs], ROUNDS, 1)
    speeds = [operations * repeat / statistics.median(seconds) * 1e-9 for seconds in (ours_seconds, theirs_seconds)]
    ratios = [b / a for a, b in zip(ours_seconds, theirs_seconds, strict=True)]
    return {
        "ratio": round(speeds[0] / speeds[1], 2),
        "range": [round(min(ratios), 2), round(max(ratios), 2)],
        "touchstone_gflops": round(speeds[0], 1),
        "pytorch_gflops": round(speeds[1], 1),
    }


def main() -> None:
    results: dict[str, Any] = {"against": f"torch.matmul, PyTorch {torch.__version__}", "rounds": ROUNDS}
    results |= {"instruction_set": instruction_set(), "machine": machine_facts(), "threads": {}}
    for threads in THREADS:
        shapes = {}
        for m, k, n in SHAPES:
            shapes[f"{m}x{k}x{n}"] = measure(m, k, n, threads)
            print(f"{threads} threads, {m}x{k}x{n}: {shapes[f'{m}x{k}x{n}']}", flush=True)
        mean = statistics.geometric_mean(shape["ratio"] for shape in shapes.values())
        results["threads"][str(threads)] = {"geometric_mean_ratio": round(mean, 2), "shapes": shapes}
    print(write_results("gemm", results))


if __name__ == "__main__":
    main()
