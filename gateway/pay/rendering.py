"""What the hosted pages share: a moment as payers read it, and the answer to too many tries."""

from __future__ import annotations

from datetime import datetime, timedelta
from datetime import timezone as fixed

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from gateway.pay import limits

IST = fixed(timedelta(hours=5, minutes=30), "IST")


def in_ist(moment: datetime | None) -> str:
    return f"{moment.astimezone(IST):%d %b %Y, %H:%M} IST" if moment else ""


def clock(moment: datetime | None) -> str:
    return f"{moment.astimezone(IST):%H:%M} IST" if moment else ""


def slow_down(request: HttpRequest, name: str, *args: str) -> HttpResponse:
    """A 429 that leads back to the page by its `name`."""
    response = render(request, "pay/too_many.html", {"back": reverse(name, args=args)}, status=429)
    response["Retry-After"] = str(limits.WINDOW_SECONDS)
    return response
