"""``touchstone stake``, ``unstake``, ``withdraw``: a verifier's stake and an account's balance in the vault."""

from __future__ import annotations

import click

from touchstone.chain.contracts import Call
from touchstone.cli.amounts import TOKENS, show_amount
from touchstone.cli.errors import InsufficientTokensError
from touchstone.cli.spend import spend
from touchstone.cli.workspace import Workspace, with_workspace

VAULT = "StakeVault"
TOKEN = "Token"
EVERYTHING = (1 << 256) - 1


@click.command()
@click.argument("amount", type=TOKENS)
@with_workspace("money")
def stake(workspace: Workspace, amount: int) -> None:
    """Stake AMOUNT tokens as a verifier.

    The account's balance in the vault is used first, then its tokens; the vault is allowed exactly what it takes.
    """
    client, owner = workspace.client, workspace.address
    minimum = client.read(VAULT, "minimumStake")
    if client.read(VAULT, "stakeOf", owner) + amount < minimum:
        raise InsufficientTokensError(f"a stake below {show_amount(minimum)} tokens has no weight; stake more")
    calls = approvals(workspace, amount)
    calls.append(("stake", client.call(VAULT, "stake", amount)))
    spend(workspace, calls, {"staked": show_amount(amount)})


@click.command()
@click.argument("amount", type=TOKENS, required=False)
@click.option("--release", is_flag=True, help="Take out what was unstaked earlier and has waited long enough.")
@with_workspace("money")
def unstake(workspace: Workspace, amount: int | None, release: bool) -> None:
    """Start to take AMOUNT tokens out of the stake, or release what is due.

    The tokens are held for a while, as the answer for audits that are still open; then `--release` moves them to the balance.
    """
    if release == (amount is not None):
        raise click.UsageError("give either an AMOUNT or --release")
    client = workspace.client
    if release:
        leaving, due = client.read(VAULT, "leavingOf", workspace.address)
        if not leaving:
            raise InsufficientTokensError("nothing is leaving the stake; start with `touchstone unstake AMOUNT`")
        calls = [("release", client.call(VAULT, "release"))]
        spend(workspace, calls, {"released": show_amount(leaving), "releasable_at": due})
        return
    assert amount is not None
    staked = client.read(VAULT, "stakeOf", workspace.address)
    if staked < amount:
        raise InsufficientTokensError(f"the stake is {show_amount(staked)} tokens, less than {show_amount(amount)}; unstake at most that")
    spend(workspace, [("unstake", client.call(VAULT, "unstake", amount))], {"unstaked": show_amount(amount)})


@click.command()
@click.argument("amount", type=TOKENS, required=False)
@with_workspace("money")
def withdraw(workspace: Workspace, amount: int | None) -> None:
    """Take AMOUNT tokens (everything by default) out of the vault: earnings, refunds, released stakes."""
    client = workspace.client
    balance = client.read(VAULT, "balanceOf", workspace.address)
    if balance == 0 or (amount is not None and amount > balance):
        wanted = "something" if amount is None else show_amount(amount)
        raise InsufficientTokensError(f"the balance in the vault is {show_amount(balance)} tokens, not {wanted}; withdraw at most that")
    call = client.call(VAULT, "withdraw", EVERYTHING if amount is None else amount)
    spend(workspace, [("withdraw", call)], {"withdrawn": show_amount(balance if amount is None else amount)})


def approvals(workspace: Workspace, amount: int) -> list[tuple[str, Call]]:
    """What must be sent before the vault can charge ``amount`` from the account: nothing, or an approval.

    Raises:
        InsufficientTokensError: balance and tokens together are too few.
    """
    client, owner = workspace.client, workspace.address
    vault = client.contract(VAULT).address
    missing = amount - client.read(VAULT, "balanceOf", owner)
    if missing <= 0:
        return []
    tokens = client.read(TOKEN, "balanceOf", owner)
    if tokens < missing:
        raise InsufficientTokensError(
            f"{show_amount(missing)} tokens are needed from the account, it has {show_amount(tokens)}; get more tokens or lower the amount"
        )
    if client.read(TOKEN, "allowance", owner, vault) >= missing:
        return []
    return [("approve", client.call(TOKEN, "approve", vault, missing))]
