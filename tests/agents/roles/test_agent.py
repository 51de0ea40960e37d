"""The loop: what failures do to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.roles.world import World
from touchstone.chain.client import ChainClient
from touchstone.chain.devnet import start_devnet
from touchstone.chain.errors import ContractRevertError
from touchstone.chain.journal import Journal
from touchstone.chain.sender import Sender, SendPolicy
from touchstone.roles.actions import Action, Inspect, Send, Work
from touchstone.roles.agent import Agent, LoopSettings
from touchstone.roles.errors import RepeatedFailureError
from touchstone.roles.node import Node, open_node
from touchstone.roles.view import View

FAST = LoopSettings(poll=0.05, failures=3, pause=0.2, longest_pause=0.4)


class Stubborn(Agent):
    """Decides on the same things at every look."""

    def __init__(self, node: Node, actions: list[Action], settings: LoopSettings = FAST) -> None:
        super().__init__(node, settings, "stubborn")
        self.actions = actions
        self.attempts: list[float] = []

    def decide(self, view: View) -> list[Action]:
        return self.actions

    def work(self, action: Work, view: View) -> Send | None:
        self.attempts.append(time.monotonic())
        raise RuntimeError("it does not work")


@pytest.fixture
def node(world: World, tmp_path: Path) -> Iterator[Node]:
    account = world.net.accounts[9]
    sender = Sender(world.client, account, Journal(tmp_path / "journal.sqlite"), SendPolicy(poll=0.05))
    opened = open_node(tmp_path / "data", account, sender, "solver")
    yield opened
    opened.close()


def run_for(agent: Agent, seconds: float) -> None:
    timer = threading.Timer(seconds, agent.stop)
    timer.start()
    agent.run()


def announce(key: str) -> Send:
    return Send("JobMarket", "announce", ("http://127.0.0.1:1",), key, "announce")


def test_a_transaction_that_is_decided_on_again_and_again_is_sent_once(node: Node, world: World) -> None:
    before = world.client.nonce(node.address)
    run_for(Stubborn(node, [announce("once")]), 3.0)
    run_for(Stubborn(node, [announce("once")]), 1.0)
    assert world.client.nonce(node.address) == before + 1


def test_work_that_fails_is_tried_again_after_growing_pauses(node: Node) -> None:
    agent = Stubborn(node, [Inspect(1, 0)])
    run_for(agent, 2.5)
    pauses = [after - before for before, after in zip(agent.attempts, agent.attempts[1:], strict=False)]
    assert len(pauses) >= 2 and pauses[0] >= 0.2 and all(pause >= 0.4 for pause in pauses[1:])


def test_a_transaction_that_is_refused_costs_nothing_and_does_not_stop_the_others(node: Node, world: World) -> None:
    refused = Send("JobMarket", "assign", (10**6,), "refused", "assign a job that does not exist")
    before = world.client.nonce(node.address)
    run_for(Stubborn(node, [refused, announce("after a refusal")]), 2.5)
    assert world.client.nonce(node.address) == before + 1


def test_a_call_that_came_too_early_is_repeated_when_it_becomes_possible(node: Node) -> None:
    agent = Stubborn(node, [])
    error = ContractRevertError("JobMarket", "abandon", "TooEarly", {"opensAt": 1_060, "time": 1_000}, "TooEarly")
    agent._failed("abandon", "abandon", error)
    assert 59 < agent._failures["abandon"][1] - time.monotonic() <= 60


def test_an_agent_whose_chain_is_gone_stops_after_some_attempts_with_an_error(tmp_path: Path) -> None:
    net = start_devnet(tmp_path / "net")
    try:
        account = net.accounts[1]
        client = ChainClient((), net.deployment, timeout=1.0)
        node = open_node(tmp_path / "data", account, Sender(client, account, Journal(tmp_path / "journal.sqlite")), "solver")
        agent = Stubborn(node, [])
        agent.reader.read()
    finally:
        net.anvil.stop()
    agent._finish_earlier_transactions = lambda: None  # type: ignore[method-assign]
    with pytest.raises(RepeatedFailureError, match="3 times in a row"):
        agent.run()
