"""How the panel writes money, states and times, and its small components. `{% load panel %}`."""

from __future__ import annotations

from collections.abc import ItemsView, Mapping
from datetime import UTC, date, datetime
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from gateway.lib.money import Money
from gateway.panel.forms import MoneyField
from gateway.panel.words import amounts_in, count_text, money_text, posting_words

register = template.Library()

# What a state means for the reader: done, waiting for a person, on its way, gone wrong.
_TONES = {
    "succeeded": "good", "processed": "good", "paid": "good", "active": "good", "enabled": "good", "ended": "calm",
    "pending": "wait", "flagged": "wait", "retrying": "wait", "locked": "wait", "invited": "wait",
    "completed": "good", "confirmed": "good", "swept": "good", "waiting": "wait", "unknown": "wait", "funding": "move",
    "signed": "move", "sent": "move", "orphaned": "bad", "reversed": "bad", "expired": "calm",
    "processing": "move", "approved": "move", "attempted": "move", "sending": "move",
    "failed": "bad", "rejected": "bad", "suspended": "bad", "disabled": "bad",
    "created": "calm", "ready": "good",
}


@register.filter
def money(value: Money | int | None, currency: str = "INR") -> str:
    """`{{ payment.amount|money }}`, `{{ payment.received_minor|money:payment.currency }}` → ₹1,23,456.00."""
    if value is None:
        return "–"
    return money_text(value if isinstance(value, Money) else Money(value, currency))


@register.filter
def signed_money(value: int, currency: str = "INR") -> str:
    """An entry's amount with its sign: +₹976.40, −₹1,000.00 (a true minus)."""
    return ("+" if value > 0 else "") + money_text(Money(value, currency))


@register.filter
def unsigned(value: int) -> int:
    return abs(value)


@register.filter
def counted(value: int) -> str:
    """A number with Indian digit grouping."""
    return count_text(value)


@register.filter
def with_amounts(text: str) -> str:
    """A sentence of the record, its amounts written as everywhere else."""
    return amounts_in(text)


@register.filter
def posting_kind(kind: str) -> str:
    return posting_words(kind)


@register.simple_tag
def status(record: Any) -> SafeString:
    """The pill of a record that has a `status` with choices."""
    return pill(record.status, record.get_status_display())


@register.simple_tag
def pill(state: str, text: str = "") -> SafeString:
    """A pill with the tone of `state`: `{% pill "enabled" "Enabled" %}`."""
    return format_html('<span class="pill pill-{}">{}</span>', _TONES.get(state, "calm"), text or state.capitalize())


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """One of static/img/icons.svg; decorative, so always beside words."""
    look = "icon" if name != "mark" else ""
    return format_html(
        '<svg class="{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        f"{look} {classes}".strip(), static("img/icons.svg"), name,
    )


@register.simple_tag
def when(moment: datetime | None, form: str = "both") -> SafeString | str:
    """A moment in the reader's zone, UTC on hover. `form` "day" leaves the time of day out."""
    if moment is None:
        return "–"
    utc, local = moment.astimezone(UTC), timezone.localtime(moment)
    text = f"{local:%d %b %Y}" if form == "day" else f"{local:%d %b %Y, %H:%M}"
    if form != "day" and timezone.get_current_timezone_name() == "UTC":
        text += " UTC"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{utc:%d %b %Y, %H:%M:%S} UTC", text,
    )


@register.simple_tag
def utc_day(moment: datetime) -> SafeString:
    """A day as the records count it, whatever the reader's zone."""
    utc = moment.astimezone(UTC)
    return format_html('<time datetime="{}">{}</time>', f"{utc:%Y-%m-%d}", f"{utc:%d %b %Y}")


@register.simple_tag
def opens_dialog(url_name: str, *args: object) -> SafeString:
    """The attributes of a link whose page opens as a dialog where there is script: `<a {% opens_dialog … %}>`."""
    href = reverse(url_name, args=args)
    return format_html('href="{}" hx-get="{}" hx-target="#dialog"', href, href)


@register.filter
def codes(text: str) -> SafeString:
    """What stands between backticks as code."""
    parts = text.split("`")
    return format_html_join("", "{}", ((format_html("<code>{}</code>", part) if odd % 2 else part,)
                                       for odd, part in enumerate(parts)))


@register.filter
def pairs(value: Mapping[str, Any]) -> ItemsView[str, Any]:
    """Names and values of what somebody else named. `.items` in a template is first of all the entry of that name."""
    return value.items()


@register.filter
def day(value: date) -> str:
    return f"{value:%d %b %Y}"


@register.inclusion_tag("components/copy.html")
def copy(text: object, label: str = "") -> dict[str, object]:
    return {"text": text, "label": label}


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, classes: str = "", plain: bool = False) -> dict[str, object]:
    """A label, its control, help, and the error beside it. `plain`: no "(optional)"."""
    widget = bound.field.widget
    return {
        "field": bound,
        "classes": classes,
        "plain": plain,
        "is_check": isinstance(widget, CheckboxInput),
        "is_checks": isinstance(widget, CheckboxSelectMultiple | RadioSelect),
        "is_money": isinstance(bound.field, MoneyField) and bound.field.currency == "INR",
    }
