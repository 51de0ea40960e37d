"""A store served over HTTP.

| request | answer |
|---|---|
| ``GET`` or ``HEAD /ipfs/{cid}`` | the blob; ``Range`` is honoured, so a broken download can be resumed |
| ``PUT /ipfs/{cid}`` | stores the body if it hashes to the identifier |
| ``GET /roots/{root}`` | ``{"cid": …}``: the blob that holds the state with this root (64 hexadecimal digits) |
| ``PUT /roots/{root}`` with ``{"cid": …}`` | links them, if the blob is a tensor file whose state root this is |
| ``GET /health`` | ``{"service": "touchstone-store", "uploads": …}`` |

Reading uses the path of an IPFS gateway, so a client may be given gateways as further sources. Uploads are off unless asked for, and then
limited in size. The server listens on loopback unless told otherwise.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from dataclasses import dataclass
from types import TracebackType

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel, ConfigDict

from touchstone.errors import CorruptDataError, TouchstoneError
from touchstone.store.cid import parse_cid
from touchstone.store.errors import BlobNotFoundError, BlobTooLargeError, InvalidCidError, PortInUseError, StoreUnavailableError
from touchstone.store.local import LocalStore
from touchstone.store.states import root_of_blob

_ROOT = re.compile(r"[0-9a-f]{64}")
_STATUS: dict[type[Exception], int] = {BlobNotFoundError: 404, InvalidCidError: 400, BlobTooLargeError: 413, CorruptDataError: 422}
_START_SECONDS = 10.0


@dataclass(frozen=True)
class Limits:
    """What a server accepts: whether anyone may upload, the largest blob, and the most all blobs together may take, in bytes."""

    uploads: bool = False
    blob_bytes: int = 4 << 30
    store_bytes: int = 64 << 30


class RootLink(BaseModel):
    """Body of ``PUT /roots/{root}`` and of the answer to ``GET``."""

    model_config = ConfigDict(extra="forbid")

    cid: str


def create_app(store: LocalStore, limits: Limits | None = None) -> FastAPI:
    """The application serving ``store``."""
    bounds = limits or Limits()
    app = FastAPI(title="Touchstone store", docs_url=None, redoc_url=None, openapi_url=None)

    @app.exception_handler(TouchstoneError)
    async def refuse(_request: Request, error: TouchstoneError) -> JSONResponse:
        status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 400)
        return JSONResponse({"error": type(error).__name__, "message": str(error)}, status_code=status)

    @app.get("/health")
    async def health() -> dict[str, object]:
        return {"service": "touchstone-store", "uploads": bounds.uploads}

    @app.api_route("/ipfs/{cid}", methods=["GET", "HEAD"])
    async def get_blob(cid: str) -> FileResponse:
        headers = {"ETag": f'"{parse_cid(cid)}"', "Cache-Control": "public, max-age=29030400, immutable"}
        return FileResponse(store.path(cid), media_type="application/octet-stream", headers=headers)

    @app.put("/ipfs/{cid}", status_code=201)
    async def put_blob(cid: str, request: Request) -> Response:
        expected = parse_cid(cid)
        _check_upload(store, bounds, request)
        if store.has(expected):
            return Response(status_code=200)
        with store.writer(expected=expected, max_bytes=bounds.blob_bytes) as writer:
            async for piece in request.stream():
                writer.write(piece)
        return Response(status_code=201)

    @app.get("/roots/{root}")
    async def get_root(root: str) -> RootLink:
        return RootLink(cid=store.resolve(_parse_root(root)))

    @app.put("/roots/{root}", status_code=201)
    async def put_root(root: str, link: RootLink) -> Response:
        if not bounds.uploads:
            raise _RefusedError("this store accepts no uploads; ask its owner or use another")
        expected, cid = _parse_root(root), parse_cid(link.cid)
        actual = await run_in_threadpool(lambda: root_of_blob(store.get(cid)))
        if actual != expected:
            raise CorruptDataError(f"{cid} holds the state 0x{actual.hex()}, not 0x{root}; link the right blob")
        store.link(expected, cid)
        return Response(status_code=201)

    return app


class _RefusedError(TouchstoneError):
    """The server's rules forbid the request."""


_STATUS[_RefusedError] = 403


def _check_upload(store: LocalStore, bounds: Limits, request: Request) -> None:
    if not bounds.uploads:
        raise _RefusedError("this store accepts no uploads; ask its owner or use another")
    announced = int(request.headers.get("content-length") or 0)
    if announced > bounds.blob_bytes:
        raise BlobTooLargeError(f"a blob of {announced} bytes exceeds this store's limit of {bounds.blob_bytes}; split it")
    if store.total_bytes() + announced > bounds.store_bytes:
        raise BlobTooLargeError(f"the store's {bounds.store_bytes} bytes are used up; delete blobs or use another store")


def _parse_root(text: str) -> bytes:
    if not _ROOT.fullmatch(text):
        raise InvalidCidError(f"{text[:80]!r} is not a root; expected 64 lower-case hexadecimal digits")
    return bytes.fromhex(text)


class StoreServer:
    """Serves a store from a background thread; a context manager. Port 0 takes a free one; ``url`` tells which."""

    def __init__(self, store: LocalStore, host: str = "127.0.0.1", port: int = 0, limits: Limits | None = None) -> None:
        self._app = create_app(store, limits)
        self._host, self._port = host, port
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.url = ""

    def start(self) -> str:
        """Begin to serve and return the base URL.

        Raises:
            PortInUseError: somebody listens on the port already.
            StoreUnavailableError: the server did not come up.
        """
        listener = bind(self._host, self._port)
        config = uvicorn.Config(self._app, log_level="error", access_log=False, lifespan="off", timeout_keep_alive=5)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, name="store-server", daemon=True)
        self._thread.start()
        self._wait_until_started()
        self.url = f"http://{self._host}:{listener.getsockname()[1]}"
        return self.url

    def stop(self) -> None:
        """Stop serving and wait for the thread to end."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join(timeout=_START_SECONDS)
        self._server = self._thread = None

    def __enter__(self) -> StoreServer:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _wait_until_started(self) -> None:
        assert self._server is not None and self._thread is not None
        limit = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > limit:
                raise StoreUnavailableError(f"the store server on {self._host} did not start; see the messages above")
            time.sleep(0.01)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises PortInUseError when the address is taken."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise PortInUseError(f"{host}:{port} is taken ({error.strerror}); stop the other process or choose another port") from error
    return listener
