"""A payout that the bank returned, in the panel: the step is found, asks for what it needs, and books once."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from accounts.actors import Actor
from gateway.lib.providers import Outcome
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payouts import work
from payouts.models import Payout
from payouts.services import apply_outcome, approve_payout

GOOD = {"utr": "rtn0000001", "note": "The account is frozen."}


@pytest.fixture
def paid(cast, make_payout, settings):
    """₹500.00 and ₹5.90 charge, paid by the sandbox bank."""
    settings.SANDBOX_BANK_DELAY_SECONDS = 0
    payout = make_payout(cast.merchant, 50_000, by=cast.merchant_user)
    approve_payout(actor=Actor(cast.admin, "tests"), payout=payout)
    for _ in range(2):
        work.drive_payouts()
    payout.refresh_from_db()
    assert payout.status == "processed"
    return payout


def contradict(payout):
    said = Outcome("failed", message="Returned")
    assert apply_outcome(actor=Actor.system("bank"), payout=payout, outcome=said) == "flagged"


def step(payout):
    return reverse("panel:payout-returned", args=[payout.public_id])


def test_an_operator_books_what_came_back(cast, signed_in, paid, balances):
    before, client = balances(cast.merchant), signed_in(cast.admin)
    address = reverse("panel:payout", args=[paid.public_id])

    assert step(paid) in client.get(address).content.decode()
    asked = client.get(step(paid)).content.decode()
    without = [client.post(step(paid), GOOD | {name: " "}).status_code for name in GOOD]
    between = balances(cast.merchant)
    answer = client.post(step(paid), GOOD)
    twice = client.post(step(paid), GOOD | {"utr": "RTN0000002"})

    paid.refresh_from_db()
    assert "Has the bank returned ₹500.00?" in asked
    assert paid.utr in asked
    assert (without, between, answer.status_code, answer["Location"]) == ([422, 422], before, 302, address)
    assert (twice.status_code, paid.status, paid.return_utr) == (422, "failed", "RTN0000001")
    assert balances(cast.merchant) == (before[0] + 50_590, before[1], before[2])
    assert Posting.objects.filter(kind="payout.return").count() == 1
    shown = client.get(address).content.decode()
    assert "Returned by the bank, money given back" in shown
    assert "RTN0000001" in shown
    assert step(paid) not in shown
    assert_ledger_balances()


def test_its_merchant_reads_why_and_has_no_step(cast, signed_in, paid):
    client = signed_in(cast.merchant_user)
    address = reverse("panel:payout", args=[paid.public_id])
    assert step(paid) not in client.get(address).content.decode()
    signed_in(cast.admin).post(step(paid), GOOD)

    shown = client.get(address).content.decode()

    assert "Returned by the bank: The account is frozen." in shown
    assert "₹505.90 went back to the available balance." in shown
    assert "Payout returned" in client.get(reverse("panel:ledger")).content.decode()


def test_nobody_is_offered_it_for_a_payout_of_their_own(cast, signed_in, paid, balances):
    Payout.objects.filter(pk=paid.pk).update(created_by=cast.super_admin)
    contradict(paid)
    before, client = balances(cast.merchant), signed_in(cast.super_admin)

    assert step(paid) not in client.get(reverse("panel:payout", args=[paid.public_id])).content.decode()
    assert step(paid) not in client.get(reverse("panel:queue")).content.decode()
    assert client.post(step(paid), GOOD).status_code == 422

    paid.refresh_from_db()
    assert (paid.status, balances(cast.merchant)) == ("processed", before)


def test_a_flagged_one_leads_to_the_step_from_its_page_and_from_to_do(cast, signed_in, paid):
    contradict(paid)
    client, queue = signed_in(cast.admin), reverse("panel:queue")
    address = reverse("panel:payout", args=[paid.public_id])

    shown = client.get(address).content.decode()
    assert shown.count(f'href="{step(paid)}"') == 1
    assert f'href="{reverse("panel:payout-flag", args=[paid.public_id])}"' in shown
    listed = client.get(queue).content.decode()
    assert re.search(rf'data-key="a" href="{address}">Open', listed)
    assert reverse("panel:payout-flag", args=[paid.public_id]) not in listed

    client.post(step(paid), GOOD)
    assert paid.public_id not in client.get(queue).content.decode()


def test_it_is_not_offered_to_be_waved_through_with_others(cast, signed_in, paid):
    contradict(paid)
    client, pick = signed_in(cast.admin), f"payout-flag:{paid.pk}"

    listed = client.get(reverse("panel:queue")).content.decode()
    asked = client.get(reverse("panel:queue-selected", args=["clear"]), {"pick": [pick]})

    assert pick not in listed
    assert (asked.status_code, asked["Location"]) == (302, reverse("panel:queue"))


@pytest.mark.parametrize("words", ["Account frozen", "x" * 250])
def test_the_step_is_filled_in_with_what_the_bank_said(cast, signed_in, paid, balances, words):
    before, client = balances(cast.merchant), signed_in(cast.admin)
    assert 'value="RTN' not in client.get(step(paid)).content.decode()
    said = Outcome("failed", utr="rtn0000001", message=words)
    assert apply_outcome(actor=Actor.system("bank"), payout=paid, outcome=said) == "flagged"

    page = client.get(step(paid)).content.decode()

    filled = {"utr": re.search(r'value="(RTN\w+)"', page)[1], "note": re.search(r">\s*([^<]+)</textarea>", page)[1]}
    assert filled == {"utr": "RTN0000001", "note": words[:178]}
    assert balances(cast.merchant) == before
    assert client.post(step(paid), filled).status_code == 302
    assert balances(cast.merchant) == (before[0] + 50_590, before[1], before[2])
