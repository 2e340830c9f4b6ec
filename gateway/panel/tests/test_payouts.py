"""Payouts in the panel: asked for with a confirmation, decided once, by somebody else."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from accounts.actors import Actor
from ledger.testing import assert_ledger_balances
from payouts.models import Payout
from payouts.services import approve_payout

_GOOD = {
    "amount": "500.00", "order_id": "VENDOR-1", "beneficiary_name": "Ravi Kumar", "account_number": "501001234567",
    "ifsc": "hdfc0001234", "method": "IMPS",
}


# Creating -----------------------------------------------------------------------------------------------
def test_a_payout_is_confirmed_before_it_is_made(cast, signed_in, fund, balances):
    fund(cast.merchant, 100_000)
    client = signed_in(cast.merchant_user)

    asked = client.post(reverse("panel:payout-new"), _GOOD)
    between = Payout.objects.count()
    made = client.post(reverse("panel:payout-new"), _GOOD | {"confirmed": "1"})

    payout = Payout.objects.get()
    page = asked.content.decode()
    assert "Pay ₹500.00 to Ravi Kumar?" in page
    assert "HDFC0001234" in page
    assert between == 0
    assert made["Location"] == reverse("panel:payout", args=[payout.public_id])
    assert (payout.amount_minor, payout.ifsc, payout.created_by) == (50_000, "HDFC0001234", cast.merchant_user)
    assert balances(cast.merchant) == (100_000 - payout.held.minor, 0, payout.held.minor)
    assert_ledger_balances()


def test_back_from_the_confirmation_keeps_what_was_typed(cast, signed_in):
    page = signed_in(cast.merchant_user).post(reverse("panel:payout-new"), _GOOD | {"back": "1"}).content.decode()

    assert 'value="501001234567"' in page
    assert Payout.objects.count() == 0


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"account_number": "12345678"}, "Enter the 9 to 18 digits"),
        ({"account_number": "12345678X"}, "Enter the 9 to 18 digits"),
        ({"account_number": "१२३४५६७८९"}, "Enter the 9 to 18 digits"),
        ({"ifsc": "HDFC1001234"}, "Enter an IFSC such as HDFC0001234."),
        ({"ifsc": "HDFC000123"}, "Enter an IFSC such as HDFC0001234."),
        ({"beneficiary_name": ""}, "This field is required."),
        ({"amount": "1e3"}, "Must be a plain positive number"),
        ({"method": "CASH"}, "Select a valid choice."),
    ],
)
def test_what_is_wrong_stands_beside_its_field(cast, signed_in, fund, balances, bad, said):
    fund(cast.merchant, 100_000)

    answer = signed_in(cast.merchant_user).post(reverse("panel:payout-new"), _GOOD | bad | {"confirmed": "1"})

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert Payout.objects.count() == 0
    assert balances(cast.merchant) == (100_000, 0, 0)


def test_more_than_the_balance_is_refused_in_the_form(cast, signed_in, fund, balances):
    fund(cast.merchant, 50_000)  # the amount, but not its charge

    answer = signed_in(cast.merchant_user).post(reverse("panel:payout-new"), _GOOD | {"confirmed": "1"})

    assert answer.status_code == 422
    assert "Not enough wallet balance." in answer.content.decode()
    assert Payout.objects.count() == 0
    assert balances(cast.merchant) == (50_000, 0, 0)


def test_sending_the_confirmation_twice_pays_once(cast, signed_in, fund, balances):
    fund(cast.merchant, 500_000)
    client = signed_in(cast.merchant_user)

    first = client.post(reverse("panel:payout-new"), _GOOD | {"confirmed": "1"})
    held = balances(cast.merchant)
    second = client.post(reverse("panel:payout-new"), _GOOD | {"confirmed": "1"})

    assert (first.status_code, second.status_code) == (302, 422)
    assert Payout.objects.count() == 1
    assert balances(cast.merchant) == held


# Deciding -----------------------------------------------------------------------------------------------
def test_an_operator_approves(cast, signed_in, make_payout, balances):
    payout = make_payout(cast.merchant, 4_500_000, by=cast.merchant_user)
    before = balances(cast.merchant)
    address = reverse("panel:payout-approve", args=[payout.public_id])
    client = signed_in(cast.admin)

    asked = client.get(address).content.decode()
    answer = client.post(address)

    payout.refresh_from_db()
    assert "Approve ₹45,000.00 to Ravi Kumar?" in asked
    assert answer.status_code == 302
    assert (payout.status, payout.approved_by) == ("approved", cast.admin)
    assert balances(cast.merchant) == before
    assert_ledger_balances()


def test_an_operator_rejects_and_the_hold_is_released(cast, signed_in, make_payout, balances):
    payout = make_payout(cast.merchant, 50_000, by=cast.merchant_user)
    available, pending, reserved = balances(cast.merchant)
    address = reverse("panel:payout-reject", args=[payout.public_id])
    client = signed_in(cast.admin)

    empty = client.post(address, {"reason": "  "})
    held = balances(cast.merchant)
    client.post(address, {"reason": "Unknown beneficiary"})

    payout.refresh_from_db()
    assert empty.status_code == 422
    assert held == (available, pending, reserved)
    assert (payout.status, payout.failure_reason) == ("rejected", "Unknown beneficiary")
    assert balances(cast.merchant) == (available + reserved, pending, 0)
    assert_ledger_balances()


def test_a_decision_is_made_once(cast, signed_in, make_payout, balances):
    payout = make_payout(cast.merchant, by=cast.merchant_user)
    first, second = signed_in(cast.admin), signed_in(cast.super_admin)
    first.post(reverse("panel:payout-approve", args=[payout.public_id]))
    before = balances(cast.merchant)

    again = second.post(reverse("panel:payout-approve", args=[payout.public_id]))
    other = second.post(reverse("panel:payout-reject", args=[payout.public_id]), {"reason": "Too late"})

    payout.refresh_from_db()
    assert (again.status_code, other.status_code) == (422, 422)
    assert "no longer" in other.content.decode()
    assert payout.status == "approved"
    assert balances(cast.merchant) == before


def test_an_approved_payout_is_rejected_while_nothing_was_sent(cast, signed_in, make_payout, balances):
    payout = make_payout(cast.merchant, by=cast.merchant_user)
    approve_payout(actor=Actor(cast.admin, "panel"), payout=payout)
    available, _, reserved = balances(cast.merchant)
    page, address = (reverse(name, args=[payout.public_id]) for name in ("panel:payout", "panel:payout-reject"))
    client = signed_in(cast.super_admin)

    assert address in client.get(page).content.decode()
    assert 'name="approved" value="True"' in client.get(address).content.decode()
    answer = client.post(address, {"reason": "Fraud", "approved": "True"})

    payout.refresh_from_db()
    assert answer.status_code == 302
    assert (payout.status, payout.failure_reason) == ("rejected", "Fraud")
    assert balances(cast.merchant) == (available + reserved, 0, 0)
    assert address not in client.get(page).content.decode()
    assert_ledger_balances()


def test_whoever_saw_a_payout_that_waits_rejects_none_that_was_approved_meanwhile(
    cast, signed_in, make_payout, balances
):
    payout = make_payout(cast.merchant, by=cast.merchant_user)
    before, address = balances(cast.merchant), reverse("panel:payout-reject", args=[payout.public_id])
    client = signed_in(cast.super_admin)
    (seen,) = re.findall(r'name="approved" value="(\w+)"', client.get(address).content.decode())
    approve_payout(actor=Actor(cast.admin, "panel"), payout=payout)

    answer = client.post(address, {"reason": "Fraud", "approved": seen})

    payout.refresh_from_db()
    assert (answer.status_code, payout.status, payout.failure_reason) == (422, "approved", "")
    assert balances(cast.merchant) == before


def reject_what_is_not_offered(client, payout):
    """The page has no such button, and the address refuses all the same."""
    page, address = (reverse(name, args=[payout.public_id]) for name in ("panel:payout", "panel:payout-reject"))
    assert address not in client.get(page).content.decode()
    answer = client.post(address, {"reason": "Fraud", "approved": "True"})
    payout.refresh_from_db()
    assert answer.status_code == 422
    return answer


def test_an_approved_payout_that_was_sent_is_rejected_by_nobody(cast, signed_in, make_payout, balances):
    payout = make_payout(cast.merchant, by=cast.merchant_user)
    approve_payout(actor=Actor(cast.admin, "panel"), payout=payout)
    Payout.objects.filter(pk=payout.pk).update(provider_state="sent")
    before = balances(cast.merchant)

    answer = reject_what_is_not_offered(signed_in(cast.super_admin), payout)

    assert "with the bank" in answer.content.decode()
    assert (payout.status, balances(cast.merchant)) == ("approved", before)


def test_nobody_rejects_an_approved_payout_of_their_own(cast, signed_in, make_payout, balances):
    payout = make_payout(cast.merchant, by=cast.super_admin)
    approve_payout(actor=Actor(cast.admin, "panel"), payout=payout)
    before = balances(cast.merchant)

    reject_what_is_not_offered(signed_in(cast.super_admin), payout)

    assert (payout.status, balances(cast.merchant)) == ("approved", before)


def test_nobody_decides_about_a_payout_of_their_own(cast, signed_in, make_payout, balances):
    payout = make_payout(cast.merchant, by=cast.super_admin)
    before = balances(cast.merchant)
    client = signed_in(cast.super_admin)

    queue = client.get(reverse("panel:payouts")).content.decode()
    page = client.get(reverse("panel:payout", args=[payout.public_id])).content.decode()
    answers = [
        client.post(reverse(f"panel:{name}", args=[payout.public_id]), {"reason": "x"})
        for name in ("payout-approve", "payout-reject")
    ]

    payout.refresh_from_db()
    approve = reverse("panel:payout-approve", args=[payout.public_id])
    assert approve not in queue
    assert approve not in page
    assert "another operator decides" in page
    assert [answer.status_code for answer in answers] == [422, 422]
    assert payout.status == "pending"
    assert balances(cast.merchant) == before


@pytest.mark.parametrize("name", ["payout-approve", "payout-reject"])
def test_an_operator_of_another_team_finds_nothing(cast, signed_in, make_payout, balances, name):
    payout = make_payout(cast.merchant, by=cast.merchant_user)
    before = balances(cast.merchant)

    answer = signed_in(cast.other_admin).post(reverse(f"panel:{name}", args=[payout.public_id]), {"reason": "x"})

    payout.refresh_from_db()
    assert answer.status_code == 404
    assert payout.status == "pending"
    assert balances(cast.merchant) == before


def test_in_a_dialog_the_answer_is_only_the_dialog(cast, signed_in, make_payout):
    payout = make_payout(cast.merchant, by=cast.merchant_user)
    client = signed_in(cast.admin)
    htmx = {"HX-Request": "true", "HX-Target": "dialog"}
    address = reverse("panel:payout-reject", args=[payout.public_id])

    asked = client.get(address, headers=htmx)
    bad = client.post(address, {"reason": ""}, headers=htmx)
    good = client.post(address, {"reason": "Unknown"}, headers=htmx)

    assert "<html" not in asked.content.decode()
    assert (bad.status_code, good.status_code) == (422, 200)
    assert "This field is required." in bad.content.decode()
    assert good["HX-Redirect"] == reverse("panel:payout", args=[payout.public_id])


# Lists --------------------------------------------------------------------------------------------------
def test_the_queue_is_oldest_first_and_operators_only(cast, signed_in, make_payout):
    for reference in ("FIRST", "SECOND"):
        make_payout(cast.merchant, by=cast.merchant_user, reference=reference, beneficiary_name=f"Vendor {reference}")

    operator = signed_in(cast.admin).get(reverse("panel:payouts")).content.decode()
    merchant = signed_in(cast.merchant_user).get(reverse("panel:payouts")).content.decode()

    assert 0 < operator.index("Vendor FIRST") < operator.index("Vendor SECOND")
    assert 'class="rail-count">2<' in operator
    assert "Waiting for approval</h2>" not in merchant
    assert "/approve" not in merchant


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "pending"}, {"SMALL", "LARGE"}), ({"status": "processed"}, set()), ({"q": "ravi"}, {"SMALL"}),
        ({"min_amount": "1000"}, {"LARGE"}), ({"method": "NEFT"}, {"LARGE"}), ({"method": "x"}, set()),
    ],
)
def test_filters_find_exactly(cast, signed_in, make_payout, query, found):
    make_payout(cast.merchant, 50_000, reference="SMALL", by=cast.api_user)
    make_payout(
        cast.merchant, 900_000, reference="LARGE", beneficiary_name="Meridian LLP", method="NEFT", by=cast.merchant_user
    )

    page = signed_in(cast.merchant_user).get(reverse("panel:payouts"), query).content.decode()

    assert {name for name in ("SMALL", "LARGE") if f">{name}<" in page} == found


def test_an_api_users_list_has_its_own_payouts(cast, signed_in, make_payout):
    make_payout(cast.merchant, reference="OWN", by=cast.api_user)
    make_payout(cast.merchant, reference="THE-MERCHANTS", by=cast.merchant_user)

    page = signed_in(cast.api_user).get(reverse("panel:payouts")).content.decode()

    assert ">OWN<" in page
    assert "THE-MERCHANTS" not in page


def test_a_flagged_payout_is_resolved_with_the_banks_word(cast, signed_in, make_payout, balances):
    payout = make_payout(cast.merchant, by=cast.merchant_user)
    Payout.objects.filter(pk=payout.pk).update(status="processing", flag="amount_differs")
    before = balances(cast.merchant)
    address = reverse("panel:payout-resolve", args=[payout.public_id])
    client = signed_in(cast.admin)

    assert f"{cast.merchant.name} can read your note" in client.get(address).content.decode()
    without = client.post(address, {"paid": "yes", "note": "Asked the bank"})
    unchanged = balances(cast.merchant)
    resolved = client.post(address, {"paid": "yes", "utr": "UTR0012345678", "note": "Asked the bank"})

    payout.refresh_from_db()
    assert (without.status_code, resolved.status_code) == (422, 302)
    assert unchanged == before
    assert (payout.status, payout.utr, payout.flag) == ("processed", "UTR0012345678", "")
    assert balances(cast.merchant) == (before[0], 0, 0)
    read = signed_in(cast.merchant_user).get(reverse("panel:payout", args=[payout.public_id])).content.decode()
    assert "Asked the bank" in read
