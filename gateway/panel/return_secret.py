"""The merchant's return secret in the current mode: shown to its owner, and replaced by a new one.

Unlike a pair's secret it can be shown again: the gateway signs with it, and so keeps it.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables

from accounts.errors import SecretReplaced
from accounts.models import Merchant, ReturnSecret
from accounts.return_secrets import regenerate_return_secret, return_secret_of, show_return_secret
from gateway.panel.access import FORM, MERCHANTS, POST, PanelRequest, page
from gateway.panel.confirming import Step, confirm
from gateway.panel.forms import PanelForm
from gateway.panel.rendering import dialog


class RegenerateForm(PanelForm):
    """`replaces` is the secret that the dialog was about: sending the same form again replaces nothing more."""

    replaces = forms.CharField(widget=forms.HiddenInput, required=False)


def return_secret_card(request: PanelRequest) -> dict[str, Any]:
    """What the card on the keys page shows; nothing to who is no merchant. Looking makes no secret."""
    if request.user.role not in MERCHANTS:
        return {}
    row = ReturnSecret.objects.filter(merchant=_merchant(request), mode=request.viewer.mode).first()
    return {"mode": request.viewer.mode, "made_at": row.created_at if row else None}


def _merchant(request: PanelRequest) -> Merchant:
    merchant = request.viewer.user.merchant
    assert merchant is not None  # every user of this role has one
    return merchant


@sensitive_variables("context")
@page(MERCHANTS, POST, proof=True)
def show(request: PanelRequest) -> HttpResponse:
    """The secret in the answer to a POST, to its owner."""
    row = return_secret_of(_merchant(request), request.viewer.mode)
    context = {"title": "Return secret", "mode": row.mode, "secret": show_return_secret(actor=request.actor, row=row)}
    response = dialog(request, "panel/keys/return_secret.html", context | {"back": reverse("panel:keys")})
    response["Cache-Control"] = "no-store, private"
    return response


@page(MERCHANTS, FORM, proof=True)
def regenerate(request: PanelRequest) -> HttpResponse:
    merchant, mode = _merchant(request), request.viewer.mode
    row = return_secret_of(merchant, mode)
    step = Step(
        title=f"Regenerate the {mode} return secret?", action="Regenerate", back=reverse("panel:keys"), danger=True,
        text="From that moment the new one signs alone. Put it on your server first thing: until then your return page "
        "takes payers who paid for strangers.",
    )

    def act(data: dict[str, Any]) -> None:
        if data["replaces"] != _mark(row):
            raise SecretReplaced()
        regenerate_return_secret(actor=request.actor, merchant=merchant, mode=mode, replaces=row)

    return confirm(
        request, step, act, form=RegenerateForm, initial={"replaces": _mark(row)},
        message="There is a new return secret. Show it to copy it.",
    )


def _mark(row: ReturnSecret) -> str:
    return f"{row.created_at.timestamp():.6f}"
