"""Errors of the chain client."""

from __future__ import annotations

from collections.abc import Mapping

from touchstone.errors import TouchstoneError


class ChainUnavailableError(TouchstoneError, ConnectionError):
    """No RPC endpoint answers."""


class WrongChainError(TouchstoneError, ValueError):
    """An endpoint serves another chain than the deployment is on."""


class RpcError(TouchstoneError, RuntimeError):
    """A node answered a request with an error.

    Attributes:
        code: JSON-RPC error code.
        message: the node's message.
        data: revert data or other detail, if the node gave any.
    """

    def __init__(self, method: str, code: int, message: str, data: object = None) -> None:
        super().__init__(f"the node refuses {method}: {message}; check the request or use another endpoint")
        self.code = code
        self.message = message
        self.data = data


class ContractRevertError(TouchstoneError, ValueError):
    """A contract refused a call, in a simulation (nothing was spent) or on chain.

    Attributes:
        contract: name of the contract called.
        function: name of the function called.
        error: name of the contract's error, e.g. ``BidAboveBudget``; ``Error`` for a text, ``Panic`` for a code, ``""`` when unknown.
        values: the error's values by name.
        text: the error with its values, for people.
        transaction: hash of the transaction that reverted, or None when it was a simulation.
    """

    def __init__(
        self, contract: str, function: str, error: str, values: Mapping[str, object], text: str, transaction: str | None = None
    ) -> None:
        where = "nothing was sent" if transaction is None else f"transaction {transaction}"
        super().__init__(f"{contract}.{function} reverts with {text} ({where})")
        self.contract = contract
        self.function = function
        self.error = error
        self.values = dict(values)
        self.text = text
        self.transaction = transaction


class InsufficientFundsError(TouchstoneError, ValueError):
    """An account cannot pay for a transaction."""


class TransactionPendingError(TouchstoneError, TimeoutError):
    """A transaction was sent but is not on the chain yet."""


class JournalConflictError(TouchstoneError, ValueError):
    """A key of the journal belongs to another transaction."""


class WrongPasswordError(TouchstoneError, PermissionError):
    """A keystore does not open with the password given."""


class AccountNotFoundError(TouchstoneError, LookupError):
    """No keystore has this name or address."""


class AccountExistsError(TouchstoneError, FileExistsError):
    """A keystore of this name exists already."""


class InvalidKeyError(TouchstoneError, ValueError):
    """A text is not a private key, or a file is not a keystore."""


class DeploymentError(TouchstoneError, ValueError):
    """A deployment record or a contract artifact is missing or does not fit the chain."""


class DevnetError(TouchstoneError, RuntimeError):
    """The local chain could not be started."""
