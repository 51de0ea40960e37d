"""The simulated market: money is conserved, no strategy pays at the default stake, and some do when it is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.agents import Party, Strategy, Verifiers
from simulation.assignment import Setting, deviation, play, strategies
from simulation.audits import NOBODY, Habits, audit
from simulation.economy import PRICE, standard_economy, standard_spec
from simulation.population import KINDS, World, run_market
from simulation.sections import cheating, matching, verifiers
from touchstone.roles.terms import terms_of

ECONOMY = standard_economy()
DEFAULT = Setting(cheating.DEFAULT_INTERVALS, 0.0, cheating.DEFAULT_RATE)


def gains(setting: Setting, jobs: int = 4_000) -> list[float]:
    """What each strategy of the grid gains, in standard errors above or below nothing."""
    rng = np.random.default_rng(21)
    found = [deviation(rng, ECONOMY, setting, strategy, cheating.WORST, jobs) for strategy in strategies(setting.intervals)]
    return [each.mean / each.error for each in found]


def test_no_strategy_of_the_grid_pays_at_the_defaults() -> None:
    found = gains(DEFAULT)
    assert len(found) == 104
    assert max(found) < 3


def test_strategies_pay_when_the_stake_is_cut_to_a_fifth() -> None:
    cut = Setting(DEFAULT.intervals, DEFAULT.harm, DEFAULT.audit_rate, stake=0.2)
    found = gains(cut)
    assert max(found) > 8
    assert sum(each > 3 for each in found) > 10


def test_a_solver_that_gives_its_checkpoints_only_to_its_ring_is_never_caught() -> None:
    rng = np.random.default_rng(1)
    strategy = Strategy("", DEFAULT.intervals, ring=True, withholds=True)
    outcome = play(rng, ECONOMY, DEFAULT, strategy, cheating.WORST, 2_000)
    assert not outcome.convicted.any()
    # It is paid up to the first interval that anybody else is drawn for.
    passes = 1 - ECONOMY.detection(DEFAULT.audit_rate)
    expected = sum(passes**i for i in range(1, DEFAULT.intervals + 1))
    assert abs(outcome.final.mean() - expected) < 4 * outcome.final.std() / np.sqrt(2_000)
    assert (outcome.tokens[:, Party.SOLVER] == PRICE * outcome.final // DEFAULT.intervals).all()
    with pytest.raises(ValueError, match="ring"):
        play(rng, ECONOMY, DEFAULT, Strategy(withholds=True), cheating.WORST, 1)


def test_whoever_attests_what_a_whistleblower_proves_false_loses_the_least_stake() -> None:
    mix = Verifiers(honest=0.0, lazy=1.0, colluding=0.0, watched=1.0)
    outcome = play(np.random.default_rng(6), ECONOMY, Setting(20, 0.0, 1.0), Strategy("", 1, leaks=True), mix, 300)
    fees = 20 * terms_of(standard_spec(20, 1.0), ECONOMY.parameters).audit_fee
    attested = outcome.tokens[:, Party.LAZY] == fees - ECONOMY.least_stake
    # A draw that passed the false interval over left nobody to blame, and one fee less.
    passed_over = outcome.tokens[:, Party.LAZY] == fees * 19 // 20
    assert (attested | passed_over).all()
    assert abs(attested.mean() - 0.9) < 4 * 0.3 / np.sqrt(300)
    assert (outcome.tokens[:, Party.WATCHER] > 0).all()


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(0, 12),
    st.sampled_from(["first", "last", "spread"]),
    st.tuples(st.booleans(), st.booleans(), st.booleans()),
    st.floats(0, 2),
    st.floats(0.01, 1),
    st.floats(0, 1),
)
def test_tokens_only_move(
    seed: int, false: int, place: str, flags: tuple[bool, bool, bool], harm: float, rate: float, watched: float
) -> None:
    mix = Verifiers(honest=0.4, lazy=0.3, colluding=0.3, watched=watched)
    outcome = play(np.random.default_rng(seed), ECONOMY, Setting(12, harm, rate), Strategy("", false, place, *flags), mix, 50)
    assert not outcome.tokens.sum(axis=1).any()
    assert (outcome.tokens[:, Party.TREASURY] >= 0).all()
    assert (outcome.tokens[~outcome.convicted, Party.SOLVER] >= 0).all()
    lost = PRICE * outcome.final // 12 - outcome.tokens[:, [Party.SOLVER, Party.ACCOMPLICE]].sum(axis=1)
    assert (lost[outcome.convicted] > 0).all()
    assert not lost[~outcome.convicted].any()
    assert outcome.convicted.any() <= (false > 0)


def test_audits_come_at_their_rate_and_go_to_verifiers_by_their_share() -> None:
    mix = Verifiers(honest=0.5, lazy=0.2, colluding=0.3)
    habits = Habits.all_alike(Strategy(leaks=True), 2_000)
    audits = audit(np.random.default_rng(2), np.zeros((2_000, 50), bool), 0.1, mix, habits)
    drawn = audits.answered != NOBODY
    assert abs(drawn.mean() - 0.1) < 4 * 0.3 / np.sqrt(drawn.size)
    for kind, share in zip((Party.HONEST, Party.LAZY, Party.COLLUDING), mix.shares, strict=True):
        assert abs((audits.answered[drawn] == kind).mean() - share) < 4 * 0.5 / np.sqrt(drawn.sum())
    assert not audits.silent.any()


def test_lazy_verifiers_lose_when_the_seal_holds_and_gain_when_it_is_leaked() -> None:
    for row in verifiers.incomes(ECONOMY, np.random.default_rng(3), jobs=4_000):
        assert row["honest"] > 0.2
        assert (row["lazy"] > row["honest"]) == row["leaks"]
        assert (row["lazy"] < 0) != row["leaks"]


def test_the_seal_turns_the_inspection_game_into_honest_work() -> None:
    rows = {row["case"]: row for row in verifiers.inspection(ECONOMY, rounds=50_000)}
    assert abs(rows["no seal"]["false"] - rows["no seal"]["false_formula"]) < 0.005
    assert abs(rows["no seal"]["run"] - rows["no seal"]["run_formula"]) < 0.05
    assert rows["no seal, accomplice first"]["false"] > 0.99
    for case in ("seal", "seal, accomplice first"):
        assert rows[case]["false"] < 0.001
        assert rows[case]["run"] > 0.999


@pytest.mark.parametrize(("stake", "cheats"), [(1.0, False), (0.1, True)])
def test_a_whole_market_conserves_tokens_and_strategic_solvers_cheat_only_when_it_pays(stake: float, cheats: bool) -> None:
    market = run_market(World(ECONOMY, stake=stake), np.random.default_rng(5), epochs=12, jobs=40)
    assert market.jobs["jobs"] == 480 == market.jobs["finished"]
    assert sum(market.counts[kind]["jobs"] for kind in KINDS) == market.jobs["rounds"]
    assert (market.counts["colluding"]["cheated"] > 0) == cheats
    assert market.counts["strategic"]["cheated"] == 0 or cheats
    assert market.counts["honest"]["convicted"] == 0 == market.counts["honest"]["cheated"]
    assert sum(market.counts[kind]["cheated"] for kind in KINDS) > 0


def test_a_job_waits_only_when_every_solver_is_busy() -> None:
    arrivals, durations = np.array([0.0, 1.0, 2.0]), np.array([100.0, 10.0, 10.0])
    assert list(matching.rounds_until_matched(arrivals, durations, 5.0, solvers=3)) == [1, 1, 1]
    assert list(matching.rounds_until_matched(arrivals, durations, 5.0, solvers=2)) == [1, 1, 3]
    assert list(matching.rounds_until_matched(arrivals[:2], np.array([12.0, 1.0]), 5.0, solvers=1)) == [1, 4]
