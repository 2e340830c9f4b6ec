"""Payments in the panel: what is found, what is shown, and what each step does or leaves alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from ledger.testing import assert_ledger_balances
from payments.models import Payment, Refund


def _listed(client, **query):
    return client.get(reverse("panel:payments"), query).content.decode()


@pytest.fixture
def three(cast, make_payment, paid):
    """₹100 waiting by UPI, ₹2,000 succeeded by UPI, ₹30,000 waiting by card."""
    make_payment(cast.merchant, 10_000, reference="SMALL-1", payer_name="Ananya Sharma")
    paid(cast.merchant, 200_000, reference="MIDDLE-2", payer_name="Rohan Gupta", operator=cast.admin)
    make_payment(cast.merchant, 3_000_000, reference="LARGE-3", payer_name="Priya Nair", method="card")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"SMALL-1", "MIDDLE-2", "LARGE-3"}),
        ({"status": "succeeded"}, {"MIDDLE-2"}),
        ({"status": "created"}, {"SMALL-1", "LARGE-3"}),
        ({"method": "card"}, {"LARGE-3"}),
        ({"q": "rohan"}, {"MIDDLE-2"}),
        ({"q": "SMALL"}, {"SMALL-1"}),
        ({"q": "nobody"}, set()),
        ({"min_amount": "2000"}, {"MIDDLE-2", "LARGE-3"}),
        ({"max_amount": "2000.00"}, {"SMALL-1", "MIDDLE-2"}),
        ({"min_amount": "2000.01", "max_amount": "29999.99"}, set()),
        ({"from_day": "2000-01-01", "to_day": "2100-01-01"}, {"SMALL-1", "MIDDLE-2", "LARGE-3"}),
        ({"to_day": "2000-01-01"}, set()),
        ({"from_day": "2100-01-01"}, set()),
        ({"status": "succeeded", "method": "card"}, set()),
        ({"unknown": "x"}, {"SMALL-1", "MIDDLE-2", "LARGE-3"}),
    ],
)
def test_filters_find_exactly(cast, signed_in, three, query, found):
    page = _listed(signed_in(cast.merchant_user), **query)

    assert {name for name in ("SMALL-1", "MIDDLE-2", "LARGE-3") if f">{name}<" in page} == found


def test_a_day_is_one_of_the_readers_zone(cast, signed_in, make_payment):
    payment = make_payment(cast.merchant, reference="LATE-EVENING")
    Payment.objects.filter(pk=payment.pk).update(created_at=datetime(2026, 11, 20, 20, 0, tzinfo=UTC))
    client = signed_in(cast.merchant_user)

    in_utc = [">LATE-EVENING<" in _listed(client, from_day=day, to_day=day) for day in ("2026-11-20", "2026-11-21")]
    client.cookies["zone"] = "Asia/Kolkata"
    in_india = [">LATE-EVENING<" in _listed(client, from_day=day, to_day=day) for day in ("2026-11-20", "2026-11-21")]

    assert (in_utc, in_india) == ([True, False], [False, True])


@pytest.mark.parametrize(
    "query",
    [
        {"from_day": "0001-01-01"}, {"to_day": "9999-12-31"}, {"to_day": "2026-02-30"}, {"to_day": "20-11-2026"},
        {"status": "everything"}, {"method": "cash"}, {"from_day": "yesterday"}, {"min_amount": "1_000"},
        {"min_amount": "1e3"}, {"max_amount": "-5"}, {"max_amount": "٥"}, {"q": "a\0b"}, {"q": "x" * 101},
    ],
)
def test_a_bad_filter_finds_nothing_and_breaks_nothing(cast, signed_in, three, query):
    answer = signed_in(cast.merchant_user).get(reverse("panel:payments"), query)

    assert answer.status_code == 200
    assert ">SMALL-1<" not in answer.content.decode()


def test_htmx_gets_the_table_alone_and_a_browser_going_back_the_page(cast, signed_in, three):
    client = signed_in(cast.merchant_user)

    part = client.get(reverse("panel:payments"), headers={"HX-Request": "true"}).content.decode()
    back = client.get(
        reverse("panel:payments"), headers={"HX-Request": "true", "HX-History-Restore-Request": "true"}
    ).content.decode()

    assert "MIDDLE-2" in part
    assert "<html" not in part
    assert "<html" in back


def test_pages_keep_the_filters_in_the_address(cast, signed_in, make_payment):
    for _ in range(27):
        make_payment(cast.merchant)
    client = signed_in(cast.merchant_user)

    first = _listed(client, status="created")
    second = _listed(client, status="created", page="2")

    assert "1–25 of 27" in first
    assert "?status=created&amp;page=2" in first
    assert "26–27 of 27" in second


@pytest.mark.parametrize("page", ["0", "-1", "x", "99", "1e9", "²", "9" * 30, ""])
def test_a_page_that_does_not_exist_is_the_nearest_one(cast, signed_in, three, page):
    assert "1–3 of 3" in _listed(signed_in(cast.merchant_user), page=page)


def test_the_detail_shows_fee_tax_and_net_from_the_books(cast, signed_in, paid):
    payment = paid(cast.merchant, 100_000, by=cast.merchant_user, operator=cast.admin)

    page = signed_in(cast.merchant_user).get(reverse("panel:payment", args=[payment.public_id])).content.decode()

    assert "₹1,000.00" in page
    assert "GST collected" in page
    assert "Fees earned" in page
    assert "Payment captured" in page
    assert "Payment succeeded" in page
    assert payment.utr in page


# Creating -----------------------------------------------------------------------------------------------
_GOOD = {"amount": "499.50", "order_id": "INV-77", "method": "upi", "payer": "Ananya Sharma"}


@pytest.mark.parametrize("who", ["merchant_user", "api_user"])
def test_a_payment_is_made_and_its_link_shown(cast, signed_in, settings, who):
    client = signed_in(getattr(cast, who))

    answer = client.post(reverse("panel:payment-new"), _GOOD, follow=True)

    payment = Payment.objects.get()
    assert (payment.amount_minor, payment.mode, payment.merchant) == (49_950, "test", cast.merchant)
    assert payment.created_by == getattr(cast, who)
    assert f"{settings.PUBLIC_URL}/pay/{payment.page_token}" in answer.content.decode()


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"amount": ""}, "This field is required."),
        ({"amount": "1,000"}, "Must be a plain positive number"),
        ({"amount": "0"}, "Must be greater than zero."),
        ({"amount": "-5"}, "Must be a plain positive number"),
        ({"amount": "1.234"}, "Must have at most 2 decimal places."),
        ({"amount": "१००"}, "Must be a plain positive number"),
        ({"amount": "9" * 16}, "Must be a plain positive number"),
        ({"order_id": "with space"}, "Use 1 to 64 letters"),
        ({"order_id": "INV-77\n"}, None),
        ({"method": "cash"}, "Select a valid choice."),
        ({"email": "no"}, "Enter a valid email address."),
        ({"redirect_url": "javascript:alert(1)"}, "Enter a valid URL."),
    ],
)
def test_what_is_wrong_stands_beside_its_field(cast, signed_in, bad, said):
    answer = signed_in(cast.merchant_user).post(reverse("panel:payment-new"), _GOOD | bad)

    if said is None:  # a form strips what people paste around a word
        assert answer.status_code == 302
        return
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert Payment.objects.count() == 0


def test_an_order_id_is_used_once(cast, signed_in):
    client = signed_in(cast.merchant_user)
    client.post(reverse("panel:payment-new"), _GOOD)

    again = client.post(reverse("panel:payment-new"), _GOOD)

    assert again.status_code == 422
    assert "Order ID already exists." in again.content.decode()
    assert Payment.objects.count() == 1


def test_live_without_a_provider_says_so_and_makes_nothing(cast, signed_in):
    answer = signed_in(cast.merchant_user, mode="live").post(reverse("panel:payment-new"), _GOOD)

    assert answer.status_code == 422
    assert "No provider is configured for live mode yet." in answer.content.decode()
    assert Payment.objects.count() == 0


def test_an_operator_names_a_merchant_of_the_team(cast, signed_in):
    client = signed_in(cast.admin)

    none = client.post(reverse("panel:payment-new"), _GOOD)
    others = client.post(reverse("panel:payment-new"), _GOOD | {"merchant": cast.other.public_id})
    own = client.post(reverse("panel:payment-new"), _GOOD | {"merchant": cast.merchant.public_id})

    assert (none.status_code, others.status_code, own.status_code) == (422, 422, 302)
    assert Payment.objects.get().merchant == cast.merchant


def test_a_merchant_cannot_name_another(cast, signed_in):
    signed_in(cast.merchant_user).post(reverse("panel:payment-new"), _GOOD | {"merchant": cast.other.public_id})

    assert Payment.objects.get().merchant == cast.merchant


# Deciding -----------------------------------------------------------------------------------------------
def test_an_operator_marks_a_payment_as_succeeded(cast, signed_in, make_payment, balances):
    payment = make_payment(cast.merchant, 100_000, by=cast.merchant_user)
    address = reverse("panel:payment-succeeded", args=[payment.public_id])
    client = signed_in(cast.admin)

    asked = client.get(address).content.decode()
    answer = client.post(address, {"utr": "HDFC0012345678"})

    payment.refresh_from_db()
    assert "Mark ₹1,000.00 as received?" in asked
    assert answer.status_code == 302
    assert (payment.status, payment.utr) == ("succeeded", "HDFC0012345678")
    assert balances(cast.merchant) == (payment.net.minor, 0, 0)
    assert_ledger_balances()


def test_of_another_sum_than_was_asked_the_list_shows_and_finds_what_was_received(cast, signed_in, make_payment):
    payment, client = make_payment(cast.merchant, 100_000, by=cast.merchant_user), signed_in(cast.admin)
    client.post(
        reverse("panel:payment-succeeded", args=[payment.public_id]), {"utr": "HDFC0012345678", "received": "400"}
    )

    found = {query: client.get(f"{reverse('panel:payments')}?{query}").content.decode()
             for query in ("min_amount=400&max_amount=400", "max_amount=399.99", "min_amount=400.01")}

    record = client.get(reverse("panel:payment", args=[payment.public_id])).content.decode()
    assert [payment.order.reference in page for page in found.values()] == [True, False, False]
    cell = next(iter(found.values())).partition('record-amount">')[2].partition("</td>")[0]
    assert cell == '₹400.00<span class="sub">of ₹1,000.00 asked for</span>'
    assert '<h1 class="page-figure">₹400.00</h1>' in record
    assert "<dt>Asked for</dt><dd>₹1,000.00</dd>" in record


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"utr": ""}, "This field is required."),
        ({"utr": "!"}, "Must be 6 to 40 letters and digits."),
        ({"utr": "HDFC0012345678", "received": "1e3"}, "Must be a plain positive number"),
    ],
)
def test_without_a_proper_utr_nothing_is_booked(cast, signed_in, make_payment, balances, sent, said):
    payment = make_payment(cast.merchant, by=cast.merchant_user)

    answer = signed_in(cast.admin).post(reverse("panel:payment-succeeded", args=[payment.public_id]), sent)

    payment.refresh_from_db()
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert payment.status == "created"
    assert balances(cast.merchant) == (0, 0, 0)


def test_nobody_decides_about_a_payment_of_their_own(cast, signed_in, make_payment, balances):
    payment = make_payment(cast.merchant, by=cast.admin)
    client = signed_in(cast.admin)

    page = client.get(reverse("panel:payment", args=[payment.public_id])).content.decode()
    answer = client.post(reverse("panel:payment-succeeded", args=[payment.public_id]), {"utr": "HDFC0012345678"})

    payment.refresh_from_db()
    assert "Mark as succeeded" not in page
    assert answer.status_code == 422
    assert "created themselves" in answer.content.decode()
    assert payment.status == "created"
    assert balances(cast.merchant) == (0, 0, 0)


def test_a_payment_marked_as_failed_keeps_the_reason(cast, signed_in, make_payment, balances):
    payment = make_payment(cast.merchant, by=cast.merchant_user)
    address = reverse("panel:payment-failed", args=[payment.public_id])
    client = signed_in(cast.admin)

    empty = client.post(address, {"reason": " "})
    client.post(address, {"reason": "Never arrived"})
    again = client.post(address, {"reason": "Twice"})

    payment.refresh_from_db()
    assert (empty.status_code, again.status_code) == (422, 422)
    assert (payment.status, payment.failure_reason) == ("failed", "Never arrived")
    assert balances(cast.merchant) == (0, 0, 0)


# Refunds ------------------------------------------------------------------------------------------------
def test_a_merchant_refunds_a_part(cast, signed_in, paid, balances):
    payment = paid(cast.merchant, 100_000, by=cast.merchant_user, operator=cast.admin)
    available = balances(cast.merchant)[0]
    address = reverse("panel:payment-refund", args=[payment.public_id])
    client = signed_in(cast.merchant_user)

    asked = client.get(address).content.decode()
    answer = client.post(address, {"amount": "250.00", "reason": "One item returned", "once": "a"})

    assert "Up to ₹1,000.00 can go back" in asked
    assert 'value="1000.00"' in asked
    assert answer.status_code == 302
    assert Refund.objects.get().amount_minor == 25_000
    assert balances(cast.merchant) == (available - 25_000, 0, 25_000)
    assert_ledger_balances()


@pytest.mark.parametrize(
    ("amount", "said"), [("1000.01", "At most 1000.00 can still be refunded."), ("0", "Must be greater than zero.")]
)
def test_a_refund_beyond_the_payment_is_refused(cast, signed_in, paid, balances, amount, said):
    payment = paid(cast.merchant, 100_000, by=cast.merchant_user, operator=cast.admin)
    before = balances(cast.merchant)

    answer = signed_in(cast.merchant_user).post(
        reverse("panel:payment-refund", args=[payment.public_id]), {"amount": amount, "once": "a"}
    )

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert Refund.objects.count() == 0
    assert balances(cast.merchant) == before


def test_pressing_refund_twice_refunds_once_and_a_refusal_may_be_mended(cast, signed_in, paid, balances):
    payment = paid(cast.merchant, 100_000, by=cast.merchant_user, operator=cast.admin)
    available = balances(cast.merchant)[0]
    address = reverse("panel:payment-refund", args=[payment.public_id])
    client = signed_in(cast.merchant_user)

    statuses = [
        client.post(address, {"amount": amount, "once": "same"}).status_code for amount in ("5000", "250", "250")
    ]

    assert statuses == [422, 302, 422]
    assert Refund.objects.count() == 1
    assert balances(cast.merchant) == (available - 25_000, 0, 25_000)


def test_a_failed_payment_can_still_turn_out_to_be_paid(cast, signed_in, make_payment):
    payment = make_payment(cast.merchant, by=cast.merchant_user)
    client = signed_in(cast.admin)
    client.post(reverse("panel:payment-failed", args=[payment.public_id]), {"reason": "Not seen"})

    page = client.get(reverse("panel:payment", args=[payment.public_id])).content.decode()
    client.post(reverse("panel:payment-succeeded", args=[payment.public_id]), {"utr": "HDFC0012345678"})
    flagged = client.get(reverse("panel:payment", args=[payment.public_id])).content.decode()
    client.post(reverse("panel:payment-flag", args=[payment.public_id]), {"note": "Seen on the statement"})

    payment.refresh_from_db()
    assert "Mark as succeeded" in page
    assert "Mark as failed" not in page
    assert "Somebody must look at this." in flagged
    assert (payment.status, payment.flag) == ("succeeded", "")


def test_a_payment_that_was_never_paid_has_nothing_to_refund(cast, signed_in, make_payment):
    payment = make_payment(cast.merchant, by=cast.merchant_user)

    answer = signed_in(cast.merchant_user).post(reverse("panel:payment-refund", args=[payment.public_id]), {})

    assert answer.status_code == 422
    assert Refund.objects.count() == 0


def test_somebody_elses_payment_cannot_be_refunded(cast, signed_in, paid, balances):
    payment = paid(cast.other, by=cast.other_user, operator=cast.other_admin)
    before = balances(cast.other)

    answer = signed_in(cast.merchant_user).post(reverse("panel:payment-refund", args=[payment.public_id]), {})

    assert answer.status_code == 404
    assert Refund.objects.count() == 0
    assert balances(cast.other) == before
