"""The guarded outbound client: the only way the gateway sends HTTP requests to addresses it was given.

What `send` guarantees, whatever the other side does:
- it ends within `timeout` seconds, name look-up, connecting, TLS, sending and reading included;
- it keeps at most `MAX_BODY` bytes of the body, unpacks nothing, and takes a header of bounded size only;
- it connects to no address that is not public: a name is resolved once, every address of it is checked, and
  the connection is made to the addresses that were checked;
- it follows no redirect, keeps no cookies, and reads no proxy or password from the environment.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import SimpleNamespace
from typing import Self

import aiohttp
from aiohttp import abc
from yarl import URL

from gateway.lib import http_addresses as addresses
from gateway.lib.http_addresses import (
    NoAnswer,
    NotSent,
    OutboundError,
    Target,
    UrlRefused,
    check_destination,
    check_url,
)

__all__ = [
    "MAX_BODY",
    "NoAnswer",
    "NotSent",
    "OutboundError",
    "OutboundRequest",
    "OutboundResponse",
    "Session",
    "UrlRefused",
    "check_destination",
    "check_url",
    "fetch",
    "send",
]

MAX_BODY = 64 * 1024
_MAX_LINE = 8190
_MAX_HEADERS = 100
_MAX_INTERIM_ANSWERS = 10


@dataclass(frozen=True, slots=True)
class OutboundRequest:
    """One request; `timeout` is in seconds, for the whole of it. A session has its own `allow_loopback`."""

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    timeout: float = 15.0
    allow_loopback: bool = False


@dataclass(frozen=True, slots=True)
class OutboundResponse:
    """An answer whose header arrived whole; `headers` has lower-case names.

    `cut` says in words why the body is not whole, and is empty if it is.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    duration_ms: int
    cut: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status <= 299


class Session:
    """Kept connections for many requests; use it as an async context manager.

    A kept connection that turns out to be dead is replaced and the request sent again, once. So it is for
    requests that may arrive twice; `send` without a session never sends twice.
    """

    def __init__(self, *, allow_loopback: bool) -> None:
        self.allow_loopback = allow_loopback

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            resolver=_CheckingResolver(allow_loopback=self.allow_loopback),
            use_dns_cache=False,
            limit=0,
            keepalive_timeout=5,
        )
        self.client = aiohttp.ClientSession(
            connector=connector,
            response_class=_Response,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            trust_env=False,
            trace_configs=[_reuse_trace()],
            read_bufsize=16 * 1024,
            max_line_size=_MAX_LINE,
            max_field_size=_MAX_LINE,
            max_headers=_MAX_HEADERS,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()


async def send(request: OutboundRequest, *, session: Session | None = None) -> OutboundResponse:
    """Sends `request`; raises an `OutboundError` if no answer came. See the module's guarantees."""
    started = time.monotonic()
    answer = _Answer()
    try:
        async with asyncio.timeout(request.timeout):
            if session is None:
                async with Session(allow_loopback=request.allow_loopback) as own:
                    await answer.receive(request, own)
            else:
                await answer.receive(request, session)
    except OutboundError:
        raise
    except (aiohttp.ClientError, OSError, ValueError, asyncio.IncompleteReadError) as error:
        answer.stopped(error, request.timeout)
    duration_ms = int((time.monotonic() - started) * 1000)
    return OutboundResponse(answer.status, answer.headers, bytes(answer.body), duration_ms, answer.cut)


def fetch(request: OutboundRequest) -> OutboundResponse:
    """`send` for callers without an event loop."""
    return asyncio.run(send(request))


class _Answer:
    """What has arrived so far."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.cut = ""

    async def receive(self, request: OutboundRequest, session: Session) -> None:
        target = check_url(request.url, allow_loopback=session.allow_loopback)
        kept = SimpleNamespace(reused=False)
        try:
            await self._exchange(request, target, session, kept)
        except (aiohttp.ServerDisconnectedError, ConnectionError):
            if self.status or not kept.reused:
                raise
            await self._exchange(request, target, session, kept)

    async def _exchange(
        self, request: OutboundRequest, target: Target, session: Session, kept: SimpleNamespace
    ) -> None:
        kept.reused = False
        response = await session.client.request(
            request.method,
            _exact_url(target),
            data=request.body or None,
            headers={"Accept": "*/*", "Accept-Encoding": "identity", **request.headers},
            allow_redirects=False,
            trace_request_ctx=kept,
        )
        try:
            self.status, self.headers = response.status, _readable(response.headers)
            await self._read(response)
        finally:
            # At the body's end the connection has already gone back to be reused; otherwise this ends it.
            response.close()

    async def _read(self, response: aiohttp.ClientResponse) -> None:
        while chunk := await response.content.readany():
            room = MAX_BODY - len(self.body)
            self.body += chunk[:room]
            if len(chunk) > room:
                self.cut = f"body longer than {MAX_BODY // 1024} KiB"
                return

    def stopped(self, error: Exception, timeout: float) -> None:
        """Turns an error into words: raised if there is no answer, else why its body is not whole."""
        if not self.status:
            raise _in_words(error, timeout) from error
        late = isinstance(error, TimeoutError)
        self.cut = f"body not complete within {timeout:g} s" if late else "connection closed within the body"


class _Response(aiohttp.ClientResponse):
    """An answer that may be preceded by a few interim (1xx) ones, not by an endless stream of them."""

    async def start(self, connection: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        protocol, read, count = connection.protocol, connection.protocol.read, 0  # type: ignore[union-attr]

        async def counted() -> object:
            nonlocal count
            count += 1
            if count > _MAX_INTERIM_ANSWERS:
                raise NoAnswer("answer is not valid HTTP")
            return await read()

        protocol.read = counted  # type: ignore[union-attr, method-assign]
        try:
            return await super().start(connection)
        finally:
            del protocol.read  # type: ignore[union-attr]


class _CheckingResolver(abc.AbstractResolver):
    """Resolves a name and refuses it if any of its addresses may not be reached.

    The connector asks once for each new connection, and connects to what it is given here. Requests that want
    the same name at the same time share one look-up.
    """

    def __init__(self, *, allow_loopback: bool) -> None:
        self._allow_loopback = allow_loopback
        self._asked: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[abc.ResolveResult]:
        found = await asyncio.shield(self._look_up((host, port)))
        addresses.check_addresses(found, allow_loopback=self._allow_loopback)
        return [_resolved(host, port, address) for address in found]

    def _look_up(self, name: tuple[str, int]) -> asyncio.Future[list[str]]:
        if name not in self._asked:
            self._asked[name] = asyncio.wrap_future(addresses.look_up(*name))
            self._asked[name].add_done_callback(lambda future: self._ended(name, future))
        return self._asked[name]

    def _ended(self, name: tuple[str, int], future: asyncio.Future[list[str]]) -> None:
        del self._asked[name]
        if not future.cancelled():
            future.exception()  # everyone who asked may have gone: that is no error to report

    async def close(self) -> None:
        """Nothing is held open: a look-up still on its way ends in its own thread."""


def _resolved(host: str, port: int, address: str) -> abc.ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return abc.ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=flags)


def _reuse_trace() -> aiohttp.TraceConfig:
    """Tells the request that it went out over a kept connection."""
    trace = aiohttp.TraceConfig()

    async def reused(_: object, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.reused = True

    trace.on_connection_reuseconn.append(reused)
    return trace


@lru_cache(maxsize=1000)
def _exact_url(target: Target) -> URL:
    """The URL as it was written: what was signed and checked is what is sent."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    query = f"?{target.query}" if target.query else ""
    return URL(f"{target.scheme}://{host}:{target.port}{target.path}{query}", encoded=True)


def _readable(headers: Mapping[str, str]) -> dict[str, str]:
    """Header values as storable text: names in lower case, undecodable bytes replaced, repeats joined."""
    result: dict[str, str] = {}
    for name, value in headers.items():
        key, text = name.lower(), value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        text = text.replace("\0", "\ufffd")
        result[key] = f"{result[key]}, {text}" if key in result else text
    return result


def _in_words(error: Exception, timeout: float) -> OutboundError:
    """The few words for an error that came before any answer; `NotSent` where that is certain."""
    if isinstance(error, TimeoutError):
        return NoAnswer(f"no answer within {timeout:g} s")
    if isinstance(error, (aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError)):
        return NotSent("TLS certificate not valid")
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return NotSent("TLS connection failed")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return NotSent("host name not found")
    if isinstance(error, aiohttp.ClientConnectorError):
        return NotSent(_CONNECTING.get(error.os_error.errno or 0, "connection failed"))
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return NoAnswer("connection closed without an answer")
    if isinstance(error, aiohttp.ClientResponseError):
        return NoAnswer("answer is not valid HTTP")
    if isinstance(error, OSError):
        return NoAnswer("connection reset")
    return NoAnswer("connection failed")


_CONNECTING = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.EHOSTUNREACH: "host cannot be reached",
    errno.ENETUNREACH: "host cannot be reached",
    errno.ETIMEDOUT: "host cannot be reached",
}
