"""The API reference: what `reference_data` and `reference_text` say, beside the reader's key and the limits here."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render

from accounts.models import PortalKey
from gateway.panel import reference_text as text
from gateway.panel.access import EVERYONE, PanelRequest, page
from gateway.panel.reference_data import CALLS, Call, pretty
from gateway.panel.reference_examples import EVENTS, SAMPLE_ERROR, SAMPLE_EVENT
from gateway.panel.rendering import crumbs
from gateway.panel.words import count_text


@dataclass(frozen=True, slots=True)
class ShownCall:
    call: Call
    curl: str


@page(EVERYONE)
def reference(request: PanelRequest) -> HttpResponse:
    base_url = f"{settings.PUBLIC_URL}/api/v1"
    shown = [ShownCall(call, call.curl(base_url)) for call in CALLS]
    context = {
        "crumbs": crumbs("API reference"),
        "base_url": base_url,
        "example": _example(base_url),
        "notes": text.NOTES,
        "key": PortalKey.objects.filter(user=request.viewer.user, mode=request.viewer.mode).first(),
        "calls": shown,
        "tiers": [(tier, count_text(settings.PORTAL_RATE_LIMITS[tier.role])) for tier in text.TIERS],
        "roles": text.ROLES,
        "events": EVENTS,
        "sample_event": pretty(SAMPLE_EVENT),
        "verify": (("Python", text.VERIFY_PYTHON), ("Node.js", text.VERIFY_NODE)),
        "sample_error": pretty(SAMPLE_ERROR),
        "errors": text.ERRORS,
    }
    return render(request, "panel/reference/reference.html", context)


def _example(base_url: str) -> str:
    headers = ('  -H "X-API-KEY: YOUR_API_KEY"', '  -H "Content-Type: application/json"')
    return " \\\n".join([f'curl -X GET "{base_url}/balance"', *headers])
