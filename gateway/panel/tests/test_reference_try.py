"""A call is sent from the reference in test mode, as the signed-in user's own credential, and as nothing else."""

from __future__ import annotations

import json

import pytest
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor, Viewer
from accounts.issuing import change_credential
from accounts.models import AuditRecord, Credential, PortalKey
from crypto.models import Session
from gateway.contracts.checkout.testing import Checkout
from gateway.contracts.dashboard.testing import Dashboard
from gateway.contracts.signed.testing import Signed
from gateway.lib.errors import NotAllowed
from gateway.lib.vouching import vouch, vouched
from gateway.panel.reference.forms import CallForm
from gateway.panel.reference.operations import operations
from payments.models import Order, Payment, Refund
from payouts.models import Payout

MAKERS = {"signed": Signed, "checkout": Checkout, "dashboard": Dashboard}


def values_of(contract, name, user, mode="test", **changes):
    """What the form of a call sends if nothing is touched but `changes`."""
    form = CallForm(contract, operations(contract)[name], Viewer(user, mode))
    start = {field: one.initial for field, one in form.fields.items()}
    if isinstance(start.get("key"), Credential):
        start["key"] = start["key"].pk
    return {field: value for field, value in (start | changes).items() if value not in (None, "")}


@pytest.fixture
def send(signed_in):
    def press(user, contract, name, mode="test", client=None, values=None, **changes):
        address = reverse("panel:reference-send", args=[contract, name])
        data = values_of(contract, name, user, **changes) if values is None else values
        return (client or signed_in(user, mode)).post(address, data, headers={"HX-Request": "true"})

    return press


def nothing_happened():
    return not Payment.objects.exists() and not Payout.objects.exists() and not Order.objects.exists() and (
        not AuditRecord.objects.filter(action="api.tried").exists()
    )


def answer_of(response):
    """The status that the answer shows, and its body."""
    answer = response.context["answer"]
    return answer.status, answer.data


@pytest.mark.parametrize("who", ["super_admin", "admin", "merchant_user", "api_user"])
def test_a_portal_call_is_sent_as_oneself(cast, send, who):
    user = getattr(cast, who)

    status, body = answer_of(send(user, "portal", "get_profile"))

    assert status == 200
    assert (body["data"]["user_id"], body["data"]["mode"]) == (user.public_id, "test")
    assert user.portal_keys.get(mode="test").last_used_at is not None
    assert user.portal_keys.get(mode="live").last_used_at is None
    assert not AuditRecord.objects.filter(action="api.tried").exists()  # it changes nothing


def test_a_payment_is_made_told_and_written_down(cast, send):
    response = send(cast.merchant_user, "portal", "create_payment")

    status, body = answer_of(response)
    payment = Payment.objects.get()
    assert status == 201
    assert body["data"]["transaction_id"] == payment.public_id
    assert (payment.mode, payment.amount_minor, payment.created_by) == ("test", 5000_00, cast.merchant_user)
    text = response.content.decode()
    assert "A test payment of ₹5,000.00 waits for its payer." in text
    assert reverse("panel:payment", args=[payment.public_id]) in text
    row = AuditRecord.objects.get(action="api.tried")
    assert (row.actor, row.actor_label, row.mode) == (cast.merchant_user, "panel", "test")
    assert row.data == {"call": "POST /api/v1/payments", "contract": "portal", "status": 201}


def test_headers_and_time_are_shown(cast, send):
    response = send(cast.merchant_user, "portal", "get_balance")

    headers = dict(response.context["answer"].headers)
    assert headers["X-RateLimit-Limit"] == "500"
    assert headers["X-Request-Id"] == response["X-Request-Id"]
    assert response["Cache-Control"] == "no-store"
    assert "200 OK" in response.content.decode()
    assert " ms" in response.content.decode()


@pytest.mark.parametrize(("contract", "name", "good"), [
    ("signed", "get_balance", 200), ("signed", "create_payin_link", 200), ("signed", "create_payout", 200),
    ("checkout", "list_orders", 200), ("checkout", "create_order", 201), ("checkout", "enqueue_test_job", 200),
    ("checkout", "get_health", 200), ("dashboard", "get_overview", 200), ("dashboard", "list_sessions", 200),
])
def test_every_contract_is_called_with_the_merchant_s_own_pair(cast, send, fund, contract, name, good):
    fund(cast.merchant, 1_000_00)
    MAKERS[contract](cast.merchant)

    status, body = answer_of(send(cast.merchant_user, contract, name))

    assert status == good, body


def test_a_signed_call_with_a_strange_order_id_is_signed_as_it_is_read(cast, send):
    Signed(cast.merchant)

    status, body = answer_of(
        send(cast.merchant_user, "signed", "get_payout", **{"path.order_id": "a b'&%2F:$é"})
    )

    assert (status, body["error"]) == (404, "not_found")


def test_a_whole_checkout_is_tried_with_what_is_filled_in(cast, send, fund):
    fund(cast.merchant, 1_000_00)
    Checkout(cast.merchant)
    user = cast.merchant_user

    made = answer_of(send(user, "checkout", "create_order"))
    paid = answer_of(send(user, "checkout", "create_payment"))
    read = answer_of(send(user, "checkout", "get_payment"))

    assert (made[0], paid[0], read[0]) == (201, 201, 200)
    assert paid[1]["order_id"] == made[1]["id"]
    assert read[1]["id"] == paid[1]["id"] == Payment.objects.get().public_id
    assert not Refund.objects.exists()


def test_a_public_call_carries_the_key_alone(cast, send):
    type(cast.merchant).objects.filter(pk=cast.merchant.pk).update(public_checkout=True)
    Checkout(cast.merchant)

    status, body = answer_of(send(cast.merchant_user, "checkout", "create_public_order"))

    assert (status, body["merchant_id"]) == (201, cast.merchant.public_id)


def test_the_allow_list_of_a_pair_holds_here_too(cast, send):
    Checkout(cast.merchant)
    pair = cast.merchant.credentials.get()
    change_credential(actor=Actor(cast.merchant_user, "tests"), credential=pair, allowed_addresses=["203.0.113.9"])

    status, body = answer_of(send(cast.merchant_user, "checkout", "create_order"))

    assert (status, body["error"]["code"]) == (403, "FORBIDDEN_ERROR")
    assert not Order.objects.exists()


def test_tried_calls_count_against_the_limit(cast, send, settings):
    settings.PORTAL_RATE_LIMITS = settings.PORTAL_RATE_LIMITS | {"merchant": 2}

    statuses = [answer_of(send(cast.merchant_user, "portal", "get_balance"))[0] for _ in range(3)]

    assert statuses == [200, 200, 429]


# What is refused --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("contract", ["portal", "signed", "checkout", "dashboard"])
def test_in_live_mode_nothing_is_sent(cast, send, signed_in, contract):
    for mode in ("test", "live"):
        if contract != "portal":
            MAKERS[contract](cast.merchant, mode)
    name = {"portal": "create_payment", "signed": "create_payin_link", "checkout": "create_order",
            "dashboard": "create_session"}[contract]

    response = send(cast.merchant_user, contract, name, "live")

    assert response.status_code == 404
    assert nothing_happened()
    assert not Session.objects.exists()
    page = signed_in(cast.merchant_user, "live").get(reverse("panel:reference-call", args=[contract, name]))
    assert "Send test call" not in page.content.decode()
    assert "in test mode only" in page.content.decode()


@pytest.mark.parametrize("contract", ["signed", "checkout", "dashboard"])
@pytest.mark.parametrize("whose", ["another merchant's", "a live one", "a revoked one", "another contract's"])
def test_no_pair_but_one_s_own_test_pair_is_taken(cast, send, contract, whose):
    name = {"signed": "create_payin_link", "checkout": "create_order", "dashboard": "create_session"}[contract]
    MAKERS[contract](cast.merchant)
    values = values_of(contract, name, cast.merchant_user)
    if whose == "another merchant's":
        MAKERS[contract](cast.other)
        pair = cast.other.credentials.get()
    elif whose == "another contract's":
        MAKERS["signed" if contract != "signed" else "checkout"](cast.merchant)
        pair = cast.merchant.credentials.exclude(contract=contract).get()
    else:
        MAKERS[contract](cast.merchant, "live" if whose == "a live one" else "test")
        pair = cast.merchant.credentials.order_by("pk").last()
        if whose == "a revoked one":
            Credential.objects.filter(pk=pair.pk).update(revoked_at=pair.created_at)

    response = send(cast.merchant_user, contract, name, values=values | {"key": pair.pk})

    assert response.status_code == 422
    assert "answer" not in response.context
    assert nothing_happened()
    assert not Session.objects.exists()


@pytest.mark.parametrize("who", ["super_admin", "admin", "api_user"])
@pytest.mark.parametrize("contract", ["signed", "checkout", "dashboard"])
def test_who_has_no_pair_sends_nothing(cast, send, signed_in, who, contract):
    MAKERS[contract](cast.merchant)
    name = {"signed": "create_payin_link", "checkout": "create_order", "dashboard": "create_session"}[contract]
    user = getattr(cast, who)

    response = send(user, contract, name)

    assert response.status_code == 404
    assert nothing_happened()
    assert not Session.objects.exists()
    page = signed_in(user).get(reverse("panel:reference-call", args=[contract, name])).content.decode()
    assert "Only the merchant" in page
    assert "Send test call" not in page


def test_a_role_is_refused_as_the_api_refuses_it(cast, send):
    status, body = answer_of(send(cast.api_user, "portal", "list_users"))

    assert (status, body["error"]["code"]) == (403, "insufficient_permissions")


def test_a_stale_proof_sends_nothing(cast, send, signed_in):
    client = signed_in(cast.merchant_user)
    session = client.session
    session["proved_at"] = 0
    session.save()

    response = send(cast.merchant_user, "portal", "create_payment", client=client)

    assert response["HX-Redirect"].startswith(reverse("panel:prove"))
    assert nothing_happened()


def stale(client, **more):
    session = client.session
    session.update({"proved_at": 0} | more)
    session.save()
    return client


def test_the_filled_form_is_there_after_the_proof_once_and_encrypted(cast, send, signed_in):
    client, page = stale(signed_in(cast.merchant_user)), reverse("panel:reference-call", args=["portal", "create_payment"])
    body = '{"amount": 4321, "order_id": "MY-OWN-7"}'

    asked = send(cast.merchant_user, "portal", "create_payment", client=client, body=body)
    kept = dict(client.session)
    back = client.post(reverse("panel:prove"), {"password": "correct-horse-battery", "next": page})
    again, after = client.get(page), client.get(page)

    assert asked["HX-Redirect"] == f"{reverse('panel:prove')}?next={page.replace('/', '%2F')}"
    assert "MY-OWN-7" not in json.dumps(kept)
    assert back["Location"] == page
    assert "MY-OWN-7" in again.context["form"]["body"].value()
    assert "Not sent yet." in again.content.decode()
    assert "MY-OWN-7" not in after.content.decode()
    assert nothing_happened()


def test_a_form_is_kept_for_its_call_for_minutes_and_in_test_mode(cast, send, signed_in):
    client, live = stale(signed_in(cast.merchant_user)), stale(signed_in(cast.merchant_user, "live"))
    send(cast.merchant_user, "portal", "create_payment", client=client, body='{"order_id": "MY-OWN-7"}')
    send(cast.merchant_user, "portal", "create_payment", client=live, body='{"order_id": "MY-OWN-7"}')
    other = client.get(reverse("panel:reference-call", args=["portal", "create_payout"])).content.decode()
    kept = client.session["reference_form"]
    stale(client, reference_form=[*kept[:2], kept[2] - 601, kept[3]])

    late = client.get(reverse("panel:reference-call", args=["portal", "create_payment"])).content.decode()

    assert "MY-OWN-7" not in other + late
    assert "reference_form" not in live.session
    assert "reference_form" not in client.session


def test_a_form_of_another_site_sends_nothing(cast, signed_in):
    client = signed_in(cast.merchant_user, enforce_csrf_checks=True)
    address = reverse("panel:reference-send", args=["portal", "create_payment"])

    response = client.post(address, values_of("portal", "create_payment", cast.merchant_user))

    assert response.status_code == 403
    assert nothing_happened()


def test_a_missing_path_is_told_beside_the_form(cast, send):
    response = send(cast.merchant_user, "portal", "get_payment", values={})

    assert response.status_code == 422
    assert "This field is required." in response.content.decode()


def test_a_header_that_would_break_the_request_is_not_sent(cast, send):
    response = send(cast.merchant_user, "portal", "create_payment", **{"header.Idempotency-Key": "a\r\nX-Api-Secret: b"})

    assert response.status_code == 422
    assert nothing_happened()


@pytest.mark.parametrize("header", ["vouched-for", "gw_test_vouched-for", "test_sk_vouched-for"])
def test_what_the_panel_writes_for_a_secret_opens_nothing_from_outside(cast, header):
    Dashboard(cast.merchant)
    pair = Checkout(cast.merchant)

    assert Client().get("/api/v1/balance", headers={"X-API-KEY": header}).status_code == 401
    assert Client().get("/api/v1/dashboard/overview", headers={"X-API-Key": header}).status_code == 401
    key = {"X-Api-Key": cast.merchant.credentials.get(contract="checkout").identifier, "X-Api-Secret": header}
    assert Client().get("/api/v1/orders", headers=key).status_code == 401
    assert pair("GET", "/orders").status_code == 200


def test_a_live_credential_is_never_vouched_for(cast):
    request, live = HttpRequest(), PortalKey.objects.get(user=cast.merchant_user, mode="live")

    with pytest.raises(NotAllowed):
        vouch(request, "portal", live)

    assert vouched(request, "portal", PortalKey) is None


def test_a_vouched_credential_is_for_its_contract_alone(cast):
    request, key = HttpRequest(), PortalKey.objects.get(user=cast.merchant_user, mode="test")

    vouch(request, "portal", key)

    assert vouched(request, "portal", PortalKey) == key
    assert vouched(request, "checkout", PortalKey) is None
    assert vouched(request, "portal", Credential) is None
    assert vouched(HttpRequest(), "portal", PortalKey) is None


# Its code -----------------------------------------------------------------------------------------------------------
def test_the_code_follows_the_form(cast, signed_in):
    values = values_of("portal", "create_payment", cast.merchant_user, body='{"amount": 7}')
    address = reverse("panel:reference-code", args=["portal", "create_payment"])

    page = signed_in(cast.merchant_user).post(address, values | {"header.Idempotency-Key": "it's"}).content.decode()

    assert page.count("amount&quot;: 7") + page.count("amount\\&quot;: 7") >= 4
    assert "it&#x27;\\&#x27;&#x27;s" in page
    assert cast.keys[cast.merchant_user.public_id, "test"] not in page
    assert nothing_happened()


def test_without_script_the_call_is_a_page_with_its_form_and_its_answer(cast, signed_in):
    client = signed_in(cast.merchant_user)
    address = reverse("panel:reference-call", args=["portal", "create_payment"])

    page = client.get(address).content.decode()
    values = values_of("portal", "create_payment", cast.merchant_user)
    sent = client.post(reverse("panel:reference-send", args=["portal", "create_payment"]), values).content.decode()

    for language in ("curl -X POST", "import os, urllib.error", "fetch(", "&lt;?php"):
        assert language in page
    assert "201 Created" in sent
    assert json.loads(values["body"])["order_id"] in sent
    assert Payment.objects.count() == 1
