"""Requests to RPC nodes: each ends within its deadline, keeps a bounded answer, follows nothing and reads no proxy.

The addresses are the operator's own, from the environment, and may be private: so this is not `gateway.lib.http`. The
deadline covers name look-up, connecting, TLS, sending and reading together. Connections are kept in one loop in a
thread of its own, one for each process.
"""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import TimeoutError as WaitedTooLong
from dataclasses import dataclass

import aiohttp

from crypto.chains.base import NodeBusy, NodeDown, NodeTimeout, NodeWrong

SECONDS = 10.0
MAX_BODY = 32 * 1024 * 1024
_OK, _TOO_MANY, _TOO_LARGE, _SERVER_ERROR = 200, 429, 413, 500


class TooLarge(NodeBusy):
    """The answer would be larger than this node gives, or than we take."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


def post(url: str, body: bytes, *, seconds: float = SECONDS, max_body: int = MAX_BODY) -> Answer:
    """The node's answer, whatever its status but those that mean "later"; raises a `NodeError` if there is none."""
    future = asyncio.run_coroutine_threadsafe(_post(url, body, seconds, max_body), _loop())
    try:
        return future.result(seconds + 5)
    except WaitedTooLong:
        future.cancel()
        raise NodeTimeout(f"no answer within {seconds:g} s") from None


async def _post(url: str, body: bytes, seconds: float, max_body: int) -> Answer:
    try:
        async with asyncio.timeout(seconds):
            answer = await _exchange(url, body, max_body)
    except TimeoutError:
        raise NodeTimeout(f"no answer within {seconds:g} s") from None
    except (aiohttp.ClientConnectorError, aiohttp.InvalidURL):
        raise NodeDown("cannot be connected to") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise NodeTimeout(f"connection lost ({type(error).__name__})") from None
    if answer.status in (_TOO_MANY, _TOO_LARGE):
        raise (NodeBusy if answer.status == _TOO_MANY else TooLarge)(f"answered HTTP {answer.status}")
    return answer


async def _exchange(url: str, body: bytes, max_body: int) -> Answer:
    headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
    session = _session()
    async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
        read = bytearray()
        async for chunk in response.content.iter_any():
            read += chunk
            if len(read) > max_body:
                response.close()
                raise TooLarge(f"answered more than {max_body // 2**20} MiB")
        if 300 <= response.status < 400:
            raise NodeWrong("answered a redirect")
        return Answer(response.status, bytes(read))


class _Kept:
    """This process's loop and session; a forked child makes its own."""

    process = 0
    lock = threading.Lock()
    loop: asyncio.AbstractEventLoop
    session: aiohttp.ClientSession | None = None


def _loop() -> asyncio.AbstractEventLoop:
    with _Kept.lock:
        if os.getpid() != _Kept.process:
            _Kept.process, _Kept.session, _Kept.loop = os.getpid(), None, asyncio.new_event_loop()
            threading.Thread(target=_Kept.loop.run_forever, daemon=True, name="nodes").start()
    return _Kept.loop


def _session() -> aiohttp.ClientSession:
    if _Kept.session is None:
        _Kept.session = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None), connector=aiohttp.TCPConnector(keepalive_timeout=15, limit=20),
        )
    return _Kept.session
