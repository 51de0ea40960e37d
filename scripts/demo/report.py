"""The demo's report: a table at the end of the story, and files that keep it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from rich.console import Console
from rich.table import Table

from scripts.demo.costs import PHASES, Costs, costs_of
from scripts.demo.stage import Stage


def report(stage: Stage, folder: Path) -> None:
    """Print the costs of all jobs, and write report.json, story.txt and story.svg into ``folder``."""
    costs = costs_of(stage)
    stage.title("What it took")
    stage.console.print(_gas_table(costs))
    stage.console.print(_time_table(stage, costs))
    for title, found in costs.items():
        if found.checkpoints:
            per_checkpoint = found.gas["checkpoints"] / found.checkpoints
            stage.console.print(f"job {title}: {found.checkpoints} checkpoints committed, {per_checkpoint:,.0f} gas each")
    stage.console.print(f"report: {folder / 'report.json'}", highlight=False)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(_facts(stage, costs), indent=2) + "\n")
    stage.console.save_text(str(folder / "story.txt"), clear=False)
    save_picture(stage.console, folder / "story.svg")


def save_picture(console: Console, file: Path) -> None:
    """Write what a console has shown as an SVG that loads nothing from elsewhere."""
    drawn = console.export_svg(title="make demo", clear=False)
    file.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL))


def _gas_table(costs: dict[str, Costs]) -> Table:
    table = Table(title="Transactions and gas by phase, all parties", title_justify="left")
    table.add_column("phase")
    for title in costs:
        table.add_column(f"job {title}", justify="right")
    for phase in [*PHASES, "other"]:
        if any(found.transactions[phase] for found in costs.values()):
            table.add_row(phase, *(_cell(found.transactions[phase], found.gas[phase]) for found in costs.values()))
    table.add_section()
    totals = (_cell(sum(found.transactions.values()), sum(found.gas.values())) for found in costs.values())
    table.add_row("all", *totals)
    return table


def _cell(transactions: int, gas: int) -> str:
    return f"{transactions} tx  {gas:>11,}" if transactions else ""


def _time_table(stage: Stage, costs: dict[str, Costs]) -> Table:
    table = Table(title="Seconds, all agents together", title_justify="left")
    table.add_column("activity")
    for title in costs:
        table.add_column(f"job {title}", justify="right")
    for activity in next(iter(costs.values())).seconds:
        table.add_row(activity, *(f"{found.seconds[activity]:.2f}" for found in costs.values()))
    table.add_section()
    table.add_row("from post to settled", *(f"{act.seconds:.1f}" for act in stage.acts))
    return table


def _facts(stage: Stage, costs: dict[str, Costs]) -> dict[str, object]:
    return {
        act.title: {
            "job": act.job,
            "seconds": round(act.seconds, 1),
            "transactions": dict(costs[act.title].transactions),
            "gas": dict(costs[act.title].gas),
            "checkpoints": costs[act.title].checkpoints,
            "activities": {name: round(seconds, 3) for name, seconds in costs[act.title].seconds.items()},
            "events": [event.name for event in act.record.events],
            "final_root": "0x" + (act.record.final_root or b"").hex(),
        }
        for act in stage.acts
    }
