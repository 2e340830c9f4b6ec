"""A whole gateway as a user starts it: its own data folder, web, worker and scheduler as real processes."""

from __future__ import annotations

import http.server
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

from tests import released

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(ask, *, seconds: float = 60.0, every: float = 0.1):
    """The first true answer of `ask`, or an assertion after `seconds`: patience for a busy machine, no measurement."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = ask()
        if answer:
            return answer
        time.sleep(every)
    raise AssertionError(f"not within {seconds} s: {ask.__name__ if hasattr(ask, '__name__') else ask}")


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


class Gateway:
    """One running installation. `api` calls it with a portal key, `browser()` gives a client with cookies."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.port = free_port()
        self.folder = folder
        self.base = f"http://127.0.0.1:{self.port}"
        self.environment = os.environ | {
            "DATA_DIR": str(folder), "PORT": str(self.port), "PYTHONUNBUFFERED": "1", "LOG_JSON": "true",
            "SWEEP_SECONDS": "0.5", "WORK_LEASE_SECONDS": "3", "PYTHONPATH": released.alone(folder), **settings,
        }
        self.environment.pop("DJANGO_SETTINGS_MODULE", None)
        self.log = folder / "run.log"
        self.process: subprocess.Popen | None = None

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, after: Callable[[Gateway], None] = lambda gateway: None) -> Gateway:
        """`after` is done when there is a database with its cast, and before a process is started."""
        self.manage("migrate", "--verbosity", "0")
        self.cast = json.loads(self.manage("demo", "--json"))
        after(self)
        self.launch()
        wait_for(self.is_up, seconds=300)
        return self

    def launch(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gateway.run"], cwd=ROOT, env=self.environment,
            stdout=self.log.open("a"), stderr=subprocess.STDOUT,
        )

    def is_up(self) -> bool:
        try:
            return self.call("GET", "/healthz").status == 200
        except OSError:
            return False

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)

    def children(self, word: str) -> list[int]:
        """Process ids of this installation's services whose command line has `word` in it."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                mine = f"DATA_DIR={self.folder}\0".encode() in (entry / "environ").read_bytes()
            except OSError:
                continue
            if mine and word in command:
                found.append(int(entry.name))
        return found

    def kill_worker(self) -> None:
        """`kill -9` of the worker and its pool, as a machine out of memory would."""
        for pid in self.children("celery --quiet -A gateway worker"):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}{path}", data, method=method)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        return _send(urllib.request.build_opener(), request)

    def api(self, who: str, method: str, path: str, body: object = None, *, mode: str = "test", **headers: str) -> Answer:
        key = self.cast["users"][who]["portal"][mode]
        return self.call(method, f"/api/v1{path}", body, X_API_KEY=key, **headers)

    def browser(self) -> Browser:
        return Browser(self.base)


class Browser:
    """A plain client with cookies that fills in forms, CSRF token included."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> Answer:
        return _send(self.opener, urllib.request.Request(self._absolute(path)))

    def post(self, path: str, page: Answer, **fields: str) -> Answer:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token is not None, "the page has no form"
        data = urlencode({"csrfmiddlewaretoken": token[1], **fields}).encode()
        return _send(self.opener, urllib.request.Request(self._absolute(path), data))

    def _absolute(self, path: str) -> str:
        return path if path.startswith("http") else f"{self.base}{path}"


def _send(opener, request) -> Answer:
    try:
        with opener.open(request, timeout=20) as answer:
            return Answer(answer.status, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, dict(error.headers), error.read())


@dataclass
class Receiver:
    """A merchant's server on loopback: keeps each webhook with its headers and exact bytes."""

    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answer: int = 200

    def start(self) -> Receiver:
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.received.append((dict(self.headers), body))
                self.send_response(outer.answer)
                self.end_headers()
                self.wfile.write(b"thank you")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def events(self, name: str, **values: object) -> list[tuple[dict[str, str], dict]]:
        """What arrived of event `name` whose payload has these values."""
        found = []
        for headers, body in list(self.received):
            payload = json.loads(body)
            if payload["event"] == name and all(payload.get(key) == value for key, value in values.items()):
                found.append((headers, payload))
        return found
