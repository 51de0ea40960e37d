"""What every role does with its tokens: let the vault charge them, stake them, take them home."""

from __future__ import annotations

from collections.abc import Iterator

from touchstone.roles.actions import Action, Remark, Send
from touchstone.roles.view import View

ALL = 2**256 - 1
_PLENTY = 2**255


def approve(view: View) -> Iterator[Action]:
    """Lets the vault charge the account's tokens, without limit, once."""
    if view.allowance < _PLENTY:
        key = f"approve the vault {view.vault}, allowed {view.allowance}"
        yield Send("Token", "approve", (view.vault, ALL), key, "let the vault charge this account")


def stake(view: View, wanted: int) -> Iterator[Action]:
    """Brings the account's stake as a verifier up to ``wanted``."""
    missing = wanted - view.stake
    if missing > 0 and view.spendable < missing and view.allowance >= _PLENTY:
        yield Remark(f"cannot stake {missing}: this account can spend {view.spendable}; fund it")
    elif missing > 0 and view.spendable >= missing:
        number = view.ledger.stake_changes[view.me]
        yield Send("StakeVault", "stake", (missing,), f"stake {missing} after change {number}", f"stake {missing}")


def withdraw(view: View) -> Iterator[Action]:
    """Takes the account's whole balance out of the vault."""
    if view.balance > 0:
        number = view.ledger.withdrawals[view.me]
        yield Send("StakeVault", "withdraw", (ALL,), f"withdrawal {number}", f"withdraw {view.balance}")


def announce(view: View, endpoint: str) -> Iterator[Action]:
    """Tells on chain where this account's store is, if it is not known or has changed."""
    if view.ledger.endpoints.get(view.me) != endpoint:
        number = view.ledger.announcements[view.me]
        yield Send("JobMarket", "announce", (endpoint,), f"announcement {number}", f"announce the store at {endpoint}")
