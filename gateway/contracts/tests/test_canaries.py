"""Secrets that must be found nowhere: not in answers but the one that shows them, not in logs, not in the database."""

import sqlite3

import pytest
from django.apps import apps
from django.db import connection

from gateway.celery import app as celery

CANARY = "canary-sk-4f1b"


def everything_stored():
    """All rows of all tables as one text."""
    text = []
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(model._meta.db_table)}")
            text += [repr([bytes(v) if isinstance(v, memoryview) else v for v in row]) for row in cursor.fetchall()]
    return "\n".join(text)


def test_keys_are_nowhere_but_in_the_answer_that_made_them(api, logged):
    made = api("merchant_user", "POST", "/users", {"email": "a@b.co", "name": "A", "role": "api_user"}).json()["data"]
    fresh = api("merchant_user", "POST", "/profile/api-key/regenerate").json()["data"]["api_key"]
    keys = [*made["api_keys"].values(), fresh, api.key("api_user"), api.key("merchant_user", "live")]

    for path in ("/profile", "/users", f"/users/{made['user_id']}", "/nowhere"):
        text = api(None, "GET", path, headers={"X-API-KEY": fresh}).content.decode()
        assert not [key for key in keys if key in text]
    stored = everything_stored()
    assert not [key for key in keys if key in stored]
    assert not [key for key in keys if key in logged()]


def test_a_webhook_secret_is_stored_encrypted_only(api, logged):
    made = api("merchant_user", "POST", "/webhook-endpoints", {"url": "https://a.example/"}).json()["data"]
    rotated = api("merchant_user", "POST", f"/webhook-endpoints/{made['id']}/rotate-secret").json()["data"]

    stored = everything_stored()
    for secret in (made["secret"], rotated["secret"]):
        assert secret not in stored
        assert secret not in logged()


@pytest.mark.parametrize("where", ["key", "path", "query", "body", "broken", "header"])
def test_what_a_caller_sends_by_mistake_is_not_kept_or_logged(api, logged, where, payment_body, monkeypatch):
    """A secret in the wrong place: refused or ignored, and written nowhere."""
    tasks = []
    monkeypatch.setattr(celery, "send_task", lambda name, **more: tasks.append((name, more)))
    calls = {
        "key": lambda: api(None, "GET", "/balance", headers={"X-API-KEY": CANARY}),
        "path": lambda: api("merchant_user", "GET", f"/{CANARY}"),
        "query": lambda: api("merchant_user", "GET", f"/payments?api_secret={CANARY}"),
        "body": lambda: api("merchant_user", "POST", "/payments", payment_body(
            card_number="4111111111111111", cvv="737", password=CANARY, api_secret=CANARY, key=CANARY,
        )),
        "broken": lambda: api("merchant_user", "POST", "/payments", raw=f'{{"secret": "{CANARY}"'.encode()),
        "header": lambda: api("merchant_user", "GET", "/balance", headers={"Authorization": f"Bearer {CANARY}"}),
    }

    response = calls[where]()

    for text in (response.content.decode(), everything_stored(), logged(), repr(tasks)):
        assert CANARY not in text
        assert "4111111111111111" not in text


def test_an_error_of_ours_shows_and_logs_no_secret(api, logged, monkeypatch):
    key = api.key("merchant_user")

    def broken(*_, **__):
        raise sqlite3.DatabaseError(f"near {key}: whsec_{'A' * 30}, card 4111 1111 1111 1111")

    monkeypatch.setattr("gateway.contracts.portal.views.balance.wallets", broken)
    response = api("merchant_user", "GET", "/balance")

    assert response.status_code == 500
    for text in (response.content.decode(), logged()):
        assert key not in text
        assert "whsec_A" not in text
        assert "4111 1111" not in text
