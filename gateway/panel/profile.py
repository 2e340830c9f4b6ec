"""Who is signed in: name, password, a merchant's webhook URL, and the settings that operators keep."""

from __future__ import annotations

from django import forms
from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters

from accounts import services
from accounts.models import Role
from gateway.lib.middleware import client_address
from gateway.lib.money import Money
from gateway.panel.access import EVERYONE, FORM, PanelRequest, ask_for_proof, page
from gateway.panel.fees import shown_fees
from gateway.panel.forms import PanelForm, carry_out
from gateway.panel.proof import is_fresh, keep_only_this_browser
from gateway.panel.rendering import crumbs, done
from gateway.panel.session import NewPasswordForm
from ledger.fees import fee_table
from webhooks.models import Endpoint
from webhooks.queries import endpoints
from webhooks.services import create_endpoint, update_endpoint


class NameForm(PanelForm):
    name = forms.CharField(max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))


class PasswordForm(NewPasswordForm):
    current = forms.CharField(
        label="Current password", max_length=1024, strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    field_order = ["current", "new", "again"]


class WebhookForm(PanelForm):
    url = forms.CharField(
        label="Webhook URL", max_length=2000,
        help_text="Payment, payout and user events are sent here, signed.",
        widget=forms.URLInput(attrs={"placeholder": "https://shop.example/hooks", "autocomplete": "off"}),
    )


@sensitive_post_parameters("current", "new", "again")
@page(EVERYONE, FORM)
def profile(request: PanelRequest) -> HttpResponse:
    """Up to three forms; the button that was pressed says which one was sent."""
    sent = request.POST.get("form", "") if request.method == "POST" else ""
    name = NameForm(request.POST if sent == "name" else None, initial={"name": request.user.name})
    password = PasswordForm(request.POST if sent == "password" else None)
    if sent == "name" and name.is_valid() and _rename(request, name):
        return done(request, reverse("panel:profile"), "Your name is changed.")
    if sent == "password" and password.is_valid() and _change_password(request, password):
        return done(request, reverse("panel:profile"), "Your password is changed. Other sessions of yours have ended.")
    if sent == "webhook" and not is_fresh(request):
        return ask_for_proof(request)
    endpoint = _portal_endpoint(request)
    webhook = WebhookForm(
        request.POST if sent == "webhook" else None, initial={"url": endpoint.url if endpoint else ""}
    )
    if sent == "webhook" and _has_webhook(request) and webhook.is_valid() and _set_webhook(request, webhook, endpoint):
        return done(request, reverse("panel:profile"), "Your webhook URL is set. Its secret is under Webhooks.")
    merchant = request.user.merchant
    limit = merchant.payout_auto_approve_minor if merchant else None
    context = {
        "crumbs": crumbs("Profile"), "name_form": name, "password_form": password, "merchant": merchant,
        "webhook_form": webhook if _has_webhook(request) else None,
        "auto_approve": None if limit is None else Money(limit, "INR"),
        "fees": shown_fees(fee_table(merchant.pk)) if merchant else [],
    }
    return render(request, "panel/profile/profile.html", context, status=422 if sent else 200)


def _has_webhook(request: PanelRequest) -> bool:
    return request.viewer.user.role == Role.MERCHANT


def _portal_endpoint(request: PanelRequest) -> Endpoint | None:
    """The first of the merchant's portal endpoints in this mode: the one that the profile's field is about."""
    if not _has_webhook(request):
        return None
    rows = endpoints(request.viewer).filter(contract=Endpoint.Contract.PORTAL)
    return rows.order_by("created_at", "pk").first()


def _set_webhook(request: PanelRequest, form: WebhookForm, endpoint: Endpoint | None) -> bool:
    url, merchant = form.cleaned_data["url"].strip(), request.viewer.user.merchant
    assert merchant is not None

    def act() -> Endpoint:
        if endpoint is not None:
            return update_endpoint(actor=request.actor, endpoint=endpoint, url=url)
        return create_endpoint(actor=request.actor, merchant=merchant, mode=request.viewer.mode, url=url)[0]

    return carry_out(form, act) is not None


def _rename(request: PanelRequest, form: NameForm) -> bool:
    wanted = form.cleaned_data["name"]
    user = request.viewer.user
    return carry_out(form, lambda: services.update_profile(actor=request.actor, user=user, name=wanted)) is not None


def _change_password(request: PanelRequest, form: PasswordForm) -> bool:
    data, user = form.cleaned_data, request.viewer.user
    changed = carry_out(
        form,
        lambda: services.change_password(
            actor=request.actor, user=user, current=data["current"], new=data["new"], address=client_address(request)
        ),
    )
    if changed is None:
        return False
    # This session goes on, under a new key; every other one of the user's ends.
    old_key = request.session.session_key
    update_session_auth_hash(request, changed)
    keep_only_this_browser(request, changed, old_key)
    return True
