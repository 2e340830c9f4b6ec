"""The cast that tests begin with is what the services make, row by row."""

from __future__ import annotations

import re

import pytest
from django.db import transaction

from accounts.actors import Actor
from accounts.credentials import find_portal_key
from accounts.models import AuditRecord, Merchant, PortalKey, User
from accounts.services import create_user
from tests import cast

pytestmark = pytest.mark.django_db
# Random, or a moment.
OWN = {"id", "public_id", "password", "digest", "last_four", "created_at", "updated_at"}


def made_by_the_services():
    users, keys = {}, {}
    for name, role, email, parent, business in (row for group in cast.PEOPLE for row in group):
        above = users.get(parent)
        users[name], fresh = create_user(
            actor=Actor(above, "tests"), email=email, name=email.split("@")[0].title(), role=role, parent=above,
            business_name=business, password=cast.PASSWORD,
        )
        keys |= {(users[name].public_id, mode): key for mode, key in fresh.items()}
    return users, keys


def rows_of(users):
    """Every row of every table it wrote, in order, with each other row by its place."""
    places = {user.public_id: f"user {place}" for place, user in enumerate(User.objects.order_by("pk"))}
    places |= {user.pk: place for user, place in zip(User.objects.order_by("pk"), places.values(), strict=True)}
    merchants = {row.pk: f"merchant {place}" for place, row in enumerate(Merchant.objects.order_by("pk"))}
    found = []
    for model in (Merchant, User, PortalKey, AuditRecord):
        for row in model.objects.order_by("pk").values():
            plain = {name: value for name, value in row.items() if name not in OWN}
            for name in plain:
                if name in ("parent_id", "user_id", "actor_id"):
                    plain[name] = places.get(plain[name])
                elif name == "merchant_id":
                    plain[name] = merchants.get(plain[name])
            if model is AuditRecord:
                plain["target"] = places[plain["target"]]
            found.append((model.__name__, plain))
    return found


def test_it_is_what_the_services_make():
    found = []
    for make in (made_by_the_services, cast.write):
        with transaction.atomic():
            users, keys = make()
            found.append((rows_of(users), list(users), [mode for _, mode in keys]))
            transaction.set_rollback(True)

    assert len(found[0][0]) == 2 + 6 + 12 + 6
    assert found[1] == found[0]


def test_each_may_sign_in_and_call():
    users, keys = cast.write()

    for name, user in users.items():
        stored = User.objects.get(pk=user.pk)
        assert stored.check_password(cast.PASSWORD), name
        assert re.fullmatch(r"usr_\w+", user.public_id), user.public_id
        for mode in ("live", "test"):
            found = find_portal_key(keys[user.public_id, mode])
            assert (found.user_id, found.mode) == (user.pk, mode)
