"""Sending transactions on a real chain: simulated, decoded, journaled, never sent twice."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from eth_account import Account

from tests.agents.conftest import RECIPIENT, Ledger
from touchstone.chain.devnet import CHAIN_ID, development_accounts
from touchstone.chain.errors import ContractRevertError, InsufficientFundsError, JournalConflictError, TransactionPendingError
from touchstone.chain.headers import header_bytes
from touchstone.chain.journal import Journal, State
from touchstone.chain.permit import sign_permit
from touchstone.chain.sender import Sender, SendPolicy

FAST = SendPolicy(poll=0.02, resend_after=0.1, timeout=20)


def test_a_transaction_is_mined_and_its_events_are_decoded(ledger: Ledger, tmp_path: Path) -> None:
    receipt = ledger.sender(tmp_path / "j").execute(ledger.mint(7), "mint")
    event = receipt.event("Transfer")
    assert (event.contract, event.values["to"], event.values["value"]) == ("Token", RECIPIENT, 7)
    assert event.transaction == receipt.transaction
    assert ledger.minted == 7


def test_a_refused_call_shows_the_contracts_error_with_its_values_and_spends_nothing(ledger: Ledger, tmp_path: Path) -> None:
    sender = ledger.sender(tmp_path / "j")
    nonce = ledger.client.nonce(sender.address)
    with pytest.raises(ContractRevertError) as caught:
        sender.send(ledger.client.call("StakeVault", "unstake", 50), "unstake")
    assert caught.value.error == "InsufficientStake"
    assert caught.value.values == {"verifier": sender.address, "stake": 0, "needed": 50}
    assert str(caught.value) == (
        f"StakeVault.unstake reverts with InsufficientStake(verifier={sender.address}, stake=0, needed=50) (nothing was sent)"
    )
    assert ledger.client.nonce(sender.address, "pending") == nonce
    assert sender.journal.find("unstake") is None


def test_an_error_raised_inside_another_contract_is_decoded_too(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(ContractRevertError, match=r"ERC20InsufficientAllowance\(spender=0x\w+, allowance=0, needed=20\)"):
        ledger.sender(tmp_path / "j").send(ledger.client.call("StakeVault", "stake", 20))


def test_a_revert_on_chain_is_explained_with_the_transaction(ledger: Ledger, tmp_path: Path) -> None:
    owner, other = development_accounts(2)
    permit = sign_permit(ledger.client, owner, "Token", RECIPIENT, 60)
    use = ledger.client.call("Token", "permit", owner.address, RECIPIENT, 60, *permit)
    ledger.rpc("evm_setAutomine", False)
    sender = ledger.sender(tmp_path / "j", FAST)
    entry = sender.send(use, "permit")
    overtaking = {"type": 2, "chainId": CHAIN_ID, "nonce": 0, "to": use.address, "data": use.data, "value": 0, "gas": 200_000}
    signed = other.sign_transaction({**overtaking, "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 5 * 10**10})
    ledger.rpc("eth_sendRawTransaction", signed.raw_transaction.to_0x_hex())
    ledger.mine()
    with pytest.raises(ContractRevertError, match=r"Token.permit reverts with ERC2612InvalidSigner\(.*\) \(transaction 0x") as caught:
        sender.wait(entry)
    assert caught.value.transaction == sender.journal.attempts(entry.id)[0].hash
    found = sender.journal.find("permit")
    assert found is not None
    assert found.state is State.REVERTED


def test_a_reverted_transaction_is_sent_anew_when_asked_again(ledger: Ledger, tmp_path: Path) -> None:
    sender = ledger.sender(tmp_path / "j", FAST)
    first = sender.execute(ledger.mint(7), "mint")
    sender.journal.mark_mined(1, False, first.transaction, first.block, first.block_hash, first.gas_used)
    entry = sender.journal.find("mint")
    assert entry is not None
    sender.journal.retire(entry, State.REVERTED)
    second = sender.execute(ledger.mint(7), "mint")
    assert second.transaction != first.transaction
    assert ledger.minted == 14


def test_the_same_key_never_sends_a_second_transaction(ledger: Ledger, tmp_path: Path) -> None:
    sender = ledger.sender(tmp_path / "j")
    first = sender.execute(ledger.mint(7), "mint")
    second = sender.execute(ledger.mint(7), "mint")
    restarted = ledger.sender(tmp_path / "j").execute(ledger.mint(7), "mint")
    assert first.transaction == second.transaction == restarted.transaction
    assert ledger.minted == 7


def test_a_key_cannot_be_used_for_something_else(ledger: Ledger, tmp_path: Path) -> None:
    sender = ledger.sender(tmp_path / "j")
    sender.execute(ledger.mint(7), "mint")
    assert sender.send(ledger.mint(7), "mint").state is State.MINED
    sender.journal.mark_unmined(1)
    with pytest.raises(JournalConflictError, match="'mint' already stands for another mint transaction"):
        sender.send(ledger.mint(8), "mint")


KILLED = """
import os, sys
from pathlib import Path
from eth_account import Account
from touchstone.chain.client import ChainClient
from touchstone.chain.deployment import Deployment
from touchstone.chain.journal import Journal
from touchstone.chain.sender import Sender, SendPolicy

deployment, journal, key, point = sys.argv[1:]
client = ChainClient(deployment=Deployment.load(Path(deployment)))
die = lambda what, entry: os._exit(9) if what == point else None
sender = Sender(client, Account.from_key(key), Journal(journal), SendPolicy(poll=0.02), die)
sender.execute(client.call("Token", "mint", "0x00000000000000000000000000000000000000AA", 7), "mint")
"""


@pytest.mark.parametrize("point", ["signed", "sent", "mined"])
@pytest.mark.parametrize("resume", ["recover", "send again"])
def test_a_process_killed_at_any_point_sends_exactly_once_after_a_restart(ledger: Ledger, tmp_path: Path, point: str, resume: str) -> None:
    ledger.deployment.save(tmp_path / "deployment.json")
    arguments = [str(tmp_path / "deployment.json"), str(tmp_path / "j"), ledger.account.key.hex(), point]
    ended = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False)
    assert ended.returncode == 9
    sender = ledger.sender(tmp_path / "j", FAST)
    journaled = sender.journal.find("mint")
    assert journaled is not None
    if resume == "recover":
        sender.recover()
        receipt = sender.wait("mint")
    else:
        receipt = sender.execute(ledger.mint(7), "mint")
    assert receipt.transaction == sender.journal.attempts(journaled.id)[0].hash
    assert len(sender.journal.attempts(journaled.id)) == 1
    assert ledger.minted == 7


def test_a_transaction_that_was_never_sent_does_not_hold_back_later_ones(ledger: Ledger, tmp_path: Path) -> None:
    ledger.deployment.save(tmp_path / "deployment.json")
    arguments = [str(tmp_path / "deployment.json"), str(tmp_path / "j"), ledger.account.key.hex(), "signed"]
    subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False)
    ledger.sender(tmp_path / "j", FAST).execute(ledger.mint(100), "another")
    assert ledger.minted == 107


def test_a_reorganisation_does_not_lose_a_transaction(ledger: Ledger, tmp_path: Path) -> None:
    sender = ledger.sender(tmp_path / "j", FAST)
    before = sender.execute(ledger.mint(7), "mint")
    ledger.rpc("anvil_reorg", 1, [])
    assert ledger.minted == 0
    after = sender.execute(ledger.mint(7), "mint")
    assert after.transaction == before.transaction
    assert after.block_hash != before.block_hash
    assert ledger.minted == 7


def test_waiting_for_confirmations_survives_a_reorganisation(ledger: Ledger, tmp_path: Path) -> None:
    sender = ledger.sender(tmp_path / "j", FAST)
    entry = sender.send(ledger.mint(7), "mint")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(sender.wait, entry, None, 3)
        ledger.rpc("anvil_reorg", 1, [])
        while not ledger.minted:
            threading.Event().wait(0.02)
        ledger.mine(3)
        receipt = waiting.result(timeout=20)
    assert ledger.client.head() - receipt.block + 1 >= 3
    assert ledger.minted == 7


def test_recovering_puts_back_what_a_reorganisation_took_off(ledger: Ledger, tmp_path: Path) -> None:
    snapshot = ledger.rpc("evm_snapshot")
    sender = ledger.sender(tmp_path / "j", FAST)
    sender.execute(ledger.mint(7), "one")
    sender.execute(ledger.mint(8), "two")
    ledger.rpc("evm_revert", snapshot)
    assert ledger.minted == 0
    restarted = ledger.sender(tmp_path / "j", FAST)
    restarted.recover()
    restarted.wait("one")
    restarted.wait("two")
    assert ledger.minted == 15


def test_a_transaction_whose_nonce_was_taken_is_sent_under_another(ledger: Ledger, tmp_path: Path) -> None:
    ledger.rpc("evm_setAutomine", False)
    sender = ledger.sender(tmp_path / "j", FAST)
    entry = sender.send(ledger.mint(7), "mint")
    ledger.rpc("anvil_dropAllTransactions")
    foreign = Sender(ledger.client, ledger.account, Journal(tmp_path / "other"), FAST)
    taken = foreign.send(ledger.mint(100), "foreign")
    assert taken.nonce == entry.nonce
    ledger.mine(5)
    ledger.rpc("evm_setAutomine", True)
    receipt = sender.wait("mint")
    found = sender.journal.find("mint")
    assert found is not None
    assert found.nonce == entry.nonce + 1
    assert receipt.transaction == found.hash
    assert ledger.minted == 107


def test_the_fee_of_a_waiting_transaction_is_raised_and_it_runs_once(ledger: Ledger, tmp_path: Path) -> None:
    ledger.rpc("evm_setAutomine", False)
    sender = ledger.sender(tmp_path / "j", SendPolicy(poll=0.02, bump_after=0.2, timeout=1.0))
    entry = sender.send(ledger.mint(7), "mint")
    with pytest.raises(TransactionPendingError, match="it is journaled, run the command again"):
        sender.wait(entry)
    attempts = sender.journal.attempts(entry.id)
    assert len(attempts) >= 2
    assert all(newer.max_fee * 8 > older.max_fee * 9 for newer, older in itertools.pairwise(attempts))
    ledger.mine(2)
    assert sender.wait("mint").transaction == attempts[0].hash
    assert ledger.minted == 7


def test_fees_are_never_raised_above_the_limit(ledger: Ledger, tmp_path: Path) -> None:
    ledger.rpc("evm_setAutomine", False)
    limit = 3 * 10**9
    sender = ledger.sender(tmp_path / "j", SendPolicy(poll=0.02, bump_after=0.1, timeout=0.5, max_fee=limit))
    entry = sender.send(ledger.mint(7))
    with pytest.raises(TransactionPendingError):
        sender.wait(entry)
    assert max(attempt.max_fee for attempt in sender.journal.attempts(entry.id)) <= limit


def test_many_threads_of_one_sender_never_share_a_nonce(ledger: Ledger, tmp_path: Path) -> None:
    sender = ledger.sender(tmp_path / "j", FAST)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: sender.execute(ledger.mint(1 << i), f"mint {i}"), range(12)))
    assert ledger.minted == (1 << 12) - 1
    nonces = [entry.nonce for entry in sender.journal.entries()]
    assert len(set(nonces)) == 12


def test_many_threads_asking_for_the_same_thing_send_it_once(ledger: Ledger, tmp_path: Path) -> None:
    sender = ledger.sender(tmp_path / "j", FAST)
    with ThreadPoolExecutor(4) as pool:
        receipts = list(pool.map(lambda _: sender.execute(ledger.mint(7), "mint"), range(8)))
    assert len({receipt.transaction for receipt in receipts}) == 1
    assert ledger.minted == 7


def test_an_account_without_ether_is_told_so_before_anything_is_signed(ledger: Ledger, tmp_path: Path) -> None:
    poor = Sender(ledger.client, Account.create(), Journal(tmp_path / "j"))
    with pytest.raises(InsufficientFundsError, match=r"fund it|some of the chain's currency"):
        poor.send(ledger.mint(1), "mint")
    assert poor.journal.entries() == []


def test_a_preview_sends_nothing(ledger: Ledger, tmp_path: Path) -> None:
    sender = ledger.sender(tmp_path / "j")
    preview = sender.preview(ledger.mint(7))
    assert preview.gas > 30_000
    assert preview.cost > preview.gas
    assert sender.journal.entries() == []
    assert ledger.minted == 0


def test_a_journal_of_another_chain_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    Journal(tmp_path / "j").bind("0x" + "12" * 32)
    with pytest.raises(JournalConflictError, match="belongs to the chain that starts with block 0x1212"):
        ledger.sender(tmp_path / "j").send(ledger.mint(1))


def test_sending_inside_a_journal_transaction_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    sender = ledger.sender(tmp_path / "j")
    with sender.journal.exclusive(), pytest.raises(RuntimeError, match="must not run inside"):
        sender.send(ledger.mint(1))


def test_a_permit_replaces_an_approval(ledger: Ledger, tmp_path: Path) -> None:
    sender = ledger.sender(tmp_path / "j")
    sender.execute(ledger.client.call("Token", "mint", sender.address, 100))
    vault = ledger.client.contract("StakeVault").address
    permit = sign_permit(ledger.client, ledger.account, "Token", vault, 60)
    sender.execute(ledger.client.call("StakeVault", "depositWithPermit", 60, *permit))
    assert ledger.client.read("StakeVault", "balanceOf", sender.address) == 60


def test_the_header_of_a_block_hashes_to_the_blocks_hash(ledger: Ledger) -> None:
    ledger.mine(2)
    for number in (0, 1, ledger.client.head()):
        assert len(header_bytes(ledger.client, number)) > 500


WRONG_ARGUMENTS: list[tuple[str, Callable[[Ledger], object]]] = [
    ("too few", lambda ledger: ledger.client.call("Token", "mint", RECIPIENT)),
    ("wrong type", lambda ledger: ledger.client.call("Token", "mint", RECIPIENT, "seven")),
    ("out of range", lambda ledger: ledger.client.call("Token", "mint", RECIPIENT, 1 << 256)),
]


@pytest.mark.parametrize(("name", "build"), WRONG_ARGUMENTS, ids=[name for name, _ in WRONG_ARGUMENTS])
def test_arguments_that_do_not_fit_are_refused_with_the_signature(ledger: Ledger, name: str, build: Callable[[Ledger], object]) -> None:
    with pytest.raises(TypeError, match=r"do not fit mint\(address, uint256\)"):
        build(ledger)


def test_the_journal_survives_being_opened_by_two_processes(ledger: Ledger, tmp_path: Path) -> None:
    ledger.deployment.save(tmp_path / "deployment.json")
    code = KILLED.replace('"mint")', 'f"mint {os.getpid()}")')
    arguments = [str(tmp_path / "deployment.json"), str(tmp_path / "j"), ledger.account.key.hex(), "never"]
    running = [subprocess.Popen([sys.executable, "-c", code, *arguments], env=os.environ) for _ in range(2)]
    assert [process.wait(timeout=60) for process in running] == [0, 0]
    assert ledger.minted == 14
