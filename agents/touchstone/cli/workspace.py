"""What a command works with: chain, account, journal, output. Opened when first used, so that a command only needs what it touches."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click
import platformdirs

from touchstone.cli.config import Config
from touchstone.cli.errors import ConfigError, PasswordError
from touchstone.cli.output import Output

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from touchstone.chain.client import ChainClient
    from touchstone.chain.deployment import Deployment
    from touchstone.chain.keystore import KeystoreDirectory
    from touchstone.chain.sender import Observer, Sender

PASSWORD_VARIABLE = "TOUCHSTONE_PASSWORD"

P = ParamSpec("P")
R = TypeVar("R")

_PATH = click.Path(path_type=Path)
_OPTIONS: dict[str, list[Callable[..., Any]]] = {
    "chain": [
        click.option("--rpc", multiple=True, envvar="TOUCHSTONE_RPC", help="RPC endpoint; give several for failover."),
        click.option("--deployment", type=_PATH, envvar="TOUCHSTONE_DEPLOYMENT", help="Deployment file; the devnet's by default."),
    ],
    "keystore": [
        click.option("--keystore", type=_PATH, envvar="TOUCHSTONE_KEYSTORE", help="Directory of encrypted accounts."),
        click.option("--password-file", type=_PATH, envvar="TOUCHSTONE_PASSWORD_FILE", help="File whose first line is the password."),
    ],
    "account": [click.option("--account", envvar="TOUCHSTONE_ACCOUNT", help="Name or address of the account to use.")],
    "data": [click.option("--data", type=_PATH, envvar="TOUCHSTONE_DATA", help="Directory for journals and stores.")],
    "money": [click.option("--dry-run", is_flag=True, help="Show what would be sent and what it may cost; send nothing.")],
    "output": [click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")],
}
_REQUIRES = {"account": ("keystore", "chain", "data"), "money": ("account",)}


@dataclass
class Workspace:
    """Settings of one command, and what follows from them. None means: not set anywhere."""

    config: Config
    rpc: Sequence[str] = ()
    deployment_path: Path | None = None
    keystore_path: Path | None = None
    password_path: Path | None = None
    account_name: str | None = None
    data_path: Path | None = None
    dry_run: bool = False
    as_json: bool = False

    @cached_property
    def output(self) -> Output:
        """Where results and progress go."""
        return Output(self.as_json)

    @cached_property
    def data(self) -> Path:
        """Directory for what this machine has to remember."""
        return self.data_path or Path(platformdirs.user_data_dir("touchstone"))

    @cached_property
    def deployment(self) -> Deployment:
        """The deployment record. Raises DeploymentError."""
        from touchstone.chain.deployment import Deployment

        return Deployment.load(self.deployment_path or self.data / "devnet" / "devnet.json")

    @cached_property
    def client(self) -> ChainClient:
        """The chain of the deployment."""
        from touchstone.chain.client import ChainClient

        return ChainClient(self.rpc, self.deployment)

    @cached_property
    def keystore(self) -> KeystoreDirectory:
        """The accounts."""
        from touchstone.chain.keystore import KeystoreDirectory

        return KeystoreDirectory(self.keystore_path or self.data / "keystore")

    @cached_property
    def account(self) -> LocalAccount:
        """The chosen account, unlocked. Raises ConfigError, AccountNotFoundError, WrongPasswordError."""
        entry = self.keystore.find(self.chosen_account)
        return self.keystore.unlock(entry.name, self.password(f"Password of {entry.name}"))

    @property
    def address(self) -> str:
        """Address of the chosen account, without unlocking it."""
        return self.keystore.find(self.chosen_account).address

    @property
    def chosen_account(self) -> str:
        """Name or address of the account to use: the one that was named, or the only one there is."""
        if self.account_name:
            return self.account_name
        entries = self.keystore.list()
        if len(entries) != 1:
            raise ConfigError(f"{len(entries)} accounts are in {self.keystore.directory}; choose one with --account")
        return entries[0].name

    def sender(self, observer: Observer | None = None) -> Sender:
        """A sender for the account, with a journal of its own per chain and account."""
        from touchstone.chain.journal import Journal
        from touchstone.chain.sender import Sender

        account = self.account
        journal = Journal(self.data / "journals" / f"{self.client.genesis[2:18]}-{account.address}.sqlite")
        return Sender(self.client, account, journal, observer=observer)

    def password(self, prompt: str, confirm: bool = False) -> str:
        """The password, from the environment, the password file or the terminal. Raises PasswordError when there is none of them."""
        given = os.environ.get(PASSWORD_VARIABLE)
        if given:
            return given
        if self.password_path is not None:
            return _first_line(self.password_path)
        if not click.get_text_stream("stdin").isatty():
            raise PasswordError(f"no password was given; set {PASSWORD_VARIABLE}, name a --password-file, or use a terminal")
        entered: str = click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
        return entered


def with_workspace(*groups: str) -> Callable[[Callable[Concatenate[Workspace, P], R]], Callable[..., R]]:
    """Give a command options of some groups, and a :class:`Workspace` made of them as its first argument.

    Groups: ``chain``, ``keystore``, ``data``, ``account`` (implies these three), ``money`` (``--dry-run``; implies account). ``--json`` is
    always there.
    """

    def decorate(function: Callable[Concatenate[Workspace, P], R]) -> Callable[..., R]:
        @click.pass_context
        @functools.wraps(function)
        def command(context: click.Context, /, *arguments: P.args, **options: P.kwargs) -> R:
            config = context.obj if isinstance(context.obj, Config) else Config()
            return function(_workspace(config, options), *arguments, **options)

        wrapped: Callable[..., Any] = command
        for group in reversed(_all_groups(groups)):
            for option in reversed(_OPTIONS[group]):
                wrapped = option(wrapped)
        return wrapped

    return decorate


def _all_groups(groups: Sequence[str]) -> list[str]:
    chosen = ["output", *groups]
    for group in chosen:
        chosen += [implied for implied in _REQUIRES.get(group, ()) if implied not in chosen]
    return [group for group in _OPTIONS if group in chosen]


def _workspace(config: Config, options: dict[str, Any]) -> Workspace:
    """Take the workspace's options out of ``options``; what is not set there comes from the file."""

    def take(name: str) -> Any:
        return options.pop(name, None) or config.values.get(name)

    return Workspace(
        config=config,
        rpc=tuple(take("rpc") or ()),
        deployment_path=take("deployment"),
        keystore_path=take("keystore"),
        password_path=take("password_file"),
        account_name=take("account"),
        data_path=take("data"),
        dry_run=bool(options.pop("dry_run", False)),
        as_json=bool(options.pop("as_json", False)),
    )


def _first_line(path: Path) -> str:
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PasswordError(f"the password file {path} cannot be read ({type(error).__name__}); correct --password-file") from error
    if not lines or not lines[0]:
        raise PasswordError(f"the password file {path} is empty; write the password into its first line")
    return lines[0]
