"""Coming and going: the front page, sign-in and sign-out, the first password, and the switch of modes.

Signing in makes a new session (nothing of an earlier one is carried over but the id of the page wanted); signing
out and switching modes are POSTs. Forms that were open before either are void. Repeated failures lock the account: see
`accounts.sign_in`.
"""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.auth import login, logout
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts import invitations, passwords, services
from accounts.actors import Actor
from accounts.errors import AccountLocked, SignInUnavailable
from accounts.models import User
from accounts.second_factor import has_second_factor
from accounts.sign_in import sign_in
from gateway.lib.errors import GatewayError
from gateway.lib.middleware import client_address
from gateway.lib.modes import Mode
from gateway.panel.access import EVERYONE, FORM, POST, PanelRequest, mode_of, page, public
from gateway.panel.confirming import Step, confirm
from gateway.panel.forms import PanelForm, carry_out, show
from gateway.panel.proof import end_every_browser
from gateway.panel.rendering import done
from gateway.panel.step_up import BACKEND, ask_for_code, safe_next


class SignInForm(PanelForm):
    email = forms.CharField(
        label="E-mail address", max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True, "spellcheck": "false"}),
    )
    password = forms.CharField(
        max_length=1024, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


class NewPasswordForm(PanelForm):
    new = forms.CharField(
        label="New password", max_length=1024, strip=False, help_text="At least 12 characters.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label="The same again", max_length=1024, strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_again(self) -> str:
        again: str = self.cleaned_data["again"]
        if "new" in self.cleaned_data and self.cleaned_data["new"] != again:
            raise forms.ValidationError("The two do not match.")
        return again


@public()
def welcome(request: HttpRequest) -> HttpResponse:
    """The front page of the installation."""
    return render(request, "panel/welcome.html", {"signed_in": isinstance(request.user, User)})


@sensitive_post_parameters("password")
@never_cache
@public(FORM)
def sign_in_page(request: HttpRequest) -> HttpResponse:
    if isinstance(request.user, User) and request.method != "POST":
        return HttpResponseRedirect(_next(request))
    form = SignInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = sign_in(form.cleaned_data["email"], form.cleaned_data["password"], client_address(request))
        except GatewayError as error:
            return _refused(request, form, error)
        if has_second_factor(user):
            return ask_for_code(request, user, _wanted(request))
        login(request, user, backend=BACKEND)
        return HttpResponseRedirect(_next(request))
    return _sign_in_form(request, form, 422 if form.is_bound else 200)


def _refused(request: HttpRequest, form: SignInForm, error: GatewayError) -> HttpResponse:
    show(form, error)
    if isinstance(error, AccountLocked):
        return _sign_in_form(request, form, 429)
    return _sign_in_form(request, form, 503 if isinstance(error, SignInUnavailable) else 422)


def _sign_in_form(request: HttpRequest, form: SignInForm, status: int) -> HttpResponse:
    answer = render(request, "panel/sign_in.html", {"form": form, "next": _wanted(request)}, status=status)
    if status == 503:
        answer["Retry-After"] = "5"
    return answer


def _wanted(request: HttpRequest) -> str:
    return request.POST.get("next") or request.GET.get("next") or ""


def _next(request: HttpRequest) -> str:
    return safe_next(request, _wanted(request))


@public(POST)
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    messages.success(request, "You are signed out.")
    return HttpResponseRedirect(reverse("panel:sign-in"))


class LostPasswordForm(PanelForm):
    email = forms.EmailField(
        label="E-mail address", max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True, "spellcheck": "false"}),
    )


@public(FORM)
def lost_password(request: HttpRequest) -> HttpResponse:
    """The answer is the same for every address: who has an account here is nobody's business."""
    form = LostPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        passwords.ask_for_reset(email=form.cleaned_data["email"], address=client_address(request))
        return render(request, "panel/lost_password_sent.html", {"email": form.cleaned_data["email"]})
    return render(request, "panel/lost_password.html", {"form": form}, status=422 if form.is_bound else 200)


@sensitive_post_parameters("new", "again")
@never_cache
@public(FORM)
def set_password(request: HttpRequest, uid: str, token: str) -> HttpResponse:
    """The page of an invitation's link, which works once."""
    user = invitations.user_of_link(uid, token)
    if user is None or not user.is_active:
        return render(request, "panel/link_over.html", status=404)
    form = NewPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        new = form.cleaned_data["new"]
        if carry_out(form, lambda: services.set_password(actor=Actor(user, "invitation"), user=user, new=new)):
            end_every_browser(user)
            messages.success(request, "Your password is set. Sign in with it.")
            return HttpResponseRedirect(reverse("panel:sign-in"))
    context = {"form": form, "invited": user}
    return render(request, "panel/set_password.html", context, status=422 if form.is_bound else 200)


@page(EVERYONE, FORM)
def switch_mode(request: PanelRequest, mode: str) -> HttpResponse:
    """To live only through a dialog that says what live means; the overview follows, since records differ by mode."""
    if mode not in Mode.values:
        raise Http404
    overview = reverse("panel:overview")
    if mode == Mode.TEST:
        if request.method == "POST":
            _switch(request, mode)
        return done(request, overview)
    step = Step(
        title="Switch to live mode?", action="Switch to live", back=overview,
        text="In live mode payments and payouts move real money. Test data stays where it is and is not shown there.",
    )

    return confirm(request, step, lambda _: _switch(request, mode), message="You are in live mode.")


def _switch(request: PanelRequest, mode: str) -> None:
    """A form that another tab still shows in the old mode is void: it would act in this one."""
    if mode != mode_of(request):
        rotate_token(request)
    request.session["mode"] = mode

