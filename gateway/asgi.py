"""What granian serves: Django's WSGI application behind a door that takes in each request whole first.

A sender that is slow, or never finishes, waits here, where waiting costs nothing; a thread is given to a request only
when its body is complete, and gives its whole answer back. Otherwise as many idle sockets as there are threads would
stop the gateway. A large file is given out piece by piece: each piece is read by a thread that is free again at once,
however slowly the receiver takes it. A thread never waits for the event loop, so a stop never waits for a thread whose
caller has gone.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any
from urllib.parse import quote

from a2wsgi.wsgi import build_environ

from gateway.wsgi import application as wsgi_application

BODY_SECONDS = float(os.environ.get("WEB_BODY_SECONDS", "10"))
# Above what any page or API call takes (their own limits are stricter, and answered in their own words).
MOST_BYTES = 8 * 1024 * 1024
# Of an answer that comes in pieces, so much is held at once; what is smaller goes out whole.
PIECE_BYTES = 512 * 1024
_TIMED_OUT = b'{"success":false,"error":{"code":"request_timeout","message":"The request did not arrive in time."}}'
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
_threads = ThreadPoolExecutor(max_workers=int(os.environ.get("WEB_THREADS", "8")), thread_name_prefix="web")

Headers = list[tuple[bytes, bytes]]


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _whole_body(receive)
    except TimeoutError:
        await _answer(send, 408, [(b"content-type", b"application/json"), (b"connection", b"close")], _TIMED_OUT)
        return
    if body is not None:
        status, headers, content, more = await _in_thread(_respond, _complete(scope, body), body)
        if more is None:
            await _answer(send, status, headers, content)
        else:
            await _stream(send, status, headers, content, more)


async def _in_thread(work: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(_threads, work, *arguments)


async def _whole_body(receive: Any) -> bytes | None:
    """At most a little over `MOST_BYTES`; None when the sender went away before the end."""
    parts, size = [], 0
    while size <= MOST_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part = message.get("body", b"")
        parts.append(part)
        size += len(part)
        if not message.get("more_body", False):
            break
    return b"".join(parts)


def _complete(scope: Any, body: bytes) -> Any:
    """The request as it now is: of known length, however it was sent. A declared length over the limit stays."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"transfer-encoding"]
    declared = [value for name, value in headers if name == b"content-length"]
    if body and (not declared or len(body) <= MOST_BYTES):
        headers = [(name, value) for name, value in headers if name != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
    return {**scope, "headers": headers, "query_string": quote(scope["query_string"], safe=_PRINTABLE).encode()}


def _respond(scope: Any, body: bytes) -> tuple[int, Headers, bytes, _Pieces | None]:
    """Runs Django in this thread; what is left of a large answer in pieces comes back unread."""
    started: list[tuple[int, Headers]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[..., None]:
        lines = [(name.lower().encode("latin1"), value.encode("latin1")) for name, value in headers]
        started[:] = [(int(status.split(" ", 1)[0]), lines)]
        return lambda _: None

    environ: Any = build_environ(scope, BytesIO(body))  # type: ignore[arg-type]
    pieces = _Pieces(wsgi_application(environ, start_response))
    try:
        content = pieces.next() if pieces.is_stream else pieces.all()
    except BaseException:
        pieces.close()
        raise
    if pieces.is_over:
        pieces.close()
    return (*started[0], content, None if pieces.is_over else pieces)


class _Pieces:
    """A response of Django's, read up to `PIECE_BYTES` at a time."""

    def __init__(self, response: Any) -> None:
        self._response, self._left = response, iter(response)
        self.is_stream, self.is_over = bool(getattr(response, "streaming", False)), False

    def all(self) -> bytes:
        self.is_over = True
        return b"".join(self._left)

    def next(self) -> bytes:
        parts, size = [], 0
        while size < PIECE_BYTES and not self.is_over:
            part = next(self._left, None)
            self.is_over = part is None
            parts.append(part or b"")
            size += len(parts[-1])
        return b"".join(parts)

    def close(self) -> None:
        self._response.close()


async def _stream(send: Any, status: int, headers: Headers, content: bytes, pieces: _Pieces) -> None:
    """Sends a piece, then reads the next. A receiver that goes away ends it, and the file is closed either way."""
    try:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        while content:
            await send({"type": "http.response.body", "body": content, "more_body": True})
            content = b"" if pieces.is_over else await _in_thread(pieces.next)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        _threads.submit(pieces.close)


async def _answer(send: Any, status: int, headers: Headers, content: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
