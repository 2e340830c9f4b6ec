"""A merchant's pairs: made, shown once, limited to addresses, regenerated and revoked; nobody else sees them."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.actors import Actor
from accounts.issuing import issue_credential
from accounts.models import Credential
from gateway.contracts.signed.testing import Signed

SECRET = {
    "signed": re.compile(r"sk_test_[A-Za-z0-9_-]{43}"), "checkout": re.compile(r"<code>([A-Za-z0-9]{32})</code>"),
    "dashboard": re.compile(r"test_sk_[A-Za-z0-9_-]{43}"),
}


@pytest.fixture
def merchant(cast, signed_in):
    return signed_in(cast.merchant_user)


@pytest.fixture
def pair(cast):
    signed = Signed(cast.merchant, name="Shop")
    return signed, signed.credential


@pytest.mark.parametrize("contract", ["signed", "checkout", "dashboard"])
def test_a_new_pair_is_shown_once(cast, merchant, contract):
    sent = {"name": "Shop server", "allowed_addresses": "203.0.113.7, 10.0.0.0/8\n\n2001:db8::/32", "expires_at": ""}

    answer = merchant.post(reverse("panel:pair-new", args=[contract]), sent)

    row, page = Credential.objects.get(), answer.content.decode()
    secret = SECRET[contract].search(page)
    assert answer.status_code == 200
    assert secret
    assert "no-store" in answer["Cache-Control"]
    assert (row.contract, row.mode, row.name) == (contract, "test", "Shop server")
    assert row.allowed_addresses == ["203.0.113.7", "10.0.0.0/8", "2001:db8::/32"]
    listed = merchant.get(reverse("panel:keys")).content.decode()
    assert "Shop server" in listed
    assert row.hint in listed
    assert secret[0] not in listed


def test_the_last_day_counts_to_its_end(merchant):
    merchant.post(reverse("panel:pair-new", args=["signed"]), {"name": "A", "expires_at": "2099-12-31"})

    row = Credential.objects.get()
    assert timezone.localtime(row.expires_at).strftime("%Y-%m-%d %H:%M") == "2100-01-01 00:00"


@pytest.mark.parametrize(("field", "value", "says"), [
    ("name", "", "required"), ("allowed_addresses", "everywhere", "neither an address nor a network"),
    ("allowed_addresses", "0.0.0.0/0", "everybody"), ("expires_at", "2020-01-01", "in the future"), ("expires_at", "soon", "valid date"),
    ("expires_at", "9999-12-31", "or none"),
])
def test_bad_input_is_told_beside_its_field_and_makes_nothing(merchant, field, value, says):
    sent = {"name": "A", "allowed_addresses": "", "expires_at": ""} | {field: value}

    answer = merchant.post(reverse("panel:pair-new", args=["signed"]), sent)

    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert not Credential.objects.exists()


def test_a_pair_is_edited(merchant, pair):
    signed, row = pair
    assert signed("GET", "/balance").status_code == 200
    address = reverse("panel:pair-edit", args=[row.pk])
    assert row.hint in merchant.get(address).content.decode()

    answer = merchant.post(address, {"name": "Warehouse", "allowed_addresses": "198.51.100.7"})

    assert answer.status_code == 302
    row.refresh_from_db()
    assert (row.name, row.allowed_addresses) == ("Warehouse", ["198.51.100.7"])
    assert signed("GET", "/balance").status_code == 403
    assert signed("GET", "/balance", REMOTE_ADDR="198.51.100.7").status_code == 200


def test_the_end_of_a_pair_is_set_kept_and_taken_away(merchant, pair):
    _, row = pair
    address = reverse("panel:pair-edit", args=[row.pk])
    sent = {"name": row.name, "allowed_addresses": ""}

    merchant.post(address, sent | {"expires_at": "2099-12-31"})
    row.refresh_from_db()
    end = row.expires_at
    assert 'value="2099-12-31"' in merchant.get(address).content.decode()
    merchant.post(address, sent | {"expires_at": "2099-12-31", "name": "Renamed"})
    past = merchant.post(address, sent | {"expires_at": "2020-01-01"})
    row.refresh_from_db()
    assert (row.name, row.expires_at) == ("Renamed", end)
    assert past.status_code == 422
    assert "Must be in the future." in past.content.decode()

    merchant.post(address, sent | {"expires_at": ""})
    row.refresh_from_db()
    assert row.expires_at is None


def test_a_secret_is_regenerated_once_a_form(merchant, pair):
    signed, row = pair
    address = reverse("panel:pair-renew", args=[row.pk])
    form = {"replaces": re.search(r'name="replaces" value="([^"]*)"', merchant.get(address).content.decode())[1]}
    assert signed("GET", "/balance").status_code == 200

    answer = merchant.post(address, form)
    again = merchant.post(address, form, follow=True)

    new = SECRET["signed"].search(answer.content.decode())[0]
    assert "no-store" in answer["Cache-Control"]
    assert "Nothing was changed" in again.content.decode()
    assert signed("GET", "/balance").status_code == 401
    signed.pair = type(signed.pair)(signed.pair.identifier, new)
    assert signed("GET", "/balance").status_code == 200


def test_a_pair_is_revoked(merchant, pair):
    signed, row = pair
    assert merchant.get(reverse("panel:pair-revoke", args=[row.pk])).status_code == 200
    assert signed("GET", "/balance").status_code == 200

    answer = merchant.post(reverse("panel:pair-revoke", args=[row.pk]), follow=True)

    assert "Shop is revoked" in answer.content.decode()
    assert signed("GET", "/balance").json()["error"] == "invalid_access_key"
    assert row.hint not in merchant.get(reverse("panel:keys")).content.decode()
    assert merchant.get(reverse("panel:pair-edit", args=[row.pk])).status_code == 404


def test_a_live_signed_pair_without_addresses_says_what_it_cannot_do(cast, signed_in):
    issue_credential(actor=Actor.system("t"), merchant=cast.merchant, contract="signed", mode="live", name="Live")
    client = signed_in(cast.merchant_user, mode="live")

    assert "can only read its balance" in client.get(reverse("panel:keys")).content.decode()
    assert "can only read its balance" in client.get(reverse("panel:pair-new", args=["signed"])).content.decode()
    assert "can only read its balance" not in client.get(reverse("panel:pair-new", args=["checkout"])).content.decode()
    Credential.objects.update(allowed_addresses=["10.0.0.1"])
    assert "can only read its balance" not in client.get(reverse("panel:keys")).content.decode()


@pytest.mark.parametrize("who", ["other_user", "api_user", "admin", "super_admin"])
@pytest.mark.parametrize("name", ["pair-edit", "pair-renew", "pair-revoke"])
def test_nobody_else_reaches_a_pair(cast, signed_in, pair, who, name):
    signed, row = pair
    client = signed_in(getattr(cast, who))

    assert client.get(reverse(f"panel:{name}", args=[row.pk])).status_code == 404
    assert client.post(reverse(f"panel:{name}", args=[row.pk]), {"name": "X", "replaces": ""}).status_code == 404
    assert row.hint not in client.get(reverse("panel:keys")).content.decode()
    assert signed("GET", "/balance").status_code == 200


def test_the_other_modes_pairs_are_not_there(cast, signed_in, pair):
    _, row = pair
    client = signed_in(cast.merchant_user, mode="live")

    assert client.get(reverse("panel:pair-edit", args=[row.pk])).status_code == 404
    assert row.hint not in client.get(reverse("panel:keys")).content.decode()


@pytest.mark.parametrize("contract", ["portal", "x"])
def test_no_pair_of_another_contract(merchant, contract):
    assert merchant.post(reverse("panel:pair-new", args=[contract]), {"name": "A"}).status_code == 404
    assert not Credential.objects.exists()
