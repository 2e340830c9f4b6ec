"""The matrix: every address of the portal, for every role, about an own, a team's, another's, the other mode's and an
unknown record. Each cell says what must come back; an address that is not listed here fails.
"""

from contextlib import contextmanager
from itertools import product

import pytest
from django.db import transaction
from django.urls import get_resolver

from accounts.actors import Actor
from accounts.models import PortalKey, User
from gateway.lib.money import Money
from payments.models import Payment
from payments.services import create_payment
from payouts.models import Payout
from payouts.services import create_payout
from webhooks.models import Endpoint
from webhooks.services import create_endpoint, reveal_secret

PEOPLE = ("super_admin", "admin", "other_admin", "merchant_user", "api_user", "other_user", "nobody", "suspended")
ROLES = {
    "super_admin": "super_admin", "admin": "admin", "other_admin": "admin", "merchant_user": "merchant",
    "other_user": "merchant", "api_user": "api_user",
}
ALL = ("super_admin", "admin", "merchant", "api_user")
OPERATORS = ("super_admin", "admin")
MANAGERS = ("super_admin", "admin", "merchant")

# address → method → roles that may make the call at all
RIGHTS = {
    "balance": {"GET": ALL},
    "payments": {"GET": ALL, "POST": ALL},
    "payments/<id>": {"GET": ALL},
    "payouts": {"GET": ALL, "POST": ("super_admin", "merchant", "api_user")},
    "payouts/<id>": {"GET": ALL},
    "payouts/<id>/approve": {"POST": OPERATORS},
    "payouts/<id>/reject": {"POST": OPERATORS},
    "profile": {"GET": ALL},
    "profile/api-key/regenerate": {"POST": ALL},
    "users": {"GET": MANAGERS, "POST": MANAGERS},
    "users/<id>": {"GET": MANAGERS, "PATCH": MANAGERS},
    "users/<id>/suspend": {"POST": MANAGERS},
    "users/<id>/activate": {"POST": MANAGERS},
    "webhook-endpoints": {"GET": ("merchant",), "POST": ("merchant",)},
    "webhook-endpoints/<id>": {"GET": ("merchant",), "PATCH": ("merchant",), "DELETE": ("merchant",)},
    "webhook-endpoints/<id>/rotate-secret": {"POST": ("merchant",)},
    "webhook-endpoints/<id>/test": {"POST": ("merchant",)},
}
CALLS = [(address, method) for address, methods in RIGHTS.items() for method in methods]
ONE = [call for call in CALLS if "<id>" in call[0]]
RECORDS = ("merchants_own", "api_users_own", "others", "live", "unknown")
BODIES = {"reject": {"reason": "no"}, "users/<id>": {"name": "Renamed"}}


def test_no_address_and_no_method_is_missing_from_this_matrix():
    known = {}
    for pattern in get_resolver("gateway.contracts.portal.urls").url_patterns:
        route = pattern.pattern._route
        address = "/".join("<id>" if part.startswith("<") else part for part in route.split("/"))
        view = pattern.callback.cls
        known[address] = {name for name in ("GET", "POST", "PUT", "PATCH", "DELETE") if hasattr(view, name.lower())}

    assert known == {address: set(methods) for address, methods in RIGHTS.items()}


@pytest.fixture
def world(cast, fund):
    """Records of every kind, named by who owns them; `canary` is in all that must not be seen by strangers."""
    fund(cast.merchant, 10_000_00)
    fund(cast.other, 10_000_00)
    return {
        "merchants_own": _records(cast.merchant, cast.merchant_user, cast.merchant_user, "test"),
        "api_users_own": _records(cast.merchant, cast.api_user, cast.api_user, "test"),
        "others": _records(cast.other, cast.other_user, cast.other_user, "test"),
        "unknown": {"payments": "pay_x", "payouts": "pout_x", "users": "usr_x", "webhook-endpoints": "x"},
        "live": _live(cast),
    }


def _records(merchant, creator, user, mode, label="test"):
    actor = Actor(creator, "tests")
    name = f"canary-{creator.public_id}-{label}"
    payment = create_payment(
        actor=actor, merchant=merchant, mode=mode, contract="portal", amount=Money(5_000, "INR"), reference=name,
        created_by=creator,
    )
    payout = create_payout(
        actor=actor, merchant=merchant, mode=mode, contract="portal", amount=Money(5_000, "INR"), reference=name,
        beneficiary_name=name, account_number="123456789012", ifsc="HDFC0001234", created_by=creator,
    )
    endpoint, _ = create_endpoint(actor=actor, merchant=merchant, mode=mode, url=f"http://127.0.0.1:9299/{name}")
    return {
        "payments": payment.public_id, "payouts": payout.public_id, "users": user.public_id,
        "webhook-endpoints": str(endpoint.pk),
    }


def _live(cast):
    """What the same merchant has in live mode; users belong to no mode."""
    made = _records(cast.merchant, cast.merchant_user, cast.other_user, "test", "live")
    Payment.objects.filter(public_id=made["payments"]).update(mode="live")
    Payout.objects.filter(public_id=made["payouts"]).update(mode="live")
    Endpoint.objects.filter(pk=made["webhook-endpoints"]).update(mode="live")
    return made | {"users": "usr_live"}


def reach(who, kind, owner):
    """Whether `who` may see the record of this kind: the rule of portal.md, written a second time."""
    if owner in ("unknown", "live"):
        return False
    if who == "super_admin":
        return True
    if who in ("admin", "merchant_user"):
        return owner in ("merchants_own", "api_users_own")
    if who in ("other_admin", "other_user"):
        return owner == "others"
    return owner == "api_users_own" and kind in ("payments", "payouts")


def expected(who, address, method, owner):
    """The statuses that this cell may answer."""
    kind = address.split("/")[0]
    if who == "nobody":
        return {401}
    if who == "suspended" or ROLES[who] not in RIGHTS[address][method]:
        return {403}
    if not reach(who, kind, owner):
        return {404}
    if kind == "users" and method in ("PATCH", "POST"):
        return _about_a_user(who, address, owner)
    return {200}


def _about_a_user(who, address, owner):
    """Nobody changes a user at or above their own role; who is active already cannot be activated (409)."""
    role = "api_user" if owner == "api_users_own" else "merchant"
    ranks = {"super_admin": 3, "admin": 2, "merchant": 1, "api_user": 0}
    if ranks[ROLES[who]] <= ranks[role]:
        return {403}
    return {409} if address.endswith("/activate") else {200}


@pytest.mark.parametrize(("address", "method"), ONE, ids=[f"{method} {address}" for address, method in ONE])
def test_every_role_and_every_owner(api, cast, world, address, method):
    cells, wrong = 0, []
    for who, owner in product(PEOPLE, RECORDS):
        with undone():
            response = call(api, cast, who, method, address, world[owner][address.split("/")[0]])
        cells += 1
        allowed = expected(who, address, method, owner)
        if response.status_code not in allowed:
            wrong.append((who, owner, response.status_code, allowed))
        if response.status_code >= 300 and b"canary" in response.content:
            wrong.append((who, owner, "leaks"))

    assert wrong == []
    assert cells == len(PEOPLE) * len(RECORDS)


@contextmanager
def undone():
    """What a cell changed is undone, so that each meets the same world."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def call(api, cast, who, method, address, public_id):
    path = "/" + address.replace("<id>", public_id)
    body = next((body for end, body in BODIES.items() if address.endswith(end)), {})
    if who == "nobody":
        return api(None, method, path, body)
    if who == "suspended":
        User.objects.filter(pk=cast.merchant_user.pk).update(status="suspended")
        return api("merchant_user", method, path, body)
    return api(who, method, path, body)


LISTS = [(address, method) for address, method in CALLS if "<id>" not in address]
_NEW = {
    "payments": {"amount": 5, "order_id": "NEW-1"},
    "payouts": {
        "amount": 5, "order_id": "NEW-1", "beneficiary_name": "A", "account_number": "123456789", "ifsc": "HDFC0001234",
    },
    "users": {"email": "new@example.com", "name": "New", "role": "api_user"},
    "webhook-endpoints": {"url": "https://a.example/"},
}


@pytest.mark.parametrize(("address", "method"), LISTS, ids=[f"{method} {address}" for address, method in LISTS])
def test_every_role_at_every_list_and_creation(api, cast, world, address, method):
    wrong = []
    for who, named, mode in product(PEOPLE, ("none", "own", "others", "unknown"), ("test", "live")):
        with undone():
            status, allowed = list_cell(api, cast, who, method, address, named, mode)
        if status not in allowed:
            wrong.append((who, named, mode, status, allowed))

    assert wrong == []


def list_cell(api, cast, who, method, address, named, mode):
    """One call that names no merchant, the cast's, another, or one that does not exist."""
    merchant = {
        "own": cast.merchant.public_id, "others": cast.other.public_id, "unknown": "mrc_x", "none": None,
    }[named]
    body = dict(_NEW.get(address, {})) | ({"merchant_id": merchant} if merchant else {})
    path = f"/{address}" + (f"?merchant_id={merchant}" if merchant and method == "GET" else "")
    if who == "suspended":
        User.objects.filter(pk=cast.merchant_user.pk).update(status="suspended")
    caller = {"nobody": None, "suspended": "merchant_user"}.get(who, who)
    response = api(caller, method, path, body if method != "GET" else None, mode=mode)
    return response.status_code, list_expected(who, method, address, named, mode)


def list_expected(who, method, address, named, mode):
    if who == "nobody":
        return {401}
    if who == "suspended" or ROLES[who] not in RIGHTS[address][method]:
        return {403}
    if method == "GET":
        return _read(who, address, named)
    if address in ("payments", "payouts"):
        return _moved(who, named, mode)
    if address == "users":
        return {400} if who in ACTING else {201}  # an api_user needs a merchant as its parent
    return {200} if address.startswith("profile") else {201}


ACTING = ("super_admin", "admin", "other_admin")
MINE = {
    "super_admin": ("own", "others"), "admin": ("own",), "merchant_user": ("own",), "api_user": ("own",),
    "other_admin": ("others",), "other_user": ("others",),
}


def _read(who, address, named):
    if address not in ("balance", "profile"):
        return {200}  # a filter at most: what is not the caller's is simply not listed
    if named == "none":
        return {400} if address == "balance" and ROLES[who] == "admin" else {200}
    return {200} if named in MINE[who] else {404}


def _moved(who, named, mode):
    """Operators must name a merchant in their reach; from others the name is ignored."""
    if who in ACTING and named == "none":
        return {400}
    if who in ACTING and named not in MINE[who]:
        return {404}
    return {503} if mode == "live" else {201}


KEYS = {"payments": "transaction_id", "payouts": "payout_id", "users": "user_id", "webhook-endpoints": "id"}


@pytest.mark.parametrize("kind", KEYS)
def test_lists_show_what_can_be_looked_up_and_nothing_else(api, world, kind):
    """Each listed record answers 200 by its id, and each one that is not listed is a 404."""
    wrong = []
    for who, mode in product(ROLES, ("test", "live")):
        listed = api(who, "GET", f"/{kind}?limit=100", mode=mode)
        seen = {row[KEYS[kind]] for row in listed.json().get("data", [])}
        for owner in RECORDS:
            public_id = world[owner][kind]
            status = api(who, "GET", f"/{kind}/{public_id}", mode=mode).status_code
            if status != (403 if listed.status_code == 403 else 200 if public_id in seen else 404):
                wrong.append((who, mode, owner, status))

    assert wrong == []


def test_secrets_of_endpoints_are_seen_by_their_merchant_only(api, world, cast):
    secrets = {reveal_secret(endpoint): endpoint.merchant_id for endpoint in Endpoint.objects.all()}
    for who in ROLES:
        for path in ("/webhook-endpoints", "/profile", "/payments", "/payouts", "/users"):
            text = api(who, "GET", f"{path}?limit=100").content.decode()
            for secret, merchant in secrets.items():
                if secret in text:
                    assert path == "/webhook-endpoints"
                    assert getattr(cast, who).merchant_id == merchant


def test_keys_of_one_mode_are_no_keys_of_the_other(api, cast):
    assert PortalKey.objects.count() == 12
    assert len({api.key(who, mode) for who in ROLES for mode in ("test", "live")}) == 12
