"""`Idempotency-Key`: one key and body, one effect, one answer, kept for a day."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from gateway.contracts import idempotency
from gateway.contracts.models import IdempotencyRecord
from gateway.contracts.problems import RequestInProgress
from gateway.contracts.tasks import purge
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payments.models import Payment
from payouts.models import Payout


def keyed(key="k-1"):
    return {"Idempotency-Key": key}


def test_the_same_call_again_gets_the_first_answer_byte_for_byte(api, payment_body):
    body = payment_body(notes={"a": 0.1})

    first = api("merchant_user", "POST", "/payments", body, headers=keyed())
    again = [api("merchant_user", "POST", "/payments", body, headers=keyed()) for _ in range(3)]

    assert first.status_code == 201
    assert "Idempotent-Replayed" not in first
    for response in again:
        assert (response.status_code, response.content) == (201, first.content)
        assert response["Idempotent-Replayed"] == "true"
        assert response["X-RateLimit-Remaining"] < first["X-RateLimit-Remaining"]
        assert response["X-Request-Id"] != first["X-Request-Id"]
    assert Payment.objects.count() == 1


def test_without_a_key_the_second_call_is_a_duplicate(api, refused, payment_body):
    body = payment_body()
    api("merchant_user", "POST", "/payments", body)

    refused(api("merchant_user", "POST", "/payments", body), 409, "duplicate_order_id")
    assert IdempotencyRecord.objects.count() == 0


def test_spaces_and_the_order_of_fields_do_not_make_another_body(api):
    first = api("merchant_user", "POST", "/payments", raw=b'{"amount": 5, "order_id": "A"}', headers=keyed())
    second = api("merchant_user", "POST", "/payments", raw=b'{"order_id":"A","amount":5}', headers=keyed())

    assert second.content == first.content
    assert Payment.objects.count() == 1


@pytest.mark.parametrize("other", [
    b'{"amount": 6, "order_id": "A"}', b'{"amount": 5, "order_id": "B"}', b'{"amount": 5, "order_id": "A", "x": 1}',
    b'{"amount": 5.0, "order_id": "A"}',
])
def test_another_body_under_the_same_key_is_a_422(api, refused, other):
    api("merchant_user", "POST", "/payments", raw=b'{"amount": 5, "order_id": "A"}', headers=keyed())

    refused(api("merchant_user", "POST", "/payments", raw=other, headers=keyed()), 422, "idempotency_key_reused")
    assert Payment.objects.count() == 1


@pytest.mark.parametrize(("sent", "other"), [
    (b'{"v": 1.5}', b'{"v": "1.5"}'), (b'{"v": "1.5"}', b'{"v": 1.5}'), (b'{"v": 1e2}', b'{"v": "1e2"}'),
])
def test_a_number_and_the_text_of_it_are_two_bodies(api, refused, sent, other):
    body = b'{"amount": 5, "order_id": "A", "notes": %s}'
    first = api("merchant_user", "POST", "/payments", raw=body % sent, headers=keyed())

    refused(api("merchant_user", "POST", "/payments", raw=body % other, headers=keyed()), 422, "idempotency_key_reused")
    again = api("merchant_user", "POST", "/payments", raw=body % sent, headers=keyed())
    assert (first.status_code, again.content) == (201, first.content)
    assert Payment.objects.count() == 1


@pytest.mark.parametrize("key", ["x" * 255, "a", " inner space ", "!~{}[]/?'\"", "0"])
def test_keys_of_printable_ascii_pass(api, payment_body, key):
    assert api("merchant_user", "POST", "/payments", payment_body(), headers=keyed(key)).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "a\x00b", "a\x7f", "é", "🙂", "a\x1bb"])
def test_other_keys_are_a_400_and_nothing_happens(api, refused, payment_body, key):
    error = refused(api("merchant_user", "POST", "/payments", payment_body(), headers=keyed(key)), 400, "invalid_fields")

    assert error["fields"] == ["Idempotency-Key"]
    assert Payment.objects.count() == IdempotencyRecord.objects.count() == 0


def test_a_key_is_the_merchants_in_one_mode_at_one_address(api, cast, fund, payment_body, payout_body, settings):
    settings.LIVE_PAYMENT_PROVIDER = "sandbox"
    fund(cast.merchant, 100_000)
    body = payment_body(order_id="ONE")

    mine = api("merchant_user", "POST", "/payments", body, headers=keyed())
    colleague = api("api_user", "POST", "/payments", body, headers=keyed())
    stranger = api("other_user", "POST", "/payments", body, headers=keyed())
    elsewhere = api("merchant_user", "POST", "/payouts", payout_body(), headers=keyed())
    operator = api("admin", "POST", "/payments", body | {"merchant_id": cast.merchant.public_id, "order_id": "TWO"},
                   headers=keyed())

    assert colleague.content == mine.content
    assert (stranger.status_code, elsewhere.status_code, operator.status_code) == (201, 201, 201)
    assert len({mine.content, stranger.content, elsewhere.content, operator.content}) == 4
    assert {record.scope.split(":")[0] for record in IdempotencyRecord.objects.all()} == {
        cast.merchant.public_id, cast.other.public_id, cast.admin.public_id
    }


@pytest.mark.parametrize(("body", "status"), [
    ({}, 400), ({"amount": "x", "order_id": "A"}, 400), ({"amount": 5, "order_id": "TAKEN"}, 409),
])
def test_refusals_are_not_stored_and_the_key_stays_free(api, payment_body, body, status):
    api("merchant_user", "POST", "/payments", payment_body(order_id="TAKEN"))

    assert api("merchant_user", "POST", "/payments", body, headers=keyed()).status_code == status
    assert IdempotencyRecord.objects.count() == 0
    assert api("merchant_user", "POST", "/payments", payment_body(), headers=keyed()).status_code == 201


def test_a_payout_refused_for_want_of_money_runs_when_there_is_some(api, cast, fund, payout_body, refused):
    body = payout_body()
    refused(api("merchant_user", "POST", "/payouts", body, headers=keyed()), 402, "insufficient_balance")
    fund(cast.merchant, 100_000)

    first = api("merchant_user", "POST", "/payouts", body, headers=keyed())
    second = api("merchant_user", "POST", "/payouts", body, headers=keyed())

    assert (first.status_code, second.content) == (201, first.content)
    assert Payout.objects.count() == 1
    assert Posting.objects.filter(kind="payout.hold").count() == 1
    assert_ledger_balances()


@pytest.mark.parametrize(("step", "body"), [("approve", {}), ("reject", {"reason": "no"})])
def test_decisions_are_replayed_too(api, cast, fund, payout_body, step, body):
    fund(cast.merchant, 100_000)
    made = api("merchant_user", "POST", "/payouts", payout_body()).json()["data"]
    path = f"/payouts/{made['payout_id']}/{step}"

    first = api("admin", "POST", path, body, headers=keyed())
    second = api("admin", "POST", path, body, headers=keyed())

    assert (first.status_code, second.status_code, second.content) == (200, 200, first.content)
    assert second["Idempotent-Replayed"] == "true"
    assert api("super_admin", "POST", path, body, headers=keyed()).status_code == 409


def test_an_address_too_long_for_the_column_is_hashed(api, refused):
    path = f"/payouts/{'x' * 500}/approve"

    refused(api("admin", "POST", path, {}, headers=keyed()), 404, "not_found")
    assert len(idempotency.scope_of("usr_x", "test", "POST", f"/api/v1{path}")) == 64


def test_users_are_never_stored_since_their_answers_hold_keys(api, refused):
    body = {"email": "a@b.co", "name": "A", "role": "api_user"}
    api("merchant_user", "POST", "/users", body, headers=keyed())

    refused(api("merchant_user", "POST", "/users", body, headers=keyed()), 409, "email_taken")
    assert IdempotencyRecord.objects.count() == 0


def running(cast, key="k-1", seconds=30):
    """A first call that was claimed and has not answered."""
    scope = idempotency.scope_of(cast.merchant.public_id, "test", "POST", "/api/v1/payments")
    claim = idempotency.begin(scope, key, idempotency.fingerprint_of({"amount": 5, "order_id": "A"}))
    until = timezone.now() + timedelta(seconds=seconds)
    IdempotencyRecord.objects.filter(pk=claim.pk).update(leased_until=until)
    return claim


BODY = {"amount": 5, "order_id": "A"}


def test_while_the_first_call_runs_the_second_is_told_to_wait(api, cast, refused):
    running(cast)

    refused(api("merchant_user", "POST", "/payments", BODY, headers=keyed()), 409, "request_in_progress")
    refused(api("merchant_user", "POST", "/payments", BODY | {"amount": 6}, headers=keyed()), 422, "idempotency_key_reused")
    assert Payment.objects.count() == 0


def test_after_a_crash_the_lease_runs_out_and_the_retry_runs_once(api, cast):
    running(cast, seconds=-1)

    first = api("merchant_user", "POST", "/payments", BODY, headers=keyed())
    second = api("merchant_user", "POST", "/payments", BODY, headers=keyed())

    assert (first.status_code, second.content) == (201, first.content)
    assert Payment.objects.count() == 1


def test_a_first_call_that_wakes_up_late_cannot_take_effect(api, cast):
    slow = running(cast, seconds=-1)
    first = api("merchant_user", "POST", "/payments", BODY, headers=keyed())

    with pytest.raises(RequestInProgress):
        idempotency.finish(slow, 201, b"late")
    idempotency.release(slow)

    assert api("merchant_user", "POST", "/payments", BODY, headers=keyed()).content == first.content


def test_an_answer_that_could_not_be_stored_undoes_the_effect(api, cast, fund, refused, monkeypatch, payout_body):
    fund(cast.merchant, 100_000)
    body = payout_body()

    def lost(*_):
        raise RequestInProgress()

    with monkeypatch.context() as patch:
        patch.setattr(idempotency, "finish", lost)
        refused(api("merchant_user", "POST", "/payouts", body, headers=keyed()), 409, "request_in_progress")

    assert Payout.objects.count() == 0
    assert Posting.objects.filter(kind="payout.hold").count() == 0
    assert api("merchant_user", "POST", "/payouts", body, headers=keyed()).status_code == 201
    assert_ledger_balances()


def test_a_500_leaves_no_effect_and_the_key_free(api, refused, monkeypatch, payment_body):
    body = payment_body()

    def broken(*_):
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("gateway.contracts.portal.answers.payment", broken)
        refused(api("merchant_user", "POST", "/payments", body, headers=keyed()), 500, "database_error")

    assert Payment.objects.count() == IdempotencyRecord.objects.count() == 0
    assert api("merchant_user", "POST", "/payments", body, headers=keyed()).status_code == 201


def test_a_row_that_cannot_even_be_released_is_left_to_its_lease(cast, monkeypatch):
    claim = running(cast)

    def away(_):
        raise OperationalError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(idempotency, "_held", away)
        idempotency.release(claim)

    assert IdempotencyRecord.objects.get().status == 0


def test_after_a_day_a_key_is_free_and_purged(api, refused):
    first = api("merchant_user", "POST", "/payments", BODY, headers=keyed())
    api("merchant_user", "POST", "/payments", BODY | {"order_id": "B"}, headers=keyed("k-2"))
    day_ago = timezone.now() - timedelta(hours=24, seconds=1)
    IdempotencyRecord.objects.filter(key="k-1").update(created_at=day_ago)

    refused(api("merchant_user", "POST", "/payments", BODY, headers=keyed()), 409, "duplicate_order_id")
    fresh = api("merchant_user", "POST", "/payments", BODY | {"order_id": "C"}, headers=keyed())
    assert (fresh.status_code, fresh.content != first.content) == (201, True)

    IdempotencyRecord.objects.filter(key="k-1").update(created_at=day_ago)
    assert (purge(), purge()) == (1, 0)
    assert [record.key for record in IdempotencyRecord.objects.all()] == ["k-2"]


def test_purging_goes_on_in_batches(db, monkeypatch):
    monkeypatch.setattr(idempotency, "_PURGE_BATCH", 2)
    old = timezone.now() - timedelta(days=2)
    for number in range(5):
        IdempotencyRecord.objects.create(scope="s", key=str(number), fingerprint="f", created_at=old)

    assert idempotency.purge() == 5
