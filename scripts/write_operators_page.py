"""Write docs/operators.md: what ATen's operators become, and how far PyTorch's own operator database agrees, from code and snapshot."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from touchstone.capture.hints import REPLACEMENTS, SEE
from touchstone.capture.lowering import RULES
from touchstone.capture.lowering.table import operator_table

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "operators.md"
SNAPSHOT = ROOT / "tests" / "capture" / "op_db_full.json"
DTYPES = ("float32", "int64", "bool")
AGREED = ("gradient", "forward")

Counts = dict[str, Any]
"""Of an entry of the database: samples by dtype and outcome, and under ``why`` the most frequent reason for refusing one."""


def page(snapshot: dict[str, Counts]) -> str:
    """The page's text."""
    return f"""# Operators

PyTorch's modules and functions are made of ATen operators; forward, backward and optimizer step together may use those of the first table.
Written by `python scripts/write_operators_page.py` from the code of capture and from `tests/capture/op_db_full.json`, the counts of
`python -m tests.capture.operator_database --samples 3 --refresh`; `make operators` sees that none falls.

## What {len(RULES)} ATen operators become

The functions on the right are those of the [specification](specification/machine.md). To support another operator, add a function to
the module of its subject in `agents/touchstone/capture/lowering/` and a case to `tests/capture/test_lowering.py`.

{operator_table()}
## What is refused

Every other operator, by its name and the module that uses it, before any money moves. For some there is something to use instead:

{_replacements()}
Also refused: float64, float16, bfloat16 and complex numbers, sparse tensors, shapes or branches that depend on values, integers
beyond 32 bits.

## PyTorch's own operator database

`torch.testing._internal.common_methods_invocations.op_db` has samples of every operator's arguments. Each sample is captured as a
program, with its gradients where it has them, and what the machine computes is compared with eager PyTorch. {_summary(snapshot)}

A cell counts samples: *gradient* agrees forward and backward, *forward* where PyTorch has no gradient or capture refuses only that,
*refused* as the last column says, *skipped* where nothing can be compared.

| entry | float32 | int64 | bool | why refused |
|---|---|---|---|---|
{_rows(snapshot)}"""


def _replacements() -> str:
    return "| operators | instead |\n|---|---|\n" + "".join(f"| `{prefix}…` | {text} |\n" for prefix, text in sorted(REPLACEMENTS.items()))


def _summary(snapshot: dict[str, Counts]) -> str:
    total: Counter[str] = Counter()
    for counts in snapshot.values():
        for dtype in DTYPES:
            total.update(counts.get(dtype, {}))
    entire = sum(
        not {"refused", "failed"} & {outcome for dtype in DTYPES for outcome in counts.get(dtype, {})} for counts in snapshot.values()
    )
    agreed = sum(total[outcome] for outcome in AGREED)
    return (
        f"Of {sum(total.values()):,} samples tried, {agreed:,} agree ({total['gradient']:,} of them with their gradients), "
        f"{total['failed']} differ, {total['refused']:,} are refused and {total['skipped']:,} skipped; "
        f"{entire} of {len(snapshot)} entries have nothing refused."
    )


def _rows(snapshot: dict[str, Counts]) -> str:
    lines = []
    for name, counts in sorted(snapshot.items()):
        cells = [", ".join(f"{number} {outcome}" for outcome, number in counts.get(dtype, {}).items()) for dtype in DTYPES]
        why = counts.get("why", "").removesuffix(f"; {SEE}").replace("|", r"\|")
        lines.append(f"| `{name}` | {' | '.join(cells)} | {why} |\n")
    return "".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(json.loads(SNAPSHOT.read_text())))
