"""StakeVault: balances, stakes, the market's rights over them, and the weighted draw."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ape import chain, project, reverts
from ape.api import TestAccountAPI
from eth_account import Account
from eth_account.messages import encode_typed_data

from .world import MINIMUM_STAKE, TOKENS, UNSTAKE_DELAY, World

ALL = 2**256 - 1


@pytest.fixture
def small(world: World) -> Any:
    """A vault with stakes of single units, connected to an account that plays the market."""
    vault = world.deployer.deploy(project.get_contract("StakeVault"), world.token, 2, UNSTAKE_DELAY)
    vault.connect(world.stranger, sender=world.deployer)
    for party in world.parties:
        world.token.approve(vault, ALL, sender=party)
    return vault


def test_a_deposit_becomes_balance_and_comes_back(world: World) -> None:
    before = world.token.balanceOf(world.solver)
    world.vault.deposit(5 * TOKENS, sender=world.solver)
    assert world.balance(world.solver) == 5 * TOKENS
    world.vault.withdraw(2 * TOKENS, sender=world.solver)
    world.vault.withdraw(ALL, sender=world.solver)
    assert world.balance(world.solver) == 0
    assert world.token.balanceOf(world.solver) == before


def test_nobody_withdraws_more_than_the_balance(world: World) -> None:
    world.vault.deposit(5, sender=world.solver)
    with reverts(world.vault.InsufficientBalance, error_inputs={"account": world.solver, "balance": 5, "needed": 6}):
        world.vault.withdraw(6, sender=world.solver)


def test_zero_amounts_are_refused(world: World) -> None:
    for call in (world.vault.deposit, world.vault.stake, world.vault.unstake):
        with reverts(world.vault.ZeroAmount):
            call(0, sender=world.solver)
    with reverts(world.vault.ZeroAmount):
        world.vault.withdraw(ALL, sender=world.solver)
    with reverts(world.vault.ZeroAmount):
        world.vault.release(sender=world.solver)


def test_a_permit_stands_in_for_the_approval(world: World) -> None:
    owner = Account.create()
    holder = world.accounts[15]
    world.token.mint(holder, 9, sender=holder)
    deadline = world.now() + 1000
    signature = Account.sign_message(
        encode_typed_data(
            {"name": "Touchstone Test Token", "version": "1", "chainId": chain.chain_id, "verifyingContract": world.token.address},
            {
                "Permit": [
                    {"name": "owner", "type": "address"},
                    {"name": "spender", "type": "address"},
                    {"name": "value", "type": "uint256"},
                    {"name": "nonce", "type": "uint256"},
                    {"name": "deadline", "type": "uint256"},
                ]
            },
            {"owner": holder.address, "spender": world.vault.address, "value": 9, "nonce": 0, "deadline": deadline},
        ),
        holder.private_key,
    )
    r, s = signature.r.to_bytes(32, "big"), signature.s.to_bytes(32, "big")
    assert owner.address != holder.address
    world.vault.depositWithPermit(9, deadline, signature.v, r, s, sender=holder)
    assert world.balance(holder) == 9
    world.vault.withdraw(ALL, sender=holder)


def test_a_permit_that_was_sent_before_does_not_stop_the_deposit(world: World) -> None:
    world.vault.depositWithPermit(9, 0, 27, bytes(32), bytes(32), sender=world.solver)
    assert world.balance(world.solver) == 9


def test_a_token_that_takes_a_fee_is_refused(world: World) -> None:
    token = world.deployer.deploy(project.get_contract("TokenWithFee"))
    vault = world.deployer.deploy(project.get_contract("StakeVault"), token, 1, 1)
    token.mint(world.solver, 1000, sender=world.solver)
    token.approve(vault, ALL, sender=world.solver)
    with reverts(vault.ShortTransfer, error_inputs={"expected": 1000, "received": 990}):
        vault.deposit(1000, sender=world.solver)


def test_only_the_deployer_connects_a_market_and_only_once(world: World) -> None:
    vault = world.deployer.deploy(project.get_contract("StakeVault"), world.token, 1, 1)
    nobody = "0x" + "00" * 20
    with reverts(vault.CannotConnect, error_inputs={"caller": world.solver, "market": nobody}):
        vault.connect(world.market, sender=world.solver)
    vault.connect(world.market, sender=world.deployer)
    with reverts(vault.CannotConnect, error_inputs={"caller": world.deployer, "market": world.market}):
        vault.connect(world.deployer, sender=world.deployer)


def test_nobody_but_the_market_moves_funds(world: World) -> None:
    for caller in (world.stranger, world.deployer, world.treasury):
        for call in (world.vault.charge, world.vault.credit, world.vault.penalise):
            with reverts(world.vault.NotMarket, error_inputs={"caller": caller}):
                call(world.solver, 1, sender=caller)


def test_what_is_available_is_the_balance_and_the_approved_tokens(world: World) -> None:
    holder = world.accounts[15]
    world.token.mint(holder, 100, sender=holder)
    world.token.approve(world.vault, 60, sender=holder)
    assert world.vault.available(holder) == 60
    world.vault.deposit(20, sender=holder)
    assert world.vault.available(holder) == 20 + 40
    world.vault.withdraw(20, sender=holder)


def test_a_stake_below_the_minimum_is_refused(world: World) -> None:
    with reverts(world.vault.StakeTooSmall, error_inputs={"stake": MINIMUM_STAKE - 1, "minimum": MINIMUM_STAKE}):
        world.vault.stake(MINIMUM_STAKE - 1, sender=world.verifier)


def test_a_stake_takes_the_balance_first(world: World) -> None:
    world.vault.deposit(30 * TOKENS, sender=world.verifier)
    wallet = world.token.balanceOf(world.verifier)
    world.stake(world.verifier)
    assert world.balance(world.verifier) == 0
    assert world.token.balanceOf(world.verifier) == wallet - 70 * TOKENS
    assert world.vault.stakeOf(world.verifier) == MINIMUM_STAKE


def test_stake_leaves_slowly(world: World) -> None:
    world.stake(world.verifier, amount=MINIMUM_STAKE + 5)
    world.vault.unstake(5, sender=world.verifier)
    leaving, releasable_at = world.vault.leavingOf(world.verifier)
    assert (leaving, releasable_at) == (5, world.now() + UNSTAKE_DELAY)
    assert world.vault.weightOf(world.verifier) == MINIMUM_STAKE
    with reverts(world.vault.NotReleasable):
        world.vault.release(sender=world.verifier)
    world.wait(UNSTAKE_DELAY)
    world.vault.release(sender=world.verifier)
    assert world.balance(world.verifier) == 5


def test_more_stake_than_there_is_cannot_leave(world: World) -> None:
    world.stake(world.verifier)
    with reverts(world.vault.InsufficientStake):
        world.vault.unstake(MINIMUM_STAKE + 1, sender=world.verifier)


def test_a_rest_below_the_minimum_has_no_weight(world: World) -> None:
    world.stake(world.verifier)
    world.vault.unstake(1, sender=world.verifier)
    assert world.vault.weightOf(world.verifier) == 0
    chain.mine()
    assert world.vault.totalWeight(chain.blocks.head.number - 1) == 0


def test_a_penalty_takes_the_stake_and_then_what_is_leaving(world: World, small: Any) -> None:
    small.stake(10, sender=world.verifier)
    small.unstake(4, sender=world.verifier)
    small.penalise(world.verifier, 8, sender=world.stranger)
    assert small.stakeOf(world.verifier) == 0
    assert small.leavingOf(world.verifier)[0] == 2
    small.penalise(world.verifier, 8, sender=world.stranger)
    assert small.leavingOf(world.verifier)[0] == 0
    small.credit(world.treasury, 10, sender=world.stranger)
    assert small.balanceOf(world.treasury) == 10


def _staked(world: World, vault: Any, amounts: list[int]) -> Iterator[TestAccountAPI]:
    for account, amount in zip(world.parties, amounts, strict=False):
        vault.stake(amount, sender=account)
        yield account


@pytest.mark.parametrize("amounts", [[7], [3, 4], [2, 5, 3], [2, 3, 4, 5, 6, 7, 8], [9, 2, 2, 2, 2, 2, 2, 9]])
def test_each_verifier_is_drawn_for_exactly_its_share_of_the_points(world: World, small: Any, amounts: list[int]) -> None:
    staked = list(_staked(world, small, amounts))
    chain.mine()
    block = chain.blocks.head.number - 1
    total = sum(amounts)
    assert small.totalWeight(block) == total
    drawn = [small.draw(block, point) for point in range(total)]
    assert drawn == [account.address for account, amount in zip(staked, amounts, strict=True) for _ in range(amount)]
    assert small.draw(block, total) == drawn[0]


def test_a_draw_goes_by_the_weights_of_the_block_asked_for(world: World, small: Any) -> None:
    small.stake(4, sender=world.verifier)
    first = chain.blocks.head.number
    small.stake(6, sender=world.second)
    second = chain.blocks.head.number
    small.unstake(4, sender=world.verifier)
    third = chain.blocks.head.number
    small.stake(3, sender=world.challenger)
    fourth = chain.blocks.head.number
    small.stake(8, sender=world.verifier)
    chain.mine()

    def shares(block: int) -> list[str]:
        return [small.draw(block, point) for point in range(small.totalWeight(block))]

    one, two, three = world.verifier.address, world.second.address, world.challenger.address
    assert int(small.draw(first - 1, 5), 16) == 0
    assert shares(first) == [one] * 4
    assert shares(second) == [one] * 4 + [two] * 6
    assert shares(third) == [two] * 6
    assert shares(fourth) == [two] * 6 + [three] * 3
    assert shares(fourth + 1) == [one] * 8 + [two] * 6 + [three] * 3
