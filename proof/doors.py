"""The doors, from outside: random and hostile requests over real sockets to two web processes."""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from proof.experiments import experiment
from proof.house import House, house
from proof.signing import headers as signed_headers

SECTION = "doors"
DOCUMENTS = Path(__file__).resolve().parent.parent / "docs" / "openapi"
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance"
)
# Would take away the key that the run itself uses.
LEFT_OUT = "/api/v1/profile/api-key/regenerate"
API_USER_LIMIT = 100
# A house of its own: what random requests set up there (endpoints, users) is nothing to build on.
FUZZED = {"LOG_LEVEL": "ERROR"}


# Random requests ---------------------------------------------------------------------------------------------------


@experiment(SECTION, "schemathesis", "random requests made from the four OpenAPI documents: no 5xx, nothing undocumented", count=20_000)
def schemathesis(count: int) -> str:
    sizes = {name: len(_operations(name)) for name in ("portal", "signed", "checkout", "dashboard")}
    each = max(count // sum(sizes.values()), 1)
    made = {}
    with house(**FUZZED) as home:
        for contract in sizes:
            made[contract] = _fuzz(home, contract, each)
        home.verify()
    told = ", ".join(f"{name} {number:,}" for name, number in made.items())
    return f"{sum(made.values()):,} cases ({told}), 0 × 5xx, no undocumented status, type, header or body; books exact"


def _operations(contract: str) -> list[tuple[str, str]]:
    document = yaml.safe_load((DOCUMENTS / f"{contract}.yaml").read_text())
    return [(path, method) for path, methods in document["paths"].items() for method in methods if method in METHODS]


METHODS = ("get", "post", "put", "patch", "delete")


def _fuzz(home: House, contract: str, each: int) -> int:
    program = shutil.which("st", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert program, "needs schemathesis (requirements-proof.txt)"
    with tempfile.TemporaryDirectory(prefix="gateway-proof-") as folder:
        command = [
            program, "--no-color", "run", str(DOCUMENTS / f"{contract}.yaml"), "--url", home.gateway.base, "--checks", CHECKS,
            "--phases", "examples,coverage,fuzzing", "--max-examples", str(each), "--seed", os.environ["PROOF_SEED"],
            "--exclude-path", LEFT_OUT, "--suppress-health-check", "all", "--warnings", "off", "--no-shrink",
            "--generation-database", "none", "--request-timeout", "30", "--continue-on-failure",
        ]
        for name, value in _credential(home, contract).items():
            command += ["-H", f"{name}: {value}"]
        done = subprocess.run(command, cwd=folder, env=_fuzzer_environment(home, contract), capture_output=True, text=True, check=False)
    found = re.search(r"([\d,]+) generated", done.stdout)
    assert done.returncode == 0 and found, (done.stdout + done.stderr)[-5000:]
    return int(found[1].replace(",", ""))


def _fuzzer_environment(home: House, contract: str) -> dict[str, str]:
    if contract != "signed":
        return dict(os.environ)
    pair = home.gateway.cast["merchants"]["merchant"]["signed"]["test"]
    return os.environ | {
        "SCHEMATHESIS_HOOKS": "proof.signing", "PYTHONPATH": str(DOCUMENTS.parent.parent),
        "PROOF_ACCESS_KEY": pair["access_key"], "PROOF_SECRET_KEY": pair["secret_key"],
    }


def _credential(home: House, contract: str) -> dict[str, str]:
    cast = home.gateway.cast
    merchant = cast["merchants"]["merchant"]
    if contract == "checkout":
        pair = merchant["checkout"]["test"]
        return {"X-Api-Key": pair["key"], "X-Api-Secret": pair["secret"]}
    key = {"portal": cast["users"]["merchant"]["portal"]["test"], "dashboard": merchant["dashboard"]["test"], "signed": ""}[contract]
    return {"X-API-Key": key} if key else {}


# Hostile bodies ----------------------------------------------------------------------------------------------------

BODIES = {
    "nested": b"[" * 100_000,
    "nested whole": b'{"amount":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "NUL": b'{"order_id":"a\\u0000b","amount":1,"reference":"\\u0000"}',
    "NUL byte": b'{"order_id":"a\0b"}',
    "lone surrogate": b'{"order_id":"\\ud800","amount":1,"reference":"\\udfff","url":"\\ud800"}',
    "huge number": b'{"amount":1' + b"0" * 5_000 + b"}",
    "huge exponent": b'{"amount":1e400}',
    "NaN": b'{"amount":NaN}',
    "twice": b'{"amount":1,"amount":2}',
    "not UTF-8": b'{"order_id":"\xff\xfe"}',
    "UTF-16": '{"amount":1}'.encode("utf-16"),
    "a list": b"[1,2,3]",
    "a form": b"amount=1&order_id=x",
    "one mebibyte": b'{"order_id":"' + b"a" * (1 << 20) + b'"}',
    "ten mebibytes": b'{"order_id":"' + b"a" * (10 << 20) + b'"}',
    "every type": json.dumps(
        {name: {"a": [None, True]} for name in ("amount", "order_id", "url", "events", "email", "vpa", "currency")}
    ).encode(),
    "nothing": b"",
}


@experiment(SECTION, "hostile-bodies", f"{len(BODIES)} hostile bodies to every address that takes one, so many times", count=3)
def hostile_bodies(count: int) -> str:
    statuses: Counter[int] = Counter()
    with house(**FUZZED) as home:
        calls = [call for _ in range(count) for call in _hostile(home)]
        random.shuffle(calls)
        with ThreadPoolExecutor(4) as callers:
            statuses.update(callers.map(lambda call: call(), calls))
        home.verify()
    bad = {status: number for status, number in statuses.items() if status >= 500 or status == 0}
    assert not bad, f"answers: {bad}"
    return f"{sum(statuses.values()):,} requests, 0 × 5xx ({', '.join(f'{n} × {s}' for s, n in sorted(statuses.items()))}); books exact"


def _hostile(home: House) -> Iterator[Callable[[], int]]:
    for contract in ("portal", "signed", "checkout", "dashboard"):
        for path, method in _operations(contract):
            if method in ("post", "put", "patch") and path != LEFT_OUT:
                for body in BODIES.values():
                    yield lambda contract=contract, path=path, method=method, body=body: _send(home, contract, method, path, body)


def _send(home: House, contract: str, method: str, path: str, body: bytes) -> int:
    address = re.sub(r"{\w+}", "x", path)
    headers = {"Content-Type": "application/json"} | _credential(home, contract)
    if contract == "signed":
        pair = home.gateway.cast["merchants"]["merchant"]["signed"]["test"]
        headers |= signed_headers(pair["access_key"], pair["secret_key"], method.upper(), address, body)
    return call(home, method.upper(), address, body, headers)


def call(home: House, method: str, path: str, body: bytes, headers: dict[str, str]) -> int:
    """The status; a server that has heard enough may answer and close before it was sent everything."""
    connection = http.client.HTTPConnection("127.0.0.1", home.gateway.port, timeout=40)
    try:
        try:
            connection.request(method, path, body, headers)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 413 if len(body) > 8 << 20 else 0
    finally:
        connection.close()


# Limits and copies, in two processes ---------------------------------------------------------------------------------


@experiment(SECTION, "rate-limit", f"calls of 32 threads to 2 processes under a limit of {API_USER_LIMIT}", count=400)
def rate_limit(count: int) -> str:
    with house() as home, ThreadPoolExecutor(32) as callers:
        answers = list(callers.map(lambda _: home.gateway.api("api_user", "GET", "/profile"), range(count)))
    statuses = Counter(answer.status for answer in answers)
    windows = {answer.headers["x-ratelimit-reset"] for answer in answers}
    assert set(statuses) <= {200, 429}, statuses
    assert statuses[200] <= API_USER_LIMIT * len(windows), statuses
    assert len(windows) > 1 or statuses[200] == min(API_USER_LIMIT, count), statuses
    return f"{statuses[200]} passed, {statuses[429]} × 429"


@experiment(SECTION, "signed-copies", "50 copies at once of one signed request, to 2 processes, so many times", count=20)
def signed_copies(count: int) -> str:
    with house() as home:
        for number in range(count):
            assert (statuses := _fifty(home, number)) == Counter({200: 1, 401: 49}), f"round {number}: {statuses}"
        home.verify()
    return f"{count} × one accepted, 49 refused"


def _fifty(home: House, number: int) -> Counter[int]:
    pair = home.gateway.cast["merchants"]["merchant"]["signed"]["test"]
    path = "/api/v1/payin/generate/link"
    body = json.dumps({
        "user_id": "u", "order_id": f"copy-{random.randrange(10**12)}-{number}", "amount": 100, "method": "UPI",
        "redirect_url": "https://shop.example",
    }, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json"} | signed_headers(pair["access_key"], pair["secret_key"], "POST", path, body)
    gate = threading.Barrier(50)

    def send(_: int) -> int:
        gate.wait()
        return call(home, "POST", path, body, headers)

    with ThreadPoolExecutor(50) as callers:
        return Counter(callers.map(send, range(50)))
