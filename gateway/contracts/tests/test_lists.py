"""Lists: pages that fit together, a stable order, filters that narrow, and bad values that are named."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import caches
from django.http import QueryDict
from django.utils import timezone

from accounts.actors import Actor, Viewer
from gateway.contracts import days, pagination
from gateway.contracts.portal import base
from gateway.lib.money import Money
from payments.models import Payment
from payments.queries import visible_payments
from payments.services import create_payment, simulate


@pytest.fixture
def some(cast):
    """`some(7)`: payments of ₹1 … ₹7, a day apart, the newest last."""

    def some(count, **more):
        made = [
            create_payment(
                actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, mode="test", contract="portal",
                amount=Money(100 * number, "INR"), reference=f"ORDER-{number:03}", created_by=cast.merchant_user,
                payer_name=f"Payer {number}", **more,
            )
            for number in range(1, count + 1)
        ]
        for number, payment in enumerate(made, 1):
            moment = datetime(2026, 4, 1, 12, tzinfo=UTC) + timedelta(days=number - 1)
            Payment.objects.filter(pk=payment.pk).update(created_at=moment)
        return made

    return some


def orders(api, query):
    response = api("merchant_user", "GET", f"/payments{query}")
    assert response.status_code == 200, response.content
    return [int(row["order_id"][-3:]) for row in response.json()["data"]]


def pages(api, query):
    return list(api("merchant_user", "GET", f"/payments{query}").json()["pagination"].values())


def test_pagination_has_exactly_these_fields(api, some):
    some(5)

    body = api("merchant_user", "GET", "/payments?page=2&limit=2").json()

    assert list(body) == ["success", "data", "pagination"]
    assert body["pagination"] == {
        "current_page": 2, "total_pages": 3, "total_items": 5, "items_per_page": 2, "has_next": True, "has_prev": True
    }


def test_pages_fit_together_newest_first(api, some):
    some(5)

    assert orders(api, "") == [5, 4, 3, 2, 1]
    assert [orders(api, f"?limit=2&page={page}") for page in (1, 2, 3, 4)] == [[5, 4], [3, 2], [1], []]
    assert pages(api, "?limit=2&page=1") == [1, 3, 5, 2, True, False]
    assert pages(api, "?limit=2&page=3") == [3, 3, 5, 2, False, True]
    assert pages(api, "?limit=2&page=4") == [4, 3, 5, 2, False, True]
    assert pages(api, "?limit=5") == [1, 1, 5, 5, False, False]


def test_an_empty_list(api):
    assert pages(api, "") == [1, 0, 0, 20, False, False]
    assert pages(api, "?page=7") == [7, 0, 0, 20, False, False]


def test_payments_of_one_instant_keep_their_order(api, some):
    some(9)
    Payment.objects.update(created_at=datetime(2026, 4, 1, tzinfo=UTC))

    seen = [number for page in range(1, 6) for number in orders(api, f"?limit=2&page={page}")]

    assert seen == [9, 8, 7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize("limit", ["1", "100"])
def test_limits_within_bounds(api, some, limit):
    some(2)

    assert pages(api, f"?limit={limit}")[3] == int(limit)


@pytest.mark.parametrize(("name", "value"), [
    (name, value)
    for name in ("page", "limit")
    for value in ("0", "-1", "", "x", "1.5", "1e2", "%2B1", "01", "１", "9" * 30, "true", "%201", "1%20", "101000000")
] + [("limit", "101")])
def test_bad_pages_are_named(api, refused, name, value):
    error = refused(api("merchant_user", "GET", f"/payments?{name}={value}"), 400, "invalid_fields")

    assert error["fields"] == [name]
    assert "from 1 to" in error["message"]


def test_filters_narrow(api, some):
    made = some(6)
    simulate(payment=made[0], succeed=False)
    Payment.objects.filter(pk=made[1].pk).update(method="card", utr="UTR777")

    assert orders(api, "?status=failed") == [1]
    assert orders(api, "?status=pending") == [6, 5, 4, 3, 2]
    assert orders(api, "?status=completed") == []
    assert orders(api, "?method=card") == [2]
    assert orders(api, "?order_id=ORDER-003") == [3]
    assert orders(api, "?order_id=ORDER-00") == []
    assert orders(api, "?min_amount=4&max_amount=5") == [5, 4]
    assert orders(api, "?min_amount=4.01") == [6, 5]
    assert orders(api, "?start_date=2026-04-03&end_date=2026-04-04") == [4, 3]
    assert orders(api, "?start_date=2026-04-05T12:00:00Z") == [6, 5]
    assert orders(api, "?start_date=2026-04-05T12:00:00.000001Z") == [6]
    # PostgreSQL itself takes no offset beyond 15:59.
    assert orders(api, "?start_date=2026-04-06T11:59:00%2B23:59") == [6, 5]
    assert orders(api, "?start_date=2026-04-04T12:01:00.000001-23:59") == [6]
    assert orders(api, "?end_date=2026-04-01T17:30:00%2B05:30") == [1]
    assert orders(api, "?end_date=2026-04-01T11:59") == []
    assert orders(api, "?search=utr777") == [2]
    assert orders(api, "?search=payer%205") == [5]
    assert orders(api, f"?search={made[3].public_id}") == [4]
    assert orders(api, "?search=order-006") == [6]
    assert orders(api, "?search=100%25") == []
    assert orders(api, "?status=pending&min_amount=3&limit=1&page=2") == [5]


@pytest.mark.parametrize(("end", "expected"), [
    ("2026-04-02T06:00:07.123Z", [1]), ("2026-04-02T06:00:07.122Z", []), ("2026-04-02T06:00:07.123455Z", []),
    ("2026-04-02T06:00:07Z", [1]), ("2026-04-02T11:30:07%2B05:30", [1]), ("2026-04-02T06:00:06Z", []),
])
def test_an_end_holds_all_that_it_names(api, some, end, expected):
    payment = some(1)[0]
    Payment.objects.filter(pk=payment.pk).update(created_at=datetime(2026, 4, 2, 6, 0, 7, 123456, tzinfo=UTC))

    assert orders(api, f"?end_date={end}") == expected


def test_amounts_are_looked_for_as_they_are_told(api, cast):
    """One of which another sum was received than was asked for shows what was received."""
    row = create_payment(
        actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, mode="test", contract="portal",
        amount=Money(50_000, "INR"), reference="OTHER-SUM", created_by=cast.merchant_user,
    )
    Payment.objects.filter(pk=row.pk).update(status="succeeded", received_minor=30_000, utr="UTR0000001")

    def found(query):
        listed = api("merchant_user", "GET", f"/payments{query}").json()["data"]
        return [(one["order_id"], one["amount"]) for one in listed]

    assert found("?min_amount=300&max_amount=300") == [("OTHER-SUM", 300)]
    assert found("?min_amount=300.01") == []


@pytest.mark.parametrize("query", ["?nonsense=1", "?Status=x", "?status=", "?search=", "?min_amount=", "?start_date=&page=1"])
def test_unknown_and_empty_filters_are_ignored(api, some, query):
    some(2)

    assert orders(api, query) == [2, 1]


@pytest.mark.parametrize(("path", "name", "value", "allowed"), [
    ("/payments", "status", "created", "pending, processing, completed, failed"),
    ("/payments", "status", "PENDING", "pending, processing, completed, failed"),
    ("/payments", "method", "netbanking", "upi, card"),
    ("/payouts", "status", "completed", "pending, approved, processing, processed, rejected"),
    ("/payouts", "status", "failed", "pending, approved, processing, processed, rejected"),
    ("/payouts", "method", "imps", "IMPS, NEFT, RTGS"),
    ("/users", "role", "owner", "super_admin, admin, merchant, api_user, partner_api"),
    ("/users", "status", "gone", "active, suspended"),
    ("/webhook-endpoints", "contract", "x", "portal, signed, checkout, dashboard"),
])
def test_a_bad_filter_names_the_allowed_values(api, refused, path, name, value, allowed):
    error = refused(api("merchant_user", "GET", f"{path}?{name}={value}"), 400, "invalid_fields")

    assert error["fields"] == [name]
    assert error["message"] == f"{name}: must be one of {allowed}"


@pytest.mark.parametrize("path", ["/payments", "/payouts"])
@pytest.mark.parametrize("name", ["start_date", "end_date"])
@pytest.mark.parametrize("value", [
    "yesterday", "2026-13-01", "2026-02-30", "26-01-01", "2026/01/01", "20260101", "2026-W01-1", "0001-01-01", "9999-12-31",
    "2026-01-01T25:00", "2026-01-01T00:00:00%2B25:00", "2026-01-01 00:00", "２０２６-01-01", "1", "2026-01-01T00:00:00 05:30",
])
def test_a_bad_date_is_named(api, refused, path, name, value):
    error = refused(api("merchant_user", "GET", f"{path}?{name}={value}"), 400, "invalid_fields")

    assert error["fields"] == [name]


@pytest.mark.parametrize(("query", "name"), [
    (f"?search={'x' * 101}", "search"), (f"?order_id={'x' * 65}", "order_id"), (f"?merchant_id={'m' * 25}", "merchant_id"),
])
def test_a_filter_that_is_too_long_is_named(api, refused, query, name):
    assert refused(api("merchant_user", "GET", f"/payments{query}"), 400, "invalid_fields")["fields"] == [name]


def test_all_bad_filters_are_named_at_once(api, refused):
    error = refused(api("merchant_user", "GET", "/payments?status=x&method=y&min_amount=z"), 400, "invalid_fields")

    assert sorted(error["fields"]) == ["method", "min_amount", "status"]


def test_a_merchant_id_narrows_an_operators_list_and_leaks_nothing(api, cast, some):
    some(2)

    def count(who, merchant):
        return len(api(who, "GET", f"/payments?merchant_id={merchant.public_id}").json()["data"])

    assert (count("admin", cast.merchant), count("admin", cast.other)) == (2, 0)
    assert (count("other_admin", cast.merchant), count("other_user", cast.merchant)) == (0, 0)


def test_payouts_are_filtered_and_searched(api, cast, fund, payout_body):
    fund(cast.merchant, 100_000)
    for number in (1, 2, 3):
        api("merchant_user", "POST", "/payouts", payout_body(amount=number, order_id=f"P-{number}", beneficiary_name=f"B-{number}"))

    def found(query):
        return [row["order_id"] for row in api("merchant_user", "GET", f"/payouts{query}").json()["data"]]

    assert found("") == ["P-3", "P-2", "P-1"]
    assert found("?status=pending&min_amount=2&max_amount=2") == ["P-2"]
    assert found("?search=b-3") == ["P-3"]
    assert found("?order_id=P-1&method=IMPS") == ["P-1"]
    assert found("?end_date=2020-01-01") == []


@pytest.mark.parametrize("limit", [7, 20])
def test_far_pages_are_the_same_rows_found_from_either_end(cast, some, monkeypatch, limit):
    some(41)
    monkeypatch.setattr(pagination, "FAR", 1)
    rows = visible_payments(Viewer(cast.merchant_user, "test"))
    expected = [row.pk for row in rows]

    found = []
    for number in range(1, 8):
        page = pagination.page_of(QueryDict(f"page={number}&limit={limit}"), rows)
        found += [row.pk for row in page.rows]

    assert found == expected


@pytest.mark.parametrize("limit", [2, 7])
def test_pages_found_by_their_day_are_the_same_rows(cast, some, api, monkeypatch, limit):
    for name, value in (("FAR", 1), ("_LARGE", 1), ("_REMEMBER_SECONDS", 0)):
        monkeypatch.setattr(pagination, name, value)
    made = some(41)
    noon, midnight = datetime(2026, 4, 9, 12, tzinfo=UTC), datetime(2026, 4, 21, tzinfo=UTC)
    Payment.objects.filter(pk=made[7].pk).update(created_at=noon)  # with the ninth's own
    Payment.objects.filter(pk=made[20].pk).update(created_at=midnight)
    Payment.objects.filter(pk__in=[made[30].pk, made[40].pk]).update(created_at=timezone.now())
    rows = visible_payments(Viewer(cast.merchant_user, "test"))

    def paged():
        numbers = range(1, -(-rows.count() // limit) + 1)
        pages = [pagination.page_of(QueryDict(f"page={n}&limit={limit}"), rows, by_day=True) for n in numbers]
        return [row.pk for page in pages for row in page.rows]

    assert paged() == [row.pk for row in rows.all()]
    # What comes in moves every page by one, whatever was counted before.
    assert api("merchant_user", "POST", "/payments", {"amount": 9, "order_id": "NEW"}).status_code == 201
    assert paged() == [row.pk for row in rows.all()]
    assert len(rows.all()) == 42


def test_days_that_are_over_are_counted_once(cast, some, monkeypatch, django_assert_num_queries):
    some(9)
    rows = visible_payments(Viewer(cast.merchant_user, "test"))

    with django_assert_num_queries(2):
        near, before = days.from_day_of(rows, 4)
    with django_assert_num_queries(1):  # of the days that are not over
        days.from_day_of(rows, 7)

    assert (near.first().amount_minor, before) == (500, 0)


def test_a_day_is_over_an_hour_after_its_end(cast, some, monkeypatch):
    some(2)
    rows = visible_payments(Viewer(cast.merchant_user, "test"))
    for moment, closed in ((datetime(2026, 4, 2, 0, 59, tzinfo=UTC), []), (datetime(2026, 4, 2, 1, tzinfo=UTC), [1])):
        seen = []
        monkeypatch.setattr(days.timezone, "now", lambda moment=moment: moment)
        monkeypatch.setattr(days, "_counts", lambda rows, until, seen=seen: seen.extend(rows.filter(created_at__lt=until)) or [])
        days.from_day_of(rows, 0)
        assert [row.amount_minor // 100 for row in seen] == closed


@pytest.mark.parametrize(("who", "query", "by_day"), [
    ("merchant_user", "", True), ("api_user", "?page=2&limit=1", True), ("super_admin", "", False),
    ("merchant_user", "?status=pending", False), ("admin", "", False),
])
def test_only_whole_lists_whose_rows_stay_are_paged_by_day(api, some, monkeypatch, who, query, by_day):
    some(3)
    asked = []

    def page_of(*arguments, by_day):
        asked.append(by_day)
        return pagination.page_of(*arguments)

    monkeypatch.setattr(base, "page_of", page_of)
    assert api(who, "GET", f"/payments{query}").status_code == 200
    assert asked == [by_day]


def test_a_large_total_is_counted_once_in_a_while(cast, some, monkeypatch, django_assert_num_queries):
    some(3)
    monkeypatch.setattr(pagination, "_LARGE", 2)
    caches["local"].clear()
    rows = visible_payments(Viewer(cast.merchant_user, "test"))

    with django_assert_num_queries(2):
        pagination.page_of(QueryDict(), rows)
    with django_assert_num_queries(1):
        page = pagination.page_of(QueryDict(), rows)
    with django_assert_num_queries(1):  # another list is another total, and an empty one needs no rows
        other = pagination.page_of(QueryDict(), visible_payments(Viewer(cast.other_user, "test")))

    assert (page.pagination["total_items"], other.pagination["total_items"]) == (3, 0)
