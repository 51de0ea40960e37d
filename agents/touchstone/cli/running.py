"""What ``solver run``, ``verifier run`` and ``submitter run`` have in common: a store, messages, and an orderly end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from touchstone.cli.workspace import Workspace

if TYPE_CHECKING:
    from touchstone.roles.agent import Agent, LoopSettings
    from touchstone.roles.node import Node
    from touchstone.roles.training import ExecutorFactory

_COMMON: list[Callable[..., Any]] = [
    click.option("--store-host", default="127.0.0.1", show_default=True, help="Address the agent's store listens on."),
    click.option("--store-port", type=click.IntRange(0, 65535), default=0, help="Its port; a free one by default."),
    click.option("--public-url", default="", help="Address others reach the store by; that of host and port by default."),
    click.option("--poll", type=click.FloatRange(min=0.05), default=1.0, show_default=True, help="Seconds between looks at the chain."),
    click.option(
        "--patience",
        type=click.IntRange(min=0),
        default=60,
        show_default=True,
        help="Seconds left to others for steps that are more in their interest.",
    ),
    click.option("--max-bytes", type=click.IntRange(min=1), default=4 << 30, help="Largest package or state to fetch; 4 GiB by default."),
    click.option("--keep-balance", is_flag=True, help="Leave earnings in the vault when there is no work left."),
]


@dataclass(frozen=True)
class Common:
    """Values of the options every agent has."""

    store_host: str
    store_port: int
    public_url: str
    poll: float
    patience: int
    max_bytes: int
    keep_balance: bool


def with_common_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options every agent has."""
    for option in reversed(_COMMON):
        function = option(function)
    return function


def take_common(options: dict[str, Any]) -> Common:
    """Take their values out of a command's options."""
    return Common(**{name: options.pop(name) for name in Common.__dataclass_fields__})


def loop_settings(common: Common, trainings: int = 1) -> LoopSettings:
    """Settings of the agent's loop."""
    from touchstone.roles.agent import LoopSettings

    return LoopSettings(poll=common.poll, trainings=trainings)


def machine_factory(threads: int) -> ExecutorFactory:
    """What agents compute with: the native machine."""
    from touchstone.machine.runtime import NativeMachine

    return lambda program, constants: NativeMachine(program, constants, threads)


@contextmanager
def agent_node(workspace: Workspace, role: str, common: Common) -> Iterator[tuple[Node, str]]:
    """The agent's node with its store being served, and the store's public address. Messages go to the terminal and to a file."""
    from touchstone.roles.log import set_up
    from touchstone.roles.node import open_node
    from touchstone.store.server import StoreServer

    stream = sys.stdout if workspace.as_json else sys.stderr
    set_up(workspace.as_json, stream, workspace.data / "logs" / f"{role}.jsonl")
    node = open_node(workspace.data, workspace.account, workspace.sender(), role)
    try:
        with StoreServer(node.store, common.store_host, common.store_port) as server:
            yield node, common.public_url or server.url
    finally:
        node.close()


def run_until_stopped(agent: Agent, address: str, endpoint: str) -> None:
    """Run an agent until it is interrupted or terminated, at which it stops in an orderly way."""
    signal.signal(signal.SIGTERM, lambda *_: agent.stop())
    signal.signal(signal.SIGINT, lambda *_: agent.stop())
    agent.say("starts", account=address, store=endpoint)
    agent.run()
    agent.say("stopped")
