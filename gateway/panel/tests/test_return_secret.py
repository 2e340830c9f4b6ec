"""The return secret in the panel: its merchant sees and replaces it, in its own mode; nobody else does."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditRecord, ReturnSecret
from accounts.return_secrets import return_secret_of, reveal_return_secret

SECRET = re.compile(r"rs_(?:test|live)_[A-Za-z0-9_-]{43}")
SHOW, REGENERATE = "/panel/keys/return-secret", "/panel/keys/return-secret/regenerate"


def _shown(client):
    found = set(SECRET.findall(client.post(SHOW).content.decode()))
    assert len(found) == 1
    return found.pop()


def _form(client):
    return {"replaces": re.search(r'name="replaces" value="([^"]*)"', client.get(REGENERATE).content.decode())[1]}


def test_its_merchant_sees_it_in_the_current_mode(cast, signed_in):
    test, live = signed_in(cast.merchant_user), signed_in(cast.merchant_user, mode="live")

    assert _shown(test) == reveal_return_secret(return_secret_of(cast.merchant, "test"))
    assert _shown(live) == reveal_return_secret(return_secret_of(cast.merchant, "live"))
    assert "no-store" in test.post(SHOW)["Cache-Control"]


def test_the_keys_page_tells_of_it_and_makes_none(cast, signed_in):
    page = signed_in(cast.merchant_user).get(reverse("panel:keys")).content.decode()

    assert "Return secret" in page
    assert SHOW in page
    assert not SECRET.search(page)
    assert not ReturnSecret.objects.exists()


@pytest.mark.parametrize("who", ["super_admin", "admin", "api_user"])
def test_it_is_not_there_for_anybody_else(cast, signed_in, who):
    client = signed_in(getattr(cast, who))

    assert [client.post(SHOW).status_code, client.get(REGENERATE).status_code, client.post(REGENERATE).status_code] == [404] * 3
    assert "Return secret" not in client.get(reverse("panel:keys")).content.decode()
    assert not ReturnSecret.objects.exists()


def test_another_merchant_sees_its_own(cast, signed_in):
    assert _shown(signed_in(cast.other_user)) != _shown(signed_in(cast.merchant_user))


def test_regenerating_replaces_it_once(cast, signed_in):
    client = signed_in(cast.merchant_user)
    old, form = _shown(client), _form(client)

    done = client.post(REGENERATE, form)
    new = _shown(client)
    again = client.post(REGENERATE, form)

    assert (done.status_code, done["Location"]) == (302, "/panel/keys")
    assert new != old
    assert "replaced already" in again.content.decode()
    assert _shown(client) == new
    record = AuditRecord.objects.get(action="return_secret.regenerated")
    assert (record.actor, record.mode) == (cast.merchant_user, "test")


def test_opening_the_dialog_changes_nothing(cast, signed_in):
    client = signed_in(cast.merchant_user)
    old = _shown(client)

    page = client.get(REGENERATE, headers={"HX-Request": "true"}).content.decode()

    assert "signs alone" in page
    assert _shown(client) == old


def test_a_stale_proof_shows_nothing(cast, signed_in, settings):
    settings.STEP_UP_MINUTES = 0
    client = signed_in(cast.merchant_user)

    assert client.post(SHOW)["Location"].startswith("/panel/prove")
    assert client.post(REGENERATE, {"replaces": ""})["Location"].startswith("/panel/prove")
    assert not ReturnSecret.objects.exists()


def test_a_forged_form_and_a_stranger_get_nothing(cast, signed_in):
    forged = signed_in(cast.merchant_user, enforce_csrf_checks=True)

    assert [forged.post(SHOW).status_code, forged.post(REGENERATE).status_code] == [403, 403]
    assert Client().post(SHOW).status_code == 302
    assert not ReturnSecret.objects.exists()
