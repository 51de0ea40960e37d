"""Rewrite the table of supported operators in docs/how-to/train-a-model.md from the code."""

from __future__ import annotations

from pathlib import Path

from touchstone.capture.lowering.table import operator_table

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "train-a-model.md"
BEGIN, END = "<!-- operators: begin -->\n", "<!-- operators: end -->\n"


def with_table(page: str) -> str:
    """The page with a fresh table between its two markers."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}{operator_table()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text()))
