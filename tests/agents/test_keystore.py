"""Encrypted accounts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from eth_account import Account

from touchstone.chain.errors import AccountExistsError, AccountNotFoundError, InvalidKeyError, WrongPasswordError
from touchstone.chain.keystore import KeystoreDirectory

KEY = "0x" + "46" * 32


@pytest.fixture
def keystore(tmp_path: Path) -> KeystoreDirectory:
    return KeystoreDirectory(tmp_path / "keys", scrypt_n=1 << 10)


def test_a_new_account_opens_with_its_password(keystore: KeystoreDirectory) -> None:
    entry = keystore.create("alice", "secret")
    assert keystore.unlock("alice", "secret").address == entry.address
    assert keystore.unlock(entry.address.lower(), "secret").address == entry.address
    assert [each.name for each in keystore.list()] == ["alice"]


def test_a_wrong_password_is_told_apart_from_a_broken_file(keystore: KeystoreDirectory) -> None:
    entry = keystore.create("alice", "secret")
    with pytest.raises(WrongPasswordError, match="does not open the account 'alice'"):
        keystore.unlock("alice", "Secret")
    content = json.loads(entry.path.read_text())
    del content["crypto"]["kdfparams"]
    entry.path.write_text(json.dumps(content))
    with pytest.raises(InvalidKeyError, match="is not a keystore"):
        keystore.unlock("alice", "secret")


def test_an_imported_key_gives_its_own_address(keystore: KeystoreDirectory) -> None:
    assert keystore.import_key("bob", KEY, "secret").address == Account.from_key(KEY).address
    assert keystore.unlock("bob", "secret").key.hex().removeprefix("0x") == KEY[2:]


def test_a_keystore_file_of_other_software_is_taken_over(keystore: KeystoreDirectory, tmp_path: Path) -> None:
    foreign = tmp_path / "UTC--x"
    foreign.write_text(json.dumps(Account.encrypt(KEY, "secret", kdf="pbkdf2", iterations=1000)))
    assert keystore.import_file("carol", foreign, "secret").address == Account.from_key(KEY).address
    with pytest.raises(WrongPasswordError):
        keystore.import_file("dave", foreign, "other")


def test_the_key_never_stands_in_the_file_nor_the_file_open_to_others(keystore: KeystoreDirectory) -> None:
    entry = keystore.import_key("bob", KEY, "secret")
    assert KEY[2:] not in entry.path.read_text()
    assert entry.path.stat().st_mode & 0o077 == 0


def test_an_account_is_never_overwritten(keystore: KeystoreDirectory) -> None:
    before = keystore.create("alice", "secret").path.read_text()
    with pytest.raises(AccountExistsError, match="choose another name"):
        keystore.create("alice", "other")
    assert keystore.find("alice").path.read_text() == before


def test_an_unknown_account_is_reported_with_those_that_are_there(keystore: KeystoreDirectory) -> None:
    keystore.create("alice", "secret")
    with pytest.raises(AccountNotFoundError, match=r"no account 'bob' .*there: alice"):
        keystore.find("bob")


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 65])
def test_names_that_are_not_file_names_are_refused(keystore: KeystoreDirectory, name: str) -> None:
    with pytest.raises(InvalidKeyError, match="cannot name an account"):
        keystore.create(name, "secret")


def test_an_empty_password_is_refused(keystore: KeystoreDirectory) -> None:
    with pytest.raises(InvalidKeyError, match="empty password"):
        keystore.create("alice", "")


@pytest.mark.parametrize("text", ["", "xyz", "0x1234", "00" * 32, KEY + "00"])
def test_what_is_not_a_key_is_refused_without_repeating_it(keystore: KeystoreDirectory, text: str) -> None:
    with pytest.raises(InvalidKeyError) as caught:
        keystore.import_key("bob", text, "secret")
    assert not text or text not in str(caught.value)
    assert caught.value.__cause__ is None
