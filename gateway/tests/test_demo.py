"""The demo cast: one JSON object, made once, private, and never in production."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.credentials import find_portal_key
from accounts.models import Merchant, User
from gateway import demo
from ledger.queries import wallets
from ledger.testing import assert_ledger_balances


@pytest.fixture
def folder(settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path
    monkeypatch.delenv("PORT", raising=False)
    return tmp_path


def printed(*arguments):
    out = StringIO()
    call_command("demo", *arguments, stdout=out)
    return out.getvalue()


def test_the_cast_as_json_has_exactly_the_promised_shape(db, folder):
    cast = json.loads(printed("--json"))

    assert list(cast) == ["base_url", "users", "merchants"]
    assert list(cast["users"]) == ["super_admin", "admin", "merchant", "api_user", "other_merchant"]
    for user in cast["users"].values():
        assert list(user) == ["id", "email", "password", "role", "merchant_id", "portal"]
        assert User.objects.get(public_id=user["id"]).check_password(user["password"])
        for mode in ("test", "live"):
            assert user["portal"][mode].startswith(f"gw_{mode}_")
            assert find_portal_key(user["portal"][mode]).user.public_id == user["id"]
    for merchant in cast["merchants"].values():
        assert sorted(merchant) == ["checkout", "dashboard", "id", "signed"]
        assert sorted(merchant["checkout"]["test"]) == ["key", "secret"]
        assert sorted(merchant["signed"]["live"]) == ["access_key", "secret_key"]
        assert merchant["dashboard"]["live"].startswith("live_sk_")
    assert cast["users"]["admin"]["merchant_id"] is None
    assert cast["users"]["api_user"]["merchant_id"] == cast["merchants"]["merchant"]["id"]


def test_the_hierarchy_and_the_money_are_as_described(db, folder):
    cast = json.loads(printed("--json"))
    users = {word: User.objects.get(public_id=user["id"]) for word, user in cast["users"].items()}

    assert users["merchant"].parent == users["admin"]
    assert users["api_user"].parent == users["merchant"]
    assert users["other_merchant"].parent == users["super_admin"]
    merchant, other = users["merchant"].merchant, users["other_merchant"].merchant
    own = wallets(merchant_ids=[merchant.pk], mode="test")
    assert [(w.currency, w.network, w.available_minor) for w in own] == [
        ("INR", "", 10_000_000), ("USDT", "BSC", 100_000_000_000),
    ]
    for pk, mode in [(merchant.pk, "live"), (other.pk, "test"), (other.pk, "live")]:
        assert [w.available_minor for w in wallets(merchant_ids=[pk], mode=mode)] == [0]
    assert Merchant.objects.filter(payout_auto_approve_minor=1_000_000).count() == 2
    assert_ledger_balances()


def test_the_second_call_makes_nothing_and_prints_the_same(db, folder):
    first, second = printed("--json"), printed("--json")

    assert first == second
    assert User.objects.count() == 5
    assert demo.path().stat().st_mode & 0o777 == 0o600


def test_another_port_changes_the_printed_address_only(db, folder, settings, monkeypatch):
    before = json.loads(printed("--json"))
    monkeypatch.setenv("PORT", "9001")
    settings.PUBLIC_URL = "http://127.0.0.1:9001"

    after = json.loads(printed("--json"))

    assert after == before | {"base_url": "http://127.0.0.1:9001"}


def test_there_is_no_demo_in_production(db, folder, settings):
    settings.DEMO = False

    with pytest.raises(CommandError, match="production"):
        printed()

    assert printed("--unless-production") == ""  # as `make run` calls it
    assert User.objects.count() == 0
    assert not demo.path().exists()
