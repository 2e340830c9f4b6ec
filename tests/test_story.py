"""The house stands: a payment, payouts, webhooks and a killed worker, through the doors of a really running gateway."""

import hashlib
import hmac
import html
import json
import os
import re
import time
from urllib.parse import parse_qs, urlsplit

import cv2
import numpy
import pytest
from standardwebhooks import Webhook

from gateway.pay.camera_testing import read_code
from tests.story import Gateway, Receiver, wait_for

pytestmark = [pytest.mark.installation, pytest.mark.long]
PAYOUT = {
    "beneficiary_name": "Asha Verma", "account_number": "123456789012", "ifsc": "SBIN0060589", "bank_name": "SBI",
    "remarks": "November",
}


@pytest.fixture(scope="module")
def services():
    """The edition under test: the embedded one, or a database of its own on the PostgreSQL of this run, and Redis."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield {}
        return
    import psycopg

    server = url.rpartition("/")[0]
    name = f"gateway_story_{os.getpid()}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield {"DATABASE_URL": f"{server}/{name}", "REDIS_URL": os.environ["REDIS_URL"].rpartition("/")[0] + "/15"}
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def gateway(services, tmp_path_factory):
    # A worker killed before the bank heard of a payout sends it again after twice the time-out: shorter here.
    gateway = Gateway(
        tmp_path_factory.mktemp("story"), SANDBOX_BANK_SILENCE_SECONDS="4", PROVIDER_TIMEOUT_SECONDS="2", **services
    )
    yield gateway.start()
    assert gateway.stop() == 0
    assert "Traceback" not in gateway.log.read_text()


@pytest.fixture(scope="module")
def receiver(gateway):
    receiver = Receiver().start()
    made = gateway.api("merchant", "POST", "/webhook-endpoints", {"url": receiver.url})
    assert made.status == 201, made.text
    receiver.secret = made.json["data"]["secret"]
    yield receiver
    receiver.server.shutdown()


def balance(gateway, word="available"):
    return gateway.api("merchant", "GET", "/balance").json["data"][word]


def decode_qr(page: str) -> str:
    """Paints the page's QR code and reads it as a phone's camera would."""
    svg = re.search(r"<svg[^>]*class=\"[^\"]*\bqr\b.*?</svg>", page, re.S)[0]
    size = int(re.search(r'viewBox="0 0 (\d+)', svg)[1])
    picture = numpy.full((size, size), 255, numpy.uint8)
    dark = re.search(r'<path[^>]*stroke="#111[^>]*>', svg)[0]
    paint(picture, re.search(r'\bd="([^"]+)"', dark)[1])
    return read_code(cv2.resize(picture, None, fx=8, fy=8, interpolation=cv2.INTER_NEAREST))


def paint(picture, path):
    """Dark modules are horizontal strokes one module high: M and m move, h draws."""
    x = y = 0.0
    for command, text in re.findall(r"([Mmh])([-\d. ]+)", path):
        numbers = [float(number) for number in text.split()]
        if command == "M":
            x, y = numbers
        elif command == "m":
            x, y = x + numbers[0], y + numbers[1]
        else:
            picture[int(y), int(x) : int(x + numbers[0])] = 0
            x += numbers[0]


def test_a_payment_from_the_api_call_to_the_signed_webhook(gateway, receiver):
    before = balance(gateway)
    made = gateway.api(
        "merchant", "POST", "/payments", {"amount": 1000, "order_id": "story-1", "payer": "Jane Smith"}
    )
    assert made.status == 201, made.text
    payment = made.json["data"]
    assert (payment["status"], payment["amount"], payment["net_amount"]) == ("pending", 1000, 976.4)

    browser = gateway.browser()
    page = browser.get(payment["payment_url"])
    assert "₹1,000.00" in page.text
    assert "Chai Point Traders" in page.text
    link = urlsplit(decode_qr(page.text))
    words = {key: value[0] for key, value in parse_qs(link.query).items()}
    assert (link.scheme, link.netloc) == ("upi", "pay")
    assert (words["am"], words["cu"], words["pn"]) == ("1000.00", "INR", "Chai Point Traders")
    assert words["tr"] == payment["transaction_id"]
    assert html.escape(link.geturl()) in page.text

    browser.post(payment["payment_url"], page, vpa="success@upi")

    def paid():
        answer = gateway.api("merchant", "GET", f"/payments/{payment['transaction_id']}").json["data"]
        return answer if answer["status"] == "completed" else None

    done = wait_for(paid)
    assert (done["fee"], done["net_amount"], done["amount_refunded"]) == (23.6, 976.4, 0)
    assert re.fullmatch(r"[A-Z0-9]{12,22}", done["utr"])
    assert round(balance(gateway) - before, 2) == 976.4
    wait_for(lambda: receiver.events("payment.completed", order_id="story-1"))
    ((headers, payload),) = receiver.events("payment.completed", order_id="story-1")
    assert payload["amount"] == 1000
    assert payload["transaction_id"] == payment["transaction_id"]
    assert payload["payer"] == "Jane Smith"
    raw = next(body for _, body in receiver.received if b"story-1" in body)
    assert headers["X-Signature"] == hmac.new(receiver.secret.encode(), raw, hashlib.sha256).hexdigest()
    signed = {name.lower(): value for name, value in headers.items()}
    assert Webhook(receiver.secret).verify(raw, signed) == payload
    assert gateway.manage("verify_ledger").startswith("The books balance")


def test_a_payout_is_held_approved_by_another_and_processed(gateway, receiver):
    available, reserved = balance(gateway), balance(gateway, "reserved")
    made = gateway.api("merchant", "POST", "/payouts", PAYOUT | {"amount": 12000, "order_id": "out-1"})
    payout = made.json["data"]
    assert (made.status, payout["status"], payout["charge"]) == (201, "pending", 5.9)
    assert round(available - balance(gateway), 2) == 12005.9
    assert round(balance(gateway, "reserved") - reserved, 2) == 12005.9

    refused = gateway.api("merchant", "POST", f"/payouts/{payout['payout_id']}/approve")
    approved = gateway.api("admin", "POST", f"/payouts/{payout['payout_id']}/approve")

    assert (refused.status, approved.status) == (403, 200)
    wait_for(lambda: receiver.events("payout.processed", order_id="out-1"))
    done = gateway.api("merchant", "GET", f"/payouts/{payout['payout_id']}").json["data"]
    assert done["status"] == "processed"
    assert done["utr"]
    assert round(available - balance(gateway), 2) == 12005.9
    assert balance(gateway, "reserved") == reserved


def test_a_rejected_payout_gives_the_hold_back(gateway, receiver):
    available = balance(gateway)
    made = gateway.api("merchant", "POST", "/payouts", PAYOUT | {"amount": 12000, "order_id": "out-2"})
    address = f"/payouts/{made.json['data']['payout_id']}"

    rejected = gateway.api("admin", "POST", f"{address}/reject", {"reason": "Beneficiary not known"})

    assert rejected.status == 200
    wait_for(lambda: receiver.events("payout.rejected", order_id="out-2"))
    done = gateway.api("merchant", "GET", address).json["data"]
    assert (done["status"], done["failure_reason"]) == ("rejected", "Beneficiary not known")
    assert balance(gateway) == available


def test_a_payout_above_the_balance_changes_nothing(gateway):
    available, reserved = balance(gateway), balance(gateway, "reserved")

    refused = gateway.api("merchant", "POST", "/payouts", PAYOUT | {"amount": 99_999_999, "order_id": "out-3"})

    assert refused.status == 402
    assert refused.json["error"]["code"] == "insufficient_balance"
    assert (balance(gateway), balance(gateway, "reserved")) == (available, reserved)
    assert gateway.api("merchant", "GET", "/payouts?order_id=out-3").json["data"] == []


def test_a_worker_killed_while_the_bank_is_silent_pays_once(gateway, receiver):
    """Accounts ending in 1111 get no answer at first: the worker dies in that silence, another one asks."""
    available = balance(gateway)
    body = PAYOUT | {"amount": 500, "order_id": "out-4", "account_number": "900000001111"}
    payout = gateway.api("merchant", "POST", "/payouts", body).json["data"]

    def status():
        return gateway.api("merchant", "GET", f"/payouts/{payout['payout_id']}").json["data"]["status"]

    wait_for(lambda: status() == "processing")
    gateway.kill_worker()

    wait_for(lambda: receiver.events("payout.processed", order_id="out-4"), seconds=60)
    time.sleep(1.5)  # a second payment or event would come now
    assert len({headers["webhook-id"] for headers, _ in receiver.events("payout.processed", order_id="out-4")}) == 1
    assert status() == "processed"
    assert round(available - balance(gateway), 2) == 505.9
    transfer = gateway.manage(
        "shell", "--verbosity", "0", "-c",
        "from payouts.models import SandboxTransfer as T; import json; "
        f"print(json.dumps(list(T.objects.filter(reference='{payout['payout_id']}').values_list('decision', flat=True))))",
    )
    assert json.loads(transfer.splitlines()[-1]) == ["pay"]
    assert gateway.manage("verify_ledger").startswith("The books balance")


def test_a_webhook_that_failed_is_retried_from_the_list_of_deliveries(gateway, receiver):
    receiver.answer = 500
    gateway.api("merchant", "POST", "/payouts", PAYOUT | {"amount": 100, "order_id": "out-5"})
    wait_for(lambda: receiver.events("payout.processed", order_id="out-5"))
    receiver.answer = 200

    # The standard schedule's second attempt comes after five seconds (plus or minus a fifth).
    wait_for(lambda: len(receiver.events("payout.processed", order_id="out-5")) == 2, seconds=30)

    ids = {headers["webhook-id"] for headers, _ in receiver.events("payout.processed", order_id="out-5")}
    assert len(ids) == 1
