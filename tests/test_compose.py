"""compose.yaml, each service started by its own command with two webs, three workers and two schedulers: a payment through
each contract, money that two webs cannot spend twice, and a stop that fails nobody."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import re
import subprocess
import threading
import time
import urllib.request
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.composed import Composition
from tests.contained import ENGINE, Contained
from tests.story import ROOT, Browser, Receiver, _send, wait_for

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(
        not os.environ.get("DATABASE_URL", "").startswith("postgres"),
        reason="compose.yaml is PostgreSQL and Redis: this is the second run's",
    ),
]
PAYOUT = {
    "beneficiary_name": "Asha Verma", "account_number": "123456789012", "ifsc": "SBIN0060589", "bank_name": "SBI",
    "remarks": "November",
}


@pytest.fixture(scope="module")
def stores():
    import psycopg
    import redis

    server = os.environ["DATABASE_URL"].rpartition("/")[0]
    name = f"gateway_compose_{os.getpid()}"
    counters = os.environ["REDIS_URL"].rpartition("/")[0] + "/14"
    redis.Redis.from_url(counters).flushdb()
    with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield {"database": f"{server}/{name}", "redis": counters}
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def composed(stores, tmp_path_factory):
    composed = (Contained if ENGINE else Composition)(tmp_path_factory.mktemp("compose"), **stores)
    guide = (ROOT / "docs" / "operations.md").read_text()
    (secrets,) = (text for text in re.findall(r"^```sh\n(.*?)^```$", guide, re.M | re.S) if "openssl" in text)
    subprocess.run(["sh", "-ec", secrets], cwd=composed.folder, check=True)
    try:
        composed.build()
        before = sorted(composed.app.rglob("*"))
        composed.migrate()
        composed.manage("crypto_keys", "--new", str(composed.folder / "signer" / "words"))
        composed.up(web=2, worker=3, scheduler=2)
        composed.wait_until_healthy()
        yield composed
    finally:
        codes = composed.stop_all()
        composed.remove()
    assert {key: code for key, code in codes.items() if code} == {}
    assert "Traceback" not in composed.logs()
    assert sorted(composed.app.rglob("*")) == before  # the root may be read-only


@pytest.fixture(scope="module")
def cast(composed):
    made = "import json; from gateway import demo; print(json.dumps(demo.load_or_make()))"
    return json.loads(composed.manage("shell", "--verbosity", "0", "-c", made).splitlines()[-1])


@pytest.fixture(scope="module")
def receiver(composed, portal):
    receiver = Receiver().start()
    made = portal("merchant", "POST", "/webhook-endpoints", {"url": receiver.url})
    assert made.status == 201, made.text
    yield receiver
    receiver.server.shutdown()


@pytest.fixture(scope="module")
def call(composed):
    def call(method, path, body=None, *, web=0, **headers):
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{composed.webs[web]}/api/v1{path}", data, method=method)
        request.add_header("Content-Type", "application/json")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        return _send(urllib.request.build_opener(), request)

    return call


@pytest.fixture(scope="module")
def portal(call, cast):
    def portal(who, method, path, body=None, **more):
        return call(method, path, body, X_API_KEY=cast["users"][who]["portal"]["test"], **more)

    return portal


def pay_at(composed, url, **fields):
    """As a payer's browser does; each page by another web than the one that made it."""
    browser = Browser(composed.webs[1])
    path = url.replace(composed.env_file["PUBLIC_URL"], "")
    page = browser.get(path)
    assert page.status == 200, page.text
    return browser.post(path, page, **fields), browser, path


def test_a_payment_through_each_contract(composed, cast, call, portal, receiver):
    merchant = cast["merchants"]["merchant"]

    made = portal("merchant", "POST", "/payments", {"amount": 1000, "order_id": "by-portal", "payer": "Jane Smith"})
    pay_at(composed, made.json["data"]["payment_url"], vpa="success@upi")

    link = _signed(call, merchant["signed"]["test"], "/payin/generate/link", {
        "user_id": "user-1", "order_id": "by-signed", "amount": 100, "method": "UPI", "redirect_url": "http://test.com",
    })
    pay_at(composed, link.json["data"]["pay_url"], vpa="success@upi")

    pair = merchant["checkout"]["test"]
    basic = "Basic " + b64encode(f"{pair['key']}:{pair['secret']}".encode()).decode()
    order = call("POST", "/orders", {"amount": 50000, "currency": "INR", "receipt": "by-checkout", "manual_capture": False},
                 Authorization=basic).json
    payment = call("POST", "/payments", {"order_id": order["id"], "method": "upi", "vpa": "success@upi"},
                   Authorization=basic, web=1).json

    key = merchant["dashboard"]["test"]
    session = call("POST", "/checkout/sessions", {
        "amount": 100, "currency": "USDT", "network": "BSC", "reference": "by-dashboard", "customer_email": "c@example.com",
    }, X_API_KEY=key).json["data"]
    browser = Browser(composed.webs[1])
    page = browser.get(f"/pay/{session['session_id']}")
    browser.post(f"/pay/{session['session_id']}/simulate", page, outcome="exact")

    wait_for(lambda: portal("merchant", "GET", "/payments?order_id=by-portal").json["data"][0]["status"] == "completed")
    wait_for(lambda: _signed(call, merchant["signed"]["test"], "/payin/transactions", {"order_id": "by-signed"})
             .json["data"]["status"] == "Approved")
    wait_for(lambda: call("GET", f"/payments/{payment['id']}", Authorization=basic).json["status"] == "SUCCESS")
    wait_for(lambda: call("GET", f"/checkout/sessions/{session['session_id']}", X_API_KEY=key, web=1)
             .json["data"]["status"] == "paid")
    wait_for(lambda: receiver.events("payment.completed", order_id="by-portal"))
    assert composed.manage("verify_ledger").startswith("The books balance")


def _signed(call, pair, path, body):
    text, now = json.dumps(body, separators=(",", ":")), str(int(time.time() * 1000))
    message = f"POST\n/api/v1{path}\n{text}\n{now}\n".encode()
    signature = hmac.new(pair["secret_key"].encode(), message, hashlib.sha256).hexdigest()
    answer = call("POST", path, text.encode(), Access_Key=pair["access_key"], Timestamp=now, Signature=signature)
    assert answer.status == 200, answer.text
    return answer


def test_two_webs_and_three_workers_spend_money_once(composed, portal, receiver):
    """32 payouts at once of a sum that the balance covers 20 times, on two webs; each is paid and told once."""
    available = round(portal("merchant", "GET", "/balance").json["data"]["available"], 2)
    amount = round((available - 20 * 5.9) / 20 - 0.1, 2)

    def pay(number):
        body = PAYOUT | {"amount": amount, "order_id": f"race-{number}"}
        return portal("merchant", "POST", "/payouts", body, web=number % 2).status

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(pay, range(32)))

    assert sorted(statuses) == [201] * 20 + [402] * 12
    paid = [f"race-{number}" for number, status in enumerate(statuses) if status == 201]
    wait_for(lambda: all(receiver.events("payout.processed", order_id=name) for name in paid), seconds=60)
    told = [payload["order_id"] for _, payload in receiver.events("payout.processed") if payload["order_id"] in paid]
    assert sorted(told) == sorted(paid)
    assert composed.manage("verify_ledger").startswith("The books balance")


def test_of_two_schedulers_one_stands_by_and_takes_over(composed, portal):
    logs = [composed.folder / f"scheduler-{number}.log" for number in (0, 1)]
    (standing_by,) = [number for number, log in enumerate(logs) if "scheduler_stands_by" in log.read_text()]

    assert composed.stop("scheduler", 1 - standing_by) == 0

    wait_for(lambda: _sends(composed), seconds=30)
    assert composed.is_healthy("scheduler", standing_by)


def _sends(composed):
    """The schedule's file is written by the one that sends."""
    holder = subprocess.run(
        ["flock", "--nonblock", str(composed.folder / "data" / "schedule.lock"), "true"], check=False
    )
    return holder.returncode != 0


def test_a_web_that_stops_under_load_loses_no_request_that_it_took(composed, portal):
    """Nobody gets an error, and whoever finds the door shut, or is hung up on at it, has caused nothing."""
    answered, unanswered, wrong = set(), set(), []

    def pay(thread):
        for number in range(1000):
            order = f"stop-{thread}-{number}"
            try:
                answer = portal("merchant", "POST", "/payments", {"amount": 10, "order_id": order, "payer": "J"}, web=1)
            except (OSError, http.client.HTTPException):
                return unanswered.add(order)
            if answer.status != 201:
                return wrong.append(answer.text)
            answered.add(order)

    threads = [threading.Thread(target=pay, args=[name]) for name in range(6)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(answered) > 30)

    assert composed.stop("web", 1) == 0

    for thread in threads:
        thread.join(30)
    assert (wrong, len(unanswered)) == ([], 6)
    found = {name: len(portal("merchant", "GET", f"/payments?order_id={name}").json["data"]) for name in answered | unanswered}
    assert found == dict.fromkeys(answered, 1) | dict.fromkeys(unanswered, 0)
