"""The published samples, in their four languages, run as programs against a running server: every call, every answer.

A language that is not on this machine is left out, or fails where `REQUIRE_LANGUAGES=1` says that it must be there.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.contracts.signed.testing import LINK, Signed
from ledger.testing import assert_ledger_balances
from payments.models import Payment
from payouts.models import Payout

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "examples" / "signed"
PROGRAMS = {"python": "signed.py", "node": "signed.js", "php": "signed.php", "java": "Signed.java"}
MESSAGES = [
    "Merchant wallet balance fetched.", "Payin link generated successfully.", "Payin transaction fetched successfully.",
    "Payout initiated.", "Payout status fetched.",
]


def interpreter(language):
    found = sys.executable if language == "python" else shutil.which(language)
    if found is None and os.environ.get("REQUIRE_LANGUAGES") == "1":
        pytest.fail(f"{language} is required here, and is not on this machine")
    if found is None:
        pytest.skip(f"no {language} on this machine")
    return found


def run(language, url, pair, order_id):
    """The answers that the program printed, one a line."""
    variables = {"BASE": url, "ACCESS_KEY": pair.identifier, "SECRET_KEY": pair.secret}
    command = [interpreter(language), str(FOLDER / PROGRAMS[language]), order_id]
    done = subprocess.run(command, env=os.environ | variables, text=True, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("language", PROGRAMS)
@pytest.mark.django_db(transaction=True)
def test_the_sample_in_this_language_makes_every_call(cast, fund, live_server, balances, language):
    fund(cast.merchant, 1_000_00)
    pair = Signed(cast.merchant).pair

    answers = run(language, live_server.url, pair, f"{language}-1")

    assert [answer["message"] for answer in answers] == MESSAGES
    assert all(answer["success"] is True and answer["error"] == "" for answer in answers)
    balance, link, payin, payout, status = (answer["data"] for answer in answers)
    assert balance == {"balance": "1000.00"}
    assert {name: link[name] for name in LINK} == LINK | {"order_id": f"{language}-1"}
    assert (payin["order_id"], payin["status"], payin["request_amount"]) == (f"{language}-1", "Pending", 100)
    assert (payout["amount"], payout["beneficiary_mobile_no"], payout["charge"]) == (5, 7878787878, 5.9)
    assert (status["order_id"], status["status"], status["beneficiary_mobile_no"]) == (f"{language}-1", "Pending", 7878787878)
    assert Payment.objects.count() == Payout.objects.count() == 1
    assert balances(cast.merchant) == (1_000_00 - 10_90, 0, 10_90)
    assert_ledger_balances()


@pytest.mark.parametrize("language", PROGRAMS)
@pytest.mark.django_db(transaction=True)
def test_with_a_wrong_secret_it_is_refused_everywhere(cast, live_server, language):
    class Wrong:
        identifier, secret = Signed(cast.merchant).pair.identifier, "sk_test_wrong"

    answers = run(language, live_server.url, Wrong, f"{language}-1")

    assert [answer["error"] for answer in answers] == ["invalid_signature"] * 5
    assert Payment.objects.count() == Payout.objects.count() == 0
