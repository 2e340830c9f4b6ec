"""The doors under threads, on a real database: one key one effect, exact limits, keys that die at once."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from accounts.models import PortalKey
from gateway.contracts import idempotency
from gateway.contracts.models import IdempotencyRecord
from gateway.lib.racing import dies_at, together
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payments.models import Payment
from payouts.models import Payout

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def post(cast, api):
    def post(who, path, body, **headers):
        return Client(raise_request_exception=False).post(
            f"/api/v1{path}", body, content_type="application/json",
            headers={"X-API-KEY": api.key(who)} | {name.replace("_", "-"): value for name, value in headers.items()},
        )

    return post


def test_50_calls_with_one_key_at_once_take_effect_once(post, cast, fund, payout_body):
    fund(cast.merchant, 1_000_000)
    body = payout_body()

    answers = together(50, lambda _: post("merchant_user", "/payouts", body, Idempotency_Key="one"))

    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) <= {201, 409}, [answer.content for answer in answers if answer.status_code >= 500]
    assert statuses[201] >= 1
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert sum("Idempotent-Replayed" not in answer for answer in answers if answer.status_code == 201) == 1
    assert all(b"request_in_progress" in answer.content for answer in answers if answer.status_code == 409)
    assert Payout.objects.count() == Posting.objects.filter(kind="payout.hold").count() == 1
    assert post("merchant_user", "/payouts", body, Idempotency_Key="one")["Idempotent-Replayed"] == "true"
    assert_ledger_balances()


def test_20_different_keys_for_one_order_make_one_payment(post, payment_body):
    body = payment_body()

    answers = together(20, lambda number: post("merchant_user", "/payments", body, Idempotency_Key=f"k{number}"))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 19}
    assert Payment.objects.count() == 1
    assert IdempotencyRecord.objects.count() == 1


def test_20_retries_of_a_crashed_call_run_once(post, cast, fund, payout_body):
    fund(cast.merchant, 1_000_000)
    body = payout_body()
    scope = idempotency.scope_of(cast.merchant.public_id, "test", "POST", "/api/v1/payouts")
    idempotency.begin(scope, "one", idempotency.fingerprint_of(body))
    IdempotencyRecord.objects.update(leased_until=timezone.now() - timedelta(seconds=1))

    answers = together(20, lambda _: post("merchant_user", "/payouts", body, Idempotency_Key="one"))

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert Payout.objects.count() == Posting.objects.filter(kind="payout.hold").count() == 1
    assert_ledger_balances()


@pytest.mark.parametrize(("point", "payouts"), [
    ("api.claimed", 0), ("payout.before_hold", 0), ("payout.after_hold", 0), ("api.effect_done", 0), ("api.answer_saved", 0),
    ("api.committed", 1),
])
def test_a_call_whose_process_dies_takes_effect_once(post, cast, fund, payout_body, point, payouts):
    """Killed at each step; whoever asks again waits for the lease, and then gets one effect and one answer."""
    fund(cast.merchant, 1_000_000)
    body = payout_body()

    assert dies_at(point, lambda: post("merchant_user", "/payouts", body, Idempotency_Key="one"))

    assert Payout.objects.count() == Posting.objects.filter(kind="payout.hold").count() == payouts
    soon = post("merchant_user", "/payouts", body, Idempotency_Key="one")
    assert soon.status_code == (201 if payouts else 409)
    IdempotencyRecord.objects.filter(status=0).update(leased_until=timezone.now() - timedelta(seconds=1))
    answers = [post("merchant_user", "/payouts", body, Idempotency_Key="one") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert Payout.objects.count() == Posting.objects.filter(kind="payout.hold").count() == 1
    assert_ledger_balances()


def test_a_slow_first_call_and_its_successor_take_effect_once(post, cast, fund, payout_body, monkeypatch, settings):
    """The first one is overtaken while it works: its lease runs out, the retry runs, and only one of them commits."""
    fund(cast.merchant, 1_000_000)
    body = payout_body()
    finish = idempotency.finish
    first = threading.Event()

    def overtaken(claim, status, content):
        if not first.is_set():
            first.set()
            # Outside this transaction somebody took the row over; here that is done on another connection.
            thread = threading.Thread(target=lambda: (_steal(), connections.close_all()))
            thread.start()
            thread.join(timeout=5)
        finish(claim, status, content)

    def _steal():
        IdempotencyRecord.objects.filter(status=0).update(lease="somebody else")

    if "sqlite" in settings.DATABASES["default"]["ENGINE"]:
        pytest.skip("SQLite's one writer cannot be overtaken inside its transaction")
    monkeypatch.setattr(idempotency, "finish", overtaken)

    answer = post("merchant_user", "/payouts", body, Idempotency_Key="one")

    assert answer.status_code == 409
    assert Payout.objects.count() == Posting.objects.filter(kind="payout.hold").count() == 0
    assert_ledger_balances()


def test_16_threads_spend_a_wallet_exactly(post, cast, fund, payout_body):
    """10 payouts of ₹94.10 and their charge of ₹5.90 fit into ₹1,000.00."""
    fund(cast.merchant, 100_000)
    bodies = [payout_body(amount=94.1) for _ in range(32)]

    answers = together(16, lambda number: [
        post("merchant_user", "/payouts", body).status_code for body in bodies[2 * number : 2 * number + 2]
    ])

    assert Counter(status for pair in answers for status in pair) == {201: 10, 402: 22}
    assert Payout.objects.count() == 10
    assert_ledger_balances()


def test_one_approver_wins(post, cast, fund, payout_body):
    fund(cast.merchant, 1_000_000)
    for _ in range(5):
        made = post("merchant_user", "/payouts", payout_body()).json()["data"]
        path = f"/payouts/{made['payout_id']}"
        steps = ["approve", "reject", "approve", "reject"]

        answers = together(4, lambda number, path=path, steps=steps: post(
            "admin" if number < 2 else "super_admin", f"{path}/{steps[number]}", {"reason": "no"}
        ))

        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert_ledger_balances()


@pytest.mark.parametrize("limit", [1, 25])
def test_exactly_the_limit_passes(post, cast, settings, payment_body, limit):
    settings.PORTAL_RATE_LIMITS = settings.PORTAL_RATE_LIMITS | {"merchant": limit}

    answers = together(32, lambda _: [post("merchant_user", "/nowhere", {}) for _ in range(2)])

    answers = [answer for pair in answers for answer in pair]
    assert Counter(answer.status_code for answer in answers) == {404: limit, 429: 64 - limit}
    assert all(int(answer["Retry-After"]) >= 1 for answer in answers if answer.status_code == 429)


def test_a_regenerated_key_is_dead_for_every_thread(post, cast, api):
    old = api.key("merchant_user")
    fresh = post("merchant_user", "/profile/api-key/regenerate", {}).json()["data"]["api_key"]

    def ask(number):
        key = old if number % 2 else fresh
        return Client().get("/api/v1/balance", headers={"X-API-KEY": key}).status_code

    assert together(16, ask) == [200, 401] * 8


def test_regenerating_at_once_leaves_one_key_alive(cast, api):
    """Each of them is answered a key; whoever committed last has the one that works."""
    def regenerate(_):
        return Client().post(
            "/api/v1/profile/api-key/regenerate", {}, content_type="application/json",
            headers={"X-API-KEY": api.key("admin")},
        )

    answers = together(8, regenerate)

    keys = [answer.json()["data"]["api_key"] for answer in answers if answer.status_code == 200]
    alive = [
        Client().get("/api/v1/profile", headers={"X-API-KEY": key}).status_code for key in keys
    ]
    assert {answer.status_code for answer in answers} <= {200, 401}
    assert alive.count(200) == 1
    assert PortalKey.objects.filter(user=cast.admin, mode="test").count() == 1
