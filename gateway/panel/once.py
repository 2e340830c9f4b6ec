"""Secrets shown once: in the answer to the POST that made them, and nowhere before or after it.

That answer is a page of its own, not a dialog that a stray click would close. It is never kept by the browser
(`no-store`), and nothing of it is in an address, a message or the session.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_variables

from gateway.panel.access import PanelRequest
from gateway.panel.rendering import Crumb


@sensitive_variables("secrets", "context", "link")
def show_once(
    request: PanelRequest, *, title: str, text: str, secrets: Sequence[tuple[str, str]], back: str,
    crumbs: list[Crumb], link: str = "",
) -> HttpResponse:
    """`secrets`: (label, secret) pairs. `back` is where Done leads."""
    context = {"title": title, "text": text, "secrets": secrets, "back": back, "crumbs": crumbs, "link": link}
    response = render(request, "panel/once.html", context)
    response["Cache-Control"] = "no-store, private"
    return response
