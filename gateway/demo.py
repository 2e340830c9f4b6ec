"""The demo cast: five people in their hierarchy, two merchants with every credential, and money to try things with.

Made once. The clear-text keys and passwords stand in `DATA_DIR/demo.json` (mode 0600) and nowhere else.
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.actors import Actor
from accounts.credentials import issue_credential
from accounts.models import Merchant, Role, User
from accounts.services import create_user
from crypto.models import Network
from crypto.services.endowing import endow_merchant
from gateway.lib.modes import Mode
from gateway.lib.money import Money
from ledger.deposits import deposit

ACTOR = Actor.system("manage.py demo")
AUTO_APPROVE_MINOR = 10_000_00
OPENING_INR_MINOR = 100_000_00
OPENING_USDT_MINOR = 1_000 * 10**8
# name, role, whose child, business
CAST = (
    ("super_admin", Role.SUPER_ADMIN, None, ""),
    ("admin", Role.ADMIN, "super_admin", ""),
    ("merchant", Role.MERCHANT, "admin", "Chai Point Traders"),
    ("api_user", Role.API_USER, "merchant", ""),
    ("other_merchant", Role.MERCHANT, "super_admin", "Second Street Books"),
)
NAMES = {
    "super_admin": "Sunita Rao", "admin": "Arjun Mehta", "merchant": "Meera Iyer",
    "api_user": "Checkout Server", "other_merchant": "Omar Siddiqui",
}


def path() -> Path:
    return Path(settings.DATA_DIR) / "demo.json"


def load_or_make() -> dict[str, Any]:
    """The cast as `manage.py demo --json` prints it; made on the first call."""
    if not path().exists():
        _write(_make())
    cast: dict[str, Any] = json.loads(path().read_text())
    told = "PORT" in os.environ or "PUBLIC_URL" in os.environ
    if told and cast["base_url"] != settings.PUBLIC_URL:
        cast["base_url"] = settings.PUBLIC_URL
        _write(cast)
    return cast


def _write(cast: dict[str, Any]) -> None:
    """Replaces the file whole, readable by its owner alone from its first byte on."""
    draft = path().with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(cast, file, indent=2)
    draft.replace(path())


@transaction.atomic
def _make() -> dict[str, Any]:
    users: dict[str, User] = {}
    shown: dict[str, dict[str, Any]] = {}
    for word, role, parent, business in CAST:
        users[word], shown[word] = _person(word, role, users.get(parent or ""), business)
    merchants = {word: users[word].merchant for word in ("merchant", "other_merchant")}
    _give_opening_balances(merchants["merchant"])
    return {
        "base_url": settings.PUBLIC_URL,
        "users": shown,
        "merchants": {word: _business(merchant) for word, merchant in merchants.items() if merchant},
    }


def _person(word: str, role: str, parent: User | None, business: str) -> tuple[User, dict[str, Any]]:
    password = secrets.token_urlsafe(12)
    email = f"{word.replace('_', '-')}@demo.example"
    user, keys = create_user(
        actor=ACTOR, email=email, name=NAMES[word], role=role, parent=parent, business_name=business, password=password
    )
    return user, {
        "id": user.public_id, "email": user.email, "password": password, "role": user.role,
        "merchant_id": user.merchant.public_id if user.merchant else None,
        "portal": {"test": keys["test"], "live": keys["live"]},
    }


def _business(merchant: Merchant) -> dict[str, Any]:
    Merchant.objects.filter(pk=merchant.pk).update(payout_auto_approve_minor=AUTO_APPROVE_MINOR, public_checkout=True)
    words: dict[str, Any] = {"id": merchant.public_id, "checkout": {}, "signed": {}, "dashboard": {}}
    for mode in (Mode.TEST.value, Mode.LIVE.value):
        issued = {
            contract: issue_credential(actor=ACTOR, merchant=merchant, contract=contract, mode=mode)
            for contract in ("checkout", "signed", "dashboard")
        }
        words["checkout"][mode] = {"key": issued["checkout"].identifier, "secret": issued["checkout"].secret}
        words["signed"][mode] = {"access_key": issued["signed"].identifier, "secret_key": issued["signed"].secret}
        words["dashboard"][mode] = issued["dashboard"].secret
    return words


def _give_opening_balances(merchant: Merchant | None) -> None:
    assert merchant is not None
    reference = f"demo:{merchant.public_id}"
    deposit(merchant=merchant, minor=OPENING_INR_MINOR, currency="INR", mode="test", reference=f"{reference}:INR")
    # Booked at once, and minted on the simulated chain as soon as the signer has told its hot wallet.
    endow_merchant(
        merchant=merchant, network=Network.objects.get(code="BSC"), amount=Money(OPENING_USDT_MINOR, "USDT"),
        reference=f"{reference}:USDT",
    )
