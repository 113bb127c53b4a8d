"""Fault injection: make chosen requests fail, to test how a client retries and repairs, without a mock in the client.

    >>> from arith_puzzle.local_hub import Fault, running
    >>> with running("runs/hub", faults=[Fault(status=429, path="/commit/", retry_after=1)]) as hub:
    ...     HfApi(endpoint=hub.endpoint, token=hub.token).upload_folder(...)  # the first commit gets a 429
    ...     hub.faults.add(Fault(cut="answer", path="/commit/"))  # the answer to the next commit is lost
    ...     assert hub.faults.count("POST", "/commit/") == 2  # counts all requests, failed ones too

Faults act between the client and the Hub. They never change what the Hub stores.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CUTS = ("request", "answer")


@dataclass
class Fault:
    """One failure, and the requests that it strikes. Set exactly one of `status`, `cut` and `hang`.

    Args:
        status: the request is not carried out; this status (such as 429, 500 or 503) is the answer.
        cut: "request": the connection is reset after half of the body has arrived, and nothing is carried out.
            "answer": the request is carried out, and the connection is reset after half of the answer is sent.
        hang: seconds to wait before the request is carried out as usual.
        method: HTTP method of the requests that match, such as "POST"; None matches any.
        path: regular expression, searched in the undecoded path with its query.
        skip: number of matching requests that pass first.
        times: number of matching requests that fail after those; None: all that follow.
        retry_after: with `status`, seconds in the header `Retry-After`.
        headers: with `status`, further headers. The client chooses its exception by `X-Error-Code` and
            `X-Error-Message`.

    `fired` counts the failures so far. Raises `ValueError` unless exactly one of the three is set.
    """

    status: int | None = None
    cut: str | None = None
    hang: float | None = None
    method: str | None = None
    path: str = ""
    skip: int = 0
    times: int | None = 1
    retry_after: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    fired: int = field(default=0, init=False)
    _seen: int = field(default=0, init=False, repr=False)

    def __post_init__(self):
        if sum(kind is not None for kind in (self.status, self.cut, self.hang)) != 1:
            raise ValueError("a fault is exactly one of status, cut and hang")
        if self.cut not in (None, *_CUTS):
            raise ValueError(f"cut must be one of {', '.join(_CUTS)}, not {self.cut!r}")

    def strikes(self, method: str, path: str) -> bool:
        """Whether this request fails; every call counts as one more request."""
        if (self.method is not None and self.method != method) or not re.search(self.path, path):
            return False
        self._seen += 1
        if self._seen <= self.skip or (self.times is not None and self.fired >= self.times):
            return False
        self.fired += 1
        return True


class Faults:
    """The faults of one Hub, and a count of its requests. Safe to use while the Hub serves."""

    def __init__(self, faults: Iterable[Fault] = ()):
        self._lock = threading.Lock()
        self._faults = list(faults)
        self._seen: list[tuple[str, str]] = []

    def add(self, fault: Fault) -> Fault:
        """Add a fault. If several match a request, the one added first strikes."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Remove all faults and forget all requests."""
        with self._lock:
            self._faults.clear()
            self._seen.clear()

    def count(self, method: str | None = None, path: str = "") -> int:
        """Number of requests with this method (None: any) whose path matches this regular expression."""
        with self._lock:
            return sum((method is None or seen[0] == method) and bool(re.search(path, seen[1])) for seen in self._seen)

    def _strike(self, method: str, path: str) -> Fault | None:
        """Note a request; the fault that strikes it, if any."""
        with self._lock:
            self._seen.append((method, path))
            return next((fault for fault in self._faults if fault.strikes(method, path)), None)

    def around(self, app: ASGIApp) -> ASGIApp:
        """Wrap the application so that these faults strike before it sees a request."""

        async def faulty(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                return await app(scope, receive, send)
            path = scope["raw_path"].decode("ascii", "replace")
            if scope["query_string"]:
                path += "?" + scope["query_string"].decode("ascii", "replace")
            fault = self._strike(scope["method"], path)
            if fault is None:
                return await app(scope, receive, send)
            if fault.status is not None:
                wait = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
                answer = JSONResponse(
                    {"error": f"An injected fault: {fault.status}"}, fault.status, wait | fault.headers
                )
                return await answer(scope, receive, send)
            if fault.hang is not None:
                await asyncio.sleep(fault.hang)
                return await app(scope, receive, send)
            # ASGI has no way to reset a connection. uvicorn's `send` is a method of the object that holds it.
            connection = send.__self__.transport
            if fault.cut == "request":
                await _read_half(scope, receive)
                connection.abort()
                return await asyncio.sleep(0)  # lets uvicorn notice, so that it logs no missing answer
            return await app(scope, receive, _cutting(send, connection))

        return faulty


async def _read_half(scope: Scope, receive: Receive) -> None:
    wanted = int(dict(scope["headers"]).get(b"content-length", b"2")) // 2
    while wanted > 0:
        message = await receive()
        wanted -= len(message.get("body", b""))
        if not message.get("more_body"):
            return


def _cutting(send: Send, connection: asyncio.Transport) -> Send:
    """A `send` that forwards the headers and half of the first chunk of the body, then resets the connection."""

    async def cut(message: Message) -> None:
        if connection.is_closing():
            return
        body = message.get("body", b"")
        if message["type"] == "http.response.body" and not body and message.get("more_body"):
            return
        if message["type"] == "http.response.body":
            if len(body) > 1:
                await send({**message, "body": body[: len(body) // 2], "more_body": True})
            connection.abort()
            return await asyncio.sleep(0)
        await send(message)

    return cut
