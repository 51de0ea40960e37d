"""Accounts as encrypted keystores: one Web3 Secret Storage file (version 3, scrypt) per account in a directory."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address

from touchstone.chain.errors import AccountExistsError, AccountNotFoundError, InvalidKeyError, WrongPasswordError

SCRYPT_N = 1 << 18
"""Work factor of new keystores, about a second to open. Throw-away accounts of a development chain may take less."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class AccountEntry:
    """An account of a keystore directory: its name, and its checksummed address as the file states it."""

    name: str
    address: str
    path: Path


class KeystoreDirectory:
    """The accounts in a directory. Files are only readable by their owner; no key is ever written unencrypted."""

    def __init__(self, directory: Path | str, scrypt_n: int = SCRYPT_N) -> None:
        self.directory = Path(directory)
        self._scrypt_n = scrypt_n

    def list(self) -> list[AccountEntry]:
        """All accounts, by name."""
        if not self.directory.is_dir():
            return []
        return [self._entry(path) for path in sorted(self.directory.glob("*.json"))]

    def create(self, name: str, password: str) -> AccountEntry:
        """Make an account with a fresh random key. Raises AccountExistsError, InvalidKeyError for an unusable name."""
        return self._write(name, Account.create(), password)

    def import_key(self, name: str, private_key: str, password: str) -> AccountEntry:
        """Encrypt an existing key (64 hexadecimal digits, 0x optional). Raises AccountExistsError, InvalidKeyError."""
        try:
            account = Account.from_key(private_key.strip())
        except Exception:  # eth-keys raises several kinds; none may carry the key into a message
            raise InvalidKeyError("the text is not a private key; expected 64 hexadecimal digits") from None
        return self._write(name, account, password)

    def import_file(self, name: str, path: Path, password: str) -> AccountEntry:
        """Take over a keystore file written by other software, which opens with ``password``. Raises as :meth:`unlock`."""
        return self._write(name, _decrypt(_read(path), password, str(path)), password)

    def find(self, name_or_address: str) -> AccountEntry:
        """The account of this name or address. Raises AccountNotFoundError."""
        for entry in self.list():
            if name_or_address == entry.name or name_or_address.lower() == entry.address.lower():
                return entry
        known = ", ".join(entry.name for entry in self.list()) or "none"
        raise AccountNotFoundError(
            f"no account {name_or_address!r} in {self.directory} (there: {known}); make one with `touchstone account new {name_or_address}`"
        )

    def unlock(self, name_or_address: str, password: str) -> LocalAccount:
        """Decrypt an account's key.

        Raises:
            AccountNotFoundError: there is no such account.
            WrongPasswordError: the password is not the account's.
            InvalidKeyError: the file is not a keystore.
        """
        entry = self.find(name_or_address)
        return _decrypt(_read(entry.path), password, entry.name)

    def _write(self, name: str, account: LocalAccount, password: str) -> AccountEntry:
        if not _NAME.fullmatch(name):
            raise InvalidKeyError(f"{name!r} cannot name an account; use letters, digits, '-', '_' and '.'")
        if not password:
            raise InvalidKeyError("an empty password does not protect a key; choose a longer one")
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.directory / f"{name}.json"
        content = Account.encrypt(account.key, password, kdf="scrypt", iterations=self._scrypt_n)
        content["address"] = account.address
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise AccountExistsError(f"{path} exists; choose another name or move the file away") from None
        with os.fdopen(handle, "w") as file:
            json.dump(content, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        return AccountEntry(name, account.address, path)

    def _entry(self, path: Path) -> AccountEntry:
        content = _read(path)
        try:
            return AccountEntry(path.stem, to_checksum_address(content["address"]), path)
        except (KeyError, ValueError, TypeError) as error:
            raise InvalidKeyError(f"{path} is not a keystore; move it out of the directory") from error


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InvalidKeyError(f"{path} cannot be read as a keystore; name a version 3 keystore file") from error
    if not isinstance(content, dict):
        raise InvalidKeyError(f"{path} is not a keystore; name a version 3 keystore file")
    return content


def _decrypt(content: Mapping[str, Any], password: str, name: str) -> LocalAccount:
    try:
        key = Account.decrypt(dict(content), password)
    except ValueError as error:
        if "MAC mismatch" in str(error):
            raise WrongPasswordError(f"the password does not open the account {name!r}; try again") from None
        raise InvalidKeyError(f"{name!r} is not a keystore ({error}); name a version 3 keystore file") from error
    except (KeyError, TypeError, NotImplementedError) as error:
        raise InvalidKeyError(f"{name!r} is not a keystore ({type(error).__name__}); name a version 3 keystore file") from error
    account: LocalAccount = Account.from_key(key)
    return account
