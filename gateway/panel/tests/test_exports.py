"""The exports' page: who sees which, what the form refuses, the file, and its end after a day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.urls import reverse
from django.utils import timezone

from crypto import testing
from crypto.exports import services
from crypto.models import Export
from gateway.panel import confirming, exports

LIST, NEW = "/panel/exports", "/panel/exports/new"


@pytest.fixture(autouse=True)
def _small_chain(settings, tmp_path):
    settings.SIMULATED_BLOCK_SECONDS = 0
    settings.EXPORT_DIR = tmp_path / "exports"


@pytest.fixture
def asked(cast, signed_in):
    """`asked(user, type="sessions", …)` sends the form as that user."""

    def ask(user, **more):
        client = signed_in(user)
        return client.post(NEW, form_of(client) | more)

    return ask


def page_of(client):
    return client.get(LIST).content.decode()


def test_a_merchant_asks_for_a_file_and_takes_it(cast, signed_in, asked):
    testing.open_session(cast.merchant, "25", reference="MINE")
    testing.open_session(cast.merchant, "50", reference="MINE-TOO", network="ETH")
    testing.open_session(cast.other, "75", reference="NOT-MINE")

    assert asked(cast.merchant_user, network="BSC", only="sessions:pending")["Location"] == LIST

    made = Export.objects.get()
    assert (made.status, made.record_count, made.created_by) == ("ready", 1, cast.merchant_user)
    assert made.criteria == {"network": "BSC", "status": "pending"}
    client = signed_in(cast.merchant_user)
    assert "Sessions as CSV" in page_of(client)
    assert "network BSC, status pending" in page_of(client)
    file = client.get(reverse("panel:export-file", args=[made.public_id]))
    content = b"".join(file.streaming_content).decode()
    assert file["Content-Disposition"] == f'attachment; filename="{made.public_id}.csv"'
    assert file["X-Content-Type-Options"] == "nosniff"
    assert "MINE" in content
    assert "MINE-TOO" not in content
    assert "NOT-MINE" not in content


def test_an_operator_asks_for_a_merchant_of_its_team(cast, signed_in, asked):
    testing.open_session(cast.merchant, "25", reference="MINE")

    asked(cast.admin, merchant=cast.merchant.public_id)
    refused = asked(cast.admin, merchant=cast.other.public_id)

    made = Export.objects.get()
    assert (made.merchant, made.created_by, made.record_count) == (cast.merchant, cast.admin, 1)
    assert refused.status_code == 422
    assert cast.merchant.name in page_of(signed_in(cast.admin))


@pytest.mark.parametrize(("who", "status"), [
    ("super_admin", 200), ("admin", 200), ("other_admin", 404), ("merchant_user", 200), ("api_user", 404),
    ("other_user", 404),
])
def test_a_file_is_its_own_peoples_only(cast, signed_in, asked, who, status):
    asked(cast.merchant_user)
    made = Export.objects.get()

    client = signed_in(getattr(cast, who))

    assert client.get(reverse("panel:export-file", args=[made.public_id])).status_code == status
    assert signed_in(cast.merchant_user, mode="live").get(reverse("panel:export-file", args=[made.public_id])).status_code == 404
    assert (made.public_id in page_of(client)) == (status == 200)


def test_an_api_user_has_no_such_page(cast, signed_in):
    client = signed_in(cast.api_user)

    assert (client.get(LIST).status_code, client.get(NEW).status_code, client.post(NEW).status_code) == (404, 404, 404)
    assert "Exports" not in client.get("/panel/").content.decode()


@pytest.mark.parametrize(("sent", "told"), [
    ({"from_day": "2026-03-02", "to_day": "2026-03-01"}, "Must not be after the last day."),
    ({"type": "addresses", "only": "sessions:paid"}, "This is none of deposit addresses"),
    ({"from_day": ""}, "This field is required."),
    ({"format": "doc"}, "Select a valid choice."),
    ({"network": "BTC"}, "Select a valid choice."),
])
def test_what_makes_no_sense_is_told_beside_its_field(cast, asked, sent, told):
    answer = asked(cast.merchant_user, **sent)

    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert not Export.objects.exists()


def test_too_many_open_ones_are_refused_in_words(cast, asked):
    now = timezone.now()
    for _ in range(services.MOST_OPEN):
        Export.objects.create(merchant=cast.merchant, mode="test", format="csv", type="sessions", starts_at=now, ends_at=now)

    answer = asked(cast.merchant_user)

    assert answer.status_code == 422
    assert "Your last exports are still being made." in answer.content.decode()
    assert Export.objects.count() == services.MOST_OPEN


def test_the_form_sent_twice_makes_one_file(cast, signed_in):
    client, today = signed_in(cast.merchant_user), f"{timezone.now():%Y-%m-%d}"
    once = client.get(NEW).context["form"]["once"].value()
    sent = {"type": "sessions", "format": "json", "from_day": today, "to_day": today, "once": once}

    answers = [client.post(NEW, sent).status_code for _ in range(2)]

    assert answers == [302, 422]
    assert Export.objects.count() == 1


def test_the_list_asks_again_while_a_file_is_being_made_and_then_no_more(cast, signed_in):
    now = timezone.now()
    row = Export.objects.create(
        merchant=cast.merchant, mode="test", format="xlsx", type="transactions", starts_at=now - timedelta(days=9),
        ends_at=now, status="processing", rows_done=12_345, due_at=now,
    )
    client = signed_in(cast.merchant_user)

    moving = page_of(client)
    Export.objects.filter(pk=row.pk).update(status="failed", failure="It could not be written.")
    still = page_of(client)

    assert "every 2s" in moving
    assert "12,345 rows so far" in moving
    assert "Download" not in moving
    assert "every 2s" not in still
    assert "It could not be written." in still


def test_a_file_whose_day_is_over_is_shown_as_expired_and_gone(cast, signed_in, asked):
    asked(cast.merchant_user)
    made = Export.objects.get()
    client = signed_in(cast.merchant_user)
    assert "Download" in page_of(client)

    Export.objects.update(expires_at=timezone.now())

    assert "Download" not in page_of(client)
    assert "Expired" in page_of(client)
    assert client.get(reverse("panel:export-file", args=[made.public_id])).status_code == 404


def test_a_file_that_is_missing_is_a_404(cast, signed_in, asked):
    asked(cast.merchant_user)
    made = Export.objects.get()
    services.path_of(made).unlink()

    assert signed_in(cast.merchant_user).get(reverse("panel:export-file", args=[made.public_id])).status_code == 404


def test_nobody_has_asked_yet(cast, signed_in):
    assert "No exports yet" in page_of(signed_in(cast.merchant_user))


def test_a_form_that_broke_off_is_not_said_to_have_taken_effect(cast, signed_in, monkeypatch):
    client, real = signed_in(cast.merchant_user), exports.create_export
    client.raise_request_exception = False
    sent = form_of(client)

    def broken(**_):
        raise OperationalError("terminating connection")

    monkeypatch.setattr(exports, "create_export", broken)
    assert client.post(NEW, sent).status_code == 503
    monkeypatch.setattr(exports, "create_export", real)
    again = client.post(NEW, sent)

    assert again.status_code == 422
    assert "whether it took effect is not known here" in again.content.decode()
    assert not Export.objects.exists()
    assert client.post(NEW, form_of(client)).status_code == 302
    assert Export.objects.count() == 1


def test_without_the_shared_cache_nothing_is_done_and_the_form_says_so(cast, signed_in, monkeypatch):
    client = signed_in(cast.merchant_user)
    sent, real = form_of(client), confirming.cache

    class Away:
        def add(self, *_):
            raise ConnectionError("refused")

    monkeypatch.setattr(confirming, "cache", Away())
    refused = client.post(NEW, sent)

    assert refused.status_code == 422
    assert "nothing was done. Try again shortly." in refused.content.decode()
    assert not Export.objects.exists()
    monkeypatch.setattr(confirming, "cache", real)
    assert client.post(NEW, sent).status_code == 302
    assert client.post(NEW, sent).status_code == 422
    assert Export.objects.count() == 1


def form_of(client):
    once, today = client.get(NEW).context["form"]["once"].value(), f"{timezone.now():%Y-%m-%d}"
    return {"type": "sessions", "format": "csv", "from_day": today, "to_day": today, "once": once}
