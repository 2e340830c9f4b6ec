"""Merchants, their fees, and beneficiaries: what operators keep, and what merchants see of it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditRecord, Merchant, SettlementAccount, User
from gateway.lib.money import Money
from ledger.fees import quote
from ledger.models import FeePlan
from payouts.models import Beneficiary

pytestmark = pytest.mark.django_db
_SETTINGS = {"name": "Chai Point", "auto_approve": "", "settlement_delay_days": "0"}


def address(merchant, name="merchant", *more):
    return reverse(f"panel:{name}", args=[merchant.public_id, *more])


def payout_fee(merchant, minor=100_000, at=None):
    made = quote(merchant_id=merchant.pk, product="payout", amount=Money(minor, "INR"), at=at)
    return made.fee_minor, made.tax_minor


# Merchants --------------------------------------------------------------------------------------------------
def test_operators_see_the_merchants_of_their_team(cast, signed_in):
    def seen(user):
        page = signed_in(user).get(reverse("panel:merchants")).content.decode()
        return [name for name in ("Chai Point", "Other Store") if name in page]

    assert seen(cast.super_admin) == ["Chai Point", "Other Store"]
    assert seen(cast.admin) == ["Chai Point"]
    assert seen(cast.other_admin) == ["Other Store"]
    for user in (cast.merchant_user, cast.api_user):
        assert signed_in(user).get(reverse("panel:merchants")).status_code == 404
        assert signed_in(user).get(address(cast.merchant)).status_code == 404
    assert signed_in(cast.other_admin).get(address(cast.merchant)).status_code == 404


def test_settings_are_changed_and_written_down(cast, signed_in):
    client = signed_in(cast.admin)

    answer = client.post(address(cast.merchant, "merchant-settings"), {
        "name": "Chai Point Traders", "auto_approve": "25000", "settlement_delay_days": "2", "public_checkout": "on",
    })

    row = Merchant.objects.get(pk=cast.merchant.pk)
    assert answer["Location"] == address(row)
    assert (row.name, row.payout_auto_approve_minor, row.settlement_delay_days, row.public_checkout) == (
        "Chai Point Traders", 2_500_000, 2, True,
    )
    page = client.get(address(row)).content.decode()
    assert "payouts approved by themselves up to: – → 25000.00" in page
    assert "public orders: off → on" in page
    client.post(address(row, "merchant-settings"), _SETTINGS)
    row.refresh_from_db()
    assert (row.payout_auto_approve_minor, row.settlement_delay_days, row.public_checkout) == (None, 0, False)


def test_a_merchants_live_money_may_go_through_providers_of_its_own(cast, signed_in):
    client = signed_in(cast.admin)
    form = client.get(address(cast.merchant, "merchant-settings")).content.decode()
    assert all(f'<option value="{name}"' in form for name in ("manual_upi", "bank_file"))
    assert '<option value="sandbox"' not in form

    client.post(address(cast.merchant, "merchant-settings"), _SETTINGS | {"payment_provider": "manual_upi", "payout_provider": "bank_file"})

    row = Merchant.objects.get(pk=cast.merchant.pk)
    assert (row.payment_provider, row.payout_provider) == ("manual_upi", "bank_file")
    assert "live payments go through: – → manual_upi" in client.get(address(row)).content.decode()
    Merchant.objects.filter(pk=row.pk).update(payment_provider="gone")
    assert "gone (not installed)" in client.get(address(row, "merchant-settings")).content.decode()


@pytest.mark.parametrize(
    "bad", [{"auto_approve": "1e3"}, {"payment_provider": "sandbox"}, {"payout_provider": "nobody"}, {"auto_approve": "-1"}, {"settlement_delay_days": "91"}, {"name": ""},
            {"settlement_delay_days": "x"}],
)
def test_bad_settings_change_nothing(cast, signed_in, bad):
    answer = signed_in(cast.admin).post(address(cast.merchant, "merchant-settings"), _SETTINGS | {"name": "New"} | bad)

    assert answer.status_code == 422
    assert Merchant.objects.get(pk=cast.merchant.pk).name == "Chai Point"
    assert AuditRecord.objects.filter(action="merchant.updated").count() == 0


def test_a_merchant_is_suspended_and_activated_with_a_reason(cast, signed_in):
    client = signed_in(cast.admin)
    assert client.post(address(cast.merchant, "merchant-suspend"), {"reason": " "}).status_code == 422

    client.post(address(cast.merchant, "merchant-suspend"), {"reason": "Under review"})

    assert Merchant.objects.get(pk=cast.merchant.pk).status == "suspended"
    assert signed_in(cast.merchant_user).get(reverse("panel:overview")).status_code == 302
    assert "Under review" in client.get(address(cast.merchant)).content.decode()
    client.post(address(cast.merchant, "merchant-activate"))
    assert Merchant.objects.get(pk=cast.merchant.pk).status == "active"
    for name in ("merchant-suspend", "merchant-activate"):
        assert signed_in(cast.other_admin).post(address(cast.merchant, name), {"reason": "x"}).status_code == 404
    assert Merchant.objects.get(pk=cast.merchant.pk).status == "active"


# Fees -------------------------------------------------------------------------------------------------------
def test_a_fee_is_set_and_counts_from_now_on(cast, signed_in):
    client = signed_in(cast.admin)
    before = timezone.now()

    answer = client.post(address(cast.merchant, "merchant-fee", "payout"), {"fixed": "3.25", "percent": "0.55", "gst": "18"})

    assert answer["Location"] == address(cast.merchant)
    assert payout_fee(cast.merchant) == (1_033, 158)
    assert payout_fee(cast.merchant, at=before) == (590, 90)
    assert payout_fee(cast.other) == (590, 90)
    page = client.get(address(cast.merchant)).content.decode()
    assert "₹3.25 + 0.55 %, plus 18 % GST" in page
    assert "Payout: 3.25 + 0.55 % + 18 % GST" in page


def test_a_fee_dated_ahead_is_shown_and_waits(cast, signed_in):
    client = signed_in(cast.admin)
    day = timezone.localdate() + timedelta(days=3)

    client.post(address(cast.merchant, "merchant-fee", "payout"), {"percent": "1", "gst": "0", "start": day.isoformat()})

    plan = FeePlan.objects.get(merchant=cast.merchant)
    assert plan.effective_from.date() == day
    assert payout_fee(cast.merchant) == (590, 90)
    assert payout_fee(cast.merchant, at=plan.effective_from) == (1_000, 0)
    assert "1 %" in client.get(address(cast.merchant)).content.decode()


@pytest.mark.parametrize(
    "bad", [{"percent": "101"}, {"percent": "-1"}, {"percent": "0.555"}, {"gst": "NaN"}, {"fixed": "1e9"}, {"percent": ""},
            {"start": "2020-01-01"}, {"start": "soon"}],
)
def test_a_bad_fee_is_refused(cast, signed_in, bad):
    count = FeePlan.objects.count()

    answer = signed_in(cast.admin).post(
        address(cast.merchant, "merchant-fee", "payout"), {"percent": "1", "gst": "18"} | bad
    )

    assert (answer.status_code, FeePlan.objects.count()) == (422, count)


def test_who_may_set_which_fee(cast, signed_in):
    count, good = FeePlan.objects.count(), {"percent": "1", "gst": "18"}
    default = reverse("panel:default-fee", args=["payout"])

    for user in (cast.other_admin, cast.merchant_user, cast.api_user):
        assert signed_in(user).post(address(cast.merchant, "merchant-fee", "payout"), good).status_code == 404
    for user in (cast.admin, cast.merchant_user):
        assert signed_in(user).post(default, good).status_code == 404
    assert signed_in(cast.admin).post(address(cast.merchant, "merchant-fee", "bribe"), good).status_code == 404
    assert FeePlan.objects.count() == count

    signed_in(cast.super_admin).post(default, good)
    assert payout_fee(cast.other) == (1_180, 180)
    assert "1 %, plus 18 % GST" in signed_in(cast.super_admin).get(reverse("panel:default-fees")).content.decode()


def test_what_it_would_cost(cast, signed_in):
    client = signed_in(cast.admin)

    page = client.get(address(cast.merchant), {"amount": "1234.50"}).content.decode()

    for figure in ("₹29.13", "₹4.44", "₹1,205.37", "₹5.90", "₹1,240.40"):
        assert figure in page
    bad = client.get(address(cast.merchant), {"amount": "1e3"})
    assert (bad.status_code, "The amount must be a plain positive number" in bad.content.decode()) == (200, True)


def test_a_merchant_sees_its_fees_and_no_way_to_change_them(cast, signed_in):
    page = signed_in(cast.merchant_user).get(reverse("panel:profile")).content.decode()

    assert "₹5.00, plus 18 % GST" in page
    assert "the fee of" not in page
    assert cast.super_admin.name not in page


# Beneficiaries ----------------------------------------------------------------------------------------------
def test_beneficiaries_are_seen_by_their_own_people(cast, signed_in, make_payout):
    payout = make_payout(cast.merchant, by=cast.merchant_user, beneficiary_name="Ravi Kumar")
    one = reverse("panel:beneficiary", args=[payout.beneficiary.public_id])

    sees = {"super_admin": 200, "admin": 200, "other_admin": 404, "merchant_user": 200, "api_user": 404, "other_user": 404}
    for who, status in sees.items():
        client = signed_in(getattr(cast, who))
        assert client.get(one).status_code == status, who
        if who != "api_user":
            assert ("Ravi Kumar" in client.get(reverse("panel:beneficiaries")).content.decode()) == (status == 200)
    assert signed_in(cast.merchant_user, mode="live").get(one).status_code == 404
    found = signed_in(cast.admin).get(reverse("panel:beneficiaries"), {"q": "HDFC", "known": "new"}).content.decode()
    assert "Ravi Kumar" in found
    none = signed_in(cast.admin).get(reverse("panel:beneficiaries"), {"known": "paid"}).content.decode()
    assert "No beneficiary matches" in none


def test_blocking_and_unblocking(cast, signed_in, make_payout):
    beneficiary = make_payout(cast.merchant, by=cast.merchant_user).beneficiary
    block, unblock = (reverse(f"panel:beneficiary-{name}", args=[beneficiary.public_id]) for name in ("block", "unblock"))
    reason = {"reason": "Looks odd"}

    def status():
        return Beneficiary.objects.get().status

    for who in ("other_admin", "other_user", "api_user"):
        assert signed_in(getattr(cast, who)).post(block, reason).status_code == 404
    assert signed_in(cast.merchant_user).post(block, {"reason": ""}).status_code == 422
    assert status() == "active"
    signed_in(cast.merchant_user).post(block, reason)
    assert status() == "blocked"
    assert signed_in(cast.merchant_user).post(unblock, reason).status_code == 404
    assert status() == "blocked"
    signed_in(cast.admin).post(unblock, reason)
    assert status() == "active"


def test_a_payout_to_a_blocked_account_is_refused_in_the_form(cast, signed_in, make_payout, fund, balances):
    beneficiary = make_payout(cast.merchant, by=cast.merchant_user).beneficiary
    Beneficiary.objects.update(status="blocked")
    fund(cast.merchant, 100_000)
    before = balances(cast.merchant)

    answer = signed_in(cast.merchant_user).post(reverse("panel:payout-new"), {
        "amount": "500.00", "order_id": "VENDOR-9", "beneficiary_name": "Ravi", "method": "IMPS", "confirmed": "1",
        "account_number": beneficiary.account_number, "ifsc": beneficiary.ifsc,
    })

    assert answer.status_code == 422
    assert "This bank account is blocked for payouts." in answer.content.decode()
    assert balances(cast.merchant) == before


# Onboarding -------------------------------------------------------------------------------------------------
_NEW = {
    "business_name": "Filter Kaapi", "name": "Meera Iyer", "email": "meera@kaapi.example", "auto_approve": "5000",
    "settlement_delay_days": "1",
}


def test_a_merchant_its_first_user_and_its_settings_are_made_in_one_form(cast, signed_in):
    client = signed_in(cast.admin)

    answer = client.post(reverse("panel:merchant-new"), _NEW)

    user = User.objects.get(email="meera@kaapi.example")
    made = user.merchant
    assert (made.name, made.payout_auto_approve_minor, made.settlement_delay_days) == ("Filter Kaapi", 500_000, 1)
    assert (user.role, user.parent, user.invitation_due, user.name) == ("merchant", cast.admin, True, "Meera Iyer")
    page = answer.content.decode()
    assert "gw_test_" in page
    assert "/password/" in page
    assert answer["Cache-Control"] == "no-store, private"
    assert client.get(address(made)).status_code == 200
    actions = set(AuditRecord.objects.filter(merchant=made).values_list("action", "actor"))
    assert actions == {("user.created", cast.admin.pk), ("merchant.updated", cast.admin.pk)}


def test_a_super_admin_says_who_looks_after_it(cast, signed_in):
    signed_in(cast.super_admin).post(
        reverse("panel:merchant-new"), _NEW | {"operator": cast.other_admin.public_id}
    )

    assert User.objects.get(email="meera@kaapi.example").parent == cast.other_admin


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        ({"email": "admin@example.com"}, "e-mail"), ({"business_name": ""}, "required"),
        ({"auto_approve": "-1"}, "plain positive number"), ({"settlement_delay_days": "91"}, "90"),
    ],
)
def test_a_business_that_is_refused_is_not_made_at_all(cast, signed_in, bad, text):
    before = Merchant.objects.count(), User.objects.count(), AuditRecord.objects.count()

    answer = signed_in(cast.super_admin).post(reverse("panel:merchant-new"), _NEW | bad)

    assert answer.status_code == 422
    assert text in answer.content.decode()
    assert (Merchant.objects.count(), User.objects.count(), AuditRecord.objects.count()) == before


@pytest.mark.parametrize("who", ["merchant_user", "api_user"])
def test_only_operators_make_merchants(cast, signed_in, who):
    assert signed_in(getattr(cast, who)).post(reverse("panel:merchant-new"), _NEW).status_code == 404
    assert not User.objects.filter(email="meera@kaapi.example").exists()


# What an operator sees of one -------------------------------------------------------------------------------
def test_a_merchants_page_shows_what_it_has_and_where_it_goes(cast, signed_in, fund, settings):
    settings.WITHDRAWAL_DELAY_HOURS = {"test": 24, "live": 24}
    fund(cast.merchant, 1_234_567)
    client = signed_in(cast.admin)
    there = address(cast.merchant)

    assert "Settlement account</dt>" in client.get(there).content.decode()
    client.post(address(cast.merchant, "merchant-account"), {
        "holder": "Chai Point Pvt Ltd", "account_number": "501001234567", "ifsc": "hdfc0001234",
    })
    client.post(f"{reverse('panel:withdrawal-limit', args=[cast.merchant.public_id])}?next={there}", {"limit": "250"})

    page = client.get(there).content.decode()
    assert "₹12,345.67" in page
    assert "Chai Point Pvt Ltd, HDFC Bank ··4567" in page
    assert "usable from" in page
    assert "501001234567" not in page
    assert "250.00 tokens a day" in page
    assert "tokens a day: – → 250" in page
    assert reverse("panel:account-statement") + f"?merchant={cast.merchant.public_id}" in page
    row = SettlementAccount.objects.get()
    assert (row.notice_due, row.created_by, row.mode) == (True, cast.admin, "test")
    assert row.usable_from > timezone.now() + timedelta(hours=23)


@pytest.mark.parametrize("who", ["other_admin", "merchant_user", "api_user", "other_user"])
def test_nobody_else_sets_its_account_or_settings(cast, signed_in, who):
    client = signed_in(getattr(cast, who))

    account = client.post(address(cast.merchant, "merchant-account"), {
        "holder": "X", "account_number": "501001234567", "ifsc": "HDFC0001234",
    })
    changed = client.post(address(cast.merchant, "merchant-settings"), _SETTINGS | {"name": "X"})

    assert (account.status_code, changed.status_code) == (404, 404)
    assert not SettlementAccount.objects.exists()
    assert Merchant.objects.get(pk=cast.merchant.pk).name == "Chai Point"


def test_what_a_suspension_holds_up_is_said_before(cast, signed_in, fund, make_payout):
    fund(cast.merchant, 100_000)
    for network, units in (("BSC", 2), ("TRX", 3)):
        fund(cast.merchant, units * 10**8, currency="USDT", network=network)
    make_payout(cast.merchant, 50_000, by=cast.merchant_user)

    page = signed_in(cast.admin).get(address(cast.merchant, "merchant-suspend")).content.decode()

    assert "its pages for payers are closed" in page
    assert re.search(r"Payouts under way</dt><dd>1<", page)
    assert re.search(r"Balance in INR</dt><dd>₹1,0\d\d\.\d\d<", page)
    assert "Balance in USDT on BSC</dt><dd>2.00 USDT<" in page
    assert "Balance in USDT on TRX</dt><dd>3.00 USDT<" in page
    assert Merchant.objects.get(pk=cast.merchant.pk).status == "active"
