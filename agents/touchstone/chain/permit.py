"""Token approvals by signature (EIP-2612)."""

from __future__ import annotations

from typing import NamedTuple

from eth_account.signers.local import LocalAccount

from touchstone.chain.client import ChainClient


class Permit(NamedTuple):
    """The last four arguments of a function that takes a permit: deadline in seconds, and the signature."""

    deadline: int
    v: int
    r: bytes
    s: bytes


def sign_permit(client: ChainClient, account: LocalAccount, token: str, spender: str, value: int, seconds: int = 3600) -> Permit:
    """Allow ``spender`` to take ``value`` of the token (a contract's name in the deployment) for so many seconds of the chain's time."""
    domain = client.read(token, "eip712Domain")
    deadline = client.block("latest").timestamp + seconds
    signed = account.sign_typed_data(
        domain_data={"name": domain[1], "version": domain[2], "chainId": domain[3], "verifyingContract": domain[4]},
        message_types={
            "Permit": [
                {"name": "owner", "type": "address"},
                {"name": "spender", "type": "address"},
                {"name": "value", "type": "uint256"},
                {"name": "nonce", "type": "uint256"},
                {"name": "deadline", "type": "uint256"},
            ]
        },
        message_data={
            "owner": account.address,
            "spender": spender,
            "value": value,
            "nonce": client.read(token, "nonces", account.address),
            "deadline": deadline,
        },
    )
    return Permit(deadline, signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big"))
