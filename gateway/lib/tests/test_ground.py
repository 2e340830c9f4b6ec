"""The small pieces everything stands on: ids, states, wake-ups, request ids, callers' addresses, generated secrets."""

import re
import uuid

import pytest
from django.db import transaction

from accounts.models import AccountStatus, Merchant
from gateway.lib import environment, ids, jobs
from gateway.lib.errors import IllegalTransition
from gateway.lib.middleware import client_address


def test_public_ids_have_their_prefix_and_16_characters():
    makers = {
        "usr": ids.user_id, "mrc": ids.merchant_id, "order": ids.order_id, "pay": ids.payment_id,
        "pout": ids.payout_id, "refund": ids.refund_id, "evt": ids.event_id,
    }
    for prefix, make in makers.items():
        made = {make() for _ in range(200)}
        assert len(made) == 200
        assert all(re.fullmatch(rf"{prefix}_[A-Za-z0-9]{{16}}", text) for text in made)
    assert re.fullmatch(r"[A-Za-z0-9]{24}", ids.page_token())


def test_a_row_may_begin_one_step_on_before_it_is_written_and_never_after(db):
    merchant = Merchant(name="Shop")
    merchant.begin(AccountStatus.SUSPENDED, name="Closed shop")
    merchant.save()

    assert (merchant.status, merchant.name) == ("suspended", "Closed shop")
    with pytest.raises(IllegalTransition):
        merchant.begin(AccountStatus.ACTIVE, name="Opened again")
    with pytest.raises(IllegalTransition):
        Merchant(name="Other").begin(AccountStatus.ACTIVE)
    assert (merchant.status, merchant.name) == ("suspended", "Closed shop")


def test_advance_moves_along_an_edge_and_only_once(db):
    merchant = Merchant.objects.create(name="Shop")
    same = Merchant.objects.get(pk=merchant.pk)

    merchant.advance(AccountStatus.SUSPENDED, name="Closed shop")

    assert (merchant.status, merchant.name) == ("suspended", "Closed shop")
    with pytest.raises(IllegalTransition):
        same.advance(AccountStatus.SUSPENDED, name="Overwritten")
    saved = Merchant.objects.get(pk=merchant.pk)
    assert (saved.status, saved.name, same.status) == ("suspended", "Closed shop", "active")


@pytest.fixture
def sent(monkeypatch):
    calls = []
    monkeypatch.setattr(jobs, "_resting_until", 0.0)
    monkeypatch.setattr(jobs.app, "send_task", lambda name, **options: calls.append((name, options["kwargs"])))
    return calls


@pytest.mark.django_db(transaction=True)
def test_a_wake_up_leaves_after_the_commit_and_not_at_all_without_one(sent):
    with transaction.atomic():
        jobs.wake("payouts.drive", payout="p")
        assert sent == []
    assert sent == [("payouts.drive", {"payout": "p"})]

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        jobs.wake("payouts.drive")
        raise ZeroDivisionError

    assert len(sent) == 1


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_down_costs_one_try_and_no_caller_an_error(monkeypatch):
    tries = []

    def refuse(name, **_):
        tries.append(name)
        raise ConnectionRefusedError

    monkeypatch.setattr(jobs, "_resting_until", 0.0)
    monkeypatch.setattr(jobs.app, "send_task", refuse)

    for _ in range(5):
        jobs.wake("webhooks.deliver")

    assert tries == ["webhooks.deliver"]


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/balance", "/panel/", "/nowhere"])
def test_every_answer_has_a_request_id_the_callers_own_if_it_is_sound(client, db, path):
    own = client.get(path, headers={"X-Request-Id": "order-7.retry_2"})
    made = client.get(path)

    assert own["X-Request-Id"] == "order-7.retry_2"
    assert re.fullmatch(r"req_[0-9a-f]{32}", made["X-Request-Id"])


@pytest.mark.parametrize("sent", ["a b", "x" * 65, "é", "<script>", "a\tb"])
def test_an_unsound_request_id_is_replaced(client, db, sent):
    answer = client.get("/healthz", headers={"X-Request-Id": sent})

    assert answer["X-Request-Id"] != sent
    assert uuid.UUID(answer["X-Request-Id"].removeprefix("req_"))


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "6.6.6.6", "10.0.0.1"),
        (1, "6.6.6.6", "6.6.6.6"),
        (1, "1.1.1.1, 6.6.6.6", "6.6.6.6"),
        (2, "1.1.1.1, 6.6.6.6, 7.7.7.7", "6.6.6.6"),
        (2, "6.6.6.6", "10.0.0.1"),
        (1, "", "10.0.0.1"),
    ],
)
def test_forwarded_addresses_count_only_behind_our_own_proxies(rf, settings, proxies, forwarded, expected):
    settings.PROXY_COUNT = proxies
    request = rf.get("/", headers={"X-Forwarded-For": forwarded}, REMOTE_ADDR="10.0.0.1")

    assert client_address(request) == expected


def test_generated_secrets_are_private_and_made_once(tmp_path):
    first, second = environment.demo_secrets(tmp_path), environment.demo_secrets(tmp_path)

    assert sorted(first) == ["DJANGO_SECRET_KEY", "GATEWAY_ENCRYPTION_KEYS", "GATEWAY_PEPPER"]
    assert first == second
    assert (tmp_path / "secrets.env").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.env"]
