"""Run the benchmarks, all of them or those named: ``python -m benchmarks [training_step | gemm | checkpoints …]``."""

from __future__ import annotations

import importlib
import sys

BENCHMARKS = ("gemm", "training_step", "checkpoints")


def main(names: list[str]) -> None:
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        raise SystemExit(f"unknown benchmark {sorted(unknown)}; choose from {', '.join(BENCHMARKS)}")
    for name in names or BENCHMARKS:
        print(f"== {name}", flush=True)
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
