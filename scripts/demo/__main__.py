"""The main job, end to end, on a local chain: an honest solver is paid, a cheating solver and a dishonest verifier lose their money.

    python -m scripts.demo [--seed N] [--fault flip|skip] [--report FOLDER] [--picture FILE]

Every role is a process of its own with its own key; blocks come every second; nothing is simulated, skipped or impersonated.
"""

from __future__ import annotations

import io
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from scripts.demo.acts import cheating_solver, false_challenge, honest_job
from scripts.demo.faults import FAULTS
from scripts.demo.processes import Cast, DemoError
from scripts.demo.report import report, save_picture
from scripts.demo.stage import Player, Stage
from scripts.examples import digits_mlp
from touchstone.chain.deployment import Deployment
from touchstone.store.package import Package

STEPS = 400
WIDTH = 130
ROLES = {"submitter": "dev1", "ada": "dev2", "ben": "dev3", "cheater": "dev4", "vera": "dev5", "accuser": "dev6"}
NAMES = {
    "submitter": "the submitter",
    "ada": "solver Ada",
    "ben": "solver Ben",
    "cheater": "solver Mallory",
    "vera": "verifier Vera",
    "accuser": "verifier Trudy",
}
TIMES = {"bidPeriod": 5, "revealPeriod": 5, "window": 10, "answerPeriod": 12, "clock": 20, "increment": 3}


@click.command()
@click.option("--seed", type=click.IntRange(min=0), help="Chooses where the faults fall; random by default.")
@click.option("--fault", type=click.Choice(sorted(FAULTS)), default="flip", show_default=True, help="What the cheating solver does.")
@click.option("--report", "folder", type=click.Path(file_okay=False, path_type=Path), default=Path("demo-report"), show_default=True)
@click.option("--picture", type=click.Path(dir_okay=False, path_type=Path), help="Write an SVG of job B, as the README shows it.")
def main(seed: int | None, fault: str, folder: Path, picture: Path | None) -> None:
    """Run the demo and leave a report."""
    console = Console(record=True, width=WIDTH)
    chosen = random.SystemRandom().randrange(10_000) if seed is None else seed
    console.print(f"[bold]Touchstone[/bold]: three jobs on a local chain. Seed {chosen} (repeat with --seed {chosen}).")
    try:
        with tempfile.TemporaryDirectory() as directory, Cast(Path(directory)) as cast:
            run(cast, console, fault, chosen, folder, picture)
    except DemoError as error:
        console.print(f"[bold red]the demo failed:[/bold red] {error}", highlight=False)
        sys.exit(1)


def run(cast: Cast, console: Console, fault: str, seed: int, folder: Path, picture: Path | None) -> None:
    """Set the stage, play the acts, write the report."""
    stage = _set_stage(cast, console)
    stage.start("ada", ["solver", "run", "--fixed-price=0.4"])
    stage.start("ben", ["solver", "run", "--fixed-price=0.6"])
    stage.start("vera", ["verifier", "run", "--stake=100"])
    honest_job(stage)
    stage.picture = Console(record=True, width=WIDTH, file=io.StringIO()) if picture is not None else None
    cheating_solver(stage, fault, seed)
    if picture is not None and stage.picture is not None:
        save_picture(stage.picture, picture)
        stage.picture = None
    false_challenge(stage, "flip", seed + 1)
    report(stage, folder)


def _set_stage(cast: Cast, console: Console) -> Stage:
    with console.status("capturing the training step of the digits perceptron"):
        workload = digits_mlp.build_workload(steps=STEPS)
        package = cast.directory / "package"
        Package.from_workload(workload).save(package)
    with console.status("starting a chain with one-second blocks and deploying the market"):
        facts = cast.start_chain(TIMES)
    stage = Stage(cast, console, workload, package, Deployment.load(facts["deployment"]), _players(facts))
    stage.say(f"{len(workload.program.nodes)} nodes, {len(workload.state)} slots, {STEPS} steps; the chain runs at {facts['rpc']}")
    return stage


def _players(facts: dict[str, Any]) -> dict[str, Player]:
    addresses = {f"dev{index}": address for index, address in enumerate(facts["accounts"])}
    players = {role: Player(NAMES[role], account, addresses[account]) for role, account in ROLES.items()}
    return {**players, "treasury": Player("the treasury", "dev0", addresses["dev0"])}


if __name__ == "__main__":
    main()
