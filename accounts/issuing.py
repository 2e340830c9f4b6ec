"""The merchants' credentials of the signed, checkout and dashboard contracts: issued, changed, regenerated, revoked.

Only the merchant whose credential it is may do so (or the gateway itself, on the command line). A secret is given out
in clear by the call that makes it, and never again; the one it replaces is dead when that call commits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_network
from typing import Any, Literal

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.errors import KeyReplaced
from accounts.models import Credential, Merchant, Role
from gateway.lib import ids, secrets
from gateway.lib.errors import IllegalTransition, InvalidFields, NotFound

MAX_ADDRESSES = 50


@dataclass(frozen=True, slots=True)
class IssuedCredential:
    """A credential's words as its merchant needs them. `identifier` is empty for dashboard keys: one secret word."""

    identifier: str
    secret: str

    def __repr__(self) -> str:
        return f"IssuedCredential({self.identifier!r}, secret=[hidden])"


@transaction.atomic
def issue_credential(
    *, actor: Actor, merchant: Merchant, contract: str, mode: str, name: str = "default",
    allowed_addresses: Iterable[str] = (), expires_at: datetime | None = None,
) -> IssuedCredential:
    """A new credential of `signed`, `checkout` or `dashboard`, in clear this once.

    Raises `NotFound` (another merchant's), `InvalidFields` (name, allowed_addresses, expires_at).
    """
    _check_owner(actor, merchant.pk)
    name, addresses = _checked_name(name), checked_addresses(allowed_addresses)
    _checked_end(expires_at)
    issued, kept = _MAKERS[contract](mode)
    Credential.objects.create(
        merchant=merchant, contract=contract, mode=mode, name=name, allowed_addresses=addresses,
        expires_at=expires_at, **kept,
    )
    audit.record(
        actor, "credential.issued", merchant.public_id, merchant=merchant, mode=mode,
        contract=contract, name=name, hint=kept["hint"], allowed_addresses=addresses,
        expires_at=expires_at.isoformat() if expires_at else None,
    )
    return issued


@transaction.atomic
def change_credential(
    *, actor: Actor, credential: Credential, name: str | None = None, allowed_addresses: Iterable[str] | None = None,
    expires_at: datetime | Literal["as it is"] | None = "as it is",
) -> Credential:
    """Changes what is given, at once; `expires_at=None` is never. Raises `NotFound`, `IllegalTransition` (over),
    `InvalidFields`.
    """
    row = _locked(actor, credential)
    wanted: dict[str, Any] = {
        "name": row.name if name is None else _checked_name(name),
        "allowed_addresses":
            row.allowed_addresses if allowed_addresses is None else checked_addresses(allowed_addresses),
        "expires_at": row.expires_at if expires_at == "as it is" else _checked_end(expires_at),
    }
    changed = {field: (getattr(row, field), value) for field, value in wanted.items() if value != getattr(row, field)}
    for field, (_, value) in changed.items():
        setattr(row, field, value)
    if changed:
        row.save(update_fields=list(changed))
        told = {field: [_plain(old), _plain(new)] for field, (old, new) in changed.items()}
        _write_down(actor, row, "changed", changed=told)
    return row


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _checked_end(moment: datetime | None) -> datetime | None:
    if moment is not None and moment <= timezone.now():
        raise InvalidFields(expires_at="must be in the future")
    return moment


@transaction.atomic
def regenerate_credential(*, actor: Actor, credential: Credential, replaces: str | None = None) -> IssuedCredential:
    """A new secret under the same name (and access key, where there is one); the old one is dead when this commits.

    `replaces` is the `version_of` the secret that the caller saw: another by now changes nothing (`KeyReplaced`).
    Raises `NotFound`, `IllegalTransition` (revoked or expired).
    """
    row = _locked(actor, credential)
    if replaces is not None and replaces != version_of(row):
        raise KeyReplaced()
    issued, kept = _MAKERS[row.contract](row.mode)
    if issued.identifier:
        issued = IssuedCredential(row.identifier, issued.secret)
        kept = {field: value for field, value in kept.items() if field.startswith("secret_")}
    for field, value in kept.items():
        setattr(row, field, value)
    row.save(update_fields=list(kept))
    _write_down(actor, row, "regenerated")
    return issued


@transaction.atomic
def revoke_credential(*, actor: Actor, credential: Credential) -> Credential:
    """Every request with it is refused from the moment this commits. Raises `NotFound`, `IllegalTransition`."""
    row = _locked(actor, credential)
    row.revoked_at = timezone.now()
    row.save(update_fields=["revoked_at"])
    _write_down(actor, row, "revoked")
    return row


def version_of(credential: Credential) -> str:
    """Names the secret that a credential has now, and tells nothing about it."""
    row = credential
    kept = f"{row.identifier}\0{row.secret_digest}\0{row.secret_encrypted}"
    return secrets.digest(kept, purpose="credential-version")[:24]


def checked_addresses(texts: Iterable[str]) -> list[str]:
    """Addresses and networks in one spelling, each once, in the order given. Raises `InvalidFields`."""
    found: dict[str, None] = {}
    for text in texts:
        found[_checked_address(text.strip())] = None
    if len(found) > MAX_ADDRESSES:
        raise InvalidFields(allowed_addresses=f"must have at most {MAX_ADDRESSES} entries")
    return list(found)


def _checked_address(text: str) -> str:
    try:
        network = ip_network(text, strict=False)
    except ValueError as error:
        raise InvalidFields(
            allowed_addresses=f"{text[:60]!r} is neither an address nor a network such as 203.0.113.0/24"
        ) from error
    if network.prefixlen == 0 or "%" in text:
        raise InvalidFields(allowed_addresses=f"{text[:60]!r} would allow everybody, or names no address")
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > 60 or not name.isprintable():
        raise InvalidFields(name="must have 1 to 60 printable characters")
    return name


def _check_owner(actor: Actor, merchant_id: int) -> None:
    """The merchant's own user, or no user at all: the command line."""
    user = actor.user
    if user is not None and (user.role != Role.MERCHANT or user.merchant_id != merchant_id):
        raise NotFound()


def _locked(actor: Actor, credential: Credential) -> Credential:
    """The credential as it stands, if it is the actor's and not over."""
    _check_owner(actor, credential.merchant_id)
    row = Credential.objects.select_for_update(no_key=True).get(pk=credential.pk)
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= timezone.now()):
        raise IllegalTransition("This key has been revoked or has expired. Make a new one.")
    return row


def _write_down(actor: Actor, row: Credential, what: str, **data: Any) -> None:
    audit.record(
        actor, f"credential.{what}", row.merchant.public_id, merchant=row.merchant_id, mode=row.mode,
        contract=row.contract, name=row.name, hint=row.hint, **data,
    )


def _signed(mode: str) -> tuple[IssuedCredential, dict[str, str]]:
    issued = IssuedCredential(f"ak_{mode}_{ids.random_text(24)}", secrets.new_key(f"sk_{mode}_"))
    return issued, {
        "identifier": issued.identifier, "hint": issued.identifier,
        "secret_encrypted": secrets.encrypt(issued.secret),
    }


def _checkout(mode: str) -> tuple[IssuedCredential, dict[str, str]]:
    issued = IssuedCredential(f"key_{mode}_{ids.random_text(16)}", ids.random_text(32))
    return issued, {
        "identifier": issued.identifier, "hint": issued.identifier,
        "secret_digest": secrets.digest(issued.secret, purpose="checkout-secret"),
    }


def _dashboard(mode: str) -> tuple[IssuedCredential, dict[str, str]]:
    key = secrets.new_key(f"{mode}_sk_")
    return IssuedCredential("", key), {
        "identifier": secrets.digest(key, purpose="dashboard-key"), "hint": f"{mode}_sk_…{key[-4:]}",
    }


_MAKERS = {"signed": _signed, "checkout": _checkout, "dashboard": _dashboard}
