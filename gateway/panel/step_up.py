"""The second factor at the door: the code after the password, and the proof asked for again before something grave."""

from __future__ import annotations

import time

from django import forms
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.errors import AccountLocked, SignInUnavailable
from accounts.models import User
from accounts.second_factor import has_second_factor
from accounts.sign_in import check_proof
from gateway.lib.errors import GatewayError
from gateway.lib.middleware import client_address
from gateway.panel.access import EVERYONE, FORM, PanelRequest, page, public
from gateway.panel.forms import PanelForm, show
from gateway.panel.proof import note_proof

BACKEND = "accounts.backends.PanelBackend"
_HALF = "half_signed_in"  # (user's key, when, where to): the password was right, the code is still to come
_HALF_SECONDS = 600


class CodeForm(PanelForm):
    code = forms.CharField(
        label="Code", max_length=20, help_text="Six digits from your authenticator app, or a recovery code.",
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True, "spellcheck": "false"}
        ),
    )


class AgainForm(PanelForm):
    password = forms.CharField(
        max_length=1024, strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )


def ask_for_code(request: HttpRequest, user: User, wanted: str) -> HttpResponse:
    """After the right password: to the page of the code. Nothing of an earlier session is carried over."""
    request.session.flush()
    request.session[_HALF] = [user.pk, int(time.time()), wanted]
    return HttpResponseRedirect(reverse("panel:sign-in-code"))


@sensitive_post_parameters("code")
@never_cache
@public(FORM)
def sign_in_code(request: HttpRequest) -> HttpResponse:
    user, wanted = _half_signed_in(request)
    if user is None:
        return HttpResponseRedirect(reverse("panel:sign-in"))
    form = CodeForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = _try(request, user, form)
        if status == 200:
            del request.session[_HALF]
            login(request, user, backend=BACKEND)
            return HttpResponseRedirect(safe_next(request, wanted))
    return render(request, "panel/sign_in_code.html", {"form": form}, status=status)


def _half_signed_in(request: HttpRequest) -> tuple[User | None, str]:
    pk, since, wanted = request.session.get(_HALF) or (0, 0, "")
    if time.time() - since > _HALF_SECONDS:
        return None, ""
    user = User.objects.select_related("merchant").filter(pk=pk).first()
    return (user, wanted) if user is not None and user.is_active else (None, "")


@sensitive_post_parameters("code", "password")
@never_cache
@page(EVERYONE, FORM)
def prove(request: PanelRequest) -> HttpResponse:
    """Asks again who is there, and goes on to where the user was going."""
    kind = CodeForm if has_second_factor(request.user) else AgainForm
    form, status = kind(request.POST or None), 200
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if request.method == "POST":
        status = _try(request, request.user, form)
        if status == 200:
            note_proof(request)
            return HttpResponseRedirect(safe_next(request, wanted))
    return render(request, "panel/prove.html", {"form": form, "next": wanted}, status=status)


def _try(request: HttpRequest, user: User, form: forms.Form) -> int:
    """200 when the proof was good; else the status of the page that shows what was not."""
    if not form.is_valid():
        return 422
    try:
        check_proof(user=user, address=client_address(request), **form.cleaned_data)
    except GatewayError as error:
        show(form, error)
        return 429 if isinstance(error, AccountLocked) else 503 if isinstance(error, SignInUnavailable) else 422
    return 200


def safe_next(request: HttpRequest, wanted: str) -> str:
    """Where to go on; never to another site."""
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if ours else reverse("panel:overview")
