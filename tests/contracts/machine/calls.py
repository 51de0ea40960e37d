"""Calls that tell refusals apart by the name of the contract's error."""

from __future__ import annotations

from functools import cache
from typing import Any

import ape
from ape import project
from eth_utils import keccak
from web3.exceptions import ContractLogicError

CONTRACTS = ("Referee", "RefereeMap", "RefereeDot", "RefereeReduce", "RefereeMove", "MachineHarness", "CommitmentHarness")
CALL_GAS = 29_000_000


def call(contract: Any, function: str, *arguments: Any) -> bytes:
    """What a view function returns, still encoded."""
    data = getattr(contract, function).encode_input(*arguments)
    transaction = {"to": contract.address, "data": "0x" + bytes(data).hex(), "gas": CALL_GAS}
    return bytes(ape.chain.provider.web3.eth.call(transaction))


def refusal_of(contract: Any, function: str, *arguments: Any) -> str:
    """Name of the error by which a view function refuses these arguments."""
    try:
        returned = call(contract, function, *arguments)
    except ContractLogicError as error:
        return _errors().get(str(error.data)[:10], str(error))
    raise AssertionError(f"{function} returned 0x{returned.hex()}")


@cache
def _errors() -> dict[str, str]:
    """Names of the contracts' errors by selector."""
    known = [name for name in CONTRACTS if name in project.contracts]
    errors = [error for name in known for error in project.get_contract(name).contract_type.errors]
    return {"0x" + keccak(text=error.selector)[:4].hex(): error.name for error in errors}
