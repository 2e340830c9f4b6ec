"""What each viewer sees of payments, and that the panel's figures are what was captured."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone

from accounts.actors import Actor
from gateway.lib.errors import NotFound
from payments import queries, work
from payments.models import Payment
from payments.services import create_refund

pytestmark = pytest.mark.django_db


def test_each_role_sees_what_is_its_own(cast, make, viewer_of, provider):
    own, by_api_user, others = make(), make(created_by=cast.api_user), make(merchant=cast.other)
    live = make(mode="live")
    seen = {
        cast.super_admin: {own, by_api_user, others}, cast.admin: {own, by_api_user}, cast.other_admin: {others},
        cast.merchant_user: {own, by_api_user}, cast.api_user: {by_api_user}, cast.other_user: {others},
    }

    for user, payments in seen.items():
        assert set(queries.visible_payments(viewer_of(user))) == payments
    assert set(queries.visible_payments(viewer_of(cast.merchant_user, "live"))) == {live}


def test_newest_first_in_two_queries_at_most(cast, make, viewer_of, django_assert_num_queries):
    payments = [make() for _ in range(3)]

    with django_assert_num_queries(1):
        rows = list(queries.visible_payments(viewer_of(cast.merchant_user)))
        assert [row.order.reference and row.merchant.name and row.created_by.name for row in rows]

    assert rows == payments[::-1]


def test_search_finds_by_order_payer_utr_and_id(cast, make, paid, viewer_of):
    make(reference="CHAI-77", payer_name="Asha Rao")
    found = paid()
    rows = queries.visible_payments(viewer_of(cast.merchant_user))

    assert [row.order.reference for row in queries.search(rows, " chai-7 ")] == ["CHAI-77"]
    assert [row.payer_name for row in queries.search(rows, "asha")] == ["Asha Rao"]
    assert list(queries.search(rows, found.utr)) == list(queries.search(rows, found.public_id)) == [found]
    assert queries.search(rows, "").count() == 2
    for text in ("nothing", "\0", "%", "_%_"):
        assert not queries.search(rows, text).exists()


def test_a_page_is_found_by_its_token_only(make):
    payment = make()

    assert queries.payment_by_token(payment.page_token) == payment
    for token in ("", payment.public_id, payment.page_token[:-1]):
        with pytest.raises(NotFound):
            queries.payment_by_token(token)


def test_the_timeline_tells_what_happened_and_who_did_it(cast, paid, fund):
    fund(cast.merchant, 10_000)
    payment = paid(vpa="asha@okbank")
    create_refund(actor=Actor(cast.admin, "panel"), payment=payment)
    work.drive_refunds()

    items = queries.timeline(payment)

    assert [(item.title, item.actor) for item in items] == [
        ("Payment created", "Merchant"), ("Payer confirmed", "payment page"), ("Payment succeeded", "sandbox"),
        ("Money booked", "sandbox"), ("Refund asked for", "Admin"), ("Refund paid", "sandbox"),
    ]
    assert items[0].detail == "1000.00 INR by UPI"
    assert items[1].detail == "asha@okbank"
    assert items[3].detail == "fee 23.60, net 976.40"
    assert items == sorted(items, key=lambda item: item.at)


def test_daily_totals_count_captured_money_by_day(cast, paid, confirmed, viewer_of):
    payments = [paid(100_000), paid(50_000), paid(20_000)]
    confirmed(vpa="failure@upi")
    work.drive_payments()
    paid(7_000, merchant=cast.other)
    yesterday, long_ago = timezone.now() - timedelta(days=1), timezone.now() - timedelta(days=30)
    Payment.objects.filter(pk=payments[1].pk).update(completed_at=yesterday)
    Payment.objects.filter(pk=payments[2].pk).update(completed_at=long_ago)

    days = queries.daily_totals(viewer_of(cast.merchant_user), 30)

    assert [day.day for day in days] == [timezone.localdate() - timedelta(days=back) for back in range(29, -1, -1)]
    assert (days[-1].count, days[-1].failed, days[-1].succeeded_minor, days[-1].fee_minor) == (1, 1, 100_000, 2_360)
    assert (days[-1].success_rate, days[-2].success_rate, days[0].success_rate) == (50.0, 100.0, None)
    assert (days[-2].count, days[-2].succeeded_minor) == (1, 50_000)
    assert sum(day.succeeded_minor for day in days) == 150_000
    everything = queries.daily_totals(viewer_of(cast.super_admin), 1)
    assert everything[0].succeeded_minor == 107_000


def test_a_day_is_the_viewers_own(cast, paid, viewer_of):
    payment = paid(100_000)
    india = ZoneInfo("Asia/Kolkata")
    midnight = timezone.now().astimezone(india).replace(hour=0, minute=0, second=0, microsecond=0)
    Payment.objects.filter(pk=payment.pk).update(completed_at=midnight - timedelta(minutes=1))

    days = queries.daily_totals(viewer_of(cast.merchant_user), 2, zone=india)

    assert [day.count for day in days] == [1, 0]


def test_todays_figures(cast, paid, confirmed, fund, viewer_of):
    fund(cast.merchant, 10_000)
    create_refund(actor=Actor.system("tests"), payment=paid(100_000))
    work.drive_refunds()
    confirmed(vpa="pending@upi")
    Payment.objects.filter(pk=paid(1_000).pk).update(flag="late_success")

    figures = queries.today_figures(viewer_of(cast.merchant_user))

    assert (figures.totals.count, figures.totals.succeeded_minor) == (2, 101_000)
    assert (figures.open, figures.refunded_minor, figures.flagged) == (1, 100_000, 1)
    assert queries.needing_attention(viewer_of(cast.admin)).count() == 1
    assert queries.today_figures(viewer_of(cast.other_user)).totals.count == 0


def test_uncaptured_money_counts_as_a_success_but_not_as_money(cast, manual_order, pay, viewer_of):
    pay(manual_order(100_000))
    work.drive_payments()

    [today] = queries.daily_totals(viewer_of(cast.merchant_user), 1)

    assert (today.count, today.succeeded_minor, today.fee_minor) == (1, 0, 0)


@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_the_search_is_answered_by_its_indexes(cast, viewer_of):
    with connection.cursor() as cursor:  # in an empty table another way would do as well
        for way in ("seqscan", "indexscan", "indexonlyscan", "nestloop"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
    plan = queries.search(queries.visible_payments(viewer_of(cast.merchant_user)), "asha").explain()

    assert "Bitmap Index Scan on payment_words" in plan
    assert "Bitmap Index Scan on order_words" in plan
