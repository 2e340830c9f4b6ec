"""What pages say: figures, empty states, books; and that nothing stored is ever markup."""

from __future__ import annotations

import re

import pytest
from django.db import InternalError, OperationalError
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from psycopg.errors import ReadOnlySqlTransaction

from accounts.models import Merchant, User
from gateway.lib.errors import IllegalTransition
from gateway.panel import errors
from payments import queries
from webhooks.models import Endpoint

XSS = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'{{7*7}}"


def test_a_new_merchant_is_told_what_to_do_first(cast, signed_in):
    page = signed_in(cast.merchant_user).get(reverse("panel:overview")).content.decode()

    assert "Take your first test payment" in page
    assert reverse("panel:payment-new") in page


def test_the_merchants_figures_are_those_of_the_books(cast, signed_in, fund, paid, make_payout):
    fund(cast.merchant, 12_345_678)
    paid(cast.merchant, 100_000, operator=cast.admin)
    make_payout(cast.merchant, 50_000, by=cast.merchant_user)

    page = signed_in(cast.merchant_user).get(reverse("panel:overview")).content.decode()

    assert "Take your first test payment" not in page
    assert "₹1,000.00" in page
    assert re.search(r"Available balance</dt>\s*<dd[^>]*>₹1,2\d,\d\d\d\.\d\d<", page)


def test_the_operators_figures_are_the_teams(cast, signed_in, paid, make_payout):
    paid(cast.merchant, 100_000, operator=cast.admin)
    paid(cast.other, 9_900_000, operator=cast.other_admin)
    make_payout(cast.merchant, 50_000, by=cast.merchant_user)

    own = signed_in(cast.admin).get(reverse("panel:overview")).content.decode()
    all_of_them = signed_in(cast.super_admin).get(reverse("panel:overview")).content.decode()

    assert re.search(r"Volume</dt>\s*<dd[^>]*>₹1,000\.00<", own)
    assert re.search(r"Volume</dt>\s*<dd[^>]*>₹1,00,000\.00<", all_of_them)
    assert re.search(r"Success rate</dt>\s*<dd[^>]*>100%<", own)
    assert re.search(r"Waiting for somebody</dt>\s*<dd[^>]*><a[^>]*>1</a>", own)
    assert "₹500.00 in 1 payout" in own


def test_a_webhook_that_does_not_answer_is_on_the_first_page(cast, signed_in):
    Endpoint.objects.create(
        merchant=cast.merchant, mode="test", url="https://shop.example/hook", secret_encrypted="x",
        failing_since=timezone.now(),
    )

    assert "https://shop.example/hook" in signed_in(cast.merchant_user).get("/panel/").content.decode()
    assert "https://shop.example/hook" not in signed_in(cast.other_user).get("/panel/").content.decode()
    assert "https://shop.example/hook" not in signed_in(cast.api_user).get("/panel/").content.decode()


def test_the_ledger_shows_own_postings_with_every_line(cast, signed_in, fund):
    fund(cast.merchant, 5_000_000)
    fund(cast.other, 7_700_000)

    page = signed_in(cast.merchant_user).get(reverse("panel:ledger")).content.decode()

    assert "+₹50,000.00" in page
    assert "−₹50,000.00" in page
    assert "77,000.00" not in page


def test_the_number_of_queries_does_not_grow_with_the_list(cast, signed_in, make_payment, django_assert_max_num_queries):
    client = signed_in(cast.super_admin)
    for _ in range(20):
        make_payment(cast.merchant)
    client.get(reverse("panel:profile"))  # once a minute the browser is noted as seen

    with django_assert_max_num_queries(12):  # what waits in each area is counted for the navigation, once each
        client.get(reverse("panel:payments"))


@pytest.fixture
def hostile(cast, make_payment, make_payout, paid):
    """Everything a caller can write into the panel, full of markup."""
    Merchant.objects.filter(pk=cast.merchant.pk).update(name=XSS)
    User.objects.filter(pk=cast.merchant_user.pk).update(name=XSS)
    open_one = make_payment(
        cast.merchant, by=cast.merchant_user, payer_name=XSS, payer_email=XSS, payer_phone="<b>1</b>", notes={XSS: XSS}
    )
    done = paid(cast.merchant, by=cast.merchant_user, operator=cast.admin, payer_name=XSS)
    type(done).objects.filter(pk=done.pk).update(vpa=XSS, failure_reason=XSS, comments=XSS)
    payout = make_payout(
        cast.merchant, by=cast.merchant_user, beneficiary_name=XSS, bank_name=XSS, remarks=XSS
    )
    return open_one, done, payout


def test_nothing_that_was_stored_becomes_markup(cast, signed_in, hostile):
    open_one, done, payout = hostile
    addresses = [
        reverse("panel:overview"), reverse("panel:payments"), reverse("panel:payouts"), reverse("panel:profile"),
        reverse("panel:payment", args=[open_one.public_id]), reverse("panel:payment", args=[done.public_id]),
        reverse("panel:payout", args=[payout.public_id]), reverse("panel:ledger"),
        reverse("panel:payments") + "?q=" + "%3Cscript%3Ealert(1)%3C/script%3E&status=%3Cscript%3E",
        reverse("panel:payments") + "?page=2&x=%22%3E%3Cscript%3Ealert(1)",
    ]
    operator_only = [
        reverse("panel:payout-approve", args=[payout.public_id]), reverse("panel:payout-reject", args=[payout.public_id]),
        reverse("panel:payment-succeeded", args=[open_one.public_id]), reverse("panel:payment-new"),
    ]
    seen = 0

    for user, pages in ((cast.merchant_user, addresses), (cast.admin, addresses + operator_only)):
        client = signed_in(user)
        for address in pages:
            answer = client.get(address)
            text = answer.content.decode()
            assert answer.status_code == 200, address
            assert "<script>alert" not in text, address
            assert "<img src=x" not in text, address
            assert "<b>1</b>" not in text, address
            seen += text.count("&lt;script&gt;alert(1)")

    assert seen > 20


def test_pages_carry_nothing_inline(cast, signed_in, hostile):
    _, done, payout = hostile
    client = signed_in(cast.admin)

    for address in ("/panel/", "/panel/payments", "/panel/payouts", f"/panel/payments/{done.public_id}",
                    f"/panel/payouts/{payout.public_id}", f"/panel/payouts/{payout.public_id}/reject", "/panel/profile"):
        answer = client.get(address)
        text = answer.content.decode()
        assert not re.search(r"\sstyle=", text), address
        assert not re.search(r"<style|\son[a-z]+=\"|javascript:", text), address
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), address
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text.replace("http://127.0.0.1:8000", "")), address
        assert "default-src 'self'" in answer["Content-Security-Policy"]


# Error pages --------------------------------------------------------------------------------------------
def test_an_unknown_page_looks_like_the_product(db):
    answer = Client().get("/panel/no/such/page")

    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


def test_error_pages_ask_no_database():
    request = RequestFactory().get("/panel/")

    assert [page(request).status_code for page in (
        errors.bad_request, errors.permission_denied, errors.page_not_found, errors.server_error, errors.unavailable,
        errors.csrf_failure,
    )] == [400, 403, 404, 500, 503, 403]


@pytest.mark.parametrize(("error", "cause"), [
    (OperationalError("connection refused"), None),
    (InternalError("cannot execute UPDATE in a read-only transaction"), ReadOnlySqlTransaction()),
])
def test_a_database_that_is_away_is_a_503_and_says_when_to_come_back(cast, signed_in, monkeypatch, error, cause):
    def away(*_):
        raise error from cause

    monkeypatch.setattr(queries, "visible_payments", away)
    client = signed_in(cast.merchant_user)
    client.raise_request_exception = False

    answer = client.get(reverse("panel:payments"))

    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert str(error) not in answer.content.decode()


def test_a_refusal_that_no_form_caught_is_said_on_a_page(cast, signed_in, make_payment, monkeypatch):
    payment = make_payment(cast.merchant, by=cast.merchant_user)

    def refuse(*_):
        raise IllegalTransition("The record has moved on.")

    monkeypatch.setattr(queries, "timeline", refuse)

    answer = signed_in(cast.merchant_user).get(reverse("panel:payment", args=[payment.public_id]))

    assert answer.status_code == 409
    assert "The record has moved on." in answer.content.decode()


# Front page ---------------------------------------------------------------------------------------------
def test_the_front_page_leads_to_the_sign_in(db):
    answer = Client().get("/")

    assert answer.status_code == 200
    assert f'href="{reverse("panel:sign-in")}"' in answer.content.decode()


def test_and_for_those_who_are_in_to_the_panel(cast, signed_in):
    page = signed_in(cast.merchant_user).get("/").content.decode()

    assert f'href="{reverse("panel:overview")}"' in page
    assert reverse("panel:sign-in") not in page
