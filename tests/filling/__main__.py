"""Fills the installation of `DATA_DIR`, whose demo cast is there already, and prints the pages to look at as JSON."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from types import SimpleNamespace

from tests.filling import SETTINGS, WORDS, Filled, fill

NAMES = {"merchant_user": "merchant", "other_user": "other_merchant"}


def main() -> None:
    import django

    os.environ["CRYPTO_MNEMONIC"] = WORDS
    django.setup()
    from django.conf import settings

    from tests import pages

    for name, value in SETTINGS.items():
        setattr(settings, name, value)
    settings.PROCESS = "signer"
    filled = fill(_people())
    print(json.dumps({"panel": [asdict(one) for one in pages.panel_pages(filled)], "hosted": _hosted(filled)}))


def _people() -> SimpleNamespace:
    """The demo's cast, by the names that the tests' cast has."""
    from accounts.models import User
    from gateway.demo import load_or_make

    users = load_or_make()["users"]
    names = {name: NAMES.get(name, name) for name in ("super_admin", "admin", "merchant_user", "api_user", "other_user")}
    people = {name: User.objects.get(public_id=users[word]["id"]) for name, word in names.items()}
    return SimpleNamespace(**people, merchant=people["merchant_user"].merchant, other=people["other_user"].merchant)


def _hosted(filled: Filled) -> dict[str, str]:
    from tests.pages import FRONT

    return FRONT | filled.hosted


if __name__ == "__main__":
    main()
