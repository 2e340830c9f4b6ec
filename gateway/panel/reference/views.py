"""The API reference of all four contracts: what their OpenAPI documents and originals say, beside the reader's own key
and limits; and for each call a form that sends it in test mode, and prints it as a program.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.gzip import gzip_page

from accounts.models import Credential, PortalKey
from accounts.queries import credentials_of
from gateway.lib.modes import Mode
from gateway.panel.access import EVERYONE, POST, PanelRequest, page
from gateway.panel.reference import events, keeping, outcomes, signing
from gateway.panel.reference.calling import Answer, send
from gateway.panel.reference.code import programs
from gateway.panel.reference.forms import CallForm
from gateway.panel.reference.operations import KEY, Operation, operations, pretty, sections
from gateway.panel.reference.requests import sample_request
from gateway.panel.reference.words import CONTRACTS, Words, words_of
from gateway.panel.rendering import crumbs
from gateway.panel.words import count_text

_SHOWN_PAIRS = 3
_EXAMPLES = {"checkout": "/orders", "dashboard": "/dashboard/overview"}


@dataclass(frozen=True, slots=True)
class Tab:
    contract: str
    title: str
    here: bool


@page(EVERYONE)
def first(request: PanelRequest) -> HttpResponse:
    return HttpResponseRedirect(reverse("panel:reference-of", args=[CONTRACTS[0]]))


@gzip_page
@page(EVERYONE)
def reference(request: PanelRequest, contract: str) -> HttpResponse:
    words = _words(contract)
    context = {
        **_frame(request, contract, words),
        "sections": [(part, [_shown(contract, one) for one in part.operations]) for part in sections(contract)],
        "tiers": [(tier, count_text(tier.limit())) for tier in words.tiers],
        "events": events.of(contract),
        "verify": events.VERIFY,
        "signing": signing.STEPS if contract == "signed" else (),
        "error_sample": pretty(words.error_sample),
        "example": _example(contract, words), "example_title": f"Example: GET {_EXAMPLES.get(contract, '/balance')}",
        **_keys(request, contract),
    }
    return render(request, "panel/reference/reference.html", context)


@gzip_page
@page(EVERYONE)
def call(request: PanelRequest, contract: str, name: str) -> HttpResponse:
    """One call: a page of its own, or (for htmx) its form and its programs."""
    words, operation = _words(contract), _operation(contract, name)
    kept = None if request.htmx else keeping.take(request, contract, name)
    form = CallForm(contract, operation, request.viewer, kept)
    shown = {**_try(request, contract, operation, form), **_keys(request, contract), "is_kept": kept is not None}
    if request.htmx:
        return render(request, "panel/reference/_try.html", shown)
    context = {**_frame(request, contract, words), **shown, **_own_page(contract, operation)}
    return render(request, "panel/reference/call.html", context)


@page(EVERYONE, POST)
def code(request: PanelRequest, contract: str, name: str) -> HttpResponse:
    """The form's request as programs."""
    operation = _operation(contract, name)
    form = CallForm(contract, operation, request.viewer, request.POST)
    if not form.is_valid():
        return HttpResponse(status=204)
    return render(request, "panel/reference/_programs.html", {"programs": programs(form.sent(settings.PUBLIC_URL))})


@page(EVERYONE, POST, proof=True, keep=keeping.keep)
def try_it(request: PanelRequest, contract: str, name: str) -> HttpResponse:
    """Sends the form's request. With its own key alone, and in test mode alone: elsewhere there is no such page."""
    words, operation = _words(contract), _operation(contract, name)
    if request.viewer.mode != Mode.TEST:
        raise Http404
    form = CallForm(contract, operation, request.viewer, request.POST)
    context: dict[str, Any] = {"contract": contract, "operation": operation, "form": form}
    status = 422
    if form.is_valid():
        credential = _credential(request, form)
        if credential is None and operation.access == KEY:
            raise Http404
        answer = send(request, contract, operation, form.sent(settings.PUBLIC_URL), credential)
        context |= {"answer": answer, "outcome": outcomes.said(contract, operation, answer), "status": _tone(answer)}
        status = 200
    if request.htmx:
        return render(request, "panel/reference/_answer.html", context, status=status)
    context |= {
        **_frame(request, contract, words), **_try(request, contract, operation, form), **_keys(request, contract),
        **_own_page(contract, operation),
    }
    return render(request, "panel/reference/call.html", context, status=status)


def _tone(answer: Answer) -> str:
    return "good" if answer.is_good else "bad"


def _words(contract: str) -> Words:
    if contract not in CONTRACTS:
        raise Http404
    return words_of(contract)


def _operation(contract: str, name: str) -> Operation:
    found = operations(contract).get(name) if contract in CONTRACTS else None
    if found is None:
        raise Http404
    return found


def _frame(request: PanelRequest, contract: str, words: Words) -> dict[str, Any]:
    return {
        "crumbs": crumbs("API reference"), "contract": contract, "words": words,
        "base_url": f"{settings.PUBLIC_URL}/api/v1",
        "tabs": [Tab(one, words_of(one).title.removesuffix(" API"), one == contract) for one in CONTRACTS],
    }


def _try(request: PanelRequest, contract: str, operation: Operation, form: CallForm) -> dict[str, Any]:
    sent = form.sent(settings.PUBLIC_URL) if not form.is_bound or form.is_valid() else None
    return {
        "contract": contract, "operation": operation, "form": form, "programs": programs(sent) if sent else (),
        "secrets": sent.secrets if sent else (), "is_test": request.viewer.mode == Mode.TEST,
        "can_send": form.is_sendable and (contract != "portal" or _portal_key(request, Mode.TEST) is not None),
        "bodies": form.other_bodies(), "refusals": _own_refusals(contract, operation),
    }


def _own_page(contract: str, operation: Operation) -> dict[str, Any]:
    path = crumbs(("API reference", "panel:reference"), f"{operation.method} {operation.shown}")
    return {"crumbs": path, "is_own_page": True, "shown": _shown(contract, operation)}


def _keys(request: PanelRequest, contract: str) -> dict[str, Any]:
    """The state of the reader's own key: in the mode where the switch stands, and in test mode."""
    if contract == "portal":
        return {"key": _portal_key(request, request.viewer.mode), "pairs": ()}
    own = list(credentials_of(request.viewer).filter(contract=contract))
    return {"pairs": own[:_SHOWN_PAIRS], "more_pairs": len(own) - _SHOWN_PAIRS}


def _portal_key(request: PanelRequest, mode: str) -> PortalKey | None:
    return PortalKey.objects.select_related("user", "user__merchant").filter(user=request.user, mode=mode).first()


def _credential(request: PanelRequest, form: CallForm) -> PortalKey | Credential | None:
    return _portal_key(request, Mode.TEST) if form.contract == "portal" else form.pair


def _shown(contract: str, operation: Operation) -> dict[str, Any]:
    sample = sample_request(contract, operation, settings.PUBLIC_URL)
    return {"operation": operation, "request": programs(sample)[0].text, "refusals": _own_refusals(contract, operation)}


def _own_refusals(contract: str, operation: Operation) -> list[tuple[str, str]]:
    """Those that not every call can meet."""
    common = set.intersection(*(set(one.refusals) for one in operations(contract).values()))
    return [said for said in operation.refusals if said not in common]


def _example(contract: str, words: Words) -> str:
    """The original's first example, in its own placeholders."""
    names = [header.strip() for header in words.headers.split(" or ")[0].split(",")]
    word = {"X-API-KEY": "YOUR_API_KEY", "X-API-Key": "YOUR_API_KEY"}
    marks = [f'  -H "{name}: {word.get(name, "YOUR_" + name.removeprefix("X-Api-").upper().replace("-", "_"))}"'
             for name in names]
    path = _EXAMPLES.get(contract, "/balance")
    lines = [f'curl -X GET "{settings.PUBLIC_URL}/api/v1{path}"', *marks, '  -H "Content-Type: application/json"']
    return " \\\n".join(lines)
