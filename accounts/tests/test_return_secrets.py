"""The secret that signs a payer's way back: one a merchant and mode, encrypted, signs by Razorpay's formula."""

import hashlib
import hmac

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command

from accounts.actors import Actor
from accounts.errors import SecretReplaced
from accounts.models import AuditRecord, ReturnSecret
from accounts.return_secrets import (
    regenerate_return_secret,
    return_secret_of,
    reveal_return_secret,
    sign_return,
)
from gateway.lib import secrets
from gateway.lib.logs import scrub
from gateway.lib.racing import together

NAMES = {"order_id": "order_1", "payment_id": "pay_1"}


def test_it_is_made_when_first_needed_and_stays(cast):
    assert not ReturnSecret.objects.exists()

    first = reveal_return_secret(return_secret_of(cast.merchant, "test"))

    assert first.startswith("rs_test_")
    assert len(first) == len("rs_test_") + 43
    assert reveal_return_secret(return_secret_of(cast.merchant, "test")) == first
    others = [return_secret_of(cast.merchant, "live"), return_secret_of(cast.other, "test")]
    assert len({first, *map(reveal_return_secret, others)}) == 3
    assert first not in "".join(ReturnSecret.objects.values_list("secret_encrypted", flat=True))
    assert first not in scrub(f"signed with {first}")


def test_it_signs_as_razorpay_does(cast):
    secret = reveal_return_secret(return_secret_of(cast.merchant, "test"))

    signature = sign_return(merchant=cast.merchant, mode="test", **NAMES)

    assert signature == hmac.new(secret.encode(), b"order_1|pay_1", hashlib.sha256).hexdigest()
    assert signature != sign_return(merchant=cast.merchant, mode="live", **NAMES)


def test_regenerating_is_written_down_and_happens_once(cast):
    row, actor = return_secret_of(cast.merchant, "test"), Actor(cast.merchant_user, "panel")
    old, signed = reveal_return_secret(row), sign_return(merchant=cast.merchant, mode="test", **NAMES)

    fresh = regenerate_return_secret(actor=actor, merchant=cast.merchant, mode="test", replaces=row)
    with pytest.raises(SecretReplaced):
        regenerate_return_secret(actor=actor, merchant=cast.merchant, mode="test", replaces=row)

    assert reveal_return_secret(fresh) != old
    assert sign_return(merchant=cast.merchant, mode="test", **NAMES) != signed
    assert reveal_return_secret(return_secret_of(cast.merchant, "test")) == reveal_return_secret(fresh)
    record = AuditRecord.objects.get(action="return_secret.regenerated")
    assert (record.actor, record.merchant, record.mode) == (cast.merchant_user, cast.merchant, "test")
    assert old not in str(record.data) + record.target


def test_the_encryption_keys_rotation_covers_it(cast, settings):
    secret = reveal_return_secret(return_secret_of(cast.merchant, "test"))
    settings.GATEWAY_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.GATEWAY_ENCRYPTION_KEYS]
    assert not secrets.uses_first_key(ReturnSecret.objects.get().secret_encrypted)

    call_command("rotate_encryption_keys", verbosity=0)

    row = ReturnSecret.objects.get()
    assert secrets.uses_first_key(row.secret_encrypted)
    assert reveal_return_secret(row) == secret


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_made_by_many_at_once_it_is_one(cast):
    found = together(12, lambda _: reveal_return_secret(return_secret_of(cast.merchant, "test")))

    assert len(set(found)) == 1
    assert ReturnSecret.objects.count() == 1
