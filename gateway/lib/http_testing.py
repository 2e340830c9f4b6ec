"""For tests: receivers on loopback that answer as they please, written on bare sockets.

`with receiver(answer(200)) as there:` serves from a thread of its own; `there.url` is where to send,
`there.requests` what arrived, `there.connections` how often anyone connected.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Received:
    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes
    at: float  # time.monotonic()


@dataclass
class Receiver:
    """One listening socket, what it saw, and how much it wrote."""

    behave: Behaviour
    url: str = ""
    connections: int = 0
    bytes_written: int = 0
    requests: list[Received] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(OSError, EOFError, ValueError, asyncio.CancelledError):
            while True:
                request = await _read_request(reader)
                self.requests.append(request)
                if not await self.behave(Exchange(self, request, reader, writer)):
                    break
        with contextlib.suppress(OSError):
            writer.close()


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and the means to answer it."""

    receiver: Receiver
    request: Received
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()
        self.receiver.bytes_written += len(data)


# Says whether the connection stays open for another request.
Behaviour = Callable[[Exchange], Awaitable[bool]]


async def _read_request(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    pairs = (line.split(":", 1) for line in head[1:] if line)
    headers = {name.lower(): value.strip() for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(method, path, headers, body, time.monotonic())


@contextlib.contextmanager
def receiver(behave: Behaviour, *, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Serves `behave` on a free port of loopback until the block ends."""
    there = Receiver(behave)
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    there.url = f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}/hook"
    loop = asyncio.new_event_loop()
    stop = loop.create_future()

    async def run() -> None:
        server = await asyncio.start_server(there.serve, sock=listener, ssl=tls)
        await stop
        server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    try:
        yield there
    finally:
        loop.call_soon_threadsafe(stop.set_result, None)
        thread.join(5)
        loop.close()


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Word\r\n{lines}\r\n".encode("latin-1")


def answer(
    status: int = 200, body: bytes = b"ok", headers: Mapping[str, str] | None = None, *, after: float = 0.0
) -> Behaviour:
    """A well-behaved receiver that answers `after` seconds."""

    async def behave(exchange: Exchange) -> bool:
        await asyncio.sleep(after)
        await exchange.write(_head(status, {"Content-Length": str(len(body)), **(headers or {})}) + body)
        return True

    return behave


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """The first request gets the first behaviour, and so on; the last one stays."""
    left = list(behaviours)

    async def behave(exchange: Exchange) -> bool:
        return await (left.pop(0) if len(left) > 1 else left[0])(exchange)

    return behave


async def silent(exchange: Exchange) -> bool:
    """Accepts, reads, and never answers."""
    await exchange.reader.read()
    return False


async def drip_header(exchange: Exchange) -> bool:
    """One byte of an endless header line at a time."""
    await exchange.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        await exchange.write(b"a")
        await asyncio.sleep(0.05)


async def drip_body(exchange: Exchange) -> bool:
    """A whole header, then one byte of the body at a time."""
    await exchange.write(_head(200, {"Content-Length": "100000"}))
    while True:
        await exchange.write(b"a")
        await asyncio.sleep(0.05)


async def endless_chunks(exchange: Exchange) -> bool:
    await exchange.write(_head(200, {"Transfer-Encoding": "chunked"}))
    while True:
        await exchange.write(b"4000\r\n" + b"a" * 0x4000 + b"\r\n")


async def tiny_chunks(exchange: Exchange) -> bool:
    await exchange.write(_head(200, {"Transfer-Encoding": "chunked"}))
    while True:
        await exchange.write(b"1\r\na\r\n" * 1000)


async def huge_body(exchange: Exchange) -> bool:
    """300 MB, as fast as the other side takes them."""
    await exchange.write(_head(200, {"Content-Length": str(300 * 1024 * 1024)}))
    for _ in range(300):
        await exchange.write(b"a" * 1024 * 1024)
    return False


async def header_flood(exchange: Exchange) -> bool:
    """Header lines without end."""
    await exchange.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        await exchange.write(b"".join(b"X-%d: %s\r\n" % (number, b"a" * 1000) for number in range(100)))


async def long_header_line(exchange: Exchange) -> bool:
    await exchange.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        await exchange.write(b"a" * 100_000)


async def interim_flood(exchange: Exchange) -> bool:
    """103 Early Hints without end."""
    while True:
        await exchange.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000)


async def close_at_once(exchange: Exchange) -> bool:
    return False


async def reset(exchange: Exchange) -> bool:
    """A TCP reset instead of an answer."""
    connection = exchange.writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.writer.transport.abort()
    return False


async def half_body(exchange: Exchange) -> bool:
    await exchange.write(_head(200, {"Content-Length": "100"}) + b"half")
    return False


async def not_http(exchange: Exchange) -> bool:
    await exchange.write(b"220 mail.example ESMTP\r\n")
    return False
