"""Time of a training step against eager PyTorch: a 784-512-512-10 perceptron, batch 256, AdamW, cross-entropy.

Both sides gather the batch from the data set by a prepared order, run forward and backward, update with AdamW (PyTorch: fused) and
record the loss. Target: at most 0.95 of PyTorch's time with the same number of threads.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.measure import compare, interleave, machine_facts, write_results
from touchstone import capture
from touchstone.machine.runtime import NativeMachine, instruction_set
from touchstone.machine.workload import Workload

SAMPLES, BATCH, STEPS = 10_000, 256, 10_000
ROUNDS, STEPS_PER_ROUND = 15, 20
THREADS = (1, 2)
TARGET = 0.95


def build_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


def build_data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((SAMPLES, 784), dtype=np.float32), rng.integers(0, 10, SAMPLES)


def our_workload() -> Workload:
    model = build_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    images, labels = build_data()
    return capture(model, nn.CrossEntropyLoss(), optimizer, images, labels, batch_size=BATCH, steps=STEPS)


def pytorch_step() -> Callable[[], None]:
    model, (images, labels) = build_model(), map(torch.from_numpy, build_data())
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    loss_of, history = nn.CrossEntropyLoss(), torch.zeros(STEPS)
    order = torch.randint(0, SAMPLES, (STEPS, BATCH))
    at = 0

    def step() -> None:
        nonlocal at
        batch = order[at]
        loss = loss_of(model(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history[at] = loss.detach()
        at = (at + 1) % STEPS

    return step


def measure(workload: Workload, threads: int) -> dict[str, Any]:
    machine = NativeMachine(workload.program, workload.constants, threads=threads)
    machine.load(workload.state)
    step = pytorch_step()

    def ours() -> None:
        machine.run(1)

    def theirs() -> None:
        torch.set_num_threads(threads)
        step()

    ours_seconds, theirs_seconds = interleave([ours, theirs], ROUNDS, STEPS_PER_ROUND)
    return {
        **compare(ours_seconds, theirs_seconds),
        "touchstone_ms": round(statistics.median(ours_seconds) * 1e3, 2),
        "pytorch_ms": round(statistics.median(theirs_seconds) * 1e3, 2),
    }


def main() -> None:
    workload = our_workload()
    results: dict[str, Any] = {
        "workload": "784-512-512-10 perceptron, batch 256, AdamW",
        "against": f"PyTorch {torch.__version__} eager, fused AdamW",
    }
    results |= {"target": TARGET, "instruction_set": instruction_set(), "machine": machine_facts(), "threads": {}}
    for threads in THREADS:
        results["threads"][str(threads)] = measure(workload, threads)
        print(f"{threads} threads: {results['threads'][str(threads)]}", flush=True)
    print(write_results("training_step", results))


if __name__ == "__main__":
    main()
