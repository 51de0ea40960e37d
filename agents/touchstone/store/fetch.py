"""Fetching from several stores: retried, resumed, and checked before anything is used."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from touchstone.errors import CorruptDataError, TouchstoneError
from touchstone.machine.program import Program
from touchstone.machine.workload import Array
from touchstone.store.cid import Cid, parse_cid
from touchstone.store.errors import BlobNotFoundError, BlobTooLargeError, InvalidTensorFileError, StoreUnavailableError
from touchstone.store.local import LocalStore
from touchstone.store.remote import RemoteStore
from touchstone.store.states import read_state

Progress = Callable[[int, int | None], None]
"""Called with the bytes received so far and the blob's length, if known."""


class Fetcher:
    """Brings blobs into a local store from the first source that has them.

    A source that fails is tried again in the next round, up to ``attempts`` rounds with growing pauses (``pause`` seconds, doubled); one
    that lacks the blob, or sends bytes that do not hash to it, is not asked again. A download that broke, in this process or an earlier
    one, goes on where it stopped.
    """

    def __init__(self, store: LocalStore, sources: Sequence[str | RemoteStore], attempts: int = 3, pause: float = 0.2) -> None:
        self.store = store
        self.sources = [source if isinstance(source, RemoteStore) else RemoteStore(source) for source in sources]
        self._attempts = attempts
        self._pause = pause

    def fetch(self, cid: str, max_bytes: int | None = None, progress: Progress | None = None) -> Cid:
        """Make sure the local store holds the blob.

        Raises:
            InvalidCidError: ``cid`` is not an identifier.
            CorruptDataError: a source sent wrong bytes, and none sent the right ones.
            BlobTooLargeError: the blob is longer than ``max_bytes``.
            BlobNotFoundError: no source has it.
            StoreUnavailableError: no source answers.
        """
        wanted = parse_cid(cid)
        if self.store.has(wanted):
            return wanted
        with self._partial(wanted) as file:
            if not self.store.has(wanted):
                self._fetch_into(file, wanted, max_bytes, progress)
        return wanted

    def get(self, cid: str, max_bytes: int | None = None, progress: Progress | None = None) -> bytes:
        """The bytes of a blob, fetched if needed (again, if the local copy was damaged). Raises as :meth:`fetch`."""
        self.fetch(cid, max_bytes, progress)
        try:
            return self.store.get(cid)
        except CorruptDataError:
            self.fetch(cid, max_bytes, progress)
            return self.store.get(cid)

    def state(self, root: bytes, program: Program, max_bytes: int | None = None, progress: Progress | None = None) -> list[Array]:
        """The state of ``program`` with this root, checked against it; afterwards the local store holds and serves it, too.

        Raises:
            CorruptDataError: a source linked the root to another state, and none to the right one.
            BlobNotFoundError: no source knows the root.
            StoreUnavailableError: no source answers.
        """
        failures: dict[str, TouchstoneError] = {}
        for name, resolve in self._indexes():
            try:
                cid = resolve(root)
                state = read_state(self.get(cid, max_bytes, progress), program, root)
            except (CorruptDataError, InvalidTensorFileError, BlobNotFoundError, BlobTooLargeError, StoreUnavailableError) as error:
                failures[name] = error
                continue
            self.store.link(root, cid)
            return state
        raise _summary(f"the state 0x{root.hex()}", failures)

    def _indexes(self) -> list[tuple[str, Callable[[bytes], Cid]]]:
        local: list[tuple[str, Callable[[bytes], Cid]]] = [("the local store", self.store.resolve)]
        return local + [(source.url, source.resolve) for source in self.sources]

    @contextmanager
    def _partial(self, cid: Cid) -> Iterator[BinaryIO]:
        """The unfinished download of a blob, locked against other processes that fetch the same."""
        with (self.store.partial / f"{cid}.part").open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def _fetch_into(self, file: BinaryIO, cid: Cid, max_bytes: int | None, progress: Progress | None) -> None:
        failures: dict[str, TouchstoneError] = {}
        remaining = list(self.sources)
        for attempt in range(self._attempts):
            if attempt and remaining:
                time.sleep(self._pause * 2 ** (attempt - 1))
            for source in list(remaining):
                try:
                    self._fetch_from(source, file, cid, max_bytes, progress)
                    return
                except StoreUnavailableError as error:
                    failures[source.url] = error
                except (BlobNotFoundError, BlobTooLargeError, CorruptDataError) as error:
                    failures[source.url] = error
                    remaining.remove(source)
        raise _summary(cid, failures)

    def _fetch_from(self, source: RemoteStore, file: BinaryIO, cid: Cid, max_bytes: int | None, progress: Progress | None) -> None:
        path = self.store.partial / f"{cid}.part"
        resumed = _download(source, file, cid, max_bytes, progress)
        if self.store.adopt(path, cid):
            return
        # The wrong bytes may be those of an earlier source or of a file cut short by a crash: this one gets a clean try.
        file.truncate(0)
        if resumed:
            _download(source, file, cid, max_bytes, progress)
            if self.store.adopt(path, cid):
                return
            file.truncate(0)
        raise CorruptDataError(f"{source.url} sent bytes that do not hash to {cid}; use another store")


def _download(source: RemoteStore, file: BinaryIO, cid: Cid, max_bytes: int | None, progress: Progress | None) -> bool:
    """Append what is missing of a blob to ``file``. Returns whether the file already held a part of it."""
    file.seek(0, 2)
    held = file.tell()
    with source.download(cid, held) as answer:
        if answer.start != held:
            file.truncate(answer.start)
        done = answer.start
        _check_size(source, cid, answer.total, max_bytes)
        for piece in answer.pieces:
            done += len(piece)
            _check_size(source, cid, done, max_bytes)
            file.write(piece)
            if progress is not None:
                progress(done, answer.total)
    file.flush()
    return held > 0 and answer.start == held


def _check_size(source: RemoteStore, cid: Cid, size: int | None, max_bytes: int | None) -> None:
    if max_bytes is not None and size is not None and size > max_bytes:
        raise BlobTooLargeError(f"{cid} at {source.url} has more than the {max_bytes} bytes expected; raise the limit or refuse the job")


def _summary(what: str, failures: dict[str, TouchstoneError]) -> TouchstoneError:
    """One error for the failures of all sources; the most telling kind first."""
    if not failures:
        return BlobNotFoundError(f"{what} is not in the local store and no other store is known; name one")
    reasons = ". ".join(f"{url}: {error}" for url, error in failures.items())
    for kind in (CorruptDataError, BlobTooLargeError, StoreUnavailableError):
        if any(isinstance(error, kind) for error in failures.values()):
            return kind(f"{what} could not be fetched; {reasons}")
    return BlobNotFoundError(f"{what} could not be fetched; {reasons}")
