"""One signature and many copies of its request, at the same moment, against a real database."""

import json
from collections import Counter

import pytest

from accounts.actors import Actor
from accounts.issuing import regenerate_credential, revoke_credential
from gateway.contracts.models import SeenSignature
from gateway.contracts.signed.testing import LINK, PAYOUT, Signed, good, send
from gateway.lib.racing import together
from ledger.testing import assert_ledger_balances
from payments.models import Payment
from payouts.models import Payout

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]
BALANCE = "/api/v1/balance"


@pytest.fixture
def signed(cast, fund, settings):
    settings.SIGNED_RATE_LIMIT = 100_000
    fund(cast.merchant, 10_000_00)
    return Signed(cast.merchant)


def ends(answers):
    assert not [answer.content for answer in answers if answer.status_code >= 500]
    return Counter((answer.status_code, answer.json()["error"]) for answer in answers)


def test_50_copies_of_a_payout_are_one_payout(signed, cast, balances):
    wire = json.dumps(PAYOUT).encode()
    headers = signed.headers("POST", "/api/v1/payout/initiate", wire.decode())

    answers = together(50, lambda _: send("POST", "/payout/initiate", wire, headers, documented=False))

    assert ends(answers) == {(200, ""): 1, (401, "replayed_request"): 49}
    assert Payout.objects.count() == SeenSignature.objects.count() == 1
    assert balances(cast.merchant) == (10_000_00 - 105_90, 0, 105_90)
    assert_ledger_balances()


def test_50_copies_of_a_link_under_one_idempotency_key_are_one_link(signed):
    wire = json.dumps(LINK).encode()
    headers = signed.headers("POST", "/api/v1/payin/generate/link", wire.decode()) | {"Idempotency-Key": "one"}

    answers = together(50, lambda _: send("POST", "/payin/generate/link", wire, headers, documented=False))

    assert ends(answers) == {(200, ""): 1, (401, "replayed_request"): 49}
    assert Payment.objects.count() == 1


def test_50_copies_of_a_question_are_answered_once(signed):
    headers = signed.headers("GET", BALANCE, "")

    answers = together(50, lambda _: send("GET", "/balance", b"", headers, documented=False))

    assert ends(answers) == {(200, ""): 1, (401, "replayed_request"): 49}


def test_50_requests_with_signatures_of_their_own_all_pass(signed):
    made = [signed.headers("GET", BALANCE, "") for _ in range(50)]
    assert len({headers["Signature"] for headers in made}) == 50

    answers = together(50, lambda number: send("GET", "/balance", b"", made[number], documented=False))

    assert ends(answers) == {(200, ""): 50}


def test_50_payouts_under_one_idempotency_key_each_signed_anew(signed, cast, balances):
    answers = together(50, lambda _: signed(
        "POST", "/payout/initiate", PAYOUT, headers={"Idempotency-Key": "one"}, documented=False
    ))

    assert set(ends(answers)) <= {(200, ""), (409, "request_in_progress")}
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
    assert Payout.objects.count() == 1
    assert balances(cast.merchant) == (10_000_00 - 105_90, 0, 105_90)
    assert_ledger_balances()


def test_exactly_the_limit_passes(signed, settings):
    settings.SIGNED_RATE_LIMIT = 30

    answers = together(32, lambda _: [signed("GET", "/balance", documented=False) for _ in range(2)])

    counts = Counter(answer.status_code for pair in answers for answer in pair)
    assert counts[200] + counts[429] == 64
    assert 30 <= counts[200] <= 60  # a second window may begin in between
    assert SeenSignature.objects.count() == counts[200]


def test_a_regenerated_secret_is_refused_by_every_thread_from_then_on(signed, cast):
    actor, old = Actor(cast.merchant_user, "panel"), signed.pair
    good(signed("GET", "/balance"))
    signed.pair = regenerate_credential(actor=actor, credential=signed.credential)

    def old_secret(_):
        return send("GET", "/balance", b"", signed.headers("GET", BALANCE, "", secret=old.secret), documented=False)

    assert ends(together(16, old_secret)) == {(401, "invalid_signature"): 16}
    assert ends(together(16, lambda _: signed("GET", "/balance", documented=False))) == {(200, ""): 16}
    revoke_credential(actor=actor, credential=signed.credential)
    assert ends(together(16, lambda _: signed("GET", "/balance", documented=False))) == {(401, "invalid_access_key"): 16}
