"""Generated games in the model: whatever a liar posts, on either side, the honest side wins; and each rule is needed for that."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from functools import lru_cache

import pytest

from tests.dispute.arena import START, Arena, Observer, Result
from tests.dispute.liars import Cheater, Liar, Silent, Trickster
from tests.dispute.worlds import Fault, World, flip, world
from touchstone.dispute.errors import NothingToDenyError
from touchstone.dispute.game import Rules
from touchstone.dispute.player import Player
from touchstone.dispute.referee import Referee
from touchstone.dispute.truth import Truth
from touchstone.machine.program import Kind, Ref

WORLDS = 60
CHEATS = 4
NARROW = (Rules(2, 2, 2), Rules(3, 3, 3), Rules(8, 5, 4), Rules())


def random_fault(rng: random.Random, chosen: World) -> Fault:
    """A flipped bit anywhere: an output, a slot copy, an element or the padding behind it."""
    program = chosen.case.program
    refs = [Ref(Kind.NODE, i) for i in range(len(program.nodes))] + [Ref(Kind.SLOT, i) for i in range(len(program.slots))]
    ref = rng.choice(refs)
    size = program.type_of(ref).size
    index = rng.randrange(size) if rng.random() < 0.7 else rng.randrange(-(-size // 256) * 256)
    return flip(rng.randrange(chosen.steps), ref, index, 1 << rng.randrange(32))


@lru_cache(maxsize=WORLDS * CHEATS)
def cheated_run(chosen_seed: int, cheat: int, end: int) -> Truth:
    """A run with a fault that shows in the state ``end``, if a few tries find one."""
    rng, chosen = random.Random(f"{chosen_seed} {cheat}"), world(chosen_seed)
    for _ in range(8):
        cheated = chosen.with_fault(random_fault(rng, chosen))
        if cheated.state_root(end) != chosen.truth.state_root(end):
            break
    return cheated


def random_game(seed: int, rules: Rules, observer: Observer | None = None, time: int = START) -> Result | None:
    """One game; None when the fault drawn changes no committed root."""
    rng = random.Random(seed)
    chosen = world(seed % WORLDS)
    is_seal, liar_solves = rng.random() < 0.3, rng.random() < 0.5
    liar: Liar
    kind = rng.random()
    target = rng.randbytes(32) if liar_solves else None
    if kind < 0.05:
        liar = Silent(rng, rules)
    elif kind < 0.6:
        liar = Trickster(chosen.truth, rules, rng)
    else:
        end = chosen.steps - 1 if is_seal else chosen.steps
        cheated = cheated_run(seed % WORLDS, rng.randrange(CHEATS), end)
        liar = Cheater(cheated, rules)
        if liar_solves:
            target = chosen.seal(cheated.state_root(end)) if is_seal else cheated.state_root(end)
    try:
        claim = chosen.claim(target, is_seal)
        arena = Arena(Referee(chosen.case.program), rules, observer or Observer(), time)
        return arena.play(claim, Player(chosen.truth, rules), liar, liar_solves)
    except NothingToDenyError:
        return None


@pytest.mark.parametrize("rules", NARROW, ids=("2 parts", "3 parts", "mixed", "real"))
def test_the_honest_side_wins_every_game(rules: Rules) -> None:
    ends: Counter[str] = Counter()
    for seed in range(1500):
        result = random_game(seed, rules)
        if result is None:
            continue
        assert result.honest_won, f"seed {seed} with {rules}: {result.moves}"
        ends[result.moves[-1]] += 1
    assert {"ProveWord", "SettleCopy", "liar"} <= set(ends), f"games of every ending must occur: {ends}"


@pytest.mark.parametrize("rule", ["differs", "insertion", "padding"])
def test_without_the_rule_liars_win_some_games(rule: str) -> None:
    rules = replace(Rules(3, 3, 3), **{rule: False})
    results = [random_game(seed, rules) for seed in range(400)]
    assert any(result is not None and not result.honest_won for result in results)
