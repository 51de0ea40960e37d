"""A sweep: the perceptron on digits with several learning rates and widths, as one family of jobs over shared data.

touchstone family submit scripts/examples/sweep.py --budget 10
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from digits_mlp import build_workload

from touchstone import capture
from touchstone.machine.workload import Workload


def build_family(
    steps: int = 200, rates: Sequence[float] = (1e-3, 3e-3, 1e-2), widths: Sequence[int] = (16, 64)
) -> Mapping[str, Callable[[], Workload]]:
    return capture.sweep(partial(build_workload, steps), rate=rates, hidden=widths)


if __name__ == "__main__":
    for label, build in build_family().items():
        print(label, capture.inspect(build()), sep="\n")
