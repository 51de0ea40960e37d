"""Run by wheel.py where only the wheel is installed: it computes a frozen program's steps, has the contracts, and its command starts."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np

from touchstone.chain.artifacts import load_artifact
from touchstone.commitment.merkle import root
from touchstone.machine.program import TensorType, decode
from touchstone.machine.runtime import NativeMachine, instruction_set
from touchstone.machine.workload import NUMPY_DTYPE, Array

VECTOR = Path(__file__).resolve().parent.parent / "tests" / "vectors" / "programs" / "perceptron.json"


def tensor(of: TensorType, text: str) -> Array:
    """The tensor whose bytes ``text`` gives in hexadecimal."""
    return np.frombuffer(bytes.fromhex(text[2:]), NUMPY_DTYPE[of.dtype]).reshape(of.shape)


def main() -> None:
    """Raise if anything is missing or differs."""
    frozen = json.loads(VECTOR.read_text())
    program = decode(bytes.fromhex(frozen["program"][2:]))
    machine = NativeMachine(program, list(map(tensor, program.constants, frozen["constants"])))
    machine.load(list(map(tensor, (slot.type for slot in program.slots), frozen["state"])))
    for number, step in enumerate(frozen["steps"]):
        machine.run(1)
        if root(machine.slot_roots()).hex() != step["state_root"][2:]:
            raise SystemExit(f"the installed runtime does not compute the frozen state after step {number}")
    load_artifact("JobMarket")
    subprocess.run(["touchstone", "--version"], check=True)
    print(f"{len(frozen['steps'])} frozen steps computed with {instruction_set()} kernels")


if __name__ == "__main__":
    main()
