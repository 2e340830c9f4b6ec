"""The audit trail of a person, in words: what was done to them, and what they did."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from accounts.history import TimelineItem
from accounts.models import AuditRecord, Merchant, User
from gateway.lib.money import Money

_SHOWN = 50
_TITLES = {
    "user.created": "Account made",
    "user.updated": "Account changed",
    "user.suspended": "Suspended",
    "user.activated": "Activated",
    "user.invitation_link_made": "Invitation link made",
    "user.locked": "Sign-in locked after failed attempts",
    "profile.updated": "Name changed",
    "password.changed": "Password set",
    "portal_key.regenerated": "API key regenerated",
    "merchant.updated": "Settings changed",
    "merchant.suspended": "Suspended",
    "merchant.activated": "Activated",
    "fee_plan.set": "Fee set",
    "settlement_account.set": "Settlement account set",
    "withdrawal_limit.set": "Withdrawal limit set",
}
_FIELDS = {
    "name": "name", "parent": "belongs to", "role": "role", "settlement_delay_days": "days to settle",
    "payout_auto_approve_minor": "payouts approved by themselves up to", "public_checkout": "public orders",
    "payment_provider": "live payments go through", "payout_provider": "live payouts go through",
    "limit": "tokens a day",
}
_LISTS = ("events", "flags", "allowed_addresses")


def about(user: User) -> list[TimelineItem]:
    """What was done to `user`, oldest first."""
    rows = AuditRecord.objects.filter(target=user.public_id)
    return [_item(row, _name_of(row)) for row in _latest(rows)]


def about_merchant(merchant: Merchant) -> list[TimelineItem]:
    """What operators changed about a business, oldest first; its payments and people have trails of their own."""
    rows = AuditRecord.objects.filter(target=merchant.public_id)
    return [_item(row, _name_of(row)) for row in _latest(rows)]


def by(user: User) -> list[TimelineItem]:
    """The last things that `user` did to anything else, oldest first."""
    rows = AuditRecord.objects.filter(actor=user).exclude(target=user.public_id)
    return [_item(row, f"{row.target} · {row.actor_label}") for row in _latest(rows)]


def _latest(rows: QuerySet[AuditRecord]) -> list[AuditRecord]:
    return list(rows.select_related("actor").order_by("-id")[:_SHOWN])[::-1]


def title_of(action: str) -> str:
    return _TITLES.get(action) or action.replace(".", " ").replace("_", " ").capitalize()


def field_name(name: str) -> str:
    return _FIELDS.get(name, name.replace("_", " "))


def _item(row: AuditRecord, actor: str) -> TimelineItem:
    title = title_of(row.action)
    mode = f" ({row.mode})" if row.mode else ""
    return TimelineItem(at=row.created_at, title=title + mode, detail=detail_of(row.data), actor=actor)


def _name_of(row: AuditRecord) -> str:
    return row.actor.name if row.actor else row.actor_label


def detail_of(data: dict[str, Any]) -> str:
    """A sentence that was written down, or what changed from what to what."""
    if data.get("detail"):
        return str(data["detail"])
    changed = data.get("changed")
    if not isinstance(changed, dict):
        return " · ".join(data[name] for name in ("contract", "name", "hint") if isinstance(data.get(name), str))
    pairs = [(name, pair) for name, pair in changed.items() if is_change(name, pair)]
    words = ((_FIELDS.get(name, name), word(old, name), word(new, name)) for name, (old, new) in pairs)
    return "; ".join(f"{field}: {old} → {new}" for field, old, new in words)


def is_change(name: str, value: Any) -> bool:
    """Whether `value` is [before, after]; two of something that is a list itself are no change."""
    if not isinstance(value, list) or len(value) != 2:
        return False
    return name not in _LISTS or all(isinstance(each, list) for each in value)


def word(value: Any, field: str = "") -> str:
    if value in (None, "", [], {}):
        return "–"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {one}" for name, one in value.items())
    if isinstance(value, bool):
        return "on" if value else "off"
    if field == "limit":
        return f"{Money(value, 'USDT').decimal.normalize():f}"
    return str(Money(value, "INR")) if field.endswith("_minor") else str(value)
