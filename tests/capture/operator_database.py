"""Holds the machine against eager PyTorch on the samples of PyTorch's own operator database.

Each sample becomes a small program through capture's own trace and lowering: the operator, and its gradients where it has them. What the
program computes is compared with eager PyTorch, which draws the machine's random numbers, and with PyTorch in float64 where float32 itself
is off. ``python -m tests.capture.operator_database`` runs every sample and keeps the counts in ``op_db_full.json``.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.opinfo.core import OpInfo, SampleInput
from torch.utils._pytree import tree_flatten, tree_map_only, tree_unflatten

from tests.capture.closeness import explain_difference
from touchstone.capture.draws import MachineDraws
from touchstone.capture.errors import CaptureError
from touchstone.capture.executors import fastest_machine
from touchstone.capture.function import capture_function
from touchstone.capture.sampling import key_of
from touchstone.capture.twin import plain_kernels

HERE = Path(__file__).parent
SLICE, FULL = HERE / "op_db.json", HERE / "op_db_full.json"
DTYPES = {"float32": torch.float32, "int64": torch.int64, "bool": torch.bool}
PASSED = ("gradient", "forward")  # outcomes of a sample, best first; the others are refused, skipped, failed
SKIPPED = ("no elements", "PyTorch", "sparse")  # how the reasons for skipping a sample begin
UNCOMPARABLE = ("jiterator", "empty", "new_empty")  # for GPUs only; memory as it was found
TIES = ("kthvalue", "topk")  # PyTorch leaves open which of several equal elements it points at; only the values are compared
FIRST_SAMPLES = 24  # the slice chooses among these

Function = Callable[[list[torch.Tensor]], list[torch.Tensor]]


class SkipError(Exception):
    """This sample says nothing about the machine."""


@dataclass
class Entry:
    """What came out for one operator: counts by dtype and outcome, and the first failures and refusals in words."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)

    def passed(self) -> int:
        """Number of samples that agree."""
        return sum(counter[outcome] for counter in self.counts.values() for outcome in PASSED)


def operators() -> list[OpInfo]:
    """Entries with float32 samples that run on a CPU, by name."""
    chosen = [op for op in op_db if torch.float32 in op.dtypes and not op.full_name.startswith(UNCOMPARABLE)]
    return sorted(chosen, key=lambda op: op.full_name)


def check(op: OpInfo, per_dtype: dict[str, int | None]) -> Entry:
    """Run samples of an operator.

    Args:
        op: entry of the database.
        per_dtype: how many samples of each dtype; None for all.
    """
    entry = Entry()
    for name, limit in per_dtype.items():
        if DTYPES[name] not in op.dtypes:
            continue
        counter = entry.counts.setdefault(name, Counter())
        for number, sample in _samples(op, DTYPES[name], limit):
            outcome, words = _outcome(op, sample)
            counter[outcome] += 1
            if outcome == "failed":
                entry.failures.append(f"{op.full_name} {name} sample {number}: {words}")
            elif words:
                entry.refusals[words] += 1
    return entry


def _samples(op: OpInfo, dtype: torch.dtype, limit: int | None) -> Iterator[tuple[int, SampleInput]]:
    """Samples with their number; evenly spread ones of the first few when they are limited."""
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    with_gradient = dtype is torch.float32 and op.supports_autograd
    found = op.sample_inputs("cpu", dtype, requires_grad=with_gradient)
    numbered: Iterable[tuple[int, SampleInput]] = enumerate(found)
    if limit is not None:
        first = list(islice(numbered, FIRST_SAMPLES))
        numbered = [first[k] for k in sorted({int(k) for k in np.linspace(0, len(first) - 1, limit)})] if first else []
    yield from numbered


def _outcome(op: OpInfo, sample: SampleInput) -> tuple[str, str]:
    """How a sample went, and why not better."""
    try:
        function, inputs, has_gradient = _as_function(op, sample)
    except SkipError as reason:
        return "skipped", str(reason)
    if has_gradient:
        outcome, words = compare(op.full_name, function(True), inputs)
        if outcome != "refused":
            return ("gradient" if outcome == "passed" else outcome), words
    outcome, reason = compare(op.full_name, function(False), inputs)
    return ("forward" if outcome == "passed" else outcome), (words if has_gradient and outcome == "passed" else reason)


def _as_function(op: OpInfo, sample: SampleInput) -> tuple[Callable[[bool], Function], list[torch.Tensor], bool]:
    """The sample as a function of a list of tensors, with or without gradients, and whether it has any."""
    leaves, spec = tree_flatten((sample.input, tuple(sample.args), dict(sample.kwargs)))
    places = [k for k, leaf in enumerate(leaves) if isinstance(leaf, torch.Tensor)]
    inputs = [leaves[k].detach() for k in places]
    if any(tensor.layout is not torch.strided for tensor in inputs):
        raise SkipError("sparse")
    inputs = [tensor.clone(memory_format=torch.contiguous_format) for tensor in inputs]
    wanted = [k for k, place in enumerate(places) if leaves[place].requires_grad]

    def run(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
        filled = list(leaves)
        for place, tensor in zip(places, tensors, strict=True):
            filled[place] = tensor
        first, arguments, options = tree_unflatten(filled, spec)
        result = sample.output_process_fn_grad(op(first, *arguments, **options))
        return [tensor for tensor in tree_flatten(result)[0] if isinstance(tensor, torch.Tensor)]

    cotangents = _cotangents(run, inputs, wanted)

    def with_gradients(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
        given = [tensor.requires_grad_() if k in wanted else tensor for k, tensor in enumerate(tensors[: len(inputs)])]
        results = run(given)
        smooth = [result for result in results if result.requires_grad]
        gradients = torch.autograd.grad(smooth, [given[k] for k in wanted], tensors[len(inputs) :], allow_unused=True)
        return results + [gradient for gradient in gradients if gradient is not None]

    def function(gradients: bool) -> Function:
        return with_gradients if gradients else lambda tensors: run(tensors[: len(inputs)])

    return function, inputs + cotangents, bool(cotangents)


def _cotangents(run: Function, inputs: list[torch.Tensor], wanted: list[int]) -> list[torch.Tensor]:
    """A random direction for each result that has a gradient. Skips samples that PyTorch itself cannot run, or without results."""
    given = [tensor.clone().requires_grad_() if k in wanted else tensor.clone() for k, tensor in enumerate(inputs)]
    try:
        with plain_kernels(), MachineDraws(key_of(0)):
            results = run(given)
    except Exception as error:
        raise SkipError(f"PyTorch raises {type(error).__name__}") from error
    if not results or not all(result.numel() for result in results) or not all(tensor.numel() for tensor in inputs):
        raise SkipError("no elements")
    generator = torch.Generator().manual_seed(1)
    smooth = [result for result in results if result.requires_grad and result.dtype is torch.float32]
    if len(smooth) != sum(result.requires_grad for result in results):
        return []
    return [torch.randn(result.shape, generator=generator) for result in smooth]


def compare(op_name: str, function: Function, inputs: list[torch.Tensor]) -> tuple[str, str]:
    """Run a function on the machine and in eager PyTorch.

    Args:
        op_name: entry of the database; decides whether ties are forgiven.
        function: of a list of tensors, giving a list of tensors.
        inputs: its arguments.

    Returns:
        "passed", "refused" or "failed", and why.
    """
    try:
        workload = capture_function(function, inputs)
    except CaptureError as refusal:
        return "refused", str(refusal)
    except Exception as error:
        text = str(error).strip().splitlines()
        return "failed", f"{type(error).__name__}: {text[0] if text else ''}"
    machine = fastest_machine(workload.program, workload.constants, threads=1)
    machine.load(workload.state)
    machine.run(1)
    found = machine.state()[1:]
    single = _eagerly(function, inputs)
    try:
        double = _eagerly(function, tree_map_only(torch.Tensor, _wide, inputs))
    except Exception:  # a dtype is named among the arguments
        double = None
    if double is not None and len(double) != len(single):
        double = None
    largest = max((float(x[x.isfinite()].abs().max()) for x in inputs if x.is_floating_point() and x.isfinite().any()), default=0.0)
    for k, expected in enumerate(single):
        difference = explain_difference(found[k], expected, double[k] if double is not None else None, workload.program, largest)
        if difference and not (k and op_name in TIES):
            return "failed", f"result {k}: {difference}"
    return "passed", ""


def _wide(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.double() if tensor.is_floating_point() else tensor


def _eagerly(function: Function, inputs: list[torch.Tensor]) -> list[np.ndarray[Any, Any]]:
    with plain_kernels(), MachineDraws(key_of(0)):
        results = function([tensor.clone() for tensor in inputs])
    return [result.numpy(force=True) for result in results]


def sweep(per_dtype: dict[str, int | None], chosen: Iterable[OpInfo], say: Callable[[str], None] = lambda _line: None) -> dict[str, Entry]:
    """Check many operators."""
    entries: dict[str, Entry] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for op in chosen:
            start = time.perf_counter()
            entry = entries[op.full_name] = check(op, per_dtype)
            counts = {name: dict(counter) for name, counter in entry.counts.items()}
            say(f"{op.full_name} {counts} {time.perf_counter() - start:.1f} s")
            for line in (*entry.failures[:3], *(f"   {count} × {words}" for words, count in entry.refusals.most_common(3))):
                say(line)
    return entries


def as_json(entries: dict[str, Entry]) -> str:
    """The counts, and the most frequent reason why a sample is refused, as kept in the snapshot files."""
    table: dict[str, dict[str, Any]] = {}
    for name, entry in entries.items():
        table[name] = {dtype: dict(sorted(counter.items())) for dtype, counter in entry.counts.items() if counter}
        reasons = [words for words, _ in entry.refusals.most_common() if not words.startswith(SKIPPED)]
        if reasons:
            table[name]["why"] = reasons[0]
    lines = [f"{json.dumps(name)}: {json.dumps(counts)}" for name, counts in sorted(table.items())]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def fallen(entries: dict[str, Entry], path: Path) -> list[str]:
    """Operators of which fewer samples agree than ``path`` says."""
    before: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.exists() else {}
    lines = []
    for name, entry in entries.items():
        old = sum(before.get(name, {}).get(dtype, {}).get(outcome, 0) for dtype in DTYPES for outcome in PASSED)
        if entry.passed() < old:
            lines.append(f"{name}: {entry.passed()} samples agree instead of {old}")
    return lines


def main() -> int:
    """Run every sample of every operator, or those of some, and say what failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="operators; all by default")
    parser.add_argument("--samples", type=int, help="samples of each dtype; all by default")
    parser.add_argument("--refresh", action="store_true", help="write the counts to the snapshot of the full run")
    parser.add_argument("--slice", action="store_true", help="take the samples of the default suite, and its snapshot")
    options = parser.parse_args()
    torch.set_num_threads(1)
    limits: dict[str, int | None] = dict(SLICE_SAMPLES) if options.slice else dict.fromkeys(DTYPES, options.samples)
    chosen = [op for op in operators() if not options.names or op.full_name in options.names]
    entries = sweep(limits, chosen, lambda line: print(line, flush=True))
    failures = [line for entry in entries.values() for line in entry.failures]
    path = SLICE if options.slice else FULL
    if options.refresh:
        path.write_text(as_json(entries))
    problems = failures + fallen(entries, path)
    print(f"{sum(entry.passed() for entry in entries.values())} samples agree, {len(failures)} fail")
    print("\n".join(problems))
    return 1 if problems else 0


SLICE_SAMPLES: dict[str, int | None] = {"float32": 1, "int64": 1}

if __name__ == "__main__":
    sys.exit(main())
