"""JSON-RPC over several endpoints: when one fails, the next takes over."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from touchstone.chain.errors import ChainUnavailableError, RpcError, WrongChainError
from touchstone.store.remote import is_loopback

TIMEOUT_SECONDS = 20.0
REST_SECONDS = 10.0
_RETRY_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})


class _EndpointError(Exception):
    """One endpoint failed; another may do."""


@dataclass
class _Endpoint:
    url: str
    session: requests.Session = field(default_factory=requests.Session)
    rests_until: float = 0.0
    checked: bool = False
    fault: str = ""


class FailoverProvider(JSONBaseProvider):
    """A web3.py provider over one or more HTTP endpoints of the same chain.

    Requests go to the endpoint that served last. One that does not answer, or serves another chain, rests for ``rest`` seconds while the
    others are asked. Every request may be repeated: transactions are signed before, so a node that gets one twice only says so.
    """

    def __init__(
        self,
        urls: Sequence[str],
        chain_id: int | None = None,
        timeout: float = TIMEOUT_SECONDS,
        rounds: int = 2,
        pause: float = 0.25,
        rest: float = REST_SECONDS,
    ) -> None:
        super().__init__()
        if not urls:
            raise ChainUnavailableError("no RPC endpoint is configured; name one with --rpc")
        self._endpoints = [_endpoint(url) for url in urls]
        self._current = 0
        self._chain_id = chain_id
        self._timeout = timeout
        self._rounds = rounds
        self._pause = pause
        self._rest = rest

    @property
    def current_url(self) -> str:
        """The endpoint that serves at the moment."""
        return self._endpoints[self._current].url

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Answer of the first endpoint that gives one, errors of the node included.

        Raises:
            ChainUnavailableError: none answers.
            WrongChainError: those that answer serve another chain.
        """
        for attempt in range(self._rounds):
            if attempt:
                time.sleep(self._pause)
            for index in self._candidates(last_chance=attempt == self._rounds - 1):
                endpoint = self._endpoints[index]
                try:
                    self._check_chain(endpoint)
                    response = self._post(endpoint, method, params)
                except _EndpointError as error:
                    endpoint.fault = str(error)
                    endpoint.rests_until = time.monotonic() + self._rest
                    continue
                self._current = index
                return response
        raise self._failure()

    def request(self, method: str, *params: Any) -> Any:
        """The result of a request. Raises RpcError with the node's error, and as :meth:`make_request`."""
        response = self.make_request(RPCEndpoint(method), list(params))
        if "error" in response and response["error"] is not None:
            error = cast(dict[str, Any], response["error"])
            raise RpcError(method, int(error.get("code", 0)), str(error.get("message", "")), error.get("data"))
        return response["result"]

    def is_connected(self, show_traceback: bool = False) -> bool:
        """Whether an endpoint answers."""
        try:
            self.request("eth_chainId")
        except (ChainUnavailableError, WrongChainError, RpcError):
            return False
        return True

    def _candidates(self, last_chance: bool) -> list[int]:
        """Endpoints to ask, the current one first; resting ones only when there is nothing to lose."""
        count = len(self._endpoints)
        order = [(self._current + step) % count for step in range(count)]
        if last_chance:
            return order
        now = time.monotonic()
        return [index for index in order if self._endpoints[index].rests_until <= now]

    def _check_chain(self, endpoint: _Endpoint) -> None:
        if self._chain_id is None or endpoint.checked:
            return
        answer = self._post(endpoint, RPCEndpoint("eth_chainId"), [])
        actual = int(str(answer.get("result", "0x0")), 16)
        if actual != self._chain_id:
            raise _EndpointError(f"chain {actual} instead of {self._chain_id}")
        endpoint.checked = True

    def _post(self, endpoint: _Endpoint, method: RPCEndpoint, params: Any) -> RPCResponse:
        body = self.encode_rpc_request(method, params)
        try:
            response = self._post_once_more(endpoint, body)
        except requests.RequestException as error:
            endpoint.checked = False
            raise _EndpointError(type(error).__name__) from error
        if response.status_code in _RETRY_STATUS or response.status_code in (401, 403, 404):
            raise _EndpointError(f"HTTP {response.status_code}")
        try:
            answer = response.json()
        except ValueError as error:
            raise _EndpointError("no JSON") from error
        if not isinstance(answer, dict) or ("result" not in answer and "error" not in answer):
            raise _EndpointError("no JSON-RPC answer")
        return cast(RPCResponse, answer)

    def _post_once_more(self, endpoint: _Endpoint, body: bytes) -> requests.Response:
        """Post; once more if the connection broke: the node may just have closed one that was idle."""
        try:
            return self._post_once(endpoint, body)
        except requests.Timeout:
            raise
        except requests.ConnectionError:
            return self._post_once(endpoint, body)

    def _post_once(self, endpoint: _Endpoint, body: bytes) -> requests.Response:
        headers = {"Content-Type": "application/json"}
        return endpoint.session.post(endpoint.url, data=body, headers=headers, timeout=self._timeout, allow_redirects=False)

    def _failure(self) -> ChainUnavailableError | WrongChainError:
        faults = ", ".join(f"{endpoint.url}: {endpoint.fault}" for endpoint in self._endpoints)
        if any(endpoint.fault.startswith("chain ") for endpoint in self._endpoints):
            return WrongChainError(f"no RPC endpoint serves the deployment's chain ({faults}); correct --rpc or --deployment")
        return ChainUnavailableError(f"no RPC endpoint answers ({faults}); start the node or name another with --rpc")


def _endpoint(url: str) -> _Endpoint:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ChainUnavailableError(f"{url!r} is not the address of an RPC endpoint; expected http://host:port")
    endpoint = _Endpoint(url)
    endpoint.session.trust_env = not is_loopback(parts.hostname)
    return endpoint
