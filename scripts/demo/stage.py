"""What the acts of the demo share: the running processes, a view of the chain, and a voice that tells the story."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from scripts.demo.faults import effective_fault
from scripts.demo.processes import Cast
from scripts.demo.rehearsal import ends_with_a_proof
from touchstone.chain.client import ChainClient
from touchstone.chain.deployment import Deployment
from touchstone.machine.runtime import NativeMachine
from touchstone.machine.workload import Workload
from touchstone.roles.ledger import JobRecord
from touchstone.roles.reader import MarketReader
from touchstone.roles.story import StoryLine, story

INTERVAL_STEPS = 50
BUDGET = 10
_POLL = 0.3
_STYLES = {"Convicted": "bold red", "WordProven": "bold yellow", "Challenged": "red", "ChallengeFailed": "bold red", "Attested": "green"}


@dataclass
class Player:
    """Somebody in the story: an account of the development chain under a name."""

    name: str
    account: str
    address: str


@dataclass
class Act:
    """A job of the demo and what it took."""

    title: str
    job: int
    seconds: float
    record: JobRecord


@dataclass
class Stage:
    """The demo as it runs.

    Args:
        cast: the processes.
        console: where the story is told.
        workload: what all three jobs compute.
        package: the folder with the workload.
        players: by name.
        picture: a second console for the act that a picture is made of; None otherwise.
    """

    cast: Cast
    console: Console
    workload: Workload
    package: Path
    deployment: Deployment
    players: dict[str, Player]
    picture: Console | None = None
    acts: list[Act] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.client = ChainClient([], self.deployment)
        self.reader = MarketReader(self.client)

    def say(self, text: str, style: str = "") -> None:
        """Tell one line, after the seconds since the beginning."""
        clock = f"[dim]{time.monotonic() - self.started:6.1f} s[/dim]  "
        self._print(clock + (f"[{style}]{escape(text)}[/{style}]" if style else escape(text)))

    def title(self, text: str) -> None:
        """Begin a chapter."""
        self._print(f"\n[bold]{text}[/bold]")

    def start(self, name: str, command: list[str], fault: tuple[str, int] | None = None) -> None:
        """Start a player's process; with a fault's kind and seed, on a machine that has it."""
        cheat = None
        if fault is not None:
            cheat = [f"--fault={fault[0]}", f"--seed={fault[1]}", f"--steps={self.workload.steps}", f"--slots={self._weights()}"]
        self.cast.start(name, self.players[name].account, [*command, "--poll=0.25", "--patience=3"], cheat)

    def choose_fault(self, kind: str, seed: int, liar_solves: bool) -> tuple[str, int]:
        """A fault that changes a committed root, in a dispute that ends before the referee; other seeds are drawn again."""
        chosen = seed
        while True:
            chosen, fault = effective_fault(self.workload, kind, chosen, INTERVAL_STEPS, NativeMachine)
            if ends_with_a_proof(self.workload, fault, INTERVAL_STEPS, liar_solves):
                break
            self.say(f"seed {chosen} is drawn again: its liar would lose by silence, and the demo shows the referee", "dim")
            chosen += 1
        self.say(f"the fault: {fault.description}")
        return kind, chosen

    def play(self, title: str, audit_rate: int) -> Act:
        """Have the submitter post the job, tell what happens until it is over, and return it."""
        begun = time.monotonic()
        options = [f"--budget={BUDGET}", f"--interval={INTERVAL_STEPS}", f"--audit-rate={audit_rate}", "--deadline=600"]
        submitter = self.players["submitter"]
        before = len(self.reader.read().ledger.jobs)
        self.cast.start("submitter", submitter.account, ["submit", str(self.package), *options, "--poll=0.25"], mark='"job":')
        record = self._follow(before + 1)
        self.cast.wait("submitter")
        act = Act(title, record.number, time.monotonic() - begun, record)
        self.acts.append(act)
        return act

    def _print(self, markup: str) -> None:
        for console in (self.console, self.picture):
            if console is not None:
                console.print(markup, highlight=False)

    def _follow(self, job: int) -> JobRecord:
        told = 0
        while True:
            ledger = self.reader.read().ledger
            if job in ledger.jobs:
                lines = story(ledger.jobs[job], ledger)
                for line in lines[told:]:
                    self._tell(line)
                told = len(lines)
                if ledger.jobs[job].ended is not None:
                    return ledger.jobs[job]
            self.cast.check()
            time.sleep(_POLL)

    def _tell(self, line: StoryLine) -> None:
        text = line.text
        for player in self.players.values():
            text = text.replace(f"{player.address[:6]}…{player.address[-4:]}", player.name)
        self.say(text, _STYLES.get(line.event, ""))

    def _weights(self) -> str:
        return ",".join(str(i) for i, name in enumerate(self.workload.slot_names) if name.startswith("param:"))
