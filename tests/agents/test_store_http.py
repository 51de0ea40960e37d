"""Stores over HTTP: several sources, broken and lying ones among them, limits, and downloads that go on where they stopped."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest
import requests

from tests.agents.conftest import small_workload
from tests.agents.web import send, served
from touchstone.commitment.roots import state_root
from touchstone.errors import CorruptDataError
from touchstone.store import Fetcher, Limits, LocalStore, Package, RemoteStore, StoreServer, cid_of, put_state
from touchstone.store.errors import BlobNotFoundError, BlobTooLargeError, InvalidPackageError, PortInUseError, StoreUnavailableError

BLOB = os.urandom(700_000)
CID = cid_of(BLOB)


@pytest.fixture
def remote(tmp_path: Path) -> LocalStore:
    """The store that is served."""
    store = LocalStore(tmp_path / "remote")
    store.put(BLOB)
    return store


@pytest.fixture
def url(remote: LocalStore) -> Iterator[str]:
    with StoreServer(remote) as server:
        yield server.url


@pytest.fixture
def open_url(remote: LocalStore) -> Iterator[str]:
    """A server that takes uploads of up to a million bytes."""
    with StoreServer(remote, limits=Limits(uploads=True, blob_bytes=1_000_000, store_bytes=2_000_000)) as server:
        yield server.url


def dead_url() -> str:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def fetcher(store: LocalStore, *urls: str) -> Fetcher:
    return Fetcher(store, urls, pause=0.01)


def test_a_blob_travels_from_one_store_to_another(store: LocalStore, url: str) -> None:
    seen: list[tuple[int, int | None]] = []
    assert fetcher(store, url).get(CID, progress=lambda done, total: seen.append((done, total))) == BLOB
    assert store.has(CID)
    assert seen[-1] == (len(BLOB), len(BLOB))


def test_what_is_in_the_local_store_is_not_asked_for(store: LocalStore) -> None:
    store.put(BLOB)
    assert fetcher(store, dead_url()).get(CID) == BLOB


def test_a_dead_source_is_passed_over(store: LocalStore, url: str) -> None:
    assert fetcher(store, dead_url(), url).get(CID) == BLOB


def test_a_source_without_the_blob_is_passed_over(store: LocalStore, url: str, tmp_path: Path) -> None:
    with StoreServer(LocalStore(tmp_path / "empty")) as empty:
        assert fetcher(store, empty.url, url).get(CID) == BLOB


def test_corrupted_bytes_are_detected_and_another_source_is_asked(store: LocalStore, url: str) -> None:
    wrong = BLOB[:-1] + bytes([BLOB[-1] ^ 1])
    with served(lambda handler: send(handler, wrong)) as liar:
        assert fetcher(store, liar, url).get(CID) == BLOB


def test_corrupted_bytes_from_the_only_source_are_never_handed_out(store: LocalStore) -> None:
    with served(lambda handler: send(handler, b"junk")) as liar, pytest.raises(CorruptDataError, match="do not hash to") as caught:
        fetcher(store, liar).get(CID)
    assert "\n" not in str(caught.value)
    assert not store.has(CID)


def test_a_broken_connection_is_resumed_where_it_stopped(store: LocalStore) -> None:
    asked: list[str | None] = []

    def break_twice(handler: BaseHTTPRequestHandler) -> None:
        wanted = handler.headers.get("Range")
        asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        rest = BLOB[start:]
        sent = rest[:250_000] if len(asked) < 3 else rest
        extra = {"Content_Range": f"bytes {start}-{len(BLOB) - 1}/{len(BLOB)}"} if start else {}
        send(handler, sent, 206 if start else 200, len(rest), **extra)

    with served(break_twice) as url:
        assert fetcher(store, url).get(CID) == BLOB
    assert asked[0] is None
    assert len(asked) == 3
    starts = [int(str(each).removeprefix("bytes=").removesuffix("-")) for each in asked[1:]]
    assert 0 < starts[0] < starts[1] < len(BLOB)


def test_a_download_begun_by_a_killed_process_is_finished(store: LocalStore, url: str) -> None:
    (store.partial / f"{CID}.part").write_bytes(BLOB[:500_000])
    received: list[int] = []
    assert fetcher(store, url).get(CID, progress=lambda done, _total: received.append(done)) == BLOB
    assert received[0] > 500_000


def test_a_damaged_beginning_does_not_spoil_an_honest_source(store: LocalStore, url: str) -> None:
    (store.partial / f"{CID}.part").write_bytes(b"junk" * 1000)
    assert fetcher(store, url).get(CID) == BLOB


def test_a_complete_but_unadopted_download_is_adopted(store: LocalStore, url: str) -> None:
    (store.partial / f"{CID}.part").write_bytes(BLOB)
    assert fetcher(store, url).get(CID) == BLOB


def test_a_source_that_ignores_ranges_is_read_from_the_start(store: LocalStore) -> None:
    (store.partial / f"{CID}.part").write_bytes(BLOB[:1000])
    with served(lambda handler: send(handler, BLOB)) as url:
        assert fetcher(store, url).get(CID) == BLOB


def test_a_source_that_sends_without_end_is_cut_off(store: LocalStore) -> None:
    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x" * 65_536)
        except OSError:
            handler.close_connection = True

    with served(flood) as url, pytest.raises(BlobTooLargeError, match="more than the 1000000 bytes"):
        fetcher(store, url).get(CID, max_bytes=1_000_000)


def test_redirects_are_not_followed(store: LocalStore, url: str) -> None:
    with (
        served(lambda handler: send(handler, b"", 302, Location=f"{url}/ipfs/{CID}")) as sly,
        pytest.raises(StoreUnavailableError, match="answers 302"),
    ):
        fetcher(store, sly).get(CID)


def test_when_nobody_answers_the_error_names_everybody(store: LocalStore) -> None:
    first, second = dead_url(), dead_url()
    with pytest.raises(StoreUnavailableError) as caught:
        fetcher(store, first, second).get(CID)
    assert first in str(caught.value)
    assert second in str(caught.value)


def test_when_nobody_has_it_the_error_says_so(store: LocalStore, url: str) -> None:
    with pytest.raises(BlobNotFoundError, match="does not have"):
        fetcher(store, url).get(cid_of(b"something else"))
    with pytest.raises(BlobNotFoundError, match="no other store is known"):
        Fetcher(store, []).get(CID)


def test_a_damaged_local_copy_is_fetched_again(store: LocalStore, url: str) -> None:
    store.put(BLOB)
    store.path(CID).write_bytes(b"junk")
    assert fetcher(store, url).get(CID) == BLOB


def test_a_whole_package_is_fetched_and_served_on(store: LocalStore, remote: LocalStore, url: str) -> None:
    package = Package.from_workload(small_workload())
    cid = package.publish(remote)
    totals: list[int] = []
    fetched = Package.fetch(cid, fetcher(store, url), progress=lambda done, _total: totals.append(done))
    assert fetched.manifest == package.manifest
    assert totals == sorted(totals)
    assert Package.fetch(cid, Fetcher(store, [])).manifest == package.manifest


def test_a_package_over_the_limit_is_refused_before_its_files_are_fetched(store: LocalStore, remote: LocalStore, url: str) -> None:
    cid = Package.from_workload(small_workload()).publish(remote)
    with pytest.raises(InvalidPackageError, match="more than the 5000 allowed"):
        Package.fetch(cid, fetcher(store, url), max_bytes=5000)
    assert store.cids() == [cid]


def test_a_state_is_found_by_its_root_in_another_store(store: LocalStore, remote: LocalStore, url: str) -> None:
    workload = small_workload()
    root = state_root(workload.state)
    put_state(remote, workload.slot_names, workload.state, root)
    state = fetcher(store, url).state(root, workload.program)
    assert [slot.tobytes() for slot in state] == [slot.tobytes() for slot in workload.state]
    assert store.resolve(root) == remote.resolve(root)


def test_a_store_that_links_a_root_to_another_state_is_passed_over(store: LocalStore, remote: LocalStore, url: str, tmp_path: Path) -> None:
    workload = small_workload()
    root = state_root(workload.state)
    liar = LocalStore(tmp_path / "liar")
    put_state(liar, workload.slot_names, [slot + np.asarray(1, slot.dtype) for slot in workload.state], root)
    with StoreServer(liar) as lying:
        with pytest.raises(CorruptDataError, match="holds the state"):
            fetcher(store, lying.url).state(root, workload.program)
        put_state(remote, workload.slot_names, workload.state, root)
        state = fetcher(store, lying.url, url).state(root, workload.program)
    assert state_root(state) == root


def test_an_upload_is_stored_linked_and_served(open_url: str, store: LocalStore, tmp_path: Path) -> None:
    workload = small_workload()
    root = state_root(workload.state)
    cid = put_state(store, workload.slot_names, workload.state, root)
    client = RemoteStore(open_url)
    client.upload(cid, store.path(cid))
    client.upload(cid, store.path(cid))
    client.link(root, cid)
    assert client.resolve(root) == cid
    other = LocalStore(tmp_path / "other")
    assert state_root(fetcher(other, open_url).state(root, workload.program)) == root


def test_a_root_can_only_be_linked_to_the_state_that_has_it(open_url: str, store: LocalStore) -> None:
    workload = small_workload()
    cid = put_state(store, workload.slot_names, workload.state, state_root(workload.state))
    client = RemoteStore(open_url)
    client.upload(cid, store.path(cid))
    with pytest.raises(CorruptDataError, match="holds the state 0x"):
        client.link(b"\x07" * 32, cid)
    with pytest.raises(BlobNotFoundError):
        client.resolve(b"\x07" * 32)


def test_uploads_are_off_unless_asked_for(url: str, store: LocalStore) -> None:
    cid = store.put(b"new")
    with pytest.raises(StoreUnavailableError, match=r"403.*accepts no uploads"):
        RemoteStore(url).upload(cid, store.path(cid))


def test_an_upload_that_does_not_hash_to_its_name_is_refused(open_url: str, remote: LocalStore) -> None:
    name = cid_of(b"right")
    answer = requests.put(f"{open_url}/ipfs/{name}", data=b"wrong", timeout=5)
    assert answer.status_code == 422
    assert answer.json()["error"] == "CorruptDataError"
    assert not remote.has(name)


def test_an_upload_over_the_limit_is_refused_whether_announced_or_not(open_url: str, remote: LocalStore) -> None:
    big = b"x" * 1_000_001
    name = cid_of(big)
    assert requests.put(f"{open_url}/ipfs/{name}", data=big, timeout=5).status_code == 413
    chunked = requests.put(f"{open_url}/ipfs/{name}", data=iter([big[:500_000], big[500_000:]]), timeout=5)
    assert chunked.status_code == 413
    assert not remote.has(name)


def test_a_full_store_takes_no_more(open_url: str) -> None:
    for seed in (b"a", b"b"):
        blob = seed * 900_000
        status = requests.put(f"{open_url}/ipfs/{cid_of(blob)}", data=blob, timeout=5).status_code
    assert status == 413


@pytest.mark.parametrize("path", ["/ipfs/x", "/ipfs/..%2froots", "/roots/xyz", "/roots/" + "A" * 64])
def test_names_that_are_not_identifiers_are_refused(url: str, path: str) -> None:
    answer = requests.get(url + path, timeout=5)
    assert answer.status_code in (400, 404)


def test_a_part_of_a_blob_can_be_asked_for(url: str) -> None:
    answer = requests.get(f"{url}/ipfs/{CID}", headers={"Range": "bytes=100-199"}, timeout=5)
    assert (answer.status_code, answer.content) == (206, BLOB[100:200])
    assert answer.headers["Content-Range"] == f"bytes 100-199/{len(BLOB)}"


def test_a_port_in_use_is_reported_with_the_port(url: str, store: LocalStore) -> None:
    port = int(url.rpartition(":")[2])
    with pytest.raises(PortInUseError, match=f"127.0.0.1:{port} is taken"):
        StoreServer(store, port=port).start()


def test_a_stopped_server_frees_its_port(store: LocalStore) -> None:
    with StoreServer(store) as first:
        port = int(first.url.rpartition(":")[2])
    with StoreServer(store, port=port) as second:
        assert RemoteStore(second.url).check_health()["service"] == "touchstone-store"


@pytest.mark.parametrize("address", ["ftp://x", "nonsense", "http://"])
def test_what_is_not_an_address_is_refused(address: str) -> None:
    with pytest.raises(StoreUnavailableError, match="not the address of a store"):
        RemoteStore(address)
