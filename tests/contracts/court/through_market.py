"""Opens the dispute at the design point by a challenge in a real market, so that the market's part of its gas is in the game."""

from __future__ import annotations

from tests.contracts.court.design_point import STEPS, DesignPoint
from tests.contracts.market.world import NEVER, TOKENS, World
from touchstone.dispute.board import OPENED, Board, opened

INTERVALS, DISPUTED = 4, 1


class ThroughMarket:
    """An ``Opening``: a job of four intervals of 2^20 steps, two of them committed, the second one challenged.

    Solver and challenger have been here before: they have balances in the vault.
    """

    def __init__(self, world: World) -> None:
        self.world = world

    def __call__(self, game: DesignPoint, program_root: bytes, roots: list[bytes]) -> Board:
        world = self.world
        for party in (world.solver, world.rival, world.challenger, world.treasury):
            world.vault.deposit(10**9 * TOKENS, sender=party)
        terms = {"programRoot": program_root, "constantsRoot": game.junk(), "initialRoot": game.junk()}
        spec = {**terms, "steps": INTERVALS * STEPS, "intervalSteps": STEPS, "auditRate": NEVER}
        job = world.running(**spec)
        world.commit(job, DISPUTED + 1)
        start, end = world.checkpoint(job, DISPUTED - 1), world.checkpoint(job, DISPUTED)
        arguments = (job, DISPUTED, False, world.spec(**spec), start, end, roots)
        receipt = world.market.challenge(*arguments, sender=world.challenger)
        game.court.gas.append(("challenge", receipt.gas_used))
        raw = game.court.web3.eth.get_transaction_receipt(receipt.txn_hash)
        ((name, values),) = game.court.events(raw)
        assert name == OPENED
        return opened(values)
