"""Every documented filter, order and default of the lists; bad values name the good ones; unknown filters are ignored."""

from datetime import UTC, datetime, timedelta

import pytest

from crypto import testing
from crypto.models import ChainTransaction, DepositAddress, Network, Session, Token, Withdrawal
from gateway.contracts.dashboard.testing import Dashboard, refused

pytestmark = pytest.mark.django_db
DAY = datetime(2026, 3, 1, tzinfo=UTC)
ONE = 10**8


@pytest.fixture
def dashboard(cast):
    return Dashboard(cast.merchant)


@pytest.fixture
def sessions(cast):
    """A to F, a day apart: (reference, status, network, currency, tokens, paid on day)."""
    rows = [
        ("A", "paid", "BSC", "USDT", 30, 6), ("B", "pending", "BSC", "USDC", 10, None),
        ("C", "failed", "ETH", "USDT", 20, None), ("D", "paid", "TRX", "USDT", 50, 4),
        ("E", "expired", "SOL", "USDC", 40, None), ("F", "paid", "BSC", "USDT", 10, 5),
    ]
    made = {}
    for day, (name, status, code, currency, tokens, paid) in enumerate(rows):
        address = testing.add_addresses(code)[0]
        made[name] = Session.objects.create(
            merchant=cast.merchant, mode="test", status=status, reference=f"REF-{name}", amount_minor=tokens * ONE,
            currency=currency, network_id=code, address=address, customer_email=f"{name.lower()}@shop.example",
            required_confirmations=12, expires_at=DAY, created_at=DAY + timedelta(days=day),
            paid_at=DAY + timedelta(days=paid) if paid else None,
            received_minor=tokens * ONE if status == "paid" else 0,
        )
    return made


def found(dashboard, **query):
    return "".join(row["reference"][-1] for row in dashboard.get("/sessions", **query)["sessions"])


@pytest.mark.parametrize(("query", "expected"), [
    ({}, "FEDCBA"), ({"sort_order": "asc"}, "ABCDEF"), ({"status": "all"}, "FEDCBA"), ({"status": "paid"}, "FDA"),
    ({"status": "pending"}, "B"), ({"status": "failed"}, "C"), ({"status": "expired"}, "E"), ({"status": ""}, "FEDCBA"),
    ({"network": "BSC"}, "FBA"), ({"network": "all", "currency": "all"}, "FEDCBA"), ({"network": "SOL"}, "E"),
    ({"network": "POL"}, ""), ({"currency": "USDC"}, "EB"), ({"status": "paid", "network": "TRX", "currency": "USDT"}, "D"),
    ({"start_date": "2026-03-03"}, "FEDC"), ({"end_date": "2026-03-03"}, "CBA"),
    ({"end_date": "2026-03-03T00:00:00Z"}, "CBA"), ({"end_date": "2026-03-02T23:59:59Z"}, "BA"),
    ({"start_date": "2026-03-02", "end_date": "2026-03-04"}, "DCB"), ({"search": "ref-a"}, "A"), ({"search": "REF"}, "FEDCBA"),
    ({"search": "C@SHOP"}, "C"), ({"search": "nothing"}, ""), ({"search": "%25"}, ""), ({"search": "_"}, ""),
    ({"sort_by": "amount"}, "DEACFB"), ({"sort_by": "amount", "sort_order": "asc"}, "BFCAED"),
    ({"sort_by": "paid_at", "status": "paid"}, "AFD"), ({"sort_by": "paid_at", "sort_order": "asc", "status": "paid"}, "DFA"),
    ({"unknown": "1", "foo[bar]": "x"}, "FEDCBA"), ({"limit": 2, "page": 2}, "DC"), ({"limit": 2, "page": 9}, ""),
])
def test_sessions(dashboard, sessions, query, expected):
    rows = found(dashboard, **query)

    ties = query.get("sort_by") == "amount"  # B and F ask for the same: their ids decide, either way
    assert (sorted(rows) if ties else rows) == (sorted(expected) if ties else expected)
    if ties:
        assert rows.replace("F", "B") == expected.replace("F", "B")


def test_a_session_lies_between_its_own_moment_and_itself(dashboard, sessions):
    """Answers tell whole seconds; so an end is all of its second."""
    Session.objects.filter(pk=sessions["A"].pk).update(created_at=DAY + timedelta(seconds=5, microseconds=999_999))
    told = dashboard.get("/sessions", search="REF-A")["sessions"][0]["created_at"]
    made = dashboard.get("/analytics/payments", start_date=told, end_date=told)

    assert told == "2026-03-01T00:00:05Z"
    assert found(dashboard, start_date=told, end_date=told) == "A"
    assert (made["start_date"], made["end_date"], made["overview"]["total_sessions"]) == (told, told, 1)
    assert found(dashboard, start_date=told, end_date="2026-03-01T00:00:04Z") == ""


def test_unpaid_sessions_come_last_by_payment_either_way(dashboard, sessions):
    assert found(dashboard, sort_by="paid_at")[:3] == "AFD"
    assert found(dashboard, sort_by="paid_at", sort_order="asc")[:3] == "DFA"


def test_search_by_id(dashboard, sessions):
    text = str(sessions["D"].pk)

    assert found(dashboard, search=text) == found(dashboard, search=text.upper()) == found(dashboard, search=text[:13]) == "D"
    assert found(dashboard, search=text.replace("-", "")) == "D"
    assert "D" not in found(dashboard, search=text[1:])


def test_pages_and_their_summary_are_of_one_count(dashboard, sessions):
    page = dashboard.get("/sessions", limit=4, page=1)
    last = dashboard.get("/sessions", limit=4, page=2)

    assert page["pagination"] == {
        "current_page": 1, "total_pages": 2, "total_items": 6, "items_per_page": 4, "has_next": True, "has_prev": False,
    }
    assert (last["pagination"]["has_next"], last["pagination"]["has_prev"], len(last["sessions"])) == (False, True, 2)
    assert page["summary"] == last["summary"] == {
        "total_sessions": 6, "total_paid": 3, "total_pending": 1, "total_failed": 1, "total_expired": 1
    }
    assert dashboard.get("/sessions", network="BSC")["summary"] == {
        "total_sessions": 3, "total_paid": 2, "total_pending": 1, "total_failed": 0, "total_expired": 0
    }
    assert dashboard.get("/sessions", network="POL")["pagination"]["total_pages"] == 0


@pytest.mark.parametrize(("path", "name", "value", "allowed"), [
    ("sessions", "status", "PAID", ["pending", "paid", "failed", "expired"]),
    ("sessions", "network", "BTC", ["BSC", "ETH", "POL", "TRX", "SOL"]),
    ("sessions", "network", "bsc", ["BSC", "ETH", "POL", "TRX", "SOL"]),
    ("sessions", "currency", "DAI", ["USDT", "USDC"]),
    ("sessions", "sort_by", "reference", ["created_at", "amount", "paid_at"]),
    ("sessions", "sort_order", "up", ["asc", "desc"]),
    ("addresses", "status", "open", ["active", "assigned", "unassigned", "inactive"]),
    ("addresses", "sweep_status", "x", ["pending", "swept", "failed"]),
    ("addresses", "has_balance", "yes", ["true", "false"]),
    ("addresses", "sort_by", "x", ["created_at", "updated_at", "last_used_at", "balance"]),
    ("transactions", "type", "in", ["incoming", "outgoing", "sweep"]),
    ("withdrawals", "status", "done", ["pending", "processing", "completed", "failed"]),
    ("withdrawals", "method", "bank", ["crypto", "fiat"]),
    ("analytics/payments", "period", "1d", ["24h", "7d", "30d", "90d", "1y", "all"]),
    ("analytics/payments", "group_by", "year", ["hour", "day", "week", "month"]),
])
def test_a_bad_word_is_told_the_good_ones(dashboard, path, name, value, allowed):
    error = refused(dashboard("GET", f"/dashboard/{path}?{name}={value}"), 400, "INVALID_PARAMETER", name)

    assert error["details"] == {"parameter": name, "allowed_values": allowed}


@pytest.mark.parametrize(("path", "name", "value"), [
    ("sessions", "page", "0"), ("sessions", "page", "x"), ("sessions", "limit", "101"), ("sessions", "limit", "-1"),
    ("sessions", "limit", "1.5"), ("sessions", "start_date", "yesterday"), ("sessions", "end_date", "2026-13-01"),
    ("sessions", "search", "x" * 255), ("transactions", "min_amount", "-1"), ("transactions", "min_amount", "1e3"),
    ("transactions", "max_amount", "NaN"), ("transactions", "max_amount", "1.123456789"),
    ("transactions", "max_amount", "%D9%A1"), ("analytics/payments", "start_date", "2026-02-30"),
])
def test_other_bad_values(dashboard, path, name, value):
    error = refused(dashboard("GET", f"/dashboard/{path}?{name}={value}"), 400, "INVALID_PARAMETER", name)

    assert set(error["details"]) == {"parameter"}


def test_several_bad_values_are_told_together(dashboard):
    error = refused(dashboard("GET", "/dashboard/sessions?status=x&network=y"), 400, "INVALID_PARAMETER", "status")

    assert set(error["details"]["fields"]) == {"status", "network"}


# The other lists --------------------------------------------------------------------------------------------


@pytest.fixture
def transactions(cast):
    made = [
        ("a", "incoming", "BSC", "USDT", 10 * ONE, "confirmed"), ("b", "incoming", "ETH", "USDC", 20 * ONE, "pending"),
        ("c", "sweep", "BSC", "USDT", 10 * ONE, "confirmed"), ("d", "outgoing", "SOL", "USDT", 5 * ONE + 1, "failed"),
    ]
    for day, (name, kind, code, currency, minor, status) in enumerate(made):
        ChainTransaction.objects.create(
            type=kind, status=status, merchant=cast.merchant, mode="test", network=Network.objects.get(code=code),
            currency=currency, transaction_hash=f"hash-{name}", amount_minor=minor, raw_units="1", sender="s",
            recipient="r", created_at=DAY + timedelta(days=day),
            credited_minor=minor if (kind, status) == ("incoming", "confirmed") else 0,
        )


@pytest.mark.parametrize(("query", "expected"), [
    ({}, "dcba"), ({"type": "all"}, "dcba"), ({"type": "incoming"}, "ba"), ({"type": "outgoing"}, "d"), ({"type": "sweep"}, "c"),
    ({"network": "BSC"}, "ca"), ({"currency": "USDC"}, "b"), ({"start_date": "2026-03-02", "end_date": "2026-03-03"}, "cb"),
    ({"min_amount": "10"}, "cba"), ({"max_amount": "10.0"}, "dca"), ({"min_amount": "5.00000001", "max_amount": "5.00000001"}, "d"),
    ({"min_amount": "0", "max_amount": "0.00"}, ""),
])
def test_transactions(dashboard, transactions, query, expected):
    assert "".join(row["tx_hash"][-1] for row in dashboard.get("/transactions", **query)["transactions"]) == expected


def test_the_volume_counts_what_was_credited(dashboard, transactions):
    assert dashboard.get("/transactions")["summary"] == {
        "total_transactions": 4, "total_incoming": 2, "total_outgoing": 2, "total_volume": "10.00000000"
    }
    assert dashboard.get("/transactions", type="sweep")["summary"]["total_volume"] == "0.00000000"
    assert dashboard.get("/balance/crypto")["pending_balance"]["amount"] == "20.00000000"


@pytest.mark.parametrize(("query", "expected"), [
    ({}, "SOL BSC BSC TRX ETH BSC"), ({"network": "BSC"}, "BSC BSC BSC"), ({"currency": "USDC"}, "SOL BSC"),
    ({"status": "inactive"}, "TRX"), ({"status": "active"}, "SOL BSC BSC ETH BSC"), ({"status": "assigned"}, "BSC"),
    ({"status": "unassigned"}, "SOL BSC TRX ETH BSC"), ({"has_balance": "true"}, "ETH"),
    ({"has_balance": "false"}, "SOL BSC BSC TRX BSC"), ({"sweep_status": "failed"}, "ETH"), ({"sweep_status": "all"}, "6"),
    ({"sort_by": "balance", "limit": 1}, "ETH"),
])
def test_addresses(cast, dashboard, sessions, query, expected):
    DepositAddress.objects.update(merchant=cast.merchant)
    row = sessions["C"].address
    DepositAddress.objects.filter(pk=row.pk).update(received_minor=20 * ONE, sweep_status="failed")
    ChainTransaction.objects.create(
        type="incoming", status="confirmed", merchant=cast.merchant, mode="test", network=row.network, currency="USDT",
        transaction_hash="0xc", amount_minor=20 * ONE, credited_minor=20 * ONE, address=row,
    )
    DepositAddress.objects.filter(pk=sessions["D"].address_id).update(is_active=False)
    DepositAddress.objects.filter(pk=sessions["B"].address_id).update(session=sessions["B"])

    listed = dashboard.get("/addresses", **query)

    codes = sorted(row["network"] for row in listed["addresses"])
    assert (len(codes) == 6) if expected == "6" else codes == sorted(expected.split())
    if not query:
        assert listed["summary"] == {
            "total_addresses": 6, "active_addresses": 5, "assigned_addresses": 1, "addresses_with_balance": 1,
            "total_balance_across_all": "20.00000000",
        }


@pytest.mark.parametrize(("query", "expected"), [
    ({}, [3, 2, 1]), ({"status": "pending"}, [3]), ({"status": "completed"}, [1]), ({"method": "fiat"}, [2]),
    ({"method": "crypto", "status": "all"}, [3, 1]),
])
def test_withdrawals(cast, dashboard, query, expected):
    bsc = Network.objects.get(code="BSC")
    for day, (status, method) in enumerate([("completed", "crypto"), ("failed", "fiat"), ("pending", "crypto")], 1):
        Withdrawal.objects.create(
            merchant=cast.merchant, mode="test", status=status, method=method, currency="USDT", amount_minor=day * ONE,
            network=bsc if method == "crypto" else None, address="0x", created_at=DAY + timedelta(days=day),
            completed_at=DAY,
        )

    listed = dashboard.get("/withdrawals", **query)

    assert [int(row["amount"][0]) for row in listed["withdrawals"]] == expected
    assert ["fiat_details" in row for row in listed["withdrawals"]] == [number == 2 for number in expected]
    if not query:
        assert listed["summary"] == {
            "total_withdrawn": "1.00000000", "pending_withdrawals": "3.00000000", "this_month": "0.00000000"
        }


def test_what_is_too_little_to_be_swept_is_nobodys_pending_action(cast, dashboard):
    Token.objects.filter(network_id="BSC", mode="test").update(sweep_minimum_minor=5 * ONE)
    for amount in ("4.99999999", "5"):
        session = testing.open_session(cast.merchant, amount)
        testing.pay(session)
        testing.confirm(session)

    assert dashboard.get("/addresses", has_balance="true")["pagination"]["total_items"] == 2
    assert dashboard.get("/overview")["pending_actions"]["addresses_needing_sweep"] == 1
    DepositAddress.objects.update(sweep_status="failed")
    assert dashboard.get("/overview")["pending_actions"]["addresses_needing_sweep"] == 1
