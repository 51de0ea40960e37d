"""A store on another machine, reached over HTTP (the requests are those of :mod:`touchstone.store.server`)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from touchstone.errors import CorruptDataError
from touchstone.store.cid import Cid, parse_cid
from touchstone.store.errors import BlobNotFoundError, BlobTooLargeError, StoreUnavailableError

CONNECT_SECONDS = 3.05
READ_SECONDS = 20.0
PIECE_BYTES = 1 << 16


@dataclass(frozen=True)
class Download:
    """An answer to a download request: pieces of the blob from byte ``start`` on, and the blob's length if the store told it."""

    start: int
    total: int | None
    pieces: Iterator[bytes]


class RemoteStore:
    """Client of one store. Nothing it returns is checked; :class:`touchstone.store.fetch.Fetcher` does that."""

    def __init__(self, url: str, timeout: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS)) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise StoreUnavailableError(f"{url!r} is not the address of a store; expected http://host:port")
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = not is_loopback(parts.hostname)

    @contextmanager
    def download(self, cid: Cid, start: int = 0) -> Iterator[Download]:
        """Open a blob for reading from byte ``start``; the store may begin earlier, see ``Download.start``.

        When ``start`` is at or past the end, there are no pieces.

        Raises:
            BlobNotFoundError: the store does not have it.
            StoreUnavailableError: the store does not answer, or the connection breaks (also while reading the pieces).
        """
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        with self._request("GET", f"/ipfs/{cid}", headers=headers, stream=True) as response:
            if response.status_code == 416:
                yield Download(start, start, iter(()))
                return
            self._check(response, cid)
            first, total = _extent(response, start)
            yield Download(first, total, self._pieces(response))

    def upload(self, cid: Cid, path: Path) -> None:
        """Send a blob.

        Raises:
            BlobTooLargeError: it exceeds the store's limits.
            StoreUnavailableError: the store refuses uploads or does not answer.
        """
        with path.open("rb") as file, self._request("PUT", f"/ipfs/{cid}", data=file) as response:
            self._check(response, cid)

    def resolve(self, root: bytes) -> Cid:
        """The blob that, by the store's word, holds the state with this root. Raises BlobNotFoundError, StoreUnavailableError."""
        with self._request("GET", f"/roots/{root.hex()}") as response:
            self._check(response, f"the state root 0x{root.hex()}")
            try:
                return parse_cid(str(response.json()["cid"]))
            except (ValueError, KeyError, TypeError) as error:
                raise StoreUnavailableError(f"{self.url} answers nonsense about a root; use another store") from error

    def link(self, root: bytes, cid: Cid) -> None:
        """Tell the store that an uploaded blob holds the state with this root; it checks. Raises StoreUnavailableError and others."""
        with self._request("PUT", f"/roots/{root.hex()}", json={"cid": cid}) as response:
            self._check(response, cid)

    def check_health(self) -> dict[str, object]:
        """The store's own description. Raises StoreUnavailableError when it does not answer as a store."""
        with self._request("GET", "/health") as response:
            self._check(response, "its description")
            body = response.json()
            return body if isinstance(body, dict) else {}

    def _request(self, method: str, path: str, **options: object) -> requests.Response:
        try:
            try:
                return self._send(method, path, options)
            except requests.ConnectionError as error:
                if method != "GET" or isinstance(error, requests.Timeout):
                    raise
                return self._send(method, path, options)  # the store may just have closed an idle connection
        except requests.RequestException as error:
            raise StoreUnavailableError(f"{self.url} does not answer ({type(error).__name__}); check the address or try later") from error

    def _send(self, method: str, path: str, options: Mapping[str, object]) -> requests.Response:
        # Redirects are not followed: a store must not be able to make this machine call addresses of its choice.
        return self._session.request(method, self.url + path, timeout=self._timeout, allow_redirects=False, **options)  # type: ignore[arg-type]

    def _check(self, response: requests.Response, what: str) -> None:
        status = response.status_code
        if 200 <= status < 300:
            return
        if status == 404:
            raise BlobNotFoundError(f"{self.url} does not have {what}; ask another store")
        if status == 413:
            raise BlobTooLargeError(f"{self.url} takes no blob of this size ({_message(response)})")
        if status == 422:
            raise CorruptDataError(f"{self.url} refused {what}: {_message(response)}")
        raise StoreUnavailableError(f"{self.url} answers {status} for {what} ({_message(response)}); use another store")

    def _pieces(self, response: requests.Response) -> Iterator[bytes]:
        try:
            yield from response.iter_content(PIECE_BYTES)
        except requests.RequestException as error:
            raise StoreUnavailableError(f"the connection to {self.url} broke ({type(error).__name__}); try again") from error


def is_loopback(host: str) -> bool:
    """Whether ``host`` names this machine's loopback interface."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _extent(response: requests.Response, start: int) -> tuple[int, int | None]:
    """First byte of the body within the blob, and the blob's length if known."""
    if response.status_code == 206:
        span, _, total = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        if span.split("-")[0] == str(start):
            return start, int(total) if total.isdigit() else None
        raise StoreUnavailableError(f"{response.url} sent another range than asked for; use another store")
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None


def _message(response: requests.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return response.reason or "no reason given"
    message = body.get("message") if isinstance(body, dict) else None
    return str(message)[:200] if message else "no reason given"
