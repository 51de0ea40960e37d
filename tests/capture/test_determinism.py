"""The same training run gives the same workload in every process."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from touchstone import capture
from touchstone.machine.program import encode

ROOT = Path(__file__).parents[2]

SCRIPT = """
import hashlib, sys
import numpy as np, torch
torch.set_num_threads(int(sys.argv[1]))
from torch import nn
from touchstone import capture
from touchstone.machine.program import encode
if len(sys.argv) > 2:  # another history of the process
    nn.Linear(3, 3); np.random.rand(7)
generator = np.random.default_rng(0)
data, labels = generator.random((50, 8), dtype=np.float32), generator.integers(0, 3, 50)
model = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Dropout(0.2), nn.Linear(16, 3))
with torch.no_grad():
    for parameter in model.parameters():
        parameter.copy_(torch.from_numpy(generator.normal(size=parameter.shape).astype(np.float32)))
optimizer = torch.optim.AdamW(model.parameters())
schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
workload = capture(model, nn.CrossEntropyLoss(), optimizer, data, labels,
    batch_size=16, steps=12, seed=3, scheduler=schedule, clip_norm=1.0)
digest = hashlib.sha256(encode(workload.program))
for name, array in zip(workload.slot_names + workload.constant_names, workload.state + workload.constants):
    digest.update(name.encode() + array.tobytes())
print(digest.hexdigest())
"""


def digest(hash_seed: str, *arguments: str) -> str:
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", SCRIPT, *arguments]
    return subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def test_hash_seeds_thread_counts_and_history_change_no_byte_of_the_workload() -> None:
    digests = {digest("0", "1"), digest("1", "2"), digest("12345", "1", "history")}
    assert len(digests) == 1
    assert len(digests.pop()) == 64


def test_the_program_does_not_depend_on_the_numbers_it_is_trained_with(samples) -> None:
    data, labels = samples
    programs = set()
    for seed in range(2):
        torch.manual_seed(seed)
        model = nn.Linear(6, 6)
        workload = capture(
            model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.1), data + seed, labels, batch_size=8, steps=5, seed=seed
        )
        programs.add(encode(workload.program))
    assert len(programs) == 1


class Idle(nn.Linear):
    """Draws a number of Python's and does not use what comes of it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x * random.random()
        return super().forward(x)


def test_randomness_without_effect_is_not_refused(samples) -> None:
    model = Idle(6, 6)
    workload = capture(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.1), *samples, batch_size=8, steps=5)
    assert workload.steps == 5


def test_arrays_are_what_the_machine_declares(samples) -> None:
    model = nn.Linear(6, 6)
    data, labels = samples
    fortran = np.asfortranarray(data)
    workload = capture(model, nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters()), fortran, labels, batch_size=8, steps=5)
    declared = [slot.type for slot in workload.program.slots] + list(workload.program.constants)
    arrays = [*workload.state, *workload.constants]
    assert len(declared) == len(arrays) == len(workload.slot_names) + len(workload.constant_names)
    assert len({*workload.slot_names, *workload.constant_names}) == len(declared)
    for tensor, array in zip(declared, arrays, strict=True):
        assert array.shape == tensor.shape and array.flags.c_contiguous
        assert array.dtype == {1: np.float32, 2: np.int32}[tensor.dtype]


def test_a_workload_shares_no_memory_with_the_model(samples) -> None:
    model = nn.Linear(6, 6)
    workload = capture(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.1), *samples, batch_size=8, steps=5)
    before = [array.tobytes() for array in workload.state]
    with torch.no_grad():
        model.weight.zero_()
    assert before == [array.tobytes() for array in workload.state]


def test_torch_tensors_and_numpy_arrays_of_any_integer_type_are_the_same_data(samples) -> None:
    data, labels = samples
    torch.manual_seed(0)
    model = nn.Linear(6, 6)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    forms = [(data, labels), (torch.from_numpy(data), torch.from_numpy(labels))]
    forms += [(data, labels.astype(dtype)) for dtype in (np.uint8, np.int32)]
    workloads = [capture(model, nn.CrossEntropyLoss(), optimizer, x, y, batch_size=8, steps=5) for x, y in forms]
    assert len({encode(workload.program) for workload in workloads}) == 1
    assert len({tuple(array.tobytes() for array in workload.constants) for workload in workloads}) == 1
