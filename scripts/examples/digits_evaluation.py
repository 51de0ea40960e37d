"""An evaluation: loss, accuracy and confusion matrix of a perceptron on the held-out handwritten digits."""

from __future__ import annotations

from digits_mlp import TRAIN_SAMPLES, build_model, digits
from torch import nn

from touchstone import capture
from touchstone.capture import metrics
from touchstone.machine.workload import Workload


def build_workload(batch_size: int = 50, hidden: int = 32) -> Workload:
    images, labels = digits()
    measured = {"loss": nn.CrossEntropyLoss(), "accuracy": metrics.accuracy(), "confusion": metrics.confusion_matrix(10)}
    rows = range(TRAIN_SAMPLES, len(images))
    return capture.evaluation(build_model(hidden), measured, images, labels, batch_size=batch_size, rows=rows)


if __name__ == "__main__":
    print(capture.inspect(build_workload()))
