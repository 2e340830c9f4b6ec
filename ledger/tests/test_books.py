"""Balances at a moment, the trial balance, statements: each figure is what the entries say."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from accounts.actors import Viewer
from gateway.lib.errors import InvalidFields, NotAllowed
from ledger import moments, statements
from ledger.balances import balance, balance_at, balance_through, balances
from ledger.models import Entry, LedgerAccount, Posting, RolledBalance
from ledger.queries import visible_accounts
from ledger.services import Line, house_account, merchant_account, post
from ledger.statements import statement
from ledger.testing import assert_ledger_balances, fund
from ledger.trial_balance import trial_balances


def capture(merchant, gross, fee=0, tax=0, *, mode="test", currency="INR", network=""):
    """As a payment's: gross in, the charge to the house, the rest to the merchant."""
    reference = f"payment:pay_{Posting.objects.count():04d}:capture"
    post(kind="payment.capture", reference=reference, mode=mode, lines=[
        Line(house_account(mode, currency, "clearing", "sandbox", network), -gross),
        Line(merchant_account(merchant.pk, mode, currency, "available", network), gross - fee),
        Line(house_account(mode, currency, "fees", network=network), fee - tax),
        Line(house_account(mode, currency, "tax", network=network), tax),
    ])
    return timezone.now()


def hold(merchant, minor):
    post(kind="payout.hold", reference=f"payout:pout_{Posting.objects.count():04d}:hold", mode="test", lines=[
        Line(merchant_account(merchant.pk, "test", "INR", "available"), -minor),
        Line(merchant_account(merchant.pk, "test", "INR", "reserved"), minor),
    ])
    return timezone.now()


@pytest.fixture(params=["by time", "by halving"])
def border(request, monkeypatch):
    """The books of a test are few rows, booked at once: halving is used all the same, with no overlap."""
    if request.param == "by halving":
        monkeypatch.setattr(moments, "_FEW", 0)
        monkeypatch.setattr(moments, "_OVERLAP", timedelta(0))


@pytest.fixture
def history(cast, border):
    """Ten captures of two merchants; the moments after each, with what `cast.merchant` and the house had then."""
    seen, mine, clearing = [(timezone.now(), 0, 0)], 0, 0
    for number in range(1, 11):
        whose = cast.merchant if number % 2 else cast.other
        moment = capture(whose, 1000 * number, 20, 3)
        mine += (1000 * number - 20) if number % 2 else 0
        clearing -= 1000 * number
        seen.append((moment, mine, clearing))
    return seen


@pytest.mark.parametrize("rolled", [None, 3, 8, 10])
def test_a_balance_at_any_past_moment_is_the_sum_of_the_entries_until_then(cast, history, rolled):
    own = LedgerAccount.objects.get(merchant=cast.merchant, kind="available")
    clearing = LedgerAccount.objects.get(kind="clearing")
    if rolled:
        last = clearing.entries.order_by("id")[rolled - 1]
        total = sum(clearing.entries.filter(id__lte=last.pk).values_list("amount", flat=True))
        RolledBalance.objects.create(account=clearing, through_id=last.pk, balance=total)

    for moment, mine, theirs in history:
        assert balance_at(own, moment) == mine
        assert balance_at(clearing, moment) == theirs
    assert balance(clearing) == history[-1][2]
    for number, entry in enumerate(clearing.entries.order_by("id"), 1):
        assert balance_through(clearing, entry.pk) == history[number][2]


def test_balances_of_all_accounts_take_one_statement(cast, history, django_assert_num_queries):
    viewer = Viewer(cast.super_admin, "test")

    with django_assert_num_queries(1):
        now = balances(visible_accounts(viewer))

    assert sum(minor for _, minor in now) == 0
    assert len(now) == 5  # two merchants', clearing, fees, tax


def test_the_trial_balance_sums_to_zero_at_every_moment(cast, history):
    viewer = Viewer(cast.super_admin, "test")

    for number, (moment, _, clearing) in enumerate(history):
        (table,) = trial_balances(viewer, moment) or [None]
        assert (table.currency, table.debit, table.credit, table.difference) == ("INR", -clearing, -clearing, 0)
        by_kind = {line.kind: line.balance for line in table.lines}
        assert (by_kind["fees"], by_kind["tax"]) == (17 * number, 3 * number)
    now = trial_balances(viewer)[0]
    assert [(line.kind, line.of_merchants, line.accounts) for line in now.lines] == [
        ("available", True, 2), ("fees", False, 1), ("tax", False, 1), ("clearing", False, 1),
    ]
    assert_ledger_balances()


def test_each_currency_and_mode_has_its_own_trial_balance(cast):
    fund(cast.merchant, 500)
    fund(cast.merchant, 7 * 10**8, "USDT", network="bsc")
    fund(cast.other, 9, mode="live")

    test = trial_balances(Viewer(cast.super_admin, "test"))
    live = trial_balances(Viewer(cast.super_admin, "live"))

    assert [(table.currency, table.credit, table.difference) for table in test] == [("INR", 500, 0), ("USDT", 7 * 10**8, 0)]
    assert [(table.currency, table.credit) for table in live] == [("INR", 9)]


def test_the_trial_balance_is_for_super_admins(cast):
    for user in (cast.admin, cast.merchant_user, cast.api_user):
        with pytest.raises(NotAllowed):
            trial_balances(Viewer(user, "test"))


def test_accounts_are_seen_by_reach(cast):
    fund(cast.merchant, 500)
    fund(cast.other, 700)
    whose = {
        who: {row.merchant_id for row in visible_accounts(Viewer(getattr(cast, who), "test"))}
        for who in ("super_admin", "admin", "other_admin", "merchant_user", "api_user")
    }

    assert whose == {
        "super_admin": {None, cast.merchant.pk, cast.other.pk}, "admin": {cast.merchant.pk},
        "other_admin": {cast.other.pk},
        "merchant_user": {cast.merchant.pk}, "api_user": set(),
    }


# Statements -------------------------------------------------------------------------------------------------
def test_opening_and_movements_make_the_closing_balance_which_is_the_ledgers(cast, history):
    own = LedgerAccount.objects.get(merchant=cast.merchant)

    for first in range(len(history)):
        for last in range(first + 1, len(history)):
            start, end = history[first][0], history[last][0]
            found = statement(merchant=cast.merchant, mode="test", currency="INR", start=start, end=end)
            assert found.opening == history[first][1]
            assert found.opening + sum(row.amount for row in found.movements) == found.closing == history[last][1]
            assert found.closing == found.ledger_closing == balance_at(own, end - timedelta(microseconds=1))
            assert found.agrees
            assert found.credit - found.debit == found.closing - found.opening


@pytest.mark.parametrize(("late", "agrees"), [(1, True), (9, False)], ids=["once", "each-time"])
def test_what_is_committed_while_a_statement_is_read_is_no_disagreement(cast, monkeypatch, late, agrees):
    capture(cast.merchant, 100_000)
    start, end = (timezone.now() + timedelta(hours=hours) for hours in (-1, 1))
    read, left = statements._movements, [100] * late

    def meanwhile(*args):
        found = read(*args)
        if left:
            capture(cast.merchant, left.pop())
        return found

    monkeypatch.setattr(statements, "timezone", SimpleNamespace(now=lambda: end))
    monkeypatch.setattr(statements, "_movements", meanwhile)

    found = statement(merchant=cast.merchant, mode="test", currency="INR", start=start, end=end)

    assert found.agrees is agrees
    assert (found.closing, found.ledger_closing) == ((100_100, 100_100) if agrees else (100_200, 100_300))


def test_a_movement_shows_its_charge_and_the_balance_after_it(cast):
    start = timezone.now()
    capture(cast.merchant, 100_000, 2_360, 360)
    hold(cast.merchant, 50_000)
    post(kind="payout.settle", reference="payout:pout_x:settle", mode="test", lines=[
        Line(merchant_account(cast.merchant.pk, "test", "INR", "reserved"), -50_000),
        Line(house_account("test", "INR", "clearing", "sandbox"), 49_410),
        Line(house_account("test", "INR", "fees"), 500),
        Line(house_account("test", "INR", "tax"), 90),
    ])
    period = {"merchant": cast.merchant, "mode": "test", "currency": "INR", "start": start, "end": timezone.now()}

    whole = statement(**period)
    available = statement(**period, kind="available")
    reserved = statement(**period, kind="reserved")

    assert [(row.kind, row.credit, row.debit, row.fee_minor, row.tax_minor, row.balance) for row in whole.movements] == [
        ("payment.capture", 97_640, 0, 2_000, 360, 97_640), ("payout.settle", 0, 50_000, 500, 90, 47_640),
    ]
    assert (whole.fee_minor, whole.tax_minor) == (2_500, 450)
    assert [(row.kind, row.amount) for row in available.movements] == [("payment.capture", 97_640), ("payout.hold", -50_000)]
    assert [(row.kind, row.amount) for row in reserved.movements] == [("payout.hold", 50_000), ("payout.settle", -50_000)]
    assert (available.closing, reserved.closing) == (47_640, 0)
    assert whole.agrees
    assert available.agrees
    assert reserved.agrees


def test_tokens_are_one_statement_over_their_networks_or_one_for_each(cast):
    start = timezone.now()
    fund(cast.merchant, 5 * 10**8, "USDT", network="bsc")
    fund(cast.merchant, 2 * 10**8, "USDT", network="tron")
    period = {"merchant": cast.merchant, "mode": "test", "currency": "USDT", "start": start, "end": timezone.now()}

    assert statement(**period).closing == 7 * 10**8
    assert statement(**period, network="tron").closing == 2 * 10**8


def test_a_statement_is_of_one_merchant_one_mode_and_one_currency(cast):
    start = timezone.now()
    fund(cast.other, 5_000)
    fund(cast.merchant, 6_000, mode="live")
    fund(cast.merchant, 7_000, "USDC", network="bsc")

    found = statement(merchant=cast.merchant, mode="test", currency="INR", start=start, end=timezone.now())

    assert (found.opening, found.movements, found.closing) == (0, [], 0)


def test_an_end_to_come_is_now_and_a_period_turned_round_is_refused(cast):
    fund(cast.merchant, 5_000)
    now = timezone.now()
    period = {"merchant": cast.merchant, "mode": "test", "currency": "INR"}

    found = statement(**period, start=now - timedelta(days=1), end=now + timedelta(days=1))

    assert found.closing == 5_000
    assert now <= found.end < now + timedelta(minutes=5)
    for start, end in ((now, now - timedelta(days=1)), (now + timedelta(hours=1), now + timedelta(hours=2))):
        with pytest.raises(InvalidFields):
            statement(**period, start=start, end=end)


def test_too_long_a_period_is_refused_not_cut(cast, monkeypatch):
    monkeypatch.setattr(statements, "MAX_MOVEMENTS", 3)
    start = timezone.now()
    for _ in range(4):
        fund(cast.merchant, 100)

    with pytest.raises(InvalidFields, match=r".*") as refused:
        statement(merchant=cast.merchant, mode="test", currency="INR", start=start, end=timezone.now())

    assert "more than 3 movements" in refused.value.details["fields"]["end"]
    assert Entry.objects.count() == 8
