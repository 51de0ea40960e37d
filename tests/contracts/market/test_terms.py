"""The market's arithmetic in Python against the contract's."""

from __future__ import annotations

import random
from typing import Any

import pytest
from ape.exceptions import ContractLogicError

from touchstone.roles.errors import InvalidTermsError
from touchstone.roles.records import JobSpec, Parameters, Quote
from touchstone.roles.terms import payment, score, terms_of

from .world import TOKENS, World

NAMES = ("steps", "intervalSteps", "deadline", "auditRate", "budget", "valueOfTime", "harm")


def random_spec(dice: random.Random) -> dict[str, int]:
    """A job of any size, with amounts from single base units to more tokens than anybody has."""
    interval = dice.randint(2, 40)
    steps = interval * dice.randint(1, 300) + dice.choice((0, dice.randint(2, interval)))
    rate = dice.choice((dice.randint(1_000, 200_000), dice.randint(1, 1_000_000)))
    amounts = [dice.randint(0, 10 ** dice.randint(1, 22)) for _ in range(3)]
    return dict(
        zip(NAMES, (steps, interval, dice.randint(1, 10**6), rate, 1_000 + amounts[0], amounts[1] // 10**4, amounts[2]), strict=True)
    )


def spec_of(values: dict[str, Any]) -> JobSpec:
    return JobSpec(*values.values())


def test_the_terms_are_the_contracts_for_any_job(world: World) -> None:
    parameters = Parameters(*(world.market.parameters()))
    dice = random.Random(5)
    for _ in range(80):
        values = world.spec(**random_spec(dice))
        answer = world.market.quote(values)
        assert terms_of(spec_of(values), parameters) == Quote(*answer), values


@pytest.mark.parametrize("wrong", [{"auditRate": 0}, {"auditRate": 1_000_001}, {"deadline": 0}, {"budget": 9}, {"intervalSteps": 1}])
def test_both_refuse_the_same_jobs(world: World, wrong: dict[str, int]) -> None:
    values = world.spec(**wrong)
    with pytest.raises(ContractLogicError):
        world.market.quote(values)
    with pytest.raises(InvalidTermsError, match="; choose"):
        terms_of(spec_of(values), Parameters(*(world.market.parameters())))


def test_the_payment_is_the_contracts(world: World) -> None:
    bids = ((world.solver, 400 * TOKENS, 700), (world.rival, 450 * TOKENS + 1, 420), (world.second, 480 * TOKENS, 900))
    job = world.post()
    budget, value = 1_000 * TOKENS, TOKENS // 10
    world.auction(job, *bids)
    scores = sorted((score(price, value, duration), price, duration) for _, price, duration in bids)
    (_, price, duration), (second, *_) = scores[0], scores[1]
    assert world.job(job).payment == payment(price, budget, second, value, duration)
