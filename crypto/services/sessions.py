"""Checkout sessions: opened with an address of their own, ended by the clock.

A session is never ended by the clock alone: the chain must have been read past its end, and nothing may be on its way
to it. So an outage of a node, or of the watcher, expires nobody who has paid.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import Merchant, User
from crypto import formats
from crypto.chains import registry
from crypto.errors import ChainUnavailable, DuplicateReference
from crypto.models import ChainState, ChainTransaction, Network, ScanGap, Session
from crypto.openness import why_closed
from crypto.services import addresses
from crypto.services.records import WATCHER, lock, note, set_flag, token_text, write_down
from gateway.lib.errors import InvalidFields
from gateway.lib.jobs import wake
from gateway.lib.money import Money
from webhooks.errors import UrlNotAllowed
from webhooks.one_off import check_callback_url

SHORTEST, LONGEST = 60, 86_400
MAX_METADATA = 8 * 1024
LONGEST_URL = 2000
_LENGTHS = {
    "reference": 100, "customer_email": 254, "customer_name": 120, "description": 500, "callback_url": LONGEST_URL,
}


def create_session(
    *, actor: Actor, merchant: Merchant, mode: str, amount: Money, network: str, reference: str,
    customer_email: str = "", customer_name: str = "", description: str = "", callback_url: str = "",
    metadata: dict[str, Any] | None = None, expires_in: int = 900, created_by: User | None = None,
    callback_checked: bool = False,
) -> Session:
    """A session that waits for `amount` on `network` for `expires_in` seconds, at an address that no open one has.

    Raises `InvalidFields`, `ChainUnavailable` (network off or behind, no free address), `DuplicateReference`. Looks
    the callback's name up, so no transaction should be open, unless `check_callback` passed before.
    """
    words = {
        "reference": reference, "customer_email": customer_email, "customer_name": customer_name,
        "description": description, "callback_url": callback_url,
    }
    chosen = _checked_network(network)
    _check_words(words)
    _check_metadata(metadata or {}, expires_in)
    _check_amount(chosen, mode, amount)
    if callback_url and not callback_checked:
        check_callback(callback_url)
    with transaction.atomic():
        _check_open(chosen, mode)
        session = _insert(
            merchant=merchant, mode=mode, network=chosen, amount=amount, metadata=metadata or {},
            expires_at=timezone.now() + timedelta(seconds=expires_in), created_by=created_by, **words,
        )
        note(session, "session_created", "Checkout session created", session.created_at)
        note(session, "address_assigned", "Deposit address assigned")
        wanted = token_text(amount.minor, amount.currency)
        write_down(actor, session, "session.created", detail=f"{wanted} on {chosen.code}")
        wake("crypto.sign_fill_pool")
    return session


def _checked_network(code: str) -> Network:
    known = {network.code: network for network in Network.objects.all()}
    if code not in known:
        raise InvalidFields(network=f"must be one of {', '.join(known)}")
    return known[code]


def _check_words(words: dict[str, str]) -> None:
    wrong = {
        name: f"must have at most {_LENGTHS[name]} characters"
        for name, text in words.items() if len(text) > _LENGTHS[name]
    } | {name: "must not contain a NUL" for name, text in words.items() if "\0" in text}
    if not words["reference"].strip():
        wrong["reference"] = "is required"
    if wrong:
        raise InvalidFields(**wrong)


def _check_metadata(metadata: dict[str, Any], expires_in: int) -> None:
    if not isinstance(metadata, dict):
        raise InvalidFields(metadata="must be an object")
    if len(json.dumps(metadata, ensure_ascii=False).encode()) > MAX_METADATA:
        raise InvalidFields(metadata=f"must have at most {MAX_METADATA} bytes as JSON")
    if type(expires_in) is not int or not SHORTEST <= expires_in <= LONGEST:
        raise InvalidFields(expires_in=f"must be a whole number of seconds from {SHORTEST} to {LONGEST}")


def _check_amount(network: Network, mode: str, amount: Money) -> None:
    token = registry.token_for(network, mode, amount.currency)
    if token is None:
        raise InvalidFields(currency=f"is not accepted on {network.code}")
    if amount.minor <= 0:
        raise InvalidFields(amount="must be greater than zero")
    try:
        formats.to_units(amount.minor, token.decimals)
    except ValueError as error:
        raise InvalidFields(amount=str(error)) from error


def check_callback(url: str) -> None:
    """For a caller whose own transaction surrounds `create_session`. Raises `InvalidFields` naming callback_url."""
    try:
        check_callback_url(url)
    except UrlNotAllowed as error:
        raise InvalidFields(callback_url=error.details["fields"]["url"]) from error


def _check_open(network: Network, mode: str) -> None:
    if not registry.is_enabled(network, mode):
        raise ChainUnavailable(f"{network.name} is not configured for {mode} mode. Nothing was created.")
    if why_closed(network, mode):
        raise ChainUnavailable(f"{network.name} takes no payments at the moment. Nothing was created.")


def _insert(*, merchant: Merchant, mode: str, network: Network, amount: Money, **values: Any) -> Session:
    address = addresses.take_address(merchant=merchant, network=network, mode=mode)
    if address is None:
        raise ChainUnavailable(f"No address is free on {network.name} at the moment. Nothing was created.")
    try:
        with transaction.atomic():
            session = Session.objects.create(
                merchant=merchant, mode=mode, network=network, address=address, amount_minor=amount.minor,
                currency=amount.currency, required_confirmations=network.confirmations, **values,
            )
    except IntegrityError as error:
        raise DuplicateReference() from error
    addresses.hand_over(address, session)
    return session


# The end by the clock -------------------------------------------------------------------------------------
def expire_due(state: ChainState, *, limit: int = 200) -> int:
    """Ends the sessions of a network whose time is over on the chain's own clock; returns how many."""
    if state.scanned_time is None or why_closed(state.network, state.mode):
        return 0
    if ScanGap.objects.filter(state=state, closed_at__isnull=True).exists():
        return 0
    moment = min(state.scanned_time, timezone.now())
    due = Session.objects.filter(
        ~Exists(_under_way()), network_id=state.network_id, mode=state.mode, status=Session.Status.PENDING,
        expires_at__lt=moment,
    )
    return sum(_expire(session) for session in due.order_by("expires_at")[:limit])


def _under_way() -> Any:
    return ChainTransaction.objects.filter(addresses.on_its_way(), session=OuterRef("pk"))


@transaction.atomic
def _expire(session: Session) -> bool:
    """False if something has arrived meanwhile."""
    row = lock(session.pk)
    if row.status != Session.Status.PENDING or row.transactions.filter(addresses.on_its_way()).exists():
        return False
    if row.received_minor:
        _fail(row)
    else:
        row.advance(Session.Status.EXPIRED, ended_at=timezone.now())
        note(row, "session_expired", "Session expired without payment")
        write_down(WATCHER, row, "session.expired", tell=True)
    addresses.release(row)
    return True


def _fail(row: Session) -> None:
    set_flag(row, Session.Flag.UNDERPAID)
    row.advance(Session.Status.FAILED, ended_at=timezone.now())
    came = f"{token_text(row.received_minor, row.currency)} of {token_text(row.amount_minor, row.currency)}"
    note(row, "session_failed", f"Session ended underpaid: {came} received")
    write_down(WATCHER, row, "session.failed", tell=True, detail=f"underpaid: {came}")
