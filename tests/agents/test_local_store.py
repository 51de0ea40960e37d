"""The local store keeps whole blobs, checks them when reading, and survives kills and damage."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.agents.conftest import small_workload
from touchstone.commitment.roots import state_root
from touchstone.errors import CorruptDataError
from touchstone.store import LocalStore, cid_of, put_state, read_state
from touchstone.store.disk import page_aligned
from touchstone.store.errors import BlobNotFoundError, BlobTooLargeError, InvalidCidError


def test_a_blob_is_found_again_by_its_identifier(store: LocalStore) -> None:
    cid = store.put(b"hello")
    assert cid == cid_of(b"hello")
    assert store.get(cid) == b"hello"
    assert store.cids() == [cid]
    assert (store.size(cid), store.total_bytes()) == (5, 5)


def test_another_store_object_on_the_same_directory_sees_the_blob(store: LocalStore) -> None:
    cid = store.put_parts([b"hel", b"lo"])
    assert LocalStore(store.directory).get(cid) == b"hello"


def test_a_damaged_blob_is_detected_and_removed_so_that_it_can_be_fetched_again(store: LocalStore) -> None:
    cid = store.put(b"hello")
    store.path(cid).write_bytes(b"hellO")
    with pytest.raises(CorruptDataError, match="was damaged and has been removed"):
        store.get(cid)
    with pytest.raises(BlobNotFoundError, match="does not hold"):
        store.get(cid)


def test_a_blob_stored_under_the_wrong_identifier_is_found_out_when_it_is_read(store: LocalStore) -> None:
    store.put_hashed(b"right", cid_of(b"right"))
    assert store.get(cid_of(b"right")) == b"right"
    store.put_hashed(b"wrong", cid_of(b"other"))
    with pytest.raises(CorruptDataError):
        store.get(cid_of(b"other"))


@pytest.mark.parametrize("size", [1, 4095, 4096, 4097, 3 * 4096 + 5])
@pytest.mark.parametrize("offset", [0, 64])
def test_pages_written_past_the_cache_and_the_rest_come_back(store: LocalStore, size: int, offset: int) -> None:
    memory = page_aligned(size + offset)[offset:]
    memory[:] = np.random.default_rng(size).bytes(size)
    cid = cid_of(memory)
    store.put_hashed(memory, cid)
    assert store.get(cid) == bytes(memory)
    assert list(store.partial.iterdir()) == []


def test_a_file_system_that_refuses_to_write_past_the_cache_is_written_through_it(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, command: int, argument: int = 0) -> int:
        if command == fcntl.F_SETFL and argument & os.O_DIRECT:
            raise OSError(errno.EINVAL, "Invalid argument")
        return real(descriptor, command, argument)

    real = fcntl.fcntl
    monkeypatch.setattr(fcntl, "fcntl", refuse)
    memory = page_aligned(10_000)
    store.put_hashed(memory, cid_of(memory))
    assert store.get(cid_of(memory)) == bytes(memory)


def test_a_full_disk_leaves_no_blob(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    memory = page_aligned(10_000)
    with pytest.raises(OSError, match="No space left"):
        store.put_hashed(memory, cid_of(memory))
    assert store.cids() == [] and list(store.partial.iterdir()) == []


def test_bytes_that_do_not_hash_to_the_expected_identifier_are_not_kept(store: LocalStore) -> None:
    with pytest.raises(CorruptDataError, match="hash to"), store.writer(expected=cid_of(b"right")) as writer:
        writer.write(b"wrong")
    assert store.cids() == []
    assert list(store.partial.iterdir()) == []


def test_a_blob_over_the_limit_is_refused_while_it_arrives(store: LocalStore) -> None:
    with pytest.raises(BlobTooLargeError, match="exceeds 10 bytes"), store.writer(max_bytes=10) as writer:
        writer.write(b"0123456789")
        writer.write(b"0")
    assert store.cids() == []


@pytest.mark.parametrize("name", ["../roots/x", "/etc/passwd", "x"])
def test_no_name_leads_out_of_the_store(store: LocalStore, name: str) -> None:
    with pytest.raises(InvalidCidError):
        store.get(name)


def test_a_writer_killed_in_the_middle_leaves_no_blob(store: LocalStore) -> None:
    code = f"""
import os, signal
from touchstone.store import LocalStore
with LocalStore({str(store.directory)!r}).writer() as writer:
    writer.write(b"x" * 1_000_000)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", code], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert store.cids() == []


def test_a_state_is_found_by_its_root_and_read_back_bit_for_bit(store: LocalStore) -> None:
    workload = small_workload()
    root = state_root(workload.state)
    cid = put_state(store, workload.slot_names, workload.state, root)
    assert store.resolve(root) == cid
    state = read_state(store.get(cid), workload.program, root)
    assert [slot.tobytes() for slot in state] == [slot.tobytes() for slot in workload.state]


def test_a_state_that_is_not_the_committed_one_is_refused(store: LocalStore) -> None:
    workload = small_workload()
    root = state_root(workload.state)
    changed = [slot.copy() for slot in workload.state]
    changed[1].view(np.uint32)[599] ^= 1
    cid = put_state(store, workload.slot_names, changed, root)
    with pytest.raises(CorruptDataError, match="holds the state 0x"):
        read_state(store.get(cid), workload.program, root)


def test_a_blob_with_other_slots_than_the_program_is_refused(store: LocalStore) -> None:
    workload = small_workload()
    root = state_root(workload.state)
    cid = put_state(store, workload.slot_names, workload.state, root)
    with pytest.raises(CorruptDataError, match="not the slots of the program"):
        read_state(store.get(cid), small_workload(elements=601).program, root)


def test_an_unknown_root_is_reported_as_such(store: LocalStore) -> None:
    with pytest.raises(BlobNotFoundError, match="no blob is known for the state root 0x0101"):
        store.resolve(b"\x01" * 32)


def test_a_root_of_another_length_is_refused(store: LocalStore) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        store.link(b"short", store.put(b"x"))
    assert sorted(entry.name for entry in store.directory.iterdir()) == ["blobs", "partial", "roots"]


def test_a_file_can_be_stored_without_reading_it_at_once(store: LocalStore, tmp_path: Path) -> None:
    source = tmp_path / "big"
    source.write_bytes(os.urandom(3_000_000))
    assert store.put_file(source) == cid_of(source.read_bytes())
