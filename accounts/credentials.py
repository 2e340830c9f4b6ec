"""Credentials: made once in clear, kept as digests (or encrypted where they must sign), found by one query.

This module finds them, and replaces people's own portal keys; `issuing` makes and changes the merchants' ones.
"""

from __future__ import annotations

import hmac
import re
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.db import transaction
from django.db.models import DateTimeField, Q
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.errors import KeyReplaced
from accounts.issuing import IssuedCredential, issue_credential
from accounts.models import Credential, PortalKey, User
from gateway.lib import secrets
from gateway.lib.compiled import Compiled, Slot
from gateway.lib.modes import Mode

__all__ = [
    "IssuedCredential", "allows_address", "find_checkout_credential", "find_dashboard_credential", "find_portal_key",
    "find_publishable_key", "find_signed_credential", "issue_credential", "issue_portal_keys", "portal_digest",
    "regenerate_portal_key", "touch",
]

_PORTAL_KEY = re.compile(r"gw_(?:test|live)_[A-Za-z0-9_-]{43}", re.ASCII)
_CHECKOUT_KEY = re.compile(r"key_(?:test|live)_[A-Za-z0-9]{16}", re.ASCII)
_DASHBOARD_KEY = re.compile(r"(?:test|live)_sk_[A-Za-z0-9_-]{43}", re.ASCII)
_ACCESS_KEY = re.compile(r"ak_(?:test|live)_[A-Za-z0-9]{24}", re.ASCII)
_TOUCH_EVERY = timedelta(minutes=1)
_KEY_BY_DIGEST: Compiled[PortalKey] = Compiled(
    lambda: PortalKey.objects.select_related("user", "user__merchant").filter(digest=Slot("digest"))
)
_CREDENTIAL: Compiled[Credential] = Compiled(
    lambda: Credential.objects.select_related("merchant").filter(
        Q(expires_at=None) | Q(expires_at__gt=Slot("now", DateTimeField())),
        contract=Slot("contract"), identifier=Slot("identifier"), revoked_at=None,
    )
)


def portal_digest(key: str) -> str:
    return secrets.digest(key, purpose="portal-key")


def find_portal_key(text: str) -> PortalKey | None:
    """The key with its user and merchant in one query; None for anything that is not one of ours."""
    if not _PORTAL_KEY.fullmatch(text):
        return None
    return _KEY_BY_DIGEST.first(digest=portal_digest(text))


def find_checkout_credential(key: str, secret: str) -> Credential | None:
    """The pair with its merchant in one query; None unless the secret is its own and it may be used now.

    Whether the merchant is active and the caller's address allowed is for the door to tell.
    """
    found = find_publishable_key(key)
    digest = secrets.digest(secret, purpose="checkout-secret")
    return found if hmac.compare_digest(digest, found.secret_digest if found else "") else None


def find_publishable_key(key: str) -> Credential | None:
    """A checkout pair by its public half, which names a merchant and a mode and allows nothing else."""
    return _usable(Credential.Contract.CHECKOUT, key) if _CHECKOUT_KEY.fullmatch(key) else None


def find_signed_credential(access_key: str) -> Credential | None:
    """The pair with its merchant in one query; that the request is signed with its secret is for the door to prove."""
    return _usable(Credential.Contract.SIGNED, access_key) if _ACCESS_KEY.fullmatch(access_key) else None


def find_dashboard_credential(key: str) -> Credential | None:
    """The key with its merchant in one query; None for anything that is not a key that may be used now."""
    if not _DASHBOARD_KEY.fullmatch(key):
        return None
    return _usable(Credential.Contract.DASHBOARD, secrets.digest(key, purpose="dashboard-key"))


def _usable(contract: str, identifier: str) -> Credential | None:
    """What may be used at this moment: neither revoked nor expired."""
    return _CREDENTIAL.first(contract=contract, identifier=identifier, now=timezone.now())


def allows_address(credential: Credential, address: str) -> bool:
    """Whether its allow-list (addresses and networks; empty: anywhere) has `address`."""
    if not credential.allowed_addresses:
        return True
    try:
        caller = _plain(ip_address(address))
        return any(caller in ip_network(str(allowed), strict=False) for allowed in credential.allowed_addresses)
    except ValueError:
        return False


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """A caller of version 4 may come in through a socket of version 6."""
    return getattr(address, "ipv4_mapped", None) or address


def touch(key: PortalKey | Credential) -> None:
    """Notes the last use, at most once a minute, so that reading does not become writing."""
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > _TOUCH_EVERY:
        type(key)._default_manager.filter(pk=key.pk).update(last_used_at=now)


def issue_portal_keys(user: User) -> dict[str, str]:
    """Both keys of a new user, in clear, by mode."""
    return {mode: _set_portal_key(user, mode) for mode in (Mode.LIVE.value, Mode.TEST.value)}


def _set_portal_key(user: User, mode: str) -> str:
    key = secrets.new_key(f"gw_{mode}_")
    fresh = {"digest": portal_digest(key), "last_four": key[-4:], "created_at": timezone.now(), "last_used_at": None}
    PortalKey.objects.update_or_create(user=user, mode=mode, defaults=fresh)
    return key


@transaction.atomic
def regenerate_portal_key(*, actor: Actor, user: User, mode: str, replaces: str | None = None) -> str:
    """A new key for `user` and `mode`, in clear this once. The old one is dead when this commits: no cache holds it.

    `replaces` is the digest of the key that asks: if it is dead by now, nothing changes (`KeyReplaced`).
    """
    current = PortalKey.objects.select_for_update(of=("self",)).filter(user=user, mode=mode).first()
    if replaces is not None and (current is None or current.digest != replaces):
        raise KeyReplaced()
    key = _set_portal_key(user, mode)
    audit.record(
        actor, "portal_key.regenerated", user.public_id, merchant=user.merchant_id, mode=mode, last_four=key[-4:]
    )
    return key
