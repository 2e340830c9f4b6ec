"""A process that turns is alive, one that hangs is not, and a full disk ends nobody; web is asked by its public name."""

from __future__ import annotations

import http.server
import os
import threading
import time

import pytest

from gateway import liveness


@pytest.fixture
def file(monkeypatch, tmp_path):
    monkeypatch.setenv("LIVENESS_FILE", str(tmp_path / "alive"))
    return tmp_path / "alive"


def test_a_process_is_alive_for_a_while_after_each_turn(file):
    assert liveness.main(["60"]) == 1  # it never turned

    liveness.touch()

    assert liveness.main(["60"]) == 0
    os.utime(file, (time.time() - 61, time.time() - 61))
    assert liveness.main(["60"]) == 1


def test_a_file_that_cannot_be_written_ends_nobody(monkeypatch):
    monkeypatch.setenv("LIVENESS_FILE", "/proc/no/alive")

    liveness.touch()

    assert liveness.main(["60"]) == 1


def test_outside_containers_nothing_is_written(monkeypatch, tmp_path):
    monkeypatch.delenv("LIVENESS_FILE", raising=False)
    monkeypatch.chdir(tmp_path)

    liveness.touch()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_web_is_asked_by_its_public_name(monkeypatch, status, code):
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers["Host"]))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("PORT", str(server.server_port))
    monkeypatch.setenv("PUBLIC_URL", "https://pay.example.com")

    assert liveness.main(["web"]) == code
    server.shutdown()
    assert asked == [("/healthz", "pay.example.com")]


def test_a_web_that_is_not_there_is_not_alive(monkeypatch):
    monkeypatch.setenv("PORT", "1")

    assert liveness.main(["web"]) == 1
