"""The plots of docs/economics.md, made from the figures. The same figures give the same files, up to the last digit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulation.results import FILE

Figures = dict[str, Any]
COLOURS = ("#1b5e9b", "#d1671d", "#3a8a4d", "#8a4b9b", "#7a7a7a", "#b8a02e")
STYLE = {
    **{"svg.hashsalt": "touchstone", "svg.fonttype": "path", "font.size": 9, "axes.titlesize": 10, "lines.markersize": 4},
    **{
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": "#dddddd",
        "grid.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
    },
    **{"legend.frameon": False, "legend.fontsize": 8, "axes.prop_cycle": mpl.cycler(color=COLOURS), "figure.constrained_layout.use": True},
}


def write(figures: Figures, directory: Path = FILE.parent, kind: str = "svg") -> None:
    """Draw every plot into ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, draw in PLOTS.items():
        with mpl.rc_context(STYLE):
            figure = draw(figures)
            metadata = {"Date": None, "Creator": None} if kind == "svg" else None
            figure.savefig(directory / f"{name}.{kind}", metadata=metadata, dpi=110)
            plt.close(figure)


def _panels(count: int, width: float = 4.2, height: float = 3.2) -> tuple[Figure, list[Axes]]:
    figure, axes = plt.subplots(1, count, figsize=(width * count, height), squeeze=False)
    return figure, list(axes[0])


def _label(axes: Axes, title: str, across: str, up: str) -> None:
    axes.set_title(title, loc="left")
    axes.set_xlabel(across)
    axes.set_ylabel(up)


def cheating(figures: Figures) -> Figure:
    """Profit of one false interval: against the stake for three audit rates, and against the share of verifiers that run."""
    figure, (left, right) = _panels(2)
    rows = figures["curve"]
    for colour, rate in zip(COLOURS, sorted({row["audit_rate"] for row in rows}), strict=False):
        mine = [row for row in rows if row["audit_rate"] == rate]
        stakes = np.array([row["stake"] for row in mine])
        # The formula is a straight line in the stake, which a logarithmic axis bends.
        dense = np.geomspace(stakes[0], stakes[-1], 100)
        left.plot(dense, np.interp(dense, stakes, [100 * row["formula"] for row in mine]), color=colour, label=f"audit rate {rate:.0%}")
        _points(left, stakes, mine, colour)
        asked = next(row for row in mine if row["multiple"] == 1)
        left.plot([asked["stake"]], [100 * asked["formula"]], marker="D", markersize=7, color=colour, linestyle="")
    left.set_xscale("log")
    left.set_xticks([0.1, 0.3, 1, 3, 10], ["0.1", "0.3", "1", "3", "10"])
    left.axhline(0, color="black", linewidth=0.8)
    left.legend(loc="lower left")
    _label(left, "One false interval of 50 (◆: the stake asked for)", "stake, prices of the job", "profit, % of the price")
    rows = figures["honest_share"]
    right.plot([row["honest_share"] for row in rows], [100 * row["formula"] for row in rows], color=COLOURS[0], label="formula")
    _points(right, np.array([row["honest_share"] for row in rows]), rows, COLOURS[0])
    right.axhline(0, color="black", linewidth=0.8)
    right.axvline(0.6, color=COLOURS[4], linestyle=":", label="what the stake supposes")
    right.legend(loc="lower left")
    _label(right, "The default stake, when fewer verifiers run", "share of verifiers' stake that runs", "profit, % of the price")
    return figure


def _points(axes: Axes, across: np.ndarray, rows: list[Figures], colour: str) -> None:
    values, errors = ([100 * row[name] for row in rows] for name in ("simulated", "error"))
    axes.errorbar(across, values, yerr=2 * np.array(errors), fmt="o", color=colour, capsize=2, linewidth=0.8)


def overhead(figures: Figures) -> Figure:
    """What verification costs against the audit rate, and the stake that goes with it."""
    figure, (left, right) = _panels(2)
    rows = figures["rates"]
    for colour, count in zip(COLOURS, sorted({row["intervals"] for row in rows}), strict=False):
        mine = [row for row in rows if row["intervals"] == count]
        rates = [100 * row["audit_rate"] for row in mine]
        left.plot(rates, [100 * row["total"] for row in mine], "o-", color=colour, label=f"n = {count}")
        right.plot(rates, [row["stake"] for row in mine], "o-", color=colour, label=f"n = {count}")
    left.axhline(5, color="black", linewidth=0.8, linestyle="--")
    right.axhline(5, color="black", linewidth=0.8, linestyle="--")
    left.set_ylim(0, 16)
    right.set_yscale("log")
    right.set_yticks([0.3, 1, 3, 5, 10, 30], ["0.3", "1", "3", "5", "10", "30"])
    left.legend()
    right.legend()
    _label(left, "Overhead over plain compute (H = 0)", "audit rate, %", "% of the price")
    _label(right, "Stake (H = 0)", "audit rate, %", "prices of the job")
    return figure


def verifiers(figures: Figures) -> Figure:
    """Income of each kind of verifier, and how the inspection game ends."""
    figure, (left, right) = _panels(2)
    kinds = {"honest": "runs", "lazy": "never runs", "colluding": "colludes"}
    rows = figures["incomes"]
    names = [f"{'leaked' if row['leaks'] else 'sealed'}\n{row['cheating']:.0%} cheat" for row in rows]
    for i, (kind, label) in enumerate(kinds.items()):
        left.bar(np.arange(len(rows)) + 0.27 * (i - 1), [row[kind] for row in rows], 0.25, label=label, color=COLOURS[i])
    left.set_xticks(range(len(rows)), names, fontsize=7)
    left.axhline(0, color="black", linewidth=0.8)
    left.legend(loc="lower right")
    _label(left, "A verifier's profit each time it is drawn", "", "prices of an interval")
    rows = figures["inspection"]
    for i, (name, label) in enumerate({"false": "intervals that are false", "run": "audits that are run"}.items()):
        right.barh(np.arange(len(rows)) + 0.2 - 0.4 * i, [100 * row[name] for row in rows], 0.38, label=label, color=COLOURS[1 - i])
    right.set_yticks(range(len(rows)), [row["case"].replace(", ", ",\n") for row in rows], fontsize=8)
    right.legend(loc="upper right", bbox_to_anchor=(1, 0.99))
    right.invert_yaxis()
    _label(right, "Where the inspection game ends", "%", "")
    return figure


def auction(figures: Figures) -> Figure:
    """Loss against perfect matching, and what the winner is paid over its cost."""
    figure, (left, right) = _panels(2)
    rows = figures["matching_loss"]
    loads = [100 * row["load"] for row in rows]
    left.errorbar(
        loads, [100 * row["loss"] for row in rows], yerr=[200 * row["error"] for row in rows], fmt="o-", capsize=2, label="auctions"
    )
    left.plot(loads, [100 * row["random"] for row in rows], "s--", color=COLOURS[4], label="any idle solver")
    left.set_ylim(0)
    left.legend()
    _label(left, "Welfare lost against perfect matching", "jobs at a time, % of the solvers", "% of the social cost")
    rows = figures["bidders"]
    bidders = [row["bidders"] for row in rows]
    right.plot(bidders, [row["payment_over_cost"] for row in rows], "o-", label="payment over the winner's cost")
    right.set_ylim(1)
    _label(right, "What competition leaves to the winner", "bidders", "payment over cost")
    return figure


def waiting(figures: Figures) -> Figure:
    """Time to match against load."""
    figure, (left,) = _panels(1)
    rows = figures["waiting"]
    loads = [100 * row["load"] for row in rows]
    left.plot(loads, [row["mean"] for row in rows], "o-", label="mean")
    left.plot(loads, [row["p95"] for row in rows], "s--", label="95% of the jobs")
    left.set_yscale("log")
    left.set_yticks([1, 2, 5, 10, 30, 100], ["1", "2", "5", "10", "30", "100"])
    left.legend()
    _label(left, "Time to match", "solvers busy, %", "auctions (of 2 hours)")
    return figure


def gas(figures: Figures) -> Figure:
    """Gas as a share of the price."""
    figure, (left,) = _panels(1)
    for colour, row in zip(COLOURS, [row for row in figures["gas_shares"] if row["intervals"] == 50], strict=False):
        prices = [float(price) for price in row["shares"]]
        left.plot(
            prices,
            [100 * share for share in row["shares"].values()],
            "o-",
            color=colour,
            label=f"{row['dollars_a_million']} $ a million gas",
        )
    left.set_xscale("log")
    left.set_yscale("log")
    left.axhline(1, color="black", linewidth=0.8, linestyle="--")
    left.set_xticks([1, 10, 100, 1_000, 10_000], ["1", "10", "100", "1,000", "10,000"])
    left.set_yticks([0.001, 0.01, 0.1, 1, 10, 100, 1_000], ["0.001", "0.01", "0.1", "1", "10", "100", "1,000"])
    left.legend()
    _label(left, "Gas of a job with 50 intervals", "price of the job, $", "% of the price")
    return figure


def markets(figures: Figures) -> Figure:
    """Profit of each kind of solver against the stake."""
    figure, (left, right) = _panels(2)
    rows = figures["markets"]
    kinds = list(rows[0]["solvers"])
    for i, kind in enumerate(kinds):
        profits = [row["solvers"][kind]["profit"] for row in rows]
        left.bar(np.arange(len(rows)) + 0.14 * (i - 2.5), profits, 0.13, label=kind, color=COLOURS[i])
    names = [f"{row['stake']:g} S" for row in rows]
    left.set_xticks(range(len(rows)), names)
    left.axhline(0, color="black", linewidth=0.8)
    left.legend(loc="lower center", ncols=3)
    left.set_ylim(-36)
    _label(left, "Profit of a solver over 4,000 jobs", "stake asked for", "prices of a job")
    right.bar(np.arange(len(rows)), [100 * row["poisoned"] / row["jobs"] for row in rows], 0.5, color=COLOURS[1])
    right.set_xticks(range(len(rows)), names)
    _label(right, "Jobs that end with a wrong result", "stake asked for", "% of the jobs")
    return figure


PLOTS: dict[str, Callable[[Figures], Figure]] = {
    "cheating": cheating,
    "overhead": overhead,
    "verifiers": verifiers,
    "auction": auction,
    "waiting": waiting,
    "gas": gas,
    "markets": markets,
}
