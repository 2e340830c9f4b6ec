"""The gateway under load: granian on PostgreSQL and Redis as in production, 1,000 merchants with a key and two pairs each."""

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

from bench import floor, signing
from bench.floor import MERCHANTS

PORT = int(os.environ.get("BENCH_PORT", "9777"))
ADMIN_URL = os.environ.get("BENCH_ADMIN_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REDIS_URL = os.environ.get("BENCH_REDIS_URL", "redis://127.0.0.1:6379/7")
DATABASE = os.environ.get("BENCH_DATABASE", "gateway_bench")
_LIMITS = ("PORTAL_RATE_MERCHANT", "CHECKOUT_RATE_LIMIT", "SIGNED_RATE_LIMIT")

_SCRIPT = """
local lines, count = {}, 0
for line in io.lines("%(lines)s") do lines[#lines + 1] = line end
math.randomseed(os.time())
run = os.time() .. "-"
wrk.headers["Content-Type"] = "application/json"
request = function()
  count = count + 1
  local number = math.random(#lines)
  %(request)s
end
function response(status) if status ~= %(expect)d then print("unexpected status " .. status) end end
"""
_KEY = 'wrk.headers["X-API-KEY"] = lines[number] '
_PAIR = f'{_KEY}wrk.headers["X-Api-Secret"] = "{"bench" * 8}" '
_PAYOUT = (
    '"beneficiary_name": "A B", "account_number": "123456789012", "ifsc": "HDFC0001234", "amount": 1, "order_id": "'
)
# Per case: whose lines, the request for one of them, the status it must get.
_REQUESTS = {
    "create payment": (
        "portal", _KEY + """return wrk.format("POST", "/api/v1/payments", nil, '{"amount": 500, "order_id": "' .. run .. count .. '"}')""",
        201,
    ),
    "create order": (
        "checkout", _PAIR + """return wrk.format("POST", "/api/v1/orders", nil, '{"amount": 50000, "currency": "INR"}')""", 201,
    ),
    "get payment": (
        "portal", _KEY + """return wrk.format("GET", "/api/v1/payments/pay_" .. string.format("%016d", number))""", 200,
    ),
    "balance": ("portal", _KEY + """return wrk.format("GET", "/api/v1/balance")""", 200),
    "payout, one wallet": (
        "portal", f"""number = 1 {_KEY}return wrk.format("POST", "/api/v1/payouts", nil, '{{{_PAYOUT}' .. run .. count .. '"}}')""", 201,
    ),
    # Signed beforehand, each line for one request: access key, timestamp, signature, body.
    "signed link": (
        "signed-requests",
        """local key, moment, signature, body = string.match(lines[count], "([^\\t]*)\\t([^\\t]*)\\t([^\\t]*)\\t(.*)")
  wrk.headers["Access-Key"] = key wrk.headers["Timestamp"] = moment wrk.headers["Signature"] = signature
  return wrk.format("POST", "/api/v1/payin/generate/link", nil, body)""",
        200,
    ),
}


class Server:
    """A running gateway; `rate` loads it with wrk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def rate(self, case: str, clients: int, seconds: int) -> float:
        """Answers a second; stops the whole run if one of them is not the expected status."""
        lines, request, expect = _REQUESTS[case]
        if lines == "signed-requests":
            signing.write(self.folder / f"{lines}.txt", self.folder / "signed.txt", 4_000 * (seconds + 1))
        script = self.folder / f"{case.replace(' ', '-').replace(',', '')}.lua"
        script.write_text(_SCRIPT % {"lines": self.folder / f"{lines}.txt", "request": request, "expect": expect})
        command = ["wrk", "-t", "1", "-c", str(clients), "-d", f"{seconds}s", "-s", str(script)]
        done = subprocess.run([*command, f"http://127.0.0.1:{PORT}"], capture_output=True, text=True, check=True)
        found = re.search(r"Requests/sec:\s+([0-9.]+)", done.stdout)
        if found is None or "unexpected" in done.stdout or "Socket errors" in done.stdout:
            sys.exit(f"{case}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return float(found[1])


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    database = ADMIN_URL.rsplit("/", 1)[0] + f"/{DATABASE}"
    os.environ |= {
        "BENCH_DATABASE_URL": database, "DATA_DIR": str(folder), "DATABASE_URL": database, "REDIS_URL": REDIS_URL,
        "LOG_LEVEL": "ERROR", "DJANGO_SETTINGS_MODULE": "gateway.settings", **dict.fromkeys(_LIMITS, "1000000000"),
    }
    for sql in (f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)", f"CREATE DATABASE {DATABASE}"):
        subprocess.run(["psql", "-q", "-c", sql, ADMIN_URL], check=True, stderr=subprocess.DEVNULL)
    server = None
    try:
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True)
        subprocess.run([sys.executable, "-m", "bench.fill", str(folder), str(MERCHANTS)], check=True, stdout=subprocess.DEVNULL)
        floor.prepare()
        server = _start()
        _first_payout(folder)
        subprocess.run(["psql", "-q", "-c", "ANALYZE", database], check=True)
        yield Server(folder)
    finally:
        if server is not None:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(30)
        subprocess.run(["psql", "-q", "-c", f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)", ADMIN_URL], check=True)


def _start() -> subprocess.Popen[bytes]:
    granian = str(Path(sys.executable).with_name("granian"))
    command = [
        granian, "--interface", "asginl", "gateway.asgi:application", "--port", str(PORT), "--workers", "2", "--no-ws", "--log-level", "error",
    ]
    server = subprocess.Popen(command, start_new_session=True)
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", PORT), timeout=1).close()
            json.load(urllib.request.urlopen(f"http://127.0.0.1:{PORT}/healthz", timeout=5))
            return server
        except OSError:
            time.sleep(0.2)
    os.killpg(server.pid, signal.SIGKILL)
    raise SystemExit("the server did not start")


def _first_payout(folder: Path) -> None:
    """Makes the beneficiary that every later payout, the floor's too, goes to."""
    key = (folder / "portal.txt").read_text().split()[0]
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}/api/v1/payouts", data=f'{{{_PAYOUT}first"}}'.encode(),
        headers={"X-API-KEY": key, "Content-Type": "application/json"},
    )
    assert urllib.request.urlopen(request, timeout=10).status == 201
