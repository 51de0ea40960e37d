"""``touchstone account``: encrypted accounts, and what they hold."""

from __future__ import annotations

from pathlib import Path

import click

from touchstone.cli.amounts import show_amount
from touchstone.cli.workspace import Workspace, with_workspace


@click.group()
def account() -> None:
    """Manage encrypted accounts."""


@account.command()
@click.argument("name")
@with_workspace("keystore", "data")
def new(workspace: Workspace, name: str) -> None:
    """Make an account with a fresh key."""
    password = workspace.password(f"New password for {name}", confirm=True)
    with workspace.output.waiting("Encrypting the key"):
        entry = workspace.keystore.create(name, password)
    workspace.output.result({"name": entry.name, "address": entry.address, "file": str(entry.path)})


@account.command("list")
@with_workspace("keystore", "data")
def list_accounts(workspace: Workspace) -> None:
    """List the accounts."""
    rows = [(entry.name, entry.address) for entry in workspace.keystore.list()]
    workspace.output.table(("Name", "Address"), rows, "accounts")


@account.command("import")
@click.argument("name")
@click.option("--file", "source", type=click.Path(path_type=Path), help="A keystore file, or a file with a private key in hexadecimal.")
@with_workspace("keystore", "data")
def import_account(workspace: Workspace, name: str, source: Path | None) -> None:
    """Take over an existing key, from a file or typed in.

    A private key is never taken from the command line, where other users of the machine can see it.
    """
    if source is None:
        key = click.prompt("Private key", hide_input=True, err=True)
        entry = workspace.keystore.import_key(name, key, workspace.password(f"New password for {name}", confirm=True))
    elif _is_keystore(source):
        entry = workspace.keystore.import_file(name, source, workspace.password(f"Password of {source.name}"))
    else:
        key = source.read_text()
        entry = workspace.keystore.import_key(name, key, workspace.password(f"New password for {name}", confirm=True))
    workspace.output.result({"name": entry.name, "address": entry.address, "file": str(entry.path)})


@account.command()
@click.argument("name", required=False)
@with_workspace("account")
def show(workspace: Workspace, name: str | None) -> None:
    """Show what an account holds: ether, tokens, its balance and stake in the market."""
    if name is not None:
        workspace.account_name = name
    address, client = workspace.address, workspace.client
    leaving, releasable = client.read("StakeVault", "leavingOf", address)
    values = {
        "address": address,
        "ether": show_amount(client.balance(address)),
        "tokens": show_amount(client.read("Token", "balanceOf", address)),
        "balance": show_amount(client.read("StakeVault", "balanceOf", address)),
        "stake": show_amount(client.read("StakeVault", "stakeOf", address)),
        "leaving": show_amount(leaving),
    }
    if leaving:
        values["releasable_at"] = str(releasable)
    workspace.output.result(values)


def _is_keystore(source: Path) -> bool:
    if not source.is_file():
        raise click.BadParameter(f"{source} is not a file", param_hint="--file")
    return source.read_text(errors="replace").lstrip().startswith("{")
