"""The programs that the reference prints work as printed: in each language, a GET and a POST of each contract.

A language that is not on this machine is left out, or fails where `REQUIRE_LANGUAGES=1` says that it must be there.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from django.urls import reverse

from crypto import testing
from crypto.models import Session
from gateway.contracts.checkout.testing import Checkout
from gateway.contracts.dashboard.testing import Dashboard
from gateway.contracts.signed.testing import Signed
from gateway.panel.reference.code import LANGUAGES, Sent, programs
from payments.models import Order, Payment

INTERPRETERS = {
    "curl": (("sh",), "program.sh"), "Python": ((sys.executable,), "program.py"), "Node.js": (("node",), "program.js"),
    "PHP": (("php",), "program.php"),
}
CALLS = [
    ("portal", "list_payments"), ("portal", "create_payment"), ("signed", "get_balance"), ("signed", "create_payin_link"),
    ("checkout", "list_orders"), ("checkout", "create_order"), ("dashboard", "get_overview"),
    ("dashboard", "create_session"),
]


def run(language, program, keys, folder):
    """What the program printed."""
    command, name = INTERPRETERS[language]
    needed = "curl" if language == "curl" else command[0]
    if not shutil.which(needed):
        if os.environ.get("REQUIRE_LANGUAGES") == "1":
            pytest.fail(f"{needed} is required here, and is not on this machine")
        pytest.skip(f"no {needed} on this machine")
    (folder / name).write_text(program)
    done = subprocess.run(
        [*command, str(folder / name)], env=os.environ | keys, text=True, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def keys_for(contract, cast):
    if contract == "portal":
        return {"API_KEY": cast.keys[cast.merchant_user.public_id, "test"]}
    if contract == "dashboard":
        return {"API_KEY": Dashboard(cast.merchant).key}
    pair = (Signed if contract == "signed" else Checkout)(cast.merchant).pair
    names = ("ACCESS_KEY", "SECRET_KEY") if contract == "signed" else ("API_KEY", "API_SECRET")
    return dict(zip(names, (pair.identifier, pair.secret), strict=True))


def printed(client, contract, name, language):
    """The program as the page shows it."""
    page = client.get(reverse("panel:reference-call", args=[contract, name]), headers={"HX-Request": "true"})
    shown = re.findall(r"<figcaption[^>]*><span>([^<]+)</span>.*?<pre[^>]*><code>(.*?)</code>", page.content.decode(), re.S)
    return html.unescape(dict(shown)[language])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.django_db(transaction=True)
def test_a_get_and_a_post_of_each_contract_work_as_printed(cast, live_server, signed_in, settings, tmp_path, language):
    settings.PUBLIC_URL, settings.SIMULATED_BLOCK_SECONDS = live_server.url, 0
    testing.add_addresses("BSC", 1)
    client = signed_in(cast.merchant_user)
    keys = {contract: keys_for(contract, cast) for contract, _ in CALLS}

    answers = {
        (contract, name): run(language, printed(client, contract, name, language), keys[contract], tmp_path)
        for contract, name in CALLS
    }

    for (contract, _), answer in answers.items():
        assert "error" not in answer or answer["error"] == "", answer
        assert contract == "checkout" or answer["success"] is True
    assert answers["checkout", "list_orders"]["entity"] == "collection"
    assert answers["checkout", "create_order"]["id"] == Order.objects.get(contract="checkout").public_id
    assert answers["dashboard", "create_session"]["data"]["session_id"] == str(Session.objects.get().pk)
    made = {payment.contract: payment for payment in Payment.objects.all()}
    assert answers["portal", "create_payment"]["data"]["transaction_id"] == made["portal"].public_id
    assert answers["signed", "create_payin_link"]["data"]["order_id"] == made["signed"].order.reference
    assert len(made) == 2


NASTY = "it's \"q\" \\ $x ${y} `z` $(id) चाय 💳 {w} %s \"\"\" */ ?>"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("contract", ["portal", "signed"])
@pytest.mark.django_db(transaction=True)
def test_no_text_ends_its_literal(cast, live_server, tmp_path, language, contract):
    if contract == "portal":
        path, field, body = "/api/v1/payments", "payer", {"amount": 5, "order_id": "NASTY-1", "payer": NASTY}
        headers = (("X-API-KEY", "API_KEY"),)
    else:
        path, field, headers = "/api/v1/payin/generate/link", "user_id", (("Access-Key", "ACCESS_KEY"),)
        body = {"user_id": NASTY, "order_id": "NASTY-1", "amount": 5, "method": "UPI", "redirect_url": "http://test.com"}
    sent = Sent(
        base=live_server.url, method="POST", path=path, query="", keys=headers, signed=contract == "signed",
        body=json.dumps(body, indent=2, ensure_ascii=False), headers=(("Idempotency-Key", "it's \"$q\" `\\"),),
    )
    program = next(one.text for one in programs(sent) if one.language == language)

    answer = run(language, program, keys_for(contract, cast), tmp_path)

    assert answer["success"] is True, answer
    assert answer["data"][field] == NASTY
    assert Payment.objects.get().order.reference == "NASTY-1"
