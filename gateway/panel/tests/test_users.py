"""The hierarchy in the panel: who is seen, made, changed and suspended by whom."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import Merchant, User

KEY = re.compile(r"gw_(?:test|live)_[A-Za-z0-9_-]{43}")
SEES = {
    "super_admin": {"root", "admin", "other-admin", "merchant", "api", "other"},
    "admin": {"admin", "merchant", "api"},
    "merchant_user": {"merchant", "api"},
}
EVERYBODY = {"root", "admin", "other-admin", "merchant", "api", "other"}


@pytest.mark.parametrize("who", SEES)
def test_the_list_shows_the_team_and_nobody_else(cast, signed_in, who):
    page = signed_in(getattr(cast, who)).get(reverse("panel:users")).content.decode()
    body = page[page.index('id="results"'):]

    assert {name for name in EVERYBODY if f">{name}@example.com<" in body} == SEES[who]
    assert not KEY.search(page)


def test_the_tree_stands_in_the_order_of_the_hierarchy(cast, signed_in):
    page = signed_in(cast.super_admin).get(reverse("panel:users")).content.decode()

    places = [page.index(f">{name}@example.com<") for name in ("root", "admin", "merchant", "api", "other-admin", "other")]
    assert places == sorted(places)
    assert re.search(r'tree-3">.{0,300}api@example\.com', page, re.S)


def test_a_search_finds_by_name_mail_business_and_id(cast, signed_in):
    client = signed_in(cast.super_admin)

    for text in ("chai", "merchant@", cast.merchant_user.public_id):
        found = client.get(reverse("panel:users"), {"q": text}, headers={"HX-Request": "true"}).content.decode()
        assert "merchant@example.com" in found
        assert "other-admin@example.com" not in found


@pytest.mark.parametrize(
    ("who", "status"),
    {"super_admin": 200, "admin": 200, "merchant_user": 200, "other_admin": 404, "other_user": 404, "api_user": 404}.items(),
)
def test_a_user_is_seen_by_its_own_people_only(cast, signed_in, who, status):
    answer = signed_in(getattr(cast, who)).get(reverse("panel:user", args=[cast.api_user.public_id]))

    assert answer.status_code == status


def test_an_api_user_has_no_pages_of_users(cast, signed_in):
    client = signed_in(cast.api_user)

    assert client.get(reverse("panel:users")).status_code == 404
    assert client.get(reverse("panel:user-new")).status_code == 404
    assert client.post(reverse("panel:user-new"), {"role": "api_user"}).status_code == 404


@pytest.mark.parametrize(
    ("who", "roles"),
    {
        "super_admin": ["merchant", "api_user", "admin", "super_admin"],
        "admin": ["merchant", "api_user"],
        "merchant_user": ["api_user"],
    }.items(),
)
def test_only_roles_below_one_s_own_are_offered(cast, signed_in, who, roles):
    page = signed_in(getattr(cast, who)).get(reverse("panel:user-new")).content.decode()
    select = re.search(r'<select name="role".*?</select>', page, re.S)[0]

    assert re.findall(r'value="(\w+)"', select) == roles


def test_a_merchant_makes_an_api_user_and_sees_its_keys_once(cast, signed_in):
    client = signed_in(cast.merchant_user)

    answer = client.post(
        reverse("panel:user-new"), {"email": "New@Example.com", "name": "Shop server", "role": "api_user"}
    )

    made = User.objects.get(email="new@example.com")
    page = answer.content.decode()
    keys = set(KEY.findall(page))
    assert (made.role, made.parent, made.merchant) == ("api_user", cast.merchant_user, cast.merchant)
    assert {key[:8] for key in keys} == {"gw_test_", "gw_live_"}
    assert "no-store" in answer["Cache-Control"]
    assert all(Client().get("/api/v1/profile", headers={"X-API-KEY": key}).status_code == 200 for key in keys)
    detail = client.get(reverse("panel:user", args=[made.public_id])).content.decode()
    assert not KEY.search(detail)
    assert "Invited" in detail


def test_the_invitation_link_on_the_page_sets_a_password(cast, signed_in):
    page = signed_in(cast.merchant_user).post(
        reverse("panel:user-new"), {"email": "new@example.com", "name": "Shop server", "role": "api_user"}
    ).content.decode()
    link = re.search(r"(/panel/password/[\w-]+/[\w-]+)", page)[1]

    answer = Client().post(link, {"new": "a-long-enough-phrase", "again": "a-long-enough-phrase"})

    assert answer.status_code == 302
    assert User.objects.get(email="new@example.com").check_password("a-long-enough-phrase")
    assert Client().get(link).status_code == 404


def test_a_new_invitation_link_is_for_those_without_a_password_only(cast, signed_in):
    client = signed_in(cast.merchant_user)
    client.post(reverse("panel:user-new"), {"email": "new@example.com", "name": "New", "role": "api_user"})
    made = User.objects.get(email="new@example.com")

    got = client.post(reverse("panel:user-invitation", args=[made.public_id]))
    refused = client.post(reverse("panel:user-invitation", args=[cast.api_user.public_id]))
    other = signed_in(cast.other_user).post(reverse("panel:user-invitation", args=[made.public_id]))

    link = re.search(r"(/panel/password/[\w-]+/[\w-]+)", got.content.decode())[1]
    assert Client().get(link).status_code == 200
    assert (refused.status_code, other.status_code) == (404, 404)
    assert not KEY.search(got.content.decode())
    assert "Invitation link made" in client.get(reverse("panel:user", args=[made.public_id])).content.decode()


def test_an_admin_makes_a_merchant_with_its_business(cast, signed_in):
    signed_in(cast.admin).post(
        reverse("panel:user-new"),
        {"email": "shop@example.com", "name": "Ravi", "role": "merchant", "business_name": "Ravi's Books"},
    )

    made = User.objects.get(email="shop@example.com")
    assert made.merchant.name == "Ravi's Books"
    assert made.parent == cast.admin


def test_an_admin_makes_an_api_user_below_a_merchant_of_the_team_only(cast, signed_in):
    client, before = signed_in(cast.admin), User.objects.count()
    body = {"email": "x@example.com", "name": "X", "role": "api_user"}

    outside = client.post(reverse("panel:user-new"), body | {"parent_id": cast.other_user.public_id})
    none = client.post(reverse("panel:user-new"), body)

    assert (outside.status_code, none.status_code) == (422, 422)
    assert User.objects.count() == before
    client.post(reverse("panel:user-new"), body | {"parent_id": cast.merchant_user.public_id})
    assert User.objects.get(email="x@example.com").merchant == cast.merchant


@pytest.mark.parametrize(
    ("who", "role"), [("merchant_user", "merchant"), ("merchant_user", "super_admin"), ("admin", "admin")]
)
def test_a_role_that_is_not_offered_is_not_given(cast, signed_in, who, role):
    users, merchants = User.objects.count(), Merchant.objects.count()

    answer = signed_in(getattr(cast, who)).post(
        reverse("panel:user-new"), {"email": "x@example.com", "name": "X", "role": role}
    )

    assert answer.status_code == 422
    assert (User.objects.count(), Merchant.objects.count()) == (users, merchants)


def test_a_taken_address_is_told_and_nothing_is_made(cast, signed_in):
    before = User.objects.count()

    answer = signed_in(cast.merchant_user).post(
        reverse("panel:user-new"), {"email": "api@example.com", "name": "X", "role": "api_user"}
    )

    assert answer.status_code == 422
    assert "already exists" in answer.content.decode()
    assert User.objects.count() == before
    assert mail.outbox == []


def test_a_name_is_changed_and_written_down(cast, signed_in):
    client = signed_in(cast.merchant_user)

    client.post(reverse("panel:user-edit", args=[cast.api_user.public_id]), {"name": "Checkout server"})

    cast.api_user.refresh_from_db()
    page = client.get(reverse("panel:user", args=[cast.api_user.public_id])).content.decode()
    assert cast.api_user.name == "Checkout server"
    assert "name: Api → Checkout server" in page


def test_a_super_admin_moves_a_merchant_to_another_admin(cast, signed_in):
    signed_in(cast.super_admin).post(
        reverse("panel:user-edit", args=[cast.merchant_user.public_id]),
        {"name": "Merchant", "role": "merchant", "parent_id": cast.other_admin.public_id},
    )

    cast.merchant_user.refresh_from_db()
    assert cast.merchant_user.parent == cast.other_admin


def test_only_a_super_admin_is_offered_another_role(cast, signed_in):
    address = reverse("panel:user-edit", args=[cast.merchant_user.public_id])
    client = signed_in(cast.admin)

    assert 'name="role"' not in client.get(address).content.decode()
    client.post(address, {"name": "Merchant", "role": "admin", "parent_id": cast.admin.public_id})
    cast.merchant_user.refresh_from_db()
    assert cast.merchant_user.role == "merchant"
    assert 'name="role"' in signed_in(cast.super_admin).get(address).content.decode()


@pytest.mark.parametrize("what", ["user-edit", "user-suspend", "user-activate"])
@pytest.mark.parametrize(
    ("who", "target"),
    [
        ("other_admin", "merchant_user"), ("other_user", "api_user"), ("merchant_user", "merchant_user"),
        ("merchant_user", "admin"), ("admin", "admin"), ("admin", "super_admin"), ("api_user", "api_user"),
    ],
)
def test_nobody_changes_whom_they_may_not(cast, signed_in, what, who, target):
    row = getattr(cast, target)

    answer = signed_in(getattr(cast, who)).post(reverse(f"panel:{what}", args=[row.public_id]), {"name": "Changed"})

    row.refresh_from_db()
    assert answer.status_code == 404
    assert (row.name, row.status) != ("Changed", "suspended")
    assert row.status == "active"


def test_suspending_ends_keys_and_session_and_activating_brings_them_back(cast, signed_in):
    client, sufferer = signed_in(cast.merchant_user), signed_in(cast.api_user)
    key = cast.keys[cast.api_user.public_id, "test"]

    client.post(reverse("panel:user-suspend", args=[cast.api_user.public_id]))

    assert Client().get("/api/v1/profile", headers={"X-API-KEY": key}).status_code == 403
    assert sufferer.get(reverse("panel:overview")).status_code == 302
    client.post(reverse("panel:user-activate", args=[cast.api_user.public_id]))
    assert Client().get("/api/v1/profile", headers={"X-API-KEY": key}).status_code == 200


def test_the_last_super_admin_cannot_suspend_themselves(cast, signed_in):
    answer = signed_in(cast.super_admin).post(reverse("panel:user-suspend", args=[cast.super_admin.public_id]))

    cast.super_admin.refresh_from_db()
    assert answer.status_code == 422
    assert cast.super_admin.status == "active"


def test_asking_does_not_suspend(cast, signed_in):
    page = signed_in(cast.merchant_user).get(reverse("panel:user-suspend", args=[cast.api_user.public_id]))

    cast.api_user.refresh_from_db()
    assert "Suspend Api?" in page.content.decode()
    assert cast.api_user.status == "active"


@pytest.mark.parametrize("name", ["user-new", "user-edit", "user-suspend", "user-activate"])
def test_forged_forms_are_refused(cast, signed_in, name):
    users = User.objects.count()
    client = signed_in(cast.merchant_user, enforce_csrf_checks=True)
    address = reverse(f"panel:{name}", args=[] if name == "user-new" else [cast.api_user.public_id])

    answer = client.post(address, {"email": "x@example.com", "name": "X", "role": "api_user"})

    cast.api_user.refresh_from_db()
    assert answer.status_code == 403
    assert (User.objects.count(), cast.api_user.name, cast.api_user.status) == (users, "Api", "active")


def test_names_are_text_and_never_markup(cast, signed_in):
    evil = '"><script>alert(1)</script>'
    User.objects.filter(pk=cast.api_user.pk).update(name=evil)
    Merchant.objects.filter(pk=cast.merchant.pk).update(name=evil)
    client = signed_in(cast.merchant_user)

    for address in (
        reverse("panel:users"), reverse("panel:user", args=[cast.api_user.public_id]),
        reverse("panel:user-edit", args=[cast.api_user.public_id]),
        reverse("panel:user-suspend", args=[cast.api_user.public_id]),
    ):
        assert "<script>alert" not in client.get(address).content.decode()
