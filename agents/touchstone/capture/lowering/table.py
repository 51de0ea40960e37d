"""The documentation's table of supported operators, generated from the registry."""

from __future__ import annotations

from collections import defaultdict

from touchstone.capture.lowering import RULES


def operator_table() -> str:
    """Markdown table: ATen operators by subject, and what each becomes."""
    rows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for operator, rule in RULES.items():
        subject = rule.lowering.__module__.rsplit(".", 1)[-1]
        rows[subject, rule.becomes].append(str(operator).removesuffix(".default"))
    lines = ["| subject | ATen operators | become |", "|---|---|---|"]
    for (subject, becomes), operators in sorted(rows.items(), key=lambda row: (row[0][0], sorted(row[1])[0])):
        names = ", ".join(f"`{name}`" for name in sorted(operators))
        lines.append(f"| {subject} | {names} | {becomes} |")
    return "\n".join(lines) + "\n"
