"""Adapters that an installation names in its settings: loaded, or refused at the start in plain words."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from django.conf import settings as configured
from django.core.exceptions import ImproperlyConfigured

from gateway.lib import adapters
from payments.providers.base import PaymentProvider
from payouts.providers.base import PayoutProvider

PAYMENT_CALLS = ("tokenise", "authorise", "capture", "refund", "status", "read_callback")


def adapter(name="acme", *, lacks=(), **more):
    values = {"name": name, "captures_at_once": True, "decided_by_people": False, **dict.fromkeys(PAYMENT_CALLS, print)}
    return SimpleNamespace(**{key: value for key, value in (values | more).items() if key not in lacks})


@pytest.fixture
def named(monkeypatch, settings):
    """`named(one, two)`: PAYMENT_ADAPTERS names them."""

    def named(*found):
        module = ModuleType("company")
        for number, one in enumerate(found):
            setattr(module, f"A{number}", one)
        monkeypatch.setitem(sys.modules, "company", module)
        settings.PAYMENT_ADAPTERS = [f"company.A{number}" for number in range(len(found))]

    return named


def load():
    return adapters.load("PAYMENT_ADAPTERS", PaymentProvider, taken=("sandbox", "manual_upi"))


def test_what_is_named_is_found(named):
    one, two = adapter("acme"), adapter("bank_2")
    named(one, two)

    assert load() == [one, two]


@pytest.mark.parametrize(("found", "words"), [
    ([adapter(lacks=["refund", "read_callback"])], "PAYMENT_ADAPTERS: company.A0 lacks refund, read_callback."),
    ([adapter(lacks=["name"])], "PAYMENT_ADAPTERS: company.A0 lacks name."),
    ([adapter("sandbox")], "PAYMENT_ADAPTERS: company.A0 has the name of another adapter, sandbox."),
    ([adapter("acme"), adapter("acme")], "PAYMENT_ADAPTERS: company.A1 has the name of another adapter, acme."),
    *(([adapter(name)], "PAYMENT_ADAPTERS: company.A0 needs a name of up to 24 a-z, 0-9 and _, a letter first.")
      for name in ("", "Acme", "a" * 25, "ac/me", "2acme", "acmé", None)),
])
def test_one_that_cannot_work_is_refused(named, found, words):
    named(*found)

    with pytest.raises(ImproperlyConfigured) as refused:
        load()

    assert str(refused.value) == words


@pytest.mark.parametrize(("path", "words"), [
    ("acme", "ImportError: acme doesn't look like a module path"),
    ("nowhere.ACME", "ModuleNotFoundError: No module named 'nowhere'"),
    ("gateway.lib.adapters.ACME", "ImportError: Module \"gateway.lib.adapters\" does not define a \"ACME\" attribute/class"),
])
def test_one_that_is_not_there_is_refused(settings, path, words):
    settings.PAYMENT_ADAPTERS = [path]

    with pytest.raises(ImproperlyConfigured) as refused:
        load()

    assert str(refused.value) == f"PAYMENT_ADAPTERS: {path} cannot be imported: {words}"


def test_what_the_shipped_payout_adapters_have_is_what_is_asked_for():
    assert adapters._asked_by(PayoutProvider) == ["name", "pay", "status"]
    assert adapters._asked_by(PaymentProvider) == ["name", "captures_at_once", "decided_by_people", *PAYMENT_CALLS]


@pytest.mark.parametrize(("environment", "words"), [
    ({"LIVE_PAYMENT_PROVIDER": "manual-upi"},
     "LIVE_PAYMENT_PROVIDER must be empty or one of manual_upi; it is 'manual-upi'."),
    ({"LIVE_PAYOUT_PROVIDER": "sandbox_bank"},
     "LIVE_PAYOUT_PROVIDER must be empty or one of bank_file; it is 'sandbox_bank'."),
    ({"PAYMENT_ADAPTERS": "acme.ACME", "LIVE_PAYMENT_PROVIDER": "acme", "PAYOUT_ADAPTERS": "acme.ACME"},
     "PAYOUT_ADAPTERS: acme.ACME lacks pay."),
    ({"PAYMENT_ADAPTERS": "acme.ACME", "LIVE_PAYMENT_PROVIDER": "acme"}, ""),
])
def test_the_gateway_starts_with_what_it_can_use_and_with_nothing_else(tmp_path, environment, words):
    examples = str(Path(configured.BASE_DIR) / "docs" / "examples" / "adapters")
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=configured.BASE_DIR, capture_output=True, text=True, check=False,
        env=kept | {"PYTHONPATH": examples, "DATA_DIR": str(tmp_path)} | environment,
    )

    assert (done.returncode, done.stderr.strip().splitlines()[-1:]) == ((1, [words]) if words else (0, []))
