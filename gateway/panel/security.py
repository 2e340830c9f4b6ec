"""A user's own security: the authenticator and its recovery codes, and the browsers that are signed in."""

from __future__ import annotations

import segno
from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from accounts import second_factor
from accounts.actors import get_or_404, team_users
from gateway.panel.access import EVERYONE, FORM, POST, SUPER_ADMINS, PanelRequest, page
from gateway.panel.confirming import Step, confirm
from gateway.panel.forms import PanelForm, carry_out
from gateway.panel.proof import end_browser, signed_in_browsers
from gateway.panel.rendering import crumbs, done

_HOME = "panel:security"


class FirstCodeForm(PanelForm):
    code = forms.CharField(
        label="2. Type the code it shows", max_length=10,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}),
    )


@page(EVERYONE)
def security(request: PanelRequest) -> HttpResponse:
    context = {
        "crumbs": crumbs(("Profile", "panel:profile"), "Security"),
        "has_factor": second_factor.has_second_factor(request.user),
        "must_have": second_factor.must_have_second_factor(request.user),
        "codes_left": second_factor.recovery_codes_left(request.user),
        "browsers": signed_in_browsers(request.user),
        "here": request.session.session_key,
    }
    return render(request, "panel/security/security.html", context)


@sensitive_post_parameters("code")
@sensitive_variables("secret")
@never_cache
@page(EVERYONE, FORM, proof=True)
def set_up(request: PanelRequest) -> HttpResponse:
    """Scan, type the first code, keep the recovery codes: three steps on one page."""
    user = request.user
    if second_factor.has_second_factor(user):
        return done(request, reverse(_HOME))
    secret = second_factor.pending_secret(user) or second_factor.begin_enrolment(user=user)
    form = FirstCodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        codes = carry_out(
            form,
            lambda: second_factor.confirm_enrolment(
                actor=request.actor, user=user, code=form.cleaned_data["code"].replace(" ", "")
            ),
        )
        if codes:
            return _show_codes(request, codes, "Your authenticator is set up")
    link = second_factor.enrolment_link(user, secret)
    context = {
        "crumbs": crumbs(("Security", _HOME), "Set up the authenticator"), "form": form, "qr": _qr(link),
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
    }
    return render(request, "panel/security/set_up.html", context, status=422 if form.is_bound else 200)


def _qr(text: str) -> SafeString:
    """Dark on white in every theme, so that it scans."""
    svg: str = segno.make(text, error="m").svg_inline(border=4, dark="#111", light="#fff", omitsize=True, svgclass="qr")
    return mark_safe(svg)  # noqa: S308 - made by segno from our own text


@sensitive_variables("codes")
def _show_codes(request: PanelRequest, codes: list[str], title: str) -> HttpResponse:
    context = {"crumbs": crumbs(("Security", _HOME), "Codes"), "codes": codes, "title": title}
    response = render(request, "panel/security/codes.html", context)
    response["Cache-Control"] = "no-store, private"
    return response


@page(EVERYONE, POST, proof=True)
def renew_codes(request: PanelRequest) -> HttpResponse:
    codes = second_factor.renew_recovery_codes(actor=request.actor, user=request.user)
    return _show_codes(request, codes, "Your new recovery codes")


@page(EVERYONE, FORM, proof=True)
def remove(request: PanelRequest) -> HttpResponse:
    step = Step(
        title="Remove the authenticator?", action="Remove it", back=reverse(_HOME), danger=True,
        text="From then on your password alone signs you in. Its recovery codes become void.",
    )

    def act(_: dict[str, object]) -> None:
        second_factor.remove_second_factor(actor=request.actor, user=request.user)

    return confirm(request, step, act, message="The authenticator is removed.")


@page(SUPER_ADMINS, FORM, proof=True)
def remove_of(request: PanelRequest, public_id: str) -> HttpResponse:
    """For somebody who lost the phone and the recovery codes: after hearing from them in person."""
    row = get_or_404(team_users(request.user), public_id=public_id)
    step = Step(
        title=f"Remove {row.name}’s authenticator?", action="Remove it", back=reverse("panel:user", args=[public_id]),
        text="Their password alone signs them in until they set up a new one. Be sure that it is they who asked.",
        facts=[("E-mail", row.email)], danger=True,
    )

    def act(_: dict[str, object]) -> None:
        second_factor.remove_second_factor(actor=request.actor, user=row)

    return confirm(request, step, act, message=f"{row.name} has no authenticator any more.")


@page(EVERYONE, POST)
def end(request: PanelRequest, pk: int) -> HttpResponse:
    if not end_browser(request.user, pk):
        raise Http404
    messages.success(request, "That browser is signed out.")
    return done(request, reverse(_HOME))
