"""The gateway under load: granian on PostgreSQL and Redis as in production, 1,000 merchants with a key each."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.floor import MERCHANTS

PORT = 9777
ADMIN_URL = os.environ.get("BENCH_ADMIN_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REDIS_URL = os.environ.get("BENCH_REDIS_URL", "redis://127.0.0.1:6379/7")

_SCRIPT = """
local keys, count, thread = {}, 0, 0
for line in io.lines("%(keys)s") do keys[#keys + 1] = line end
function setup(t) t:set("number", thread); thread = thread + 1 end
function init() math.randomseed(number * 7919 + os.time()); run = tostring(os.time()) .. "-" .. number .. "-" end
request = function()
  count = count + 1
  wrk.headers["X-API-KEY"] = keys[math.random(#keys)]
  wrk.headers["Content-Type"] = "application/json"
  %(request)s
end
function response(status) if status ~= %(expect)d then bad = (bad or 0) + 1; print("unexpected status " .. status) end end
"""
_REQUESTS = {
    "create payment": (
        """return wrk.format("POST", "/api/v1/payments", nil, '{"amount": 500, "order_id": "' .. run .. count .. '"}')""",
        201,
    ),
    "balance": ("""return wrk.format("GET", "/api/v1/balance")""", 200),
}


class Server:
    """A running gateway; `rate` loads it with wrk."""

    def __init__(self, folder: Path) -> None:
        self.keys = folder / "keys.txt"

    def rate(self, folder: Path, case: str, clients: int, seconds: int) -> float:
        """Answers a second; stops the whole run if one of them is not the expected status."""
        request, expect = _REQUESTS[case]
        script = folder / f"{case.replace(' ', '-')}.lua"
        script.write_text(_SCRIPT % {"keys": self.keys, "request": request, "expect": expect})
        command = ["wrk", "-t", "1", "-c", str(clients), "-d", f"{seconds}s", "-s", str(script)]
        done = subprocess.run([*command, f"http://127.0.0.1:{PORT}"], capture_output=True, text=True, check=True)
        found = re.search(r"Requests/sec:\s+([0-9.]+)", done.stdout)
        if found is None or "unexpected" in done.stdout or "Socket errors" in done.stdout:
            sys.exit(done.stdout[-2000:])
        return float(found[1])


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    database = ADMIN_URL.rsplit("/", 1)[0] + "/gateway_bench"
    os.environ["BENCH_DATABASE_URL"] = database
    environment = os.environ | {
        "DATA_DIR": str(folder), "DATABASE_URL": database, "REDIS_URL": REDIS_URL, "PORTAL_RATE_MERCHANT": "1000000000",
        "LOG_LEVEL": "ERROR", "DJANGO_SETTINGS_MODULE": "gateway.settings",
    }
    for sql in ("DROP DATABASE IF EXISTS gateway_bench WITH (FORCE)", "CREATE DATABASE gateway_bench"):
        subprocess.run(["psql", "-q", "-c", sql, ADMIN_URL], check=True, stderr=subprocess.DEVNULL)
    server = None
    try:
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], env=environment, check=True)
        subprocess.run([sys.executable, "-m", "bench.fill", str(folder / "keys.txt"), str(MERCHANTS)], env=environment, check=True)
        subprocess.run(["psql", "-q", "-c", "ANALYZE", database], check=True)
        server = _start(environment)
        yield Server(folder)
    finally:
        if server is not None:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(20)
        subprocess.run(["psql", "-q", "-c", "DROP DATABASE IF EXISTS gateway_bench WITH (FORCE)", ADMIN_URL], check=True)


def _start(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    granian = str(Path(sys.executable).with_name("granian"))
    command = [
        granian, "--interface", "asginl", "gateway.asgi:application", "--port", str(PORT), "--workers", "2", "--no-ws", "--log-level", "error",
    ]
    server = subprocess.Popen(command, env=environment, start_new_session=True)
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", PORT), timeout=1).close()
            json.load(urllib.request.urlopen(f"http://127.0.0.1:{PORT}/healthz", timeout=5))
            return server
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the server did not start")
