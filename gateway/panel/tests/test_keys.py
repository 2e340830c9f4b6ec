"""A user's own keys: seen as hints, replaced at once, and shown in clear in one answer only."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

KEY = re.compile(r"gw_(?:test|live)_[A-Za-z0-9_-]{43}")


def _balance(key):
    return Client().get("/api/v1/profile", headers={"X-API-KEY": key}).status_code


def _form(client, mode):
    """What the dialog would send."""
    page = client.get(reverse("panel:key-regenerate", args=[mode])).content.decode()
    return {"replaces": re.search(r'name="replaces" value="([^"]*)"', page)[1]}


@pytest.mark.parametrize("who", ["super_admin", "admin", "merchant_user", "api_user"])
def test_everybody_sees_hints_of_their_own_keys_and_never_a_key(cast, signed_in, who):
    user = getattr(cast, who)

    page = signed_in(user).get(reverse("panel:keys")).content.decode()

    hints = {key.hint for key in user.portal_keys.all()}
    assert len(hints) == 2
    assert all(hint in page for hint in hints)
    assert not KEY.search(page)


def test_the_current_mode_comes_first(cast, signed_in):
    page = signed_in(cast.merchant_user, mode="live").get(reverse("panel:keys")).content.decode()

    assert page.index("gw_live_") < page.index("gw_test_")


@pytest.mark.parametrize("mode", ["test", "live"])
def test_a_new_key_is_shown_once_and_the_old_one_is_dead_at_once(cast, signed_in, mode):
    client, user = signed_in(cast.merchant_user), cast.merchant_user
    old, other = cast.keys[user.public_id, mode], cast.keys[user.public_id, "live" if mode == "test" else "test"]
    assert _balance(old) == 200

    answer = client.post(reverse("panel:key-regenerate", args=[mode]), _form(client, mode))

    shown = set(KEY.findall(answer.content.decode()))
    assert answer.status_code == 200
    assert len(shown) == 1
    (new,) = shown
    assert new.startswith(f"gw_{mode}_")
    assert (_balance(old), _balance(new), _balance(other)) == (401, 200, 200)
    assert "no-store" in answer["Cache-Control"]
    assert not any(new in str(value) for value in client.session.values())
    assert new not in client.get(reverse("panel:keys")).content.decode()
    assert not KEY.search(client.get(reverse("panel:user", args=[user.public_id])).content.decode())


def test_sending_the_same_form_again_replaces_nothing(cast, signed_in):
    client = signed_in(cast.merchant_user)
    form = _form(client, "test")
    (new,) = set(KEY.findall(client.post(reverse("panel:key-regenerate", args=["test"]), form).content.decode()))

    again = client.post(reverse("panel:key-regenerate", args=["test"]), form, follow=True)

    assert "had been replaced already" in again.content.decode()
    assert _balance(new) == 200


def test_opening_the_dialog_changes_nothing(cast, signed_in):
    client, old = signed_in(cast.merchant_user), cast.keys[cast.merchant_user.public_id, "test"]

    page = client.get(reverse("panel:key-regenerate", args=["test"]), headers={"HX-Request": "true"})

    assert "dies at once" in page.content.decode()
    assert _balance(old) == 200


def test_a_forged_form_changes_nothing(cast, signed_in):
    client, old = signed_in(cast.merchant_user, enforce_csrf_checks=True), cast.keys[cast.merchant_user.public_id, "test"]

    answer = client.post(reverse("panel:key-regenerate", args=["test"]), _form(client, "test"))

    assert answer.status_code == 403
    assert _balance(old) == 200


@pytest.mark.parametrize("mode", ["", "prod", "TEST", "live%00"])
def test_an_unknown_mode_is_a_404(cast, signed_in, mode):
    assert signed_in(cast.merchant_user).post(f"/panel/keys/{mode}/regenerate").status_code == 404


def test_a_stranger_regenerates_nothing(cast):
    answer = Client().post(reverse("panel:key-regenerate", args=["test"]), {"replaces": ""})

    assert answer.status_code == 302
    assert _balance(cast.keys[cast.merchant_user.public_id, "test"]) == 200
