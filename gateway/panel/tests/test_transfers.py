"""A transfer's page, and taking its credit back: proposed, seen by a second operator, booked; nobody else sees any."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.actors import Viewer
from accounts.models import User
from crypto import testing
from crypto.chains.simulated import control
from crypto.models import ChainTransaction, CreditReversal
from crypto.services import credit_reversals
from crypto.tests.chain_house import ONE, own
from crypto.tests.test_credit_reversals import spend
from crypto.watcher import watch_network
from gateway.panel.ledger.subjects import subjects
from gateway.panel.queue import items, reading
from ledger.models import Posting
from ledger.testing import assert_ledger_balances

WHY = {"reason": "No explorer knows it"}


@pytest.fixture
def session(cast, settings):
    settings.SIMULATED_BLOCK_SECONDS = 0
    row = testing.confirm(testing.open_session(cast.merchant, "100"), 1)
    paid = testing.pay(row)
    testing.confirm(row, 12)
    control.reorganise("BSC", 12, drop=[paid])
    watch_network("BSC", "test")
    watch_network("BSC", "test")
    return row


@pytest.fixture
def row(session):
    return ChainTransaction.objects.get()


def page_of(row):
    return reverse("panel:transfer", args=[row.pk])


def test_a_credit_is_taken_back_by_hand(cast, signed_in, session, row):
    client = signed_in(cast.admin)
    assert page_of(row) in client.get(reverse("panel:session", args=[session.pk])).content.decode()
    page, new = client.get(page_of(row)).content.decode(), reverse("panel:credit-reversal-new", args=[row.pk])
    assert new in page
    assert "It left the chain after it was confirmed" in page
    asked = client.get(new).content.decode()
    assert all(words in asked for words in ("100.00 USDT", "Our fee, given back", "1.00 USDT", "99.00 USDT"))
    assert client.post(new, {"reason": " "}).status_code == 422
    assert CreditReversal.objects.count() == 0

    client.post(new, WHY)

    made = CreditReversal.objects.get()
    assert (made.created_by, made.reason, Posting.objects.count()) == (cast.admin, WHY["reason"], 1)
    assert client.post(new, WHY).status_code == 422  # it waits already
    assert WHY["reason"] in client.get(page_of(row)).content.decode()
    assert page_of(row) in client.get(reverse("panel:queue")).content.decode()
    client.post(reverse("panel:credit-reversal-confirm", args=[made.pk]))
    row.refresh_from_db()
    assert (row.status, own(cast.merchant)[0], Posting.objects.count()) == ("reversed", 0, 2)
    page = client.get(page_of(row)).content.decode()
    assert "Crypto payment taken back" in page
    assert new not in page
    assert reading.counts(Viewer(cast.admin, "test")).get("credit-reversal", 0) == 0
    merchants = signed_in(cast.merchant_user)
    seen = merchants.get(reverse("panel:session", args=[session.pk])).content.decode()
    assert ("Credit taken back" in seen, page_of(row) in seen, "Underpaid" in seen) == (True, False, True)
    booked = subjects(Posting.objects.values_list("reference", flat=True))
    assert [subject.href for subject in booked.values()] == 2 * [reverse("panel:session", args=[session.pk])]
    assert_ledger_balances()


def test_what_the_merchant_lacks_is_shown_before_it_is_confirmed(cast, signed_in, row):
    spend(cast, 70 * ONE)
    client = signed_in(cast.admin)
    asked = client.get(reverse("panel:credit-reversal-new", args=[row.pk])).content.decode()
    assert ("Missing: the house bears" in asked, "70.00 USDT" in asked, "29.00 USDT" in asked) == (True, True, True)

    client.post(reverse("panel:credit-reversal-new", args=[row.pk]), WHY)

    assert "does not have 70.00 USDT of it any more" in client.get(page_of(row)).content.decode()
    confirm = reverse("panel:credit-reversal-confirm", args=[CreditReversal.objects.get().pk])
    assert "70.00 USDT" in client.get(confirm).content.decode()


def test_with_real_money_another_operator_confirms(cast, signed_in, row, monkeypatch):
    monkeypatch.setattr(credit_reversals, "_ask", lambda _: None)
    ChainTransaction.objects.filter(pk=row.pk).update(mode="live")
    User.objects.exclude(pk=cast.admin.pk).exclude(role__in=["merchant", "api_user"]).update(status="suspended")
    client = signed_in(cast.admin, "live")
    client.post(reverse("panel:credit-reversal-new", args=[row.pk]), WHY)
    made = CreditReversal.objects.get()
    confirm = reverse("panel:credit-reversal-confirm", args=[made.pk])
    page = client.get(page_of(row)).content.decode()
    assert ("Nobody else can confirm it" in page, confirm in page) == (True, False)

    refused = client.post(confirm)

    made.refresh_from_db()
    assert (refused.status_code, made.status, Posting.objects.count()) == (422, "open", 1)
    item = items.credit_reversal_to_confirm(made, Viewer(cast.admin, "live"))
    assert (item.held, [action.text for action in item.actions]) == ("Proposed by you", ["Withdraw"])
    User.objects.filter(pk=cast.super_admin.pk).update(status="active")
    item = items.credit_reversal_to_confirm(made, Viewer(cast.super_admin, "live"))
    assert (item.held, [action.text for action in item.actions]) == ("", ["Reject", "Confirm"])
    assert "so another operator must confirm it" in client.get(page_of(row)).content.decode()
    client.post(reverse("panel:credit-reversal-withdraw", args=[made.pk]), {"note": "Looked again"})
    assert "Looked again" in client.get(page_of(row)).content.decode()


def test_it_is_rejected_with_a_note(cast, signed_in, row):
    signed_in(cast.admin).post(reverse("panel:credit-reversal-new", args=[row.pk]), WHY)
    made, chief = CreditReversal.objects.get(), signed_in(cast.super_admin)
    address = reverse("panel:credit-reversal-reject", args=[made.pk])
    assert "The credit stands" in chief.get(address).content.decode()

    chief.post(address, {"note": "bscscan shows it"})

    made.refresh_from_db()
    assert (made.status, made.note, own(cast.merchant)[0]) == ("rejected", "bscscan shows it", 99 * ONE)
    assert reverse("panel:credit-reversal-new", args=[row.pk]) in chief.get(page_of(row)).content.decode()


def test_nobody_else_sees_or_does_any_of_it(cast, signed_in, row):
    stranger = User.objects.create(email="far@example.com", name="Far", role="admin")
    signed_in(cast.admin).post(reverse("panel:credit-reversal-new", args=[row.pk]), WHY)
    pk = CreditReversal.objects.get().pk
    pages = [page_of(row), reverse("panel:credit-reversal-new", args=[row.pk])]
    pages += [reverse(f"panel:credit-reversal-{step}", args=[pk]) for step in ("confirm", "reject", "withdraw")]
    for user in (cast.merchant_user, cast.api_user, stranger):
        assert {signed_in(user).get(address).status_code for address in pages} == {404}
        assert reading.counts(Viewer(user, "test")).get("credit-reversal", 0) == 0
    assert {signed_in(cast.admin, "live").get(address).status_code for address in pages} == {404}
