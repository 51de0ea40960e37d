"""Batch inference: the scores of a perceptron for every handwritten digit, 100 at a time; the last batch is ragged."""

from __future__ import annotations

from digits_mlp import build_model, digits

from touchstone import capture
from touchstone.machine.workload import Workload


def build_workload(batch_size: int = 100, hidden: int = 32) -> Workload:
    images, _ = digits()
    return capture.inference(build_model(hidden), images, batch_size=batch_size)


if __name__ == "__main__":
    print(capture.inspect(build_workload()))
