"""The local store: a directory of blobs named by their content identifiers, and an index from state roots to blobs.

Layout: ``blobs/<cid>``, ``roots/<root>`` (a text file holding a cid), ``partial/`` (files being written). Every write goes to ``partial``
and is renamed into place, so a reader, or a process started after a crash, sees a whole blob or none. Several processes may share a
directory.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from touchstone.errors import CorruptDataError
from touchstone.store.cid import Buffer, Cid, CidBuilder, cid_of_parts, parse_cid
from touchstone.store.disk import flush_to_disk, write_all
from touchstone.store.errors import BlobNotFoundError, BlobTooLargeError, InvalidCidError

READ_BYTES = 1 << 20
ROOT_BYTES = 32


class BlobWriter:
    """Collects one blob; :meth:`LocalStore.writer` makes it and files the blob when the block ends without an error."""

    def __init__(self, file: BinaryIO, max_bytes: int | None) -> None:
        self._file = file
        self._builder = CidBuilder()
        self._max_bytes = max_bytes
        self.size = 0

    def write(self, data: Buffer) -> None:
        """Append ``data``. Raises BlobTooLargeError beyond the writer's limit."""
        self.size += memoryview(data).nbytes
        if self._max_bytes is not None and self.size > self._max_bytes:
            raise BlobTooLargeError(f"the blob exceeds {self._max_bytes} bytes; raise the limit or send a smaller one")
        self._builder.update(data)
        self._file.write(data)

    def finish(self) -> Cid:
        """The identifier of what was written."""
        return self._builder.finish()


class LocalStore:
    """Blobs on disk, checked against their identifiers whenever they are read."""

    def __init__(self, directory: Path | str) -> None:
        self.directory = Path(directory)
        self._blobs = self.directory / "blobs"
        self._roots = self.directory / "roots"
        self.partial = self.directory / "partial"
        for folder in (self._blobs, self._roots, self.partial):
            folder.mkdir(parents=True, exist_ok=True)

    def put(self, data: Buffer) -> Cid:
        """Store ``data`` and return its identifier."""
        return self.put_parts([data])

    def put_hashed(self, data: Buffer, cid: Cid) -> None:
        """Store ``data``, whose identifier the caller has computed; as with every blob, it is checked when it is read."""
        with self._partial_file() as (file, path):
            write_all(file, data)
            flush_to_disk(file)
            path.replace(self._blobs / cid)

    def put_parts(self, parts: Iterable[Buffer]) -> Cid:
        """Store the concatenation of ``parts``, which are read once, and return its identifier."""
        with self.writer() as writer:
            for part in parts:
                writer.write(part)
        return writer.finish()

    def put_file(self, path: Path) -> Cid:
        """Store a copy of a file and return its identifier."""
        return self.put_parts(_read_pieces(path))

    @contextmanager
    def writer(self, expected: Cid | None = None, max_bytes: int | None = None) -> Iterator[BlobWriter]:
        """A writer whose blob is stored when the block ends.

        Raises:
            CorruptDataError: at the end of the block, when the bytes do not hash to ``expected``; nothing is stored.
            BlobTooLargeError: from ``write``, when more than ``max_bytes`` arrive; nothing is stored.
        """
        with self._partial_file() as (file, path):
            writer = BlobWriter(file, max_bytes)
            yield writer
            flush_to_disk(file)
            cid = writer.finish()
            if expected is not None and cid != expected:
                raise CorruptDataError(f"the bytes hash to {cid}, not to {expected}; send the blob again")
            path.replace(self._blobs / cid)

    def adopt(self, path: Path, cid: Cid) -> bool:
        """Move a finished file on the same file system into the store if it hashes to ``cid``; returns whether it did."""
        if cid_of_parts(_read_pieces(path)) != cid:
            return False
        path.replace(self._blobs / cid)
        return True

    def has(self, cid: str) -> bool:
        """Whether the blob is there; its bytes are not checked."""
        return self._path(cid).exists()

    def size(self, cid: str) -> int:
        """Length of a blob in bytes. Raises BlobNotFoundError."""
        return self._existing(cid).stat().st_size

    def path(self, cid: str) -> Path:
        """Where a blob lies. Raises BlobNotFoundError. The file must not be changed; its bytes are not checked."""
        return self._existing(cid)

    def get(self, cid: str) -> bytes:
        """The bytes of a blob.

        Raises:
            BlobNotFoundError: the store does not have it.
            CorruptDataError: the file on disk was damaged. It has been removed, so that the blob can be fetched again.
        """
        path = self._existing(cid)
        data = path.read_bytes()
        if cid_of_parts([data]) != cid:
            path.unlink(missing_ok=True)
            raise CorruptDataError(f"the stored file of {cid} was damaged and has been removed; fetch the blob again")
        return data

    def delete(self, cid: str) -> None:
        """Remove a blob; does nothing when it is not there."""
        self._path(cid).unlink(missing_ok=True)

    def cids(self) -> list[Cid]:
        """Identifiers of all blobs, sorted."""
        return sorted(Cid(entry.name) for entry in self._blobs.iterdir())

    def total_bytes(self) -> int:
        """Bytes of all blobs together."""
        return sum(entry.stat().st_size for entry in self._blobs.iterdir())

    def link(self, root: bytes, cid: Cid) -> None:
        """Record that blob ``cid`` holds the state with this root.

        The caller vouches for it; whoever fetches the state checks it again. Raises BlobNotFoundError when the blob is not there.
        """
        self._existing(cid)
        target = self._root_path(root)
        handle, name = tempfile.mkstemp(dir=self.partial)
        with os.fdopen(handle, "w") as file:
            file.write(cid)
        Path(name).replace(target)

    def resolve(self, root: bytes) -> Cid:
        """The blob linked to a state root. Raises BlobNotFoundError when there is none."""
        try:
            return parse_cid(self._root_path(root).read_text().strip())
        except (FileNotFoundError, InvalidCidError):
            raise BlobNotFoundError(f"no blob is known for the state root 0x{root.hex()}; ask another store") from None

    @contextmanager
    def _partial_file(self) -> Iterator[tuple[BinaryIO, Path]]:
        """A new file in ``partial``; removed at the end of the block unless it has been moved away."""
        handle, name = tempfile.mkstemp(dir=self.partial)
        path = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file, path
        finally:
            path.unlink(missing_ok=True)

    def _path(self, cid: str) -> Path:
        return self._blobs / parse_cid(cid)

    def _existing(self, cid: str) -> Path:
        path = self._path(cid)
        if not path.exists():
            raise BlobNotFoundError(f"{self.directory} does not hold {cid}; fetch it from another store")
        return path

    def _root_path(self, root: bytes) -> Path:
        if len(root) != ROOT_BYTES:
            raise ValueError(f"a root has {ROOT_BYTES} bytes, not {len(root)}")
        return self._roots / root.hex()


def _read_pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(READ_BYTES):
            yield piece
