"""The API reference says what the API does: its calls, parameters, examples and errors are held against the documents
of the API and against the API itself."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from accounts.actors import Actor
from gateway.contracts import document_testing as documents
from gateway.contracts.checkout.testing import Checkout
from gateway.contracts.dashboard.testing import Dashboard
from gateway.contracts.signed.testing import Signed
from gateway.lib.money import Money
from gateway.panel.reference import events, schemas
from gateway.panel.reference.operations import document, operations, sections
from gateway.panel.reference.words import CONTRACTS, words_of
from payments.models import Payment
from payments.services import create_payment
from webhooks import rendering
from webhooks.models import Event
from webhooks.queries import event_names

EVERY_CALL = [(contract, operation) for contract in CONTRACTS for operation in operations(contract).values()]
IDS = [f"{contract} {operation.name}" for contract, operation in EVERY_CALL]
# Each original's calls, in its order.
ORIGINAL = {
    "portal": [
        "GET /balance", "POST /payments", "GET /payments", "GET /payments/:id", "GET /payouts", "POST /payouts",
        "GET /profile",
    ],
    "signed": [
        "GET /balance", "POST /payin/generate/link", "POST /payin/transactions", "POST /payout/initiate",
        "GET /payout/{order_id}/status",
    ],
    "checkout": [
        "GET /health", "POST /orders", "GET /orders/{order_id}", "POST /orders/public", "GET /orders/public/{order_id}",
        "POST /payments", "POST /payments/{payment_id}/capture", "POST /payments/public",
        "GET /payments/public/{payment_id}", "POST /refunds", "GET /refunds/{refund_id}",
        "POST /webhooks", "GET /webhooks", "GET /webhook-logs", "POST /webhook-logs/{log_id}/retry",
        "GET /admin/stats", "POST /test/jobs/enqueue",
    ],
    "dashboard": [
        "GET /dashboard/sessions", "GET /dashboard/sessions/:sessionId", "GET /dashboard/addresses",
        "GET /dashboard/addresses/:addressId", "POST /dashboard/addresses/:addressId/check-balance",
        "GET /dashboard/balance/crypto", "GET /dashboard/balance/networks", "GET /dashboard/transactions",
        "GET /dashboard/transactions/:txHash", "GET /dashboard/withdrawals", "POST /dashboard/withdrawals/create",
        "GET /dashboard/withdrawals/:withdrawalId", "GET /dashboard/analytics/payments",
        "GET /dashboard/analytics/export", "GET /dashboard/webhooks/config", "PUT /dashboard/webhooks/config",
        "POST /dashboard/webhooks/test", "GET /dashboard/overview",
    ],
}


def listed(contract):
    return [operation for section in sections(contract) for operation in section.operations]


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_original_s_calls_are_there_in_its_order(contract):
    shown = [f"{operation.method} {operation.shown}" for operation in listed(contract)]

    assert [name for name in shown if name in ORIGINAL[contract]] == ORIGINAL[contract]


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_call_of_the_api_is_on_the_page_once_and_no_other(contract):
    real = {(path, method.upper()) for path, method, _ in documents.operations(contract)}
    shown = [(operation.path, operation.method) for operation in listed(contract)]

    assert set(shown) == real
    assert len(shown) == len(real)
    assert len({operation.anchor for operation in listed(contract)}) == len(real)


@pytest.mark.parametrize(("contract", "operation"), EVERY_CALL, ids=IDS)
def test_parameters_are_those_of_the_api_each_with_a_meaning(contract, operation):
    described = document(contract)["paths"][operation.path][operation.method.lower()]
    real = {(one["name"], one["in"]) for one in described.get("parameters", ())}
    body = described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    fields = schemas.resolved(document(contract), body)["properties"] if body else {}
    real |= {(name, "body") for name in fields} | ({("token", "query")} if operation.access == "link" else set())

    shown = {(one.name, one.place) for one in operation.parameters if "." not in one.name}
    assert shown == real
    assert [one.name for one in operation.parameters if not one.meaning] == []


@pytest.mark.parametrize(("contract", "operation"), EVERY_CALL, ids=IDS)
def test_sample_answers_have_exactly_the_shape_of_real_ones(contract, operation):
    if not operation.answer.startswith(("{", "[")):
        assert operation.name in ("delete_webhook", "download_export")
        return
    answer = SimpleNamespace(status_code=operation.status, content=operation.answer.encode())

    documents.check_documented(contract, operation.method, operation.path.removeprefix("/api/v1"), answer)
    assert "null" not in re.sub(r'"[a-z_]+": null', "", operation.answer)


@pytest.mark.parametrize(("contract", "operation"), [one for one in EVERY_CALL if one[1].bodies])
def test_sample_bodies_have_the_shape_that_is_asked_for(contract, operation):
    for body in operation.bodies:
        documents.check_body(contract, operation.path, operation.method.lower(), json.loads(body.text))


@pytest.mark.parametrize("contract", CONTRACTS)
def test_no_word_about_a_call_or_a_field_goes_unused(contract):
    words, known = words_of(contract), operations(contract)
    fields = {one.name for operation in known.values() for one in operation.parameters}
    schemas_of = document(contract)["components"]["schemas"]
    answered = {name for schema in schemas_of.values() for name in schema.get("properties", ())}
    answered |= {"message", "success", "error"}

    for by_call in (words.summaries, words.notes, words.who, words.bodies, words.query, words.answers):
        assert set(by_call) <= set(known)
    for key in words.meanings:
        call, _, name = key.partition(".")
        assert key in fields or (call in known and name in {one.name for one in known[call].parameters}), key
    for key in words.values:
        owner, _, name = key.rpartition(".")
        assert name in answered | fields, key
        assert all(part in known or part in schemas_of for part in owner.split("/") if part), key


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_table_of_errors_has_every_code_of_the_api(contract):
    said = {
        (int(status), code)
        for operation in operations(contract).values() for status, text in operation.refusals
        for code in re.findall(r"`([A-Za-z]+_?[A-Za-z_]+)`", text)
        if code.isupper() == (contract in ("checkout", "dashboard")) and code not in ("request_id", "data")
    }
    listed_codes = {(status, code) for status, code, _ in words_of(contract).errors}

    # A code that stands for two states of ours has one row.
    assert {code for _, code in said} == {code for _, code in listed_codes}
    assert listed_codes <= said


def test_the_error_samples_are_what_a_bad_key_gets(cast):
    def refused(path, **headers):
        return Client().get(f"/api/v1{path}", headers=headers).json()

    portal = refused("/balance", **{"X-API-KEY": "gw_test_nothing"})
    assert portal["error"] | {"timestamp": ""} == words_of("portal").error_sample["error"] | {"timestamp": ""}
    pair = {"X-Api-Key": "key_test_nothing", "X-Api-Secret": "x"}
    assert refused("/orders", **pair) == words_of("checkout").error_sample
    signed = {"Access-Key": "ak_test_x", "Timestamp": "1790431844701", "Signature": "0" * 64}
    assert refused("/balance", **signed) == words_of("signed").error_sample
    sample = words_of("dashboard").error_sample["error"]
    bad = Dashboard(cast.merchant)("GET", "/dashboard/sessions?network=NONE").json()["error"]
    assert (bad["code"], bad["details"]["parameter"]) == (sample["code"], sample["details"]["parameter"])
    assert set(sample["details"]["allowed_values"]) <= set(bad["details"]["allowed_values"])


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_events_are_those_that_are_sent(contract):
    assert [event.name for event in events.of(contract)] == event_names(contract)
    for event in events.of(contract):
        assert json.loads(event.text)["event"] == event.name
        assert '"test"' not in event.text


@pytest.mark.parametrize("event", events.of("checkout"), ids=lambda event: event.name)
def test_a_checkout_event_shows_the_record_that_it_is_about(event):
    subject = event.name.partition(".")[0]
    data = json.loads(event.text)["data"]
    described = document("checkout")["components"]["schemas"][subject.capitalize()]

    assert list(data) == [subject]
    assert set(described["required"]) <= set(data[subject]) <= set(described["properties"])
    assert data[subject]["status"] == {"failed": "FAILED", "processed": "PROCESSED"}.get(event.name.split(".")[1], "SUCCESS")


def test_the_sample_event_has_the_fields_of_a_real_one(cast):
    payment = create_payment(
        actor=Actor.system("tests"), merchant=cast.merchant, mode="test", contract="portal",
        amount=Money(5000_00, "INR"), reference="TXN-1",
    )
    event = Event(type="payment.succeeded", merchant=cast.merchant, mode="test", subject=payment.public_id)
    name, body = rendering.render("portal", event, Payment.objects.get(pk=payment.pk))

    assert name == "payment.completed"
    assert set(json.loads(body)) == set(json.loads(events.of("portal")[0].text))


def test_the_python_code_verifies_a_real_signature():
    code = {}
    exec(events.VERIFY_PYTHON, code)
    body = events.of("portal")[0].text.encode()
    signature = hmac.new(b"whsec_abc", body, hashlib.sha256).hexdigest()

    assert code["is_genuine"](body, signature, "whsec_abc") is True
    assert code["is_genuine"](body + b" ", signature, "whsec_abc") is False


# The page ---------------------------------------------------------------------------------------------------------
def test_the_reference_begins_with_the_portal_s(cast, signed_in):
    answer = signed_in(cast.api_user).get(reverse("panel:reference"))

    assert answer["Location"] == reverse("panel:reference-of", args=["portal"])


@pytest.mark.parametrize("who", ["super_admin", "admin", "merchant_user", "api_user"])
@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_page_shows_every_section_to_every_role(cast, signed_in, who, contract):
    words = words_of(contract)

    page = signed_in(getattr(cast, who)).get(reverse("panel:reference-of", args=[contract])).content.decode()

    texts = [*words.important, words.intro, words.base_note, words.auth_note, *event_names(contract), *words.practices]
    texts += [f"/api/docs/{contract}/", f"{settings.PUBLIC_URL}/api/v1", "v1.0", *(role.title for role in words.roles)]
    for text in texts:
        assert str(escape(text)) in page
    for tier in words.tiers:
        assert f"{tier.limit():,} req/{tier.span}" in page
    for operation in operations(contract).values():
        assert f'id="{operation.anchor}"' in page
        assert str(escape(operation.summary)) in page
    for _, code, _ in words.errors:
        assert f"<code>{code}</code>" in page


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_first_load_is_light(cast, signed_in, contract):
    """Far below the 150 KB that a page may take over the wire with its styles and scripts."""
    answer = signed_in(cast.merchant_user).get(
        reverse("panel:reference-of", args=[contract]), headers={"Accept-Encoding": "gzip"}
    )

    assert answer["Content-Encoding"] == "gzip"
    assert len(answer.content) < 40_000


def test_an_unknown_contract_or_call_is_no_page(cast, signed_in):
    client = signed_in(cast.merchant_user)

    assert client.get("/panel/reference/nothing").status_code == 404
    assert client.get("/panel/reference/nothing/get_balance").status_code == 404
    assert client.get("/panel/reference/portal/create_session").status_code == 404


@pytest.mark.parametrize("who", ["super_admin", "admin", "merchant_user", "api_user"])
def test_the_key_box_has_the_reader_s_own_portal_key(cast, signed_in, who):
    user = getattr(cast, who)

    page = signed_in(user).get(reverse("panel:reference-of", args=["portal"])).content.decode()

    assert user.portal_keys.get(mode="test").hint in page
    assert cast.keys[user.public_id, "test"] not in page
    assert "Never used" not in page


@pytest.mark.parametrize("contract", CONTRACTS[1:])
def test_the_key_box_has_the_merchant_s_pairs_and_nobody_else_s(cast, signed_in, contract):
    address = reverse("panel:reference-of", args=[contract])
    made = {"signed": Signed, "checkout": Checkout, "dashboard": Dashboard}[contract]
    client = signed_in(cast.merchant_user)
    none = client.get(address).content.decode()

    made(cast.merchant)

    hint = cast.merchant.credentials.get().hint
    assert "You have no test key for this API" in none
    assert hint in client.get(address).content.decode()
    assert hint not in signed_in(cast.merchant_user, "live").get(address).content.decode()
    for stranger in (cast.other_user, cast.api_user, cast.admin, cast.super_admin):
        assert hint not in signed_in(stranger).get(address).content.decode()
    assert "belong to the merchant" in signed_in(cast.api_user).get(address).content.decode()
