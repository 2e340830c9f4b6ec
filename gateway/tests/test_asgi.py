"""The door in front of Django: answers whole, large files in pieces, and every file closed whatever the receiver does."""

from __future__ import annotations

import asyncio
import time

import pytest
from django.http import FileResponse, HttpResponse

from gateway import asgi

SCOPE = {
    "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http", "path": "/file",
    "raw_path": b"/file", "query_string": b"", "root_path": "", "headers": [], "client": ("127.0.0.1", 1),
    "server": ("127.0.0.1", 8000),
}


class Receiver:
    """Takes what is sent; goes away after so many messages."""

    def __init__(self, most=10_000):
        self.messages, self.most = [], most

    async def receive(self):
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message):
        if len(self.messages) == self.most:
            raise ConnectionError("gone")
        self.messages.append(message)

    @property
    def body(self):
        return b"".join(message["body"] for message in self.messages[1:])


@pytest.fixture
def serve(monkeypatch, tmp_path):
    """`serve(bytes or response, receiver)` → the response that Django gave."""

    def serve(content, receiver):
        response = content
        if isinstance(content, bytes):
            (tmp_path / "file").write_bytes(content)
            response = FileResponse((tmp_path / "file").open("rb"))

        def application(environ, start_response):
            start_response(f"{response.status_code} OK", list(response.items()))
            return response

        monkeypatch.setattr(asgi, "wsgi_application", application)
        asyncio.run(asgi.application(SCOPE, receiver.receive, receiver.send))
        return response

    return serve


def is_closed(response):
    deadline = time.monotonic() + 5
    while not response.closed and time.monotonic() < deadline:
        time.sleep(0.01)
    return response.closed


def test_an_answer_goes_out_whole(serve):
    receiver = Receiver()

    response = serve(HttpResponse(b"x" * 3_000_000), receiver)

    assert [len(message.get("body", b"")) for message in receiver.messages] == [0, 3_000_000]
    assert "more_body" not in receiver.messages[1]
    assert is_closed(response)


@pytest.mark.parametrize("size", [0, 1, asgi.PIECE_BYTES - 1])
def test_a_small_file_goes_out_whole(serve, size):
    receiver = Receiver()

    response = serve(b"x" * size, receiver)

    assert (len(receiver.messages), receiver.body) == (2, b"x" * size)
    assert is_closed(response)


def test_a_large_file_goes_out_in_pieces(serve):
    content, receiver = bytes(range(256)) * 20_000, Receiver()  # 5 MB

    response = serve(content, receiver)

    pieces = [message["body"] for message in receiver.messages[1:]]
    assert receiver.body == content
    assert dict(receiver.messages[0]["headers"])[b"content-length"] == b"5120000"
    assert max(map(len, pieces)) <= 2 * asgi.PIECE_BYTES
    assert len(pieces) > 5
    assert [message["more_body"] for message in receiver.messages[1:]] == [True] * (len(pieces) - 1) + [False]
    assert is_closed(response)


def test_a_file_is_read_no_further_than_it_is_taken(serve, monkeypatch):
    """A receiver that goes away after two pieces of many: the rest was never read."""
    read = []
    piece = asgi._Pieces.next
    monkeypatch.setattr(asgi._Pieces, "next", lambda self: read.append(1) or piece(self))
    receiver = Receiver(most=3)

    with pytest.raises(ConnectionError):
        serve(b"x" * 20_000_000, receiver)

    assert len(read) == 3
    assert is_closed(asgi.wsgi_application({}, lambda *_: None))
