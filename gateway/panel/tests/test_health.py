"""Health: who may look, what it says when all is well, and that it opens and says so when something is down."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.utils import timezone

from crypto.models import ChainState
from gateway.lib import beats
from gateway.panel.health import readings
from ledger.models import Posting
from payouts.models import Payout

PAGE = "/panel/health"


def state(page, name):
    """(tone, word) of a reading."""
    found = re.search(rf'<th scope="row"[^>]*>{re.escape(name)}</th>\s*<td><span class="pill pill-(\w+)">([^<]*)<', page)
    return found and (found[1], found[2])


@pytest.fixture
def page(cast, signed_in):
    return lambda: signed_in(cast.super_admin).get(PAGE).content.decode()


@pytest.mark.parametrize("who", ["admin", "merchant_user", "api_user"])
def test_only_super_admins_have_it(cast, signed_in, who):
    client = signed_in(getattr(cast, who))

    assert client.get(PAGE).status_code == 404
    assert PAGE not in client.get("/panel/").content.decode()


def test_it_says_what_works(page):
    shown = page()

    assert state(shown, "Database")[0] == state(shown, "Cache")[0] == state(shown, "Broker")[0] == "good"
    assert state(shown, "Migrations") == ("good", "All applied")
    assert state(shown, "Books") == ("wait", "Never verified")
    assert "GB free" in shown


def test_a_process_gives_a_sign_of_life_and_a_silent_one_is_seen(page, monkeypatch):
    monkeypatch.setattr(beats, "_noted", {})
    monkeypatch.setattr(beats, "_name", "courier@here")
    beats._done(task=SimpleNamespace(name="webhooks.deliver"), state="SUCCESS")
    beats._done(task=SimpleNamespace(name="webhooks.prune"), state="FAILURE")
    kept = cache.get("beats:processes")
    cache.set("beats:processes", kept | {
        "worker@here": time.time() - 300, "worker@gone": time.time() - 90_000, "courier@replaced": time.time() - 300,
    })

    shown = page()

    assert state(shown, "courier@here") == ("good", "Alive")
    assert state(shown, "worker@here") == ("bad", "Silent")
    assert state(shown, "courier@replaced") == ("wait", "Silent")
    assert state(shown, "signer") == ("bad", "Not seen")
    assert state(shown, "webhooks.deliver") == ("good", "On time")
    assert state(shown, "webhooks.prune") == ("wait", "Not seen yet")


def test_processes_that_are_gone_for_a_day_are_forgotten(monkeypatch):
    monkeypatch.setattr(beats, "_noted", {})
    monkeypatch.setattr(beats, "_name", "courier@here")
    cache.set("beats:processes", {"worker@gone": time.time() - 90_000})

    beats.note("done", "webhooks.deliver")

    assert set(cache.get("beats:processes")) == {"courier@here"}


def test_a_task_that_is_late_is_seen(page):
    cache.set("beats:done:payments.drive", time.time() - 600)
    cache.set("beats:sent:crypto.sweep", time.time())

    shown = page()

    assert state(shown, "payments.drive") == ("bad", "Late")
    assert state(shown, "crypto.sweep") == ("wait", "Sent, not done yet")


def test_work_that_waits_too_long_is_seen(page, cast, make_payout):
    payout = make_payout(cast.merchant)
    Payout.objects.filter(pk=payout.pk).update(due_at=timezone.now() - timedelta(hours=1))

    assert state(page(), "payouts · payout") == ("bad", "1 due")


def test_a_closed_network_says_why(page):
    ChainState.objects.update_or_create(network_id="BSC", mode="test", defaults={
        "scanned_height": 5, "head_height": 9, "closed_since": timezone.now(), "closed_reason": "No node answers.",
    })

    shown = page()

    assert state(shown, "BNB Smart Chain (test)") == ("bad", "Closed")
    assert "No node answers. 4 behind" in shown


@pytest.fixture
def away(monkeypatch):
    def refuse(*_, **__):
        raise ConnectionError("secret-host:6379")

    return lambda *names: [monkeypatch.setattr(name, refuse) for name in names]


def test_it_opens_while_cache_and_broker_are_down_and_says_so(page, away):
    away("gateway.panel.health.readings.cache.set", "gateway.panel.health.readings.app.connection_for_read",
         "django.core.cache.cache.get_many")

    shown = page()

    assert state(shown, "Cache") == state(shown, "Broker") == ("bad", "Not reachable")
    assert state(shown, "Processes") == ("bad", "Not known")
    assert "secret-host" not in shown
    assert state(shown, "Database")[0] == "good"


def test_noting_never_fails_what_is_noted(away, monkeypatch):
    monkeypatch.setattr(beats, "_noted", {})
    away("django.core.cache.cache.set")

    beats.note("done", "payments.drive")

    assert beats.read(["payments.drive"]).done == {}


def test_looking_changes_nothing_and_costs_little(cast, signed_in, django_assert_max_num_queries):
    client, before = signed_in(cast.super_admin), Posting.objects.count()
    client.get(PAGE)
    with django_assert_max_num_queries(48):
        client.get(PAGE)

    assert Posting.objects.count() == before
    assert readings.EXPECTED == ("worker", "clerk", "courier", "watcher", "signer", "scheduler")
