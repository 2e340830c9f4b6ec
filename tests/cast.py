"""The cast as `accounts.services` would make it, written at once: thousands of tests begin with it.

That both are the same rows is held by `tests/test_cast.py`.
"""

from __future__ import annotations

from accounts import audit
from accounts.actors import Actor
from accounts.credentials import portal_digest
from accounts.models import AuditRecord, Merchant, PortalKey, User
from gateway.lib import secrets

PASSWORD = "correct-horse-battery"
# (name in the cast, role, e-mail, name of the parent, business), parents first; those that can be written together.
PEOPLE = (
    (("root", "super_admin", "root@example.com", "", ""),),
    (("admin", "admin", "admin@example.com", "root", ""), ("other_admin", "admin", "other-admin@example.com", "root", "")),
    (("merchant_user", "merchant", "merchant@example.com", "admin", "Chai Point"),),
    (
        ("api_user", "api_user", "api@example.com", "merchant_user", ""),
        ("other_user", "merchant", "other@example.com", "other_admin", "Other Store"),
    ),
)


def write() -> tuple[dict[str, User], dict[tuple[str, str], str]]:
    """The users by name, and their portal keys in clear by (public id, mode)."""
    named = [business for group in PEOPLE for *_, business in group if business]
    merchants = {row.name: row for row in Merchant.objects.bulk_create([Merchant(name=name) for name in named])}
    users: dict[str, User] = {}
    for group in PEOPLE:
        rows = [_user(users, merchants, *values) for _, *values in group]
        users |= dict(zip([name for name, *_ in group], User.objects.bulk_create(rows), strict=True))
    clear = {(user, mode): secrets.new_key(f"gw_{mode}_") for user in users.values() for mode in ("live", "test")}
    PortalKey.objects.bulk_create(
        PortalKey(user=user, mode=mode, digest=portal_digest(key), last_four=key[-4:]) for (user, mode), key in clear.items()
    )
    AuditRecord.objects.bulk_create(_created(user) for user in users.values())
    return users, {(user.public_id, mode): key for (user, mode), key in clear.items()}


def _user(users, merchants, role, email, parent, business) -> User:
    above = users.get(parent)
    merchant = merchants.get(business) or (above.merchant if role == "api_user" else None)
    user = User(email=email, name=email.split("@")[0].title(), role=role, parent=above, merchant=merchant)
    user.set_password(PASSWORD)
    user._password = None  # as after a save
    return user


def _created(user: User) -> AuditRecord:
    actor = Actor(user.parent, "tests")
    return audit.entry(
        actor, "user.created", user.public_id, merchant=user.merchant_id, role=user.role, email=user.email
    )
