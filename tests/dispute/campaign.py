"""The court campaign: errors at every place of small captured programs, by either side; malformed moves; and liars who follow no run.

``python -m tests.dispute.campaign`` (``make campaign``) plays all of it in the model and writes the counts to campaign.json, so that a
change of capture, of the machine or of the game shows as a difference. Exit code 1 if an honest side ever loses.

A *place* is a word of a node's output or of a slot, in one step. Every node and every slot of a program is faulted in the first, a middle
and the last step, in its first, its last and some other word, and in the padding behind it. Each fault that changes a committed root is
played twice: the faulty side commits it, or it denies the right commitment.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tests.dispute.arena import START, Arena, Observer, Result
from tests.dispute.captured import MODELS, captured
from tests.dispute.liars import Cheater, Garbler, Liar, Silent, Trickster
from tests.dispute.worlds import World, flip
from touchstone.commitment.roots import CHUNK_WORDS
from touchstone.dispute.board import Board
from touchstone.dispute.errors import MoveRefusedError
from touchstone.dispute.game import Rules
from touchstone.dispute.moves import Move
from touchstone.dispute.player import Player
from touchstone.dispute.referee import Referee
from touchstone.dispute.truth import Truth
from touchstone.machine.program import Kind, MapFn, Op, Program, ReduceFn, Ref, SourceFn

FILE = Path(__file__).with_name("campaign.json")
RULES = (Rules(), Rules(2, 4, 3), Rules(3, 3, 3))
MASKS = (1, 1 << 12, 1 << 23, 1 << 30, 1 << 31)
JUNK_GAMES = 500
"""Games per model against liars who follow no run."""
PARTS = 16
"""Into how many jobs a model's games are cut."""


@dataclass(frozen=True)
class Game:
    """One game to play: a fault, or a liar without one, on one side."""

    model: str
    number: int
    kind: str
    liar_solves: bool
    is_seal: bool
    ref: Ref | None = None
    step: int = 0
    index: int = 0


@dataclass(frozen=True)
class Played:
    """How it went. ``result`` is None when the fault changed no committed root, so that there is nothing to dispute."""

    game: Game
    result: Result | None


def games(model: str) -> Iterator[Game]:
    """All games of a model, numbered; the same in every process."""
    world, number = captured(model), 0
    rng = random.Random(model)
    for ref, step, index, kind in places(world, rng):
        is_seal = step < world.steps - 1 and rng.random() < 0.2
        for liar_solves in (True, False):
            yield Game(model, number, kind, liar_solves, is_seal, ref, step, index)
            number += 1
    for kind in ("a liar who sends junk", "a silent liar"):
        for _ in range(JUNK_GAMES if "junk" in kind else JUNK_GAMES // 10):
            yield Game(model, number, kind, rng.random() < 0.5, rng.random() < 0.3)
            number += 1


def places(world: World, rng: random.Random) -> Iterator[tuple[Ref, int, int, str]]:
    """Every place of a program that is faulted, and what kind of place it is."""
    program = world.case.program
    refs = [Ref(Kind.NODE, i) for i in range(len(program.nodes))] + [Ref(Kind.SLOT, i) for i in range(len(program.slots))]
    last = world.steps - 1
    for ref in refs:
        size = program.type_of(ref).size
        for step in (0, last // 2, last):
            for index in sorted({0, size - 1, rng.randrange(size)}):
                yield ref, step, index, kind_of(program, ref)
        if size % CHUNK_WORDS:
            yield ref, last, rng.randrange(size, -(-size // CHUNK_WORDS) * CHUNK_WORDS), "padding"


def kind_of(program: Program, ref: Ref) -> str:
    """What computes or copies the words that ``ref`` names."""
    if ref.kind is Kind.SLOT:
        source = program.slots[ref.index].next
        if source.kind is Kind.NODE:
            return "slot copied from a node"
        return "slot copied from itself" if source.index == ref.index else "slot copied from a slot"
    node = program.nodes[ref.index]
    if node.op is Op.GATHER and node.operands[1].ref == Ref(Kind.SLOT, 0):
        return "gather by the step"  # the order of the samples, a rate of the schedule
    names = {Op.MAP: MapFn, Op.REDUCE: ReduceFn, Op.SOURCE: SourceFn}
    function = f" {names[node.op](node.fn).name.lower()}" if node.op in names else ""
    return f"{node.op.name.lower()}{function}"


def play(game: Game, observer: Observer | None = None, time: int = START, rules: Rules | None = None) -> Played:
    """Plays one game in the model."""
    world = captured(game.model)
    rng = random.Random(f"{game.model} {game.number}")
    rules = rules or rng.choice(RULES)
    end = world.steps - 1 if game.is_seal else world.steps
    target = rng.randbytes(32) if game.liar_solves else None
    liar: Liar
    if game.ref is not None:
        cheated = _cheated(game.model, game.ref, game.step, game.index)
        root = cheated.state_root(end)
        if root == world.truth.state_root(end):
            return Played(game, None)
        liar = Garbler(cheated, rules, rng) if rng.random() < 0.25 else Cheater(cheated, rules)
        if game.liar_solves:
            target = world.seal(root) if game.is_seal else root
    elif "junk" in game.kind:
        liar = Trickster(world.truth, rules, rng)
    else:
        liar = Silent(rng, rules)
    arena = Arena(Referee(world.case.program), rules, observer or Observer(), time)
    return Played(game, arena.play(world.claim(target, game.is_seal), Player(world.truth, rules), liar, game.liar_solves))


@lru_cache(maxsize=2)
def _cheated(model: str, ref: Ref, step: int, index: int) -> Truth:
    """The run with bits of one word flipped; both sides play it, one after the other."""
    mask = random.Random(f"{model} {ref} {step} {index}").choice(MASKS)
    return captured(model).with_fault(flip(step, ref, index, mask))


class Refusals(Observer):
    """Counts the moves that the court refused, by its error."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def moved(self, before: Board, move: Move, after: Board | MoveRefusedError, time: int) -> None:
        if isinstance(after, MoveRefusedError):
            self.counts[after.name] += 1


def tally(chosen: Iterable[Game]) -> dict[str, Counter[str]]:
    """Plays games and counts them: by model, by kind of place, by the last move; the refused moves; and the honest losses."""
    refusals = Refusals()
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("games", "models", "places", "endings", "losses")}
    counts["refused moves"] = refusals.counts
    for one in (play(game, refusals) for game in chosen):
        if one.result is None:
            counts["games"]["faults that change no root"] += 1
            continue
        counts["games"]["played"] += 1
        counts["games"]["a lying solver" if one.game.liar_solves else "a lying challenger"] += 1
        counts["games"]["seals"] += one.game.is_seal
        counts["models"][one.game.model] += 1
        counts["places"][one.game.kind] += 1
        counts["endings"][one.result.moves[-1]] += 1
        if not one.result.honest_won:
            counts["losses"][str(one.game)] += 1
    return counts


def play_part(model: str, part: int) -> dict[str, Counter[str]]:
    """Every PARTS-th pair of games of a model."""
    return tally(game for game in games(model) if game.number // 2 % PARTS == part)


def main() -> int:
    """Play everything, write the counts, and fail if an honest side lost."""
    counts: dict[str, Counter[str]] = {}
    with ProcessPoolExecutor() as pool:
        jobs = [pool.submit(play_part, model, part) for model in MODELS for part in range(PARTS)]
        for done, job in enumerate(jobs, start=1):
            for name, found in job.result().items():
                counts.setdefault(name, Counter()).update(found)
            print(f"{done} of {len(jobs)} parts, {counts['games']['played']} games, {counts['losses'].total()} lost", flush=True)
    FILE.write_text(json.dumps({name: dict(sorted(found.items())) for name, found in counts.items()}, indent=1) + "\n")
    return 1 if counts["losses"] else 0


if __name__ == "__main__":
    sys.exit(main())
