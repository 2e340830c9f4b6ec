"""Fixtures every test may use: a small cast of users in the hierarchy, and money to start with."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import pytest


def pytest_configure(config):
    """Passwords are hashed fast in tests; what production uses is checked by its own test."""
    from django.conf import settings

    os.makedirs(settings.STATIC_ROOT, exist_ok=True)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        settings.CACHES["default"]["LOCATION"] = counters_of(worker, settings.CACHES["default"]["LOCATION"])


_ON_A_SERVICE = ("django_db", "postgres", "redis")
_ON_A_DATABASE = {"db", "transactional_db", "django_db_reset_sequences", "live_server"}


def pytest_collection_modifyitems(config, items):
    """The second run of `make test` leaves out what another database cannot change (see gateway/suite.py)."""
    if os.environ.get("SECOND_RUN") != "1":
        return
    left_out = [item for item in items if not _depends_on_the_database(item)]
    items[:] = [item for item in items if _depends_on_the_database(item)]
    config.hook.pytest_deselected(items=left_out)


def _depends_on_the_database(item):
    names = set(item.fixturenames)
    if item.get_closest_marker("browser") or "browse" in names:
        return False
    # Whole installations, started by their own commands, use the run's database without a fixture of pytest-django.
    own = item.path.parent.name == "tests" and item.path.parent.parent.name in ("gateway", item.config.rootpath.name)
    return own or bool(names & _ON_A_DATABASE) or any(map(item.get_closest_marker, _ON_A_SERVICE))


def pytest_generate_tests(metafunc):
    """`python -m proof` runs each race many times over; every time is a test of its own, with a fresh database."""
    rounds = int(os.environ.get("PROOF_ROUNDS", "1"))
    if rounds > 1 and metafunc.definition.get_closest_marker("race"):
        metafunc.fixturenames.append("proof_round")
        metafunc.parametrize("proof_round", range(rounds))


@pytest.fixture
def proof_round():
    """The number of a repetition."""


def counters_of(worker, location):
    """Parallel workers never share counters: a Redis database of its own for each, or a file."""
    if location.startswith("redis:"):
        server, _, number = location.rpartition("/")
        return f"{server}/{int(number) + 1 + int(worker.removeprefix('gw'))}"
    return f"{location}.{worker}"


@dataclass
class Cast:
    """`admin` is the parent of `merchant`'s user, which is the parent of `api_user`; `other` is in nobody's team."""

    super_admin: object
    admin: object
    other_admin: object
    merchant_user: object
    api_user: object
    other_user: object
    merchant: object
    other: object
    keys: dict = field(default_factory=dict)  # (user.public_id, mode) → portal key in clear


@pytest.fixture
def cast(db) -> Cast:
    return make_cast()


def make_cast() -> Cast:
    from accounts.actors import Actor
    from accounts.services import create_user

    keys: dict[tuple[str, str], str] = {}

    def user(role, email, parent=None, **more):
        made, fresh = create_user(
            actor=Actor(parent, "tests"), email=email, name=email.split("@")[0].title(), role=role,
            parent=parent, password="correct-horse-battery", **more,
        )
        keys.update({(made.public_id, mode): key for mode, key in fresh.items()})
        return made

    root = user("super_admin", "root@example.com")
    admin = user("admin", "admin@example.com", root)
    other_admin = user("admin", "other-admin@example.com", root)
    merchant_user = user("merchant", "merchant@example.com", admin, business_name="Chai Point")
    api_user = user("api_user", "api@example.com", merchant_user)
    other_user = user("merchant", "other@example.com", other_admin, business_name="Other Store")
    return Cast(
        root, admin, other_admin, merchant_user, api_user, other_user,
        merchant_user.merchant, other_user.merchant, keys,
    )


@pytest.fixture
def fund():
    """`fund(merchant, minor)` gives a merchant money through the ledger."""
    from ledger.testing import fund as give

    return give


@pytest.fixture
def balances():
    """(available, pending, reserved) of a merchant in minor units of INR."""

    from ledger.queries import wallets

    def balances(merchant, mode="test"):
        wallet = wallets(merchant_ids=[merchant.pk], mode=mode)[0]
        return wallet.available_minor, wallet.pending_minor, wallet.reserved_minor

    return balances


@pytest.fixture
def due_again():
    """Makes a row due now, its lease forgotten, as after a sweep's wait."""

    from django.utils import timezone

    def due_again(row, **changes):
        type(row).objects.filter(pk=row.pk).update(due_at=timezone.now(), leased_until=None, lease="", **changes)
        row.refresh_from_db()
        return row

    return due_again


@pytest.fixture
def viewer_of():
    from accounts.actors import Viewer

    return lambda user, mode="test": Viewer(user, mode)


@pytest.fixture(autouse=True)
def _empty_caches():
    from django.core.cache import caches

    yield
    for alias in ("default", "local"):
        caches[alias].clear()


@pytest.fixture(autouse=True, scope="session")
def _let_tests_empty_guarded_tables():
    """Between transactional tests Django empties the tables; on SQLite by DELETE, which the guards refuse.

    So the guards step aside for that moment, and come back exactly as the migrations made them.
    """
    from django.core.management.commands import flush
    from django.db import connections

    original = flush.Command.handle

    def handle(self, **options):
        connection = connections[options["database"]]
        triggers = []
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
                triggers = cursor.fetchall()
                for name, _ in triggers:
                    cursor.execute(f"DROP TRIGGER {name}")
        original(self, **options)
        with connection.cursor() as cursor:
            for _, sql in triggers:
                cursor.execute(sql)
        _refill_defaults()

    flush.Command.handle = handle
    yield
    flush.Command.handle = original


def _refill_defaults():
    """What migrations put into the tables, for the next test."""
    import importlib

    from django.apps import apps

    importlib.import_module("ledger.migrations.0004_default_fees").fill(apps, None)
    importlib.import_module("crypto.migrations.0002_networks").fill(apps, None)
