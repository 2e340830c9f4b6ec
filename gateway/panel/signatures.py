"""The signature debugger: what the server signs of a pasted request, whether the signature is its own, and if not, why.

A merchant checks its own pairs only. Secrets stay in this process; neither they nor a good signature are ever shown.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django import forms
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_variables

from accounts import audit
from accounts.models import Credential
from accounts.queries import credentials_of
from gateway.lib import secrets, signature
from gateway.lib.signature import Form, Received
from gateway.panel import signature_clues as clues
from gateway.panel.access import FORM, MERCHANTS, PanelRequest, page
from gateway.panel.forms import PanelForm
from gateway.panel.rendering import crumbs
from gateway.panel.signature_clues import Difference
from gateway.panel.signature_code import Call, programs

_LONGEST = 20_000
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"


def _text(label: str, rows: int = 0, **options: Any) -> forms.CharField:
    attrs = {"spellcheck": "false", "autocomplete": "off", "class": "textarea mono" if rows else "input mono"}
    widget = forms.Textarea(attrs=attrs | {"rows": rows}) if rows else forms.TextInput(attrs=attrs)
    return forms.CharField(label=label, max_length=_LONGEST, strip=False, widget=widget, **options)


class PairField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} · {obj.hint}"


class RequestForm(PanelForm):
    pair = PairField(Credential.objects.none(), label="Key", empty_label=None)
    method = forms.ChoiceField(choices=[(name, name) for name in ("GET", "POST")])
    path = _text("Path", help_text="As it is requested; a whole address will do.")
    timestamp = _text("Timestamp header")
    signature = _text("Signature header")
    kind = forms.ChoiceField(
        label="Body", choices=[(_JSON, "JSON, or none"), (_FORM, "A form: order_id=…&name=…")]
    )
    body = _text("Body as it is sent", rows=6, required=False)
    signed = _text(
        "What your code signed", rows=5, required=False,
        help_text="Print the string just before it is hashed, and paste it with its newlines.",
    )

    def clean_body(self) -> str:
        return _newlines(self.cleaned_data["body"])

    def clean_signed(self) -> str:
        return _newlines(self.cleaned_data["signed"])


def _newlines(text: str) -> str:
    """A browser sends each newline of a text area as CR LF."""
    return text.replace("\r\n", "\n")


@dataclass(frozen=True, slots=True)
class Line:
    part: str
    text: str


@dataclass(frozen=True, slots=True)
class ShownForm:
    label: str
    lines: list[Line]
    matches: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """`matches` and `notes`: what the server would say; `mistakes`: what certainly went wrong, `hints`: what is odd."""

    matches: bool
    forms: list[ShownForm]
    mistakes: list[str]
    hints: list[str]
    notes: list[str]
    difference: Difference | None
    same_text: bool
    programs: list[tuple[str, str]]


@page(MERCHANTS, FORM)
def signatures(request: PanelRequest) -> HttpResponse:
    pairs = credentials_of(request.viewer).filter(contract=Credential.Contract.SIGNED)
    form = RequestForm(request.POST if request.method == "POST" else None, initial=_start())
    form.fields["pair"].queryset = pairs  # type: ignore[attr-defined]
    finding = None
    if form.is_bound and form.is_valid():
        finding = _look_at(request, form.cleaned_data)
    context = {
        "crumbs": crumbs(("API keys", "panel:keys"), "Signature debugger"), "form": form, "finding": finding,
        "has_pairs": pairs.exists(),
    }
    bad = form.is_bound and finding is None
    return render(request, "panel/signatures/signatures.html", context, status=422 if bad else 200)


def _start() -> dict[str, str]:
    return {"method": "GET", "path": "/api/v1/balance", "kind": _JSON}


@sensitive_variables("secret", "keys")
def _look_at(request: PanelRequest, data: dict[str, Any]) -> Finding:
    pair, parts = data["pair"], urlsplit(data["path"].strip())
    sent, given = _received(data, parts.path), data["signature"].strip()
    secret = secrets.decrypt(pair.secret_encrypted)
    match = signature.matching(sent, secret, given)
    with transaction.atomic():
        audit.record(
            request.actor, "signature.checked", pair.merchant.public_id, merchant=pair.merchant_id, mode=pair.mode,
            hint=pair.hint, matched=match is not None,
        )
    keys = clues.keys_of(pair.identifier, secret, _others(pair))
    accepted = list(signature.forms(sent))
    difference = _difference(accepted, data["signed"])
    return Finding(
        matches=match is not None,
        forms=[_shown(sent, form, match) for form in accepted],
        mistakes=[] if match else clues.find(sent, parts.query, given, keys),
        hints=_hints(sent, given, parts.query),
        notes=_notes(sent),
        difference=difference,
        same_text=bool(data["signed"]) and difference is None,
        programs=programs(_call(data, sent)),
    )


def _received(data: dict[str, Any], path: str) -> Received:
    path = path if path.startswith("/") else f"/{path}"
    fields = parse_qsl(data["body"], keep_blank_values=True) if data["kind"] == _FORM and data["body"] else None
    return Received(data["method"], path, data["body"].encode(), data["timestamp"].strip(), fields)


@sensitive_variables()
def _others(pair: Credential) -> list[tuple[str, str]]:
    """The secrets of the same merchant's other signed pairs, whatever their mode."""
    rows = Credential.objects.filter(merchant_id=pair.merchant_id, contract=pair.contract).exclude(pk=pair.pk)
    return [(f"{row.name} ({row.hint})", secrets.decrypt(row.secret_encrypted)) for row in rows.order_by("-pk")[:20]]


def _difference(accepted: list[Form], pasted: str) -> Difference | None:
    """Between what was pasted and the accepted form that is most like it."""
    if not pasted:
        return None
    found = [clues.first_difference(form.text.decode(), pasted) for form in accepted]
    apart = [item for item in found if item is not None]
    if len(apart) < len(found):
        return None
    return max(apart, key=lambda item: (item.line, item.column))


def _shown(sent: Received, form: Form, match: Form | None) -> ShownForm:
    lines = [
        Line("METHOD", sent.method), Line("PATH", form.path), Line("BODY", form.body.decode()),
        Line("TIMESTAMP", sent.timestamp),
    ]
    return ShownForm(form.label, lines, form == match)


def _hints(sent: Received, given: str, query: str) -> list[str]:
    """What can be seen without any key."""
    found = []
    if len(given) != 64 or set(given) - set("0123456789abcdef"):
        found.append(f"A signature is 64 lower-case hex digits; this one has {len(given)} characters.")
    if not signature.is_timestamp(sent.timestamp):
        seconds = sent.timestamp.isdigit() and len(sent.timestamp) == 10
        found.append(
            "The timestamp is in seconds; it must be in milliseconds." if seconds
            else "A timestamp is 13 digits: the milliseconds since 1 January 1970, UTC."
        )
    if query:
        found.append("The address has a query string: the request is refused (unexpected_query).")
    if not sent.path.startswith("/api/v1/"):
        found.append("Every path begins with /api/v1/.")
    return found


def _notes(sent: Received) -> list[str]:
    if not signature.is_timestamp(sent.timestamp):
        return []
    offset = signature.offset_ms(sent.timestamp, time.time_ns() // 1_000_000)
    if signature.is_in_window(offset):
        return []
    side = "ahead of" if offset > 0 else "behind"
    span = _span(abs(offset) // 1000)
    return [f"Sent now, it would be refused all the same: its timestamp is {span} {side} the clock."]


def _span(seconds: int) -> str:
    """As a person says it: 45 seconds, 12 minutes, 5 hours, 3 days."""
    sizes = ((172_800, 86_400, "days"), (7_200, 3_600, "hours"), (120, 60, "minutes"))
    size, word = next(((size, word) for least, size, word in sizes if seconds >= least), (1, "seconds"))
    return f"{seconds // size} {word}"


def _call(data: dict[str, Any], sent: Received) -> Call:
    """Signed in the form that the published samples make: an empty line for GET, compact JSON for the rest."""
    accepted = list(signature.forms(sent))
    usual = accepted[0] if sent.method == "GET" else accepted[-2]
    return Call(settings.PUBLIC_URL, sent.method, sent.path, usual.body.decode(), sent.body.decode(), data["kind"])

