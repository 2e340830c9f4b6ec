"""The signed-in user's own portal keys, one per mode. A new one is shown once; the old one is dead that moment."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables

from accounts.errors import KeyReplaced
from accounts.models import PortalKey, User
from accounts.services import regenerate_portal_key
from gateway.lib.modes import Mode
from gateway.panel.access import EVERYONE, FORM, PanelRequest, page
from gateway.panel.forms import PanelForm
from gateway.panel.once import show_once
from gateway.panel.rendering import crumbs, dialog


@dataclass(frozen=True, slots=True)
class KeyRow:
    mode: str
    label: str
    key: PortalKey | None
    is_current: bool


class RegenerateForm(PanelForm):
    """`replaces` is the key that the dialog named: sending the same form again replaces nothing more."""

    replaces = forms.CharField(widget=forms.HiddenInput, required=False)


@page(EVERYONE)
def keys(request: PanelRequest) -> HttpResponse:
    context = {"crumbs": crumbs("API keys"), "rows": key_rows(request.viewer.user, request.viewer.mode)}
    return render(request, "panel/keys/list.html", context)


def key_rows(user: User, current: str) -> list[KeyRow]:
    """The current mode's key first."""
    found = {key.mode: key for key in PortalKey.objects.filter(user=user)}
    rows = [KeyRow(mode.value, str(mode.label), found.get(mode.value), mode.value == current) for mode in Mode]
    return sorted(rows, key=lambda row: not row.is_current)


@sensitive_variables("key")
@page(EVERYONE, FORM)
def regenerate(request: PanelRequest, mode: str) -> HttpResponse:
    if mode not in Mode.values:
        raise Http404
    user, back = request.viewer.user, reverse("panel:keys")
    old = PortalKey.objects.filter(user=user, mode=mode).first()
    if request.method != "POST":
        context = {"title": f"Regenerate the {mode} key?", "mode": mode, "old": old, "back": back}
        form = RegenerateForm(initial={"replaces": _mark(old)})
        return dialog(request, "panel/keys/regenerate.html", context | {"form": form})
    if request.POST.get("replaces", "") != _mark(old):
        messages.error(request, "That key had been replaced already. Nothing was changed.")
        return HttpResponseRedirect(back)
    try:
        key = regenerate_portal_key(actor=request.actor, user=user, mode=mode, replaces=old.digest if old else None)
    except KeyReplaced as error:  # by somebody else, since this request began
        messages.error(request, f"{error.message} Nothing was changed.")
        return HttpResponseRedirect(back)
    return show_once(
        request, title=f"Your new {mode} key", back=back, crumbs=crumbs(("API keys", "panel:keys"), "New key"),
        text="It works from now on. The old key is refused since a moment ago, everywhere.",
        secrets=[(f"{mode.capitalize()} key", key)],
    )


def _mark(key: PortalKey | None) -> str:
    return f"{key.created_at.timestamp():.6f}" if key else ""
