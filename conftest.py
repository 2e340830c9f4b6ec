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
    else:
        from tests import database

        database.forget()


def pytest_unconfigure(config):
    if "PYTEST_XDIST_WORKER" not in os.environ:
        from tests import database

        database.remove_what_was_kept()


_ON_A_SERVICE = ("django_db", "postgres", "redis", "installation")
_ON_A_DATABASE = {"db", "transactional_db", "django_db_reset_sequences", "live_server"}


def pytest_collection_modifyitems(config, items):
    """Files with a long test first, as they stand, so that no worker is left alone with one when the others are done.
    The second run of `make test` leaves out what another database cannot change (see gateway/suite.py).
    """
    long = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in long)
    if os.environ.get("SECOND_RUN") != "1":
        return
    left_out = [item for item in items if not _depends_on_the_database(item)]
    items[:] = [item for item in items if _depends_on_the_database(item)]
    config.hook.pytest_deselected(items=left_out)


def _depends_on_the_database(item):
    names = set(item.fixturenames)
    if item.get_closest_marker("browser") or "browse" in names:
        return False
    return bool(names & _ON_A_DATABASE) or any(map(item.get_closest_marker, _ON_A_SERVICE))


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
    from tests import cast

    users, keys = cast.write()
    own, other = users["merchant_user"].merchant, users["other_user"].merchant
    return Cast(users.pop("root"), **users, merchant=own, other=other, keys=keys)


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


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment, django_db_modify_db_settings, django_db_blocker, django_db_keepdb, django_db_createdb
):
    """In place of pytest-django's: the migrations run once, not once a worker, and tables are emptied quickly."""
    from tests import database

    with django_db_blocker.unblock():
        before = database.provide(reuse=django_db_keepdb and not django_db_createdb)
        emptying = database.Emptying()
    with pytest.MonkeyPatch.context() as patch:
        flush = "django.core.management.commands.flush.Command.handle"
        patch.setattr(flush, _emptied_by(emptying) if emptying.possible else _emptied_by_django(emptying))
        yield
    if not django_db_keepdb:
        with django_db_blocker.unblock():
            database.remove(before)


def _emptied_by(emptying):
    return lambda *_, **__: emptying()


def _emptied_by_django(emptying):
    """By TRUNCATE, which takes what the migrations wrote as well."""
    from django.core.management.commands.flush import Command

    truncate = Command.handle

    def handle(self, **options):
        truncate(self, **options)
        emptying.fill()

    return handle
