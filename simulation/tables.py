"""The tables of docs/economics.md, made from the figures; they stand on the page between comments that name them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from simulation.economy import ROOT

PAGE = ROOT / "docs" / "economics.md"
Figures = dict[str, Any]


def write(figures: Figures, page: Path = PAGE) -> None:
    """Put every table on the page anew. Raises ValueError when the page names a table that there is not, or lacks one."""
    page.write_text(filled(page.read_text(), figures))


def filled(text: str, figures: Figures) -> str:
    """The page's text with its tables made from ``figures``."""
    pattern = re.compile(r"<!-- table: (\w+) -->\n.*?<!-- end -->", re.DOTALL)
    named = pattern.findall(text)
    if sorted(named) != sorted(TABLES):
        raise ValueError(f"the page has the tables {sorted(named)}, made are {sorted(TABLES)}; name each once on the page")
    return pattern.sub(lambda found: f"<!-- table: {found[1]} -->\n{TABLES[found[1]](figures)}\n<!-- end -->", text)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, numbers to the right."""
    lines = [f"| {' | '.join(heads)} |", f"|{'|'.join('---:' if i else '---' for i in range(len(heads)))}|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def percent(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f}%"


def measured(row: Figures, digits: int = 2) -> str:
    """A simulated mean and its standard error, percent of the price."""
    return f"{100 * row['simulated']:.{digits}f} ± {100 * row['error']:.{digits}f}"


def _cells(figures: Figures) -> str:
    heads = ["H", "n", "audit rate", "stake", "overhead", "of it audits", "locked money", "gas", "best cheat", "gains, % of the price"]
    return table(
        heads,
        [
            [
                *(f"{row['harm']:g}", str(row["intervals"]), percent(row["audit_rate"], 0), f"{row['stake']:.2f} ×"),
                *(percent(row["overhead"][part]) for part in ("total", "audits", "locked", "gas")),
                *(row["best_strategy"], measured(row)),
            ]
            for row in figures["cells"]
        ],
    )


def _numbers(figures: Figures) -> str:
    rows = figures["numbers"]
    multiples = sorted({row["stake_multiple"] for row in rows})
    heads = ["false intervals", *(f"{part} at {each:g} S" for each in multiples for part in ("formula", "simulated"))]
    counts = sorted({row["false"] for row in rows})
    found = {(row["stake_multiple"], row["false"]): row for row in rows}
    lines = []
    for count in counts:
        cells = [found[each, count] for each in multiples]
        lines.append([str(count), *(text for row in cells for text in (f"{100 * row['formula']:.1f}", measured(row, 1)))])
    return table(heads, lines)


def _grinding(figures: Figures) -> str:
    heads = ["share of proposers", "caught, as S supposes", "caught, at the solver's best", "a withheld block is worth"]
    return table(
        heads,
        [
            [
                *(percent(row["proposers"], 0), percent(row["supposed"], 3)),
                *(percent(row["caught"], 3), f"{row['worth']:.2f} × the price"),
            ]
            for row in figures["grinding"]
        ],
    )


def _withholding(figures: Figures) -> str:
    heads = ["ring's share of verifiers", "false intervals of 50", "formula, % of the price", "simulated"]
    return table(
        heads,
        [[percent(row["ring"], 0), str(row["false"]), f"{100 * row['formula']:.2f}", measured(row)] for row in figures["withholding"]],
    )


def _incomes(figures: Figures) -> str:
    heads = ["S(end−1)", "jobs with a false interval", "runs every interval", "never runs one", "colludes with others"]
    kinds = ("honest", "lazy", "colluding")
    return table(
        heads,
        [
            ["leaked" if row["leaks"] else "sealed", percent(row["cheating"], 0), *(f"{row[kind]:+.2f}" for kind in kinds)]
            for row in figures["incomes"]
        ],
    )


def _inspection(figures: Figures) -> str:
    heads = ["game", "false intervals", "formula", "audits run", "formula"]
    return table(
        heads,
        [
            [
                row["case"],
                *(percent(row["false"]), percent(row["false_formula"]) if "false_formula" in row else ""),
                *(percent(row["run"]), percent(row["run_formula"]) if "run_formula" in row else ""),
            ]
            for row in figures["inspection"]
        ],
    )


def _bidders(figures: Figures) -> str:
    heads = ["bidders", "jobs placed", "payment over cost", "paid the whole budget", "one more bidder earns", "and adds to welfare"]
    return table(
        heads,
        [
            [
                *(str(row["bidders"]), percent(row["sold"]), f"{row['payment_over_cost']:.2f}", percent(row["at_the_budget"])),
                *(percent(row[name], 2) for name in ("entrants_profit", "entrants_contribution")),
            ]
            for row in figures["bidders"]
        ],
    )


def _deviations(figures: Figures) -> str:
    rows = figures["deviations"]
    prices, durations = sorted({row["price_factor"] for row in rows}), sorted({row["duration_factor"] for row in rows})
    found = {(row["price_factor"], row["duration_factor"]): row for row in rows}
    heads = ["asks for", *(f"promises {each:g} × its duration" for each in durations)]
    lines = []
    for price in prices:
        cells = [found.get((price, each)) for each in durations]
        lines.append([f"{price:g} × its cost", *(_change(cell) for cell in cells)])
    return table(heads, lines)


def _change(row: Figures | None) -> str:
    return "the truth" if row is None else f"{100 * row['gain']:.2f} ± {100 * row['error']:.2f}"


def _fakes(figures: Figures) -> str:
    rows = figures["fake_bids"]
    deposits = sorted({row["deposit"] for row in rows})
    found = {(row["bidders"], row["deposit"]): row for row in rows}
    heads = ["bidders", *(f"deposit {percent(each, 0)}" for each in deposits)]
    lines = []
    for count in sorted({row["bidders"] for row in rows}):
        cells = [found[count, each] for each in deposits]
        lines.append([str(count), *(f"{100 * row['saving']:.1f} ± {100 * row['error']:.1f}" for row in cells)])
    return table(heads, lines)


def _promises(figures: Figures) -> str:
    heads = ["a second late costs", "quantile promised", "formula"]
    return table(heads, [[f"{row['penalty']:g} v", f"{row['quantile']:.3f}", f"{row['formula']:.3f}"] for row in figures["promises"]])


def _waiting(figures: Figures) -> str:
    heads = ["solvers busy", "auctions, mean", "95%", "placed by the first", "posted again", "hours, mean"]
    return table(
        heads,
        [
            [
                *(percent(row["load"], 0), f"{row['mean']:.2f}", f"{row['p95']:.0f}"),
                *(percent(row["first_auction"]), percent(row["posted_again"]), f"{row['hours']:.1f}"),
            ]
            for row in figures["waiting"]
        ],
    )


def _gas(figures: Figures) -> str:
    heads = ["n", "million gas", "at 0.03 $ a million", "0.3 $", "3 $"]
    rows = figures["gas_shares"]
    lines = []
    for count in sorted({row["intervals"] for row in rows}):
        mine = [row for row in rows if row["intervals"] == count]
        lines.append([str(count), f"{mine[0]['million_gas']:.2f}", *(f"{row['price_at_1_percent']:,.0f} $" for row in mine)])
    return table(heads, lines)


def _markets(figures: Figures) -> str:
    kinds = list(figures["markets"][0]["solvers"])
    heads = ["stake", "wrong results", "convictions", *kinds]
    lines = []
    for row in figures["markets"]:
        solvers = [row["solvers"][kind] for kind in kinds]
        cells = [f"{each['profit']:+.1f} ({each['cheated']} of {each['jobs']})" for each in solvers]
        lines.append([f"{row['stake']:g} S", percent(row["poisoned"] / row["jobs"]), str(row["convictions"]), *cells])
    return table(heads, lines)


TABLES: dict[str, Callable[[Figures], str]] = {
    "cells": _cells,
    "numbers": _numbers,
    "grinding": _grinding,
    "withholding": _withholding,
    "incomes": _incomes,
    "inspection": _inspection,
    "bidders": _bidders,
    "deviations": _deviations,
    "fakes": _fakes,
    "promises": _promises,
    "waiting": _waiting,
    "gas": _gas,
    "markets": _markets,
}
