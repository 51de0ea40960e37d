"""Plays moves of the model on the real court: sends them at the model's times, decodes events and errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_abi.abi import decode
from eth_utils.abi import event_abi_to_log_topic, function_abi_to_4byte_selector
from web3 import Web3
from web3.contract import Contract
from web3.exceptions import ContractCustomError, Web3RPCError
from web3.types import TxParams, TxReceipt

from tests.dispute.worlds import ARBITRABLE, CHALLENGER, SOLVER
from touchstone.dispute.board import OPENED, Board, advanced, opened
from touchstone.dispute.errors import MoveRefusedError
from touchstone.dispute.moves import Move, contract_call
from touchstone.dispute.state import Claim

GAS = 16_700_000  # below the cap of one transaction, EIP-7825


@dataclass
class ChainCourt:
    """A court on a local chain, with the test addresses of ``tests.dispute.worlds`` unlocked."""

    web3: Web3
    court: Contract
    arbitrable: Contract
    code: str
    errors: dict[bytes, dict[str, Any]]
    gas: list[tuple[str, int]] = field(default_factory=list)

    @staticmethod
    def create(web3: Web3, court: Contract, scripted: Contract, abis: Sequence[Sequence[Any]]) -> ChainCourt:
        """Unlocks the addresses. The arbitrable's gets the code of ``scripted``, which knows its court, with each transaction."""
        for address in (SOLVER, CHALLENGER):
            _rpc(web3, "anvil_impersonateAccount", address)
            _rpc(web3, "anvil_setBalance", address, hex(10**20))
        arbitrable = web3.eth.contract(address=Web3.to_checksum_address(ARBITRABLE), abi=scripted.abi)
        code = "0x" + bytes(web3.eth.get_code(scripted.address)).hex()
        errors = {function_abi_to_4byte_selector(e): e for abi in abis for e in abi if e["type"] == "error"}
        return ChainCourt(web3, court, arbitrable, code, errors)

    def now(self) -> int:
        return int(self.web3.eth.get_block("latest")["timestamp"])

    def open(self, claim: Claim, roots: Sequence[bytes], time: int) -> Board:
        """Opens a dispute; the board is rebuilt from its event."""
        call = self.arbitrable.functions.open(claim.abi(), list(roots))
        ((name, arguments),) = self.events(self._transact(call, CHALLENGER, time, "open"))
        assert name == OPENED
        return opened(arguments)

    def play(self, board: Board, move: Move, sender: str, time: int) -> Board:
        """Sends a move; the board is rebuilt from its events. Raises MoveRefusedError with the contract's error."""
        function, arguments = contract_call(board.number, board.state, move)
        return self.call(board, function, arguments, sender, time)

    def timeout(self, board: Board, sender: str, time: int) -> Board:
        return self.call(board, "timeout", (board.number, board.terms.abi(), board.state.abi()), sender, time)

    def call(self, board: Board, function: str, arguments: Sequence[object], sender: str, time: int) -> Board:
        """Sends any function of the court."""
        receipt = self._transact(self.court.functions[function](*arguments), sender, time, function)
        for name, values in self.events(receipt):
            board = advanced(board, name, values)
        return board

    def refusal(self, function: str, arguments: Sequence[object], sender: str) -> MoveRefusedError:
        """The error of a call that must revert; nothing is sent."""
        data = self.court.functions[function](*arguments)._encode_transaction_data()
        return self._refusal({"from": Web3.to_checksum_address(sender), "to": self.court.address, "gas": GAS, "data": data})

    def state_hash(self, number: int) -> bytes:
        value: bytes = self.court.functions.stateHash(number).call()
        return value

    def verdicts(self, number: int) -> list[tuple[bool, bool]]:
        """All verdicts the arbitrable has received: whether the challenger won, whether by proof."""
        logs = self.arbitrable.events.Verdict().get_logs(from_block=0, argument_filters={"dispute": number})
        return [(log["args"]["challengerWins"], log["args"]["byProof"]) for log in logs]

    def _transact(self, call: Any, sender: str, time: int, name: str) -> TxReceipt:
        _rpc(self.web3, "anvil_setCode", self.arbitrable.address, self.code)
        _rpc(self.web3, "evm_setNextBlockTimestamp", time)
        transaction: TxParams = {"from": sender, "to": call.address, "gas": GAS, "data": call._encode_transaction_data()}
        receipt = self.web3.eth.wait_for_transaction_receipt(self.web3.eth.send_transaction(transaction), poll_latency=0.005)
        if receipt["status"] == 0:
            raise self._refusal(transaction)
        self.gas.append((name, receipt["gasUsed"]))
        return receipt

    def _refusal(self, transaction: TxParams) -> MoveRefusedError:
        """The error of a transaction that reverted: nothing has changed, so the same call reverts again."""
        try:
            self.web3.eth.call(transaction)
        except (ContractCustomError, Web3RPCError) as error:
            data = bytes.fromhex(str(error.data if isinstance(error, ContractCustomError) else "").removeprefix("0x"))
            if data[:4] not in self.errors:
                raise
            abi = self.errors[data[:4]]
            return MoveRefusedError(abi["name"], *decode([entry["type"] for entry in abi["inputs"]], data[4:]))
        raise AssertionError("a call that must revert passes")

    def events(self, receipt: TxReceipt) -> list[tuple[str, dict[str, object]]]:
        """The court's events in a transaction, by name."""
        topics = {event_abi_to_log_topic(e): e["name"] for e in self.court.abi if e["type"] == "event"}
        logs = [log for log in receipt["logs"] if log["address"] == self.court.address]
        names = [topics[bytes(log["topics"][0])] for log in logs]
        return [(name, dict(self.court.events[name]().process_log(log)["args"])) for name, log in zip(names, logs, strict=True)]


def _rpc(web3: Web3, method: str, *arguments: object) -> object:
    response = web3.provider.make_request(method, list(arguments))  # type: ignore[arg-type]
    if "error" in response:
        raise AssertionError(f"{method}: {response['error']}")
    return response["result"]
