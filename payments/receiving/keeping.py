"""Operators add receiving accounts, change what is said of them, and switch them on and off. All of it is audited.

A UPI id itself never changes: payments name it, and money may still arrive there. One that is off takes no new
payments; those that were shown it are matched as before.
"""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from gateway.lib.errors import InvalidFields, NotAllowed
from gateway.lib.money import Money
from payments.errors import DuplicateVpa
from payments.models import ReceivingAccount
from payments.services.instruments import VPA


@transaction.atomic
def add_account(
    *, actor: Actor, mode: str, vpa: str, bank_name: str, holder: str, daily_limit: Money | None = None,
    active: bool = True,
) -> ReceivingAccount:
    """Raises `NotAllowed` for anyone but an operator, `InvalidFields`, `DuplicateVpa`."""
    _check(actor)
    vpa = vpa.strip().lower()
    if not VPA.fullmatch(vpa):
        raise InvalidFields(vpa="must look like name@bank")
    values = _values(bank_name, holder, daily_limit)
    try:
        with transaction.atomic():
            row = ReceivingAccount.objects.create(mode=mode, vpa=vpa, active=active, created_by=actor.user, **values)
    except IntegrityError as error:
        raise DuplicateVpa() from error
    _write_down(actor, row, "added", f"{vpa}, {row.bank_name}, limit {_limit(row)}")
    return row


@transaction.atomic
def change_account(
    *, actor: Actor, account: ReceivingAccount, bank_name: str, holder: str, daily_limit: Money | None = None
) -> ReceivingAccount:
    """Raises `NotAllowed`, `InvalidFields`."""
    _check(actor)
    values, row = _values(bank_name, holder, daily_limit), _lock(account)
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    if changed:
        row.updated_at = timezone.now()
        row.save(update_fields=[*changed, "updated_at"])
        _write_down(actor, row, "changed", f"{row.bank_name}, {row.holder}, limit {_limit(row)}")
    return row


@transaction.atomic
def switch_account(*, actor: Actor, account: ReceivingAccount, on: bool) -> ReceivingAccount:
    """Raises `NotAllowed`. Switching to what it is already changes nothing."""
    _check(actor)
    row = _lock(account)
    if row.active != on:
        row.active, row.updated_at = on, timezone.now()
        row.save(update_fields=["active", "updated_at"])
        _write_down(actor, row, "switched_on" if on else "switched_off", row.vpa)
    return row


def _check(actor: Actor) -> None:
    if actor.user is None or not actor.user.is_operator:
        raise NotAllowed()


def _lock(account: ReceivingAccount) -> ReceivingAccount:
    return ReceivingAccount.objects.select_for_update().get(pk=account.pk)


def _values(bank_name: str, holder: str, daily_limit: Money | None) -> dict[str, Any]:
    values: dict[str, Any] = {"bank_name": bank_name.strip(), "holder": holder.strip()}
    bad = {name: "must have 1 to 80 characters" for name, value in values.items() if not 0 < len(value) <= 80}
    if daily_limit is not None and (daily_limit.currency != "INR" or daily_limit.minor <= 0):
        bad["daily_limit"] = "must be a positive amount in INR"
    if bad:
        raise InvalidFields(**bad)
    return values | {"daily_limit_minor": daily_limit.minor if daily_limit else None}


def _limit(row: ReceivingAccount) -> str:
    return "none" if row.daily_limit_minor is None else str(Money(row.daily_limit_minor, "INR"))


def _write_down(actor: Actor, row: ReceivingAccount, what: str, detail: str) -> None:
    audit.record(actor, f"receiving.{what}", row.public_id, mode=row.mode, detail=detail)
