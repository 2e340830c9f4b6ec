"""Answers of views: a page or the part of it that htmx asked for, a dialog, and what follows a change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from gateway.panel.access import PanelRequest

DIALOG = "dialog"  # the id of the <dialog> in templates/panel/base.html


@dataclass(frozen=True, slots=True)
class Crumb:
    text: str
    href: str = ""


def crumbs(*path: tuple[str, str] | str) -> list[Crumb]:
    """`crumbs(("Payments", "panel:payments"), "pay_8Zc…")`: pages above this one, then this one."""
    return [Crumb(step) if isinstance(step, str) else Crumb(step[0], reverse(step[1])) for step in path]


def page_or_part(request: PanelRequest, template: str, part: str, context: dict[str, Any]) -> HttpResponse:
    """The whole page; or only `part` of it for htmx, which puts it in the old one's place."""
    asked_for_part = bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request
    return render(request, part if asked_for_part else template, context)


def dialog(request: PanelRequest, template: str, context: dict[str, Any], *, bad: bool = False) -> HttpResponse:
    """A page that is also a dialog: `template` extends `layout` and fills the block `dialog`.

    `bad`: a form came back with errors (422, which htmx swaps in place).
    """
    in_dialog = bool(request.htmx) and request.htmx.target == DIALOG
    layout = "panel/dialog.html" if in_dialog else "panel/page_dialog.html"
    return render(request, template, context | {"layout": layout}, status=422 if bad else 200)


def done(request: HttpRequest, href: str, message: str = "") -> HttpResponse:
    """After a change: to `href`, with `message` shown there."""
    if message:
        messages.success(request, message)
    return HttpResponseClientRedirect(href) if request.headers.get("HX-Request") else HttpResponseRedirect(href)
